"""会议记录 and 会议纪要 (art. 30(3)): drawn up from the trail, every view in the words in which it was recorded.

Both hold who was there for each matter, who left or withdrew, what each said, verbatim and in order, where views
differed, and what the chief decided and why. Dissent is taken from the entries: whoever draws them up cannot leave it out.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

from decisionflow.core import calendar as days
from decisionflow.core import procedure as law
from decisionflow.core.facts import SHANGHAI, Act
from decisionflow.service import adoption, meetings, sittings
from decisionflow.service.meetings import Item
from decisionflow.store.blobs import Blobs


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is decided, as it stands in an act or as it is about to be."""

    title: str
    words: str
    changes: str = ""
    reason: str = ""


Before: TypeAlias = Mapping[str, Mapping[str, Any]]  # what corrected lines said at first, by their entry


def record_file(
    blobs: Blobs, row: Mapping[str, Any], item: Item, outcome: Outcome | None, recorder: str, on: date, before: Before
) -> bytes:  # fmt: skip
    """The record of one matter as a .docx file, to be filed with its decision."""
    made = adoption.blank(f"{meetings.title(row)}会议记录")
    _write(made, _head(row, [item], recorder))
    _matter(made, blobs, item, outcome or decided(blobs, item), before)
    return _saved(made, on)


def summary_file(
    blobs: Blobs, row: Mapping[str, Any], items: Sequence[Item], recorder: str, on: date, before: Before, notice: str = ""
) -> bytes:  # fmt: skip
    """The minutes of a whole meeting as a .docx file."""
    made = adoption.blank(f"{meetings.title(row)}纪要")
    _write(made, [*_head(row, items, recorder), *([("会议通知和材料", [notice])] if notice else [])])
    for item in items:
        _matter(made, blobs, item, decided(blobs, item), before)
    return _saved(made, on)


def decided(blobs: Blobs, item: Item) -> Outcome | None:
    """What was decided of a matter; None while it is not."""
    act = item.sitting.decided
    if act is None:
        return None
    said = {name: _long(blobs, act.fields.get(name)) for name in ("decision", "changes", "majority_reason", "reason")}
    return Outcome(act.title, said["decision"] or said["reason"], said["changes"], said["majority_reason"])


# ---- the parts -----------------------------------------------------------------------------------------------


def _head(row: Mapping[str, Any], items: Sequence[Item], recorder: str) -> list[tuple[str, list[str]]]:
    first = items[0].sitting.convened
    chair = sittings.named(first.fields.get("chair")) if first else row["chair"]
    lines = [
        f"时间：{days.say_day(first.on if first else row['planned_on'])}　{row['starts']}", f"地点：{row['place']}",
        f"主持人：{chair}{_chaired(items[0].procedure, first)}", f"记录人：{recorder}",
    ]  # fmt: skip
    return [("会议情况", lines)]


def _chaired(procedure: law.Procedure, act: Act | None) -> str:
    """Under which title somebody other than the chief took the chair."""
    action = sittings.act_of(procedure, "convene")
    spec = action.field("chair_is") if action else None
    as_what = str(act.fields.get("chair_is", "")) if act else ""
    ground = act.fields.get("chair_delegation") if act else ""
    said = spec.choices.get(as_what, "") if spec else ""
    return f"（{said}{'，' + str(ground) if ground else ''}）" if said else ""


def _matter(made: Any, blobs: Blobs, item: Item, outcome: Outcome | None, before: Before) -> None:
    made.add_heading(f"议题{item.n}　{item.facts.title}（{item.facts.no}）", 1)
    parts = [("出席和列席", list(_presence(item))), ("讨论情况", list(_speeches(blobs, item, before))),
             ("主要分歧和不同意见", list(_dissent(blobs, item, before))), ("决定", list(_decision(outcome)))]  # fmt: skip
    for head, lines in parts:
        made.add_heading(head, 2)
        for words in lines:
            made.add_paragraph(words)


def _presence(item: Item) -> Iterator[str]:
    seats = sittings.seats(item.sitting)
    here = [one for one in seats if one.began == "present" or one.here]
    yield f"应到 {len(seats)} 人，实到 {len(here)} 人：{'、'.join(one.name for one in here) or '无'}。"
    away = [f"{one.name}（{sittings.PRESENCE.get(one.began, '')}{_noted(one)}）" for one in seats if one not in here]
    yield f"未到会：{'、'.join(away) or '无'}。"
    moved = [f"{one.name}：{'；'.join(one.notes)}" for one in here if one.notes]
    if moved:
        yield f"到会人员的变动：{'。'.join(moved)}。"
    with_ = [f"{unit}{name}" for name, unit in sittings.attendees(item.sitting)]
    yield f"列席：{'、'.join(with_) or '无'}。"
    if item.late:
        yield f"本议题为议程锁定以后列入的临时议题。理由：{_excerpt(item.sitting.urgent)}"


def _noted(seat: sittings.Seat) -> str:
    return "，" + "；".join(seat.notes) if seat.notes else ""


def _speeches(blobs: Blobs, item: Item, before: Before) -> Iterator[str]:
    found = sittings.speeches(item.sitting)
    for one in found:
        marks = [_words(item.procedure, "role", one.role), _words(item.procedure, "position", one.position)]
        marks += ["书面意见（未到会）"] if one.written else []
        marks += [f"补录，发生于{_when(one.act)}"] if one.act.late else []
        old = before.get(one.act.entry)
        fixed = f"（更正后。原来记的是：{_stood(item, old)}“{_long(blobs, old.get('words'))}”）" if old else ""
        yield f"{one.n}．{one.speaker}（{'，'.join(mark for mark in marks if mark)}）：{_long(blobs, one.words)}{fixed}"
    if not found:
        yield "没有发言记录。"


def _dissent(blobs: Blobs, item: Item, before: Before) -> Iterator[str]:
    """Every dissenting view, of members and of those attending, word for word."""
    tally = sittings.tally(item.sitting)
    said = [f"{_words(item.procedure, 'position', name)} {len(who)} 人" for name, who in tally.items()]
    yield f"会议组成人员（首长以外）的意见：{'，'.join(said) or '没有表态'}。"
    spoken = sittings.speeches(item.sitting)
    for one in spoken:
        old = before.get(one.act.entry)
        if old and not one.dissents and old.get("position") in sittings.DISSENT:
            yield f"{one.speaker}原来记的是{_stood(item, old)}“{_long(blobs, old.get('words'))}”，后来更正"
    found = [one for one in spoken if one.dissents]
    for one in found:
        who = f"{one.speaker}（{_words(item.procedure, 'role', one.role)}，{_words(item.procedure, 'position', one.position)}）"
        yield f"{who}：“{_long(blobs, one.words)}”"
    if not found:
        yield "没有不同意见。"


def _stood(item: Item, old: Mapping[str, Any]) -> str:
    return _words(item.procedure, "position", str(old.get("position", ""))) + "，"


def _decision(outcome: Outcome | None) -> Iterator[str]:
    if outcome is None:
        yield "本议题尚未作出决定。"
        return
    yield f"{outcome.title}：{outcome.words}"
    if outcome.changes:
        yield f"须修改的内容：{outcome.changes}"
    if outcome.reason:
        yield f"拟作决定与多数人意见不一致，行政首长在会上说明的理由：{outcome.reason}"


def _words(procedure: law.Procedure, name: str, value: str) -> str:
    action = sittings.act_of(procedure, "speech")
    spec = action.field(name) if action else None
    return spec.choices.get(value, value) if spec else value


def _when(act: Act) -> str:
    return f"{act.at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"


def _long(blobs: Blobs, value: Any) -> str:
    return (
        blobs.get(str(value["blob"])).decode() if isinstance(value, Mapping) and "blob" in value else str(value or "")
    )


def _excerpt(value: Any) -> str:
    return str(value.get("excerpt", "")) if isinstance(value, Mapping) else str(value or "没有写明")


def _write(made: Any, parts: Sequence[tuple[str, list[str]]]) -> None:
    for head, lines in parts:
        made.add_heading(head, 1)
        for words in lines:
            made.add_paragraph(words)


def _saved(made: Any, on: date) -> bytes:
    made.add_paragraph(days.say_day(on).partition("（")[0])
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


# ---- corrections ---------------------------------------------------------------------------------------------


def corrections_file(row: Mapping[str, Any], added: Sequence[Mapping[str, Any]], on: date) -> bytes:
    """What was appended to the minutes since they were filed, as a .docx file of its own."""
    made = adoption.blank(f"{meetings.title(row)}纪要的更正和补充")
    made.add_paragraph(f"已归档纪要的摘要（SHA-256）：{row['minutes']}。归档的纪要没有改动，以下各条附在它之后。")
    for n, one in enumerate(added, 1):
        made.add_paragraph(f"{n}．{one['words']}（理由：{one['reason']}；{one['by']}，{str(one['at'])[:10]}）")
    return _saved(made, on)


def notice_line(row: Mapping[str, Any], given: Sequence[Mapping[str, Any]], called: date) -> str:
    """How long before the day the meeting was called and the papers were out, and how many opened them."""
    ahead = (row["planned_on"] - called).days
    said = f"会议于 {called} 通知，提前 {ahead} 日。" if ahead >= 0 else f"会议记录于 {called} 建立，为事后补录。"
    if given:
        people = {one["person_id"] for one in given}
        first = min(one["delivered_at"] for one in given).astimezone(SHANGHAI).date()
        opened = {one["person_id"] for one in given if one["opened_at"] is not None}
        said += f"材料自 {first} 起送达 {len(people)} 人，其中 {len(opened)} 人已打开。"
    return said
