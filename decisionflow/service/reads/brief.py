"""S20a 议题速览: one page for the chief: what it is, whether the steps were taken, and where people disagree.

Read off the acts by the fields that they have, so that it fits every procedure; what is not on record says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from decisionflow.core import conditions
from decisionflow.core import procedure as law
from decisionflow.core.facts import Act, Paper
from decisionflow.service import settling, sittings
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority
from decisionflow.service.reads import case as cases
from decisionflow.store.blobs import Blobs

SHORT, DISPUTES = 90, 3
MARKS = {"done": "✔", "waived": "—", "open": "✘", "idle": "—"}
WORDS = {"done": "已办", "waived": "已记明不需要", "open": "没有办完", "idle": "没有开展"}


@dataclass(frozen=True, slots=True)
class Tick:
    """A step before the meeting: done, on record as not needed, not finished, or not begun."""

    title: str
    state: str
    here: str

    @property
    def mark(self) -> str:
        return MARKS[self.state]

    @property
    def word(self) -> str:
        return WORDS[self.state]


@dataclass(frozen=True, slots=True)
class Brief:
    """One page about a matter."""

    view: cases.View
    sentence: str
    ticks: tuple[Tick, ...]
    disputes: tuple[str, ...]
    more: int
    risk: str
    legal: str
    public: str
    refused: str
    dissent: tuple[str, ...]
    money: str
    papers: tuple[Paper, ...]

    @property
    def complete(self) -> bool:
        return all(one.state != "open" for one in self.ticks)


def brief(connection: Connection, blobs: Blobs, authority: Authority, actor: Actor, no: str, now: datetime) -> Brief:
    """The page of a case that this person may see. Raises NotFound."""
    at = cases.view(connection, authority, actor, no, now)
    told = _Told(at, blobs)
    disputes = list(told.disputes())
    public, refused = told.opinions()
    given = sittings.submission(at.procedure, at.facts)
    held = sittings.handed_in(at.procedure, at.facts, given) if given else at.facts.papers()
    return Brief(
        at, told.sentence(), tuple(told.ticks()), tuple(disputes[:DISPUTES]), max(0, len(disputes) - DISPUTES), told.risk(),
        told.of("legal", "conclusion") or "还没有合法性审查结论", public, refused, tuple(told.experts()), told.money(),
        tuple(held.values()),
    )  # fmt: skip


class _Told:
    """What the acts of a case tell, in short."""

    def __init__(self, at: cases.View, blobs: Blobs) -> None:
        self.at, self.blobs = at, blobs

    def acts(self, field: str, track: str = "") -> list[Act]:
        return [
            act for act in self.at.facts.acts
            if conditions.filled(act.fields.get(field)) and (not track or act.track == track)
            and act.round == self.at.facts.rounds[act.track]
        ]  # fmt: skip

    def words(self, act: Act, field: str, most: int = SHORT) -> str:
        value = act.fields.get(field)
        if isinstance(value, Mapping) and "blob" in value:
            value = self.blobs.get(str(value["blob"])).decode()
        action = self.at.procedure.action(act.action)
        spec = action.field(field) if action else None
        said = sittings.named(value)
        said = spec.choices.get(said, said) if spec else said
        said = " ".join(said.split())
        return f"{said[:most]}……" if len(said) > most else said

    def of(self, track: str, field: str, most: int = SHORT) -> str:
        found = self.acts(field, track)
        return self.words(found[-1], field, most) if found else ""

    def sentence(self) -> str:
        lead = "、".join(str(one.get("name", "")) for one in self.at.facts.duties.get("lead", ())[:1])
        how = next((self.words(act, "solution") for act in self.at.facts.acts if act.fields.get("solution")), "")
        return f"{lead + '提请：' if lead else ''}{self.at.facts.title}。{how}"

    def ticks(self) -> Iterator[Tick]:
        submit = sittings.act_of(self.at.procedure, "submit")
        before = submit.source if submit else ()
        for name, track in self.at.procedure.tracks.items():
            stage = self.at.facts.stages[name]
            if track.under not in before and name != "legal":
                continue
            begun = any(act.track == name for act in self.at.facts.acts)
            state = (
                "done" if stage in track.done else "waived" if stage in track.waived else "open" if begun else "idle"
            )
            if state == "idle" and self._demanded(name):
                state = "open"
            yield Tick(track.title, state, track.stages[stage])

    def _demanded(self, track: str) -> bool:
        """Whether something demands a line of such a matter to have come further than it has."""
        facts = self.at.facts
        wants = (gate for gate in self.at.procedure.gates if isinstance(gate, law.Reached) and gate.track == track)
        return any(
            gate.strength == "must" and facts.stages[track] not in gate.stages
            and conditions.holds(gate.if_, matter=facts.matter, fields={}, stages=facts.stages)
            for gate in wants
        )  # fmt: skip

    def disputes(self) -> Iterator[str]:
        """Where people disagree: departments first, then what of the public was not adopted, then experts."""
        for act in self.acts("disputed_points"):
            yield f"部门争议：{self.words(act, 'disputed_points')}"
        for act in self.acts("stance"):
            if act.fields.get("stance") == "disagree":
                yield f"{self.words(act, 'unit')}不同意：{self.words(act, 'words')}"
        for row in self._points():
            if row.get("disposition") == "not_adopted":
                yield f"公众意见未采纳：{row.get('point')}（{row.get('count', '')}条）"
        for words in self.experts():
            yield f"专家：{words}"

    def _points(self) -> list[Mapping[str, Any]]:
        """The rows of the newest answer to the public's opinions, those that most people hold first."""
        for act in reversed(self.at.facts.acts):
            action = self.at.procedure.action(act.action)
            spec = settling.rows_of(action) if action else None
            rows = act.fields.get(spec.id) if spec and act.round == self.at.facts.rounds[act.track] else None
            if isinstance(rows, list):
                found = [row for row in rows if isinstance(row, Mapping)]
                return sorted(found, key=lambda row: -_number(row.get("count")))
        return []

    def opinions(self) -> tuple[str, str]:
        """How many points of the public were adopted or not, and the chief one that was not, with its reason."""
        rows = self._points()
        if not rows:
            return "没有需要研究采纳的公众意见", ""
        count = {
            name: sum(row.get("disposition") == name for row in rows) for name in ("adopted", "partly", "not_adopted")
        }
        said = f"{len(rows)} 个要点：采纳 {count['adopted']}，部分采纳 {count['partly']}，不采纳 {count['not_adopted']}"
        first = next((row for row in rows if row.get("disposition") == "not_adopted"), None)
        if first is None:
            return said, ""
        reason = " ".join(str(first.get("reason") or "没有写明理由").split())
        return said, f"最主要的不采纳：{first.get('point')}。理由：{reason[:SHORT]}"

    def experts(self) -> Iterator[str]:
        """Experts who disagree, in their own words."""
        for act in self.acts("dissent", "expert"):
            if act.fields.get("expert"):
                yield f"{self.words(act, 'expert')}：“{self.words(act, 'dissent', 160)}”"

    def risk(self) -> str:
        """What was found of the risk, what was decided of it, and the points that stay high; '' without that line."""
        track = self.at.procedure.tracks.get("risk")
        if track is None:
            return ""
        said, here = self.of("risk", "conclusion"), track.stages[self.at.facts.stages["risk"]]
        if not said:
            return here
        rows = [row for act in self.acts("risks", "risk") for row in _rows(act, "risks")]
        high = [str(row.get("point")) for row in rows if row.get("level_after") == "high"]
        decided = f"（{here}）" if here != said else ""
        return f"{said}{decided}，风险点 {len(rows)} 个" + (f"，措施后仍为高：{'、'.join(high)}" if high else "")

    def money(self) -> str:
        """What is on record of money: the forecast of cost, and what the finance department said."""
        found = [self.words(act, "forecast") for act in self.acts("forecast")[-1:]]
        for act in self.acts("stance"):
            unit = self.words(act, "unit")
            if "财政" in unit:
                found.append(
                    f"{unit}：{self.words(act, 'stance')}{'，' + self.words(act, 'words') if act.fields.get('words') else ''}"
                )
        return "；".join(found) or "没有登记成本效益分析，也没有财政部门的意见"


def _rows(act: Act, name: str) -> list[Mapping[str, Any]]:
    found = act.fields.get(name)
    return [row for row in found if isinstance(row, Mapping)] if isinstance(found, list) else []


def _number(value: Any) -> int:
    return value if isinstance(value, int) else int(value) if str(value or "").isdigit() else 0
