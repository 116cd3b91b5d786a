"""The experts of a case (arts. 19, 20) as its panel holds them: who was invited, who followed, and a list held against it.

A panel is a chain of its own beside the case, one for each round of the expert line; its draws are draws like any other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from decisionflow.core import procedure as law
from decisionflow.core.facts import Facts, Value
from decisionflow.service import hearings, pool
from decisionflow.service.authorities import Authority
from decisionflow.store.blobs import Blobs
from decisionflow.store.tables.experts import ExpertLink, Invitation, Panel

_P = Panel.__table__  # type: ignore[attr-defined]
_L = ExpertLink.__table__  # type: ignore[attr-defined]
_I = Invitation.__table__  # type: ignore[attr-defined]
KIND = hearings.KIND
STATES = {"invited": "已邀请，尚未声明", "clear": "声明无利害关系", "recused": "申报利害关系，回避", "gone": "已结束邀请",
          "filed": "已提交意见"}  # fmt: skip
HOW = {"draw": "抽取", "reserve": "候补递补", "targeted": "定向邀请（非抽取）"}
AWAY = ("recused", "gone")


# ---- looking at one --------------------------------------------------------------------------------------


def act_of(procedure: law.Procedure, role: str) -> law.Action | None:
    """The action that is this to the experts; None when the procedure has none."""
    return next((action for action in procedure.actions if action.panel == role), None)


def of_case(connection: Connection, authority: str, procedure: law.Procedure, facts: Facts) -> dict[str, Any] | None:
    """The panel of a case in the present round of its expert line."""
    action = act_of(procedure, "select")
    if action is None:
        return None
    wanted = (
        (_P.c.authority_id == authority) & (_P.c.case_id == facts.case) & (_P.c.round == facts.rounds[action.track])
    )
    row = connection.execute(select(_P).where(wanted).order_by(_P.c.id.desc())).mappings().first()
    return dict(row) if row else None


def invitations(connection: Connection, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Everybody who was invited, by number."""
    wanted = (_I.c.authority_id == row["authority_id"]) & (_I.c.panel_id == row["id"])
    return [dict(one) for one in connection.execute(select(_I).where(wanted).order_by(_I.c.n)).mappings()]


def bound(connection: Connection, row: Mapping[str, Any]) -> frozenset[int]:
    """The invitations whose link somebody has opened."""
    wanted = (_L.c.authority_id == row["authority_id"]) & (_L.c.panel_id == row["id"]) & (_L.c.bound != "")
    return frozenset(connection.execute(select(_L.c.n).where(wanted)).scalars())


def due(connection: Connection, blobs: Blobs, row: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The numbers that the newest draw comes to, by side, whoever is away followed by the reserve; nothing undrawn."""
    newest = next(iter(hearings.lots(connection, row)), None)
    if newest is None or newest["state"] != "drawn":
        return {}
    gone = [str(one["expert_no"]) for one in invitations(connection, row) if one["state"] in AWAY]
    return hearings.chosen(hearings.record_of(blobs, newest), gone)


def is_of(value: object, person: str, name: str) -> bool:
    """Whether a field of persons means this one: by the register's id where there is one, else by the name."""
    if not isinstance(value, Mapping):
        return value == name
    return value["id"] == person if value.get("id") else value.get("name") == name


def hashed(secret: str) -> str:
    """What is kept of a link or of the browser that opened it: 192 bits cannot be guessed, so a fast hash will do."""
    return hashlib.sha256(f"decisionflow/expert-link/v1\n{secret}".encode()).hexdigest()


# ---- a list held against the draw ----------------------------------------------------------------------------


def listed(
    connection: Connection, blobs: Blobs, authority: Authority, procedure: law.Procedure, facts: Facts, action: law.Action,
    values: dict[str, Value],
) -> dict[str, Value]:  # fmt: skip
    """The values of a list of experts with what the draws say of it; those of any other act unchanged."""
    if action.panel != "select":
        return values
    row = of_case(connection, authority.id, procedure, facts)
    counted = {"undrawn": 0, "draws": 0}
    if row is not None:
        counted = {
            "undrawn": _undrawn(connection, blobs, row, hearings.rows(values.get("experts"))),
            "draws": sum(bool(lot["drawn"]) for lot in hearings.lots(connection, row)),
        }
    return {**values, **{spec.id: counted[spec.computed] for spec in action.fields if spec.computed in counted}}


def _undrawn(
    connection: Connection, blobs: Blobs, row: Mapping[str, Any], given: Sequence[Mapping[str, Any]]
) -> int:  # fmt: skip
    """How many chosen rows the draw did not come to, and how many it came to that are not chosen."""
    numbers = {int(no) for found in due(connection, blobs, row).values() for no in found}
    if not numbers:
        return 0
    invited = invitations(connection, row)
    targeted = [one for one in invited if one["how"] == "targeted"]
    drawn = [one for one in pool.everybody(connection, row["authority_id"]) if one.n in numbers]
    chosen = [one.get("name") for one in given if one.get("chosen") is True]
    strangers = [
        name for name in chosen
        if not any(is_of(name, one.person, one.name) for one in drawn)
        and not any(is_of(name, one["person_id"], one["name"]) for one in targeted)
    ]  # fmt: skip
    missing = [one for one in drawn if not any(is_of(name, one.person, one.name) for name in chosen)]
    return len(strangers) + len(missing)
