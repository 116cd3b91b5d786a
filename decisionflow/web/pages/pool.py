"""专家库: who is in it, for what, with which ties and integrity record; the office keeps it, others look (art. 21)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from decisionflow.errors import BadInput, NotFound, Problem, Settled
from decisionflow.service import pool
from decisionflow.service.pool import Given
from decisionflow.service.reads import experts as reads
from decisionflow.web import doors

router = APIRouter(include_in_schema=False)
FIELDS = tuple(Given.__dataclass_fields__)
EMPTY = dict.fromkeys((*FIELDS, "on", "note", "left_on", "reason"), "")


@router.get("/experts")
def listing(visit: doors.StaffVisit, field: str = "", q: str = "") -> HTMLResponse:
    return _listing(visit, field[:40], q[:60])


def _listing(
    visit: doors.Staff, field: str = "", q: str = "", given: dict[str, str] | None = None, problems: Sequence[Problem] = (),
    status: int = 200,
) -> HTMLResponse:  # fmt: skip
    with visit.site.store.read() as connection:
        found = reads.pool_of(connection, visit.authority, visit.actor, field, q, visit.now)
    return visit.page("pool", status, found=found, field=field, q=q, given=EMPTY | (given or {}),
                 errors={one.place: one.say for one in problems}, titles=pool.TITLES, limits=pool.LIMITS)  # fmt: skip


@router.post("/experts")
def enter(visit: doors.StaffVisit, form: doors.Posted) -> Response:
    """Take an expert into the pool."""
    doors.token(visit, form)
    given = {name: str(form.get(name, "")) for name in FIELDS}
    row = pool.Row(0, Given(**given))
    try:
        visit.site.store.write(lambda tx: pool.enter(tx, visit.authority, visit.actor, [row], visit.now))
    except BadInput as fault:
        return _listing(visit, given=given, problems=fault.problems, status=fault.status)
    return doors.go("/experts")


@router.get("/experts/{n}")
def member(visit: doors.StaffVisit, n: int) -> HTMLResponse:
    return _member(visit, n)


def _member(
    visit: doors.Staff, n: int, given: dict[str, str] | None = None, problems: Sequence[Problem] = (), status: int = 200
) -> HTMLResponse:  # fmt: skip
    with visit.site.store.read() as connection:
        found = reads.pool_of(connection, visit.authority, visit.actor, "", "", visit.now)
    shown = next((row for row in found.rows if row.member.n == n), None)
    if shown is None:
        raise NotFound(f"no expert {n}", say=f"专家库里没有 {n} 号")
    one = shown.member
    held = asdict(Given(
        one.name, "、".join(one.specialities), one.unit, one.title, "、".join(one.former_units), "、".join(one.partners),
        shown.relatives, one.absent_until.isoformat() if one.absent_until else "",
    ))  # fmt: skip
    return visit.page("pool_member", status, shown=shown, keeps=found.keeps, given=EMPTY | held | (given or {}),
                 errors={one.place: one.say for one in problems}, titles=pool.TITLES, limits=pool.LIMITS)  # fmt: skip


@router.post("/experts/{n}")
def change(visit: doors.StaffVisit, n: int, form: doors.Posted) -> Response:
    """Say anew what is known of an expert; what stood before stays in the register."""
    given = {name: str(form.get(name, "")) for name in FIELDS}
    return _deed(visit, n, form, given,
                 lambda tx: pool.change(tx, visit.authority, visit.actor, n, Given(**given), visit.now))  # fmt: skip


@router.post("/experts/{n}/notes")
def note(visit: doors.StaffVisit, n: int, form: doors.Posted) -> Response:
    """Add to the integrity record."""
    given = {name: str(form.get(name, "")) for name in ("on", "note")}
    return _deed(visit, n, form, given, lambda tx: pool.note(
        tx, visit.authority, visit.actor, n, given["on"], given["note"], visit.now))  # fmt: skip


@router.post("/experts/{n}/leave")
def leave(visit: doors.StaffVisit, n: int, form: doors.Posted) -> Response:
    """Somebody leaves the pool, for a reason."""
    given = {name: str(form.get(name, "")) for name in ("left_on", "reason")}
    return _deed(visit, n, form, given, lambda tx: pool.leave(
        tx, visit.authority, visit.actor, n, given["left_on"], given["reason"], visit.now), on="left_on")  # fmt: skip


def _deed(
    visit: doors.Staff, n: int, form: doors.Posted, given: dict[str, str], deed: Callable[[doors.Tx], str], on: str = "on"
) -> Response:  # fmt: skip
    doors.token(visit, form)
    try:
        visit.site.store.write(deed)
    except BadInput as fault:
        here = [Problem(on if one.place == "on" else one.place, one.say, rule=one.rule) for one in fault.problems]
        return _member(visit, n, given, here, fault.status)
    except Settled as fault:
        return _member(visit, n, given, [Problem("", fault.say, rule=fault.code)], fault.status)
    return doors.go(f"/experts/{n}")
