"""`procedures …`: those that come with this release, files of your own, and what an installation has published."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from decisionflow import paths, render
from decisionflow.cli import rehearse, where
from decisionflow.cli.app import both, leave, print_json, print_out, talk
from decisionflow.core import calendar as days
from decisionflow.core import difference, soundness
from decisionflow.core import procedure as law
from decisionflow.errors import EXIT_FINDINGS, EXIT_REFUSED, BadInput, NotFound, Problem
from decisionflow.service import moving, permissions, procedures, publications, replays, reviews, scripts, shipped
from decisionflow.service.reads import answers, refusals, violations
from decisionflow.service.reads import bpmn as diagrams
from decisionflow.service.reads import coverage as rules
from decisionflow.service.reads import diagram as drawing

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
        count = unverified(one)
        mark = f"{count} 条未核实" if count else "全部已核实"
        print_out(
            f"{one.name}\t{one.title}\t{one.in_force.from_}…{until}\t{len(one.actions)} 个动作\t{mark}\t{one.digest[:8]}"
        )


def unverified(one: law.Procedure) -> int:
    """How many of the rules that a procedure cites nobody has compared with the source."""
    return sum(refusals.is_unchecked(one.sources[rule.source], rule.confirmed) for rule in one.rules.values())


def _line(one: law.Procedure) -> dict[str, object]:
    return {
        "id": one.id, "version": one.version, "title": one.title, "in_force_from": str(one.in_force.from_),
        "in_force_to": str(one.in_force.to) if one.in_force.to else None, "actions": len(one.actions),
        "gates": len(one.gates), "rules": len(one.rules), "unverified": unverified(one), "digest": one.digest,
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
        **_line(one), "joint_stages": soundness.joint(one),
        "tracks": {key: dict(track.stages) for key, track in one.tracks.items()},
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
    yield f"各线阶段的组合：一件事项可以到达 {soundness.joint(one):,} 种，由 lint 查有没有走不通的"
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
        elif path.name == "watches.yaml":
            violations.read_watches(path)
        elif path.name == "rights.yaml":
            permissions.read(path)
        elif path.name == "answerable.yaml":
            answers.read(path)
        elif path.name == "review-points.yaml":
            reviews.read_points(path)
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


@app.command()
def bpmn(name: Named) -> None:
    """Print a procedure as BPMN 2.0, for any BPMN viewer."""
    print_out(diagrams.xml(procedures.find(name)).decode().rstrip())


# ---- another version: what it says, what it would have done, and publishing it ------------------------------


@app.command()
def diff(old: Named, new: Named, as_json: Json = False) -> None:
    """Say what changed between two procedures, in words."""
    before, after = procedures.find(old), procedures.find(new)
    found = difference.compare(before, after)
    if as_json:
        print_json({"old": before.name, "new": after.name, "changes": [_change(one) for one in found]})
        return
    for line in changed(after, found):
        print_out(line)
    talk(both(f"{before.name} → {after.name}：{len(found)} 处不同", f"{len(found)} differences"))


WEIGHTS = {"harder": "从严", "softer": "放宽", "other": "其他"}


def changed(after: law.Procedure, found: Iterable[difference.Change]) -> Iterator[str]:
    """Differences in words, each with the articles it rests on."""
    for one in found:
        cites = "、".join(_cite(after, rule) for rule in one.rules if rule in after.rules)
        yield f"[{WEIGHTS[one.weight]}] {one.say}" + (f"    依据 {cites}" if cites else "")


def _change(one: difference.Change) -> dict[str, object]:
    return {"what": one.what, "id": one.id, "weight": one.weight, "say": one.say, "rules": list(one.rules)}


@app.command()
def replay(
    name: Named,
    over: Annotated[
        list[Path] | None,
        typer.Option("--over", help=both("演练剧本或文件夹；不写时重放已办事项", "rehearsals; else the stored cases")),
    ] = None,
    of: Annotated[
        str, typer.Option("--of", help=both("重放按哪个程序办的事项，默认同名程序", "cases of which procedure"))
    ] = "",
    folder: where.Folder = None,
    as_json: Json = False,
) -> None:
    """Try a version on stored cases or on rehearsals; exit 5 when any would have gone otherwise."""
    procedure = procedures.find(name)
    otherwise = _over_scripts(procedure, over, as_json) if over else _over_cases(procedure, of, folder, as_json)
    leave(EXIT_FINDINGS if otherwise else 0)


def _over_cases(procedure: law.Procedure, of: str, folder: Path | None, as_json: bool) -> int:
    """Stored cases judged again; how many would have gone otherwise."""
    found, started = [], time.monotonic()
    with where.opened(folder) as site, site.store.read() as connection:
        total = replays.count(connection, site.authority(), of or procedure.id)
        for n, one in enumerate(replays.over_cases(connection, site.authority(), procedure, of), 1):
            found.append(one)
            if n % 100 == 0 or n == total:
                talk(both(f"已重放 {n}/{total} 件，每秒 {n / (time.monotonic() - started):.0f} 件",
                          f"{n}/{total}, {n / (time.monotonic() - started):.0f} a second"))  # fmt: skip
    changed_ = [one for one in found if one.otherwise]
    if as_json:
        print_json(
            {"procedure": procedure.name, "cases": len(found), "otherwise": [_replayed(one) for one in changed_]}
        )
        return len(changed_)
    for one in changed_:
        print_out(f"{one.no} {one.title}（{one.version}，{'已办结' if one.ended else '在办'}）")
        for act in one.otherwise:
            print_out(f"  {act.on} {act.title}：" + ("新版本没有这个动作" if not act.findings else "会被拒绝"))
            for finding in act.findings:
                print_out(f"    {finding.say}    {finding.rule} {finding.cites[0].say if finding.cites else ''}")
    talk(
        both(
            f"{procedure.name}：重放 {len(found)} 件，{len(changed_)} 件会有不同",
            f"{len(found)} cases, {len(changed_)} differ",
        )
    )
    return len(changed_)


def _replayed(one: replays.Replayed) -> dict[str, object]:
    acts = [
        {"on": str(act.on), "action": act.action, "title": act.title, "rules": list(act.rules),
         "findings": [finding.say for finding in act.findings]}
        for act in one.otherwise
    ]  # fmt: skip
    return {"no": one.no, "title": one.title, "version": one.version, "ended": one.ended, "acts": acts}


def _over_scripts(procedure: law.Procedure, over: Iterable[Path], as_json: bool) -> int:
    """Rehearsals of the procedure played under both versions; how many came out otherwise."""
    readings = (scripts.read(path.read_text("utf-8"), str(path)) for path in _files(over))
    with rehearse.template() as template, rehearse.shelf(template) as fresh:
        found = [replays.over_script(fresh, one, procedure) for one in readings if replays.uses(one, procedure)]
    changed_ = [one for one in found if not one.same]
    if as_json:
        print_json({"procedure": procedure.name, "rehearsals": len(found), "otherwise": [
            {"file": one.file, "problems": list(one.problems),
             "acts": [{"n": turn.n, "action": turn.do, "before": turn.before, "after": turn.after} for turn in one.turns]}
            for one in changed_
        ]})  # fmt: skip
        return len(changed_)
    for one in changed_:
        print_out(f"{one.file}  {one.title}")
        for problem in one.problems:
            print_out(f"  {problem}")
        for turn in one.turns:
            print_out(f"  第 {turn.n} 步 {turn.do}：原为{turn.before}，新版本{turn.after}")
    talk(
        both(
            f"{procedure.name}：演练 {len(found)} 个，{len(changed_)} 个会有不同",
            f"{len(found)} played, {len(changed_)} differ",
        )
    )
    return len(changed_)


As = Annotated[str, typer.Option("--as", help=both("以谁的身份（姓名或岗位）", "as whom"))]
Reason = Annotated[str, typer.Option("--reason", help=both("理由", "why"))]


@app.command()
def propose(name: Named, as_: As, reason: Reason, folder: where.Folder = None) -> None:
    """Propose a procedure; another person publishes it."""
    procedure = procedures.find(name)
    with where.opened(folder, read_only=False) as site:
        authority, now = site.authority(), site.clock()
        actor = where.actor(site, as_, now)
        found = site.store.write(
            lambda tx: publications.propose_procedure(tx, authority, procedure, reason, actor, now)
        )
    print_out(found)
    talk(
        both(f"已提出 {procedure.name}，请另一人核对后运行 procedures publish", "proposed; another person publishes it")
    )


@app.command()
def proposals(folder: where.Folder = None, as_json: Json = False) -> None:
    """List what waits for a second person."""
    with where.opened(folder) as site, site.store.read() as connection:
        found = publications.proposals(connection, site.authority())
    if as_json:
        print_json([{"id": one.id, "kind": one.kind, "name": one.name, "digest": one.digest, "reason": one.reason,
                     "by": one.person_name, "at": one.proposed_at.isoformat()} for one in found])  # fmt: skip
        return
    for one in found:
        print_out(
            f"{one.id}\t{one.name}\t{one.digest[:8]}\t{one.person_name}\t{render.moment(one.proposed_at)}\t{one.reason}"
        )


Proposed = Annotated[str, typer.Argument(metavar="PROPOSAL", help=both("待发布内容的编号（前几位即可）", "its id"))]


@app.command()
def publish(proposal: Proposed, as_: As, folder: where.Folder = None) -> None:
    """Publish what another person proposed; deadlines that a new calendar moves are counted anew."""
    with where.opened(folder, read_only=False) as site:
        authority, now = site.authority(), site.clock()
        actor = where.actor(site, as_, now)
        with site.store.read() as connection:
            full = publications.get(connection, authority, proposal).id
        found = site.store.write(lambda tx: publications.publish(tx, authority, full, actor, now))
    talk(both(f"已发布 {found.name}", f"published {found.name}"))


@app.command()
def withdraw(proposal: Proposed, as_: As, reason: Reason, folder: where.Folder = None) -> None:
    """Take a proposal back."""
    with where.opened(folder, read_only=False) as site:
        authority, now = site.authority(), site.clock()
        actor = where.actor(site, as_, now)
        with site.store.read() as connection:
            full = publications.get(connection, authority, proposal).id
        found = site.store.write(lambda tx: publications.withdraw(tx, authority, full, reason, actor, now))
    talk(both(f"已撤回 {found.name}", f"withdrawn {found.name}"))


@app.command()
def move(
    no: Annotated[str, typer.Argument(metavar="NO", help=both("事项编号", "case number"))],
    to: Annotated[str, typer.Option("--to", help=both("改用的版本，如 cn-major-decision@2024.1", "the version"))],
    as_: As = "",
    reason: Reason = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help=both("只看会改变什么", "only say what changes"))] = False,
    folder: where.Folder = None,
) -> None:
    """Move an open case to another published version; --dry-run says what changes."""
    with where.opened(folder, read_only=dry_run) as site:
        authority, now = site.authority(), site.clock()
        with site.store.read() as connection:
            target = moving.published(connection, authority, to)
            plan = moving.plan(connection, authority, no, target, now)
        for line in planned(plan):
            print_out(line)
        if dry_run:
            leave(0 if plan.possible else EXIT_REFUSED)
        actor = where.actor(site, as_, now)
        entry = site.store.write(lambda tx: moving.move(tx, authority, no, target, reason, actor, now))
    talk(both(f"{no} 已改用 {target.name}（存证 {entry}）", f"{no} now runs under {target.name}"))


def planned(plan: moving.Plan) -> Iterator[str]:
    """What moving a case would change, line by line."""
    yield f"{plan.no}：{plan.old.name} → {plan.new.name}"
    for stage in plan.missing:
        yield f"  不能改用：新版本没有阶段 {stage}"
    for due in plan.dues:
        yield f"  期限 {due.clock}：{due.before or '没有'} → {due.after or '没有'}"
    yield from (f"  不再要办：{title}" for title in plan.todos_gone)
    yield from (f"  需要新办：{title}" for title in plan.todos_new)
    for line in changed(plan.new, plan.changes):
        yield f"  {line}"
