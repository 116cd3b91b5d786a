"""`import`: a year's notice of holidays, or a catalogue, taken in from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from decisionflow.cli import where
from decisionflow.cli.app import both, print_json, print_out, talk
from decisionflow.errors import BadInput, NotFound, Problem
from decisionflow.service import publications

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help=both("导入：放假安排、决策事项目录", "import a year's notice, a catalogue"),
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
    source = read(file)
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


def read(file: Path) -> str:
    """A file's text. Raises NotFound, BadInput."""
    try:
        return file.read_text("utf-8-sig")
    except OSError as fault:
        raise NotFound(f"cannot read {file}: {fault}", say=f"读不到文件 {file}") from fault
    except UnicodeDecodeError as fault:
        raise BadInput(
            [Problem("", f"不是 UTF-8 文本（第 {fault.start} 字节）", str(file), rule="encoding")]
        ) from fault
