"""Catalogues from files: csv or xlsx in the columns that governments use, read row by row with a report.

Only rows of the wanted government and year count; a row that is wrong is told with its number, and then nothing is
taken in. What is right becomes the `items` of the act `draft_catalogue`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from decisionflow.core import procedure as law
from decisionflow.errors import BadInput, Problem
from decisionflow.service import sheets

ACTION, FIELD = "draft_catalogue", "items"
MOST_ROWS = 2000
HEADINGS: sheets.Headings = {
    "authority": ("authority", "决策机关", "机关", "地区"),
    "year": ("year", "年度", "年份"),
    "no": ("no", "序号", "编号"),
    "title": ("title", "事项名称", "决策事项", "决策事项名称", "事项", "项目名称", "名称"),
    "unit": ("lead_unit", "承办单位", "责任单位", "主办单位", "牵头单位", "承办部门"),
    "class": ("class", "类别", "事项类别", "决策类别"),
    "ordered": ("procedures_ordered", "履行程序", "决策程序", "须履行的程序", "法定程序"),
    "planned": ("planned", "计划完成时间", "完成时限", "计划完成时限", "时间安排", "完成时间"),
    "known": ("known_facts", "已知情况", "备注", "进展情况", "说明"),
    "source": ("source", "出处", "来源"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the file, ready for the form: its line, and what to type in each column."""

    line: int
    values: Mapping[str, str | list[str]]


@dataclass(frozen=True, slots=True)
class Report:
    """What a file holds: rows to take in, rows of others, and every problem with its line."""

    rows: tuple[Row, ...]
    others: int
    problems: tuple[Problem, ...]


def read(name: str, data: bytes, procedure: law.Procedure, *, of: str = "", year: int = 0) -> Report:
    """The rows of a file for one government and year; both may be left open. Raises BadInput when it is no table."""
    heads, lines = sheets.headed(name, sheets.read(name, data, MOST_ROWS), HEADINGS, "title")
    rows, problems, others = [], [], 0
    for number, cells in lines:
        given = sheets.given(heads, cells)
        if not given:
            continue
        if (of and given.get("authority", of) != of) or (year and given.get("year", str(year)) != str(year)):
            others += 1
            continue
        values, faults = _values(procedure, given)
        problems += [Problem(HEADINGS[place][0], say, name, number, "catalogue-row") for place, say in faults]
        if not faults:
            rows.append(Row(number, values))
    if not rows and not problems:
        problems.append(
            Problem("rows", f"没有可以导入的行（另有 {others} 行属于别的机关或者年度）", name, rule="required")
        )
    return Report(tuple(rows), others, tuple(problems))


def _values(
    procedure: law.Procedure, given: Mapping[str, str]
) -> tuple[dict[str, str | list[str]], list[tuple[str, str]]]:
    """What to type, and (column, sentence) for each thing that is wrong."""
    columns = _columns(procedure)
    values: dict[str, str | list[str]] = {}
    faults: list[tuple[str, str]] = []
    for column, words in given.items():
        spec = columns.get(column)
        if spec is None:
            continue
        if spec.type in ("choice", "choices"):
            parts = list(_split(words)) if spec.type == "choices" else [words]
            keys = [_choice(spec, part) for part in parts]
            wrong = [part for part, key in zip(parts, keys, strict=True) if not key]
            if wrong:
                faults.append(
                    (column, f"“{'、'.join(wrong)}”不在可选的{spec.title}里（{'、'.join(spec.choices.values())}）")
                )
            else:
                values[column] = keys if spec.type == "choices" else keys[0]
        else:
            values[column] = words
    for column, spec in columns.items():
        if spec.required and column not in given:
            faults.append((column, f"缺少{spec.title}"))
    return values, faults


def _columns(procedure: law.Procedure) -> Mapping[str, law.FieldSpec]:
    action = procedure.action(ACTION)
    spec = action.field(FIELD) if action else None
    if spec is None:
        raise BadInput([Problem("case", f"{procedure.name} 没有目录（动作 {ACTION} 的 {FIELD}）", rule="action")])
    return {one.id: one for one in spec.columns}


def _split(words: str) -> Iterable[str]:
    for mark in ("；", ";", "、", "，", ",", "/"):
        words = words.replace(mark, "|")
    return (part.strip() for part in words.split("|") if part.strip())


def _choice(spec: law.FieldSpec, words: str) -> str:
    """A choice by its key, its words, or words that begin like them or hold them."""
    for key, said in spec.choices.items():
        if words in (key, said):
            return key
    near = [key for key, said in spec.choices.items() if len(words) >= 2 and (words in said or said in words)]
    return near[0] if len(near) == 1 else ""


def items(report: Report) -> Iterator[dict[str, str | list[str]]]:
    """The rows as the form's `items`."""
    for row in report.rows:
        yield dict(row.values)
