"""`laws`: official texts, one article, citations that do not fit their day, and whom a change touches."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from decisionflow.cli import where
from decisionflow.cli.app import both, leave, print_json, print_out, talk
from decisionflow.core import procedure as rules
from decisionflow.core.facts import legal_date
from decisionflow.errors import EXIT_FINDINGS, Unavailable
from decisionflow.service import laws, shipped
from decisionflow.service.reads import citations, stored
from decisionflow.service.reads import lookup as reads
from decisionflow.service.reads.coverage import MARKS, STATES, Place

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help=both("法源：载入官方文本、引用核对、变动影响", "instruments: official texts, citations, changes"),
)  # fmt: skip
Json = Annotated[bool, typer.Option("--json", help="JSON")]
Law = Annotated[str, typer.Option("--law", help=both("法源代号，见 laws list", "instrument, see laws list"))]


def article(number: str, law: str, folder: Path | None, *, as_json: bool) -> None:
    """Print an article: our restatement, the rules bound to it, and the cases it stopped. Raises NotFound."""
    try:
        with where.opened(folder) as site, site.store.read() as connection:
            found = reads.article(connection, site.store.blobs, site.authority(), law, number)
    except Unavailable:
        talk(both("没有打开任何数据，只列出随附的规则", "no installation: only what the release brings"))
        found = reads.article(None, None, None, law, number)
    if as_json:
        print_json(reads.as_json(found))
        return
    print_out(f"《{found.instrument.title}》{found.instrument.number} {rules.say_part(found.article)}")
    for bound in found.rules:
        rule, line = bound.line.rule, bound.line
        print_out(f"\n{rule.id} {rule.title}（{MARKS[rule.confirmed]}，{STATES[line.state]}）")
        print_out(f"  转述：{rule.say}")
        for say, names in _together(line.places).items():
            more = f" 等 {len(names)} 个程序" if len(names) > 2 else ""
            print_out(f"  {say}（{'、'.join(names[:2])}{more}）")
        if line.elsewhere:
            print_out(f"  {line.elsewhere.what or line.elsewhere.why}")
        for one in bound.stopped:
            print_out(f"  拦下 {one.on} {one.no} {one.action}")
    for text in found.texts:
        print_out(f"\n官方文本：{text.name}（{text.person_name}载入，SHA-256 {text.sha256}）")
    if found.words:
        print_out(found.words)


def _together(places: Iterable[Place]) -> dict[str, list[str]]:
    """Each sentence once, with the procedures that say it."""
    found: dict[str, list[str]] = {}
    for place in places:
        names = found.setdefault(place.say, [])
        if place.procedure not in names:
            names.append(place.procedure)
    return found


@app.command("list")
def list_(folder: where.Folder = None, as_json: Json = False) -> None:
    """List the instruments of the registry, and which official texts were loaded."""
    try:
        with where.opened(folder) as site, site.store.read() as connection:
            loaded = laws.texts(connection, site.authority())
    except Unavailable:
        loaded = ()
    found = shipped.registry()
    if as_json:
        print_json([
            {"id": key, "title": one.title, "number": one.number, "effective": str(one.effective or ""),
             "expires": str(one.expires or ""), "confirmed": one.confirmed,
             "texts": [text.sha256 for text in loaded if text.law == key]}
            for key, one in found.sources.items()
        ])  # fmt: skip
        return
    for key, one in found.sources.items():
        mark = MARKS[one.confirmed]
        count = sum(text.law == key for text in loaded)
        times = f"{one.effective or '？'}…{one.expires or ''}"
        print_out(f"{key}\t{one.title}\t{one.number}\t{times}\t{mark}\t" + (f"已载入 {count} 份文本" if count else ""))


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help=both("官方文本文件", "the official text"))],
    law: Law,
    as_: Annotated[str, typer.Option("--as", help=both("以谁的身份", "as whom"))],
    folder: where.Folder = None,
) -> None:
    """Load the official text of an instrument from a file; it is kept under its hash."""
    data = where.read(file)
    with where.opened(folder, read_only=False) as site:
        authority, now = site.authority(), site.clock()
        actor = where.actor(site, as_, now)
        text = site.store.write(lambda tx: laws.load(tx, authority, law, file.name, data, actor, now))
    print_out(text.sha256)
    talk(both(f"已载入《{text.title}》", f"loaded {text.title}"))


@app.command()
def check(folder: where.Folder = None, as_json: Json = False) -> None:
    """Find citations of texts that were not in force on the day of the act; exit 5 when there are any."""
    found = [("", one) for one in citations.of_registry(shipped.registry())]
    try:
        with where.opened(folder) as site, site.store.read() as connection:
            cases = tuple(stored.cases(connection, site.authority()))
            for case in cases:
                found += [(case.facts.no, one) for one in citations.of_case(case.procedure, case.facts)]
            found += citations.ended_bases(cases, legal_date(site.clock()))
    except Unavailable:
        talk(both("没有打开任何数据，只核对规则库", "no installation: only the registry was checked"))
    if as_json:
        print_json([{"no": no, "where": one.where, "what": one.what, "on": str(one.on), "fault": one.fault, "say": one.say}
                    for no, one in found])  # fmt: skip
    else:
        for no, one in found:
            print_out(f"{no or '规则库'}\t{one.say}")
    leave(EXIT_FINDINGS if found else 0)


@app.command()
def affected(
    name: Annotated[str, typer.Argument(metavar="LAW", help=both("代号或者名称", "its key or title"))],
    folder: where.Folder = None,
    as_json: Json = False,
) -> None:
    """List the open cases and issued decisions that rest on an instrument that was changed or repealed."""
    with where.opened(folder) as site, site.store.read() as connection:
        found = tuple(citations.affected(stored.cases(connection, site.authority()), name))
    if as_json:
        print_json(
            [
                {"no": one.no, "title": one.title, "stage": one.stage, "ended": one.ended, "how": one.how}
                for one in found
            ]
        )
        return
    for one in found:
        print_out(f"{one.no}\t{one.title}\t{one.stage}\t{'已办结' if one.ended else '在办'}\t{one.how}")
    talk(both(f"{len(found)} 件以“{name}”为依据", f"{len(found)} cases rest on {name}"))
