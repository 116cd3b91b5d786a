"""`users`: accounts from the terminal, by the same rules as the page: the security administrator's, and some by two persons."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import typer

from decisionflow.cli import where
from decisionflow.cli.app import both, print_json, print_out, talk
from decisionflow.errors import BadInput, Forbidden, Problem
from decisionflow.service import accounts, keeping, permissions, tokens
from decisionflow.service import register as book
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority
from decisionflow.service.site import Site

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help=both("账号：列出、建立、停用、启用、重置、登录、令牌", "accounts, sessions and tokens"),
)  # fmt: skip
Json = Annotated[bool, typer.Option("--json", help="JSON")]
As = Annotated[str, typer.Option("--as", help=both("以谁的身份（姓名或岗位）", "as whom"))]
Login = Annotated[str, typer.Argument(metavar="LOGIN", help=both("登录名", "login"))]
Factor = Annotated[bool, typer.Option("--factor", help=both("提出移除第二因素", "propose to drop the second factor"))]
Reason = Annotated[str, typer.Option("--reason", help=both("理由，记录在案", "why; recorded"))]


@dataclass(frozen=True, slots=True)
class _At:
    site: Site
    authority: Authority
    actor: Actor
    now: datetime


@contextmanager
def _opened(folder: Any, as_: str, *, read_only: bool = False) -> Iterator[_At]:
    with where.opened(folder, read_only=read_only) as site:
        now = site.clock()
        actor = where.actor(site, as_, now)
        if not permissions.may_see_accounts(actor):
            raise Forbidden("may not see accounts", say="账号由安全管理员管理")
        yield _At(site, site.authority(), actor, now)


@app.command("list")
def listing(as_: As = "", q: str = "", folder: where.Folder = None, as_json: Json = False) -> None:
    """Every account, and what waits for a second administrator."""
    with _opened(folder, as_, read_only=True) as at, at.site.store.read() as connection:
        rows = keeping.listing(connection, at.authority, at.now, q)
        waiting = keeping.waiting(connection, at.authority, at.now)
    if as_json:
        print_json({
            "accounts": [{"id": row["id"], "login": row["login"], "name": row["name"], "disabled": bool(row["disabled"]),
                          "one_time": bool(row["must_change"]), "factor": bool(row["factor"]), "sessions": row["sessions"]}
                         for row in rows],
            "waiting": [{"request": row["id"], "deed": row["deed"], "login": row["login"], "by": row["proposed_name"]}
                        for row in waiting],
        })  # fmt: skip
        return
    for row in rows:
        state = "已停用" if row["disabled"] else "一次性密码" if row["must_change"] else "正常"
        print_out(f"{row['login']}\t{row['name']}\t{state}\t{'第二因素' if row['factor'] else '-'}\t{row['sessions']}")
    for row in waiting:
        print_out(f"待确认\t{row['id']}\t{keeping.TWO_PERSONS[row['deed']]}\t{row['login']}\t{row['proposed_name']}")


@app.command()
def create(
    login: Login,
    person: Annotated[str, typer.Option("--person", help=both("姓名或者编号", "name or id"))],
    as_: As = "",
    folder: where.Folder = None,
    as_json: Json = False,
) -> None:
    """An account for a person of the register; the one-time password is printed once."""
    with _opened(folder, as_) as at:
        with at.site.store.read() as connection:
            found = [one for one in book.find_persons(connection, person) if person in (one["name"], one["id"])]
        if len(found) != 1:
            say = f"登记册里没有“{person}”" if not found else f"有 {len(found)} 个人叫“{person}”，请写编号"
            raise BadInput([Problem("--person", say, rule="choice")])
        given = at.site.store.write(
            lambda tx: keeping.create(tx, at.authority, at.actor, found[0]["id"], login, at.now)
        )
    _hand_over(login, given, as_json)


def _hand_over(login: str, given: keeping.Given, as_json: bool) -> None:
    if as_json:
        print_json({"login": login, "account": given.account, "one_time_password": given.secret or None})
    elif given.secret:
        print_out(f"{login}\t{given.secret}")
        talk(both("一次性密码只显示这一次，请当面交给本人；首次登录必须更换", "one-time password, shown only now"))
    else:
        talk(both("已办理", "done"))


def _alone(deed: str, login: str, reason: str, as_: str, folder: Any, as_json: bool) -> None:
    with _opened(folder, as_) as at:
        with at.site.store.read() as connection:
            account = keeping.by_login(connection, at.authority, login)
        given = at.site.store.write(lambda tx: keeping.do(tx, at.authority, at.actor, account, deed, reason, at.now))
    _hand_over(login, given, as_json)


@app.command()
def disable(
    login: Login, reason: Reason = "", as_: As = "", folder: where.Folder = None, as_json: Json = False
) -> None:
    """Close an account: sessions and tokens end at once."""
    _alone("disable", login, reason, as_, folder, as_json)


@app.command()
def reset(
    login: Login, reason: Reason = "", factor: Factor = False, as_: As = "", folder: where.Folder = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """A one-time password in place of a forgotten one; with --factor, propose to take the second factor away."""
    if factor:
        _propose("drop-factor", login, reason, as_, folder, as_json)
    else:
        _alone("reset", login, reason, as_, folder, as_json)


@app.command()
def enable(login: Login, reason: Reason = "", as_: As = "", folder: where.Folder = None, as_json: Json = False) -> None:
    """Propose to open a closed account again; another administrator confirms."""
    _propose("enable", login, reason, as_, folder, as_json)


def _propose(deed: str, login: str, reason: str, as_: str, folder: Any, as_json: bool) -> None:
    with _opened(folder, as_) as at:
        with at.site.store.read() as connection:
            account = keeping.by_login(connection, at.authority, login)
        request = at.site.store.write(
            lambda tx: keeping.propose(tx, at.authority, at.actor, account, deed, reason, at.now)
        )
    if as_json:
        print_json({"login": login, "request": request, "deed": deed})
        return
    print_out(request)
    talk(both("已提出，请另一位管理员运行 users confirm", "proposed; another administrator runs users confirm"))


@app.command()
def confirm(
    request: Annotated[str, typer.Argument(metavar="REQUEST", help=both("编号", "number"))],
    decline: Annotated[bool, typer.Option("--decline", help=both("不同意", "turn it down"))] = False,
    as_: As = "",
    folder: where.Folder = None,
    as_json: Json = False,
) -> None:
    """Confirm, or turn down, what another administrator proposed."""
    with _opened(folder, as_) as at:
        deed = at.site.store.write(
            lambda tx: keeping.settle(tx, at.authority, at.actor, request, at.now, agree=not decline)
        )
    if as_json:
        print_json({"request": request, "deed": deed, "agreed": not decline})
    else:
        talk(both("已办理", "done"))


@app.command()
def sessions(
    login: Login,
    end: Annotated[bool, typer.Option("--end", help=both("结束全部登录", "end them all"))] = False,
    reason: Reason = "",
    as_: As = "",
    folder: where.Folder = None,
    as_json: Json = False,
) -> None:
    """The sessions of an account; with --end, end them."""
    if end:
        _alone("sessions", login, reason, as_, folder, as_json)
        return
    with _opened(folder, as_, read_only=True) as at, at.site.store.read() as connection:
        row = accounts.get(connection, keeping.by_login(connection, at.authority, login))
        found = accounts.sessions_of(connection, row["person_id"], at.now)
    if as_json:
        print_json([{"id": one["id"], "method": one["method"], "since": one["created_at"].isoformat(),
                     "seen": one["seen_at"].isoformat()} for one in found])  # fmt: skip
        return
    for one in found:
        print_out(f"{one['id']}\t{one['method']}\t{one['created_at'].isoformat()}\t{one['seen_at'].isoformat()}")


@app.command()
def token(
    name: Annotated[str, typer.Option("--name", help=both("用途", "what for"))],
    scope: Annotated[list[str], typer.Option("--scope", help=both("范围，可多次", "scope, may be repeated"))],
    days: Annotated[int, typer.Option("--days", help=both("有效期（天）", "days"))] = 90,
    as_: As = "",
    folder: where.Folder = None,
    as_json: Json = False,
) -> None:
    """A token for a program that acts through the post of --as; printed once."""
    with where.opened(folder, read_only=False) as site:
        now, authority = site.clock(), site.authority()
        actor = where.actor(site, as_, now)

        def deed(tx: Any) -> tuple[str, str]:
            number, words = tokens.make(tx, actor, name, scope, days, now)
            keeping.record(tx, authority, actor, "token-made", now, token=number, label=name, scopes=" ".join(scope),
                           post=actor.post)  # fmt: skip
            return number, words

        number, words = site.store.write(deed)
    if as_json:
        print_json({"id": number, "token": words, "scopes": scope})
    else:
        print_out(words)
        talk(both("令牌只显示这一次，请马上保存", "shown only now"))
