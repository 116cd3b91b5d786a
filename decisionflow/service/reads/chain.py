"""S07 草案版本: the chain of texts (DF-TEXT): which step spoke about which version, and what must be done again.

Every difference between neighbours has where it came from, and after the review whether legal review confirmed it
as not substantive. A step given on an older version is asked about, with the rule; whether a change is substantive
is a person's judgement. No act is known by name: the steps stand in ``workflows/review-points.yaml``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from decisionflow.core import machine, review, texts
from decisionflow.core import procedure as law
from decisionflow.core.facts import Act, Facts, Text
from decisionflow.service import reviews
from decisionflow.service.actors import Actor, duty_for
from decisionflow.service.reads import refusals, wording
from decisionflow.service.reads import reviews as desk
from decisionflow.store.blobs import Blobs


@dataclass(frozen=True, slots=True)
class Remedy:
    """The button that mends it: an act with fields filled in beforehand."""

    action: str
    title: str
    track: str
    values: Mapping[str, str]
    mine: bool
    who: str


@dataclass(frozen=True, slots=True)
class Given:
    """A step and the version that it was given on.

    `state` is same, confirmed (as not substantive), changed (somebody is asked what follows), or past (too late to ask).
    """

    title: str
    on: date | None
    act: str
    who: str
    entry: str
    version: int
    changed: int
    state: str
    say: str
    cite: str
    remedy: Remedy | None


@dataclass(frozen=True, slots=True)
class Link:
    """The difference between two neighbouring versions: where it came from, and whether review confirmed it."""

    old: int
    new: int
    made: Act
    changed: int
    source: str
    note: str
    state: str
    say: str
    confirmed: Act | None
    remedy: Remedy | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the meeting did with the review."""

    decision: str
    on: date
    entry: str
    conclusion: str
    reviewed: int
    decided: int
    changed: int
    lines: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A remark of the opinion on a paragraph, and what became of the paragraph since."""

    paragraph: str
    say: str
    basis: str
    advice: str
    became: str


@dataclass(frozen=True, slots=True)
class Chain:
    """The chain of texts of a case."""

    given: tuple[Given, ...]
    links: tuple[Link, ...]
    asked: tuple[Asked, ...]
    outcome: Outcome | None


def chain(blobs: Blobs, procedure: law.Procedure, facts: Facts, actor: Actor) -> Chain | None:
    """The chain; None where there is no draft, or the procedure has no legal review of this kind."""
    if facts.text is None or not reviews.track_of(procedure):
        return None
    at = _At(blobs, procedure, facts, facts.text, actor)
    return Chain(tuple(at.given()), tuple(at.links()), tuple(at.asked()), at.outcome())


@dataclass(frozen=True, slots=True)
class _At:
    blobs: Blobs
    procedure: law.Procedure
    facts: Facts
    now: Text
    actor: Actor

    # -- versions

    def versions(self) -> list[tuple[Text, Act]]:
        """Every version with the act that made it, in order."""
        found: dict[str, tuple[Text, Act]] = {}
        for act in self.facts.acts:
            if act.text is not None:
                found.setdefault(act.text.sha256, (act.text, act))
        return sorted(found.values(), key=lambda one: one[0].version)

    def differing(self, old: Text, new: Text) -> int:
        """How many paragraphs differ, the title counted as one."""
        if old.sha256 == new.sha256:
            return 0
        before, after = texts.load(self.blobs.get(old.sha256)), texts.load(self.blobs.get(new.sha256))
        rows = texts.differences(before, after)
        return sum(row.change != "same" for row in rows) + (before.title != after.title)

    # -- what legal review confirmed

    def reviewed(self) -> Act | None:
        return self.facts.last((reviews.shipped().acts.conclude,))

    def confirmations(self) -> tuple[Act, ...]:
        return self.facts.current((reviews.shipped().acts.confirm,))

    def covered(self) -> set[str]:
        """The digests that the review covers: the reviewed text, and those confirmed as not substantive from there."""
        act = self.reviewed()
        known = {act.text.sha256} if act and act.text else set()
        for one in self.confirmations():
            if one.fields.get("substantive") is False and one.fields.get("from_text") in known:
                known.add(str(one.fields.get("to_text")))
        return known

    # -- steps

    def given(self) -> Iterator[Given]:
        for milestone in reviews.applying(self.procedure, reviews.shipped().texts):
            act = self.facts.last([name for name in milestone.acts if self.procedure.action(name)])
            if act is None or act.text is None:
                continue
            yield self.one(milestone, act, act.text)

    def one(self, milestone: review.Milestone, act: Act, text: Text) -> Given:
        changed = self.differing(text, self.now)
        state, say, remedy = "same", "与现在的草案是同一文本", None
        if changed:
            state, say, remedy = self.moved(milestone, text, changed)
        who = f"{act.party.unit_name}{act.party.name}"
        cite = refusals.cited(self.procedure, milestone.rules)
        return Given(
            milestone.title, act.on, act.title, who, act.entry, text.version, changed, state, say, cite, remedy
        )

    def moved(self, milestone: review.Milestone, text: Text, changed: int) -> tuple[str, str, Remedy | None]:
        many = f"第 {text.version} 版以后改了 {changed} 处"
        if milestone.role == "issued":
            return "changed", f"{many}：公布以后草案又有新文本", None
        if milestone.role in ("reviewed", "submitted", "decided"):
            if self.now.sha256 in self.covered():
                return "confirmed", f"{many}，合法性审查已逐版确认不是实质改动", None
            say = f"{many}，还没有确认：不是实质改动的由审查部门确认，属于实质改动的重新送审"
            return "changed", say, self.confirm(self.tip(), self.now)
        remedy = self.redo(milestone.redo)
        if remedy is None:
            return "past", f"{many}，没有重新办理", None
        return "changed", f"{many}，请判断是否属于实质修改：属于的，须重新办理；不属于的不用", remedy

    def tip(self) -> Text | None:
        """The newest text that the review covers: from there the next change is confirmed."""
        known = self.covered()
        found = [text for text, _ in self.versions() if text.sha256 in known]
        return found[-1] if found else None

    def confirm(self, old: Text | None, new: Text) -> Remedy | None:
        values = {"from_text": old.sha256, "to_text": new.sha256} if old else {}
        return self.remedy("confirm", values) or self.remedy("revise", {})

    def redo(self, name: str) -> Remedy | None:
        """Do a step again: while a review stands, by sending the draft round again; before, by restarting the step."""
        for role in ("revise", "restart"):
            action = reviews.act_of(self.procedure, role)
            if action and action.resets_chosen and (found := self.remedy(role, {action.resets_chosen: name})):
                return found
        return None

    def remedy(self, role: str, values: Mapping[str, str]) -> Remedy | None:
        action = reviews.act_of(self.procedure, role)
        if action is None or action not in machine.offered(self.procedure, self.facts.stages):
            return None
        mine = bool(duty_for(self.procedure, action, self.actor, self.facts))
        return Remedy(action.id, action.title, action.track, values, mine, self.procedure.duties[action.by[0]].title)

    # -- neighbours

    def links(self) -> Iterator[Link]:
        found = self.versions()
        for (old, _), (new, made) in pairwise(found):
            yield self.link(old, new, made)

    def link(self, old: Text, new: Text, made: Act) -> Link:
        action = self.procedure.action(made.action)
        kind, note = (action.field("change_kind"), action.field("change_note")) if action else (None, None)
        source = wording.words(kind, made.fields.get("change_kind")) if kind else made.title
        words = wording.words(note, made.fields.get("change_note")) if note else ""
        state, say, confirmed, remedy = self.confirmed(old, new, made)
        return Link(
            old.version, new.version, made, self.differing(old, new), source, words, state, say, confirmed, remedy
        )

    def confirmed(self, old: Text, new: Text, made: Act) -> tuple[str, str, Act | None, Remedy | None]:
        """Whether legal review has said of a difference what it is; before the review nobody needs to."""
        review_act = self.reviewed()
        if review_act is None or review_act.text is None or made.n < review_act.n:
            return "na", "审查以前的改动，由审查一并看", None, None
        for one in reversed(self.confirmations()):
            if one.fields.get("to_text") == new.sha256:
                action = self.procedure.action(one.action)
                kind = action.field("classification") if action else None
                what = wording.words(kind, one.fields.get("classification")) if kind else ""
                if one.fields.get("substantive") is True:
                    return "issue", f"认定为实质改动（{what}），须重新送审", one, self.remedy("revise", {})
                if new.sha256 in self.covered():
                    return "done", f"已确认不是实质改动（{what}）", one, None
        return "todo", "还没有确认", None, self.confirm(old, new) if old.sha256 in self.covered() else None

    # -- what the opinion asked for

    def asked(self) -> Iterator[Asked]:
        """Every remark of the opinion, with what became of its paragraph: whether that is enough, a person says."""
        act = self.reviewed()
        rows = act.fields.get("findings") if act else None
        if act is None or act.text is None or not isinstance(rows, list):
            return
        before, after = (texts.load(self.blobs.get(one.sha256)) for one in (act.text, self.now))
        became = {row.id: row.change for row in texts.differences(before, after)}
        numbered = {f"第{n}段": became.get(p.id, "same") for n, p in enumerate(before.paragraphs, 1)}
        for row in rows:
            if isinstance(row, Mapping):
                words = {
                    name: desk.whole(self.blobs, row.get(name)) for name in ("paragraph", "say", "basis", "advice")
                }
                yield Asked(**words, became=numbered.get(words["paragraph"], ""))

    # -- the meeting

    def outcome(self) -> Outcome | None:
        """What the meeting did with the review: on which text it decided, and with which words."""
        milestone = next((one for one in reviews.shipped().texts if one.role == "decided"), None)
        act = self.facts.last([name for name in milestone.acts if self.procedure.action(name)]) if milestone else None
        before = self.reviewed()
        if act is None or before is None or before.text is None or act.text is None:
            return None
        action, sent = self.procedure.action(before.action), self.facts.last((reviews.shipped().acts.submit,))
        spec = action.field("conclusion") if action else None
        later = [one for one in self.confirmations() if one.n < act.n]
        lines = [
            *self.said(before, ("changes", "legal_risks")),
            *(line for one in later for line in self.said(one, ("conclusion",))),
            *(self.said(sent, ("changes_made", "risk_statement", "no_rule_ground")) if sent else ()),
            *self.said(act, ("decision", "changes", "majority_reason")),
        ]
        conclusion = wording.words(spec, before.fields.get("conclusion")) if spec else ""
        changed = self.differing(before.text, act.text)
        return Outcome(
            act.title, act.on, act.entry, conclusion, before.text.version, act.text.version, changed, tuple(lines)
        )

    def said(self, act: Act, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        action = self.procedure.action(act.action)
        for name in names:
            spec = action.field(name) if action else None
            value = act.fields.get(name)
            words = (
                desk.whole(self.blobs, value)
                if spec and spec.type == "long"
                else wording.words(spec, value)
                if spec
                else ""
            )
            if spec and words:
                yield f"{act.title}：{spec.title}", words
