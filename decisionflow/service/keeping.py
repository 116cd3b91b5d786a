"""Keeping accounts (安全管理员): create, disable, reset, end sessions; and what takes two persons.

The administrator starts things and never chooses a password: what is given out is a one-time password, shown once, that opens
only the door to the person's own. Opening an account again, and taking a second factor away, are proposed by one administrator
and confirmed by another. Each deed is an entry in the security chain of the authority (`account.*`), without any secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, select, text, update

from decisionflow.core import fields
from decisionflow.core.facts import Timing
from decisionflow.errors import BadInput, Forbidden, NotFound, Problem, Settled
from decisionflow.service import accounts, entries, factors, permissions, tokens
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority
from decisionflow.store.engine import Tx
from decisionflow.store.records import Record, Rows
from decisionflow.store.tables.infrastructure import Account
from decisionflow.store.tables.people import Appointment, Person
from decisionflow.store.tables.signin import AccountRequest, OidcSubject

_A = Account.__table__  # type: ignore[attr-defined]
_N = Person.__table__  # type: ignore[attr-defined]
_P = Appointment.__table__  # type: ignore[attr-defined]
_Q = AccountRequest.__table__  # type: ignore[attr-defined]
_S = OidcSubject.__table__  # type: ignore[attr-defined]
TWO_PERSONS: Mapping[str, str] = {"enable": "重新启用", "drop-factor": "移除第二因素"}
ALONE: Mapping[str, str] = {"disable": "停用", "reset": "发一次性密码", "sessions": "结束全部登录"}
OPEN_FOR = timedelta(days=7)
LEAST = 4


@dataclass(frozen=True, slots=True)
class Given:
    """What a deed came to: the account, and a one-time password when there is one to hand over."""

    account: str
    secret: str = ""


def record(
    tx: Tx, authority: Authority, actor: Actor, what: str, now: datetime, **body: Any
) -> str:  # fmt: skip
    """An entry of the security chain, kind ``account.<what>``; the caller sees to it that no secret is in it."""
    at = entries.head(tx.connection, authority.id, "security", authority.id)
    composed = entries.compose(entries.Draft(f"account.{what}", body), at, actor, Timing(now), clock=authority.clock)
    tx.add(Record(composed.append, composed.rows))
    tx.ahead()
    return composed.id


def oneself(authority: Authority, person: str, name: str, auth: Mapping[str, str] | None = None) -> Actor:
    """A person who does something to their own account, whatever posts they hold."""
    return Actor(authority.id, person, name, "", "", "", "", "", (), auth=auth or {})


def name_of(connection: Connection, person: str) -> str:
    """The name of a person, '' for none known."""
    return str(connection.execute(select(_N.c.name).where(_N.c.id == person)).scalar() or "")


def create(
    tx: Tx, authority: Authority, actor: Actor, person: str, login: str, now: datetime
) -> Given:  # fmt: skip
    """An account for a person of the register, with a one-time password. Raises BadInput, Forbidden, NotFound."""
    _keeper(actor)
    login = login.strip()
    here = tx.connection.execute(
        select(_P.c.id).where(_P.c.person_id == person, _P.c.authority_id == authority.id)
    ).first()
    if here is None:
        raise BadInput([Problem("person", "请选择在本机关有任职的人员；没有任职的先由系统管理员登记", rule="choice")])
    if accounts.of_person(tx.connection, person):
        raise BadInput([Problem("person", "这个人已经有账号；忘记密码的请发一次性密码", rule="taken")])
    secret = accounts.one_time()
    account = accounts.create(tx, login, person, secret, now, once=True)
    record(tx, authority, actor, "created", now, account=account, login=login, person=person,
           name=name_of(tx.connection, person))  # fmt: skip
    return Given(account, secret)


def do(tx: Tx, authority: Authority, actor: Actor, account: str, deed: str, reason: str, now: datetime) -> Given:
    """What the security administrator may do alone. Raises BadInput, Forbidden, NotFound, Settled."""
    _keeper(actor)
    if deed not in ALONE:
        raise NotFound(f"no deed {deed[:40]!r}", say="没有这个页面")
    row, reason = _of(tx.connection, authority, account), _reason(reason)
    if row["person_id"] == actor.person and actor.auth.get("method") != "terminal":
        raise Forbidden("own account", say="自己的账号在“我的账号”里办理；停用、重置由另一位安全管理员办理")
    about = _about(tx.connection, row)
    if deed == "disable":
        if row["disabled"]:
            raise Settled("already disabled", say="这个账号已经停用")
        accounts.disable(tx, account)
        tokens.revoke_all(tx, row["person_id"], now)
    secret = accounts.give_one_time(tx, account, now) if deed == "reset" else ""
    ended = accounts.end_sessions(tx, row["person_id"])
    what = {"disable": "disabled", "reset": "reset", "sessions": "sessions-ended"}[deed]
    record(tx, authority, actor, what, now, **about, reason=reason, sessions=ended)
    return Given(account, secret)


# ---- what takes two persons --------------------------------------------------------------------------------


def propose(tx: Tx, authority: Authority, actor: Actor, account: str, deed: str, reason: str, now: datetime) -> str:
    """Propose a deed that another administrator confirms; its number. Raises BadInput, Forbidden, NotFound, Settled."""
    _keeper(actor)
    if deed not in TWO_PERSONS:
        raise NotFound(f"no deed {deed[:40]!r}", say="没有这个页面")
    row, reason = _of(tx.connection, authority, account), _reason(reason)
    if deed == "enable" and not row["disabled"]:
        raise Settled("not disabled", say="这个账号没有停用")
    if deed == "drop-factor" and not factors.is_active(tx.connection, account):
        raise Settled("no factor", say="这个账号没有第二因素")
    same = select(_Q.c.id).where(
        _Q.c.account_id == account, _Q.c.deed == deed, _Q.c.settled == "", _Q.c.proposed_at > now - OPEN_FOR
    )
    if tx.connection.execute(same).first():
        raise Settled("already proposed", say="已经提出过，正等另一位管理员确认")
    request = entries.new_id(now)
    tx.put(Rows("account_request", [{
        "authority_id": authority.id, "id": request, "account_id": account, "deed": deed, "reason": reason,
        "proposed_by": actor.person, "proposed_name": actor.name, "proposed_at": now, "settled": "",
    }], "insert"))  # fmt: skip
    record(tx, authority, actor, f"{deed}-proposed", now, request=request, **_about(tx.connection, row), reason=reason)
    return request


def settle(tx: Tx, authority: Authority, actor: Actor, request: str, now: datetime, *, agree: bool) -> str:
    """Confirm or turn down what another administrator proposed. Raises Forbidden, NotFound, Settled."""
    asked = tx.connection.execute(
        select(_Q).where(_Q.c.authority_id == authority.id, _Q.c.id == request)
    ).mappings().first()  # fmt: skip
    if asked is None or not permissions.may_see_accounts(actor):
        raise NotFound(f"no request {request[:40]!r}", say="没有这件事")
    if agree and not permissions.may_confirm_accounts(actor, asked["proposed_by"]):
        raise Forbidden("self-confirmation", say="提出的人不能自己确认：请另一位安全管理员或者审计管理员办理")
    row = _of(tx.connection, authority, asked["account_id"])
    if agree and row["person_id"] == actor.person:
        raise Forbidden("own account", say="不能确认对自己账号的办理")
    if asked["settled"] or now - asked["proposed_at"] > OPEN_FOR:
        raise Settled("settled", say="已经办结，或者超过7天没有确认；需要的请重新提出")
    deed, about = asked["deed"], _about(tx.connection, row)
    if agree and deed == "enable":
        accounts.disable(tx, row["id"], disabled=False)
    elif agree:
        factors.remove(tx, row["id"])
        accounts.end_sessions(tx, row["person_id"])
    what = {("enable", True): "enabled", ("drop-factor", True): "factor-dropped"}.get((deed, agree), f"{deed}-declined")
    entry = record(tx, authority, actor, what, now, request=request, proposed_by=asked["proposed_name"], **about)
    changed = tx.execute(
        update(_Q)
        .where(_Q.c.authority_id == authority.id, _Q.c.id == request, _Q.c.settled == "")
        .values(settled=entry)
    )
    if changed.rowcount != 1:
        raise Settled("settled in between", say="已经由别人办结")
    return str(deed)


# ---- subjects of the identity provider ---------------------------------------------------------------------


def link(tx: Tx, authority: Authority, actor: Actor, issuer: str, subject: str, person: str, now: datetime) -> None:
    """Write down which person a subject is: by the security administrator, or by that person. Raises Forbidden, Settled."""
    if not permissions.may_keep_accounts(actor) and actor.person != person:
        raise Forbidden("may not link", say="由安全管理员或者本人关联")
    if not subject.strip() or len(subject) > 255:
        raise BadInput([Problem("subject", "请填写统一身份认证里的用户标识", rule="required")])
    if not name_of(tx.connection, person):
        raise BadInput([Problem("person", "请选择人员", rule="choice")])
    held = tx.connection.execute(select(_S).where(_S.c.issuer == issuer, _S.c.subject == subject)).mappings().first()
    if held and held["person_id"] == person:
        return
    if held:
        raise Settled("subject is somebody else's", say="这个用户标识已经关联了另一个人；确实有误的，先解除原来的关联")
    tx.put(Rows("oidc_subject", [{"issuer": issuer, "subject": subject, "person_id": person, "linked_by": actor.person,
                                  "linked_at": now}], "insert"))  # fmt: skip
    record(tx, authority, actor, "subject-linked", now, issuer=issuer, subject=subject, person=person,
           name=name_of(tx.connection, person))  # fmt: skip


def unlink(tx: Tx, authority: Authority, actor: Actor, issuer: str, subject: str, now: datetime) -> None:
    """Take a link back; the person's sessions end. Raises Forbidden, NotFound."""
    _keeper(actor)
    held = tx.connection.execute(select(_S).where(_S.c.issuer == issuer, _S.c.subject == subject)).mappings().first()
    if held is None:
        raise NotFound("no such subject", say="没有这个关联")
    tx.execute(_S.delete().where(_S.c.issuer == issuer, _S.c.subject == subject))
    accounts.end_sessions(tx, held["person_id"])
    record(tx, authority, actor, "subject-unlinked", now, issuer=issuer, subject=subject, person=held["person_id"])


# ---- what is known -----------------------------------------------------------------------------------------

_LIST = (
    text("""
    select a.id, a.login, a.person_id, n.name, n.note, a.disabled, a.must_change, a.created_at, f.active as factor,
           (select count(*) from session s where s.person_id = a.person_id and s.expires_at > :now) as sessions
    from account a join person n on n.id = a.person_id
    left join second_factor f on f.account_id = a.id and f.active = :yes
    where exists (select 1 from appointment p where p.person_id = a.person_id and p.authority_id = :authority)
      and (:q = '' or a.login = :q or n.name like :like)
    order by n.name, a.id limit 300
""")
    .bindparams(bindparam("now", type_=_A.c.created_at.type))
    .columns(created_at=_A.c.created_at.type)
)
_WAITING = (
    text("""
    select q.id, q.deed, q.reason, q.proposed_by, q.proposed_name, q.proposed_at, a.login, n.name
    from account_request q join account a on a.id = q.account_id join person n on n.id = a.person_id
    where q.authority_id = :authority and q.settled = '' and q.proposed_at > :since order by q.proposed_at
""")
    .bindparams(bindparam("since", type_=_Q.c.proposed_at.type))
    .columns(proposed_at=_Q.c.proposed_at.type)
)


def listing(connection: Connection, authority: Authority, now: datetime, q: str = "") -> tuple[dict[str, Any], ...]:
    """The accounts of persons who hold or held a post here, by name."""
    like = f"%{q.replace('%', '').replace('_', '')}%"
    given = {"authority": authority.id, "now": now, "yes": True, "q": q, "like": like}
    return tuple(dict(row) for row in connection.execute(_LIST, given).mappings())


def waiting(connection: Connection, authority: Authority, now: datetime) -> tuple[dict[str, Any], ...]:
    """What was proposed and waits for a second person."""
    given = {"authority": authority.id, "since": now - OPEN_FOR}
    return tuple(dict(row) for row in connection.execute(_WAITING, given).mappings())


def subjects(connection: Connection) -> tuple[dict[str, Any], ...]:
    """The subjects of the identity provider that belong to somebody."""
    wanted = select(_S.c.issuer, _S.c.subject, _N.c.name).join(_N, _N.c.id == _S.c.person_id).order_by(_N.c.name)
    return tuple(dict(row) for row in connection.execute(wanted.limit(300)).mappings())


def by_login(connection: Connection, authority: Authority, login: str) -> str:
    """The id of an account of this authority by its login. Raises NotFound."""
    found = connection.execute(select(_A).where(_A.c.login == login)).mappings().first()
    if found is None:
        raise NotFound(f"no account {login[:40]!r}", say=f"没有登录名“{login[:60]}”")
    return str(_of(connection, authority, found["id"])["id"])


def _of(connection: Connection, authority: Authority, account: str) -> dict[str, Any]:
    row = accounts.get(connection, account)
    here = select(_P.c.id).where(_P.c.person_id == row["person_id"], _P.c.authority_id == authority.id)
    if connection.execute(here).first() is None:
        raise NotFound("account of another authority", say="没有这个账号")
    return row


def _about(connection: Connection, row: Mapping[str, Any]) -> dict[str, str]:
    return {"account": row["id"], "login": row["login"], "person": row["person_id"],
            "name": name_of(connection, row["person_id"])}  # fmt: skip


def _keeper(actor: Actor) -> None:
    if not permissions.may_keep_accounts(actor):
        raise Forbidden("not a security administrator", say="账号由安全管理员管理")


def _reason(words: str) -> str:
    try:
        found = fields.clean(words, lines=True).strip()
    except ValueError as fault:
        raise BadInput([Problem("reason", f"理由{fault}", rule="text")]) from fault
    if not LEAST <= len(found) <= 500:
        raise BadInput([Problem("reason", f"请写明理由（{LEAST} 至 500 字），会记录在案", rule="required")])
    return found
