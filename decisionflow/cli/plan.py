"""`plan`: from a wished day back to the latest start of each step, and on to the earliest lawful day."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from decisionflow.cli import where
from decisionflow.cli.app import both, leave, print_json, print_out
from decisionflow.core.facts import legal_date
from decisionflow.errors import EXIT_CANNOT_DECIDE, BadInput, NotFound, Problem
from decisionflow.service import steps
from decisionflow.service.reads import plans

Json = Annotated[bool, typer.Option("--json", help="JSON")]


def plan(
    no: Annotated[str, typer.Argument(metavar="NO", help=both("事项编号", "case number"))],
    on: Annotated[str, typer.Option(help=both("想在哪一天办到，如 2026-12-20", "the wished day"))] = "",
    goal: Annotated[str, typer.Option(help=both("推算到哪一步，如 decide_approve", "the act to plan for"))] = "",
    also: Annotated[
        list[str] | None, typer.Option("--with", help=both("另外打算办的一线，如 hearing", "a line wanted too"))
    ] = None,
    folder: where.Folder = None,
    as_json: Json = False,
) -> None:
    """Say when each step ahead can lawfully be taken at the earliest, and must be at the latest; exit 6 when provisional."""
    wished = _day(on)
    with where.opened(folder) as site:
        authority, today = site.authority(), legal_date(site.clock())
        with site.store.read() as connection:
            standing = steps.load(connection, authority, no)
    found = plans.of(
        standing.procedure, standing.facts, standing.calendar, today, goal=goal, wished=wished, also=also or ()
    )
    if found is None:
        raise NotFound(f"{no} has nothing ahead", say=f"事项“{no}”没有还要办的步骤")
    if as_json:
        print_json(plans.as_json(found))
    else:
        for one in found.lines:
            late = f"  最迟 {one.latest}（{plans.STATES[one.state]}）" if one.latest else ""
            print_out(f"最早 {one.earliest}{late}  {one.track}：{one.title}")
            for floor in one.floors:
                print_out(f"    {floor}")
        behind = f"，比想定的晚 {found.behind} 日" if found.behind else ""
        print_out(f"“{found.goal.title}”最早 {found.earliest}{behind}")
    leave(EXIT_CANNOT_DECIDE if found.provisional else 0)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as fault:
        raise BadInput([Problem("--on", f"“{text}”不是日期，应写作 2026-12-20", rule="date")]) from fault
