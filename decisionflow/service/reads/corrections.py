"""责令改正、后果、责任追究: what a competent body ordered or found, followed to its closure; entered, never judged here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise

from decisionflow.core.facts import Act, Facts, legal_date
from decisionflow.service.reads.stored import Stored

LINE, ORDER, REPLY, RETURN, CLOSE = (
    "correction",
    "order_correction",
    "reply_correction",
    "return_correction",
    "close_correction",
)
EFFECT, OUTCOME = "record_effect", "record_accountability"
STATES = {"ordered": "等待改正", "replied": "等待核查", "closed": "已销号"}


@dataclass(frozen=True, slots=True)
class Correction:
    """One order: by whom, by which document, what it demands, when an answer is due, what was done, how often it came back.

    `late` is how many days the answer was, or is, beyond the day that the order named; 0 when it named none.
    """

    no: str
    title: str
    entry: str
    ordered_on: date
    body: str
    document: str
    demands: str
    reply_by: date | None
    state: str
    replied_on: date | None
    measures: str
    returned: int
    closed_on: date | None
    conclusion: str
    late: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What somebody with the power to do so found or did: an effect of the decision, or how persons were dealt with.

    Who was dealt with and how is personal and lies in the vault, not here; `said` is the facts of an effect.
    """

    no: str
    title: str
    entry: str
    on: date
    kind: str
    body: str
    document: str
    said: str


def corrections(cases: Iterable[Stored], now: datetime, state: str = "") -> tuple[Correction, ...]:
    """Every order in these cases, open ones first, those longest beyond their day in front."""
    today = legal_date(now)
    found = [each for one in cases for each in _orders(one.facts, today) if state in ("", each.state)]
    return tuple(sorted(found, key=lambda one: (one.state == "closed", -one.late, one.reply_by or date.max, one.no)))


def _orders(facts: Facts, today: date) -> Iterator[Correction]:
    """Each order with the acts that followed it, until the next one."""
    acts = [act for act in facts.acts if act.track == LINE and act.action not in (EFFECT, OUTCOME)]
    starts = [n for n, act in enumerate(acts) if act.action == ORDER]
    for start, end in pairwise([*starts, len(acts)]):
        order, after = acts[start], acts[start + 1 : end]
        replies = [act for act in after if act.action == REPLY]
        closed = next((act for act in after if act.action == CLOSE), None)
        due = _day(order.fields.get("reply_by"))
        last = after[-1].action if after else ORDER
        state = "closed" if closed else "replied" if last == REPLY else "ordered"
        answered = replies[-1].on if replies and state != "ordered" else today
        yield Correction(
            facts.no, facts.title, order.entry, order.on, _text(order, "body"), _text(order, "document_no"),
            _text(order, "demands"), due, state, replies[-1].on if replies else None,
            _text(replies[-1], "measures") if replies else "", sum(act.action == RETURN for act in after),
            closed.on if closed else None, _text(closed, "conclusion") if closed else "",
            max((answered - due).days, 0) if due else 0,
        )  # fmt: skip


def outcomes(cases: Iterable[Stored]) -> tuple[Outcome, ...]:
    """Every effect and outcome that was entered, the newest first."""
    found = [_outcome(one, act) for one in cases for act in one.facts.acts if act.action in (EFFECT, OUTCOME)]
    return tuple(sorted(found, key=lambda one: (one.on, one.entry), reverse=True))


def _outcome(one: Stored, act: Act) -> Outcome:
    action = one.procedure.action(act.action)
    name = "ground" if act.action == OUTCOME else "kind"
    spec = action.field(name) if action else None
    kind = (spec.choices or {}).get(str(act.fields.get(name)), "") if spec else ""
    return Outcome(one.facts.no, one.facts.title, act.entry, act.on, f"{act.title}：{kind}", _text(act, "body"),
                   _text(act, "document_no"), _text(act, "facts"))  # fmt: skip


def _text(act: Act, name: str) -> str:
    value = act.fields.get(name)
    return value if isinstance(value, str) else ""


def _day(value: object) -> date | None:
    return value if isinstance(value, date) else date.fromisoformat(str(value)) if value else None
