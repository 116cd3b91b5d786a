"""`rehearse`: play scripted histories on a throw-away database, and say where they went otherwise."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from decisionflow import render
from decisionflow.cli.app import both, leave, print_json, print_out, talk
from decisionflow.errors import EXIT_FINDINGS, BadInput, NotFound, Problem
from decisionflow.service import rehearsals, replays, scripts
from decisionflow.store import schema
from decisionflow.store.blobs import Blobs
from decisionflow.store.engine import Store, connect


def rehearse(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help=both("演练剧本", "rehearsal scripts"))],
    on: Annotated[str, typer.Option("--on", help=both("相对日期从哪天算起", "what relative days count from"))] = "",
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help=both("显示每一步", "show every act"))] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON")] = False,
) -> None:
    """Play scripts; exit 0 when all came as expected, 5 when not, 2 when a script is wrong."""
    today = _day(on)
    readings = _readings(files)
    many = len(readings) > 1
    reports = []
    with template() as empty:
        for reading in readings:
            with _fresh(empty) as store:
                report = rehearsals.play(store, reading, "rehearsal", today=today)
            reports.append(report)
            if not as_json:
                for line in told(report, every=verbose or not many):
                    print_out(line)
    failed = [report for report in reports if report.failed]
    if as_json:
        documents = [rehearsals.as_json(report) for report in reports]
        print_json(documents if many else documents[0])
    else:
        acts = sum(len(report.acts) for report in reports)
        talk(both(f"演练 {len(reports)} 个剧本、{acts} 步，{len(failed)} 个与预期不符",
                  f"{len(reports)} scripts, {acts} acts, {len(failed)} not as expected"))  # fmt: skip
    leave(EXIT_FINDINGS if failed else 0)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as fault:
        raise BadInput([Problem("--on", f"“{text}”不是日期，应写作 2026-11-23", rule="date")]) from fault


def _readings(files: list[Path]) -> list[scripts.Reading]:
    """Every script, read. Raises BadInput with the problems of all of them."""
    readings: list[scripts.Reading] = []
    problems: list[Problem] = []
    for path in files:
        try:
            readings.append(scripts.read(path.read_text("utf-8"), str(path)))
        except BadInput as fault:
            problems += fault.problems
        except UnicodeDecodeError as fault:
            problems.append(Problem("", f"不是 UTF-8 文本（第 {fault.start} 字节）", str(path), rule="encoding"))
        except OSError as fault:
            raise NotFound(f"cannot read {path}: {fault}", say=f"读不到剧本 {path}") from fault
    if problems:
        raise BadInput(problems)
    return readings


@contextmanager
def template() -> Iterator[Path]:
    """An empty database at the newest schema; copying it is quicker than making it anew."""
    with tempfile.TemporaryDirectory(prefix="decisionflow-") as folder:
        path = Path(folder, "template.db")
        schema.migrate(f"sqlite:///{path}")
        yield path


@contextmanager
def _fresh(empty: Path) -> Iterator[Store]:
    with tempfile.TemporaryDirectory(prefix="decisionflow-") as folder:
        path = Path(folder, "rehearsal.db")
        shutil.copy(empty, path)
        store = connect(f"sqlite:///{path}", Blobs(Path(folder, "blobs")))
        try:
            yield store
        finally:
            store.close()


@contextmanager
def shelf(empty: Path) -> Iterator[Callable[[], Store]]:
    """As many empty databases as are asked for, all thrown away in the end."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(_fresh(empty))


def told(report: rehearsals.Report, *, every: bool) -> Iterator[str]:
    """A report in words: one line a script; each refusal with rule, article and earliest date; what went otherwise."""
    refused = sum(act.outcome == "refused" for act in report.acts)
    mark = "不符" if report.failed else "符合"
    yield f"{mark}  {report.file}  {report.title}（{len(report.acts)} 步，拒绝 {refused} 次）"
    for act in report.acts:
        if act.met and not every and act.outcome != "refused":
            continue
        flag = "" if act.met else f"    ← 与预期不符，应为 {act.expected}"
        yield f"    {act.n:>3} {render.moment(act.at)} {act.who} {act.do}：{replays.WORDS[act.outcome]}{flag}"
        for one in act.findings:
            cites = "、".join(cite.say for cite in one.cites)
            when = f"；最早 {one.earliest_on}" if one.earliest_on else ""
            detail = f"：{one.detail}" if one.detail else ""
            yield f"        {one.rule} {one.say}{detail}（{cites}{when}）"
        yield from (f"        {problem}" for problem in act.problems)
