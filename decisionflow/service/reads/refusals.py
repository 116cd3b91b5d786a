"""A refusal as people read it: the same findings that `decide` gives, with names, days and ways out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from decisionflow.core import machine
from decisionflow.core import procedure as law
from decisionflow.core.calendar import say_day
from decisionflow.core.facts import Facts, legal_date
from decisionflow.core.gates import Cite, Finding
from decisionflow.service.actors import Actor, carries, duty_for, everybody
from decisionflow.service.authorities import Authority


@dataclass(frozen=True, slots=True)
class Way:
    """One thing that would help, as a link."""

    rel: str
    title: str
    href: str


@dataclass(frozen=True, slots=True)
class Part:
    """One finding on the card: what is missing, on which basis, who mends it, from when."""

    rule: str
    strength: law.Strength
    say: str
    who: str
    earliest_on: str
    remedies: tuple[Way, ...]
    cite_text: str
    cite_body: str


@dataclass(frozen=True, slots=True)
class Card:
    """The refusal card: 结论 and its findings."""

    headline: str
    findings: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Lookout:
    """For whom and from where a card is read: the case, the reader, and everybody who holds a post today."""

    procedure: law.Procedure
    facts: Facts
    actor: Actor
    everybody: Sequence[Actor] = ()


def lookout(
    connection: Connection, authority: Authority, actor: Actor, procedure: law.Procedure, facts: Facts, now: datetime
) -> Lookout:  # fmt: skip
    """A place to read refusals from, as the register stands today."""
    return Lookout(procedure, facts, actor, everybody(connection, authority.id, legal_date(now)))


def card(action: law.Action, findings: Iterable[Finding], at: Lookout, *, form: bool) -> Card:
    """The card for an action that is not possible now. `form` says that its fields stand on the same page."""
    blocking = [finding for finding in findings if finding.blocking]
    if all(finding.code == "duty" for finding in blocking):
        headline = f"您的岗位不能{action.title}"
    else:
        headline = f"不能{action.title}：缺 {len(blocking)} 项"
    return Card(headline, tuple(part(finding, at, form=form) for finding in blocking))


def part(finding: Finding, at: Lookout, *, form: bool = False) -> Part:
    """One finding in words."""
    detail = f"（{finding.detail}）" if finding.detail else ""
    earliest = "由上述岗位办理" if finding.code == "duty" else ""
    if finding.earliest_on is not None:
        earliest = say_day(finding.earliest_on) + ("（暂估：放假安排未录入）" if finding.provisional else "")
    rule = at.procedure.rules[finding.rule]
    return Part(
        finding.rule, finding.strength, finding.say + detail, who(finding, at), earliest, tuple(_ways(finding, at, form)),
        cite_words(finding.cites, at.procedure), rule.say,
    )  # fmt: skip


def cite_words(cites: Iterable[Cite], procedure: law.Procedure) -> str:
    """Citations in words, one after the other; those that nobody has checked at the source say so."""
    found = (
        cite.say + ("〔未核实〕" if is_unchecked(procedure.sources[cite.law], cite.confirmed) else "") for cite in cites
    )
    return "、".join(dict.fromkeys(found))


def cited(procedure: law.Procedure, rules: Iterable[str]) -> str:
    """Rules as citations in words; those that nobody has checked at the source say so."""
    found = []
    for name in rules:
        rule = procedure.rules[name]
        source = procedure.sources[rule.source]
        found.append(law.say_cite(rule, source) + ("〔未核实〕" if is_unchecked(source, rule.confirmed) else ""))
    return "、".join(dict.fromkeys(found))


def is_unchecked(instrument: law.Instrument, confirmed: str) -> bool:
    """Whether a rule rests on memory, on a second hand or on our reading; our own rules need no source."""
    return confirmed != "source" and instrument.rank != "product"


def who(finding: Finding, at: Lookout) -> str:
    """Who acts next: the duty's title and who holds it today; 您 when it is the reader."""
    if finding.code != "duty" and carries(at.procedure, finding.who, at.actor, at.facts):
        return f"您（{finding.who_title}）"
    return f"{finding.who_title}：{names}" if (names := holders(finding.who, at)) else finding.who_title


def holders(duty: str, at: Lookout) -> str:
    """Who holds a duty in the case today, two of them at most, with unit and post."""
    found = [one for one in at.everybody if carries(at.procedure, duty, one, at.facts)]
    if not found:
        return "、".join(str(one.get("name", "")) for one in at.facts.duties.get(duty, ()))
    more = f"等{len(found)}人" if len(found) > 2 else ""
    return "、".join(f"{one.unit_name} {one.post_title} {one.name}" for one in found[:2]) + more


def _ways(finding: Finding, at: Lookout, form: bool) -> Iterable[Way]:
    for remedy in finding.remedies:
        action = at.procedure.action(remedy.name) if remedy.rel == "act" else None
        if action is not None and at.facts.no and machine.fits(action, at.facts.stages):
            if duty_for(at.procedure, action, at.actor, at.facts):
                yield Way("act", remedy.title, f"/cases/{at.facts.no}/do/{action.id}")
        elif form and remedy.rel == "field":
            title = remedy.title if remedy.title.startswith("说明理由") else f"填写“{remedy.title}”"
            yield Way("field", title, f"#f-{remedy.name}")
        elif remedy.rel == "material" and at.procedure.materials[remedy.name].text:
            yield from (Way("act", one.title, f"/cases/{at.facts.no}/do/{one.id}") for one in _drafting(at))
        elif form and remedy.rel == "material":
            yield Way("material", remedy.title, f"#f-paper.{remedy.name}")


def _drafting(at: Lookout) -> Iterable[law.Action]:
    """The actions that write the draft, as far as the reader may take them now."""
    for action in machine.offered(at.procedure, at.facts.stages):
        if action.text == "new" and at.facts.no and duty_for(at.procedure, action, at.actor, at.facts):
            yield action
