"""`posts`: who held which post on a day, as it was known on that day or on any other."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated, Any

import typer

from decisionflow.cli import where
from decisionflow.cli.app import both, leave, print_json, print_out, talk
from decisionflow.core.facts import SHANGHAI, legal_date
from decisionflow.errors import EXIT_FINDINGS, BadInput, Problem
from decisionflow.service.reads import register as reads

Json = Annotated[bool, typer.Option("--json", help="JSON")]


def posts(
    words: Annotated[str, typer.Argument(help=both("机构、岗位或者姓名里的字", "words of a unit, post or name"))] = "",
    on: Annotated[str, typer.Option(help=both("哪一天，默认今天", "which day, today if not given"))] = "",
    known: Annotated[
        str, typer.Option(help=both("到哪一天为止登记的", "by what was written down until that day"))
    ] = "",
    folder: where.Folder = None,
    as_json: Json = False,
) -> None:
    """List units, posts and holders of a day; exit 5 when nothing fits."""
    with where.opened(folder) as site:
        day = _day("--on", on) if on else legal_date(site.clock())
        until = datetime.combine(_day("--known", known), time.max, SHANGHAI) if known else None
        with site.store.read() as connection:
            found = reads.bodies(connection, site.authority(), day, until, words)
    if as_json:
        print_json({"on": day.isoformat(), "known": known or None, "units": [_unit(one) for one in found]})
    for body in () if as_json else found:
        before = "".join(f"，{since} 起称{name}" for name, since in body.names)
        print_out(
            f"{body.name}（{body.since} 设立{before}" + (f"，承接{body.succeeds}" if body.succeeds else "") + "）"
        )
        for seat in body.seats:
            print_out(f"  {seat.title}  " + ("；".join(_said(one) for one in seat.holders) or "空缺"))
    if not found:
        talk(both("没有符合的机构、岗位或者人员", "nothing fits"))
        leave(EXIT_FINDINGS)


def _day(option: str, typed: str) -> date:
    try:
        return date.fromisoformat(typed)
    except ValueError as fault:
        raise BadInput([Problem(option, f"“{typed}”不是日期，应当像 2026-03-01", rule="date")]) from fault


def _said(one: reads.Holder) -> str:
    marks = ["代理" if one.acting else "", f"受{one.lender}委托" if one.lender else "", one.document,
             f"{one.recorded} 才登记" if one.late else ""]  # fmt: skip
    until = f"至 {one.until}" if one.until else "起"
    name = f"{one.name}（{one.note}）" if one.note else one.name
    return "，".join((f"{name} {one.since} {until}", *(mark for mark in marks if mark)))


def _unit(one: reads.Body) -> dict[str, Any]:
    return {
        "id": one.id, "name": one.name, "since": one.since.isoformat(), "until": one.until and one.until.isoformat(),
        "names": [{"name": name, "since": since.isoformat()} for name, since in one.names], "succeeds": one.succeeds,
        "posts": [
            {
                "id": seat.id, "title": seat.title, "duties": list(seat.duties), "single": seat.single,
                "holders": [
                    {
                        "person": held.person, "name": held.name, "note": held.note, "since": held.since.isoformat(),
                        "until": held.until and held.until.isoformat(), "recorded_on": held.recorded.isoformat(),
                        "document": held.document, "acting": held.acting, "lent_by": held.lender,
                    }
                    for held in seat.holders
                ],
            }
            for seat in one.seats
        ],
    }  # fmt: skip
