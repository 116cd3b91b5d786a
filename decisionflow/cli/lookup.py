"""`lookup`: an article, a person's career, or who answers for a decision, from the terminal.

A look from the terminal leaves its trace in the inspecting unit's sealed line when `--as` names an inspector and `--reason`
says why; whoever has the data folder could read it anyhow, so without them it only says that nothing was recorded.
"""

from __future__ import annotations

from typing import Annotated

import typer

from decisionflow import render
from decisionflow.cli import laws, where
from decisionflow.cli.app import both, leave, print_json, print_out, talk
from decisionflow.core.facts import legal_date, stamp
from decisionflow.errors import EXIT_CANNOT_DECIDE, BadInput, Forbidden, NotFound, Problem
from decisionflow.service import inspections, permissions, register, steps
from decisionflow.service.reads import answers, career
from decisionflow.service.site import Site

Json = Annotated[bool, typer.Option("--json", help="JSON")]
WHAT = ("article", "person", "decision")


def lookup(
    what: Annotated[str, typer.Argument(help="article | person | decision")],
    name: Annotated[str, typer.Argument(metavar="N|NAME|NO", help=both("第几条；姓名或编号；事项编号", "which"))],
    law: Annotated[str, typer.Option("--law", help=both("法源代号，见 laws list", "instrument, see laws list"))] = "713",
    year: Annotated[str, typer.Option(help=both("只看一年", "one year"))] = "",
    case: Annotated[str, typer.Option(help=both("只看一个事项", "one case"))] = "",
    dissent: Annotated[bool, typer.Option("--dissent", help=both("只看不同意见", "dissent only"))] = False,
    late: Annotated[bool, typer.Option("--late", help=both("只看补录", "late entries only"))] = False,
    everything: Annotated[bool, typer.Option("--all", help=both("全部，不只最近 50 处", "all, not the newest 50"))] = False,
    as_: Annotated[str, typer.Option("--as", help=both("以谁的身份（监察岗位）", "as which inspector"))] = "",
    reason: Annotated[str, typer.Option(help=both("查询理由或者文号", "why"))] = "",
    folder: where.Folder = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Show an article with its rules; everything a person did in the posts of that time; or who answers for a decision."""
    if what not in WHAT:
        say = "可以查条文、人、事项：lookup article 25，lookup person 江亦川，lookup decision YH-2026-003"
        raise BadInput([Problem("WHAT", say, rule="choice")])
    if what == "article":
        laws.article(name, law, folder, as_json=as_json)
        return
    if bool(as_) != bool(reason):
        raise BadInput([Problem("--reason", "--as 和 --reason 要一起写", rule="required")])
    with where.opened(folder, read_only=not as_) as site:
        if what == "person":
            wanted = career.Wanted(year=year, case=case, dissent=dissent, late=late)
            _person(site, name, wanted, as_, reason, everything=everything, as_json=as_json)
        else:
            _decision(site, name, as_, reason, as_json=as_json)


def _look(site: Site, what: str, about: str, as_: str, reason: str) -> None:
    """Record the look, or say that none was recorded. Raises Forbidden, BadInput."""
    if not as_:
        say = "没有留下查询记录：倒查请写 --as 监察岗位 --reason 理由"
        talk(both(say, "no look recorded: give --as and --reason"))
        return
    authority, now = site.authority(), site.clock()
    actor = where.actor(site, as_, now)
    if not permissions.may_inspect(actor):
        raise Forbidden(f"{as_} is no inspector", say=f"{as_}不是监察、审计、督查岗位，不能倒查")
    site.store.write(lambda tx: inspections.look(tx, authority, actor, what, about, reason, now))


def _person(
    site: Site, name: str, wanted: career.Wanted, as_: str, reason: str, *, everything: bool, as_json: bool
) -> None:  # fmt: skip
    authority, now = site.authority(), site.clock()
    with site.store.read() as connection:
        people = register.named(connection, name)
        if not people:
            raise NotFound(f"no person {name!r}", say=f"没有叫“{name}”的人，也没有这个人员编号")
        posts = {one["id"]: career.posts(connection, authority, one["id"]) for one in people}
    if len(people) > 1:
        _homonyms(people, posts, as_json=as_json)
    person = people[0]
    _look(site, "person", person["id"], as_, reason)
    with site.store.read() as connection:
        read = career.every if everything else career.page
        found = read(connection, authority, person["id"], wanted, now)
        since = career.begins(connection, authority)
    mine = posts[person["id"]]
    if as_json:
        print_json({
            "person": {"id": person["id"], "name": person["name"], "note": person["note"]}, "authority": authority.id,
            "since": str(since or ""), "total": found.total, "cases": found.cases, "posts": [_post(one) for one in mine],
            "entries": [career.as_json(one) for one in found.entries], "more": bool(found.after),
        })  # fmt: skip
        return
    print_out(f"{person['name']}  {person['note']}  {person['id']}".replace("    ", "  "))
    for post in mine:
        print_out(f"  {_said(post)}")
    for one in found.entries:
        print_out(_line(one))
    if not found.entries:
        print_out(f"没有记录（本机关最早的记录始于 {since or '—'}；以前的请查纸质档案）")
    talk(both(f"共 {found.total} 处、{found.cases} 个事项，列出 {len(found.entries)} 处",
              f"{found.total} entries in {found.cases} cases, {len(found.entries)} shown"))  # fmt: skip


def _homonyms(
    people: tuple[dict[str, str], ...], posts: dict[str, tuple[career.Post, ...]], *, as_json: bool
) -> None:  # fmt: skip
    """Who bears the name; which of them is meant nobody but the caller can say."""
    if as_json:
        print_json({"homonyms": [{**one, "posts": [_post(post) for post in posts[one["id"]]]} for one in people]})
    else:
        for one in people:
            held = "；".join(_said(post) for post in posts[one["id"]]) or "没有任职记录"
            print_out(f"{one['id']}\t{one['name']}\t{one['note']}\t{held}")
        talk(both("有几个人叫这个名字，请用人员编号再查", "several persons bear the name: use an id"))
    leave(EXIT_CANNOT_DECIDE)


def _post(one: career.Post) -> dict[str, object]:
    held = one.held
    return {"unit": held.unit, "post": held.post, "since": str(held.since), "until": str(held.until or ""),
            "acting": held.acting, "document": held.document,
            "unit_names": [{"name": name, "since": str(since)} for name, since in one.names]}  # fmt: skip


def _said(one: career.Post) -> str:
    names = f"（还叫过{'、'.join(name for name, _ in one.names)}）" if one.names else ""
    return f"{one.held.unit}{names} {one.held.post} {one.held.since}…{one.held.until or '今'}"


def _line(one: career.Entry) -> str:
    where_ = f"{one.unit}{one.post}" if not one.recorder else f"{one.role_title}，由{one.recorder}登记"
    now = f"（现名{one.now}）" if one.now else ""
    marks = [f"意见：{one.stance}"] if one.stance else []
    marks += ["不同意见"] if one.dissent else []
    marks += [f"补录于 {render.moment(one.recorded)}"] if one.late else []
    marks += [f"等了 {one.waited} 个工作日"] if one.waited else []
    told = f"  {'，'.join(marks)}" if marks else ""
    return f"{render.moment(one.at)}  {one.no} {one.case}  {one.title}  {where_}{now}{told}"


def _decision(site: Site, no: str, as_: str, reason: str, *, as_json: bool) -> None:
    authority = site.authority()
    with site.store.read() as connection:
        standing = steps.load(connection, authority, no)
    _look(site, "case", no, as_, reason)
    found = answers.chain(standing.procedure, standing.facts)
    if as_json:
        facts = standing.facts
        head = {"case": no, "title": facts.title, "opened_at": stamp(facts.opened), "stages": dict(facts.stages)}
        print_json({**head, **answers.as_json(found)})
        return
    print_out(f"{no} {standing.facts.title}（启动于 {legal_date(standing.facts.opened)}）")
    for lane, title in found.lanes:
        for one in (node for node in found.nodes if node.lane == lane):
            mark = {"missing": "［空缺］", "dissent": "［不同意见］"}.get(one.state, "")
            stance = f"：{one.stance}" if one.stance else ""
            print_out(f"{title}  {render.moment(one.at)}  {mark}{one.name} {one.post}  {one.title}{stance}".rstrip())
