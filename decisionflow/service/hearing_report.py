"""听证报告 (arts. 17, 18): drawn up from the trail of a hearing: notice, list, who came, what was said for each side.

A Word file with everything that is on record filled in; what became of each view, and why, is written by the unit
that reports. What nobody recorded is left open and says so.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from decisionflow.core import calendar as days
from decisionflow.core import procedure as law
from decisionflow.core.facts import Act, Facts, legal_date
from decisionflow.service import adoption, hearings
from decisionflow.service.actors import Actor
from decisionflow.store.blobs import Blobs

OTHER = "承办单位、专家等"


def views(blobs: Blobs, procedure: law.Procedure, facts: Facts) -> str:
    """What was said for each side, in the order of the record, for the field of the report; '' without a record."""
    found = _by_side(blobs, procedure, facts)
    return "\n".join(f"{side}：\n" + "\n".join(lines) for side, lines in found.items())


def account(
    blobs: Blobs, procedure: law.Procedure, facts: Facts, row: Mapping[str, Any], actor: Actor, on: date
) -> bytes:
    """The report as a .docx file."""
    made = adoption.blank(f"关于“{facts.title}”听证会的报告")
    for head, paragraphs in _parts(blobs, procedure, facts, row):
        made.add_heading(head, 1)
        for words in paragraphs:
            made.add_paragraph(words)
    made.add_paragraph(f"{actor.unit_name}\n{days.say_day(on).partition('（')[0]}")
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def _parts(
    blobs: Blobs, procedure: law.Procedure, facts: Facts, row: Mapping[str, Any]
) -> Iterator[tuple[str, list[str]]]:  # fmt: skip
    said = hearings.notice(row)
    seats = "、".join(f"{one.name}{one.count}人" for one in hearings.sides(row))
    announced = days.say_day(legal_date(row["announced_at"]))
    yield (
        "一、听证会的组织",
        [
            f"{announced}公告，{days.say_day(row['held_on'])}举行，{said['held_at']}。",
            f"名额：{seats}。遴选办法：{_long(blobs, said.get('selection_method', ''))}",
            *_people(procedure, facts),
        ],
    )
    told = views(blobs, procedure, facts)
    yield "二、各方意见", told.split("\n") if told else ["没有按发言人登记笔录，见听证笔录。"]
    yield "三、意见的处理和理由", ["（逐条写明采纳、部分采纳或者不采纳；不采纳的写明理由。）"]


def _people(procedure: law.Procedure, facts: Facts) -> Iterator[str]:
    """Who was on the list for each side, and who came."""
    listed = _rows(_last(procedure, facts, "list"), "participants")
    if not listed:
        return
    held = next((act for act in reversed(facts.acts) if "attended" in act.fields), None)
    came = {str(row.get("no")) for row in _rows(held, "attended") if row.get("present") is True}
    for side in dict.fromkeys(str(row.get("side")) for row in listed):
        mine = [str(row.get("no")) for row in listed if str(row.get("side")) == side]
        present = f"，到会 {sum(no in came for no in mine)} 人" if held else ""
        yield f"{side}：参加人 {len(mine)} 人（编号 {'、'.join(mine)}）{present}。"


def _by_side(blobs: Blobs, procedure: law.Procedure, facts: Facts) -> dict[str, list[str]]:
    """What was said, by side in the order of the list; whoever is not on it comes last."""
    sides = {str(row.get("no")): str(row.get("side")) for row in _rows(_last(procedure, facts, "list"), "participants")}
    action = hearings.act_of(procedure, "record")
    columns = {one.id: one for spec in (action.fields if action else ()) for one in spec.columns}
    found: dict[str, list[str]] = {side: [] for side in [*dict.fromkeys(sides.values()), OTHER]}
    for row in _rows(_last(procedure, facts, "record"), "speeches"):
        no = str(row.get("no"))
        kind = columns["kind"].choices.get(str(row.get("kind")), "")
        who = f"{no}号" if no in sides else no
        found[sides.get(no, OTHER)].append(f"{who}（{kind}）{_long(blobs, row.get('words', ''))}")
    return {side: lines for side, lines in found.items() if lines}


def _last(procedure: law.Procedure, facts: Facts, role: str) -> Act | None:
    action = hearings.act_of(procedure, role)
    return facts.last((action.id,)) if action else None


def _rows(act: Act | None, field: str) -> list[Mapping[str, Any]]:
    return hearings.rows(act.fields.get(field) if act else None)


def _long(blobs: Blobs, value: Any) -> str:
    return blobs.get(str(value["blob"])).decode() if isinstance(value, Mapping) else str(value)
