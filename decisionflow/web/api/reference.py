"""/api/v1: files to bring along, procedures, rules, deadlines, and what is public."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Header, UploadFile
from fastapi.responses import JSONResponse

from decisionflow.core import calendar as days
from decisionflow.core import procedure as law
from decisionflow.core.facts import legal_date
from decisionflow.errors import BadInput, NotFound, Problem
from decisionflow.service import authorities, calendars, procedures, staging
from decisionflow.service.reads import public_list
from decisionflow.web import doors

router = APIRouter(prefix="/api/v1", tags=["reference"])


@router.post("/files", status_code=201)
def upload(
    visit: doors.CaseWrite, file: UploadFile, token: Annotated[str, Header(alias="X-CSRF-Token", max_length=200)] = ""
) -> JSONResponse:  # fmt: skip
    """Keep a file for an act to come; its hash names it."""
    doors.api_write(visit, token)
    kept = staging.receive(visit.site.store.blobs, file.filename or "", file.file.read())
    visit.site.store.write(lambda tx: staging.keep(tx, visit.authority, visit.actor, [("", kept)], visit.now))
    return JSONResponse(asdict(kept), 201)


@router.get("/session")
def session(visit: doors.AnyToken) -> JSONResponse:
    """Who one is, through which post, and the token that every write must carry."""
    actor = visit.actor
    return JSONResponse({
        "person": actor.name, "post": actor.post_title, "unit": actor.unit_name, "duties": list(actor.duties),
        "csrf": visit.session.csrf,
    })  # fmt: skip


@router.get("/procedures")
def procedure_list(visit: doors.AnyToken) -> JSONResponse:
    """The published procedure versions."""
    with visit.site.store.read() as connection:
        rows = procedures.published(connection, visit.authority.id)
    items = [{"id": row["id"], "version": row["version"], "title": row["title"], "digest": row["digest"],
              "in_force_from": str(row["in_force_from"]), "in_force_to": str(row["in_force_to"] or "") or None}
             for row in rows]  # fmt: skip
    return JSONResponse({"items": items})


@router.get("/rules/{rule}")
def rule(visit: doors.AnyToken, rule: str) -> JSONResponse:
    """A rule in our words, where the law says it, and how far it is confirmed."""
    with visit.site.store.read() as connection:
        for row in reversed(procedures.published(connection, visit.authority.id)):
            one = procedures.by_digest(connection, visit.authority.id, row["digest"])
            if found := one.rules.get(rule):
                source = one.sources[found.source]
                return JSONResponse({
                    "id": found.id, "title": found.title, "say": found.say, "strength": found.strength, "kind": found.kind,
                    "cite": law.say_cite(found, source), "source": source.title, "confirmed": found.confirmed,
                })  # fmt: skip
    raise NotFound(f"no rule {rule!r}", say="已发布的程序里没有这条规则")


@router.get("/deadline")
def deadline(visit: doors.AnyToken, start: date, length: int, unit: str = "day", kind: str = "min") -> JSONResponse:
    """Where a period ends, counted by the authority's calendar: the raw last day and the day it rolls to."""
    wrong = [
        (unit not in days.UNITS, "unit", f"应当是 {'、'.join(days.UNITS)} 之一"),
        (kind not in ("min", "max", "before"), "kind", "应当是 min、max 或 before"),
        (not 0 < length <= 9999, "length", "应当是 1 到 9999 的整数"),
    ]
    if any(bad for bad, _, _ in wrong):
        raise BadInput([Problem(place, say, rule="choice") for bad, place, say in wrong if bad])
    with visit.site.store.read() as connection:
        official = calendars.current(connection, visit.authority.id, visit.authority.calendar)
    count = (days.before if kind == "before" else days.add)(official, start, days.period(f"{length} {unit}s"))
    return JSONResponse({
        "kind": kind, "unit": unit, "length": length, "starts_on": str(start), "ends_on": str(count.ends_on),
        "rolls_to": str(count.rolls_to), "provisional": count.provisional, "unknown_years": list(count.unknown_years),
        "calendar": count.calendar,
    })  # fmt: skip


@router.get("/public/consultations")
def consultations(visit: doors.AnyVisit, tab: str = "open", q: str = "", cursor: str = "") -> JSONResponse:
    """The public notices for comment."""
    if tab not in public_list.TABS:
        raise BadInput([Problem("tab", f"应当是 {'、'.join(public_list.TABS)} 之一", rule="choice")])
    with visit.site.store.read() as connection:
        found = public_list.shelf(
            connection, authorities.everyone(connection), public_list.wanted(tab, q), cursor[:80], legal_date(visit.now)
        )
    items = [{"no": one.no, "title": one.title, "unit": one.unit, "opens_on": str(one.opens_on), "ends_on": str(one.ends_on),
              "state": one.state, "opinions": one.opinions} for one in found.cards]  # fmt: skip
    return JSONResponse({"items": items, "next_cursor": found.following or None})
