"""S19 会议议程, S20 会议记录: calling a meeting, its agenda and papers, and its record by matter, each line an ordinary act."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import datetime, time
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response
from starlette.datastructures import FormData, UploadFile

from decisionflow.core.facts import SHANGHAI, Paper, legal_date
from decisionflow.errors import BadInput, NotFound, Problem, Settled
from decisionflow.service import agenda, meetings, minutes, staging, steps
from decisionflow.service.agenda import Call
from decisionflow.service.reads import form as forms
from decisionflow.service.reads import meetings as reads
from decisionflow.service.reads import public_notice, refusals
from decisionflow.service.staging import set_down
from decisionflow.store.blobs import TooLarge, WrongKind
from decisionflow.web import doors
from decisionflow.web.pages import act
from decisionflow.web.pages.files import disposition

router = APIRouter(include_in_schema=False)
CALL = tuple(one.name for one in fields(Call))
ROWS = 4  # lines for those who attend, on the form that begins a matter


def _word(form: FormData, name: str) -> str:
    found = form.get(name)
    return found if isinstance(found, str) else ""


# ---- all meetings --------------------------------------------------------------------------------------------


@router.get("/meetings")
def listing(visit: doors.StaffVisit) -> HTMLResponse:
    return _listing(visit)


def _listing(
    visit: doors.Staff, status: int = 200, errors: dict[str, str] | None = None, given: dict[str, str] | None = None
) -> HTMLResponse:  # fmt: skip
    with visit.site.store.read() as connection:
        reads.visible(connection, visit.authority, visit.actor, visit.now)
        found = reads.listing(connection, visit.authority)
        chief = next((one.name for one in reads.members(connection, visit.authority, visit.now)), "")
    blank = Call(planned_on="", starts="09:00", chair=chief).body | {"key": secrets.token_urlsafe(24)}
    return visit.page(
        "meetings", status, found=found, errors=errors or {}, given=blank | (given or {}), types=meetings.TYPES,
        states=meetings.STATES, keeps=reads.keeps(visit.actor),
    )  # fmt: skip


@router.post("/meetings")
def call(visit: doors.StaffVisit, form: doors.Posted) -> Response:
    """Call a meeting."""
    doors.token(visit, form)
    given = {name: _word(form, name) for name in CALL}
    try:
        meeting = visit.site.store.write(
            lambda tx: agenda.call(tx, visit.authority, visit.actor, Call(**given), visit.now)
        )
    except BadInput as fault:
        return _listing(visit, fault.status, {one.place: one.say for one in fault.problems}, given)
    except Settled as fault:
        return _listing(visit, fault.status, {"no": fault.say}, given)
    return doors.go(f"/meetings/{meeting}/agenda")


# ---- the agenda ----------------------------------------------------------------------------------------------


@router.get("/meetings/{meeting}/agenda")
def board(visit: doors.StaffVisit, meeting: str) -> HTMLResponse:
    return _board(visit, meeting)


def _board(
    visit: doors.Staff, meeting: str, status: int = 200, *, errors: dict[str, str] | None = None,
    given: dict[str, str] | None = None, card: refusals.Card | None = None,
) -> HTMLResponse:  # fmt: skip
    with visit.site.store.read() as connection:
        found = reads.board(connection, visit.authority, visit.actor, meeting, visit.now)
    row = found.row
    said = {name: str(row[name]) for name in CALL}
    typed = dict.fromkeys(("reason", "urgent", "words", "why"), "") | said | {"key": secrets.token_urlsafe(24)}
    return visit.page(
        "agenda", status, found=found, row=row, states=meetings.STATES, errors=errors or {}, given=typed | (given or {}),
        card=card,
    )  # fmt: skip


def _deed(
    visit: doors.Staff, meeting: str, form: FormData, place: str, deed: Callable[[doors.Tx], Any],
    given: dict[str, str] | None = None, names: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    """Do something with a meeting; what is wrong with it stands on its page, with what was typed."""
    doors.token(visit, form)
    try:
        outcome = doors.write(visit, deed)
    except doors.NeedProof as fault:
        return _board(visit, meeting, fault.status, errors={place: fault.say}, given=given)
    except BadInput as fault:
        errors = {(names or {}).get(one.place, one.place): one.say for one in fault.problems}
        return _board(visit, meeting, fault.status, errors=errors, given=given)
    except Settled as fault:
        return _board(visit, meeting, fault.status, errors={place: fault.say}, given=given)
    if isinstance(outcome, steps.Held):
        return _board(visit, meeting, 409, card=_card(visit, outcome), given=given)
    return doors.go(f"/meetings/{meeting}/agenda")


def _card(visit: doors.Staff, held: steps.Held) -> refusals.Card:
    with visit.site.store.read() as connection:
        standing = steps.load(connection, visit.authority, held.no)
        at = refusals.lookout(connection, visit.authority, visit.actor, standing.procedure, standing.facts, visit.now)
    return refusals.card(held.refused.action, held.refused.findings, at, form=False)


@router.post("/meetings/{meeting}/change")
def change(visit: doors.StaffVisit, meeting: str, form: doors.Posted) -> Response:
    """Put a meeting off, or hold it elsewhere."""
    given = {name: _word(form, name) for name in (*CALL, "reason")}
    said = Call(**{name: given[name] for name in CALL})
    return _deed(visit, meeting, form, "reason", lambda tx: agenda.change(
        tx, visit.authority, visit.actor, meeting, said, given["reason"], visit.now), given)  # fmt: skip


@router.post("/meetings/{meeting}/cancel")
def cancel(visit: doors.StaffVisit, meeting: str, form: doors.Posted) -> Response:
    """Cancel a meeting that has nothing on its agenda."""
    given = {"reason": _word(form, "reason")}
    return _deed(visit, meeting, form, "reason", lambda tx: agenda.cancel(
        tx, visit.authority, visit.actor, meeting, given["reason"], visit.now), given)  # fmt: skip


@router.post("/meetings/{meeting}/lock")
def lock(visit: doors.StaffVisit, meeting: str, form: doors.Posted) -> Response:
    """Lock the agenda."""
    return _deed(visit, meeting, form, "", lambda tx: agenda.lock(tx, visit.authority, visit.actor, meeting, visit.now))


@router.post("/meetings/{meeting}/deliver")
def deliver(visit: doors.StaffVisit, meeting: str, form: doors.Posted) -> Response:
    """Deliver the papers, as they stand, to those who were ticked."""
    chosen = [one for one in form.getlist("person") if isinstance(one, str)]
    return _deed(visit, meeting, form, "persons", lambda tx: agenda.deliver(
        tx, visit.authority, visit.actor, meeting, chosen, visit.now, legal_date(visit.now)))  # fmt: skip


@router.post("/meetings/{meeting}/file")
def file_minutes(visit: doors.StaffVisit, meeting: str, form: doors.Posted) -> Response:
    """Draw up the minutes of the whole meeting and file them; afterwards they are only added to."""
    data = _minutes(visit, meeting)
    return _deed(
        visit,
        meeting,
        form,
        "",
        lambda tx: agenda.file_minutes(tx, visit.authority, visit.actor, meeting, data, visit.now),
    )


@router.post("/meetings/{meeting}/minutes")
def add(visit: doors.StaffVisit, meeting: str, form: doors.Posted) -> Response:
    """Append a correction to the minutes."""
    given = {name: _word(form, name) for name in ("words", "why")}
    return _deed(visit, meeting, form, "words", lambda tx: agenda.add_to_minutes(
        tx, visit.authority, visit.actor, meeting, given["words"], given["why"], visit.now), given)  # fmt: skip


def _minutes(visit: doors.Staff, meeting: str) -> bytes:
    """The minutes as they would be filed now. Raises NotFound, Settled."""
    with visit.site.store.read() as connection:
        reads.visible(connection, visit.authority, visit.actor, visit.now)
        row = meetings.one(connection, visit.authority.id, meeting)
        items = meetings.items(connection, visit.authority, row)
        given = meetings.deliveries(connection, row)
        before = meetings.originals(connection, visit.authority, items)
    if not items:
        raise Settled("nothing on the agenda", say="议程上没有议题，没有纪要可以生成")
    notice = minutes.notice_line(row, given, legal_date(row["called_at"]))
    return minutes.summary_file(
        visit.site.store.blobs, row, items, reads.recorders(items), legal_date(visit.now), before, notice
    )


@router.get("/meetings/{meeting}/minutes.docx")
def minutes_file(visit: doors.StaffVisit, meeting: str, part: str = "") -> Response:
    """The minutes as filed, byte for byte; before that a draft; with `part=added` the corrections since."""
    with visit.site.store.read() as connection:
        reads.visible(connection, visit.authority, visit.actor, visit.now)
        row = meetings.one(connection, visit.authority.id, meeting)
    if part == "added":
        data, name = minutes.corrections_file(row, agenda.additions(row), legal_date(visit.now)), "纪要的更正和补充"
    elif row["minutes"]:
        data, name = visit.site.store.blobs.get(row["minutes"]), "纪要"
    else:
        data, name = _minutes(visit, meeting), "纪要（草稿）"
    headers = {
        "content-disposition": disposition(f"{meetings.title(row)}{name}.docx"), "x-content-type-options": "nosniff"
    }  # fmt: skip
    return Response(data, media_type=agenda.MEDIA, headers=headers)


@router.get("/meetings/{meeting}/papers/{no}")
def papers(visit: doors.StaffVisit, meeting: str, no: str) -> HTMLResponse:
    """Open the papers of a matter; the first time, that is the receipt of whoever they were delivered to."""
    with visit.site.store.read() as connection:
        found = reads.papers(connection, visit.authority, visit.actor, meeting, no, visit.now)
    if found.receipt and found.receipt["opened_at"] is None:
        visit.site.store.write(lambda tx: agenda.opened(tx, visit.authority, visit.actor, meeting, no, visit.now))
        with visit.site.store.read() as connection:
            found = reads.papers(connection, visit.authority, visit.actor, meeting, no, visit.now)
    facts = found.item.facts
    document = public_notice.document_of(visit.site.store.blobs, facts.text.sha256 if facts.text else "")
    return visit.page(
        "meeting_papers", found=found, facts=facts, document=document, identity=_identity(found.view.standing)
    )


@router.post("/meetings/{meeting}/agenda/{no}/{deed}")
def arrange(visit: doors.StaffVisit, meeting: str, no: str, deed: str, form: doors.Posted) -> Response:
    """Put a matter on the agenda, take it off, or move it up or down."""
    given = {name: _word(form, name) for name in ("urgent", "reason", "key")}
    who = (visit.authority, visit.actor, meeting, no)
    ways: dict[str, Callable[[doors.Tx], Any]] = {
        "add": lambda tx: agenda.add(tx, *who, given["urgent"], given["key"], visit.now),
        "remove": lambda tx: agenda.remove(tx, *who, given["reason"], given["key"], visit.now),
        "up": lambda tx: agenda.move(tx, *who, -1, visit.now),
        "down": lambda tx: agenda.move(tx, *who, 1, visit.now),
    }
    if deed not in ways:
        raise NotFound(f"no deed {deed!r}", say="没有这个页面")
    return _deed(visit, meeting, form, "agenda", ways[deed], given, {"urgent_reason": "urgent", "meeting": "agenda"})


# ---- the record ----------------------------------------------------------------------------------------------


@router.get("/meetings/{meeting}/record")
def room(visit: doors.StaffVisit, meeting: str, no: str = "") -> HTMLResponse:
    return _room(visit, meeting, no)


def _room(
    visit: doors.Staff, meeting: str, no: str, status: int = 200, *, errors: dict[str, str] | None = None,
    given: dict[str, str] | None = None, card: refusals.Card | None = None,
) -> HTMLResponse:  # fmt: skip
    with visit.site.store.read() as connection:
        found = reads.room(connection, visit.site.store.blobs, visit.authority, visit.actor, meeting, no, visit.now)
    return visit.page(
        "record", status, found=found, row=found.row, facts=found.item.facts, identity=_identity(found.standing),
        errors=errors or {}, given=given or {}, card=card, key=secrets.token_urlsafe(24), rows=range(ROWS),
        outcome=reads.summary(found.item.sitting.decided, visit.site.store.blobs),
    )  # fmt: skip


def _identity(standing: steps.Standing) -> dict[str, Any]:
    return forms.identity(standing.procedure, standing.facts, standing.head.sha256)


@router.post("/meetings/{meeting}/late")
def late(visit: doors.StaffVisit, meeting: str, form: doors.Posted) -> Response:
    """From here on what is entered happened earlier, by this evidence; or no longer."""
    doors.token(visit, form)
    no, place = _word(form, "no"), reads.late_place(meeting)
    pairs = [(name, _word(form, name).strip()[:300]) for name in ("evidence", "reason")]
    if _word(form, "do") == "live":
        visit.site.store.write(lambda tx: staging.give_up(tx, visit.authority, visit.actor, place))
    elif not all(words for _, words in pairs):
        say = "补录请写明证据（签到表、原始记录的名称和编号）和理由"
        return _room(visit, meeting, no, 422, errors={"evidence": say}, given=dict(pairs))
    else:
        visit.site.store.write(lambda tx: set_down(tx, visit.authority, visit.actor, place, pairs, "", visit.now))
    return doors.go(_record(meeting, no))


def _record(meeting: str, no: str, at: str = "") -> str:
    return f"/meetings/{meeting}/record?no={no}" + (f"#{at}" if at else "")


@router.post("/meetings/{meeting}/record/{no}/{role}")
def record(visit: doors.StaffVisit, meeting: str, no: str, role: str, form: doors.Posted) -> Response:
    """One line of the record: who is there, what was said, who confirms it, what is decided. Each is the matter's act."""
    doors.token(visit, form)
    with visit.site.store.read() as connection:
        found = reads.room(connection, visit.site.store.blobs, visit.authority, visit.actor, meeting, no, visit.now)
    given = {name: value for name, value in form.multi_items() if isinstance(value, str)}
    if role == "correct":
        return _correct(visit, found, given)
    if role == "read":
        return _read_out(visit, meeting, no, given)
    try:
        if role == "decide":
            return _decide(visit, found, form)
        asks = list(_asks(visit, found, role, form))
    except BadInput as fault:
        return _room(
            visit, meeting, no, fault.status, errors={one.place: one.say for one in fault.problems}, given=given
        )
    return _taken(visit, meeting, no, asks, given)


def _taken(
    visit: doors.Staff, meeting: str, no: str, asks: Sequence[steps.Ask], given: dict[str, str]
) -> Response:  # fmt: skip
    for ask in asks:
        try:
            outcome = doors.take(visit, ask)
        except doors.NeedProof as fault:
            return _room(visit, meeting, no, fault.status, errors={"prove": fault.say}, given=given)
        except BadInput as fault:
            errors = {one.place: one.say for one in fault.problems}
            return _room(visit, meeting, no, fault.status, errors=errors, given=given)
        if isinstance(outcome, steps.Held):
            status = 403 if outcome.refused.wrong_duty else 409
            return _room(visit, meeting, no, status, card=_card(visit, outcome), given=given)
    return doors.go(_record(meeting, no, "said"))


def _read_out(visit: doors.Staff, meeting: str, no: str, given: dict[str, str]) -> Response:
    try:
        visit.site.store.write(lambda tx: agenda.read_out(
            tx, visit.authority, visit.actor, meeting, no, given.get("note", ""), visit.now))  # fmt: skip
    except BadInput as fault:
        return _room(visit, meeting, no, 422, errors={one.place: one.say for one in fault.problems}, given=given)
    except Settled as fault:
        return _room(visit, meeting, no, 409, errors={"note": fault.say}, given=given)
    return doors.go(_record(meeting, no, "said"))


def _correct(visit: doors.Staff, found: reads.Room, given: dict[str, str]) -> Response:
    """Correct a line of the record by a new entry that points at it; what was recorded first stays beside it."""
    meeting, no = found.row["id"], found.item.facts.no
    line = next((one.speech.act for one in found.lines if str(one.speech.n) == given.get("fix")), None)
    if line is None:
        return _room(visit, meeting, no, 422, errors={"fix": "请选择要更正的发言"}, given=given)
    said = {"position": given.get("fixed_position", ""), "words": given.get("fixed_words", "").strip()}
    raw = {name: words for name, words in said.items() if words}
    reason = given.get("fixed_why", "").strip()
    if not raw or not reason:
        say = "请写明改成什么" if reason else "请写明为什么更正"
        return _room(visit, meeting, no, 422, errors={"fixed_words" if reason else "fixed_why": say}, given=given)
    ask = steps.Ask(line.action, given.get("key", ""), no, raw, reason=reason)
    try:
        outcome = doors.write(
            visit, lambda tx: steps.correct(tx, visit.authority, visit.actor, ask, line.entry, visit.now)
        )
    except doors.NeedProof as fault:
        return _room(visit, meeting, no, fault.status, errors={"fixed_words": fault.say}, given=given)
    except BadInput as fault:
        return _room(visit, meeting, no, fault.status, errors={"fixed_words": fault.problems[0].say}, given=given)
    if isinstance(outcome, steps.Held):
        status = 403 if outcome.refused.wrong_duty else 409
        return _room(visit, meeting, no, status, card=_card(visit, outcome), given=given)
    return doors.go(_record(meeting, no, "said"))


def _asks(visit: doors.Staff, found: reads.Room, role: str, form: FormData) -> Iterator[steps.Ask]:
    """The acts that a form of this page asks for. Raises BadInput, NotFound."""
    action = found.acts.get(role)
    if action is None or role not in ("convene", "presence", "speech", "confirm"):
        raise NotFound(f"no {role} in a record", say="没有这个页面")
    key, late = _word(form, "key"), _timing(found, form, role)
    if role == "confirm":
        yield from _confirmations(visit, found, form, key, late)
        return
    raw = {"convene": _convened, "presence": _moved, "speech": _spoken}[role](found, form)
    given = {name: value for name, value in raw.items() if value not in ("", [], None) and action.field(name)}
    yield steps.Ask(action.id, key, found.item.facts.no, given, **late)


def _timing(found: reads.Room, form: FormData, role: str) -> dict[str, Any]:
    """When it happened, where what is entered here is late. Raises BadInput."""
    if found.late is None:
        return {}
    name = "time" if role == "presence" else f"time_{role}"
    words = _word(form, name)
    try:
        at = datetime.combine(found.row["planned_on"], time.fromisoformat(words), SHANGHAI)
    except ValueError as fault:
        raise BadInput([Problem(name, "补录请写明会上的时间，如 09:20", rule="time")]) from fault
    return {"happened": at, "evidence": found.late.evidence, "reason": found.late.reason}


def _convened(found: reads.Room, form: FormData) -> dict[str, Any]:
    many = range(len(found.roll) + ROWS)
    roll = [
        {name: _word(form, f"roll.{n}.{name}").strip() for name in ("name", "role", "presence", "note")} for n in many
    ]
    sits = [{name: _word(form, f"attendees.{n}.{name}").strip() for name in ("name", "unit")} for n in many]
    return {
        "meeting_type": found.row["type"], "meeting_no": found.row["no"], "chair": _word(form, "chair"),
        "chair_is": _word(form, "chair_is"), "chair_delegation": _word(form, "chair_delegation").strip(),
        "roll": [{name: words for name, words in one.items() if words} for one in roll if one["name"] and one["presence"]],
        "attendees": [{name: words for name, words in one.items() if words} for one in sits if one["name"]],
    }  # fmt: skip


def _moved(found: reads.Room, form: FormData) -> dict[str, Any]:
    return {
        "name": _word(form, "name"), "change": _word(form, "change"), "ground": _word(form, "ground").strip(),
        "at": _at(found, form),
    }  # fmt: skip


def _spoken(found: reads.Room, form: FormData) -> dict[str, Any]:
    role, _, name = _word(form, "who").partition("|")
    other = _word(form, "other").strip()
    if other:
        role, name = _word(form, "other_role") or "attendee", other
    if not name:
        raise BadInput([Problem("who", "请选择发言人，或者写明姓名", rule="required")])
    written = _word(form, "written") == "yes"
    dated = _word(form, "at").strip()
    if written and not dated:
        raise BadInput([Problem("at", "书面意见请写明提出的时间：须在会议结束以前", rule="required")])
    return {
        "speaker": name, "role": role, "position": _word(form, "position"), "words": _word(form, "words"),
        "written": "yes" if written else "", "at": f"{dated}:00+08:00" if len(dated) == 16 else dated,
    }  # fmt: skip


def _at(found: reads.Room, form: FormData) -> str:
    """A time of the meeting's day as an instant; '' when none is given. Raises BadInput."""
    words = _word(form, "time")
    if not words:
        return ""
    try:
        return datetime.combine(found.row["planned_on"], time.fromisoformat(words), SHANGHAI).isoformat()
    except ValueError as fault:
        raise BadInput([Problem("time", "时间应写作 09:20", rule="time")]) from fault


def _confirmations(
    visit: doors.Staff, found: reads.Room, form: FormData, key: str, late: Mapping[str, Any]
) -> Iterator[steps.Ask]:  # fmt: skip
    """One act for each ticked line: the speaker's own, or attested by the signed page."""
    action = found.acts["confirm"]
    chosen = {int(one) for one in form.getlist("line") if isinstance(one, str) and one.isdigit() and len(one) < 6}
    lines = [one for one in found.lines if one.speech.n in chosen]
    if not lines:
        raise BadInput([Problem("line", "请勾选要确认的发言", rule="required")])
    how = _word(form, "how")
    papers: tuple[Paper, ...] = ()
    if how == "attested":
        papers = (_page(visit, action.materials[0].kind, form.get("page")),)
    elif not all(one.mine for one in lines):
        raise BadInput([Problem("line", "只能确认自己的发言；代为证明的，请附签字的记录页", rule="DF-MEETING")])
    for one in lines:
        raw: dict[str, Any] = {"speaker": one.speech.speaker, "how": how, "line": str(one.speech.n)}
        speaker = one.speech.act.fields.get("speaker")
        raw["speaker"] = (
            speaker.get("id") or speaker.get("name") if isinstance(speaker, Mapping) else one.speech.speaker
        )
        given = {name: value for name, value in raw.items() if action.field(name)}
        yield steps.Ask(action.id, f"{key}-{one.speech.n}", found.item.facts.no, given, papers, **late)


def _page(visit: doors.Staff, kind: str, upload: Any) -> Paper:
    """The scanned page that was signed. Raises BadInput."""
    if not isinstance(upload, UploadFile) or not upload.filename:
        raise BadInput([Problem("page", "请附上发言人签字的记录页（扫描件）", rule="required")])
    blobs = visit.site.store.blobs
    try:
        file = staging.receive(blobs, upload.filename, upload.file.read(blobs.limit + 1))
    except (WrongKind, TooLarge) as fault:
        raise BadInput([Problem("page", fault.say, rule="file")]) from fault
    return file.paper(kind)


def _decide(visit: doors.Staff, found: reads.Room, form: FormData) -> Response:
    """Draw up the record with the intended decision, and go on to the act's own page of confirmation."""
    chosen = next((one for one in found.stands if one.action.id == _word(form, "outcome")), None)
    if chosen is None:
        raise BadInput([Problem("outcome", "请选择决定的结果", rule="required")])
    action = chosen.action
    said = {name: _word(form, name).strip() for name in ("decision", "changes", "why")}
    outcome = minutes.Outcome(action.title, said["decision"], said["changes"], said["why"] if chosen.departs else "")
    store = visit.site.store
    with store.read() as connection:
        before = meetings.originals(connection, visit.authority, [found.item])
    data = minutes.record_file(
        store.blobs, found.row, found.item, outcome, reads.recorders([found.item]), legal_date(visit.now), before
    )
    file = staging.receive(store.blobs, f"{meetings.title(found.row)}会议记录（{found.item.facts.no}）.docx", data)
    kind = next((paper.kind for paper in action.materials if paper.required), "")
    store.write(lambda tx: staging.keep(tx, visit.authority, visit.actor, [(f"paper.{kind}", file)], visit.now))
    main = "decision" if action.field("decision") else "reason"
    values = {main: said["decision"], "changes": said["changes"], chosen.reason: said["why"]}
    pairs: list[tuple[str, str | UploadFile]] = [
        (name, words) for name, words in values.items() if words and action.field(name)
    ]
    pairs += [(f"paper.{kind}", file.sha256)] if kind else []
    late = _timing(found, form, "decide")
    if late:
        pairs += [("late.at", f"{late['happened']:%Y-%m-%dT%H:%M}"), ("late.evidence", late["evidence"]),
                  ("late.reason", late["reason"])]  # fmt: skip
    pairs += [
        ("csrf", _word(form, "csrf")),
        ("key", _word(form, "key")),
        ("act.seen", found.item.facts.heads[action.track]),
    ]
    return act.check(visit, FormData(pairs), found.item.facts.no, action.id)
