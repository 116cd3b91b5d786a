"""The step: the one way the stage of a case changes, and the preview that can never disagree with it.

    read     the case as folded, its chain's head, the key, in one query
    repeat   a key already used gives the first answer again
    decide   pure: gates, then machine; Refused or Taken
    compose  the entry in canonical bytes, linked to the head
    project  the rows that follow from it
    add      entry, rows, clocks, outbox and key, written together by the store or not at all

`record` (in `entries`) is permission-free composing; everything that moves a case goes through here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from typing import Any

import orjson
from sqlalchemy import Connection, text

from decisionflow.core import calendar as days
from decisionflow.core import clocks, fields, machine, texts
from decisionflow.core import procedure as law
from decisionflow.core import step as core
from decisionflow.core.facts import Facts, Paper, Party, Text, Timing, Value, fold, thaw
from decisionflow.core.gates import Finding, Judgement
from decisionflow.core.step import Outlook, Refused, Taken
from decisionflow.errors import BadInput, DecisionflowError, NotFound, Problem
from decisionflow.service import (
    calendars,
    consultations,
    entries,
    hearings,
    meetings,
    panels,
    permissions,
    procedures,
    projections,
    register,
    settling,
)
from decisionflow.service.actors import Actor, duty_for
from decisionflow.service.authorities import Authority
from decisionflow.store.blobs import Blobs
from decisionflow.store.engine import Tx
from decisionflow.store.records import Guard, Record, Rows
from decisionflow.trail import canonical


class Stale(DecisionflowError):
    """The track moved on since the page was shown."""

    code = "stale"
    status = 412
    exit = 7


class KeyReused(DecisionflowError):
    """The same idempotency key came with another request."""

    code = "idempotency-mismatch"
    status = 422
    exit = 2


@dataclass(frozen=True, slots=True)
class DraftText:
    """A new draft as typed: title, paragraphs, and the uploaded original if there is one."""

    title: str
    paragraphs: tuple[str, ...]
    file: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """What somebody submits: the same for page, API, CLI and rehearsal.

    `case` is the human number ('' to open one). `seen` is the track's head the person saw, '' not to
    check. `happened`, `evidence` and `reason` make a late entry.
    """

    action: str
    key: str
    case: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict)
    papers: tuple[Paper, ...] = ()
    text: DraftText | None = None
    seen: str = ""
    happened: datetime | None = None
    evidence: str = ""
    reason: str = ""
    procedure: str = ""

    @property
    def fingerprint(self) -> str:
        """What makes two requests the same request."""
        body = [self.action, self.case, self.raw, [asdict(paper) for paper in self.papers],
                asdict(self.text) if self.text else None, str(self.happened or "")]  # fmt: skip
        return hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS, default=str)).hexdigest()


@dataclass(frozen=True, slots=True)
class Done:
    """A taken act: where it stands in the trail."""

    authority: str
    case: str
    no: str
    entry: str
    sha256: str
    action: str
    binding: bool
    repeated: bool = False
    hints: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """A refused act: the findings, kept in the security chain and not in the dossier."""

    no: str
    refused: Refused


@dataclass(frozen=True, slots=True)
class Standing:
    """A case as it stands: everything a decision needs."""

    facts: Facts
    head: entries.Head
    procedure: law.Procedure
    calendar: days.Calendar


_READ = text("""
    select c.facts, h.seq, h.head, k.entry_id, k.fingerprint, e.sha256 as key_sha256,
           (select count(*) || max(y.entry_id) from calendar_year y where y.authority_id = :authority) as years
    from case_file c
    join trail_chain h on h.authority_id = c.authority_id and h.kind = 'case' and h.chain_id = c.id
    left join act_key k on k.authority_id = :authority and k.person_id = :person and k.key = :key
    left join trail_entry e on e.authority_id = k.authority_id and e.entry_id = k.entry_id
    where c.authority_id = :authority and c.no = :no
""")
_KEY = text("""
    select k.entry_id, k.fingerprint, e.sha256, e.chain_id, c.no
    from act_key k
    join trail_entry e on e.authority_id = k.authority_id and e.entry_id = k.entry_id
    left join case_file c on c.authority_id = e.authority_id and c.id = e.chain_id
    where k.authority_id = :authority and k.person_id = :person and k.key = :key
""")
_LAST_NO = text("""
    select no from case_file where authority_id = :authority and no like :pattern order by length(no) desc, no desc limit 1
""")


def take_step(tx: Tx, authority: Authority, actor: Actor, ask: Ask, now: datetime) -> Done | Held:
    """Take an act or refuse it. Raises BadInput, NotFound, Stale, KeyReused; Conflict makes the store run it again."""
    if not ask.key or len(ask.key) > 200:
        raise BadInput([Problem("key", "缺少请求编号（Idempotency-Key），或超过200字", rule="key")])
    if not ask.case:
        return _open(tx, authority, actor, ask, now)
    row = _row(tx.connection, authority, actor, ask)
    if row.entry_id:
        return _again(authority, ask, row.fingerprint, row.entry_id, row.key_sha256, ask.case, "")
    facts = thaw(orjson.loads(row.facts))
    head = entries.Head(authority.id, "case", facts.case, row.seq, row.head)
    calendar = calendars.current(tx.connection, authority.id, authority.calendar, row.years)
    standing = Standing(facts, head, procedures.by_digest(tx.connection, authority.id, facts.procedure), calendar)
    return _step(tx, authority, actor, ask, now, standing)


def load(connection: Connection, authority: Authority, no: str) -> Standing:
    """A case by its number. Raises NotFound."""
    values = {"authority": authority.id, "person": "", "key": "", "no": no}
    row = connection.execute(_READ, values).first()
    if row is None:
        raise NotFound(f"no case {no!r}", say=f"没有编号为“{no}”的事项")
    facts = thaw(orjson.loads(row.facts))
    return Standing(
        facts, entries.Head(authority.id, "case", facts.case, row.seq, row.head),
        procedures.by_digest(connection, authority.id, facts.procedure),
        calendars.current(connection, authority.id, authority.calendar, row.years),
    )  # fmt: skip


def visible(connection: Connection, authority: Authority, actor: Actor, no: str) -> Standing:
    """A case that this person may see. Raises NotFound in the same words whether it exists or not."""
    standing = load(connection, authority, no)
    if not permissions.may_see(actor, standing.procedure, standing.facts):
        raise NotFound(f"case {no!r} is not for {actor.person}", say=f"没有编号为“{no}”的事项")
    return standing


def judged_by(connection: Connection, authority: Authority, standing: Standing, action: str, on: date) -> Standing:
    """The case under the version that judges an action: the start decision brings the version of its day."""
    found = core.find(standing.procedure, action)
    moved = _version_at_start(connection, authority, standing, found, on)
    return replace(standing, procedure=moved, facts=_with_tracks(standing.facts, moved)) if moved else standing


def outlook(standing: Standing, actor: Actor, action: str, now: datetime) -> Outlook:
    """What stands in the way of an action now, for this actor; writes nothing."""
    found = core.find(standing.procedure, action)
    party = actor.party(duty_for(standing.procedure, found, actor, standing.facts))
    on = Timing(now).on
    return core.preview(standing.procedure, action, standing.facts, standing.calendar, on=on, party=party)


def outlooks(standing: Standing, actor: Actor, now: datetime) -> tuple[Outlook, ...]:
    """The outlook of every action whose track and `when` fit where the case stands."""
    offered = machine.offered(standing.procedure, standing.facts.stages)
    return tuple(
        outlook(standing, actor, action.id, now) for action in offered if action.id != standing.procedure.opening
    )


# ---- the parts of a step ---------------------------------------------------------------------------------


def _row(connection: Connection, authority: Authority, actor: Actor, ask: Ask) -> Any:
    values = {
        "authority": authority.id,
        "person": actor.person,
        "key": ask.key,
        "no": ask.case,
    }
    row = connection.execute(_READ, values).first()
    if row is None:
        raise NotFound(f"no case {ask.case!r}", say=f"没有编号为“{ask.case}”的事项")
    return row


def _again(
    authority: Authority, ask: Ask, fingerprint: str, entry: str, sha256: str, no: str, case: str
) -> Done:  # fmt: skip
    if fingerprint != ask.fingerprint:
        raise KeyReused("key reused with another body", say="同一请求编号已用于另一内容，请刷新页面后重新办理")
    return Done(authority.id, case, no, entry, sha256, ask.action, binding=False, repeated=True)


@dataclass(frozen=True, slots=True)
class _Weighed:
    """An ask read and decided, nothing written yet."""

    procedure: law.Procedure
    facts: Facts
    action: law.Action
    timing: Timing
    values: dict[str, Value]
    party: Party
    text: Text | None
    text_rows: list[dict[str, Any]]
    outcome: Taken | Refused
    moved: bool


def consider(
    connection: Connection, blobs: Blobs, authority: Authority, actor: Actor, ask: Ask, now: datetime
) -> Taken | Refused:  # fmt: skip
    """What submitting this would come to; writes no entry and no row (asking is free, PRACTICE §3.2)."""
    standing = load(connection, authority, ask.case) if ask.case else _fresh(connection, authority, ask, now)[0]
    return _weigh(connection, blobs, authority, actor, ask, now, standing).outcome


def _weigh(
    connection: Connection, blobs: Blobs, authority: Authority, actor: Actor, ask: Ask, now: datetime, standing: Standing
) -> _Weighed:  # fmt: skip
    procedure, facts = standing.procedure, standing.facts
    timing = _timing(ask, now)
    action = core.find(procedure, ask.action)
    moved_to = _version_at_start(connection, authority, standing, action, timing.on)
    if moved_to is not None:
        procedure, facts = moved_to, _with_tracks(facts, moved_to)
        action = core.find(procedure, ask.action)
    if ask.seen and ask.seen != facts.heads[action.track]:
        raise Stale(f"track {action.track} moved on", say="您打开页面之后，这一环节已有新的办理，请刷新后再办")
    values = settling.settled(
        connection, authority, facts, action, _values(connection, authority, action, ask, timing, facts)
    )
    values = hearings.listed(connection, blobs, authority, facts, action, values)
    values = meetings.scheduled(connection, authority, action, values)
    values = panels.listed(connection, blobs, authority, procedure, facts, action, values)
    text_ref, text_rows = _new_text(blobs, action, ask, facts, now)
    party = actor.party(duty_for(procedure, action, actor, facts))
    command = core.Command(action.id, party, timing.on, values, ask.papers, text_ref)
    outcome = core.decide(procedure, command, facts, standing.calendar)
    return _Weighed(procedure, facts, action, timing, values, party, text_ref, text_rows, outcome, moved_to is not None)


def _step(
    tx: Tx, authority: Authority, actor: Actor, ask: Ask, now: datetime, standing: Standing, first: tuple[Record, ...] = ()
) -> Done | Held:  # fmt: skip
    weighed = _weigh(tx.connection, tx.blobs, authority, actor, ask, now, standing)
    outcome, procedure, action = weighed.outcome, weighed.procedure, weighed.action
    if isinstance(outcome, Refused):
        _keep_refusal(tx, authority, actor, ask, outcome, weighed.timing)
        return Held(ask.case, outcome)
    draft = _draft(tx, outcome, ask, weighed, standing.calendar, now)
    others = consultations.effect(
        tx, authority, actor, action, weighed.facts, draft, weighed.values, weighed.timing, procedure
    )
    others += hearings.effect(tx, authority, actor, action, weighed.facts, draft, weighed.timing, procedure)
    composed = entries.compose(
        draft, standing.head, actor, weighed.timing, clock=authority.clock, duty=weighed.party.duty, key=ask.key
    )
    for record in (*first, *others):
        tx.add(record)
    after = fold(weighed.facts, composed.record)
    rows = (
        *composed.rows,
        *projections.case_rows(procedure, after, composed.record, standing.calendar),
        *_follow_up(authority, actor, ask, procedure, after, composed, standing.calendar, now),
    )
    tx.add(Record(composed.append, rows, _guards(authority, actor)))
    return Done(authority.id, after.case, after.no, composed.id, composed.append.sha256, action.id, action.binding,
                hints=outcome.hints)  # fmt: skip


def _timing(ask: Ask, now: datetime) -> Timing:
    timing = Timing(
        now, ask.happened, _clean("evidence", ask.evidence, lines=True), _clean("reason", ask.reason, lines=True)
    )  # fmt: skip
    if ask.happened is not None and ask.happened > now:
        raise BadInput([Problem("happened_at", "发生时间不能晚于现在", rule="future")])
    if timing.late and not (timing.evidence and timing.reason):
        raise BadInput([Problem("evidence", "补录须写明证据（邮戳、签收单、通话记录等）和补录理由", rule="DF-LATE")])
    return timing


def _clean(place: str, words: str, *, lines: bool = False) -> str:
    try:
        return fields.clean(words, lines=lines)
    except ValueError as fault:
        raise BadInput([Problem(place, str(fault), rule="text")]) from fault


def _version_at_start(
    connection: Connection, authority: Authority, standing: Standing, action: law.Action, on: date
) -> law.Procedure | None:  # fmt: skip
    """The version in force on the day of the start decision, when it is not the one the case was opened under."""
    if action.id != standing.procedure.starting:
        return None
    found = procedures.in_force(connection, authority.id, standing.procedure.id, on)
    return None if found.digest == standing.procedure.digest else found


def _with_tracks(facts: Facts, procedure: law.Procedure) -> Facts:
    stages = {**procedure.initial(), **{track: at for track, at in facts.stages.items() if track in procedure.tracks}}
    first = facts.acts[-1].entry if facts.acts else facts.case
    return replace(
        facts, stages=stages, procedure=procedure.digest,
        rounds={track: facts.rounds.get(track, 1) for track in stages},
        heads={track: facts.heads.get(track, first) for track in stages},
    )  # fmt: skip


def _values(
    connection: Connection, authority: Authority, action: law.Action, ask: Ask, timing: Timing, facts: Facts | None
) -> dict[str, Value]:  # fmt: skip
    directory = register.Directory(connection, authority.id, timing.on)
    matter = facts.matter if facts else {}
    raw = {name: _version(action.field(name), given, facts) for name, given in ask.raw.items()}
    return fields.read(action.fields, raw, now=timing.now, matter=matter, directory=directory)


def _version(spec: law.FieldSpec | None, given: Any, facts: Facts | None) -> Any:
    """``v3`` in a reference means the third version of the draft: its digest."""
    if spec is None or spec.type != "reference" or facts is None or not isinstance(given, str):
        return given
    known = {f"v{act.text.version}": act.text.sha256 for act in facts.acts if act.text}
    return known.get(given.strip(), given)


def _new_text(
    blobs: Blobs, action: law.Action, ask: Ask, facts: Facts, now: datetime
) -> tuple[Text | None, list[dict[str, Any]]]:
    if action.text != "new":
        if ask.text is not None:
            raise BadInput([Problem("text", f"“{action.title}”不接受新的草案文本", rule="text")])
        return None, []
    if ask.text is None:
        return None, []
    title = _clean("text.title", ask.text.title) or facts.title
    paragraphs = [_clean("text.paragraphs", paragraph, lines=True) for paragraph in ask.text.paragraphs]
    previous = texts.load(blobs.get(facts.text.sha256)) if facts.text else None
    document = texts.document(title, [p for p in paragraphs if p], previous, ask.text.file)
    stored = blobs.put(document.data, "application/json")
    version = facts.text.version + 1 if facts.text else 1
    return Text(version, stored.sha256, stored.size, title), [stored.row(now)]


def _draft(
    tx: Tx, taken: Taken, ask: Ask, weighed: _Weighed, calendar: days.Calendar, now: datetime
) -> entries.Draft:  # fmt: skip
    action, facts, values, new_text = taken.action, weighed.facts, weighed.values, weighed.text
    draft = entries.Draft("step.taken", {}, blobs=list(weighed.text_rows))
    shown = entries.protect(draft, action.fields, values)
    bound = new_text or facts.text
    body: dict[str, Any] = {
        "action": action.id, "title": action.title, "track": action.track, "round": facts.rounds[action.track],
        "before": taken.before, "after": taken.after, "stages": dict(taken.stages),
        "rules": list(action.rules), "fields": entries.shorten(draft, shown, tx.blobs, now),
        "papers": [asdict(paper) for paper in ask.papers],
        "gates": [_gate_line(judgement) for judgement in taken.judgements if judgement.outcome != "skipped"],
        "calendar": calendar.version,
    }  # fmt: skip
    if taken.deviations:
        body["deviations"] = [judgement.gate for judgement in taken.deviations]
    if taken.resets:
        body["resets"] = list(taken.resets)
    if action.sets:
        body["matter"] = {name: shown[name] for name in action.sets if name in shown}
    if action.assigns:
        body["assigns"] = {duty: _held(values.get(name)) for duty, name in action.assigns.items() if values.get(name)}
    if bound is not None:
        body["text"] = asdict(bound)
    if new_text is not None:
        body["new_text"] = True
    if weighed.moved:
        body["procedure"] = _named(weighed.procedure)
    draft.body = body
    for named in (*(asdict(paper) for paper in ask.papers), *_files(values)):
        draft.blobs.append(_blob_row(tx.blobs, named, now))
    return draft


def _files(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every uploaded file that the values name."""
    if isinstance(value, Mapping):
        if "sha256" in value:
            yield value
        for inner in value.values():
            yield from _files(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _files(inner)


def _blob_row(blobs: Blobs, named: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The index row of a file, hashed again: what is not there, or not what it says, is never cited."""
    data = blobs.get(str(named["sha256"]))
    if len(data) != named["size"]:
        raise BadInput([Problem("papers", f"文件“{named.get('name', '')}”的大小与登记不符，请重新上传", rule="file")])
    return {
        "sha256": named["sha256"], "sm3": hashlib.new("sm3", data).hexdigest(), "size": len(data),
        "type": named["type"], "stored_at": now,
    }  # fmt: skip


def _gate_line(judgement: Judgement) -> dict[str, Any]:
    line: dict[str, Any] = {"gate": judgement.gate, "outcome": judgement.outcome, "rules": list(judgement.rules)}
    if judgement.reason:
        line["reason"] = judgement.reason
    if judgement.finding is not None:
        line["say"] = judgement.finding.say
        if judgement.finding.detail:
            line["detail"] = judgement.finding.detail
    return line


def _held(value: Value | None) -> list[dict[str, str]]:
    """Who holds a duty of the case: a unit, post or person, or those named in rows (the leading one first).

    A row names a unit in `unit` or a person in `name`; one that was not `chosen`, or has `withdrawn`, holds nothing.
    """
    if isinstance(value, dict):
        return [{key: str(value[key]) for key in ("id", "name") if key in value}]
    rows = [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []
    rows = [row for row in rows if row.get("chosen") is not False and row.get("withdrawn") is not True]
    rows.sort(key=lambda row: row.get("leading") is not True)
    named = (row["unit"] if isinstance(row.get("unit"), dict) else row.get("name") for row in rows)
    return [one for held in named for one in _held(held)]


def _follow_up(
    authority: Authority, actor: Actor, ask: Ask, procedure: law.Procedure, after: Facts, composed: entries.Composed,
    calendar: days.Calendar, now: datetime,
) -> tuple[Rows, ...]:  # fmt: skip
    running = clocks.ledger(procedure, after, calendar, Timing(now).on)
    key = {"authority_id": authority.id, "person_id": actor.person, "key": ask.key, "entry_id": composed.id,
           "fingerprint": ask.fingerprint, "at": now}  # fmt: skip
    told = outbox_row(authority.id, f"step:{composed.id}", "step", {"entry": composed.id, "case": after.no}, now)
    return (
        *projections.reminder_rows(authority.id, after.case, procedure, running, calendar),
        Rows("outbox", [told], "ignore"),
        Rows("act_key", [key], "insert"),
    )  # fmt: skip


def outbox_row(
    authority: str, dedup: str, kind: str, payload: Mapping[str, Any], now: datetime, *, channel: str = "",
    recipient: str = "",
) -> dict[str, Any]:  # fmt: skip
    """A row for the relay. Its key makes the same thing told twice one row."""
    return {
        "authority_id": authority, "id": entries.new_id(now), "dedup_key": dedup, "kind": kind, "channel": channel,
        "recipient": recipient, "payload": orjson.dumps(payload, option=orjson.OPT_SORT_KEYS).decode(), "state": "ready",
        "next_at": now, "expires_at": None, "attempts": 0, "lease_owner": "", "lease_until": None, "fence": 0,
        "last_error": "", "created_at": now,
    }  # fmt: skip


def _guards(authority: Authority, actor: Actor) -> tuple[Guard, ...]:
    if not actor.appointment:
        return ()
    return (Guard("appointment", {"authority_id": authority.id, "id": actor.appointment, "ended": False}),)


def _keep_refusal(tx: Tx, authority: Authority, actor: Actor, ask: Ask, refused: Refused, timing: Timing) -> None:
    """A submitted act that was refused: for repair and security, in the authority's own line, never the dossier."""
    body = {"action": refused.action.id, "case": ask.case, "findings": [
        {"rule": finding.rule, "code": finding.code, "say": finding.say} for finding in refused.blocking]}  # fmt: skip
    at = entries.head(tx.connection, authority.id, "security", authority.id)
    composed = entries.compose(
        entries.Draft("step.refused", body), at, actor, Timing(timing.now), clock=authority.clock
    )
    tx.add(Record(composed.append, composed.rows))


# ---- correcting an entry -----------------------------------------------------------------------------------


def correct(
    tx: Tx, authority: Authority, actor: Actor, ask: Ask, of: str, now: datetime
) -> Done | Held:  # fmt: skip
    """Correct the fields of an earlier act by a new entry that points at it; the old one stays.

    The act is judged again as the case stood before it, with the fields as corrected: what would not
    have been lawful then cannot be corrected into the record now. Raises BadInput, NotFound, KeyReused.
    """
    row = _row(tx.connection, authority, actor, ask)
    if row.entry_id:
        return _again(authority, ask, row.fingerprint, row.entry_id, row.key_sha256, ask.case, "")
    standing = load(tx.connection, authority, ask.case)
    wrong = next((act for act in standing.facts.acts if act.entry == of), None)
    if wrong is None or not ask.reason.strip():
        raise BadInput([Problem("reason", "请写明更正哪一条记录、为什么更正", rule="required")])
    procedure, action = standing.procedure, core.find(standing.procedure, wrong.action)
    before = _as_of(tx.connection, authority, standing.facts.case, wrong.n - 1)
    timing = Timing(now, reason=ask.reason.strip())
    values = {**wrong.fields, **_values(tx.connection, authority, _optional(action), ask, timing, before)}
    answered = settling.rows_of(action)
    if answered is not None and answered.id in ask.raw:
        values = settling.settled(tx.connection, authority, before, action, values)
    if "participants" in ask.raw:
        values = hearings.listed(tx.connection, tx.blobs, authority, before, action, values)
    if "experts" in ask.raw:
        values = panels.listed(tx.connection, tx.blobs, authority, procedure, before, action, values)
    duty = duty_for(procedure, action, actor, before)
    command = core.Command(action.id, replace(wrong.party, duty=duty), wrong.on, values, wrong.papers, wrong.text)
    outcome = core.decide(procedure, command, before, standing.calendar)
    if isinstance(outcome, Refused):
        _keep_refusal(tx, authority, actor, ask, outcome, timing)
        return Held(ask.case, outcome)
    draft = entries.Draft("entry.corrected", {})
    changed = {name: value for name, value in values.items() if name in ask.raw or wrong.fields.get(name) != value}
    shown = entries.protect(draft, action.fields, changed)
    draft.body = {"of": of, "action": action.id, "title": f"更正：{action.title}", "reason": ask.reason.strip(),
                  "fields": entries.shorten(draft, shown, tx.blobs, now)}  # fmt: skip
    if set(action.sets) & set(shown):
        draft.body["matter"] = {name: shown[name] for name in action.sets if name in shown}
    composed = entries.compose(draft, standing.head, actor, timing, clock=authority.clock, duty=duty, key=ask.key)
    after = fold(standing.facts, composed.record)
    rows = (
        *composed.rows,
        *projections.case_rows(procedure, after, composed.record, standing.calendar),
        *_follow_up(authority, actor, ask, procedure, after, composed, standing.calendar, now),
    )
    tx.add(Record(composed.append, rows, _guards(authority, actor)))
    return Done(authority.id, after.case, after.no, composed.id, composed.append.sha256, action.id, action.binding)


def _optional(action: law.Action) -> law.Action:
    """The action with nothing required: a correction gives only the fields that were wrong."""
    loose = tuple(spec.model_copy(update={"required": False, "required_when": {}}) for spec in action.fields)
    return action.model_copy(update={"fields": loose})


_UP_TO = text("""
    select data from trail_entry
    where authority_id = :a and chain_kind = 'case' and chain_id = :c and chain_seq <= :seq order by chain_seq
""")


def _as_of(connection: Connection, authority: Authority, case: str, seq: int) -> Facts:
    """The case as it stood after its entry number `seq`, folded from the entries."""
    facts: Facts | None = None
    for row in connection.execute(_UP_TO, {"a": authority.id, "c": case, "seq": seq}):
        facts = fold(facts, canonical.decode(row.data))
    if facts is None:
        raise NotFound(f"case {case} has no entry up to {seq}", say="没有这条记录")
    return facts


# ---- opening a case --------------------------------------------------------------------------------------


def _open(tx: Tx, authority: Authority, actor: Actor, ask: Ask, now: datetime) -> Done | Held:
    seen = tx.connection.execute(_KEY, {"authority": authority.id, "person": actor.person, "key": ask.key}).first()
    if seen is not None:
        return _again(authority, ask, seen.fingerprint, seen.entry_id, seen.sha256, seen.no, seen.chain_id)
    tx.alone(f"open:{authority.id}")  # numbers are given one after the other
    standing, draft = _fresh(tx.connection, authority, ask, now)
    start = standing.head
    composed = entries.compose(draft, start, actor, _timing(ask, now), clock=authority.clock)
    facts = fold(None, composed.record)
    opening = Record(
        composed.append,
        (*composed.rows, *projections.case_rows(standing.procedure, facts, composed.record, standing.calendar)),
    )
    opened = replace(standing, facts=facts, head=start.after(composed.append))
    return _step(tx, authority, actor, ask, now, opened, (opening,))


def _fresh(
    connection: Connection, authority: Authority, ask: Ask, now: datetime
) -> tuple[Standing, entries.Draft]:  # fmt: skip
    """The case that an opening act would begin, with the draft of its first entry."""
    timing = _timing(ask, now)
    procedure = procedures.in_force(connection, authority.id, ask.procedure or authority.procedure, timing.on)
    if ask.action != procedure.opening:
        raise BadInput([Problem("case", f"“{ask.action}”须写明事项编号", rule="case")])
    title = _clean("title", str(ask.raw.get("title", "")))
    if not title:
        raise BadInput([Problem("title", "请填写事项名称", rule="required")])
    no = _next_no(connection, authority, timing)
    draft = entries.Draft(
        "case.opened", {"no": no, "title": title, "stages": procedure.initial(), "procedure": _named(procedure)}
    )
    case = entries.new_id(now)
    initial = procedure.initial()
    facts = Facts(
        case=case, no=no, title=title, procedure=procedure.digest, matter={}, stages=initial,
        rounds=dict.fromkeys(initial, 1), heads=dict.fromkeys(initial, ""), duties={}, opened=now,
    )  # fmt: skip
    calendar = calendars.current(connection, authority.id, authority.calendar)
    return Standing(facts, entries.Head(authority.id, "case", case), procedure, calendar), draft


def _named(procedure: law.Procedure) -> dict[str, str]:
    return {"id": procedure.id, "version": procedure.version, "digest": procedure.digest}


def _next_no(connection: Connection, authority: Authority, timing: Timing) -> str:
    year = timing.on.year
    last = connection.execute(_LAST_NO, {"authority": authority.id, "pattern": f"{authority.prefix}-{year}-%"}).scalar()
    number = int(str(last).rsplit("-", 1)[1]) + 1 if last else 1
    return f"{authority.prefix}-{year}-{number:03d}"
