"""Keeping the register: who may write what into it, and which pairs of facts cannot both be true.

The system administrator writes down what a document says: units, posts, persons, appointments. Whoever holds a post
may lend it to a colleague for a time, and hands over what is open before leaving. Rights hang on posts, records on
persons: nothing here deletes, and what was done under an earlier name or post stays as it was done.

Limits that no law sets (how long a post may be lent, and which not at all) are this product's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, NoReturn

import orjson
from sqlalchemy import Connection, select, text

from decisionflow.core import calendar as days
from decisionflow.core import fields as forms
from decisionflow.core.facts import Value, legal_date
from decisionflow.core.procedure import FieldSpec
from decisionflow.errors import BadInput, Forbidden, NotFound, Problem
from decisionflow.service import actors, permissions, procedures
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority
from decisionflow.service.reads import inbox
from decisionflow.service.register import Directory, Register
from decisionflow.store.engine import Tx
from decisionflow.store.tables.people import Appointment, Handover, Person, Post, Unit

LENT_FOR = timedelta(days=180)
PERSONAL = frozenset({"chief", "deputy", "member"})  # who decides and who deliberates does so in person
_U = Unit.__table__  # type: ignore[attr-defined]
_P = Post.__table__  # type: ignore[attr-defined]
_N = Person.__table__  # type: ignore[attr-defined]
_A = Appointment.__table__  # type: ignore[attr-defined]
_H = Handover.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Form:
    """What one deed asks for; `about` is the kind of thing it is done to ('' for none)."""

    title: str
    lead: str
    button: str
    fields: tuple[FieldSpec, ...]
    about: str = ""


def _spec(name: str, title: str, kind: str = "text", *, required: bool = True, **more: Any) -> FieldSpec:
    return FieldSpec.model_validate({"id": name, "title": title, "type": kind, "required": required, **more})


_DOCUMENT = _spec("document", "文号或者依据", help="任免、机构改革以文件为准。", max_length=120)
FORMS: Mapping[str, Form] = {
    "unit": Form("登记机构", "新设的机构；由原有机构改名的，用“改名”。", "登记机构", (
        _spec("name", "全称"),
        _spec("short", "简称", required=False),
        _spec("since", "设立日期", "date"),
        _spec("succeeds", "承接哪个机构的职责", "unit", required=False, help="合并、分设的选原来的机构，倒查时互相找得到。"),
        _DOCUMENT,
    )),
    "rename": Form("机构改名", "以前的办理记录仍然是当时的名称。", "登记改名", (
        _spec("name", "新的全称"),
        _spec("since", "从哪一天起", "date"),
        _DOCUMENT,
    ), "unit"),
    "abolish": Form("撤销机构", "先免去或者转任还在任的人员。", "登记撤销", (
        _spec("until", "最后一天", "date"),
        _DOCUMENT,
    ), "unit"),
    "post": Form("设置岗位", "权限跟着岗位走，记录跟着人走。", "设置岗位", (
        _spec("title", "岗位名称"),
        _spec("duties", "职责", "choices", choices={"none": "—"}),
        _spec("since", "从哪一天起", "date"),
        _spec("single", "同时只能有一人任职", "flag", help="如区长、局长。"),
    ), "unit"),
    "person": Form("登记人员", "同名的人各登记各的，永远不合并。", "登记人员", (
        _spec("name", "姓名", max_length=60),
        _spec("note", "区别", required=False, max_length=60, help="有同名的人时必填，如出生年份、原单位。"),
    )),
    "appoint": Form("任职", "任期以文件为准；登记晚于任职日期的，登记时间另外记着，不追认此前的办理。", "登记任职", (
        _spec("person", "人员", "person"),
        _spec("since", "任职日期", "date"),
        _spec("until", "任期至", "date", required=False),
        _spec("acting", "代理职务", "flag", required=False),
        _DOCUMENT,
    ), "post"),
    "end": Form("免职", "最后一天过后不能再以这个岗位办理；已经到期的，登录着的会立即退出。", "登记免职", (
        _spec("until", "最后一天", "date"),
        _DOCUMENT,
        _spec("one_sided", "单方移交的理由", "long", required=False, help="有在办的事又没有双方签字的交接时必填，如本人病故。"),
    ), "appointment"),
    "delegate": Form("委托", "一段时间内由同事以这个岗位办理；每条记录都注明受谁委托，到期自动收回。", "委托", (
        _spec("person", "委托给", "person"),
        _spec("since", "从哪一天起", "date"),
        _spec("until", "到哪一天止", "date"),
        _spec("reason", "理由", "long"),
    ), "appointment"),
    "handover": Form("工作交接", "列出这个岗位现在在办的事，由移交人和承接人各自签字。", "生成交接单", (
        _spec("to", "承接人", "person"),
        _spec("remark", "另外交代的事", "long", required=False),
    ), "appointment"),
}  # fmt: skip
OWN = frozenset({"delegate", "handover"})  # what the holder of a post may do without the administrator


def form(connection: Connection, authority: Authority, deed: str) -> Form:
    """The form of a deed, with the duties that there are today. Raises NotFound."""
    found = FORMS.get(deed)
    if found is None:
        raise NotFound(f"no deed {deed[:40]!r}", say="没有这个页面")
    if deed != "post":
        return found
    choices = duties(connection, authority)
    asked = (one.model_copy(update={"choices": choices}) if one.id == "duties" else one for one in found.fields)
    return replace(found, fields=tuple(asked))


def duties(connection: Connection, authority: Authority) -> dict[str, str]:
    """Every duty that a published procedure knows, and those of keeping the system, with their titles."""
    every = [
        procedures.by_digest(connection, authority.id, row["digest"])
        for row in procedures.published(connection, authority.id)
    ]
    found: dict[str, str] = {}
    for one in sorted(
        every, key=lambda one: -len(one.duties)
    ):  # the fullest procedure names a duty as most people know it
        found |= {name: duty.title for name, duty in one.duties.items() if name not in found}
    return {**found, **permissions.rights().titles}


def may_look(connection: Connection, authority: Authority, actor: Actor) -> bool:
    """Whether an actor may see who holds which post: everybody inside the government, nobody called in from outside."""
    known = (
        procedures.by_digest(connection, authority.id, row["digest"])
        for row in procedures.published(connection, authority.id)
    )
    return permissions.may_keep_register(actor) or any(permissions.may_see_all(actor, one) for one in known)


def may(actor: Actor, deed: str, of: str) -> bool:
    """Whether an actor may do a deed to the thing of that id."""
    return permissions.may_keep_register(actor) or (deed in OWN and bool(of) and of == actor.appointment)


def do(
    tx: Tx, authority: Authority, actor: Actor, deed: str, of: str, raw: Mapping[str, Any], now: datetime
) -> str:  # fmt: skip
    """Write a deed into the register; the id of what it made or changed. Raises BadInput, Forbidden, NotFound."""
    asked = form(tx.connection, authority, deed)
    if not may(actor, deed, of):
        raise Forbidden(f"may not {deed} in the register", say="由系统管理员登记；委托和交接可以由本人办理")
    values = forms.read(asked.fields, raw, now=now, directory=Directory(tx.connection, authority.id, legal_date(now)))
    return _Book(tx, authority, actor, now).write(deed, of, values)


class _Book:
    """One deed against the register as it stands in this transaction."""

    def __init__(self, tx: Tx, authority: Authority, actor: Actor, now: datetime) -> None:
        self.tx, self.authority, self.actor, self.now = tx, authority, actor, now
        self.today = legal_date(now)
        self.register = Register(tx, authority, actor, now)

    def write(self, deed: str, of: str, values: Mapping[str, Value]) -> str:
        match deed:
            case "unit":
                return self.unit(values)
            case "rename":
                return self.rename(self.row(_U, of), values)
            case "abolish":
                return self.abolish(self.row(_U, of), values)
            case "post":
                return self.post(self.row(_U, of), values)
            case "person":
                return self.person(values)
            case "appoint":
                return self.appoint(self.row(_P, of), values)
            case "end":
                return self.end(self.row(_A, of), values)
            case "delegate":
                return self.delegate(self.row(_A, of), values)
        return self.hand_over(self.row(_A, of), values)

    def row(self, table: Any, of: str) -> dict[str, Any]:
        found = self.tx.execute(
            select(table).where(table.c.authority_id == self.authority.id, table.c.id == of)
        ).mappings()
        row = found.first()
        if row is None:
            raise NotFound(f"nothing {of[:40]!r} in the register", say="登记册里没有这一项")
        return dict(row)

    # ---- units and posts

    def unit(self, values: Mapping[str, Value]) -> str:
        name, since = str(values["name"]), _day(values["since"])
        self.unused(name)
        succeeds = self.known(values, "succeeds") if "succeeds" in values else ""
        return self.register.unit(
            name, since, short=str(values.get("short", "")), succeeds=succeeds, document=str(values["document"])
        )

    def rename(self, unit: Mapping[str, Any], values: Mapping[str, Value]) -> str:
        self.unused(str(values["name"]))
        self.register.rename(unit["id"], str(values["name"]), _day(values["since"]), str(values["document"]))
        return str(unit["id"])

    def unused(self, name: str) -> None:
        taken = self.tx.execute(
            select(_U.c.id).where(_U.c.authority_id == self.authority.id, _U.c.name == name, _U.c.valid_to.is_(None))
        ).first()
        if taken:
            _fault("name", f"已经有机构叫“{name}”")

    def abolish(self, unit: Mapping[str, Any], values: Mapping[str, Value]) -> str:
        until = _day(values["until"])
        if unit["valid_to"] is not None:
            _fault("until", f"已经登记过撤销，最后一天是{days.say_day(unit['valid_to'])}")
        held = [one for one in self.held() if one["unit_id"] == unit["id"] and _over(one, until)]
        if held:
            names = "、".join(f"{one['name']}（{one['title']}）" for one in held)
            _fault("until", f"到那一天还有人在任：{names}；请先登记免职或者转任")
        self.register.close_unit(unit["id"], until, str(values["document"]))
        return str(unit["id"])

    def post(self, unit: Mapping[str, Any], values: Mapping[str, Value]) -> str:
        title = str(values["title"])
        taken = self.tx.execute(
            select(_P.c.id).where(
                _P.c.authority_id == self.authority.id, _P.c.unit_id == unit["id"], _P.c.title == title
            )
        ).first()
        if taken:
            _fault("title", f"{unit['name']}已经有“{title}”这个岗位")
        chosen = values["duties"] if isinstance(values["duties"], list) else []
        _apart([set(map(str, chosen))], "duties")
        return self.register.post(
            unit["id"], title, [str(one) for one in chosen], _day(values["since"]), single=values["single"] is True
        )

    # ---- persons and appointments

    def person(self, values: Mapping[str, Value]) -> str:
        name, note = str(values["name"]), str(values.get("note", ""))
        same = self.tx.execute(select(_N.c.note).where(_N.c.name == name)).all()
        if same and (not note or any(row.note == note for row in same)):
            notes = "、".join(row.note or "没有写区别" for row in same)
            _fault("note", f"已经登记过同名的人（{notes}）；如果是另一个人，请写明区别")
        return self.register.person(name, note)

    def appoint(self, post: Mapping[str, Any], values: Mapping[str, Value]) -> str:
        person, since = self.known(values, "person"), _day(values["since"])
        until, acting = _day_or_none(values.get("until")), values.get("acting") is True
        if until is not None and until < since:
            _fault("until", "任期至不能早于任职日期")
        held = self.held()
        self.once(held, person, post, since, until)
        if post["single"]:
            rival = [one for one in held if one["post_id"] == post["id"] and not one["delegated_by"]
                     and one["acting"] == acting and _meet(one, since, until)]  # fmt: skip
            if rival:
                ends = f"至{days.say_day(rival[0]['valid_to'])}" if rival[0]["valid_to"] else "，还没有免职"
                begins = days.say_day(rival[0]["valid_from"])
                _fault(
                    "since",
                    f"“{post['title']}”同时只能有一人任职：{rival[0]['name']}自{begins}{ends}；代理的请选“代理职务”",
                )
        self.kept_apart(held, person, post)
        return self.register.appoint(
            person, post["id"], since, until=until, document=str(values["document"]), acting=acting
        )

    def end(self, appointment: Mapping[str, Any], values: Mapping[str, Value]) -> str:
        until, why = _day(values["until"]), str(values.get("one_sided", ""))
        if appointment["ended"]:
            _fault("until", f"已经登记过免职，最后一天是{days.say_day(appointment['valid_to'])}")
        if until < appointment["valid_from"]:
            _fault("until", f"最后一天不能早于任职日期（{days.say_day(appointment['valid_from'])}）")
        open_work = () if appointment["delegated_by"] else self.open_work(appointment)
        if open_work and not why and not self.handed_over(appointment["id"]):
            named = "、".join(f"{one['no']} {one['ask']}" for one in open_work[:3])
            more = f"等 {len(open_work)} 件" if len(open_work) > 3 else ""
            _fault("one_sided", f"还有在办的事没有双方签字的交接：{named}{more}；请先办交接，或者写明单方移交的理由")
        document = str(values["document"])
        for lent in self.lent(appointment["id"]):
            self.register.end(lent["id"], min(until, lent["valid_to"] or until), document, self.today)
        self.register.end(appointment["id"], until, document, self.today, one_sided=why)
        return str(appointment["id"])

    def delegate(self, appointment: Mapping[str, Any], values: Mapping[str, Value]) -> str:
        person, since, until = self.known(values, "person"), _day(values["since"]), _day(values["until"])
        post = self.row(_P, appointment["post_id"])
        carried = set(orjson.loads(post["duties"]))
        if appointment["ended"] or not _valid(appointment, since):
            _fault("since", "那一天您（委托人）已经不在这个岗位")
        if appointment["delegated_by"]:
            _fault("person", "受委托的岗位不能再委托给别人")
        if carried & PERSONAL:
            _fault(
                "person", "行政首长、分管领导、会议组成人员的职责由本人履行，不能委托；代理职务凭文件由系统管理员登记"
            )
        if carried & set(permissions.rights().keepers):
            _fault("person", "系统、安全、审计管理员互相制约，不能委托")
        if not since <= until <= since + LENT_FOR:
            _fault("until", f"委托须有期限，最长{LENT_FOR.days}天，到期可以再委托")
        if person == appointment["person_id"]:
            _fault("person", "不能委托给自己")
        held = self.held()
        if not any(one["person_id"] == person and not one["delegated_by"] and _valid(one, since) for one in held):
            _fault("person", "受委托人那一天在本机关没有任职")
        self.once(held, person, post, since, until)
        self.kept_apart(held, person, post)
        return self.register.delegate(
            person, post["id"], since, until, of=appointment["id"], reason=str(values["reason"])
        )

    # ---- handing over

    def hand_over(self, appointment: Mapping[str, Any], values: Mapping[str, Value]) -> str:
        to = self.known(values, "to")
        if to == appointment["person_id"]:
            _fault("to", "承接人不能是移交人自己")
        if appointment["ended"]:
            _fault("to", "已经免职，不能再办交接")
        items = self.open_work(appointment)
        return self.register.hand_over(
            appointment["id"], appointment["person_id"], to, items, str(values.get("remark", ""))
        )

    def open_work(self, appointment: Mapping[str, Any]) -> tuple[dict[str, str], ...]:
        """What the holder of a post is asked to do today, case by case."""
        posts = actors.posts_of(self.tx.connection, self.authority.id, appointment["person_id"], self.today)
        mine = next((one for one in posts if one.appointment == appointment["id"]), None)
        if mine is None or not permissions.may_list(mine):
            return ()
        todos = inbox.inbox(self.tx.connection, self.authority, mine, self.now).todos
        return tuple({"no": one.no, "title": one.title, "ask": one.ask} for one in todos)

    def handed_over(self, appointment: str) -> bool:
        rows = self.tx.execute(
            select(_H.c.id).where(
                _H.c.authority_id == self.authority.id, _H.c.appointment_id == appointment, _H.c.given_at.is_not(None),
                _H.c.taken_at.is_not(None),
            )
        )  # fmt: skip
        return rows.first() is not None

    # ---- what is known

    def known(self, values: Mapping[str, Value], name: str) -> str:
        """The id of somebody or something that the register knows."""
        value = values.get(name)
        found = value.get("id") if isinstance(value, dict) else None
        if not found:
            typed = value.get("name") if isinstance(value, dict) else value
            _fault(name, f"登记册里找不到“{typed}”，或者同名的不止一个；请写编号，或者先登记")
        return str(found)

    def held(self) -> list[dict[str, Any]]:
        """Every appointment that is not over, with its person, post and unit."""
        return [dict(row) for row in self.tx.execute(_HELD, {"a": self.authority.id, "no": False}).mappings()]

    def lent(self, appointment: str) -> list[dict[str, Any]]:
        return [one for one in self.held() if one["delegated_by"] == appointment]

    def once(
        self, held: Iterable[Mapping[str, Any]], person: str, post: Mapping[str, Any], since: date, until: date | None
    ) -> None:  # fmt: skip
        if any(
            one["person_id"] == person and one["post_id"] == post["id"] and _meet(one, since, until) for one in held
        ):
            _fault("person", f"这个人在这段时间已经担任“{post['title']}”")

    def kept_apart(self, held: Iterable[Mapping[str, Any]], person: str, post: Mapping[str, Any]) -> None:
        others = [set(orjson.loads(one["duties"])) for one in held if one["person_id"] == person]
        _apart([*others, set(orjson.loads(post["duties"]))], "person")


_HELD = text("""
    select a.id, a.person_id, a.post_id, a.valid_from, a.valid_to, a.acting, a.delegated_by, n.name, p.title, p.duties,
           p.unit_id
    from appointment a join person n on n.id = a.person_id
    join post p on p.authority_id = a.authority_id and p.id = a.post_id
    where a.authority_id = :a and a.ended = :no order by a.id
""").columns(valid_from=_A.c.valid_from.type, valid_to=_A.c.valid_to.type)


def _apart(posts: Sequence[set[str]], place: str) -> None:
    """One person keeps the system, or its security, or its audit, and then decides nothing (三员分立)."""
    if permissions.rights().mixed(set().union(*posts)):
        _fault(place, "系统、安全、审计管理员必须是不同的人，也不能兼任办理事项的岗位")


def sign(tx: Tx, authority: Authority, actor: Actor, handover: str, now: datetime) -> None:
    """One of the two persons signs a hand-over; signing twice is once. Raises Forbidden, NotFound."""
    row = tx.execute(select(_H).where(_H.c.authority_id == authority.id, _H.c.id == handover)).mappings().first()
    if row is None:
        raise NotFound(f"no handover {handover[:40]!r}", say="没有这张交接单")
    side = {row["person_id"]: "given", row["to_person_id"]: "taken"}.get(actor.person)
    if side is None:
        raise Forbidden("not a party of this handover", say="交接单由移交人和承接人本人签字")
    if row[f"{side}_at"] is None:
        Register(tx, authority, actor, now).sign(handover, side)


# ---- days --------------------------------------------------------------------------------------------------


def _day(value: object) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def _day_or_none(value: object) -> date | None:
    return _day(value) if value else None


def _valid(row: Mapping[str, Any], on: date) -> bool:
    return row["valid_from"] <= on and (row["valid_to"] is None or on <= row["valid_to"])


def _over(row: Mapping[str, Any], until: date) -> bool:
    """Whether an appointment goes on after a day."""
    return row["valid_to"] is None or row["valid_to"] > until


def _meet(row: Mapping[str, Any], since: date, until: date | None) -> bool:
    """Whether an appointment has a day in common with a span."""
    return (until is None or row["valid_from"] <= until) and (row["valid_to"] is None or since <= row["valid_to"])


def _fault(place: str, say: str) -> NoReturn:
    raise BadInput([Problem(place, say, rule="register")])
