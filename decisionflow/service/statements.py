"""Papers drawn up from the trail: the statement that the procedure was followed (art. 26, 27(2)), and the list of evidence.

Both say what was recorded and nothing else: what was done, when, by whom; what was left out and on which reason; from
what was departed and why; what was entered late. Word files, since whoever signs them may want to add to them.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from decisionflow.core import calendar as days
from decisionflow.core import conditions
from decisionflow.core import procedure as law
from decisionflow.core.facts import Act, Facts, legal_date
from decisionflow.service.adoption import blank
from decisionflow.service.reads import refusals, wording

TOLD = 200
STATEMENT, EVIDENCE = "履行法定程序的说明", "证据目录"
HEADS = ("序号", "证据", "形成日期", "提供单位", "证明什么", "依据", "摘要（SHA-256 前16位）")


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and its paragraphs."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A paper of the dossier as evidence: what it is, from when and whom, and which step it proves."""

    n: int
    title: str
    on: date
    unit: str
    proves: str
    cite: str
    sha256: str


def statement(procedure: law.Procedure, facts: Facts) -> tuple[Section, ...]:
    """What was done of each line of the procedure, in its order; then departures and late entries."""
    lines = [Section(track.title, tuple(_line(procedure, facts, name))) for name, track in procedure.tracks.items()
             if _speaks(procedure, facts, name)]  # fmt: skip
    departed = [
        f"{gate.say}（{_cite(procedure, gate.rules[0])}）。理由：{_field(procedure, act, gate.deviate)}"
        for act in facts.acts for name in act.deviations if (gate := procedure.gate(name))
    ]  # fmt: skip
    late = [
        f"{_when(act)}：{act.title}，{days.say_day(legal_date(act.recorded))}补录" for act in facts.acts if act.late
    ]
    none = ["没有。"]
    return (
        *lines,
        Section("偏离一般要求的情形和理由", tuple(departed or none)),
        Section("补录的记录", tuple(late or none)),
    )


def _speaks(procedure: law.Procedure, facts: Facts, track: str) -> bool:
    """Whether a line belongs into the statement: it has acts, or something demands it of such a matter."""
    if any(act.track == track for act in facts.acts):
        return True
    wants = (gate for gate in procedure.gates if isinstance(gate, law.Reached) and gate.track == track)
    return any(gate.strength == "must" and conditions.holds(gate.if_, matter=facts.matter, fields={}, stages=facts.stages)
               for gate in wants)  # fmt: skip


def _line(procedure: law.Procedure, facts: Facts, name: str) -> Iterator[str]:
    track = procedure.tracks[name]
    here = facts.stages[name]
    state = (
        "已履行"
        if here in track.done
        else "已记明不需要"
        if here in track.waived
        else f"现在的状态：{track.stages[here]}"
    )
    rules = f"（{_cite(procedure, track.rules[0])}）" if track.rules else ""
    yield f"{state}{rules}。"
    for act in facts.acts:
        if act.track == name:
            who = f"{act.party.unit_name}{act.party.name}"
            yield f"{_when(act)}，{who}：{act.title}。{_said(procedure, act)}{_papers(procedure, act)}"


def _said(procedure: law.Procedure, act: Act) -> str:
    """What the act says of itself in public or open fields: reasons and results, shortened."""
    action = procedure.action(act.action)
    told = []
    for spec in action.fields if action else ():
        if spec.personal or spec.type not in ("long", "choice", "text", "date", "flag", "number"):
            continue
        if words := _field(procedure, act, spec.id):
            told.append(f"{spec.title}：{words}")
    return "；".join(told) + "。" if told else ""


def _field(procedure: law.Procedure, act: Act, name: str) -> str:
    """A field of an act in words, a long one by its beginning."""
    action = procedure.action(act.action)
    spec = action.field(name) if action else None
    words = wording.words(spec, act.fields.get(name)) if spec else ""
    return f"{words[:TOLD]}…" if len(words) > TOLD else words.rstrip("。")


def _papers(procedure: law.Procedure, act: Act) -> str:
    titles = [paper.title or procedure.materials[paper.kind].title for paper in act.papers]
    return f"附：{'、'.join(titles)}。" if titles else ""


def _when(act: Act) -> str:
    return days.say_day(act.on).partition("（")[0]


def _cite(procedure: law.Procedure, rule: str) -> str:
    return refusals.cited(procedure, (rule,))


def exhibits(procedure: law.Procedure, facts: Facts) -> tuple[Exhibit, ...]:
    """Every paper and every version of the draft, numbered in the order in which they came."""
    found: list[Exhibit] = []
    seen: set[str] = set()
    for act in facts.acts:
        action = procedure.action(act.action)
        cite = _cite(procedure, action.rules[0]) if action else ""
        given = [(paper.title or procedure.materials[paper.kind].title, paper.sha256) for paper in act.papers]
        if act.text is not None and action is not None and action.text == "new":
            given.append((f"决策草案第 {act.text.version} 版", act.text.sha256))
        for title, digest in given:
            if digest not in seen:
                seen.add(digest)
                unit = act.party.unit_name
                found.append(Exhibit(len(found) + 1, title, act.on, unit, f"{unit}{act.title}", cite, digest))
    return tuple(found)


def statement_file(procedure: law.Procedure, facts: Facts, head: str, on: date) -> bytes:
    """The statement as a .docx file."""
    made = blank(f"关于“{facts.title}”{STATEMENT}")
    made.add_paragraph(_opening(procedure, facts, head))
    for n, section in enumerate(statement(procedure, facts), 1):
        made.add_heading(f"{n}．{section.title}", 1)
        for words in section.lines:
            made.add_paragraph(words)
    return _saved(made, on)


def evidence_file(procedure: law.Procedure, facts: Facts, head: str, on: date) -> bytes:
    """The list of evidence as a .docx file, for a court or a body of reconsideration."""
    made = blank(f"“{facts.title}”{EVIDENCE}")
    made.add_paragraph(_opening(procedure, facts, head))
    table = made.add_table(rows=1, cols=len(HEADS))
    table.style = "Table Grid"
    for cell, title in zip(table.rows[0].cells, HEADS, strict=True):
        cell.text = title
    for one in exhibits(procedure, facts):
        row = (str(one.n), one.title, one.on.isoformat(), one.unit, one.proves, one.cite, one.sha256[:16])
        for cell, words in zip(table.add_row().cells, row, strict=True):
            cell.text = words
    made.add_paragraph("原件随证据包提交，用包里的 verify.py 可以逐件核对摘要和形成时间。")
    return _saved(made, on)


def _opening(procedure: law.Procedure, facts: Facts, head: str) -> str:
    return (
        f"事项编号 {facts.no}；程序：{procedure.title}（{procedure.name}）。以下由办理记录生成，"
        f"共 {len(facts.acts)} 项办理，最后一条记录的摘要 {head[:16]}。"
    )


def _saved(made: Any, on: date) -> bytes:
    made.add_paragraph(days.say_day(on).partition("（")[0])
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()
