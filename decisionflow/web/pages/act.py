"""Every action's form, in three steps: fill in, check, done. No action has a template of its own.

GET the form · POST it to be checked (uploads are staged, nothing else is kept) · POST /confirm, which
takes the step. A form lost to a dead session, an expired page, a stale case or a fault comes back with
every word in it.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import orjson
from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response
from starlette.datastructures import FormData

from decisionflow.core import fields, texts
from decisionflow.core.facts import Act, Paper, Timing, legal_date
from decisionflow.core.step import Refused, Taken
from decisionflow.errors import BadInput, Conflict, DecisionflowError, NotFound, Problem
from decisionflow.service import adoption, points, reviews, sealing, settling, staging, steps
from decisionflow.service.reads import catalogue, experts, hearing, refusals, starting, stored
from decisionflow.service.reads import form as reads
from decisionflow.service.reads import reviews as review_desk
from decisionflow.service.reads.form import Option, Sheet
from decisionflow.service.staging import File
from decisionflow.store.blobs import TooLarge, WrongKind
from decisionflow.web import doors, forms, proving, security
from decisionflow.web.forms import Typed

router = APIRouter(include_in_schema=False)
NOT_YOURS = "这份文件不是您上传的，或者上传已超过7天，请重新上传"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a form goes: an action of a case, or the opening of one."""

    no: str = ""
    action: str = ""
    procedure: str = ""

    @property
    def path(self) -> str:
        return f"/cases/{self.no}/do/{self.action}" if self.no else "/cases/new"


@dataclass(slots=True)
class Turn:
    """One turn of one form: who, where, what was typed, and what is wrong with it."""

    visit: doors.Staff
    to: Address
    at: Sheet
    typed: Typed
    key: str
    seen: str
    offered: dict[str, tuple[Option, ...]]
    document: texts.Document | None
    files: dict[str, File] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def fault(self, place: str, say: str, rule: str) -> None:
        self.problems.append(Problem(place, say, rule=rule))


# ---- fill in -----------------------------------------------------------------------------------------------


@router.get("/cases/new")
def new(visit: doors.StaffVisit, procedure: str = "", item: str = "") -> HTMLResponse:
    """Open a case; `item` names what of the yearly catalogue it is started from (2026-9)."""
    given = _from_catalogue(visit, item) if item else {}
    if not procedure:
        with visit.site.store.read() as connection:
            found = reads.openings(connection, visit.authority, visit.actor, legal_date(visit.now))
        mine = [one for one, possible in found if possible]
        if len(mine) > 1:
            return visit.page("act_open", procedures=mine, item=item)
        procedure = mine[0].id if mine else ""
    return _first(visit, Address(procedure=procedure), given)


def _from_catalogue(visit: doors.Staff, item: str) -> dict[str, str]:
    """What the opening form starts with for an item of a published catalogue. Raises NotFound."""
    with visit.site.store.read() as connection:
        found = catalogue.item(stored.cases(connection, visit.authority), visit.now, item)
    if found is None:
        raise NotFound(f"no catalogue item {item!r}", say="已公布的目录里没有这一项")
    return {"title": found.title, "catalogue_item": item}


@router.get("/cases/{no}/do/{action}")
def act(
    visit: doors.StaffVisit, no: str, action: str, desk: str = "", account: str = "", row: str = ""
) -> HTMLResponse:  # fmt: skip
    """An action's form; with `desk`, filled in from where it was prepared: `account` is the file drawn up there, `row`
    which row of the desk is meant."""
    return _first(visit, Address(no, action), account=account[:64], desk=desk == "yes", row=row[:120])


def _first(
    visit: doors.Staff, to: Address, given: Mapping[str, str] | None = None, *, account: str = "", desk: bool = False,
    row: str = "",
) -> HTMLResponse:  # fmt: skip
    turn = _turn(visit, to, Typed(), secrets.token_urlsafe(16), None)
    turn.typed.values |= reads.prefill(turn.at)
    if turn.at.action.hearing in ("list", "report"):
        _organised(turn, account)
    elif desk and turn.at.action.panel == "select":
        _chosen(turn, account)
    elif desk and turn.at.action == reviews.act_of(turn.at.procedure, "conclude"):
        _reviewed(turn, account)
    elif desk and settling.rows_of(turn.at.action):
        _sorted(turn, account)
    elif desk:
        _prepared(turn, account, row)
    turn.typed.values |= {name: words for name, words in (given or {}).items() if turn.at.action.field(name)}
    if turn.at.action.text == "new":
        turn.typed.text = {"title": turn.at.facts.title}
    if turn.document:
        turn.typed.text = {"title": turn.document.title, "body": "\n".join(p.text for p in turn.document.paragraphs)}
    return _form(turn, 200 if turn.at.outlook.mine else 403)


def _sorted(turn: Turn, account: str) -> None:
    """Fill in an answer from the desk on which its opinions were sorted."""
    visit, store = turn.visit, turn.visit.site.store
    with store.read() as connection:
        at = points.desk(connection, visit.authority, visit.actor, turn.to.no)
        if at.action.id != turn.at.action.id:
            return
        turn.typed.values |= forms.typed(points.answer(connection, at))
        turn.files = staging.admitted(connection, visit.authority, visit.actor, turn.at.facts, [account], visit.now)
    kind = adoption.kind(at)
    if kind and account in turn.files:
        turn.typed.papers[kind] = account


def _prepared(turn: Turn, account: str, row: str) -> None:
    """Fill in an act from the desk on which it was prepared, and from what other acts of the case say."""
    visit, at, store = turn.visit, turn.at, turn.visit.site.store
    with store.read() as connection:
        found = starting.values(connection, store.blobs, at, row, visit.now)
        turn.files = staging.admitted(
            connection, visit.authority, visit.actor, at.facts, [account] if account else [], visit.now
        )
    turn.typed.values |= {name: words for name, words in forms.typed(found).items() if at.action.field(name) and words}
    if account in turn.files and at.action.materials:
        turn.typed.papers[at.action.materials[0].kind] = account


def _reviewed(turn: Turn, account: str) -> None:
    """Fill in the opinion of a legal review from the working sheet."""
    visit, store = turn.visit, turn.visit.site.store
    with store.read() as connection:
        at = reviews.desk(connection, visit.authority, visit.actor, turn.to.no)
        found = review_desk.board(connection, store.blobs, at, (), visit.now)
        turn.typed.values |= forms.typed(review_desk.opinion(connection, store.blobs, found))
        turn.files = staging.admitted(connection, visit.authority, visit.actor, turn.at.facts, [account], visit.now)
    if account in turn.files:
        turn.typed.papers[reviews.paper(at.action)] = account


def _organised(turn: Turn, account: str) -> None:
    """Fill in the list or the report of a hearing from the desk on which it is organised."""
    visit, at, store = turn.visit, turn.at, turn.visit.site.store
    who = (visit.authority, visit.actor)
    with store.read() as connection:
        found = hearing.starting(connection, store.blobs, *who, turn.to.no, at.action.hearing, visit.now)
        turn.files = staging.admitted(connection, *who, at.facts, [account] if account else [], visit.now)
    turn.typed.values |= {name: words for name, words in forms.typed(found).items() if at.action.field(name) and words}
    if account in turn.files and at.action.materials:
        turn.typed.papers[at.action.materials[0].kind] = account


def _chosen(turn: Turn, account: str) -> None:
    """Fill in the list of experts from the desk on which they are drawn and invited."""
    visit, at, store = turn.visit, turn.at, turn.visit.site.store
    who = (visit.authority, visit.actor)
    with store.read() as connection:
        found = experts.starting(connection, store.blobs, *who, turn.to.no, visit.now)
        turn.files = staging.admitted(connection, *who, at.facts, [account] if account else [], visit.now)
    turn.typed.values |= forms.typed(found)
    if account in turn.files and at.action.materials:
        turn.typed.papers[at.action.materials[0].kind] = account


def _turn(
    visit: doors.Staff, to: Address, typed: Typed, key: str, seen: str | None, happened: datetime | None = None
) -> Turn:
    with visit.site.store.read() as connection:
        if to.no:
            at = reads.sheet(connection, visit.authority, visit.actor, to.no, to.action, visit.now, happened)
        else:
            at = reads.opening(connection, visit.authority, visit.actor, to.procedure, visit.now, happened)
        offered = reads.options(connection, at)
    document = reads.draft(at, visit.site.store.blobs) if at.action.text == "new" else None
    to = to if to.no else Address(procedure=at.procedure.id)
    return Turn(visit, to, at, typed, key, at.seen if seen is None else seen, offered, document)


# ---- check -------------------------------------------------------------------------------------------------


@router.post("/cases/new")
def new_check(visit: doors.AnyVisit, form: doors.Posted) -> Response:
    return _check(visit, Address(procedure=_word(form, "act.procedure")), form)


@router.post("/cases/{no}/do/{action}")
def check(visit: doors.AnyVisit, form: doors.Posted, no: str, action: str) -> Response:
    return _check(visit, Address(no, action), form)


def _check(visit: doors.Visit, to: Address, form: FormData) -> Response:
    turn = _posted(visit, to, form)
    if isinstance(turn, Response):
        return turn
    wanted = _word(form, "act.do")
    if forms.reshape(turn.typed, form, turn.at.action.fields) or wanted in ("edit", "stage"):
        return _form(turn, 422 if turn.problems else 200)
    return _weigh(turn)


def _weigh(turn: Turn, unproven: str = "", status: int = 200) -> Response:
    """What the act would come to, to be looked over; with `unproven`, why the person could not be taken at their word."""
    ask, values = _ask(turn)
    if turn.problems:
        return _form(turn, 422)
    store = turn.visit.site.store
    try:
        with store.read() as connection:
            outcome = steps.consider(
                connection, store.blobs, turn.visit.authority, turn.visit.actor, ask, turn.visit.now
            )
    except DecisionflowError as fault:
        return _failed(turn, fault)
    if isinstance(outcome, Refused):
        return _refused(turn, outcome)
    return _summary(turn, ask, values, outcome, unproven, status)


def _posted(visit: doors.Visit, to: Address, form: FormData) -> Turn | Response:
    """The turn that a posted form makes; an answer when it cannot go on (nobody signed in, not theirs, too old)."""
    if visit.session is None or visit.authority is None or visit.actor is None or visit.session.must:
        carried = [(name, value) for name, value in form.multi_items()
                   if isinstance(value, str) and name not in ("csrf", "act.proof")]  # fmt: skip
        return visit.page("act_resume", 401, path=to.path, carried=carried, signed=visit.session is not None)
    staff = doors.Staff(
        visit.request, visit.site, visit.now, visit.session, visit.authority, visit.actor, visit.posts
    )  # fmt: skip
    key, seen = _word(form, "key")[:200] or secrets.token_urlsafe(16), _word(form, "act.seen")
    happened = None
    with suppress(ValueError):
        happened = forms.happened(Typed(late={"at": _word(form, "late.at")}))
    turn = _turn(staff, to, Typed(), key, seen, happened)
    if not turn.at.outlook.mine:
        return _form(turn, 403)
    turn.typed = forms.parse(form, turn.at.action.fields)
    try:
        security.check_token(staff.session.csrf, form.get("csrf"))
    except security.CrossSite:
        return _form(
            turn, 403, notice="页面已过期，没有提交。您填写的文字都在，请检查后再点“下一步”；文件需要重新选择。"
        )
    _stage(turn)
    return turn


def _word(form: FormData, name: str) -> str:
    found = form.get(name)
    return found if isinstance(found, str) else ""


def _stage(turn: Turn) -> None:
    """Store the uploads, each by itself; learn which files the form may name."""
    store, at = turn.visit.site.store, turn.at
    kinds = [slot.kind for slot in reads.slots(at) if not slot.is_text]
    staged: list[tuple[str, File]] = []
    for place, upload in turn.typed.uploads:
        if not forms.takes_file(place, at.action.fields, kinds):
            turn.fault(place, "这里不收文件", "unknown-field")
            continue
        try:
            file = staging.receive(store.blobs, upload.filename or "", upload.file.read(store.blobs.limit + 1))
        except (WrongKind, TooLarge) as fault:
            turn.fault(place, fault.say, "file")
            continue
        staged.append((place, file))
        turn.typed.put(place, file.sha256)
    turn.typed.uploads = []
    if staged:
        store.write(lambda tx: staging.keep(tx, turn.visit.authority, turn.visit.actor, staged, turn.visit.now))
    with store.read() as connection:
        wanted = forms.hashes(turn.typed, at.action.fields)
        turn.files = staging.admitted(
            connection, turn.visit.authority, turn.visit.actor, at.facts, wanted, turn.visit.now
        )


def _ask(turn: Turn) -> tuple[steps.Ask, dict[str, Any]]:
    """What the form asks for, and its values as they will be read; every fault goes to the turn."""
    turn.typed.trim()
    at, typed = turn.at, turn.typed
    happened = _late(turn)
    raw = forms.raw(typed, at.action.fields, turn.files, turn.offered)
    values: dict[str, Any] = {}
    try:
        with turn.visit.site.store.read() as connection:
            values = dict(reads.read(connection, at, raw, Timing(turn.visit.now, happened)))
    except BadInput as fault:
        turn.problems += fault.problems
    text, papers = _text(turn), _papers(turn)
    return steps.Ask(
        at.action.id, turn.key, turn.to.no, raw, tuple(papers), text, turn.seen, happened, typed.late.get("evidence", ""),
        typed.late.get("reason", ""), turn.to.procedure,
    ), values  # fmt: skip


def _late(turn: Turn) -> datetime | None:
    typed, now = turn.typed, turn.visit.now
    for name, title in (("evidence", "证据"), ("reason", "补录理由")):
        try:
            typed.late[name] = fields.clean(typed.late.get(name, ""), lines=True)
        except ValueError as fault:
            turn.fault(f"late.{name}", f"“{title}”{fault}", "text")
    try:
        at = forms.happened(typed)
    except ValueError as fault:
        turn.fault("late.at", str(fault), "instant")
        return None
    if at is None:
        if typed.late.get("evidence") or typed.late.get("reason"):
            turn.fault("late.at", "补录请写明发生时间；不是补录的，请清空证据和补录理由", "DF-LATE")
        return None
    if at > now:
        turn.fault("late.at", "发生时间不能晚于现在", "future")
    elif Timing(now, at).late:
        for name, say in (("evidence", "补录请写明证据，如邮戳、签收单、通话记录"), ("reason", "补录请写明理由")):
            if not typed.late.get(name):
                turn.fault(f"late.{name}", say, "DF-LATE")
    return at


def _papers(turn: Turn) -> list[Paper]:
    slots = {slot.kind: slot for slot in reads.slots(turn.at) if not slot.is_text}
    found = []
    for kind, sha256 in turn.typed.papers.items():
        if sha256 and kind not in slots:
            turn.fault(f"paper.{kind}", "没有这一栏", "unknown-field")
        elif sha256 and sha256 not in turn.files:
            turn.fault(f"paper.{kind}", NOT_YOURS, "file")
        elif sha256:
            found.append(turn.files[sha256].paper(kind))
    original = turn.typed.text.get("file", "")
    if original in turn.files and (kind := reads.text_kind(turn.at)):
        found.append(turn.files[original].paper(kind))
    return found


def _text(turn: Turn) -> steps.DraftText | None:
    """The new draft; None when it is no other than the one in the dossier."""
    typed, before = turn.typed.text, turn.document
    if turn.at.action.text != "new":
        if any(typed.values()):
            turn.fault("text.body", f"“{turn.at.action.title}”不接受新的草案文本", "text")
        return None
    original = typed.get("file", "")
    if original and original not in turn.files:
        turn.fault("text.file", NOT_YOURS, "file")
    try:
        title = fields.clean(typed.get("title", "")) or turn.at.facts.title
        paragraphs = tuple(fields.clean(one) for one in texts.split(typed.get("body", "")))
    except ValueError as fault:
        turn.fault("text.body", f"草案{fault}", "text")
        return None
    if len(title) > 300:
        turn.fault("text.title", f"标题太长：{len(title)}字，最多300字", "text")
    if not paragraphs:
        turn.fault("text.body", "请填写草案正文，每段一行", "required")
    if (
        before
        and (title, paragraphs) == (before.title, tuple(p.text for p in before.paragraphs))
        and original in ("", before.file)
    ):
        return None
    return steps.DraftText(title, paragraphs, original)


def _failed(turn: Turn, fault: DecisionflowError) -> Response:
    """An anticipated fault while an act is weighed or taken: the form again, with everything in it."""
    if isinstance(fault, steps.Stale | Conflict):
        return _stale(turn)
    if isinstance(fault, NotFound):
        raise fault
    if isinstance(fault, steps.KeyReused):
        turn.key = secrets.token_urlsafe(16)
        turn.fault("", "这一页已经提交过一次，之后内容又有改动。如果确实要再办一次，请检查后重新提交", fault.code)
    elif isinstance(fault, BadInput):
        turn.problems += fault.problems
    else:
        turn.fault("", fault.say, fault.code)
    return _form(turn, fault.status)


def _refused(turn: Turn, refused: Refused) -> HTMLResponse:
    card = refusals.card(turn.at.action, refused.findings, turn.at.lookout, form=turn.at.preparable)
    needed = frozenset(
        way.href.removeprefix("#f-") for part in card.findings for way in part.remedies if way.rel == "field"
    )
    return _form(turn, 403 if refused.wrong_duty else 409, card=card, needed=needed)


# ---- take --------------------------------------------------------------------------------------------------


@router.post("/cases/new/confirm")
def new_confirm(visit: doors.AnyVisit, form: doors.Posted) -> Response:
    return _confirm(visit, Address(procedure=_word(form, "act.procedure")), form)


@router.post("/cases/{no}/do/{action}/confirm")
def confirm(visit: doors.AnyVisit, form: doors.Posted, no: str, action: str) -> Response:
    return _confirm(visit, Address(no, action), form)


def _confirm(visit: doors.Visit, to: Address, form: FormData) -> Response:
    turn = _posted(visit, to, form)
    if isinstance(turn, Response):
        return turn
    if turn.at.action.binding and not doors.is_proven(turn.visit):
        if wrong := proving.attempt(turn.visit, _word(form, "act.proof")[:200]):
            return _weigh(turn, wrong, 401)
        turn = _proven(turn)
    ask, _ = _ask(turn)
    if turn.problems:
        return _form(turn, 422)
    site, authority = turn.visit.site, turn.visit.authority
    try:
        outcome = doors.take(turn.visit, ask)
    except doors.NeedProof as fault:
        return _weigh(turn, fault.say, 401)
    except DecisionflowError as fault:
        return _failed(turn, fault)
    if isinstance(outcome, steps.Held):
        return _refused(turn, outcome.refused)
    if outcome.binding:
        sealing.await_seal(site.store, authority.id, outcome.entry, site.clock)
    return doors.go(f"/cases/{outcome.no}/done/{outcome.entry}")


def _proven(turn: Turn) -> Turn:
    """The same turn by somebody who has just shown who they are."""
    visit = turn.visit
    return replace(turn, visit=replace(visit, session=replace(visit.session, proven_at=visit.now)))


# ---- done --------------------------------------------------------------------------------------------------


@router.get("/cases/{no}/done/{entry}")
def done(visit: doors.StaffVisit, no: str, entry: str) -> HTMLResponse:
    """What an act came to: its place in the trail, and what is to be done now."""
    with visit.site.store.read() as connection:
        standing, taken = _taken(visit, connection, no, entry)
        at = refusals.lookout(connection, visit.authority, visit.actor, standing.procedure, standing.facts, visit.now)
        sealed = sealing.is_sealed(connection, visit.authority.id, entry)
        receipt = sealing.receipt(connection, visit.authority.id, entry) if sealed else None
        sha256 = reads.hash_of(connection, visit.authority, entry)
    action = standing.procedure.action(taken.action)
    code = sealing.short_code(visit.authority.origin, receipt.seal) if receipt else ""
    return visit.page(
        "act_done", identity=reads.identity(standing.procedure, standing.facts, standing.head.sha256), act=taken,
        binding=bool(action and action.binding), sha256=sha256,
        public=bool(action and action.public), receipt=receipt, code=code, next_up=reads.next_up(at),
        here=visit.request.url.path,
    )  # fmt: skip


@router.get("/cases/{no}/done/{entry}/receipt.json")
def receipt(visit: doors.StaffVisit, no: str, entry: str) -> Response:
    """The receipt as a file: enough to prove the entry later without us."""
    with visit.site.store.read() as connection:
        _taken(visit, connection, no, entry)
        found = sealing.receipt(connection, visit.authority.id, entry)
        sha256 = reads.hash_of(connection, visit.authority, entry)
    body = {
        "format": "decisionflow/receipt/v1", "authority": visit.authority.id, "origin": visit.authority.origin, "case": no,
        "entry": entry, "sha256": sha256, "bytes": base64.b64encode(found.data).decode(), "position": found.position,
        "proof": list(found.proof), "size": found.seal.size, "root": found.seal.root, "note": found.seal.note,
    }  # fmt: skip
    headers = {"content-disposition": f'attachment; filename="receipt-{no}-{entry[-12:]}.json"'}
    return Response(orjson.dumps(body, option=orjson.OPT_INDENT_2), media_type="application/json", headers=headers)


def _taken(visit: doors.Staff, connection: Any, no: str, entry: str) -> tuple[steps.Standing, Act]:
    standing = steps.visible(connection, visit.authority, visit.actor, no)
    found = next((one for one in standing.facts.acts if one.entry == entry), None)
    if found is None:
        raise NotFound(f"no act {entry} in {no}", say="本事项没有这条记录")
    return standing, found


# ---- the pages ---------------------------------------------------------------------------------------------


def _form(
    turn: Turn, status: int, *, card: refusals.Card | None = None, needed: frozenset[str] = frozenset(), notice: str = ""
) -> HTMLResponse:  # fmt: skip
    at = turn.at
    errors = forms.errors(turn.problems, at)
    drawing = forms.Drawing(at, turn.typed, errors, turn.files, turn.offered, needed)
    groups, papers = drawing.groups(), drawing.papers()
    late = _late_fields(drawing)
    return turn.visit.page(
        "act_form", status, **_common(turn), card=card or at.card, focus=card is not None, groups=groups, papers=papers,
        errors=forms.summary(errors, groups, papers), text=_text_fields(drawing, turn), late=late, note=notice,
        late_open=any(one.value or one.error for one in late), bases=reads.bases(at, at.action.rules), asked=reads.asked(at),
        met=reads.met(at, at.outlook.passed), offered=turn.offered, preparable=at.preparable,
        limit_mb=turn.visit.site.settings.upload_mb,
    )  # fmt: skip


def _common(turn: Turn) -> dict[str, Any]:
    at = turn.at
    return {
        "action": at.action, "procedure": at.procedure, "path": turn.to.path, "key": turn.key, "seen": turn.seen,
        "identity": reads.identity(at.procedure, at.facts, at.head) if at.facts.no else None, "opening": not turn.to.no,
        "back": f"/cases/{turn.to.no}" if turn.to.no else "/inbox",
    }  # fmt: skip


def _text_fields(drawing: forms.Drawing, turn: Turn) -> Sequence[forms.FormField]:
    if turn.at.action.text != "new":
        return ()
    found = [
        drawing.ours("text", "title", "草案标题", "text", required=True, max_length=300),
        drawing.ours("text", "body", "正文", "longtext", required=True, height=18,
                     help="每段一行，每条另起一行。征求意见、审查意见都按段落对应。"),
    ]  # fmt: skip
    if reads.text_kind(turn.at):
        found.append(
            drawing.ours("text", "file", "原始文件", "file", help="起草用的 Word、WPS 等原件，随本版本一起保存。")
        )
    return found


def _late_fields(drawing: forms.Drawing) -> list[forms.FormField]:
    return [
        drawing.ours("late", "at", "发生时间", "instant", help="实际办理的日期和时间。"),
        drawing.ours("late", "evidence", "证据", "text", help="邮戳、签收单、通话记录、会议签到等，写明名称和编号。"),
        drawing.ours("late", "reason", "补录理由", "text"),
    ]


def _summary(
    turn: Turn, ask: steps.Ask, values: dict[str, Any], taken: Taken, unproven: str = "", status: int = 200
) -> HTMLResponse:  # fmt: skip
    at = turn.at
    found, empty = forms.lines(at.action.fields, values, turn.offered)
    proof = proving.asked(turn.visit) or "again" if at.action.binding and not doors.is_proven(turn.visit) else ""
    return turn.visit.page(
        "act_check", status, **_common(turn), proof=proof, unproven=unproven,
        carried=list(turn.typed.pairs()), lines=found, empty=empty, papers=_shown(turn, ask),
        text=_changes(turn, ask),
        deviations=[(refusals.part(j.finding, at.lookout), j.reason) for j in taken.deviations if j.finding],
        hints=[refusals.part(finding, at.lookout) for finding in taken.hints], late=_late_words(turn, ask),
        passed=reads.met(at, [j.gate for j in taken.judgements if j.outcome == "passed"], values), moves=_moves(at, taken),
        actor=turn.visit.actor, stale=None,
    )  # fmt: skip


def _shown(turn: Turn, ask: steps.Ask) -> list[dict[str, Any]]:
    titles = turn.at.procedure.materials
    known = {slot.kind: slot for slot in reads.slots(turn.at)}
    given = [{"kind": paper.kind, "title": titles[paper.kind].title, "paper": paper, "public": titles[paper.kind].public}
             for paper in ask.papers]  # fmt: skip
    draft = [{"kind": slot.kind, "title": slot.title, "paper": None, "public": False, "text": slot.text}
             for slot in known.values() if slot.is_text and slot.text and ask.text is None]  # fmt: skip
    return [*draft, *given]


def _changes(turn: Turn, ask: steps.Ask) -> dict[str, Any] | None:
    if turn.at.action.text != "new":
        return None
    before = turn.document
    version = turn.at.facts.text.version if turn.at.facts.text else 0
    if ask.text is None:
        return {"version": version, "same": True, "title": before.title if before else "", "differences": ()}
    now = texts.document(ask.text.title, list(ask.text.paragraphs), before, ask.text.file)
    differences = texts.differences(before or texts.Document("", ()), now)
    return {
        "version": version + 1,
        "same": False,
        "title": now.title,
        "differences": differences,
        "paragraphs": len(now.paragraphs),
    }


def _late_words(turn: Turn, ask: steps.Ask) -> str:
    if ask.happened is None:
        return ""
    timing = Timing(turn.visit.now, ask.happened, ask.evidence, ask.reason)
    if not timing.late:
        return f"发生于 {timing.on}"
    days = (Timing(turn.visit.now).on - timing.on).days
    return f"补录：发生于 {timing.on}，登记于 {Timing(turn.visit.now).on}，晚 {days} 日，理由：{ask.reason}；证据：{ask.evidence}"


def _moves(at: Sheet, taken: Taken) -> list[str]:
    """Where the tracks will stand, in words."""
    tracks, before = at.procedure.tracks, at.facts.stages
    return [
        f"{tracks[name].title}：{tracks[name].stages[before[name]]} → {tracks[name].stages[stage]}"
        for name, stage in taken.stages.items()
        if before.get(name) not in (None, stage)
    ]


def _stale(turn: Turn) -> HTMLResponse:
    """Somebody acted in between: what they typed beside what happened, and the way on."""
    seen = turn.seen
    turn = _turn(turn.visit, turn.to, turn.typed, turn.key, None)
    if turn.at.action.meeting == "decide":  # its record was drawn up before what happened since: it must not be filed
        turn.typed.papers.clear()
        turn.fault("", "会议记录生成以后又有新的发言，须重新生成：请回到会议的记录页，从那里再作出决定", "stale")
        return _form(turn, 412)
    _stage(turn)
    ask, values = _ask(turn)
    found, empty = forms.lines(turn.at.action.fields, values, turn.offered)
    text = None
    if turn.document and ask.text and reads.text_moved(turn.at, seen):
        mine = texts.document(ask.text.title, list(ask.text.paragraphs), turn.document, ask.text.file)
        text = {"title": mine.title, "differences": texts.differences(turn.document, mine)}
    return turn.visit.page(
        "act_check", 412, **_common(turn), carried=list(turn.typed.pairs()), lines=found, empty=empty, text=text,
        papers=_shown(turn, ask), stale=reads.since(turn.at, seen), possible=turn.at.preparable, card=turn.at.card,
    )  # fmt: skip
