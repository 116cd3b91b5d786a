"""`why` and `timeline`: one case, asked from the terminal."""

from __future__ import annotations

from typing import Annotated

import typer

from decisionflow import render
from decisionflow.cli import where
from decisionflow.cli.app import both, leave, print_json, print_out
from decisionflow.errors import EXIT_REFUSED, NotFound
from decisionflow.service import calendars, steps
from decisionflow.service.reads import desks as waits
from decisionflow.service.reads import moment, refusals, stored
from decisionflow.service.reads import timeline as events
from decisionflow.service.reads import why as reads

Number = Annotated[str, typer.Argument(metavar="NO", help=both("事项编号", "case number"))]
Json = Annotated[bool, typer.Option("--json", help="JSON")]


def why(
    no: Number,
    action: Annotated[str, typer.Argument(help=both("动作，省略时为当前在等的一步", "an action"))] = "",
    as_: Annotated[str, typer.Option("--as", help=both("以谁的岗位看（姓名或岗位）", "as whom"))] = "",
    folder: where.Folder = None,
    as_json: Json = False,
) -> None:
    """Say whether an action is possible now; exit 7 when it is not."""
    with where.opened(folder) as site:
        authority, now = site.authority(), site.clock()
        actor = where.actor(site, as_, now) if as_ else None
        with site.store.read() as connection:
            answer = reads.why(connection, authority, no, action, now, actor)
    if as_json:
        print_json(reads.as_json(answer))
    else:
        for line in lines(answer):
            print_out(line)
    leave(0 if answer.possible else EXIT_REFUSED)


def lines(answer: reads.Why) -> list[str]:
    """The card in text."""
    found = [f"{answer.no} {answer.title}（{answer.stage}）", answer.headline]
    if answer.possible:
        return [*found, *(f"  已满足 {one.say}    依据 {one.cite_text}" for one in answer.conditions)]
    for n, (part, left) in enumerate(zip(answer.card.findings, answer.left, strict=True), 1):
        found.append(f" {n} {part.say}    依据 {part.cite_text}（{_strength(part)}，{part.rule}）")
        when = f"    最早 {part.earliest_on}" + (f"（{left}）" if left else "") if part.earliest_on else ""
        found.append(f"   由 {part.who} 办理{when}")
        found += [f"   办法 {way.title}" for way in part.remedies]
    return found


def _strength(part: refusals.Part) -> str:
    return {"must": "阻断", "usually": "一般要求，可说明理由", "may": "提示"}[part.strength]


def shown(event: events.Event) -> list[str]:
    """An entry in text."""
    party = event.party
    head = f"{render.moment(event.at)}  {event.title}  {party.unit_name}{party.post_title} {party.name}".rstrip()
    found = [head + (f"  → {event.stage}" if event.stage else "")]
    if event.late:
        found.append(f"    补录：登记于 {render.moment(event.recorded)}；证据：{event.evidence}；理由：{event.reason}")
    found += [f"    偏离：{one}" for one in event.deviations]
    found += [f"    附件：{paper.title}（{paper.sha256[:8]}）" for paper in event.papers]
    return [*found, f"    存证 {event.sha256[:8]}"]


def timeline(
    no: Number,
    as_of: Annotated[
        str,
        typer.Option(
            "--as-of", help=both("还原到某一刻，如 2026-11-03T09:00，只写日期的到当天结束", "as of an instant")
        ),
    ] = "",
    basis: Annotated[
        str, typer.Option(help=both("recorded 当时已登记的；claimed 按所称发生时间", "recorded | claimed"))
    ] = "recorded",
    folder: where.Folder = None,
    as_json: Json = False,
) -> None:
    """Print every act of a case, oldest first; with --as-of what there was at that instant, and how the case stood."""
    by = moment.basis(basis)
    with where.opened(folder) as site, site.store.read() as connection:
        authority = site.authority()
        at = moment.parse(as_of, site.clock(), "--as-of")
        standing = steps.load(connection, authority, no)
        found = events.events(connection, authority, standing.procedure, standing.facts)
        records = moment.records(connection, authority, standing.facts.case)
        then = moment.then(connection, authority, records, at, by, standing.calendar) if as_of else None
    if by == "claimed":
        found = tuple(sorted(found, key=lambda one: (one.at, one.n)))
    if as_of:
        found = tuple(one for one in found if (one.recorded if by == "recorded" else one.at) <= at)
    if not found:
        raise NotFound(f"nothing recorded by {as_of}", say=f"{as_of} 以前没有登记任何内容")
    if as_json:
        told = {
            "case": no,
            "title": standing.facts.title,
            "basis": by,
            "events": [events.as_json(one) for one in found],
        }
        print_json({**told, "then": moment.as_json(then)} if then else told)
        return
    print_out(f"{no} {standing.facts.title}")
    for event in found:
        for line in shown(event):
            print_out(line)
    if then:
        print_out(f"\n{render.moment(at)} 时（{moment.BASES[by]}）")
        for one in moment.lines(then):
            print_out(f"  {one.part}  {one.title}：{one.one}")


def desks(
    no: Annotated[str, typer.Argument(metavar="[NO]", help=both("事项编号；不写时列出逾期的事项", "a case"))] = "",
    folder: where.Folder = None,
    as_json: Json = False,
) -> None:
    """Say with whom a case lay and for how long; without a number, list what should have been decided or done by now."""
    with where.opened(folder) as site, site.store.read() as connection:
        authority, now = site.authority(), site.clock()
        if not no:
            official = calendars.current(connection, authority.id, authority.calendar)
            late = waits.overdue(stored.cases(connection, authority), official, now)
        else:
            standing = steps.load(connection, authority, no)
            spells = waits.spells(connection, authority, standing.facts.case, standing.calendar, now)
    if not no:
        _told_overdue(late, as_json=as_json)
        return
    found = waits.desks(spells, standing.calendar, now)
    if as_json:
        print_json({"case": no, "desks": [
            {"duty": one.duty, "title": one.title, "days": one.days, "workdays": one.workdays,
             "longest": one.longest.title, "longest_days": one.longest.days, "waiting": [s.title for s in one.waiting]}
            for one in found
        ]})  # fmt: skip
        return
    print_out(f"{no} {standing.facts.title}")
    for one in found:
        still = f"，现在等待：{'、'.join(s.title for s in one.waiting)}" if one.waiting else ""
        longest = (
            f"最长一次 {one.longest.title} {one.longest.days} 日（{one.longest.begins}…{one.longest.ends or '今天'}）"
        )
        print_out(f"  {one.title}  {one.days} 日（{one.workdays} 个工作日）  {longest}{still}")


def _told_overdue(late: tuple[waits.Overdue, ...], *, as_json: bool) -> None:
    if as_json:
        print_json([{"no": one.no, "title": one.title, "stage": one.stage, "why": one.why, "since": str(one.since),
                     "days": one.days, "desks": list(one.desks)} for one in late])  # fmt: skip
        return
    for one in late:
        print_out(
            f"{one.no}\t{one.title}\t{one.stage}\t{one.why}（{one.since}，{one.days} 日）\t{'、'.join(one.desks)}"
        )
