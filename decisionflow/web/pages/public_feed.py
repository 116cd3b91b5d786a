"""The Atom feed of notices and answers (RFC 4287): of all, of what a list was asked for, or of one case."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from xml.etree import ElementTree as Xml

from fastapi import APIRouter
from fastapi.responses import Response

from decisionflow.service import authorities
from decisionflow.service.reads import public, public_list
from decisionflow.service.reads.public_list import News, Wanted
from decisionflow.web import doors, portal

router = APIRouter(include_in_schema=False)
ATOM = "http://www.w3.org/2005/Atom"
TYPE = "application/atom+xml; charset=utf-8"


@router.get("/public/feed.atom")
def feed(
    visit: doors.PasserVisit, q: str = "", concerns: str = "", area: str = "", authority: str = "", no: str = ""
) -> Response:  # fmt: skip
    """What is new, newest first. The id of an entry is that of its record, so a reader shows it once."""
    asked = public_list.wanted("open", q, concerns, area, authority)
    with visit.site.store.read() as connection:
        if no:
            public.visible(connection, no)
        mark = public_list.mark(connection)

    def make(anybody: doors.Visit) -> Response:
        with visit.site.store.read() as connection:
            found = authorities.everyone(connection)
            news = public_list.news(connection, found, asked, no=no)
            begun = min((one.since for one in found), default=visit.now.date())
        title = f"{anybody.authority.name if anybody.authority else '各机关'} 征求意见的公告和采纳情况"
        since = datetime(begun.year, begun.month, begun.day, tzinfo=UTC)
        return Response(_atom(visit.site.settings.public_url, title, asked, no, news, since), media_type=TYPE)

    return portal.kept(visit, (asked, no), mark, make)


def _atom(base: str, title: str, asked: Wanted, no: str, news: Sequence[News], since: datetime) -> bytes:
    own = f"/public/feed.atom?no={no}" if no else asked.href("/public/feed.atom", tab="")
    page = f"/public/c/{no}" if no else asked.href(tab="")
    root = Xml.Element("feed", {"xmlns": ATOM, "xml:lang": "zh-CN"})
    _add(root, "id", f"urn:sha256:{hashlib.sha256((base + own).encode()).hexdigest()}")
    _add(root, "title", title)
    _add(root, "updated", _instant(max((one.at for one in news), default=since)))
    Xml.SubElement(root, "link", {"rel": "self", "type": "application/atom+xml", "href": base + own})
    Xml.SubElement(root, "link", {"rel": "alternate", "type": "text/html", "href": base + page})
    for one in news:
        entry = Xml.SubElement(root, "entry")
        _add(entry, "id", f"urn:uuid:{one.id}")
        _add(entry, "title", one.title)
        _add(entry, "updated", _instant(one.at))
        _add(Xml.SubElement(entry, "author"), "name", one.unit or title)
        Xml.SubElement(entry, "link", {"rel": "alternate", "type": "text/html", "href": base + one.href})
        _add(entry, "summary", f"{one.gist} {one.summary}".strip())
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + Xml.tostring(root, "unicode").encode()


def _add(parent: Xml.Element, name: str, words: str) -> None:
    Xml.SubElement(parent, name).text = words


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
