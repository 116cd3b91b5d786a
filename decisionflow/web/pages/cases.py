"""S03 事项列表: every case that this person may see, filtered by the address; the same rows as a file."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from urllib.parse import urlencode

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from decisionflow import render
from decisionflow.errors import NotFound
from decisionflow.service import permissions, sheets
from decisionflow.service.reads import cases as reads
from decisionflow.service.reads.cases import Row, Wanted
from decisionflow.web import doors

router = APIRouter(include_in_schema=False)
COLUMNS = (
    "编号",
    "事项",
    "承办单位",
    "程序",
    "当前环节",
    "并行环节",
    "期限",
    "到期日",
    "是否公开",
    "提出日期",
    "最近办理",
)


@router.get("/cases")
def cases(
    visit: doors.StaffVisit, q: str = "", stage: str = "", unit: str = "", lamp: str = "", state: str = "open", after: str = ""
) -> HTMLResponse:  # fmt: skip
    _require_list(visit)
    asked = reads.wanted(q, stage, unit, lamp, state, after)
    with visit.site.store.read() as connection:
        found = reads.listing(connection, visit.authority, visit.actor, visit.now, asked)
    return visit.page("cases", found=found, asked=asked, address=address, states=reads.STATES, lamps=reads.LAMPS)


@router.get("/cases.csv")
def export(
    visit: doors.StaffVisit, q: str = "", stage: str = "", unit: str = "", lamp: str = "", state: str = "open"
) -> Response:  # fmt: skip
    """The rows of the same filters for a spreadsheet."""
    _require_list(visit)
    asked = reads.wanted(q, stage, unit, lamp, state, "")
    with visit.site.store.read() as connection:
        rows = reads.everything(connection, visit.authority, visit.actor, visit.now, asked)
    name = f"cases-{visit.now:%Y%m%d}.csv"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(table(COLUMNS, map(_cells, rows)), media_type="text/csv; charset=utf-8", headers=headers)


def _require_list(visit: doors.Staff) -> None:
    if not permissions.may_list(visit.actor):
        raise NotFound("no use for a list of cases", say="没有这个页面")


def address(asked: Wanted, path: str = "/cases", **changes: str) -> str:
    """The address of the list with some filters changed; a changed filter begins at the first page."""
    now = replace(asked, **{"after": "", **changes})
    given = {name: getattr(now, name) for name in ("q", "stage", "unit", "lamp", "state", "after")}
    told = {name: value for name, value in given.items() if value and (name, value) != ("state", "open")}
    return f"{path}?{urlencode(told)}" if told else path


def _cells(row: Row) -> tuple[str, ...]:
    light = "" if row.light.kind == "none" else row.light.text
    return (
        row.no, row.title, row.unit, row.procedure, row.stage, "；".join(row.beside), light, render.iso(row.light.due_on),
        "公开" if row.public else "不公开", render.moment(row.opened_at)[:10], render.moment(row.touched_at)[:10],
    )  # fmt: skip


def table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> bytes:
    """CSV that a spreadsheet opens as it is: UTF-8 with its mark, and no cell that it would compute."""
    return b"".join(csv_lines(columns, rows))


def csv_lines(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[bytes]:
    """Such a table line by line, for one that is too long to be held."""
    yield codecs.BOM_UTF8
    for row in chain([columns], rows):
        line = io.StringIO()
        csv.writer(line).writerow([sheets.plain(cell) for cell in row])
        yield line.getvalue().encode()
