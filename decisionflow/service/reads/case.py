"""One case on one page: the map, whether it can go on, what I may do, papers, drafts, people, proof.

Everything is computed from the folded facts, the entries and the procedure; nothing here writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, cast, get_args

from sqlalchemy import Connection, text

from decisionflow.core import clocks, conditions, machine, texts
from decisionflow.core import procedure as law
from decisionflow.core.facts import Act, Facts, Paper, Text, legal_date
from decisionflow.errors import BadInput, NotFound, Problem
from decisionflow.service import actors, evidence, permissions, sealing, steps
from decisionflow.service.actors import Actor, carries, duty_for
from decisionflow.service.authorities import Authority
from decisionflow.service.reads import lamps, refusals
from decisionflow.service.reads import why as reasons
from decisionflow.store.blobs import Blobs

Status = Literal["done", "todo", "wait", "na"]
NOT_NEEDED = "目前的情形不需要"


@dataclass(frozen=True, slots=True)
class View:
    """A case as one person sees it today."""

    authority: Authority
    actor: Actor
    standing: steps.Standing
    everybody: tuple[Actor, ...]
    now: datetime

    @property
    def procedure(self) -> law.Procedure:
        return self.standing.procedure

    @property
    def facts(self) -> Facts:
        return self.standing.facts

    @property
    def lookout(self) -> refusals.Lookout:
        return refusals.Lookout(self.procedure, self.facts, self.actor, self.everybody)


def view(connection: Connection, authority: Authority, actor: Actor, no: str, now: datetime) -> View:
    """A case that this person may see. Raises NotFound in the same words whether it exists or not."""
    standing = steps.visible(connection, authority, actor, no)
    return View(authority, actor, standing, actors.everybody(connection, authority.id, legal_date(now)), now)


def why(connection: Connection, at: View) -> reasons.Why | None:
    """The card "can it go on?"; None for a case that is over, or waits for nothing."""
    if at.procedure.is_ended(at.facts.stages):
        return None
    try:
        action = reasons.onward(at.standing)
    except NotFound:
        return None
    return reasons.of(connection, at.authority, at.standing, action, at.now)


# ---- what may be done now --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Offer:
    """An action that this person may take now; `possible` when nothing known today bars it."""

    id: str
    title: str
    href: str
    todo: bool
    possible: bool
    why_not: str


def offers(at: View) -> tuple[Offer, ...]:
    """What I may do now: what is asked for and possible first."""
    procedure, facts = at.procedure, at.facts
    found = []
    for action in machine.offered(procedure, facts.stages):
        if action.id == procedure.opening or not duty_for(procedure, action, at.actor, facts):
            continue
        outlook = steps.outlook(at.standing, at.actor, action.id, at.now)
        barred = next((one.say for one in outlook.findings if one.blocking), "")
        asked = action.todo and conditions.holds(action.todo_if, matter=facts.matter, fields={}, stages=facts.stages)
        title = (action.ask or action.title) if asked else action.title
        found.append(Offer(action.id, title, f"/cases/{facts.no}/do/{action.id}", asked, outlook.possible, barred))
    return tuple(sorted(found, key=lambda one: (not one.todo, not one.possible)))


@dataclass(frozen=True, slots=True)
class Ticking:
    """A clock that runs, with its lamp and what it rests on."""

    title: str
    light: lamps.Light
    who: str
    cite: str


def ticking(at: View) -> tuple[Ticking, ...]:
    """The running clocks, the most urgent first."""
    today, procedure = legal_date(at.now), at.procedure
    specs = {clock.id: clock for clock in procedure.clocks}
    found = []
    for one in clocks.ledger(procedure, at.facts, at.standing.calendar, today):
        if one.state == "done":
            continue
        duty = procedure.duties[one.duty].title
        names = refusals.holders(one.duty, at.lookout)
        rule = procedure.rules[specs[one.clock].rules[0]]
        cite = law.say_cite(rule, procedure.sources[rule.source])
        light = lamps.of_clock(one, today, at.standing.calendar)
        found.append(Ticking(one.title, light, f"{duty}：{names}" if names else duty, cite))
    return tuple(sorted(found, key=lambda one: one.light.order))


# ---- papers -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """A paper that the procedure asks for, and how it stands."""

    title: str
    status: Status
    hint: str
    cite: str
    href: str


@dataclass(frozen=True, slots=True)
class Section:
    """The papers that one line asks for."""

    title: str
    rows: tuple[Row, ...]


def checklist(at: View) -> tuple[Section, ...]:
    """Every paper by the line that asks for it, in the order of the procedure; then what else lies there."""
    procedure, facts = at.procedure, at.facts
    found: dict[str, list[Row]] = {}
    told: set[str] = set()
    have = facts.papers()
    taken = {act.action for act in facts.acts}
    for action in procedure.actions:
        open_now = machine.fits(action, facts.stages)
        if not action.materials or not (open_now or action.id in taken or action.track == next(iter(procedure.goal))):
            continue
        for paper in action.materials:
            if not paper.required or paper.kind in told:
                continue
            told.add(paper.kind)
            row = _row(at, action, paper, have, open_now=open_now, taken=action.id in taken)
            found.setdefault(procedure.tracks[action.track].title, []).append(row)
    others = [paper for kind, paper in have.items() if kind not in told]
    if others:
        found["其他材料"] = [Row(_title(at, paper), "done", paper.name, "", _file(facts, paper)) for paper in others]
    return tuple(Section(title, tuple(rows)) for title, rows in found.items())


def progress(sections: tuple[Section, ...]) -> str:
    """``11/13``: papers there, of those that apply."""
    rows = [row for section in sections for row in section.rows if row.status != "na"]
    return f"{sum(row.status == 'done' for row in rows)}/{len(rows)}"


def _row(
    at: View, action: law.Action, paper: law.Paper, have: Any, *, open_now: bool, taken: bool
) -> Row:  # fmt: skip
    procedure, facts = at.procedure, at.facts
    kind = procedure.materials[paper.kind]
    rules = paper.rules or kind.rules or action.rules[:1]
    cite = "、".join(
        law.say_cite(procedure.rules[rule], procedure.sources[procedure.rules[rule].source]) for rule in rules[:1]
    )
    if kind.text and facts.text is not None:
        return Row(
            kind.title,
            "done",
            f"第 {facts.text.version} 版，摘要 {facts.text.sha256[:8]}",
            cite,
            f"/cases/{facts.no}/drafts",
        )
    if paper.kind in have:
        one = have[paper.kind]
        return Row(kind.title, "done", f"{one.name}，摘要 {one.sha256[:8]}", cite, _file(facts, one))
    if paper.if_ and not conditions.holds(paper.if_, matter=facts.matter, fields={}, stages=facts.stages):
        return Row(kind.title, "na" if taken else "wait", NOT_NEEDED, cite, "")
    if open_now:
        mine = bool(duty_for(procedure, action, at.actor, facts))
        return Row(
            kind.title, "todo", f"办理“{action.title}”时提交", cite, f"/cases/{facts.no}/do/{action.id}" if mine else ""
        )
    return Row(kind.title, "na" if taken else "wait", "" if taken else f"到“{action.title}”时提交", cite, "")


def _title(at: View, paper: Paper) -> str:
    return paper.title or at.procedure.materials[paper.kind].title


def _file(facts: Facts, paper: Paper) -> str:
    return f"/files/{facts.no}/{paper.sha256}"


# ---- drafts -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the draft, by whom and when, and what was done on it."""

    text: Text
    act: Act
    bound: tuple[str, ...]


def versions(facts: Facts) -> tuple[Version, ...]:
    """Every version, newest first."""
    first: dict[str, Act] = {}
    bound: dict[str, list[str]] = {}
    for act in facts.acts:
        if act.text is None:
            continue
        if act.text.sha256 not in first:
            first[act.text.sha256] = act
        else:
            bound.setdefault(act.text.sha256, []).append(act.title)
    made = [(act.text, act) for act in first.values() if act.text]
    return tuple(Version(one, act, tuple(dict.fromkeys(bound.get(one.sha256, ())))) for one, act in reversed(made))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two versions beside each other; `old` is None for the first."""

    old: Version | None
    new: Version
    rows: tuple[texts.Difference, ...]
    changed: int


def comparison(blobs: Blobs, facts: Facts, left: str, right: str) -> Comparison | None:
    """The version asked for beside another one, by default the one before. Raises BadInput for a version there is not."""
    known = {str(one.text.version): one for one in versions(facts)}
    if not known:
        return None
    new = known.get(right or max(known, key=int))
    old = known.get(left) if left else known.get(str(new.text.version - 1)) if new else None
    if new is None or (left and old is None):
        place, wrong = ("to", right) if new is None else ("from", left)
        raise BadInput([Problem(place, f"没有第 {wrong} 版，现有 {'、'.join(sorted(known, key=int))}", rule="choice")])
    after = texts.load(blobs.get(new.text.sha256))
    before = texts.load(blobs.get(old.text.sha256)) if old else texts.Document("", ())
    rows = texts.differences(before, after)
    return Comparison(old, new, rows, sum(row.change != "same" for row in rows) if old else 0)


# ---- people, proof ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bearer:
    """A duty of the procedure: who holds it today, and who acted in it, each as they were then."""

    duty: str
    today: str
    acted: tuple[tuple[str, str, date, date, int], ...]


def bearers(at: View) -> tuple[Bearer, ...]:
    """Everybody with a duty in the case; those who acted come with their posts of that time."""
    return tuple(_bearers(at))


def _bearers(at: View) -> Iterator[Bearer]:
    procedure, facts = at.procedure, at.facts
    for duty, spec in procedure.duties.items():
        acts: dict[tuple[str, str], list[Act]] = {}
        for act in facts.acts:
            if act.party.duty == duty:
                acts.setdefault((act.party.name, f"{act.party.unit_name} {act.party.post_title}".strip()), []).append(
                    act
                )
        held = any(carries(procedure, duty, one, facts) for one in at.everybody)
        if acts or (duty in facts.duties and held):
            rows = tuple((name, post, some[0].on, some[-1].on, len(some)) for (name, post), some in acts.items())
            yield Bearer(spec.title, refusals.holders(duty, at.lookout), rows)


@dataclass(frozen=True, slots=True)
class Proof:
    """What vouches for the case: how many entries, the last hash, and the seal that covers them."""

    entries: int
    head: str
    waiting: int
    seal: sealing.Seal | None
    code: str
    procedure: str


_WAITING = text("""
    select count(*) from trail_unsealed u
    join trail_entry e on e.authority_id = u.authority_id and e.entry_id = u.entry_id
    where u.authority_id = :a and e.chain_kind = 'case' and e.chain_id = :case
""")


def proof(connection: Connection, at: View) -> Proof:
    """The state of the record."""
    seal = sealing.latest(connection, at.authority.id)
    waiting = connection.execute(_WAITING, {"a": at.authority.id, "case": at.facts.case}).scalar_one()
    code = sealing.short_code(at.authority.origin, seal) if seal else ""
    return Proof(at.facts.seq, at.standing.head.sha256, waiting, seal, code, at.procedure.digest)


def package_view(at: View, wanted: str) -> evidence.View:
    """The view of the package that this person may take away. Raises BadInput, or NotFound where it is not theirs."""
    if wanted not in get_args(evidence.View):
        raise BadInput([Problem("view", "应当是 full、internal 或 public", rule="choice")])
    if wanted == "full" and not permissions.may_read_opinions(at.actor, at.procedure, at.facts):
        raise NotFound("the full view is not for this post", say="您的岗位不能导出含个人信息的证据包，请选“内部”")
    return cast(evidence.View, wanted)
