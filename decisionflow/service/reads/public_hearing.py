"""P7 听证会: what everybody may know of a hearing, from its notice to its report, and of one's own application.

Names are covered, numbers and sides are not. The frozen list, the seed and the result of a draw are public, so that
anybody can draw again. An application is shown to whoever holds its receipt and code, and to nobody else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, select, text

from decisionflow.core import calendar as days
from decisionflow.core import procedure as law
from decisionflow.core import texts
from decisionflow.core.facts import Act, Facts, legal_date
from decisionflow.errors import NotFound
from decisionflow.service import authorities, hearings, receipts, sealing, signups, steps
from decisionflow.service.authorities import Authority
from decisionflow.service.reads import hearing as desk
from decisionflow.service.reads import masks, public, public_notice
from decisionflow.store.blobs import Blobs
from decisionflow.store.tables.hearings import Hearing

_H = Hearing.__table__  # type: ignore[attr-defined]
# What the page says in places of its own.
PLACED = {"held_on", "held_at", "seats", "total", "conditions", "selection_method", "draw_source", "signup_until"}


@dataclass(frozen=True, slots=True)
class Seat:
    """One side: its seats, how they are filled, and how many signed up for it."""

    name: str
    count: int
    how: str
    open: bool
    received: int


@dataclass(frozen=True, slots=True)
class Notice:
    """A hearing as everybody sees it. `signing` is open, or why nobody can sign up: over, listed, cancelled, none."""

    authority: str
    no: str
    id: str
    title: str
    unit: str
    published_on: date
    held_on: date
    held_at: str
    signup_until: date | None
    stage: str
    signing: str
    gone: str
    seats: tuple[Seat, ...]
    total: int
    conditions: str
    selection_method: str
    draw_source: str
    said: tuple[public.Said, ...]
    document: texts.Document | None
    papers: tuple[public.Shown, ...]
    lots: tuple[desk.Lot, ...]
    stories: tuple[public.Story, ...]
    entry: str
    sha256: str

    @property
    def takes(self) -> bool:
        """Whether anybody may sign up now."""
        return self.signing == "open"

    @property
    def open_sides(self) -> dict[str, str]:
        """The sides that people sign up for."""
        return {one.name: one.name for one in self.seats if one.open}

    @property
    def until(self) -> str:
        """How long people may sign up."""
        return (
            f"{days.say_day(self.signup_until)}24时截止"
            if self.signup_until
            else "公告没有写明截止日期，名单公布前都可以报名"
        )


def notice(connection: Connection, blobs: Blobs, no: str, now: datetime) -> Notice:
    """The newest hearing of a public case. Raises NotFound."""
    authority, standing = public.visible(connection, no)
    procedure, facts = standing.procedure, standing.facts
    row = hearings.of_case(connection, authority.id, facts.case)
    opened = _opening(procedure, facts, row) if row else None
    if row is None or opened is None:
        raise NotFound(f"no hearing of {no}", say="没有这个听证会公告")
    action, act = opened
    later = [(a, one) for a, one in public.public_acts(procedure, facts)
             if one.recorded > act.recorded and a.track == action.track]  # fmt: skip
    tell = public.teller(connection, blobs, authority, [act, *(one for _, one in later)])
    shown = public.papers(procedure, facts)
    known = public.hashes(connection, authority, [act.entry, *(one.entry for _, one in later)])
    said, everybody = hearings.notice(row), hearings.signups(connection, row)
    mine = {one.entry for _, one in later} | {act.entry}
    return Notice(
        authority.name, no, row["id"], row["title"], act.party.unit_name, act.on, row["held_on"], said["held_at"],
        row["signup_until"], procedure.tracks[action.track].stages[facts.stages[action.track]],
        hearings.signup_state(row, legal_date(now)), row["reason"], _seats(row, everybody), said.get("total", 0),
        tell.long(said.get("conditions", "")), tell.long(said.get("selection_method", "")), said.get("draw_source", ""),
        tuple(tell.fields(action.fields, act.fields, PLACED)), public_notice.document_of(blobs, row["text_digest"]),
        tuple(one for one in shown if one.act in mine), desk.shown_lots(connection, blobs, row, everybody),
        tuple(public.story(tell, one, a, shown, known) for a, one in later), act.entry, known.get(act.entry, ""),
    )  # fmt: skip


_MARK = text("""
    select h.id, h.seq - h.signups as told from hearing h join authority a on a.id = h.authority_id where h.no = :no
    order by h.id desc
""")


def mark(connection: Connection, no: str) -> tuple[str, int] | None:
    """What changes whenever anything but the number of sign-ups does: lists, draws, days."""
    row = connection.execute(_MARK, {"no": no}).first()
    return (row.id, row.told) if row else None


def _opening(procedure: law.Procedure, facts: Facts, row: Mapping[str, Any]) -> tuple[law.Action, Act] | None:
    """The act that announced a hearing: recorded at the same instant."""
    return next(
        ((action, act) for action, act in public.public_acts(procedure, facts)
         if action.hearing == "announce" and act.recorded == row["announced_at"]),
        None,
    )  # fmt: skip


def _seats(row: Mapping[str, Any], everybody: Sequence[Mapping[str, Any]]) -> tuple[Seat, ...]:
    return tuple(
        Seat(one.name, one.count, desk.HOW[one.how] if one.how else "", one.open,
             sum(each["side"] == one.name for each in everybody))
        for one in hearings.sides(row)
    )  # fmt: skip


def lot(found: Notice, n: int) -> desk.Lot:
    """One draw of a hearing by its number. Raises NotFound."""
    chosen = next((one for one in found.lots if one.n == n), None)
    if chosen is None:
        raise NotFound(f"no draw {n} of {found.no}", say="没有这次抽取的记录")
    return chosen


# ---- one's own application -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """An application, shown to whoever holds its receipt and code."""

    authority: str
    no: str
    title: str
    receipt: str
    n: int
    received_at: datetime
    side: str
    name: str
    contact: str
    unit: str
    words: str
    state: str
    say: str
    good: bool
    held: str
    href: str
    sha256: str
    code: str


def answer(connection: Connection, blobs: Blobs, receipt: str, code: str, now: datetime) -> Answer | None:
    """What became of an application; None alike when the number is unknown and when the code is wrong."""
    number = receipts.typed(receipt)
    known = [one for one in authorities.everyone(connection) if number.startswith(f"{one.prefix}-".upper())]
    found = [(one, signups.lookup(connection, one.id, receipt, code)) for one in known]
    if not known:
        signups.lookup(connection, "", receipt, code)
    authority, row = next(((one, row) for one, row in found if row), (None, None))
    return _answer(connection, blobs, authority, row, now) if authority and row else None


def _answer(connection: Connection, blobs: Blobs, authority: Authority, row: dict[str, Any], now: datetime) -> Answer:
    this = (_H.c.authority_id == authority.id) & (_H.c.id == row["hearing_id"])
    hearing = dict(connection.execute(select(_H).where(this)).mappings().one())
    vault = desk.opened(connection, authority, [row])
    said = {name: vault.get(row[name], "") for name in ("name", "contact", "unit", "words")}
    lots = desk.shown_lots(connection, blobs, hearing, hearings.signups(connection, hearing))
    listed = _listed(steps.load(connection, authority, hearing["no"])) if hearing["state"] == "listed" else frozenset()
    state, say, good = _standing(hearing, row, lots, listed)
    try:
        shown: Notice | None = notice(connection, blobs, hearing["no"], now)
    except NotFound:  # no longer public: the application is still the citizen's
        shown = None
    seal = sealing.receipt(connection, authority.id, row["entry_id"]) if sealing.is_sealed(
        connection, authority.id, row["entry_id"]) else None  # fmt: skip
    return Answer(
        authority.name, hearing["no"], hearing["title"], row["receipt"], row["n"], row["received_at"], row["side"],
        masks.name(said["name"]), masks.contact(said["contact"]) if said["contact"] else "", said["unit"], said["words"],
        state, say, good, f"{days.say_day(hearing['held_on'])}　{hearings.notice(hearing)['held_at']}",
        f"/public/h/{hearing['no']}" if shown else "",
        public.hashes(connection, authority, [row["entry_id"]])[row["entry_id"]],
        sealing.short_code(authority.origin, seal.seal) if seal else "",
    )  # fmt: skip


def _listed(standing: steps.Standing) -> frozenset[str]:
    """The numbers on the published list of participants."""
    action = hearings.act_of(standing.procedure, "list")
    act = standing.facts.last((action.id,)) if action else None
    return frozenset(str(row.get("no")) for row in hearings.rows(act.fields.get("participants") if act else None))


def _standing(
    hearing: Mapping[str, Any], row: Mapping[str, Any], lots: Sequence[desk.Lot], listed: frozenset[str]
) -> tuple[str, str, bool]:  # fmt: skip
    """Where an application stands, what that means, and whether it is good news."""
    if hearing["state"] == "cancelled":
        return "听证会已取消", f"{hearing['reason']}。您的报名仍然保存在本事项的案卷里。", False
    if row["state"] == "refused":
        return "不符合报名条件", f"理由：{row['reason']}。有异议的，请与承办单位联系。", False
    if row["state"] == "gone":
        return "已登记退出", f"{row['reason']}。", False
    if row["state"] == "waiting":
        again = f"（{row['reason']}）" if row["reason"] else ""
        return "已收到，待审核", f"审核以后，凭回执号和查询码可以看到结果{again}。", False
    if hearing["state"] == "listed":
        if str(row["n"]) in listed:
            return "已列入参加人名单", "请留意材料的送达：会前会把材料送到您手里。", True
        return "没有列入参加人名单", "名单和遴选经过见听证会公告页；可以申请旁听。", False
    newest = lots[0] if lots and lots[0].state == "drawn" else None
    places = {one["no"]: one["place"] for one in newest.rows} if newest else {}
    place = places.get(str(row["n"]), "")
    if place.startswith("抽中") or place.endswith("已递补"):
        return f"符合条件，{place}", "参加人名单将在会前公布，材料会送到您手里。", True
    if place:
        return f"符合条件，{place}", "前面的人退出时，按候补的次序递补。", False
    return "符合条件", "参加人名单确定以后，在听证会公告页公布。", True
