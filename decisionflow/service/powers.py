"""权责清单: what each unit may do and by which basis, dated, with every adjustment; imported whole or not at all.

A list orders powers and is no source of them: whether a decision was within powers is for the legal review, and what it
finds on the list of that day is a hint there, never a finding by itself (art. 7, 27; LAW D713-49).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, RowMapping, text

from decisionflow.core import similar
from decisionflow.core.facts import Facts, legal_date
from decisionflow.errors import BadInput, Forbidden, NotFound, Problem
from decisionflow.service import permissions, sheets
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority
from decisionflow.service.register import Register
from decisionflow.store.engine import Tx
from decisionflow.store.tables.people import Power

_P = Power.__table__  # type: ignore[attr-defined]
HEADINGS: sheets.Headings = {
    "unit": ("unit", "单位", "实施机构", "部门"), "code": ("code", "编码", "事项编码"),
    "title": ("title", "事项名称", "名称", "权责事项"), "kind": ("kind", "类别", "权力类型"),
    "basis": ("basis", "依据", "设定依据", "法律依据"), "since": ("since", "生效日期", "起始日期"),
    "until": ("until", "取消日期", "终止日期"), "document": ("document", "文号", "调整文号"),
}  # fmt: skip
NEEDED = ("unit", "code", "title", "basis", "since", "document")
MOST_ROWS, MOST_SHOWN = 5000, 500
WHAT: Mapping[str, str] = {"new": "列入", "adjusted": "调整", "ended": "取消", "same": "没有变化"}
NEAR = 0.5


@dataclass(frozen=True, slots=True)
class Row:
    """One line of an imported list; `until` is the last day of an item that is cancelled."""

    line: int
    unit: str
    code: str
    title: str
    kind: str
    basis: str
    document: str
    since: date
    until: date | None


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a list as it stood in its time."""

    id: str
    unit: str
    code: str
    title: str
    kind: str
    basis: str
    document: str
    since: date
    until: date | None
    ended_by: str
    recorded: datetime
    entry: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the list of the lead units said on the day on which a matter was opened.

    `declared` is the answer given when it was proposed (listed, not_listed, unknown or ''), `named` the item that was named;
    `near` are items of alike names; `total` how many the list had.
    """

    on: date
    declared: str
    named: str
    near: tuple[Item, ...]
    total: int


def read(name: str, data: bytes) -> tuple[tuple[Row, ...], tuple[Problem, ...]]:
    """The rows of a csv or xlsx list, and what is wrong with them, by line. Raises BadInput when it is no table."""
    heads, lines = sheets.headed(name, sheets.read(name, data, MOST_ROWS + 11), HEADINGS, "title")
    rows, problems = [], []
    for line, cells in lines:
        given = sheets.given(heads, cells)
        if not given:
            continue
        lacking = [
            Problem(key, f"缺少“{HEADINGS[key][1]}”", name, line, "required") for key in NEEDED if not given.get(key)
        ]
        days = {}
        for key in ("since", "until"):
            try:
                days[key] = date.fromisoformat(given[key]) if given.get(key) else None
            except ValueError:
                lacking.append(Problem(key, f"“{given[key]}”不是日期，应写作 2026-01-31", name, line, "date"))
        since, until = days.get("since"), days.get("until")
        if since and until and until < since:
            lacking.append(Problem("until", "取消日期早于生效日期", name, line, "range"))
        problems += lacking
        if not lacking and since:
            rows.append(Row(line, given["unit"], given["code"], given["title"], given.get("kind", ""), given["basis"],
                            given["document"], since, until))  # fmt: skip
    if not rows and not problems:
        problems.append(Problem("rows", "没有可以导入的行", name, rule="required"))
    if len(rows) > MOST_ROWS:
        problems.append(Problem("rows", f"一次最多导入 {MOST_ROWS} 行，请分成几个文件", name, rule="too-many"))
    twice = [key for key, n in Counter((row.unit, row.code) for row in rows).items() if n > 1]
    problems += [
        Problem("code", f"{row.unit} 的编码 {row.code} 写了两次", name, row.line, "unique")
        for row in rows if (row.unit, row.code) in twice
    ]  # fmt: skip
    return tuple(rows), tuple(problems)


_UNIT = text("select id from unit where authority_id = :a and (name = :t or short = :t) and valid_to is null")
_NEWEST = text("""
    select * from power where authority_id = :a and unit_id = :u and code = :c order by valid_from desc limit 1
""").columns(valid_from=_P.c.valid_from.type, valid_to=_P.c.valid_to.type)


def plan(connection: Connection, authority: Authority, rows: Sequence[Row], file: str) -> list[tuple[Row, str]]:
    """What each row would do (`WHAT`). Raises BadInput with every row that cannot be."""
    found, problems = [], []
    for row in rows:
        try:
            found.append((row, _would(connection, authority, row)[0]))
        except BadInput as fault:
            problems += [replace(one, file=file, line=row.line) for one in fault.problems]
    if problems:
        raise BadInput(problems)
    return found


def take_in(
    tx: Tx, authority: Authority, actor: Actor, rows: Sequence[Row], now: datetime, file: str
) -> Mapping[str, int]:  # fmt: skip
    """Write the rows down; how many did what. Raises Forbidden, or BadInput with every row, and then nothing is written."""
    if not permissions.may_keep_powers(actor):
        raise Forbidden("may not keep powers", say="您的岗位不能导入权责清单，请由政府办公室或者合法性审查部门办理")
    plan(tx.connection, authority, rows, file)
    register, done = Register(tx, authority, actor, now), Counter(dict.fromkeys(WHAT, 0))
    for row in rows:
        what, unit, standing = _would(tx.connection, authority, row)
        done[what] += 1
        if what == "ended" and standing and row.until:
            register.end_power(standing["id"], row.until, row.document)
        elif what in ("new", "adjusted"):
            if standing:
                register.end_power(standing["id"], row.since - timedelta(days=1), row.document)
            made = register.power(unit, row.code, row.title, row.since, kind=row.kind, basis=row.basis,
                                  document=row.document)  # fmt: skip
            if row.until:
                tx.ahead()
                register.end_power(made, row.until, row.document)
    return done


def _would(connection: Connection, authority: Authority, row: Row) -> tuple[str, str, RowMapping | None]:
    """What a row does, the unit it is of, and the item it finds. Raises BadInput."""
    unit = connection.execute(_UNIT, {"a": authority.id, "t": row.unit}).scalar()
    if unit is None:
        raise BadInput([Problem("unit", f"登记册里没有“{row.unit}”这个单位，请先登记机构", rule="unit")])
    standing = connection.execute(_NEWEST, {"a": authority.id, "u": unit, "c": row.code}).mappings().first()
    if standing is None:
        return "new", str(unit), None
    same = (standing["title"], standing["kind"], standing["basis"]) == (row.title, row.kind, row.basis)
    over = standing["valid_to"]
    if over and same and row.until == over:
        return "same", str(unit), standing
    if over and row.since <= over:
        say = f"这一项已经取消，到 {over} 为止；重新列入的生效日期应在那以后"
        raise BadInput([Problem("since", say, rule="order")])
    if over:
        return "new", str(unit), None
    if same:
        return ("ended" if row.until else "same"), str(unit), standing
    if row.since <= standing["valid_from"]:
        say = f"这一项自 {standing['valid_from']} 起已经在清单里，内容不同；调整的生效日期应在那以后"
        raise BadInput([Problem("since", say, rule="order")])
    return "adjusted", str(unit), standing


# ---- reading -----------------------------------------------------------------------------------------------------

_LISTED = """
    select p.*, u.name as unit_name from power p join unit u on u.authority_id = p.authority_id and u.id = p.unit_id
"""
_DAYS = {"valid_from": _P.c.valid_from.type, "valid_to": _P.c.valid_to.type, "recorded_at": _P.c.recorded_at.type}
_ON = text(
    f"{_LISTED} where p.authority_id = :a and p.valid_from <= :d and (p.valid_to is null or p.valid_to >= :d) "
    "and (:u = '' or u.name = :u or u.short = :u or u.id = :u) and (:q = '' or p.title like :l or p.code like :l) "
    "order by u.name, p.code limit :most"
).columns(**_DAYS)
_HISTORY = text(
    f"{_LISTED} join power o on o.authority_id = p.authority_id and o.unit_id = p.unit_id and o.code = p.code "
    "where p.authority_id = :a and o.id = :i order by p.valid_from desc"
).columns(**_DAYS)


def listed(
    connection: Connection, authority: Authority, on: date, unit: str = "", words: str = "", most: int = MOST_SHOWN
) -> tuple[Item, ...]:
    """The items that were on the lists on a day, by unit and code."""
    values = {"a": authority.id, "d": on, "u": unit, "q": words, "l": f"%{words}%", "most": most}
    return tuple(_item(row) for row in connection.execute(_ON, values).mappings())


def history(connection: Connection, authority: Authority, power: str) -> tuple[Item, ...]:
    """An item with all that stood under its code before and after, the newest first. Raises NotFound."""
    found = tuple(_item(row) for row in connection.execute(_HISTORY, {"a": authority.id, "i": power}).mappings())
    if not found:
        raise NotFound(f"no power {power[:40]}", say="清单里没有这一项")
    return found


def evidence(connection: Connection, authority: Authority, facts: Facts) -> Evidence:
    """What the lists of a case's lead units held on the day on which it was opened, for the first head of legal review."""
    on = legal_date(facts.opened)
    items = [
        one for held in facts.duties.get("lead", ())
        for one in listed(connection, authority, on, str(held.get("id") or held.get("name") or "-"))
    ]  # fmt: skip
    first = facts.acts[0].fields if facts.acts else {}
    named = str(first.get("power_list_item") or "")
    sought = similar.sketch(similar.plain(named or facts.title))
    near = [one for one in items if similar.likeness(sought, similar.sketch(similar.plain(one.title))) >= NEAR]
    return Evidence(on, str(first.get("power_list") or ""), named, tuple(near), len(items))


def _item(row: RowMapping) -> Item:
    return Item(row["id"], row["unit_name"], row["code"], row["title"], row["kind"], row["basis"], row["document"],
                row["valid_from"], row["valid_to"], row["ended_by"], row["recorded_at"], row["entry_id"])  # fmt: skip
