"""`violations`: what whole cases show after the fact, from the terminal."""

from __future__ import annotations

from typing import Annotated

import typer

from decisionflow.cli import where
from decisionflow.cli.app import both, print_json, print_out, talk
from decisionflow.core import watch
from decisionflow.errors import BadInput, Problem
from decisionflow.service.reads import stored
from decisionflow.service.reads import violations as reads

Json = Annotated[bool, typer.Option("--json", help="JSON")]


def violations(
    no: Annotated[str, typer.Option("--case", help=both("只看一个事项", "one case"))] = "",
    rule: Annotated[str, typer.Option(help=both("只看一条规则，如 D713-25", "one rule"))] = "",
    level: Annotated[str, typer.Option(help="breach | departure | sign")] = "",
    folder: where.Folder = None,
    as_json: Json = False,
) -> None:
    """List what may have gone wrong, with its evidence; findings are no failure of the command (exit 0)."""
    if level not in ("", *watch.LEVELS):
        raise BadInput([Problem("--level", f"没有级别“{level}”，应为{'、'.join(watch.LEVELS)}", rule="choice")])
    with where.opened(folder) as site:
        authority, now = site.authority(), site.clock()
        with site.store.read() as connection:
            cases = tuple(stored.cases(connection, authority))
            wanted = reads.Wanted(level=level, rule=rule, no=no)
            found = reads.listing(connection, site.store.blobs, authority, cases, wanted, now)
    for one in found.unchecked:
        talk(both(f"未检查：{one}", f"not checked: {one}"))
    if as_json:
        print_json({"cases": found.cases, "unchecked": list(found.unchecked),
                    "findings": [reads.as_json(one) for one in found.rows]})  # fmt: skip
        return
    for finding in found.findings:
        print_out(
            f"{watch.LEVELS[finding.level]}  {finding.no} {finding.case}  {finding.title}（{'、'.join(finding.rules)}）"
        )
        print_out(f"    {finding.say}    依据 {finding.cite}")
        for each in finding.evidence:
            print_out(f"    证据 {each.no} {each.say}  {each.entry}")
    print_out(both(f"按 {found.checks} 种检查看了 {found.cases} 个事项，{len(found.findings)} 条线索",
                   f"{found.checks} checks over {found.cases} cases, {len(found.findings)} findings"))  # fmt: skip
