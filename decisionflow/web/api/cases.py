"""/api/v1/cases: what a case is, whether it can go on, and the acts that move it: the same step as every other door."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from decisionflow.core import machine
from decisionflow.core.facts import Facts, Paper, stamp
from decisionflow.errors import BadInput, DecisionflowError, Problem
from decisionflow.service import staging, steps
from decisionflow.service.actors import duty_for
from decisionflow.service.reads import case as page
from decisionflow.service.reads import cases as listed
from decisionflow.service.reads import findings, timeline
from decisionflow.service.reads import why as reasons
from decisionflow.web import doors

router = APIRouter(prefix="/api/v1", tags=["cases"])


class Material(BaseModel):
    """A paper of an act: its kind, and the hash of a file that was uploaded before."""

    model_config = ConfigDict(extra="forbid", strict=True)
    kind: str = Field(max_length=40)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    title: str = Field(default="", max_length=120)


class DraftBody(BaseModel):
    """A new version of the draft."""

    model_config = ConfigDict(extra="forbid", strict=True)
    title: str = Field(max_length=200)
    paragraphs: list[str] = Field(max_length=2000)


class Act(BaseModel):
    """What somebody submits. `fields` are those of the action in the procedure; texts, lists and objects, never floats."""

    model_config = ConfigDict(extra="forbid")
    action: str = Field(max_length=40)
    fields: dict[str, Any] = {}
    materials: list[Material] = Field(default=[], max_length=60)
    draft: DraftBody | None = None
    occurred_at: datetime | None = None
    evidence: str = Field(default="", max_length=500)
    reason: str = Field(default="", max_length=500)
    procedure: str = Field(default="", max_length=80)


class PreconditionRequired(DecisionflowError):
    """An act on a case must say which state of it was seen."""

    code = "precondition-required"
    status = 428


Key = Annotated[str, Header(alias="Idempotency-Key", max_length=200)]
Seen = Annotated[str, Header(alias="If-Match", max_length=200)]
Token = Annotated[str, Header(alias="X-CSRF-Token", max_length=200)]


@router.get("/cases")
def case_list(
    visit: doors.CaseRead, q: str = "", stage: str = "", unit: str = "", lamp: str = "", state: str = "open", cursor: str = ""
) -> JSONResponse:  # fmt: skip
    """A page of the cases that this post may see, newest first."""
    asked = listed.wanted(q, stage, unit, lamp, state, cursor)
    with visit.site.store.read() as connection:
        found = listed.listing(connection, visit.authority, visit.actor, visit.now, asked)
    items = [
        {"no": row.no, "title": row.title, "unit": row.unit, "procedure": row.procedure, "stage": row.stage,
         "light": {"kind": row.light.kind, "text": row.light.text,
                   "due_on": row.light.due_on.isoformat() if row.light.due_on else None,
                   "provisional": row.light.provisional},
         "public": row.public, "ended": row.ended, "opened_at": stamp(row.opened_at)}
        for row in found.rows
    ]  # fmt: skip
    return JSONResponse({"items": items, "next_cursor": found.more or None, "count": found.count})


@router.post("/cases", status_code=201)
def open_case(visit: doors.CaseWrite, body: Act, key: Key = "", token: Token = "") -> Response:
    """Open a case: the opening action of the procedure."""
    return _act(visit, "", body, key, "", token)


@router.get("/cases/{no}")
def case(visit: doors.CaseRead, no: str) -> JSONResponse:
    """A case: its stages, its matter, who holds which duty, and the state to give back as If-Match."""
    with visit.site.store.read() as connection:
        at = page.view(connection, visit.authority, visit.actor, no, visit.now)
    facts, procedure = at.facts, at.procedure
    body = {
        "no": facts.no, "title": facts.title, "procedure": {"id": procedure.id, "version": procedure.version,
                                                            "digest": procedure.digest},
        "matter": dict(facts.matter), "duties": {duty: list(held) for duty, held in facts.duties.items()},
        "stages": [{"track": name, "title": track.title, "stage": facts.stages[name],
                    "stage_title": track.stages[facts.stages[name]], "round": facts.rounds[name], "etag": facts.heads[name]}
                   for name, track in procedure.tracks.items()],
        "ended": procedure.is_ended(facts.stages), "entries": facts.seq, "sha256": at.standing.head.sha256,
    }  # fmt: skip
    return JSONResponse(body, headers={"etag": f'"{at.standing.head.sha256}"'})


@router.get("/cases/{no}/gates/{action}")
def gates(visit: doors.CaseRead, no: str, action: str) -> JSONResponse:
    """Can it go on? The object behind the page's card and `decisionflow why`; always 200 for a case one may see."""
    with visit.site.store.read() as connection:
        at = page.view(connection, visit.authority, visit.actor, no, visit.now)
        answer = reasons.why(connection, visit.authority, at.facts.no, action, visit.now)
    return JSONResponse(reasons.as_json(answer))


@router.get("/cases/{no}/actions")
def actions(visit: doors.CaseRead, no: str) -> JSONResponse:
    """What this post may do now, with the fields that each act takes."""
    with visit.site.store.read() as connection:
        at = page.view(connection, visit.authority, visit.actor, no, visit.now)
    items = []
    for action in machine.offered(at.procedure, at.facts.stages):
        if action.id == at.procedure.opening or not duty_for(at.procedure, action, at.actor, at.facts):
            continue
        outlook = steps.outlook(at.standing, at.actor, action.id, at.now)
        items.append({
            "action": action.id, "title": action.title, "track": action.track, "possible": outlook.possible,
            "etag": at.facts.heads[action.track], "rules": list(action.rules), "binding": action.binding,
            "findings": [findings.as_json(one) for one in outlook.findings],
            "fields": [spec.model_dump(mode="json", exclude_defaults=True) for spec in action.asks],
            "materials": [{"kind": paper.kind, "required": paper.required} for paper in action.materials],
        })  # fmt: skip
    return JSONResponse({"items": items})


@router.post("/cases/{no}/actions", status_code=201)
def act(visit: doors.CaseWrite, no: str, body: Act, key: Key = "", seen: Seen = "", token: Token = "") -> Response:
    """Take an act. 201 with the entry; 409 with findings when refused; 412 when the line has moved on."""
    with visit.site.store.read() as connection:
        steps.visible(connection, visit.authority, visit.actor, no)
    if not seen.strip('"'):
        raise PreconditionRequired("If-Match is missing", say="请在 If-Match 中给出所见环节的 etag（见 /cases/{编号}）")
    return _act(visit, no, body, key, seen.strip('"'), token)


def _act(visit: doors.Staff, no: str, body: Act, key: str, seen: str, token: str) -> Response:
    doors.api_write(visit, token)
    if not key:
        raise BadInput([Problem("Idempotency-Key", "请给每次办理一个唯一的请求编号", rule="key")])
    text = steps.DraftText(body.draft.title, tuple(body.draft.paragraphs)) if body.draft else None
    with visit.site.store.read() as connection:
        facts = steps.visible(connection, visit.authority, visit.actor, no).facts if no else None
        papers = tuple(_papers(visit, connection, body, facts))
    ask = steps.Ask(body.action, key, no, body.fields, papers, text, seen, body.occurred_at, body.evidence, body.reason,
                    body.procedure or (visit.authority.procedure if not no else ""))  # fmt: skip
    if body.occurred_at is not None and body.occurred_at.tzinfo is None:
        raise BadInput([Problem("occurred_at", "时间须写明时区，如 2026-11-23T10:32:00+08:00", rule="instant")])
    done = doors.take(visit, ask)
    if isinstance(done, steps.Held):
        return _refused(visit, done)
    headers = {"location": f"/api/v1/cases/{done.no}"} | ({"idempotent-replayed": "true"} if done.repeated else {})
    body_out = {"no": done.no, "entry": done.entry, "sha256": done.sha256, "action": done.action, "repeated": done.repeated,
                "hints": [findings.as_json(one) for one in done.hints]}  # fmt: skip
    return JSONResponse(body_out, 200 if done.repeated else 201, headers=headers)


def _papers(visit: doors.Staff, connection: Any, body: Act, facts: Facts | None) -> list[Paper]:
    """The files that are named: uploaded by this person before, or in the dossier. Raises BadInput."""
    named = [one.sha256 for one in body.materials]
    known = staging.admitted(connection, visit.authority, visit.actor, facts, named, visit.now)
    problems = [Problem(f"materials[{n}].sha256", "没有上传过这个文件，请先 POST /api/v1/files", rule="file")
                for n, one in enumerate(body.materials) if one.sha256 not in known]  # fmt: skip
    if problems:
        raise BadInput(problems)
    return [
        Paper(one.kind, one.title or known[one.sha256].name, one.sha256, known[one.sha256].size, known[one.sha256].type,
              known[one.sha256].name)
        for one in body.materials
    ]  # fmt: skip


def _refused(visit: doors.Staff, held: steps.Held) -> JSONResponse:
    blocking = held.refused.blocking
    wrong = held.refused.wrong_duty
    body = {
        "type": "/problems/acting-post" if wrong else "/problems/gate-not-satisfied", "title": "条件未满足",
        "status": 403 if wrong else 409, "instance": visit.request.url.path,
        "detail": f"不能{held.refused.action.title}：缺 {len(blocking)} 项", "action": held.refused.action.id,
        "blockers": [findings.as_json(one) for one in blocking],
    }  # fmt: skip
    return JSONResponse(body, 403 if wrong else 409, media_type="application/problem+json")


@router.get("/cases/{no}/timeline")
def history(visit: doors.CaseRead, no: str) -> JSONResponse:
    """Every entry of the case, oldest first."""
    with visit.site.store.read() as connection:
        at = page.view(connection, visit.authority, visit.actor, no, visit.now)
        found = timeline.events(connection, visit.authority, at.procedure, at.facts)
    return JSONResponse({"items": [timeline.as_json(one) for one in found]})


@router.get("/cases/{no}/materials")
def materials(visit: doors.CaseRead, no: str) -> JSONResponse:
    """The papers that the procedure asks for, and how each stands."""
    with visit.site.store.read() as connection:
        at = page.view(connection, visit.authority, visit.actor, no, visit.now)
    items = [{"section": section.title, "title": row.title, "status": row.status, "hint": row.hint, "cite": row.cite}
             for section in page.checklist(at) for row in section.rows]  # fmt: skip
    return JSONResponse({"items": items})
