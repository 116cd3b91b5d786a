"""公众意见研究采纳情况: the account that goes with an answer (arts. 18, 29(2)), drawn up from the desk as it stands.

A Word file, since the unit that signs it may want to add to it; every number in it is counted.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from docx import Document
from docx.oxml.ns import qn
from docx.shared import Pt
from sqlalchemy import Connection, func, select

from decisionflow.core import calendar as days
from decisionflow.core import texts
from decisionflow.service import consultations, points
from decisionflow.service.points import Desk
from decisionflow.store.blobs import Blobs
from decisionflow.store.tables.participation import Opinion

_O = Opinion.__table__  # type: ignore[attr-defined]
HEADS = ("序号", "意见要点", "条数", "处理", "理由", "对应草案")
BODY, TITLE = "仿宋", "宋体"  # the typefaces of official papers (GB/T 9704)


def kind(at: Desk) -> str:
    """The material that the answering act must bring along; '' when it needs none."""
    return next((paper.kind for paper in at.action.materials if paper.required), "")


def account(connection: Connection, blobs: Blobs, at: Desk, on: date) -> bytes:
    """The account as a .docx file."""
    given = points.answer(connection, at)
    rows: Sequence[Mapping[str, Any]] = given[at.rows.id]
    title = f"关于“{at.standing.facts.title}”公众意见研究采纳情况的说明"
    made = blank(title)
    for head, paragraphs in _parts(connection, at, rows):
        made.add_heading(head, 1)
        for words in paragraphs:
            made.add_paragraph(words)
    made.add_heading("四、逐项情况", 1)
    _table(made, at, rows, _numbered(blobs, at))
    made.add_paragraph(f"{at.actor.unit_name}\n{days.say_day(on).partition('（')[0]}")
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def blank(title: str) -> Any:
    """A document with its title, in the typeface of official papers."""
    made = Document()
    style = made.styles["Normal"]
    style.font.name, style.font.size = BODY, Pt(16)
    style.element.rPr.rFonts.set(qn("w:eastAsia"), BODY)
    made.core_properties.title = title
    made.add_heading(title, 0)
    return made


def _parts(connection: Connection, at: Desk, rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    asked = at.consultation
    total = int(asked["opinions"])
    begins, ends = days.say_day(asked["opens_on"]), days.say_day(asked["ends_on"])
    channels = "、".join(f"{title}{count}条" for title, count in received(connection, at))
    if not total:
        return [("一、征求意见情况", [f"{begins}公布，到{ends}截止，没有收到意见。"]),
                ("二、研究采纳情况", ["没有需要研究采纳的意见。"]), ("三、没有采纳的意见及理由", ["无。"])]  # fmt: skip
    tally = Counter(str(row["disposition"]) for row in rows if row.get("disposition"))
    outcome = "，".join(f"{title} {tally[name]} 个" for name, title in at.dispositions.items() if tally[name])
    refused = [f"{row['point']}：{row.get('reason') or '没有写明理由'}" for row in rows
               if row.get("disposition") in ("partly", "not_adopted")]  # fmt: skip
    return [
        ("一、征求意见情况", [f"{begins}公布，到{ends}截止，共收到意见 {total} 条（{channels}）。"]),
        ("二、研究采纳情况", [f"归纳为 {len(rows)} 个要点：{outcome}。"]),
        ("三、没有采纳或者部分采纳的意见及理由", refused or ["无。"]),
    ]


def _table(made: Any, at: Desk, rows: Sequence[Mapping[str, Any]], paragraphs: Mapping[str, str]) -> None:
    if not rows:
        return
    table = made.add_table(rows=1, cols=len(HEADS))
    table.style = "Table Grid"
    for cell, head in zip(table.rows[0].cells, HEADS, strict=True):
        cell.text = head
    for n, row in enumerate(rows, 1):
        distinct = f"（文字不同的 {row['distinct']} 件）" if row.get("distinct") else ""
        article = str(row.get("article", ""))
        said = (str(n), row["point"], f"{row.get('count', '')}{distinct}", at.dispositions.get(row.get("disposition", ""), ""),
                row.get("reason", ""), paragraphs.get(article, article))  # fmt: skip
        for cell, words in zip(table.add_row().cells, said, strict=True):
            cell.text = str(words)


def _numbered(blobs: Blobs, at: Desk) -> dict[str, str]:
    """The paragraphs of the draft that the public saw, by id: ``第3段``."""
    digest = at.consultation["text_digest"]
    found = texts.load(blobs.get(digest)).paragraphs if digest else ()
    return {one.id: f"第{n}段" for n, one in enumerate(found, 1)}


def received(connection: Connection, at: Desk) -> list[tuple[str, int]]:
    """How many opinions came by each channel."""
    query = select(_O.c.channel, func.count()).where(*points.of(_O, at)).group_by(_O.c.channel)
    found = {str(name): int(count) for name, count in connection.execute(query)}
    return [(title, found[name]) for name, title in consultations.CHANNELS.items() if name in found]
