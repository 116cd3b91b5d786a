"""Public hearings (arts. 16, 17): a chain of their own, so that a burst of sign-ups never locks the case.

Announcing one opens it, publishing the list of participants commits its head into the case; what the acts of the
procedure are to it stands in their `hearing`. A list is held against the draw that was run for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import Connection, select

from decisionflow.core import draw as draws
from decisionflow.core import procedure as law
from decisionflow.core.facts import Facts, Timing, Value
from decisionflow.errors import BadInput, NotFound, Problem
from decisionflow.service import entries, projections
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority
from decisionflow.store.blobs import Blobs
from decisionflow.store.engine import Tx
from decisionflow.store.records import Record
from decisionflow.store.tables.hearings import Hearing, Lot, Signup

_H = Hearing.__table__  # type: ignore[attr-defined]
_S = Signup.__table__  # type: ignore[attr-defined]
_L = Lot.__table__  # type: ignore[attr-defined]
KIND = "meeting"  # of its chain
STATES = {"waiting": "待审核", "accepted": "符合条件", "refused": "不符合条件", "gone": "本人退出"}


class Closed(BadInput):
    """The hearing takes no sign-ups (any more, or not yet)."""

    code = "signup-closed"
    status = 409


@dataclass(frozen=True, slots=True)
class Side:
    """One side and its seats; `how` they are filled, '' when the notice does not say."""

    name: str
    count: int
    how: str

    @property
    def open(self) -> bool:
        """Whether people sign up for it: who is recommended or invited does not."""
        return self.how in ("", "draw", "chosen")


# ---- what a step brings along ------------------------------------------------------------------------------


def effect(
    tx: Tx, authority: Authority, actor: Actor, action: law.Action, facts: Facts, draft: entries.Draft,
    timing: Timing, procedure: law.Procedure,
) -> list[Record]:  # fmt: skip
    """The hearing entries that a step brings along; the step's body names the chain.

    A hearing does not outlive what it is about: when its track is begun again, or the case ends, the
    same step cancels it.
    """
    if action.hearing == "announce":
        return [_announced(tx, authority, actor, facts, draft, timing, procedure)]
    over = procedure.is_ended(draft.body["stages"]) or bool(lines(procedure) & set(draft.body.get("resets", ())))
    if action.hearing not in ("move", "list") and not over:
        return []
    row = of_case(tx.connection, authority.id, facts.case)
    if row is None or row["state"] == "cancelled" or (row["state"] == "listed" and _finished(procedure, facts)):
        return []
    if tx.alone(row["id"]):
        row = of_case(tx.connection, authority.id, facts.case) or row
    said = draft.body["fields"]
    at = entries.head(tx.connection, authority.id, KIND, row["id"])
    draft.body["hearing"] = {"id": row["id"], "seq": at.seq, "head": at.sha256}
    if over:
        ended = f"本事项{action.title}，听证会不再举行" if procedure.is_ended(draft.body["stages"]) else action.title
        told = entries.Draft(
            "hearing.cancelled", {"case": facts.case, "act": action.id, "reason": _reason(action, said, ended)}
        )
    elif action.hearing == "move":
        told = entries.Draft("hearing.moved", {"case": facts.case, "notice": _moved(said)})
    else:
        told = entries.Draft("hearing.listed", {"case": facts.case, "signups": row["signups"]})
    composed = entries.compose(told, at, actor, timing, clock=authority.clock)
    return [Record(composed.append, (*composed.rows, *projections.hearing_rows(tx.connection, row, composed.record)))]


def _announced(
    tx: Tx, authority: Authority, actor: Actor, facts: Facts, draft: entries.Draft, timing: Timing,
    procedure: law.Procedure,
) -> Record:  # fmt: skip
    hearing = entries.new_id(timing.now)
    body: dict[str, Any] = {
        "case": facts.case, "no": facts.no, "title": facts.title, "notice": draft.body["fields"],
        "papers": draft.body["papers"], "procedure": procedure.digest,
    }  # fmt: skip
    if "text" in draft.body:
        body["text"] = draft.body["text"]
    at = entries.Head(authority.id, KIND, hearing)
    composed = entries.compose(entries.Draft("hearing.announced", body), at, actor, timing, clock=authority.clock)
    draft.body["hearing"] = {"id": hearing}
    return Record(composed.append, (*composed.rows, *projections.hearing_rows(tx.connection, None, composed.record)))


def _moved(said: Mapping[str, Any]) -> dict[str, Any]:
    return {name: said[name] for name in ("held_on", "held_at", "signup_until") if name in said}


def _reason(action: law.Action, said: Mapping[str, Any], otherwise: str) -> str:
    """The reason that the act gives, as far as it is public; a long one by its first words."""
    given = said.get("reason")
    if not action.public or not given:
        return otherwise
    return str(given["excerpt"]) + "……" if isinstance(given, Mapping) else str(given)


@lru_cache(maxsize=256)
def lines(procedure: law.Procedure) -> frozenset[str]:
    """The tracks on which a hearing is announced."""
    return frozenset(action.track for action in procedure.actions if action.hearing == "announce")


def _finished(procedure: law.Procedure, facts: Facts) -> bool:
    """Whether the hearing is over and reported on: the end of the case no longer touches it."""
    return all(facts.stages[name] in procedure.tracks[name].done for name in lines(procedure))


def act_of(procedure: law.Procedure, role: str) -> law.Action | None:
    """The action that is this to a hearing; None when the procedure has none."""
    return next((action for action in procedure.actions if action.hearing == role), None)


# ---- looking at one ------------------------------------------------------------------------------------------


def of_case(connection: Connection, authority: str, case: str) -> dict[str, Any] | None:
    """The newest hearing of a case."""
    wanted = (_H.c.authority_id == authority) & (_H.c.case_id == case)
    row = connection.execute(select(_H).where(wanted).order_by(_H.c.id.desc())).mappings().first()
    return dict(row) if row else None


def by_no(connection: Connection, authority: str, no: str) -> dict[str, Any]:
    """The newest hearing of a case by its number. Raises NotFound."""
    wanted = (_H.c.authority_id == authority) & (_H.c.no == no)
    row = connection.execute(select(_H).where(wanted).order_by(_H.c.id.desc())).mappings().first()
    if row is None:
        raise NotFound(f"no hearing for {no!r}", say="没有这个听证会公告")
    return dict(row)


def notice(row: Mapping[str, Any]) -> dict[str, Any]:
    """The notice's fields as they stand now."""
    found: dict[str, Any] = orjson.loads(row["notice"])
    return found


def sides(row: Mapping[str, Any]) -> tuple[Side, ...]:
    """The sides of a hearing with their seats, in the order of the notice."""
    said = notice(row)
    return tuple(Side(one["side"], one["count"], one.get("how", "")) for one in said["seats"])


def drawn_sides(row: Mapping[str, Any]) -> tuple[Side, ...]:
    """The sides whose seats are drawn: said to be, or left open where the notice names a source of chance."""
    source = notice(row).get("draw_source")
    return tuple(one for one in sides(row) if one.how == "draw" or (not one.how and source))


def signup_state(row: Mapping[str, Any], today: date) -> str:
    """``open``; or why not: cancelled, listed, over (the last day has passed), none (no side takes sign-ups)."""
    if row["state"] != "open":
        return str(row["state"])
    if not any(one.open for one in sides(row)):
        return "none"
    last: date | None = row["signup_until"]
    return "over" if (last is not None and today > last) or today >= row["held_on"] else "open"


def signups(connection: Connection, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Everybody who signed up, by number."""
    wanted = (_S.c.authority_id == row["authority_id"]) & (_S.c.hearing_id == row["id"])
    return [dict(one) for one in connection.execute(select(_S).where(wanted).order_by(_S.c.n)).mappings()]


def lots(connection: Connection, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The draws of a hearing, the newest first."""
    wanted = (_L.c.authority_id == row["authority_id"]) & (_L.c.hearing_id == row["id"])
    return [dict(one) for one in connection.execute(select(_L).where(wanted).order_by(_L.c.n.desc())).mappings()]


def record_of(blobs: Blobs, lot: Mapping[str, Any]) -> draws.Draw:
    """The record of a draw: with its result when it was run, else the frozen list."""
    digest = lot["drawn"] or lot["frozen"]
    return draws.read(blobs.get(digest).decode(), f"{digest[:8]}.json")


def chosen(record: draws.Draw, gone: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Who sits for each side by the draw: those drawn; for those who withdrew, the next in reserve, in order."""
    out = set(gone)
    found = {}
    for side, drawn in record.drawn.items():
        order = [one for one in (*drawn, *record.reserve.get(side, ())) if one not in out]
        found[side] = tuple(order[: len(drawn)])
    return found


# ---- a list held against the draw ------------------------------------------------------------------------


def listed(
    connection: Connection, blobs: Blobs, authority: Authority, facts: Facts, action: law.Action, values: dict[str, Value]
) -> dict[str, Value]:  # fmt: skip
    """The values of a list of participants with what the draw says of it; those of any other act unchanged.

    Raises BadInput when a number stands there twice: papers, presence and signatures go by it.
    """
    if action.hearing != "list":
        return values
    given = rows(values.get("participants"))
    problems = [
        Problem("participants", f"编号“{no}”出现了 {times} 次，送达、到会、签字都按编号核对，请改正", rule="doubled")
        for no, times in Counter(str(row.get("no", "")) for row in given).items()
        if times > 1
    ]
    if problems:
        raise BadInput(problems)
    row = of_case(connection, authority.id, facts.case)
    undrawn, unproved = _against(connection, blobs, row, given) if row else (0, 0)
    counted = {"undrawn": undrawn, "unproved": unproved}
    return {**values, **{spec.id: counted[spec.computed] for spec in action.fields if spec.computed in counted}}


def _against(
    connection: Connection, blobs: Blobs, row: Mapping[str, Any], given: Iterable[Mapping[str, Any]]
) -> tuple[int, int]:  # fmt: skip
    """How many rows are at odds with the newest draw; how many are said to be drawn though there was none."""
    said = {(str(one.get("side")), str(one.get("no"))) for one in given if one.get("how") == "draw"}
    found = [one for one in lots(connection, row) if one["state"] != "void"]
    if not found:
        return 0, len(said) if notice(row).get("draw_source") else 0
    if found[0]["state"] != "drawn":
        return len(said), 0
    gone = [str(one["n"]) for one in signups(connection, row) if one["state"] == "gone"]
    due = {(side, no) for side, numbers in chosen(record_of(blobs, found[0]), gone).items() for no in numbers}
    return len(said ^ due), 0


def rows(value: object) -> list[Mapping[str, Any]]:
    """The rows of a field; none when there are none."""
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
