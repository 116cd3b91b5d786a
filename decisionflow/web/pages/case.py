"""S04 事项详情: one case on one page, and its tabs."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response, StreamingResponse
from sqlalchemy import Connection

from decisionflow import render
from decisionflow.core import clocks
from decisionflow.core.facts import legal_date
from decisionflow.errors import Forbidden
from decisionflow.service import consultations, evidence, hearings, panels, permissions, sittings
from decisionflow.service.points import Filter
from decisionflow.service.reads import case as reads
from decisionflow.service.reads import chain, desks, diagram, form, starting, timeline
from decisionflow.service.reads import opinions as public_opinions
from decisionflow.service.reads import reviews as desk
from decisionflow.web import doors
from decisionflow.web.pages.cases import csv_lines
from decisionflow.web.pages.files import disposition

router = APIRouter(include_in_schema=False)
DESKS = ("departments", "hearing", "experts", "risk", "legal-review", "packet", "execution", "dossier")
TABS = (
    ("", "办理情况"), ("checklist", "材料清单"), ("timeline", "时间轴"), ("drafts", "草案版本"), ("opinions", "公众意见"),
    ("people", "人员与责任"), ("health", "体检"), ("plan", "推算"), ("proof", "存证"),
)  # fmt: skip


@router.get("/cases/{no}")
def overview(visit: doors.StaffVisit, no: str) -> HTMLResponse:
    with visit.site.store.read() as connection:
        at = reads.view(connection, visit.authority, visit.actor, no, visit.now)
        found = {
            "map": diagram.drawing(at.procedure, at.facts), "nodes": diagram.nodes(at.procedure, at.facts),
            "why": reads.why(connection, at), "offers": reads.offers(at), "ticking": reads.ticking(at),
            "words": diagram.WORDS,
        }  # fmt: skip
        return _page(visit, connection, at, "", **found)


@router.get("/cases/{no}/checklist")
def checklist(visit: doors.StaffVisit, no: str) -> HTMLResponse:
    with visit.site.store.read() as connection:
        at = reads.view(connection, visit.authority, visit.actor, no, visit.now)
        return _page(visit, connection, at, "checklist", sections=reads.checklist(at))


@router.get("/cases/{no}/timeline")
def history(visit: doors.StaffVisit, no: str, order: str = "new", track: str = "") -> HTMLResponse:
    with visit.site.store.read() as connection:
        at = reads.view(connection, visit.authority, visit.actor, no, visit.now)
        found = timeline.events(connection, visit.authority, at.procedure, at.facts)
        tracks = list(dict.fromkeys(event.track for event in found if event.track))
        shown = [event for event in found if not track or event.track == track]
        events = [_event(event, no) for event in (shown if order == "old" else reversed(shown))]
        return _page(visit, connection, at, "timeline", events=events, order=order, track=track, tracks=tracks)


def _event(event: timeline.Event, no: str) -> dict[str, Any]:
    """An entry for the timeline macro."""
    body = [f"{title}：{said}" for title, said in event.answers]
    body = [*(f"说明理由后办理：{one}" for one in event.deviations), *body]
    late = ""
    if event.late:
        late = f"发生于 {render.moment(event.at)}，登记于 {render.moment(event.recorded)}。"
        late += f"证据：{event.evidence}；理由：{event.reason}"
    moved = f"，进入“{event.stage}”" if event.stage else ""
    fixed = "（已更正）" if event.corrected_by else ""
    return {
        "at": render.moment(event.at), "recorded_at": render.moment(event.recorded) if event.late else "", "late": late,
        "system": event.party.person == "decisionflow", "who": event.party.name,
        "post": f"{event.party.unit_name} {event.party.post_title}".strip(), "did": f"{event.title}{moved}{fixed}",
        "body": "\n".join(body), "cite_text": event.cite, "short_hash": event.sha256[:8], "href": f"/entries/{event.entry}",
        "files": [{"title": paper.title or paper.name, "href": f"/files/{no}/{paper.sha256}"} for paper in event.papers],
    }  # fmt: skip


@router.get("/cases/{no}/drafts")
def drafts(visit: doors.StaffVisit, no: str, old: str = "", new: str = "") -> HTMLResponse:
    with visit.site.store.read() as connection:
        at = reads.view(connection, visit.authority, visit.actor, no, visit.now)
        compared = reads.comparison(visit.site.store.blobs, at.facts, old, new)
        linked = chain.chain(visit.site.store.blobs, at.procedure, at.facts, at.actor)
        return _page(visit, connection, at, "drafts", versions=reads.versions(at.facts), compared=compared, chain=linked,
                     key=secrets.token_urlsafe(16))  # fmt: skip


@router.get("/cases/{no}/opinions")
def opinions(
    visit: doors.StaffVisit, no: str, channel: str = "", stance: str = "", words: str = "", late: str = "", after: str = ""
) -> HTMLResponse:  # fmt: skip
    wanted = Filter(channel[:20], "", stance[:20], words[:60], late == "yes")
    with visit.site.store.read() as connection:
        at = reads.view(connection, visit.authority, visit.actor, no, visit.now)
        found = public_opinions.listing(connection, visit.site.store.blobs, at, wanted, after[:80])
        may_enter = permissions.may_enter_opinions(visit.actor, at.procedure, at.facts)
        asked = consultations.of_case(connection, visit.authority.id, at.facts.case)
        told = {"channel": wanted.channel, "stance": wanted.stance, "words": wanted.words, "late": late}
        return _page(visit, connection, at, "opinions", opinions=found, channels=consultations.CHANNELS,
                     stances=consultations.STANCES, may_enter=may_enter, asked=asked, wanted=wanted,
                     query=urlencode({name: value for name, value in told.items() if value}))  # fmt: skip


@router.get("/cases/{no}/opinions.csv")
def opinions_table(
    visit: doors.StaffVisit, no: str, channel: str = "", stance: str = "", words: str = "", late: str = ""
) -> Response:  # fmt: skip
    """What the public said as a table, a batch at a time; for those who may read it. Raises Forbidden."""
    wanted = Filter(channel[:20], "", stance[:20], words[:60], late == "yes")
    with visit.site.store.read() as connection:
        at = reads.view(connection, visit.authority, visit.actor, no, visit.now)
    if not permissions.may_read_opinions(visit.actor, at.procedure, at.facts):
        raise Forbidden("may not read opinions", say="公众意见的原文只有承办、整理意见的岗位和监督岗位可以看")

    def rows() -> Iterator[bytes]:
        with visit.site.store.read() as connection:
            yield from csv_lines(
                public_opinions.COLUMNS,
                (one.cells for one in public_opinions.everything(connection, visit.site.store.blobs, at, wanted)),
            )

    headers = {"content-disposition": disposition(f"{no}-opinions.csv"), "x-content-type-options": "nosniff"}
    return StreamingResponse(rows(), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/cases/{no}/people")
def people(visit: doors.StaffVisit, no: str) -> HTMLResponse:
    with visit.site.store.read() as connection:
        at = reads.view(connection, visit.authority, visit.actor, no, visit.now)
        spells = desks.spells(connection, visit.authority, at.facts.case, at.standing.calendar, visit.now)
        waits = desks.desks(spells, at.standing.calendar, visit.now)
        ledger = clocks.ledger(at.procedure, at.facts, at.standing.calendar, legal_date(visit.now))
        return _page(visit, connection, at, "people", bearers=reads.bearers(at), waits=waits, ledger=ledger)


@router.get("/cases/{no}/proof")
def proof(visit: doors.StaffVisit, no: str) -> HTMLResponse:
    with visit.site.store.read() as connection:
        at = reads.view(connection, visit.authority, visit.actor, no, visit.now)
        return _page(visit, connection, at, "proof", proof=reads.proof(connection, at))


@router.get("/cases/{no}/package")
def package(visit: doors.StaffVisit, no: str, view: str = "internal") -> Response:
    """The evidence package as a download; personal words leave only for those who may read them."""
    with visit.site.store.read() as connection:
        at = reads.view(connection, visit.authority, visit.actor, no, visit.now)
        chosen = reads.package_view(at, view)
        signer = visit.site.signer(visit.authority.id)
        data = evidence.package(connection, visit.site.store.blobs, signer, visit.authority, no, chosen, visit.now)
    headers = {"content-disposition": disposition(f"{no}-{chosen}.zip"), "x-content-type-options": "nosniff"}
    return Response(data, media_type="application/zip", headers=headers)


def _page(visit: doors.Staff, connection: Connection, at: reads.View, tab: str, **found: Any) -> HTMLResponse:
    return visit.page("case", identity=identity_of(at), facts=at.facts, tab=tab, tabs=tabs_of(at, tab), **found)


def identity_of(at: reads.View) -> Any:
    """The identity line that stands on every page of a case."""
    return form.identity(at.procedure, at.facts, at.standing.head.sha256)


def tabs_of(at: reads.View, current: str) -> list[dict[str, Any]]:
    """The tabs of a case, for its own pages and for those that lie beside them."""
    counts = {
        "checklist": reads.progress(reads.checklist(at)),
        "drafts": str(at.facts.text.version) if at.facts.text else "",
    }
    return [*_tabs(at.facts.no, current, counts), *_desks(at, current)]


def _desks(at: reads.View, current: str) -> list[dict[str, Any]]:
    """The desks of a case in the order of the procedure: each for those who may see it, where the procedure has acts for it."""
    own = {one.name: one.title for one in starting.desks(at.procedure, at.facts)}
    if hearings.lines(at.procedure) and permissions.may_read_signups(at.actor, at.procedure, at.facts):
        own["hearing"] = "听证会"
    if panels.act_of(at.procedure, "select") and permissions.may_read_panel(at.actor, at.procedure, at.facts):
        own["experts"] = "专家"
    if desk.reads_desk(at):
        own["legal-review"] = "合法性审查"
    if sittings.act_of(at.procedure, "submit"):
        own["packet"] = "上会"
    return [
        {"title": own[name], "href": f"/cases/{at.facts.no}/{name}", "current": current == name, "count": "", "desk": True}
        for name in DESKS if name in own
    ] + _backwards(at)  # fmt: skip


def _backwards(at: reads.View) -> list[dict[str, Any]]:
    """The way from a case to looking at it backwards, for those who may."""
    if not permissions.may_inspect(at.actor):
        return []
    return [
        {"title": "倒查", "href": f"/trace/case/{at.facts.no}", "current": False, "count": "", "desk": True}
    ]  # fmt: skip


def _tabs(no: str, current: str, counts: dict[str, str]) -> Sequence[dict[str, Any]]:
    return [
        {
            "title": title,
            "href": f"/cases/{no}/{name}".rstrip("/"),
            "current": name == current,
            "count": counts.get(name, ""),
            "desk": False,
        }
        for name, title in TABS
    ]
