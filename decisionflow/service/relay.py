"""From the outbox to the persons: who is told of an act, and the notices in the system.

An act is told to those whose to-do it makes, or makes possible: what was not theirs before it (or was
barred), is after it, and still is now. Who acted is not told of their own act. A notice is written in the
very transaction that settles its outbox row, so it is there exactly once, whoever relays, however often.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from decisionflow.core import clocks
from decisionflow.core import procedure as law
from decisionflow.core import step as core
from decisionflow.core.facts import Facts, fold
from decisionflow.errors import NotFound, Unavailable
from decisionflow.service import addressees, notices, outbox, permissions, senders
from decisionflow.service.actors import Actor, duty_for
from decisionflow.service.addressees import Message, Rolls
from decisionflow.service.authorities import Authority
from decisionflow.service.outbox import Item, Key
from decisionflow.store.engine import Store, Tx
from decisionflow.store.records import Rows
from decisionflow.trail import canonical

CHANNELS = ("", "notice")
MAIL_FOR = timedelta(days=7)
_CHAIN = text("""
    select e.data from trail_entry e
    join trail_entry this on this.authority_id = e.authority_id and this.chain_kind = e.chain_kind
        and this.chain_id = e.chain_id
    where this.authority_id = :a and this.entry_id = :e and e.chain_seq <= this.chain_seq
    order by e.chain_seq
""")


@dataclass(frozen=True, slots=True)
class Relayed:
    """What one batch came to: rows settled, rows put off or given up, and why."""

    settled: int = 0
    failed: int = 0
    faults: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """How many rows were dealt with."""
        return self.settled + self.failed

    @property
    def more(self) -> bool:
        """Whether to look again at once."""
        return self.total > 0


@dataclass(frozen=True, slots=True)
class _Plan:
    """An outbox row and what it comes to: rows to write, or why there are none."""

    item: Item
    rows: tuple[Rows, ...] = ()
    fault: str = ""


def sweep(
    store: Store, now: datetime, chance: float, *, mail: bool, only: Sequence[Key] = (), limit: int = outbox.BATCH
) -> Relayed:  # fmt: skip
    """Relay one batch of ready rows. A row that cannot be relayed is put off; the others go on."""
    with store.read() as connection:
        rolls = Rolls(connection, now)
        plans = [_planned(rolls, item, mail=mail) for item in outbox.ready(connection, now, CHANNELS, only, limit)]
    return _write(store, plans, now, chance)


def _planned(rolls: Rolls, item: Item, *, mail: bool) -> _Plan:
    try:
        return _Plan(item, _rows(rolls, item, mail=mail))
    except Unavailable:
        raise
    except Exception as fault:
        return _Plan(item, fault=f"{type(fault).__name__}: {fault}")


def _rows(rolls: Rolls, item: Item, *, mail: bool) -> tuple[Rows, ...]:
    if item.channel == "notice":
        return (Rows("notice", [_notice(item, addressees.message(item.payload), item.recipient, rolls.now)], "ignore"),)
    if item.kind == senders.KIND:
        return (
            senders.letters(rolls.connection, rolls.authority(item.authority), item.payload, rolls.now) if mail else ()
        )
    if item.kind != "step":
        raise NotFound(f"nobody relays {item.kind!r}", say="没有人转送这种消息")
    return _step_rows(rolls, item, mail=mail)


def _notice(item: Item, message: Message, person: str, now: datetime, dedup: str = "") -> dict[str, object]:
    kind = "todo" if item.kind == "step" else item.kind
    return notices.row(
        item.authority, dedup or item.dedup, kind, person, message.title, message.lines, message.href, now
    )  # fmt: skip


def _step_rows(rolls: Rolls, item: Item, *, mail: bool) -> tuple[Rows, ...]:
    """The notices and mails that an act gives rise to."""
    told, mails = [], []
    for person, message in told_of(rolls, item.authority, str(item.payload["entry"])):
        dedup = f"todo:{item.payload['entry']}:{person}"
        told.append(_notice(item, message, person, rolls.now, dedup))
        if mail and rolls.has_mail(person):
            mails.append(
                outbox.row(item.authority, f"{dedup}:mail", "todo", message.payload, rolls.now, channel="mail",
                           recipient=person, expires_at=rolls.now + MAIL_FOR)
            )  # fmt: skip
    to_senders = _to_senders(rolls, item) if mail else ()
    return (Rows("notice", told, "ignore"), Rows("outbox", mails, "ignore"), *to_senders)


def _to_senders(rolls: Rolls, item: Item) -> tuple[Rows, ...]:
    """What an act has to say to those who left an address with their opinion."""
    government = rolls.authority(item.authority)
    _, facts = history(rolls.connection, item.authority, str(item.payload["entry"]))
    return senders.begun(rolls.connection, government, rolls.procedure(government, facts), facts, rolls.now)


def told_of(rolls: Rolls, authority: str, entry: str) -> list[tuple[str, Message]]:
    """The persons to be told of an act, each with what it makes them do."""
    government = rolls.authority(authority)
    before, after = history(rolls.connection, authority, entry)
    now = rolls.facts(authority, after.case)
    procedure, calendar = rolls.procedure(government, now), rolls.calendar(government)
    open_now = core.todos(procedure, now)
    wanted = {duty for action in open_now for duty in action.by}
    found: dict[str, list[law.Action]] = {}
    for one in rolls.posts(authority):
        if one.person == after.acts[-1].party.person or wanted.isdisjoint(one.duties):
            continue
        if not permissions.may_see(one, procedure, now):
            continue
        was = _todos(rolls, government, before, one) if before and before.acts else {}
        new = {name for name, free in _todos(rolls, government, after, one).items() if free > was.get(name, -1)}
        mine = found.setdefault(one.person, [])
        mine += [
            action
            for action in open_now
            if action.id in new and action not in mine and duty_for(procedure, action, one, now)
        ]
    ticking = clocks.ledger(procedure, now, calendar, rolls.on)
    return [(person, words(procedure, now, actions, ticking)) for person, actions in found.items() if actions]


def _todos(rolls: Rolls, government: Authority, facts: Facts, one: Actor) -> dict[str, bool]:
    """What somebody is to do in a case, and of each whether nothing bars it."""
    procedure, calendar = rolls.procedure(government, facts), rolls.calendar(government)
    found = {}
    for action in core.todos(procedure, facts):
        if duty := duty_for(procedure, action, one, facts):
            outlook = core.preview(procedure, action.id, facts, calendar, on=rolls.on, party=one.party(duty))
            found[action.id] = outlook.possible
    return found


def history(connection: Connection, authority: str, entry: str) -> tuple[Facts | None, Facts]:
    """The case before and after an act, folded from its entries. Raises NotFound."""
    before: Facts | None = None
    facts: Facts | None = None
    for row in connection.execute(_CHAIN, {"a": authority, "e": entry}):
        before, facts = facts, fold(facts, canonical.decode(row.data))
    if facts is None or not facts.acts or facts.acts[-1].entry != entry:
        raise NotFound(f"no act {entry}", say="没有这条办理记录")
    return before, facts


def words(
    procedure: law.Procedure, facts: Facts, actions: Sequence[law.Action], ticking: Iterable[clocks.Running]
) -> Message:  # fmt: skip
    """``【新待办】要做的事：事项`` with the day by which it is due, if a clock runs."""
    asks = [action.ask or action.title for action in actions]
    ends = {clock.id: clock.ends for clock in procedure.clocks}
    wanted = {action.id for action in actions}
    due = [one.due_on for one in ticking if one.state == "running" and one.due_on and wanted & set(ends[one.clock])]
    title = addressees.shorten(f"【新待办】{asks[0]}：{addressees.subject(facts)}")
    lines = [addressees.heading(facts), "要做的事：" + addressees.shorten("、".join(asks), 60)]
    if due:
        lines.append(f"{min(due).month}月{min(due).day}日前办结")
    return Message(title, tuple(lines), f"/cases/{facts.no}")


def _write(store: Store, plans: Sequence[_Plan], now: datetime, chance: float) -> Relayed:
    """Write a batch in one transaction; if that fails, one by one, and put off those that still fail."""
    if not plans:
        return Relayed()
    try:
        done = store.write(lambda tx: [plan for plan in plans if _carry_out(tx, plan, now, chance)])
    except Unavailable:
        raise
    except Exception as fault:
        if len(plans) > 1:
            parts = [_write(store, [plan], now, chance) for plan in plans]
            return Relayed(
                sum(part.settled for part in parts), sum(part.failed for part in parts),
                tuple(fault for part in parts for fault in part.faults),
            )  # fmt: skip
        off = _Plan(plans[0].item, fault=f"{type(fault).__name__}: {fault}")
        done = store.write(lambda tx: [off] if _carry_out(tx, off, now, chance) else [])
    faults = tuple(f"{plan.item.dedup}: {plan.fault}" for plan in done if plan.fault)
    return Relayed(len(done) - len(faults), len(faults), faults)


def _carry_out(tx: Tx, plan: _Plan, now: datetime, chance: float) -> bool:
    """Write a plan, unless somebody else has relayed its row; whether it was written."""
    if plan.fault:
        return bool(outbox.fail(tx, plan.item, plan.fault, now, chance))
    if not outbox.settle(tx, plan.item):
        return False
    for rows in plan.rows:
        tx.put(rows)
    return True
