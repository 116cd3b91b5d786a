"""合法性审查意见书 (arts. 27, 28): drawn up from the working sheet as a .docx file, bound to one text by its digest.

The three heads each with a finding and its reason, every remark on a paragraph, what the advisers said and how it was
weighed, the conclusion; whoever signs it may want to add to it.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from decisionflow.core import calendar as days
from decisionflow.core import procedure as law
from decisionflow.core import review
from decisionflow.core.facts import Facts, Text
from decisionflow.service import adoption
from decisionflow.service.actors import Actor
from decisionflow.service.reads import reviews as reads
from decisionflow.service.reads import wording

COLUMNS = ("序号", "对应草案", "问题", "依据", "修改建议")
MORE = (("changes", "须修改的内容"), ("rule_search", "国家尚无明确规定的查证情况"), ("legal_risks", "法律风险提示"))


def document(
    action: law.Action, facts: Facts, text: Text, values: Mapping[str, Any], advice: Sequence[reads.Advice],
    time: reads.Floor | None, actor: Actor, on: date,
) -> bytes:  # fmt: skip
    """The opinion as a .docx file."""
    made = adoption.blank(f"关于“{facts.title}”的合法性审查意见")
    for n, (head, paragraphs) in enumerate(_parts(action, facts, text, values, advice, time)):
        made.add_heading(f"{'一二三四五六七'[n]}、{head}", 1)
        for words in paragraphs:
            made.add_paragraph(words)
        if n == 3:
            _table(made, values.get("findings", ()))
    made.add_paragraph(f"{actor.unit_name}\n{days.say_day(on).partition('（')[0]}")
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def _parts(
    action: law.Action, facts: Facts, text: Text, values: Mapping[str, Any], advice: Sequence[reads.Advice],
    time: reads.Floor | None,
) -> Iterator[tuple[str, list[str]]]:  # fmt: skip
    bound = (
        f"事项编号 {facts.no}。审查的文本是《{text.title}》第 {text.version} 版，摘要（SHA-256）{text.sha256}。"
        "本意见只对这一文本有效；以后的改动须经审查部门确认或者重新送审。"
    )
    yield "审查的文本", [bound, *_time(time)]
    for head, title in review.HEADS.items():
        spec = action.field(head)
        verdict = wording.words(spec, values.get(head)) if spec else ""
        yield title, [f"结论：{verdict or '（待填写）'}。", *_lines(values.get(f"{head}_reason"))]
    yield "法律顾问、公职律师的意见", [_adviser(one) for one in advice] or ["（还没有登记。）"]
    spec = action.field("conclusion")
    conclusion = wording.words(spec, values.get("conclusion")) if spec else ""
    more = [f"{title}：{words}" for name, title in MORE for words in _lines(values.get(name))]
    yield "审查结论", [f"{conclusion or '（待填写）'}。", *more, *_lines(values.get("advisers_note"))]


def _time(time: reads.Floor | None) -> list[str]:
    if time is None:
        return []
    wanted = f"，要求在{days.say_day(time.wanted)}前出具" if time.wanted else ""
    return [
        f"材料于{days.say_day(time.since)}送齐{wanted}。{f'不足{time.counted}的理由：{time.reason}' if time.reason else ''}"
    ]


def _lines(words: Any) -> list[str]:
    return [line for line in str(words or "").split("\n") if line.strip()]


def _adviser(one: reads.Advice) -> str:
    licence = f"，执业证号 {one.licence}" if one.licence else ""
    weighed = f"{one.adopted}{f'：{one.reason}' if one.reason else ''}" if one.adopted else "尚未研究"
    return f"{one.name}（{one.capacity}{licence}）：{one.position}。{one.said}　处理：{weighed}。"


def _table(made: Any, rows: Sequence[Mapping[str, str]]) -> None:
    if not rows:
        return
    table = made.add_table(rows=1, cols=len(COLUMNS))
    table.style = "Table Grid"
    for cell, head in zip(table.rows[0].cells, COLUMNS, strict=True):
        cell.text = head
    for n, row in enumerate(rows, 1):
        said = (str(n), *(row.get(name, "") for name in ("paragraph", "say", "basis", "advice")))
        for cell, words in zip(table.add_row().cells, said, strict=True):
            cell.text = words
