"""S16 合法性审查工作底稿 and S17 法律顾问意见: a legal review as those who do it see it.

What the packet holds, how much time was given and what the place allows, what the trail says of each line of the
procedure, the draft with its words to watch, what the advisers said, and what was said of like matters before.
Nothing here writes, and no act is known by name: which is which stands in ``workflows/review-points.yaml``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from decisionflow.core import calendar as days
from decisionflow.core import clocks, machine, review, similar, texts
from decisionflow.core import procedure as law
from decisionflow.core.facts import Act, Facts, legal_date
from decisionflow.core.gates import as_day
from decisionflow.errors import Problem
from decisionflow.service import actors, permissions, reviews
from decisionflow.service.reads import form, lamps, refusals, wording
from decisionflow.service.reads.case import View
from decisionflow.service.reads.stored import Stored
from decisionflow.service.reviews import Desk, Sheet
from decisionflow.store.blobs import Blobs

ALIKE, MOST = 0.2, 5
SHOWN = 120


@dataclass(frozen=True, slots=True)
class Received:
    """An item of the packet: `state` is done, todo (missing) or na; the act and entry that it rests on."""

    title: str
    state: str
    say: str
    cite: str
    entry: str = ""
    file: str = ""
    file_name: str = ""


@dataclass(frozen=True, slots=True)
class Floor:
    """The time that must be given (art. 26(2)): the packet's day, the least last day, the day asked for."""

    since: date
    least: date
    counted: str
    provisional: bool
    wanted: date | None
    meeting: date | None
    enough: bool
    reason: str
    cite: str


@dataclass(frozen=True, slots=True)
class Ceiling:
    """A date or period by which the opinion is due: asked for by the sender, or set by the place."""

    title: str
    say: str
    light: lamps.Light
    stopped: int
    cite: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """An act that shows what a line came to."""

    on: date
    who: str
    title: str
    said: str
    entry: str
    departed: tuple[str, ...]
    version: int


@dataclass(frozen=True, slots=True)
class Check:
    """Something to tick: a line of the procedure with its evidence, or a point; `mark` is what was ticked."""

    key: str
    head: review.Head
    title: str
    state: str
    say: str
    cite: str
    mark: str
    remark: str
    evidence: tuple[Evidence, ...] = ()
    own: str = ""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of the draft: its pieces, what changed since `Board.since`, and the notes on it."""

    n: int
    id: str
    pieces: tuple[review.Piece, ...]
    change: str
    old: str
    notes: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Advice:
    """What an adviser said, and how it was weighed; `adopted` is '' while it was not."""

    entry: str
    on: date
    name: str
    capacity: str
    licence: str
    question: str
    paragraphs: str
    position: str
    unlawful: bool
    said: str
    adopted: str
    reason: str
    weighed_by: str
    weighed_entry: str


@dataclass(frozen=True, slots=True)
class Basis:
    """A text that the draft rests on, as the lead unit listed it.

    `state` is done (in force), todo (not yet) or issue (no more).
    """

    title: str
    number: str
    since: str
    until: str
    state: str


@dataclass(frozen=True, slots=True)
class Earlier:
    """A like matter that was reviewed before: what was concluded, and on what grounds."""

    no: str
    title: str
    on: date
    conclusion: str
    reason: str
    same_class: bool
    entry: str


@dataclass(frozen=True, slots=True)
class Done:
    """The opinion that was given in this round."""

    act: Act
    conclusion: str
    version: int


@dataclass(frozen=True, slots=True)
class Board:
    """The whole desk."""

    desk: Desk
    sheet: Sheet | None
    locked: str
    packet: tuple[Received, ...]
    floor: Floor | None
    ceilings: tuple[Ceiling, ...]
    reviewer: str
    offered: tuple[form.Option, ...]
    barred: tuple[tuple[str, str], ...]
    checks: tuple[Check, ...]
    paragraphs: tuple[Paragraph, ...]
    since: int
    advice: tuple[Advice, ...]
    bases: tuple[Basis, ...]
    earlier: tuple[Earlier, ...]
    done: Done | None

    def under(self, head: str) -> tuple[Check, ...]:
        """What is to be ticked under a head."""
        return tuple(one for one in self.checks if one.head == head)

    @property
    def missing(self) -> tuple[Received, ...]:
        return tuple(one for one in self.packet if one.state == "todo")

    @property
    def unticked(self) -> tuple[Check, ...]:
        """Lines of the procedure that nobody has ticked yet: what the trail shows does not judge itself."""
        return tuple(one for one in self.checks if one.key.startswith("line.") and not one.mark)


def board(
    connection: Connection, blobs: Blobs, at: Desk, cases: Iterable[Stored], now: datetime
) -> Board:  # fmt: skip
    """The desk as it stands; `cases` are those that the reader may see."""
    one = reviews.sheet(connection, at)
    since, paragraphs = _paragraphs(connection, blobs, at, one)
    offered, barred = _people(connection, at, now)
    return Board(
        at, one, reviews.locked(at, one) if one else "", tuple(packet(at)), floor(at), tuple(ceilings(at, now)),
        reviews.reviewer(at), offered, barred, tuple(_checks(connection, at, one)), paragraphs, since,
        advice(blobs, at.procedure, at.facts), tuple(_bases(at, now)), _earlier(at, cases), _done(at),
    )  # fmt: skip


# ---- the packet and the time -------------------------------------------------------------------------------


def packet(at: Desk) -> Iterator[Received]:
    """What art. 26(1) asks for and what the matter needs beside it, each with where it is."""
    for item in reviews.applying(at.procedure, reviews.shipped().packet):
        cite = refusals.cited(at.procedure, item.rules)
        if not review.fits(item, at.facts):
            yield Received(item.title, "na", "本事项不需要", cite)
        else:
            yield _received(at, item, cite)


def _received(at: Desk, item: review.Item, cite: str) -> Received:
    procedure, facts = at.procedure, at.facts
    if item.paper and procedure.materials[item.paper].text:
        bound = next((act for act in reversed(facts.acts) if act.text == facts.text), None)
        if facts.text is None or bound is None:
            return Received(item.title, "todo", "没有草案文本", cite)
        return Received(
            item.title, "done", f"第 {facts.text.version} 版，摘要 {facts.text.sha256[:8]}", cite, bound.entry
        )
    if item.track:
        return _of_track(at, item, cite)
    source = next((act for act in reversed(facts.acts) for paper in act.papers if paper.kind == item.paper), None)
    if source is not None:
        paper = next(paper for paper in source.papers if paper.kind == item.paper)
        return Received(
            item.title, "done", f"{source.on}，{source.title}时提交", cite, source.entry, paper.sha256, paper.name
        )
    filled = facts.last(item.field.action) if item.field else None
    rows = filled.fields.get(item.field.field) if filled and item.field else None
    if filled is not None and isinstance(rows, list) and rows:
        return Received(
            item.title, "done", f"依据清单 {len(rows)} 项，随草案第 {_version(filled)} 版", cite, filled.entry
        )
    return Received(item.title, "todo", "没有提交", cite)


def _of_track(at: Desk, item: review.Item, cite: str) -> Received:
    track, stage = at.procedure.tracks[item.track], at.facts.stages[item.track]
    newest = next((act for act in reversed(_acts(at.facts, item.track))), None)
    say = track.stages[stage] + (f"（{newest.on}，{newest.title}）" if newest else "")
    entry = newest.entry if newest else ""
    if stage in track.waived:
        return Received(item.title, "na", f"已记明：{say}", cite, entry)
    return Received(item.title, "done" if stage in track.done else "todo", say, cite, entry)


def _acts(facts: Facts, track: str) -> tuple[Act, ...]:
    return tuple(act for act in facts.acts if act.track == track and act.round == facts.rounds[track])


def _version(act: Act) -> int:
    return act.text.version if act.text else 0


def floor(at: Desk) -> Floor | None:
    """The time given, measured from the day the packet was complete (art. 26(2)); None before it was sent."""
    came = reviews.packet_acts(at)
    if not came:
        return None
    newest = came[-1]
    action = at.procedure.action(newest.action)
    gates = at.procedure.gates_of(action) if action else ()
    found = next((gate for gate in gates if isinstance(gate, law.Lapsed) and gate.until.field in newest.fields), None)
    if found is None or found.at_least == "none":
        return None
    count = days.add(at.standing.calendar, newest.on, days.period(found.at_least))
    wanted = as_day(newest.fields.get(found.until.field))
    meeting = as_day(newest.fields.get("meeting_on"))
    reason = _word(action, newest, found.deviate) if action and found.deviate else ""
    last = min(day for day in (wanted, meeting) if day) if wanted or meeting else None
    return Floor(
        newest.on, count.ends_on, days.period(found.at_least).say, count.provisional, wanted, meeting,
        last is None or last >= count.ends_on, reason, refusals.cited(at.procedure, found.rules[:1]),
    )  # fmt: skip


def ceilings(at: Desk, now: datetime) -> Iterator[Ceiling]:
    """The clocks that end with the opinion: the sender's wish, and what the place allows at most (P-13, P-14)."""
    specs = {clock.id: clock for clock in at.procedure.clocks}
    on = legal_date(now)
    for one in clocks.ledger(at.procedure, at.facts, at.standing.calendar, on):
        spec = specs[one.clock]
        if at.action.id in spec.ends:
            light = lamps.of_clock(one, on, at.standing.calendar)
            yield Ceiling(one.title, spec.say, light, len(one.pauses), refusals.cited(at.procedure, spec.rules[:1]))


# ---- who ----------------------------------------------------------------------------------------------------


def _people(
    connection: Connection, at: Desk, now: datetime
) -> tuple[tuple[form.Option, ...], tuple[tuple[str, str], ...]]:  # fmt: skip
    """Who may be assigned: those who carry the duty and took no part; and those who cannot, with what they did."""
    action = at.offered("accept") or at.offered("assign")
    found = reviews.barred(at.procedure, at.facts)
    everybody = actors.everybody(connection, at.authority.id, legal_date(now))
    able = [one for one in everybody if permissions.may_review(one, at.procedure, at.facts, at.action)]
    names = tuple(dict.fromkeys((one.name, found[one.person]) for one in able if one.person in found))
    if action is None or not at.works:
        return (), names
    sheet = form.sheet(connection, at.authority, at.actor, at.facts.no, action.id, now)
    ids = {one.person for one in able if one.person not in found}
    return tuple(one for one in form.options(connection, sheet).get("person", ()) if one.id in ids), names


# ---- what is to be ticked --------------------------------------------------------------------------------------


def _checks(connection: Connection, at: Desk, one: Sheet | None) -> Iterator[Check]:
    marks = one.marks if one else {}
    remarks = one.remarks if one else {}
    for name in reviews.shipped().lines:
        if name in at.facts.stages:
            yield _line(at, name, marks.get(f"line.{name}", ""), remarks.get(f"line.{name}", ""))
    for point in reviews.applying(at.procedure, reviews.shipped().points):
        key = f"point.{point.id}"
        if review.fits(point, at.facts):
            cite = refusals.cited(at.procedure, point.rules)
            yield Check(key, point.head, point.say, "", "", cite, marks.get(key, ""), remarks.get(key, ""))
    for row in reviews.own_points(connection, at):
        key = f"own.{row['id']}"
        say = f"本单位要点，{row['person_name']}增加"
        yield Check(
            key, row["head"], row["say"], "", say, row["basis"], marks.get(key, ""), remarks.get(key, ""), (), row["id"]
        )


def _line(at: Desk, name: str, mark: str, remark: str) -> Check:
    track, stage = at.procedure.tracks[name], at.facts.stages[name]
    state = (
        "done"
        if stage in track.done
        else "na"
        if stage in track.waived
        else "issue"
        if stage in track.failed
        else "todo"
    )
    evidence = tuple(_evidence(at, act) for act in _acts(at.facts, name))
    cite = refusals.cited(at.procedure, track.rules[:1])
    return Check(f"line.{name}", "procedure", track.title, state, track.stages[stage], cite, mark, remark, evidence)


def _evidence(at: Desk, act: Act) -> Evidence:
    departed = tuple(gate.say for name in act.deviations if (gate := at.procedure.gate(name)))
    return Evidence(act.on, f"{act.party.unit_name}{act.party.name}", act.title, said(at.procedure, act), act.entry, departed,
                    _version(act))  # fmt: skip


def said(procedure: law.Procedure, act: Act) -> str:
    """What an act says of itself, shortened: choices, dates and numbers first of all."""
    action = procedure.action(act.action)
    told = []
    for spec in action.fields if action else ():
        if spec.personal or spec.type not in ("choice", "choices", "date", "flag", "number", "text", "long"):
            continue
        words = wording.words(spec, act.fields.get(spec.id))
        if words:
            told.append(f"{spec.title}：{words[:60]}{'…' if len(words) > 60 else ''}")
    return "；".join(told[:4])


# ---- the draft ----------------------------------------------------------------------------------------------


def _paragraphs(
    connection: Connection, blobs: Blobs, at: Desk, one: Sheet | None
) -> tuple[int, tuple[Paragraph, ...]]:  # fmt: skip
    """The text that the sheet is about, marked, beside the version reviewed before (or the one before it)."""
    digest = one.text_digest if one else at.facts.text.sha256 if at.facts.text else ""
    if not digest:
        return 0, ()
    document = texts.load(blobs.get(digest))
    since, before = _before(at, digest)
    changes = {row.id: row for row in texts.differences(texts.load(blobs.get(before)), document)} if before else {}
    written: dict[str, list[Mapping[str, Any]]] = {}
    for row in reviews.notes(connection, at, one.id) if one else ():
        written.setdefault(row["paragraph"], []).append(row)
    words = reviews.shipped().words
    return since, tuple(
        Paragraph(
            n, p.id, review.marked(p.text, words), change.change if (change := changes.get(p.id)) else "",
            change.old if change else "", tuple(written.get(p.id, ())),
        )
        for n, p in enumerate(document.paragraphs, 1)
    )  # fmt: skip


def _before(at: Desk, digest: str) -> tuple[int, str]:
    """The version with which the draft is compared: the one reviewed before, else the one before."""
    seen = [act.text for act in at.facts.acts if act.action == at.action.id and act.text and act.text.sha256 != digest]
    known = {act.text.version: act.text for act in at.facts.acts if act.text}
    mine = next((text.version for text in known.values() if text.sha256 == digest), 0)
    before = seen[-1] if seen else known.get(mine - 1)
    return (before.version, before.sha256) if before else (0, "")


def _bases(at: Desk, now: datetime) -> Iterator[Basis]:
    """The list of legal bases that came with the draft, held against the day: what lapsed is no basis any more."""
    item = next((one for one in reviews.shipped().packet if one.field), None)
    act = at.facts.last(item.field.action) if item and item.field else None
    rows = act.fields.get(item.field.field) if act and item and item.field else None
    on = legal_date(now)
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, Mapping):
            since, until = as_day(row.get("valid_from")), as_day(row.get("valid_to"))
            state = "todo" if since and on < since else "issue" if until and until < on else "done"
            title, number, begins, ends = (
                str(row.get(name) or "") for name in ("title", "number", "valid_from", "valid_to")
            )
            yield Basis(title, number, begins, ends, state)


# ---- advisers -------------------------------------------------------------------------------------------------


def advice(blobs: Blobs, procedure: law.Procedure, facts: Facts) -> tuple[Advice, ...]:
    """What the advisers said in this round, each with how it was weighed."""
    acts = reviews.shipped().acts
    action = procedure.action(acts.advise)
    if action is None:
        return ()
    weighed = facts.current((acts.weigh,))
    return tuple(_advice(blobs, procedure, action, act, weighed) for act in facts.current((acts.advise,)))


def _advice(blobs: Blobs, procedure: law.Procedure, action: law.Action, act: Act, weighed: Sequence[Act]) -> Advice:
    name = _word(action, act, "adviser").partition("（")[0]
    later = next((one for one in reversed(weighed) if one.n > act.n and one.fields.get("adviser") == name), None)
    by = later or (act if act.fields.get("adopted") else None)
    how = procedure.action(by.action) if by else None
    reason = "reason" if later else "adopted_reason"
    return Advice(
        entry=act.entry, on=act.on, name=name, capacity=_word(action, act, "capacity"), licence=_word(action, act, "licence"),
        question=whole(blobs, act.fields.get("question")), paragraphs=_word(action, act, "paragraphs"),
        position=_word(action, act, "position"), unlawful=act.fields.get("position") == "unlawful",
        said=whole(blobs, act.fields.get("opinion")), adopted=_word(how, by, "adopted") if how and by else "",
        reason=whole(blobs, by.fields.get(reason)) if by else "", weighed_by=by.party.name if by else "",
        weighed_entry=by.entry if by else "",
    )  # fmt: skip


def _word(action: law.Action, act: Act, name: str) -> str:
    spec = action.field(name)
    return wording.words(spec, act.fields.get(name)) if spec else ""


def whole(blobs: Blobs, value: Any) -> str:
    """A long field in full."""
    if isinstance(value, Mapping):
        return blobs.get(str(value["blob"])).decode() if "blob" in value else ""
    return "" if value is None else str(value)


# ---- earlier cases, the opinion -----------------------------------------------------------------------------------


def _earlier(at: Desk, cases: Iterable[Stored]) -> tuple[Earlier, ...]:
    """Like matters reviewed before, the most alike first: of the same class, or with a like title."""
    mine = similar.sketch(similar.plain(at.facts.title))
    found = []
    for one in cases:
        action = reviews.act_of(one.procedure, "conclude")
        act = next((act for act in reversed(one.facts.acts) if action and act.action == action.id), None)
        if one.facts.case == at.facts.case or act is None or action is None:
            continue
        alike = similar.likeness(mine, similar.sketch(similar.plain(one.facts.title)))
        same = bool(one.facts.matter.get("class")) and one.facts.matter.get("class") == at.facts.matter.get("class")
        if same or alike >= ALIKE:
            said = _word(action, act, "content_reason")[:SHOWN]
            row = Earlier(
                one.facts.no, one.facts.title, act.on, _word(action, act, "conclusion"), said, same, act.entry
            )
            found.append((alike, act.on, row))
    return tuple(row for _, _, row in sorted(found, key=lambda one: (one[0], one[1]), reverse=True)[:MOST])


def _done(at: Desk) -> Done | None:
    act = at.facts.last((at.action.id,))
    return Done(act, _word(at.action, act, "conclusion"), _version(act)) if act else None


# ---- on to the opinion ----------------------------------------------------------------------------------------


def opinion(connection: Connection, blobs: Blobs, found: Board) -> dict[str, Any]:
    """The fields of the concluding act as the sheet stands; none while there is no sheet that can be signed."""
    if found.sheet is None or found.locked:
        return {}
    looked_at = [(one.head, one.key, _judged(one)) for one in found.checks]
    return reviews.opinion(connection, blobs, found.desk, found.sheet, looked_at)


def _judged(one: Check) -> str:
    """A check as the reason of its head names it: a line with what the trail says of it."""
    return f"{one.title}（{one.say}）" if one.evidence or one.state else one.title


def unready(found: Board) -> Iterator[Problem]:
    """What the sheet still lacks before it can go on to the act; what the law asks for is the gates' business."""
    if found.sheet is None or found.locked:
        yield Problem("", found.locked or "还没有建底稿", rule="sheet-locked")
        return
    if left := found.unticked:
        named = "、".join(one.title for one in left)
        yield Problem(left[0].key, f"程序的各环节要逐项核对，还没有核对：{named}", rule="D713-49")
    for spec in found.desk.fields:
        if spec.type == "choice" and spec.required and not found.sheet.values.get(spec.id):
            yield Problem(spec.id, f"请写明“{spec.title}”", rule="D713-49")
    for head, title in review.HEADS.items():
        if not found.sheet.values.get(f"{head}_reason") and not any(one.mark for one in found.under(head)):
            yield Problem(f"{head}_reason", f"“{title}”没有理由，也没有核对任何要点", rule="D713-49")


def mine(at: View, role: str) -> law.Action | None:
    """The act of a role, when the case stands where it may be taken and the reader's duty is to take it."""
    action = reviews.act_of(at.procedure, role)
    if action is None or action not in machine.offered(at.procedure, at.facts.stages):
        return None
    return action if actors.duty_for(at.procedure, action, at.actor, at.facts) else None


def reads_desk(at: View) -> bool:
    """Whether the reader may open the desk of the case's legal review."""
    action = reviews.act_of(at.procedure, "conclude") if reviews.track_of(at.procedure) else None
    return bool(action and permissions.may_read_review(at.actor, at.procedure, at.facts, action))


def advice_bar(procedure: law.Procedure) -> tuple[str, str]:
    """What a place or a superior's paper says of a draft that advisers hold unlawful (OV-13): sentence and citation."""
    acts = reviews.shipped().acts
    sent = procedure.action(acts.submit)
    for gate in procedure.gates_of(sent) if sent else ():
        if isinstance(gate, law.RowsAre) and acts.advise in gate.rows.action:
            return gate.say, refusals.cited(procedure, gate.rules[:1])
    return "", ""
