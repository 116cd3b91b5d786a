"""A list of who holds which post, taken into the register whole or not at all (`import org`).

One row is one appointment. Units, posts and persons that the register does not know yet are written down with it;
those that it knows are used. A person is found by name only when nobody else has it: else the column 区别 decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import text

from decisionflow.errors import BadInput, Problem
from decisionflow.service import registering, sheets
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority
from decisionflow.store.engine import Tx

HEADINGS: sheets.Headings = {
    "name": ("name", "姓名", "人员"), "unit": ("unit", "机构", "单位"), "post": ("post", "岗位", "职务"),
    "duties": ("duties", "职责"), "note": ("note", "区别"), "since": ("since", "任职日期", "任职时间"),
    "until": ("until", "任期至", "任期"), "acting": ("acting", "代理"), "single": ("single", "只有一人"),
    "document": ("document", "文号", "依据"),
}  # fmt: skip
NEEDED = ("name", "unit", "post", "since", "document")
MOST_ROWS = 2000


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list: the number in the file, and what its cells say."""

    line: int
    cells: Mapping[str, str]


def read(name: str, data: bytes) -> tuple[tuple[Row, ...], tuple[Problem, ...]]:
    """The rows of a file, and what is missing in them, with the line. Raises BadInput when it is no table."""
    heads, lines = sheets.headed(name, sheets.read(name, data, MOST_ROWS + 11), HEADINGS, "name")
    rows = [Row(number, given) for number, cells in lines if (given := sheets.given(heads, cells))]
    problems = [
        Problem(key, f"缺少“{HEADINGS[key][1]}”", name, row.line, "required")
        for row in rows for key in NEEDED if not row.cells.get(key)
    ]  # fmt: skip
    if not rows:
        problems.append(Problem("rows", "没有可以导入的行", name, rule="required"))
    if len(rows) > MOST_ROWS:
        problems.append(Problem("rows", f"一次最多导入 {MOST_ROWS} 行，请分成几个文件", name, rule="too-many"))
    return tuple(rows), tuple(problems)


def enter_all(
    tx: Tx, authority: Authority, rows: tuple[Row, ...], actor: Actor, now: datetime, file: str
) -> tuple[str, ...]:  # fmt: skip
    """Every row as an appointment; their ids. Raises BadInput with every row that cannot be, and then nothing is written."""
    made, problems = [], []
    for row in rows:
        try:
            made.append(_enter(tx, authority, row.cells, actor, now))
        except BadInput as fault:
            problems += [replace(one, file=file, line=row.line) for one in fault.problems]
    if problems:
        raise BadInput(problems)
    return tuple(made)


_UNIT = text("select id from unit where authority_id = :a and (name = :t or short = :t) and valid_to is null")
_POST = text("select id from post where authority_id = :a and unit_id = :u and title = :t and valid_to is null")
_PERSON = text("select id, note from person where name = :t")


def _enter(tx: Tx, authority: Authority, cells: Mapping[str, str], actor: Actor, now: datetime) -> str:
    tx.ahead()
    since, document = cells["since"], cells["document"]

    def deed(kind: str, of: str = "", **values: object) -> str:
        found = registering.do(tx, authority, actor, kind, of, values, now)
        tx.ahead()
        return found

    known = tx.execute(_UNIT, {"a": authority.id, "t": cells["unit"]}).first()
    unit = known.id if known else deed("unit", name=cells["unit"], since=since, document=document)
    known = tx.execute(_POST, {"a": authority.id, "u": unit, "t": cells["post"]}).first()
    post = known.id if known else deed(
        "post", unit, title=cells["post"], duties=_duties(tx, authority, cells), since=since, single=cells.get("single", "否")
    )  # fmt: skip
    person = _person(tx, cells) or deed("person", name=cells["name"], note=cells.get("note", ""))
    asked = {"person": person, "since": since, "until": cells.get("until", ""), "acting": cells.get("acting", "")}
    return deed("appoint", post, **asked, document=document)


def _duties(tx: Tx, authority: Authority, cells: Mapping[str, str]) -> list[str]:
    """The duties of a new post, by their ids or their titles."""
    titles = registering.duties(tx.connection, authority)
    by_title = {title: name for name, title in titles.items()}
    said = [part for part in cells.get("duties", "").replace("，", "、").replace(",", "、").split("、") if part.strip()]
    return [by_title.get(part.strip(), part.strip()) for part in said]


def _person(tx: Tx, cells: Mapping[str, str]) -> str:
    """The one person meant; '' when there is none yet."""
    found = tx.execute(_PERSON, {"t": cells["name"]}).all()
    meant = [row.id for row in found if row.note == cells.get("note", "")]
    if len(found) == 1 and "note" not in cells:
        meant = [found[0].id]
    return str(meant[0]) if len(meant) == 1 else ""
