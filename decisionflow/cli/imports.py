"""`import`: a year's notice of holidays, a catalogue, opinions on paper, experts, or who holds which post, from a file."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from decisionflow.cli import where
from decisionflow.cli.app import both, leave, print_json, print_out, talk
from decisionflow.errors import EXIT_REFUSED, BadInput
from decisionflow.service import catalogues, opinions, pool, powers, publications, rosters, steps

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help=both("导入：放假安排、目录、线下收到的意见、专家库、机构人员", "import a notice, a catalogue, opinions, experts, posts"),
)  # fmt: skip
Json = Annotated[bool, typer.Option("--json", help="JSON")]
As = Annotated[str, typer.Option("--as", help=both("以谁的身份（姓名或岗位）", "as whom"))]
File = Annotated[Path, typer.Argument(metavar="FILE", help=both("文件", "the file"))]
DryRun = Annotated[bool, typer.Option("--dry-run", help=both("只看会改变什么", "only say what changes"))]


@app.command()
def calendar(
    file: File,
    as_: As = "",
    reason: Annotated[str, typer.Option("--reason", help=both("理由", "why"))] = "",
    dry_run: DryRun = False,
    folder: where.Folder = None,
    as_json: Json = False,
) -> None:
    """Say which running deadlines a notice moves, and propose it; another person publishes it."""
    source = where.read_text(file)
    with where.opened(folder, read_only=dry_run) as site:
        authority, now = site.authority(), site.clock()
        with site.store.read() as connection:
            moved = publications.moved(connection, authority, source, file.name, now)
        if as_json:
            print_json([{"no": one.no, "title": one.title, "clock": one.clock, "before": str(one.before),
                         "after": str(one.after)} for one in moved])  # fmt: skip
        else:
            for one in moved:
                print_out(f"{one.no}\t{one.clock}\t{one.before} → {one.after}\t{one.title}")
        talk(both(f"会移动 {len(moved)} 个期限", f"{len(moved)} deadlines move"))
        if dry_run:
            return
        actor = where.actor(site, as_, now)
        found = site.store.write(
            lambda tx: publications.propose_calendar(tx, authority, source, file.name, reason, actor, now)
        )
    talk(both(f"已提出，编号 {found}，请另一人核对后运行 procedures publish", f"proposed as {found}"))


@app.command()
def catalogue(
    file: File,
    no: Annotated[str, typer.Option("--no", help=both("目录事项的编号", "the catalogue's case number"))],
    as_: As = "",
    of: Annotated[
        str, typer.Option("--of", help=both("只取这个机关的行，默认本机关", "rows of which government"))
    ] = "",
    dry_run: DryRun = False,
    folder: where.Folder = None,
) -> None:
    """Take the items of a csv or xlsx file in as the draft of a yearly catalogue; nothing when a row is wrong."""
    data = where.read(file)
    with where.opened(folder, read_only=dry_run) as site:
        authority, now = site.authority(), site.clock()
        with site.store.read() as connection:
            standing = steps.load(connection, authority, no)
        year = int(str(standing.facts.matter.get("year") or 0))
        report = catalogues.read(file.name, data, standing.procedure, of=of or authority.name, year=year)
        for row in report.rows:
            print_out(f"{row.line}\t{row.values['title']}\t{row.values.get('unit', '')}")
        talk(both(f"可以导入 {len(report.rows)} 行，另有 {report.others} 行属于别的机关或者年度",
                  f"{len(report.rows)} rows, {report.others} of others"))  # fmt: skip
        if report.problems:
            raise BadInput(report.problems)
        if dry_run:
            return
        actor = where.actor(site, as_, now)
        ask = steps.Ask(
            catalogues.ACTION, f"import-{hashlib.sha256(data).hexdigest()[:40]}", no,
            {catalogues.FIELD: list(catalogues.items(report))},
        )  # fmt: skip
        done = site.store.write(lambda tx: steps.take_step(tx, authority, actor, ask, now))
    if isinstance(done, steps.Held):
        for finding in done.refused.blocking:
            print_out(f"{finding.rule}\t{finding.say}")
        leave(EXIT_REFUSED)
    talk(both(f"已导入（存证 {done.entry}）", f"taken in as {done.entry}"))


@app.command("opinions")
def opinions_(
    file: File,
    no: Annotated[str, typer.Option("--no", help=both("事项编号", "the case"))],
    as_: As = "",
    dry_run: DryRun = False,
    folder: where.Folder = None,
) -> None:
    """Take in opinions that came by letter, telephone or at meetings; nothing when a row is wrong."""
    data = where.read(file)
    with where.opened(folder, read_only=dry_run) as site:
        authority, now = site.authority(), site.clock()
        rows, problems = opinions.read(file.name, data, now)
        for row in rows:
            print_out(
                f"{row.line}\t{opinions.OFFLINE[row.entered.comment.channel]}\t{row.entered.arrived}\t{row.entered.source}"
            )
        talk(both(f"可以导入 {len(rows)} 条", f"{len(rows)} opinions"))
        if problems:
            raise BadInput(problems)
        if dry_run:
            return
        actor = where.actor(site, as_, now)
        found = site.store.write(lambda tx: opinions.enter_all(tx, authority, no, rows, actor, now))
    for receipt in found:
        print_out(receipt.receipt)
    talk(both(f"已录入 {len(found)} 条", f"{len(found)} taken in"))


@app.command()
def org(file: File, as_: As = "", dry_run: DryRun = False, folder: where.Folder = None) -> None:
    """Take in who holds which post, with units, posts and persons that are new; nothing when a row is wrong."""
    data = where.read(file)
    with where.opened(folder, read_only=dry_run) as site:
        authority, now = site.authority(), site.clock()
        rows, problems = rosters.read(file.name, data)
        for row in rows:
            print_out(
                "\t".join([str(row.line), *(row.cells.get(key, "") for key in ("unit", "post", "name", "since"))])
            )
        talk(both(f"读到 {len(rows)} 行任职", f"{len(rows)} appointments"))
        if problems:
            raise BadInput(problems)
        if dry_run:
            return
        actor = where.actor(site, as_, now)
        made = site.store.write(lambda tx: rosters.enter_all(tx, authority, rows, actor, now, file.name))
    talk(both(f"已登记 {len(made)} 项任职", f"{len(made)} taken in"))


@app.command("powers")
def powers_(file: File, as_: As = "", dry_run: DryRun = False, folder: where.Folder = None) -> None:
    """Take a list of powers in: new items, adjustments, cancellations; nothing when a row is wrong."""
    data = where.read(file)
    with where.opened(folder, read_only=dry_run) as site:
        authority, now = site.authority(), site.clock()
        rows, problems = powers.read(file.name, data)
        if problems:
            raise BadInput(problems)
        with site.store.read() as connection:
            plan = powers.plan(connection, authority, rows, file.name)
        for row, what in plan:
            print_out(f"{row.line}\t{powers.WHAT[what]}\t{row.unit}\t{row.code}\t{row.title}")
        if dry_run:
            return
        actor = where.actor(site, as_, now)
        done = site.store.write(lambda tx: powers.take_in(tx, authority, actor, rows, now, file.name))
    talk(both(f"列入 {done['new']} 项，调整 {done['adjusted']} 项，取消 {done['ended']} 项，没有变化 {done['same']} 项",
              f"{done['new']} new, {done['adjusted']} adjusted, {done['ended']} ended, {done['same']} unchanged"))  # fmt: skip


@app.command()
def experts(
    file: File,
    as_: As = "",
    dry_run: DryRun = False,
    folder: where.Folder = None,
) -> None:
    """Take the experts of a csv or xlsx file into the pool; nothing when a row is wrong."""
    data = where.read(file)
    with where.opened(folder, read_only=dry_run) as site:
        authority, now = site.authority(), site.clock()
        with site.store.read() as connection:
            known = pool.everybody(connection, authority.id)
        rows, problems = pool.read(file.name, data, known, now)
        for row in rows:
            print_out(f"{row.line}\t{row.given.name}\t{row.given.unit}\t{row.given.specialities}")
        talk(both(f"可以导入 {len(rows) - len({one.line for one in problems})} 人", f"{len(rows)} experts"))
        if problems:
            raise BadInput(problems)
        if dry_run:
            return
        actor = where.actor(site, as_, now)
        found = site.store.write(lambda tx: pool.enter(tx, authority, actor, rows, now))
    talk(both(f"已入库 {len(found)} 人，编号 {found[0]}–{found[-1]}", f"{len(found)} taken in"))
