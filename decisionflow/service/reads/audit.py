"""The security record as the audit administrator reads it: accounts, sign-ins, refusals; no case content, no inspector's line.

Of a refused act it shows who, which act and which rule, and not the case's number: the audit administrator reads no cases.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, text

from decisionflow.core.facts import SHANGHAI, instant
from decisionflow.service.authorities import Authority
from decisionflow.store.tables.trail import TrailEntry
from decisionflow.trail import canonical

PAGE = 100
MOST = 20_000
KINDS: Mapping[str, str] = {
    "account.signed-in": "登录", "account.sign-in-failed": "登录失败", "account.created": "建立账号",
    "account.disabled": "停用账号",
    "account.enable-proposed": "提出重新启用", "account.enabled": "确认重新启用", "account.enable-declined": "不同意重新启用",
    "account.reset": "发一次性密码", "account.sessions-ended": "结束登录", "account.password-changed": "修改密码",
    "account.factor-added": "加第二因素", "account.factor-removed": "本人移除第二因素",
    "account.drop-factor-proposed": "提出移除第二因素", "account.factor-dropped": "确认移除第二因素",
    "account.drop-factor-declined": "不同意移除第二因素", "account.recovery-renewed": "换恢复码",
    "account.subject-linked": "关联统一身份", "account.subject-unlinked": "解除统一身份", "account.token-made": "建立令牌",
    "account.token-revoked": "吊销令牌", "step.refused": "办理被拒绝",
}  # fmt: skip
GROUPS: Mapping[str, str] = {"": "全部", "sign-in": "登录", "account": "账号", "refused": "被拒绝的办理"}
METHODS: Mapping[str, str] = {
    "password": "密码", "password+totp": "密码和验证码", "password+recovery": "密码和恢复码", "oidc": "统一身份认证",
    "prove": "再次验证", "demo": "演示", "test": "测试",
}  # fmt: skip
WHY: Mapping[str, str] = {"password": "密码不对", "code": "验证码不对", "closed": "账号已停用"}


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of the security record, in words."""

    at: datetime
    kind: str
    title: str
    who: str
    post: str
    about: str
    detail: str
    entry: str
    seq: int


_LINES = text("""
    select chain_seq, entry_id, data from trail_entry
    where authority_id = :a and chain_kind = 'security' and chain_id = :a and chain_seq < :before and kind in :kinds
      and recorded_at >= :since and recorded_at < :until
    order by chain_seq desc limit :most
""").bindparams(
    bindparam("kinds", expanding=True), bindparam("since", type_=TrailEntry.__table__.c.recorded_at.type),  # type: ignore[attr-defined]
    bindparam("until", type_=TrailEntry.__table__.c.recorded_at.type),  # type: ignore[attr-defined]
)  # fmt: skip


def lines(
    connection: Connection, authority: Authority, group: str, since: date, until: date, who: str = "", before: int = 0,
    most: int = PAGE,
) -> tuple[Line, ...]:  # fmt: skip
    """The record, newest first, of a kind, between two days, of a name that is in it."""
    given = {
        "a": authority.id, "before": before or 2**53, "kinds": [one for one in KINDS if in_group(one, group)],
        "since": datetime.combine(since, time(), SHANGHAI), "most": MOST if who else most,
        "until": datetime.combine(until + timedelta(days=1), time(), SHANGHAI),
    }  # fmt: skip
    found: list[Line] = []
    for line in _read(connection, given):
        if not who or who in (line.who, line.about) or who in line.about:
            found.append(line)
        if len(found) >= most:
            break
    return tuple(found)


def in_group(kind: str, group: str) -> bool:
    """Whether a kind of entry belongs to a group of the filter."""
    signing = kind in ("account.signed-in", "account.sign-in-failed")
    return {"sign-in": signing, "account": kind.startswith("account.") and not signing,
            "refused": kind == "step.refused"}.get(group, True)  # fmt: skip


def _read(connection: Connection, given: Mapping[str, Any]) -> Iterator[Line]:
    for row in connection.execute(_LINES, dict(given)):
        record = canonical.decode(row.data)
        body, actor = record["body"], record["actor"]
        name, login = body.get("name") or "", body.get("login") or ""
        about = f"{name}（{login}）" if name and login else name or login
        post = f"{actor.get('unit_name', '')}{actor.get('post_title', '')}"
        yield Line(
            instant(record["times"]["recorded_at"]), record["kind"], KINDS[record["kind"]], actor.get("name", ""), post, about,
            _detail(record["kind"], body), row.entry_id, row.chain_seq,
        )  # fmt: skip


def _detail(kind: str, body: Mapping[str, Any]) -> str:
    if kind == "step.refused":
        return "、".join(sorted({one["rule"] for one in body["findings"] if one["rule"]}))
    parts = [
        METHODS.get(body.get("method", ""), ""), WHY.get(body.get("why", ""), ""), str(body.get("reason", "")),
        f"提出：{body['proposed_by']}" if body.get("proposed_by") else "", str(body.get("scopes", "")),
        f"结束 {body['sessions']} 个登录" if body.get("sessions") else "", str(body.get("subject", "")),
    ]  # fmt: skip
    return "；".join(part for part in parts if part)
