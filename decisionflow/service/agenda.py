"""Keeping a meeting: calling it, its agenda, delivering the papers by version, locking, reading out, filing the minutes.

Putting a matter on the agenda and taking it off are the acts of the matter, judged by its gates: what a gate refuses is
on no agenda. The order is a draft until the agenda is locked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

import orjson
from sqlalchemy import Connection, delete

from decisionflow.core import fields as forms
from decisionflow.errors import BadInput, Forbidden, NotFound, Problem, Settled
from decisionflow.service import entries, meetings, permissions, projections, sittings, steps
from decisionflow.service.actors import Actor, everybody
from decisionflow.service.authorities import Authority
from decisionflow.service.meetings import Item
from decisionflow.store.engine import Tx
from decisionflow.store.records import Rows
from decisionflow.store.tables.meetings import AgendaPlace

_P = AgendaPlace.__table__  # type: ignore[attr-defined]
LENGTHS = {"no": 40, "place": 100, "chair": 60}
TITLES = {
    "type": "会议类型",
    "no": "会议届次",
    "planned_on": "日期",
    "starts": "时间",
    "place": "地点",
    "chair": "主持人",
}
WORDS = 2000
RECEIVES = ("chief", "deputy", "member", "attendee")  # duties to whom papers of a meeting go


@dataclass(frozen=True, slots=True)
class Call:
    """What is said of a meeting when it is called."""

    type: str = "standing"
    no: str = ""
    planned_on: str = ""
    starts: str = ""
    place: str = ""
    chair: str = ""

    @property
    def body(self) -> dict[str, str]:
        return {one.name: getattr(self, one.name) for one in fields(self)}


def keeps(actor: Actor) -> None:
    """Raise Forbidden unless the actor keeps meetings."""
    if not permissions.may_keep_meetings(actor):
        raise Forbidden("may not keep meetings", say="只有政府办公室和会议秘书可以编排会议")


# ---- calling -------------------------------------------------------------------------------------------------


def call(tx: Tx, authority: Authority, actor: Actor, given: Call, now: datetime) -> str:
    """Call a meeting; its id. Raises BadInput, Forbidden, Settled."""
    keeps(actor)
    said = checked(given)
    tx.alone(f"meetings:{authority.id}")
    for row in meetings.every(tx.connection, authority.id):
        same = (row["type"], row["no"]) == (said.type, said.no) and row["state"] != "cancelled"
        if same and row["planned_on"].year == date.fromisoformat(said.planned_on).year:
            raise Settled(f"{said.no} is called", say=f"{meetings.title(row)}已经建立（{row['planned_on']}）")
    meeting = projections.MEETING + entries.new_id(now)
    meetings.write(tx, authority, actor, meeting, None, entries.Draft("meeting.called", said.body), now)
    return meeting


def change(
    tx: Tx, authority: Authority, actor: Actor, meeting: str, given: Call, reason: str, now: datetime
) -> str:  # fmt: skip
    """Say another day, place or chair of a meeting; the entry's id. Raises BadInput, Forbidden, Settled, NotFound."""
    row = _open(tx, authority, actor, meeting)
    said = checked(Call(**{**given.body, "type": row["type"], "no": row["no"]}))
    body = {**said.body, "reason": _clean("reason", reason, "变更的理由")}
    return meetings.write(tx, authority, actor, meeting, row, entries.Draft("meeting.changed", body), now)


def cancel(tx: Tx, authority: Authority, actor: Actor, meeting: str, reason: str, now: datetime) -> str:
    """Cancel a meeting with nothing on its agenda; the entry's id. Raises BadInput, Forbidden, Settled, NotFound."""
    row = _open(tx, authority, actor, meeting)
    words = _clean("reason", reason, "取消的理由")
    if meetings.items(tx.connection, authority, row):
        raise Settled("matters on the agenda", say="议程上还有议题，请先逐项移出，再取消会议")
    return meetings.write(
        tx, authority, actor, meeting, row, entries.Draft("meeting.cancelled", {"reason": words}), now
    )


def checked(given: Call) -> Call:
    """What is said of a meeting, as it may be kept. Raises BadInput with every problem."""
    clean, problems = {}, []
    for name, value in given.body.items():
        try:
            clean[name] = forms.clean(value)
        except ValueError as fault:
            problems.append(Problem(name, f"“{TITLES[name]}”{fault}", rule="text"))
            continue
        if not clean[name]:
            problems.append(Problem(name, f"请填写{TITLES[name]}", rule="required"))
        elif len(clean[name]) > LENGTHS.get(name, 20):
            problems.append(Problem(name, f"{TITLES[name]}最多{LENGTHS.get(name, 20)}字", rule="text"))
    if clean.get("type") and clean["type"] not in meetings.TYPES:
        problems.append(Problem("type", f"会议类型只能是：{'、'.join(meetings.TYPES.values())}", rule="choice"))
    if clean.get("planned_on") and not _is_day(clean["planned_on"]):
        problems.append(Problem("planned_on", "日期应写作 2026-12-02", rule="date"))
    if clean.get("starts") and not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", clean["starts"]):
        problems.append(Problem("starts", "时间应写作 09:00", rule="time"))
    if problems:
        raise BadInput(problems)
    return Call(**clean)


def _is_day(words: str) -> bool:
    try:
        date.fromisoformat(words)
    except ValueError:
        return False
    return len(words) == 10


def _clean(place: str, words: str, name: str, most: int = WORDS) -> str:
    """Words that must be there. Raises BadInput."""
    try:
        clean = forms.clean(words, lines=True)
    except ValueError as fault:
        raise BadInput([Problem(place, f"“{name}”{fault}", rule="text")]) from fault
    if not clean or len(clean) > most:
        raise BadInput([Problem(place, f"请写明{name}" if not clean else f"{name}最多{most}字", rule="required")])
    return clean


def _kept(tx: Tx, authority: Authority, actor: Actor, meeting: str) -> dict[str, Any]:
    keeps(actor)
    return meetings.alone(tx, authority, meeting)


def _open(tx: Tx, authority: Authority, actor: Actor, meeting: str) -> dict[str, Any]:
    row = _kept(tx, authority, actor, meeting)
    if row["state"] in ("cancelled", "filed"):
        raise Settled("the meeting is over", say=f"{meetings.title(row)}{meetings.STATES[row['state']]}，不能再改")
    return row


# ---- the agenda ----------------------------------------------------------------------------------------------


def add(
    tx: Tx, authority: Authority, actor: Actor, meeting: str, no: str, reason: str, key: str, now: datetime, units: str = ""
) -> steps.Done | steps.Held:  # fmt: skip
    """Put a submitted matter on the agenda: the ordinary act of the matter. Raises what `take_step` raises, Settled.

    `units` are those that attend, in one line.
    """
    row = _open(tx, authority, actor, meeting)
    standing = steps.load(tx.connection, authority, no)
    action = sittings.act_of(standing.procedure, "schedule")
    if action is None:
        raise NotFound(f"{no} goes to no meeting", say="这类事项不提请集体讨论")
    raw: dict[str, Any] = {
        "meeting_type": row["type"], "meeting_no": row["no"], "planned_on": row["planned_on"].isoformat(), "meeting": meeting,
        "urgent_reason": reason.strip(), "attendees": [{"unit": one} for one in re.split(r"[、，,；;\s]+", units) if one],
    }  # fmt: skip
    given = {name: words for name, words in raw.items() if words and action.field(name)}
    return steps.take_step(tx, authority, actor, steps.Ask(action.id, key, no, given), now)


def remove(
    tx: Tx, authority: Authority, actor: Actor, meeting: str, no: str, reason: str, key: str, now: datetime
) -> steps.Done | steps.Held:  # fmt: skip
    """Take a matter off the agenda again, with the reason: the ordinary act of the matter."""
    row = _open(tx, authority, actor, meeting)
    item = item_of(tx.connection, authority, row, no)
    action = sittings.act_of(item.procedure, "unschedule")
    if action is None:
        raise NotFound(f"{no} cannot be taken off", say="这个事项不能移出议程")
    words = _clean("reason", reason, "移出的理由")
    return steps.take_step(tx, authority, actor, steps.Ask(action.id, key, no, {"reason": words}), now)


def item_of(connection: Connection, authority: Authority, row: Mapping[str, Any], no: str) -> Item:
    """The matter of that number on an agenda. Raises NotFound."""
    found = next((one for one in meetings.items(connection, authority, row) if one.facts.no == no), None)
    if found is None:
        raise NotFound(f"{no} is not on the agenda", say=f"事项“{no}”不在{meetings.title(row)}的议程上")
    return found


def move(tx: Tx, authority: Authority, actor: Actor, meeting: str, no: str, by: int, now: datetime) -> None:
    """Move a matter up (-1) or down (1) on an agenda that is not locked. Raises Forbidden, NotFound, Settled."""
    row = _open(tx, authority, actor, meeting)
    if row["state"] != "open":
        raise Settled("the agenda is locked", say="议程已经锁定，顺序不能再改")
    found = meetings.items(tx.connection, authority, row)
    order = [one.facts.case for one in found]
    at = item_of(tx.connection, authority, row, no).n - 1
    to = min(max(at + (1 if by > 0 else -1), 0), len(order) - 1)
    order.insert(to, order.pop(at))
    mine = (_P.c.authority_id == authority.id, _P.c.meeting_id == meeting)
    tx.execute(delete(_P).where(*mine))
    rows = [
        {"authority_id": authority.id, "meeting_id": meeting, "case_id": case, "n": n, "person_id": actor.person,
         "placed_at": now}
        for n, case in enumerate(order, 1)
    ]  # fmt: skip
    tx.put(Rows("agenda_place", rows, "insert"))


def lock(tx: Tx, authority: Authority, actor: Actor, meeting: str, now: datetime) -> str:
    """Lock the agenda: its order, and the version of each draft, are fixed. Raises Forbidden, Settled, NotFound."""
    row = _open(tx, authority, actor, meeting)
    found = meetings.items(tx.connection, authority, row)
    if row["state"] == "locked" or not found:
        say = "议程已经锁定" if found else "议程上还没有议题，不能锁定"
        raise Settled("nothing to lock", say=say)
    body = {"items": [_pinned(one) for one in found]}
    return meetings.write(tx, authority, actor, meeting, row, entries.Draft("meeting.locked", body), now)


def _pinned(item: Item) -> dict[str, Any]:
    facts = item.facts
    given = sittings.submission(item.procedure, facts)
    papers = sittings.handed_in(item.procedure, facts, given).values() if given else ()
    return {
        "case": facts.case, "no": facts.no, "title": facts.title, "version": item.version,
        "sha256": facts.text.sha256 if facts.text else "", "papers": sorted(paper.sha256 for paper in papers),
    }  # fmt: skip


# ---- papers --------------------------------------------------------------------------------------------------


def recipients(connection: Connection, authority: Authority, on: date) -> list[Actor]:
    """Whom papers of a meeting may be delivered to: members, the chief, and those who attend, one post a person."""
    found: dict[str, Actor] = {}
    for actor in everybody(connection, authority.id, on):
        if set(RECEIVES) & set(actor.duties):
            found.setdefault(actor.person, actor)
    return list(found.values())


def deliver(
    tx: Tx, authority: Authority, actor: Actor, meeting: str, persons: Sequence[str], now: datetime, on: date
) -> int:  # fmt: skip
    """Deliver the papers of every matter, as they stand, to those who do not have this version yet; to how many persons.

    Raises BadInput, Forbidden, Settled, NotFound.
    """
    row = _open(tx, authority, actor, meeting)
    found = [one for one in meetings.items(tx.connection, authority, row) if one.sitting.decided is None]
    chosen = [one for one in recipients(tx.connection, authority, on) if one.person in set(persons)]
    if not found or not chosen:
        say = "请勾选送达给谁" if found else "议程上没有要送达的材料"
        raise BadInput([Problem("persons", say, rule="required")])
    have = {(one["person_id"], one["case_id"], one["version"]) for one in meetings.deliveries(tx.connection, row)}
    papers = [_pinned(one) for one in found]
    to = []
    for one in chosen:
        new = [n for n, paper in enumerate(papers) if (one.person, paper["case"], paper["version"]) not in have]
        if new:
            post = f"{one.unit_name} {one.post_title}".strip()
            to.append({"person": one.person, "name": one.name, "post": post, "items": new})
    if not to:
        raise Settled("all have it", say="勾选的人都已经收到现在的版本")
    meetings.write(
        tx, authority, actor, meeting, row, entries.Draft("papers.delivered", {"papers": papers, "to": to}), now
    )
    return len(to)


def receipt(connection: Connection, actor: Actor, row: Mapping[str, Any], item: Item) -> dict[str, Any] | None:
    """The delivery of a matter's papers, in the version that stands, to this reader; None when there is none."""
    return next(
        (one for one in meetings.deliveries(connection, row)
         if (one["person_id"], one["case_id"], one["version"]) == (actor.person, item.facts.case, item.version)),
        None,
    )  # fmt: skip


def opened(tx: Tx, authority: Authority, actor: Actor, meeting: str, no: str, now: datetime) -> bool:
    """Record that a reader opened the papers delivered to them; once for each version. Raises NotFound."""
    row = meetings.alone(tx, authority, meeting)
    item = item_of(tx.connection, authority, row, no)
    found = receipt(tx.connection, actor, row, item)
    if found is None or found["opened_at"] is not None:
        return False
    body = {"case": item.facts.case, "no": no, "version": found["version"], "sha256": found["sha256"]}
    meetings.write(tx, authority, actor, meeting, row, entries.Draft("papers.opened", body), now)
    return True


# ---- at the end ----------------------------------------------------------------------------------------------


def read_out(tx: Tx, authority: Authority, actor: Actor, meeting: str, no: str, note: str, now: datetime) -> str:
    """Record that the lines of a matter were read out at the meeting. Raises Forbidden, NotFound, Settled, BadInput."""
    row = _open(tx, authority, actor, meeting)
    item = item_of(tx.connection, authority, row, no)
    lines = [one.act.entry for one in sittings.speeches(item.sitting)]
    if not lines:
        raise Settled("nothing said yet", say="还没有发言记录可以宣读")
    body = {"case": item.facts.case, "no": no, "lines": lines, "note": _clean("note", note, "宣读的结果", 300)}
    return meetings.write(tx, authority, actor, meeting, row, entries.Draft("meeting.read_out", body), now)


def file_minutes(tx: Tx, authority: Authority, actor: Actor, meeting: str, data: bytes, now: datetime) -> str:
    """File the minutes of a meeting whose matters are all decided; from then on they are only added to.

    Raises Forbidden, NotFound, Settled.
    """
    row = _open(tx, authority, actor, meeting)
    found = meetings.items(tx.connection, authority, row)
    waiting = [one.facts.no for one in found if one.sitting.decided is None]
    if waiting or not found:
        say = f"还有议题没有决定：{'、'.join(waiting)}" if waiting else "议程上没有议题"
        raise Settled("not all decided", say=say)
    stored = tx.blobs.put(data, MEDIA)
    body = {
        "minutes": {
            "sha256": stored.sha256,
            "size": stored.size,
            "type": MEDIA,
            "name": f"{meetings.title(row)}纪要.docx",
        }
    }
    draft = entries.Draft("meeting.filed", body, blobs=[stored.row(now)])
    return meetings.write(tx, authority, actor, meeting, row, draft, now)


def add_to_minutes(
    tx: Tx, authority: Authority, actor: Actor, meeting: str, words: str, reason: str, now: datetime
) -> str:  # fmt: skip
    """Append a correction to filed minutes; what was filed stays. Raises BadInput, Forbidden, NotFound, Settled."""
    row = _kept(tx, authority, actor, meeting)
    if row["state"] != "filed":
        raise Settled("no minutes filed", say="纪要还没有归档，直接更正有关的记录即可")
    body = {
        "of": row["minutes"], "words": _clean("words", words, "更正或者补充的内容"),
        "reason": _clean("why", reason, "更正的理由"),
    }  # fmt: skip
    return meetings.write(tx, authority, actor, meeting, row, entries.Draft("meeting.added", body), now)


MEDIA = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def additions(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The corrections appended to the minutes, the first first."""
    found: list[dict[str, Any]] = orjson.loads(row["additions"])
    return found


def readings(row: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """By case: when its lines were read out, by whom, which lines, and with what result."""
    found: dict[str, dict[str, Any]] = orjson.loads(row["readings"])
    return found
