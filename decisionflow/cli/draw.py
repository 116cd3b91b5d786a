"""`draw`: freeze a list, draw from it with a seed that nobody chose, and redo a draw."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Annotated

import typer

from decisionflow.cli import where
from decisionflow.cli.app import both, leave, print_out, talk
from decisionflow.core import draw as draws
from decisionflow.errors import EXIT_FINDINGS, BadInput, Problem

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help=both("抽取：冻结名单、抽取、任何人都能重做核对", "draw lots that anybody can redo"),
)  # fmt: skip
HEADS = {"no": "no", "编号": "no", "side": "side", "相关方": "side", "group": "side"}
Record = Annotated[Path, typer.Argument(metavar="RECORD", help=both("抽取记录（JSON）", "the record of the draw"))]


@app.command()
def freeze(
    file: Annotated[Path, typer.Argument(metavar="LIST", help=both("名单（csv：编号、相关方）", "csv: no, side"))],
    title: Annotated[str, typer.Option("--title", help=both("为什么事抽取", "what it is for"))],
    source: Annotated[str, typer.Option("--source", help=both("种子以后从哪里来", "where the seed will come from"))],
    seats: Annotated[list[str], typer.Option("--seats", help=both("每一方的名额，如 消费者=8", "side=count"))],
) -> None:
    """Freeze a list before the seed is known; print the record to publish."""
    made = draws.freeze(title.strip(), source.strip(), _seats(seats), _candidates(where.read_text(file), str(file)))
    print_out(draws.write(made).rstrip())
    talk(both(f"名单摘要 {made.list_sha256}，请在种子产生之前公布", f"publish the list digest {made.list_sha256}"))


def _seats(given: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    problems = []
    for one in given:
        side, _, count = one.partition("=")
        if not side or not count.isdecimal() or side in found:
            problems.append(Problem("--seats", f"“{one}”应写作 消费者=8，每一方一次", rule="format"))
        else:
            found[side] = int(count)
    if problems:
        raise BadInput(problems)
    return found


def _candidates(text: str, name: str) -> list[draws.Candidate]:
    rows = list(csv.reader(io.StringIO(text)))
    heads = [HEADS.get(cell.strip(), "") for cell in rows[0]] if rows else []
    if {"no", "side"} - set(heads):
        raise BadInput([Problem("LIST", "第一行应当有“编号”和“相关方”两列", name, 1, "columns")])
    found, problems = [], []
    for line, row in enumerate(rows[1:], 2):
        cells = {head: cell.strip() for head, cell in zip(heads, row, strict=False) if head}
        if not any(cells.values()):
            continue
        if not all(0 < len(cells.get(head, "")) <= 40 for head in ("no", "side")):
            problems.append(Problem("LIST", "编号和相关方都要有，各不超过 40 字", name, line, "required"))
        else:
            found.append(draws.Candidate(no=cells["no"], side=cells["side"]))
    if problems:
        raise BadInput(problems)
    return found


@app.command("run")
def run_(
    record: Record,
    seed: Annotated[str, typer.Option("--seed", help=both("照公布的原样", "as it was published"))],
) -> None:
    """Draw from a frozen list; print the record with its result."""
    done = draws.run(draws.read(where.read_text(record), str(record)), seed)
    print_out(draws.write(done).rstrip())
    for side, numbers in done.drawn.items():
        talk(f"{side}：{'、'.join(numbers)}")


@app.command()
def verify(
    record: Record,
    digest: Annotated[str, typer.Option("--digest", help=both("事先公布的名单摘要", "as announced beforehand"))] = "",
) -> None:
    """Redo a draw from its record; exit 5 when it comes out otherwise."""
    done = draws.read(where.read_text(record), str(record))
    found = draws.faults(done, digest.strip().lower())
    for one in found:
        print_out(f"{one.place}\t{one.say}")
    if not found:
        print_out(both("重新抽取的结果相同", "drawn again with the same result"))
        if not digest:
            talk(
                both(
                    "没有给出事先公布的摘要（--digest），名单是不是冻结过的那一份没有核对",
                    "no announced digest was given",
                )
            )
    leave(EXIT_FINDINGS if found else 0)
