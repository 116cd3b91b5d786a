"""`procedures list|show|lint|diagram`: the procedures that come with this release, or files of your own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from decisionflow import paths
from decisionflow.cli.app import both, leave, print_json, print_out, talk
from decisionflow.core import calendar as days
from decisionflow.core import procedure as law
from decisionflow.errors import EXIT_FINDINGS, BadInput, NotFound, Problem
from decisionflow.service import procedures, shipped
from decisionflow.service.reads import coverage as rules
from decisionflow.service.reads import diagram as drawing
from decisionflow.service.reads import refusals

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help=both("程序：列出、查看、检查、画图", "the procedures: list, show, check, draw"),
)  # fmt: skip
Json = Annotated[bool, typer.Option("--json", help="JSON")]
Named = Annotated[str, typer.Argument(metavar="ID[@VERSION]|FILE", help=both("程序或文件", "a procedure or a file"))]
STRENGTH = {"must": "必须", "usually": "一般", "may": "可以"}


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List the shipped procedures."""
    found = [procedures.read(path) for path in shipped.procedure_files()]
    if as_json:
        print_json([_line(one) for one in found])
        return
    for one in found:
        until = one.in_force.to or ""
        print_out(f"{one.name}\t{one.title}\t{one.in_force.from_}…{until}\t{len(one.actions)} 个动作\t{one.digest[:8]}")


def _line(one: law.Procedure) -> dict[str, object]:
    return {
        "id": one.id, "version": one.version, "title": one.title, "in_force_from": str(one.in_force.from_),
        "in_force_to": str(one.in_force.to) if one.in_force.to else None, "actions": len(one.actions),
        "gates": len(one.gates), "digest": one.digest,
    }  # fmt: skip


@app.command()
def show(name: Named, as_json: Json = False) -> None:
    """Show the lines, actions and gates of a procedure with their rules."""
    one = procedures.find(name)
    if as_json:
        print_json(_document(one))
        return
    for line in told(one):
        print_out(line)


def _document(one: law.Procedure) -> dict[str, object]:
    return {
        **_line(one), "tracks": {key: dict(track.stages) for key, track in one.tracks.items()},
        "gates": [_gate(one, gate) for gate in one.gates],
        "actions": [
            {"id": a.id, "title": a.title, "track": a.track, "from": list(a.source), "to": a.to, "by": list(a.by),
             "rules": list(a.rules), "gates": list(a.gates)}
            for a in one.actions
        ],
    }  # fmt: skip


def _gate(one: law.Procedure, gate: law.Gate) -> dict[str, object]:
    return {"id": gate.id, "check": gate.check, "strength": gate.strength, "rules": list(gate.rules), "say": gate.say,
            "cite": _cite(one, gate.rules[0])}  # fmt: skip


def _cite(one: law.Procedure, rule_id: str) -> str:
    rule = one.rules[rule_id]
    mark = "〔未核实〕" if refusals.is_unchecked(one.sources[rule.source], rule.confirmed) else ""
    return law.say_cite(rule, one.sources[rule.source]) + mark


def told(one: law.Procedure) -> Iterator[str]:
    """A procedure in words, line by line."""
    yield f"{one.title}  {one.name}  摘要 {one.digest}"
    yield f"适用：{one.in_force.from_} 起" + (f"至 {one.in_force.to}" if one.in_force.to else "") + "启动的事项"
    for name, track in one.tracks.items():
        yield f"\n{track.title}（{name}）  " + " → ".join(track.stages.values())
        for action in (action for action in one.actions if action.track == name):
            who = "、".join(one.duties[duty].title for duty in action.by)
            yield f"  {action.title}（{action.id}）  {who}  依据 {_cite(one, action.rules[0])}"
            for gate in one.gates_of(action):
                yield f"    [{STRENGTH[gate.strength]}] {gate.say}  {gate.rules[0]} {_cite(one, gate.rules[0])}"


@app.command()
def lint(
    targets: Annotated[
        list[Path], typer.Argument(metavar="FILE|FOLDER...", help=both("文件或文件夹", "files, folders"))
    ],
    as_json: Json = False,
) -> None:
    """Check procedures, overlays, rules and calendars; exit 5 when anything is wrong."""
    problems: list[Problem] = []
    checked = 0
    for path in _files(targets):
        problems += _linted(path)
        checked += 1
    if as_json:
        print_json({"files": checked, "problems": [
            {"file": one.file, "line": one.line, "place": one.place, "say": one.say, "rule": one.rule} for one in problems
        ]})  # fmt: skip
    else:
        for one in problems:
            print_out(str(one))
        talk(both(f"检查了 {checked} 个文件，{len(problems)} 处问题", f"{checked} files, {len(problems)} problems"))
    leave(EXIT_FINDINGS if problems else 0)


def _files(targets: Iterable[Path]) -> Iterator[Path]:
    for target in targets:
        if target.is_dir():
            yield from sorted(path for path in target.rglob("*.yaml") if not _is_demo_data(path))
        elif target.is_file():
            yield target
        else:
            raise NotFound(f"no file {target}", say=f"找不到 {target}")


def _is_demo_data(path: Path) -> bool:
    """People and scripts are no procedures; playing the demo checks them."""
    return path.parent.name in ("cases", "register")


def _linted(path: Path) -> tuple[Problem, ...]:
    try:
        if path.parent.name == paths.CALENDARS.name:
            days.read_year(path.read_text("utf-8"), str(path))
        elif path.parent.name == paths.RULES.name:
            shipped.registry(path.parent)
        elif path.name == "coverage.yaml":
            rules.read(path.read_text("utf-8"), str(path))
        else:
            return procedures.lint(path)[1]
    except BadInput as fault:
        return fault.problems
    except UnicodeDecodeError as fault:
        return (Problem("", f"不是 UTF-8 文本（第 {fault.start} 字节）", str(path), rule="encoding"),)
    return ()


@app.command("test")
def test_(
    targets: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[TABLE|FOLDER...]", help=both("情形表或文件夹，默认 tests/procedures", "tables")),
    ] = None,
    as_json: Json = False,
) -> None:
    """Play tables of situations and verdicts; exit 5 when a row comes out otherwise."""
    found = [one for path in _files(targets or [Path("tests", "procedures")]) if (one := procedures.try_table(path))]
    if not found:
        raise NotFound("no tables", say="没有找到情形表（首行写 table: 1 的 YAML 文件）")
    failed = sum(not verdict.met for one in found for verdict in one.verdicts)
    if as_json:
        print_json({"tables": [_tried(one) for one in found], "failed": failed})
    else:
        for one in found:
            bad = [verdict for verdict in one.verdicts if not verdict.met]
            print_out(f"{one.procedure.name}\t{len(one.verdicts)} 行\t" + (f"{len(bad)} 行不符" if bad else "全部相符"))
            for verdict in bad:
                line = one.reading.source.line(("rows", verdict.n))
                print_out(f"  {one.reading.source.name}:{line}  {verdict.row.rule}  {verdict.row.when}")
                print_out(f"    应为 {verdict.row.then}；实为 {verdict.said}")
    leave(EXIT_FINDINGS if failed else 0)


def _tried(one: procedures.Tried) -> dict[str, object]:
    rows = [
        {"rule": v.row.rule, "when": v.row.when, "met": v.met, "then": str(v.row.then), "said": v.said}
        for v in one.verdicts
    ]  # fmt: skip
    return {
        "file": one.reading.source.name,
        "procedure": one.procedure.name,
        "digest": one.procedure.digest,
        "rows": rows,
    }


@app.command()
def coverage(as_json: Json = False) -> None:
    """List every rule with where it acts; exit 5 when one acts nowhere and nobody says why."""
    found = rules.coverage(map(procedures.read, shipped.procedure_files()), shipped.registry(), rules.known_elsewhere())
    if as_json:
        print_json([
            {"rule": name, "title": line.rule.title, "cite": law.say_cite(line.rule, line.instrument),
             "mark": line.rule.confirmed, "strength": line.rule.strength, "state": line.state,
             "places": [{"procedure": p.procedure, "kind": p.kind, "say": p.say, "where": p.where} for p in line.places]}
            for name, line in found.items()
        ])  # fmt: skip
    else:
        for text in rules.markdown(found):
            print_out(text)
    leave(EXIT_FINDINGS if any(line.state == "missing" for line in found.values()) else 0)


@app.command()
def diagram(
    name: Named, form: Annotated[str, typer.Option("--format", help="svg | txt")] = "svg"
) -> None:  # fmt: skip
    """Draw the map of a procedure."""
    if form not in ("svg", "txt"):
        raise BadInput([Problem("--format", "应当是 svg 或 txt", rule="choice")])
    one = procedures.find(name)
    print_out(drawing.svg(one) if form == "svg" else "\n".join(drawing.text(one)))
