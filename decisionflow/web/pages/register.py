"""M1 机构·岗位·人员: the register as it stood on a day, what may be written into it, and hand-overs signed by both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response
from starlette.datastructures import FormData

from decisionflow.core.facts import SHANGHAI, legal_date
from decisionflow.core.procedure import FieldSpec
from decisionflow.errors import BadInput, NotFound, Problem
from decisionflow.service import permissions, registering
from decisionflow.service import register as book
from decisionflow.service.reads import register as reads
from decisionflow.web import doors
from decisionflow.web.forms import Choice, FormField

router = APIRouter(include_in_schema=False)
WIDEST = 500  # persons beyond that are named by what is typed, not chosen from a list
TYPES = {"long": "longtext"}


@router.get("/register")
def register(visit: doors.StaffVisit, on: str = "", known: str = "", q: str = "") -> HTMLResponse:
    """Who held which post on a day, as it was known on another; both are today unless they are asked for."""
    today = legal_date(visit.now)
    day, by = _day(on, today), _day(known, today)
    with visit.site.store.read() as connection:
        if not registering.may_look(connection, visit.authority, visit.actor):
            raise NotFound("may not look into the register", say="没有这个页面")
        until = datetime.combine(by, time.max, SHANGHAI) if by != today else None
        found = reads.bodies(connection, visit.authority, day, until, q[:60])
        titles = registering.duties(connection, visit.authority)
    return visit.page(
        "register", found=found, on=day, known=by, q=q[:60], titles=titles, now_itself=day == today == by,
        keeps=permissions.may_keep_register(visit.actor), own=visit.actor.appointment,
    )  # fmt: skip


def _day(words: str, today: date) -> date:
    """A day as typed in an address; today for none, and for what is no day."""
    try:
        return date.fromisoformat(words) if words else today
    except ValueError:
        return today


# ---- hand-overs --------------------------------------------------------------------------------------------


@router.get("/register/handovers/{handover}")
def handover(visit: doors.StaffVisit, handover: str) -> HTMLResponse:
    with visit.site.store.read() as connection:
        everyone = permissions.may_keep_register(visit.actor)
        found = reads.handover(connection, visit.authority, visit.actor, handover, all_of_them=everyone)
    return visit.page("register_handover", found=found, signs=found.waits_for(visit.actor.person))


@router.post("/register/handovers/{handover}")
def sign(visit: doors.StaffVisit, form: doors.Posted, handover: str) -> Response:
    doors.token(visit, form)
    visit.site.store.write(lambda tx: registering.sign(tx, visit.authority, visit.actor, handover, visit.now))
    return doors.go(f"/register/handovers/{handover}")


# ---- deeds -------------------------------------------------------------------------------------------------


@router.get("/register/{deed}")
def deed_form(visit: doors.StaffVisit, deed: str, of: str = "") -> HTMLResponse:
    return _form(visit, deed, of[:60], {}, ())


@router.post("/register/{deed}")
def deed(visit: doors.StaffVisit, form: doors.Posted, deed: str) -> Response:
    """Write a deed into the register; what was typed stays on the page when it cannot be."""
    doors.token(visit, form)
    of, typed = str(form.get("of", ""))[:60], _typed(form)
    try:
        made = visit.site.store.write(
            lambda tx: registering.do(tx, visit.authority, visit.actor, deed, of, typed, visit.now)
        )
    except BadInput as fault:
        return _form(visit, deed, of, typed, fault.problems, fault.status)
    return doors.go(f"/register/handovers/{made}" if deed == "handover" else "/register?notice=已登记")


def _typed(form: FormData) -> dict[str, object]:
    names = {name for name in form if name not in ("csrf", "key", "of")}
    return {
        name: [str(one) for one in form.getlist(name)] if name == "duties" else str(form.get(name, ""))[:5000]
        for name in names
    }


def _form(
    visit: doors.Staff, deed: str, of: str, typed: Mapping[str, object], problems: Sequence[Problem], status: int = 200
) -> HTMLResponse:  # fmt: skip
    if not registering.may(visit.actor, deed, of):
        raise NotFound(f"may not {deed}", say="没有这个页面")
    with visit.site.store.read() as connection:
        asked = registering.form(connection, visit.authority, deed)
        about = reads.about(connection, visit.authority, asked.about, of) if asked.about else ""
        people = tuple(Choice(one["id"], _person(one)) for one in book.everybody(connection, WIDEST))
        units = tuple(
            Choice(one.id, one.name) for one in reads.bodies(connection, visit.authority, legal_date(visit.now))
        )
    errors = {one.place: one.say for one in problems}
    chosen = {"person": people if len(people) < WIDEST else (), "unit": units}
    fields = [_field(one, typed.get(one.id, ""), errors.get(one.id, ""), chosen) for one in asked.fields]
    return visit.page(
        "register_form", status, deed=deed, of=of, asked=asked, about=about, fields=fields,
        errors=[{"id": one.place, "text": one.say} for one in problems],
    )  # fmt: skip


def _field(spec: FieldSpec, value: object, error: str, chosen: Mapping[str, tuple[Choice, ...]]) -> FormField:
    choices = tuple(Choice(key, title) for key, title in spec.choices.items()) or chosen.get(spec.type, ())
    return FormField(
        spec.id, spec.title, TYPES.get(spec.type, spec.type), spec.required, spec.help, choices, value, error,
        max_length=spec.max_length,
    )  # fmt: skip


def _person(one: Mapping[str, str]) -> str:
    return f"{one['name']}（{one['note']}）" if one["note"] else one["name"]
