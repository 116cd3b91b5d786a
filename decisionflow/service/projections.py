"""From entries to rows: the one place that knows which rows follow from which entry.

The step and `replay` call the same functions, so a row can never say more than its entries do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, TypeAlias

import orjson
from sqlalchemy import Connection, select

from decisionflow.core import calendar as days
from decisionflow.core import career, clocks, similar
from decisionflow.core import procedure as law
from decisionflow.core.facts import SHANGHAI, Act, Facts, Record, freeze, instant, legal_date
from decisionflow.errors import NotFound
from decisionflow.store.records import Rows
from decisionflow.store.tables import metadata

Pending: TypeAlias = Callable[[], Mapping[Any, Mapping[str, Any]]]
MORNING = time(9, 0, tzinfo=SHANGHAI)


def case_rows(
    procedure: law.Procedure, facts: Facts, record: Record, calendar: days.Calendar
) -> tuple[Rows, ...]:  # fmt: skip
    """The case row after a record, its act row if it is an act, and its clocks."""
    authority, recorded = record["authority"], instant(record["times"]["recorded_at"])
    lead = facts.duties.get("lead", ())
    case = {
        "authority_id": authority, "id": facts.case, "no": facts.no, "title": facts.title, "procedure": facts.procedure,
        "stages": orjson.dumps(facts.stages, option=orjson.OPT_SORT_KEYS).decode(),
        "facts": orjson.dumps(freeze(facts), option=orjson.OPT_SORT_KEYS).decode(),
        "seq": facts.seq, "ended": procedure.is_ended(facts.stages), "public": facts.matter.get("public") is not False,
        "lead_unit": lead[0].get("name", "") if lead else "", "opened_at": facts.opened, "touched_at": recorded,
    }  # fmt: skip
    rows = [Rows("case_file", [case])]
    if record["kind"] == "step.taken":
        rows.append(Rows("case_act", [_act_row(authority, facts.case, facts.acts[-1])]))
    rows += career_rows(procedure, record)
    if record["kind"] in ("step.taken", "entry.corrected", "case.moved"):
        rows += deadline_rows(authority, procedure, facts, calendar)
    return tuple(rows)


def career_rows(procedure: law.Procedure, record: Record) -> tuple[Rows, ...]:
    """Who stands in an entry of a case, and as what; the post is told only of whoever acted through it."""
    people = career.places(procedure, record)
    if not people:
        return ()
    body, times, actor = record["body"], record["times"], record["actor"]
    at = instant(times["happened_at"])
    common = {
        "authority_id": record["authority"], "recorded_at": instant(times["recorded_at"]), "entry_id": record["id"],
        "case_id": record["chain"]["id"], "seq": record["chain"]["seq"], "action": body.get("action", record["kind"]),
        "title": str(body.get("title", "")), "track": body.get("track", ""), "by_name": actor.get("name", ""),
        "happened_at": at, "year": legal_date(at).year, "late": bool(times.get("late")),
        "text_version": body.get("text", {}).get("version", 0),
    }  # fmt: skip
    return (Rows("career", [{**common, **_in_post(actor, one)} for one in people]),)


def _in_post(actor: Mapping[str, Any], one: career.Place) -> dict[str, Any]:
    post = actor if one.role in (career.ACTED, career.CORRECTED) else {}
    return {
        "person_id": one.person, "name": one.name, "role": one.role, "stance": one.stance, "dissent": one.dissent,
        "post_id": post.get("post", ""), "post_title": post.get("post_title", one.post), "unit_id": post.get("unit", ""),
        "unit_name": post.get("unit_name", ""), "duty": post.get("duty", ""),
    }  # fmt: skip


def deadline_rows(
    authority: str, procedure: law.Procedure, facts: Facts, calendar: days.Calendar
) -> tuple[Rows, ...]:  # fmt: skip
    """The clocks of a case; nothing in the row depends on the day it is written."""
    running = clocks.ledger(procedure, facts, calendar, legal_date(facts.opened))
    return (Rows("deadline", [_deadline_row(authority, facts.case, one) for one in running]),) if running else ()


def _act_row(authority: str, case: str, act: Act) -> dict[str, Any]:
    party = act.party
    return {
        "authority_id": authority, "entry_id": act.entry, "case_id": case, "seq": act.n, "action": act.action,
        "title": act.title, "track": act.track, "person_id": party.person, "person_name": party.name,
        "post_id": party.post, "unit_id": party.unit, "duty": party.duty, "happened_at": act.at,
        "recorded_at": act.recorded, "late": act.late,
    }  # fmt: skip


def _deadline_row(authority: str, case: str, running: clocks.Running) -> dict[str, Any]:
    pauses = [{"say": p.say, "since": p.since, "until": p.until, "by": p.by} for p in running.pauses]
    return {
        "authority_id": authority, "case_id": case, "clock": running.clock, "round": running.round, "title": running.title,
        "duty": running.duty, "state": running.state, "starts_on": running.starts_on, "due_on": running.due_on,
        "provisional": running.provisional, "unit": running.unit, "budget": running.budget, "extended": running.extended,
        "pauses": orjson.dumps(pauses).decode(), "done_on": running.done_on, "calendar": running.calendar,
    }  # fmt: skip


def reminder_rows(
    authority: str, case: str, procedure: law.Procedure, running: tuple[clocks.Running, ...], calendar: days.Calendar
) -> tuple[Rows, ...]:  # fmt: skip
    """The rungs of the running clocks. A rung names its due day, so a moved deadline has rungs of its own."""
    by_id = {clock.id: clock for clock in procedure.clocks}
    rows = []
    for one in running:
        if one.due_on is None or one.state != "running":
            continue
        rungs = [*clocks.rungs(one, by_id[one.clock], calendar), (-1, one.due_on + timedelta(days=1))]
        rows += [
            {
                "authority_id": authority, "case_id": case, "clock": one.clock, "round": one.round,
                "rung": f"{ahead}@{one.due_on.isoformat()}", "due_at": datetime.combine(day, MORNING), "due_on": one.due_on,
                "state": "waiting", "attempts": 0, "last_error": "",
            }
            for ahead, day in rungs
        ]  # fmt: skip
    return (Rows("reminder", rows, "ignore"),) if rows else ()


def procedure_rows(record: Record, canonical: bytes) -> tuple[Rows, ...]:
    """The row of a published procedure."""
    body = record["body"]
    row = {
        "authority_id": record["authority"], "digest": body["digest"], "id": body["id"], "version": body["version"],
        "title": body["title"], "in_force_from": date.fromisoformat(body["in_force_from"]),
        "in_force_to": _date(body.get("in_force_to")), "canonical": canonical, "entry_id": record["id"],
    }  # fmt: skip
    return (Rows("procedure_version", [row]),)


def calendar_rows(record: Record, source: str) -> tuple[Rows, ...]:
    """The row of a published calendar year."""
    body = record["body"]
    row = {
        "authority_id": record["authority"], "calendar": body["calendar"], "year": body["year"],
        "version": body["version"], "digest": body["digest"], "source": source, "entry_id": record["id"],
    }  # fmt: skip
    return (Rows("calendar_year", [row]),)


def proposal_rows(connection: Connection, record: Record, pending: Pending = dict) -> tuple[Rows, ...]:
    """The row of what was proposed, or that row settled: published by somebody else, or withdrawn."""
    body, actor = record["body"], record["actor"]
    kind, _, deed = record["kind"].partition(".")
    if deed == "proposed":
        name = (
            f"{body['id']}@{body['version']}"
            if kind == "procedure"
            else f"{body['calendar']}-{body['year']}@{body['version']}"
        )
        row = {
            "authority_id": record["authority"], "entry_id": record["id"], "kind": kind, "name": name, "title": body["title"],
            "digest": body["digest"], "reason": body["reason"], "person_id": actor["person"], "person_name": actor["name"],
            "proposed_at": instant(record["times"]["recorded_at"]), "state": "open", "settled_by": "",
        }  # fmt: skip
        return (Rows("proposal", [row]),)
    if not body.get("proposal"):
        return ()
    key = {"authority_id": record["authority"], "entry_id": body["proposal"]}
    return (_changed(connection, pending, "proposal", key, {"state": deed, "settled_by": actor["name"]}),)


def law_rows(record: Record) -> tuple[Rows, ...]:
    """The row of an instrument's official text."""
    body = record["body"]
    row = {
        "authority_id": record["authority"], "law": body["law"], "sha256": body["sha256"], "title": body["title"],
        "name": body["name"], "type": body["type"], "size": body["bytes"], "person_name": record["actor"]["name"],
        "imported_at": instant(record["times"]["recorded_at"]), "entry_id": record["id"],
    }  # fmt: skip
    return (Rows("law_text", [row]),)


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


# ---- the register --------------------------------------------------------------------------------------


def unit_name(record: Record) -> Rows:
    """A name that a unit had or has, from the day on which it began: look-ups follow a unit through its names."""
    body = record["body"]
    row = {"authority_id": record["authority"], "unit_id": body["unit"], "entry_id": record["id"], "name": body["name"],
           "since": date.fromisoformat(body["valid_from"])}  # fmt: skip
    return Rows("unit_name", [row])


def register_rows(connection: Connection, record: Record, pending: Pending = dict) -> tuple[Rows, ...]:
    """The row that a register entry makes or changes. `pending` gives rows queued but not yet written."""
    body, key = record["body"], {"authority_id": record["authority"]}
    match record["kind"]:
        case "unit.registered":
            row = {**key, "id": body["unit"], "name": body["name"], "short": body["short"], "rank": body["rank"],
                   "valid_from": date.fromisoformat(body["valid_from"]), "valid_to": None,
                   "succeeds": body.get("succeeds", ""), "entry_id": record["id"]}  # fmt: skip
            return Rows("unit", [row]), unit_name(record)
        case "unit.renamed":
            new = _changed(connection, pending, "unit", {**key, "id": body["unit"]}, {"name": body["name"]})
            return new, unit_name(record)
        case "unit.abolished":
            ends = {"valid_to": date.fromisoformat(body["valid_to"])}
            return (_changed(connection, pending, "unit", {**key, "id": body["unit"]}, ends),)
        case "post.created":
            row = {**key, "id": body["post"], "unit_id": body["unit"], "title": body["title"],
                   "duties": orjson.dumps(body["duties"]).decode(), "rank": body["rank"],
                   "valid_from": date.fromisoformat(body["valid_from"]), "valid_to": None,
                   "single": body.get("single", False), "entry_id": record["id"]}  # fmt: skip
            return (Rows("post", [row]),)
        case "person.registered":
            row = {
                **key,
                "id": body["person"],
                "name": body["name"],
                "note": body.get("note", ""),
                "entry_id": record["id"],
            }
            return (Rows("person", [row]),)
        case "appointment.made":
            row = {**key, "id": body["appointment"], "person_id": body["person"], "post_id": body["post"],
                   "document": body["document"], "acting": body["acting"], "valid_from": date.fromisoformat(body["valid_from"]),
                   "valid_to": _date(body.get("valid_to")), "recorded_at": instant(record["times"]["recorded_at"]),
                   "ended": False, "delegated_by": body.get("delegated_by", ""), "entry_id": record["id"]}  # fmt: skip
            return (Rows("appointment", [row]),)
        case "appointment.ended":
            over = {"valid_to": date.fromisoformat(body["valid_to"]), "ended": not body.get("later", False)}
            return (_changed(connection, pending, "appointment", {**key, "id": body["appointment"]}, over),)
        case "handover.opened":
            items = orjson.dumps(body["items"], option=orjson.OPT_SORT_KEYS).decode()
            row = {
                **key, "id": body["handover"], "appointment_id": body["appointment"], "person_id": body["person"],
                "to_person_id": body["to"], "items": items, "remark": body["remark"],
                "opened_by": record["actor"].get("name", ""), "opened_at": instant(record["times"]["recorded_at"]),
                "given_at": None, "taken_at": None,
            }  # fmt: skip
            return (Rows("handover", [row]),)
        case "handover.signed":
            signed = {f"{body['side']}_at": instant(record["times"]["recorded_at"])}
            return (_changed(connection, pending, "handover", {**key, "id": body["handover"]}, signed),)
        case "power.listed":
            row = {
                **key, "id": body["power"], "unit_id": body["unit"], "code": body["code"], "title": body["title"],
                "kind": body["kind"], "basis": body["basis"], "document": body["document"],
                "valid_from": date.fromisoformat(body["valid_from"]), "valid_to": None, "ended_by": "",
                "recorded_at": instant(record["times"]["recorded_at"]), "entry_id": record["id"],
            }  # fmt: skip
            return (Rows("power", [row]),)
        case "power.ended":
            over = {"valid_to": date.fromisoformat(body["valid_to"]), "ended_by": body["document"]}
            return (_changed(connection, pending, "power", {**key, "id": body["power"]}, over),)
        case "expert.listed" | "expert.changed" | "expert.noted" | "expert.left":
            return expert_rows(connection, record, pending)
    raise ValueError(f"unknown register entry {record['kind']}")


def _changed(
    connection: Connection, pending: Pending, table: str, key: Mapping[str, Any], values: Mapping[str, Any]
) -> Rows:  # fmt: skip
    """The whole row of a key with some values changed."""
    queued = pending().get((table, tuple(sorted(key.items()))))
    if queued is None:
        columns = metadata.tables[table]
        found = connection.execute(select(columns).filter_by(**key)).mappings().first()
        if found is None:
            raise NotFound(f"no {table} {dict(key)}", say="登记册中没有要变更的这一项")
        queued = dict(found)
    return Rows(table, [{**queued, **values}])


# ---- consultations -------------------------------------------------------------------------------------


def consultation_rows(row: Mapping[str, Any] | None, record: Record) -> tuple[Rows, ...]:
    """The consultation after an entry of its chain, and the opinion if the entry is one. `row` is it before."""
    body, seq = record["body"], record["chain"]["seq"]
    at = instant(record["times"]["recorded_at"])
    if record["kind"] == "consultation.opened":
        new = {
            "authority_id": record["authority"], "id": record["chain"]["id"], "case_id": body["case"], "no": body["no"],
            "title": body["title"], "unit": record["actor"].get("unit_name", ""),
            "notice": orjson.dumps(body["notice"], option=orjson.OPT_SORT_KEYS).decode(),
            "text_digest": body.get("text", {}).get("sha256", ""), "opens_on": date.fromisoformat(body["opens_on"]),
            "ends_on": date.fromisoformat(body["ends_on"]), "state": "open", "opinions": 0, "seq": seq, "opened_at": at,
            "closed_at": None, "area": str(body["notice"].get("area", "")), "concerns": _marked(body["notice"].get("concerns")),
        }  # fmt: skip
        return (Rows("consultation", [{**new, "found_by": _found_by(new, body["notice"])}]),)
    if row is None:
        raise ValueError(f"{record['kind']} without a consultation")
    changed = {**row, "seq": seq}
    match record["kind"]:
        case "consultation.extended":
            changed["ends_on"] = date.fromisoformat(body["ends_on"])
        case "consultation.closed":
            changed |= {"state": "withdrawn" if body.get("withdrawn") else "closed", "closed_at": at}
        case "opinion.received":
            changed["opinions"] += 1
            return Rows("consultation", [changed]), Rows("opinion", [_opinion_row(record)])
    return (Rows("consultation", [changed]),)


def _found_by(row: Mapping[str, Any], notice: Mapping[str, Any]) -> str:
    """What a search for a notice looks through, each part folded on a line of its own."""
    parts = (row["no"], row["title"], row["unit"], notice.get("gist", ""), notice.get("area", ""))
    return "\n".join(filter(None, (similar.plain(str(part)) for part in parts)))


def _marked(names: Any) -> str:
    """``,residents,drivers,``: a list in which each name can be found with its commas."""
    return f",{','.join(str(name) for name in names)}," if isinstance(names, list) and names else ""


def _opinion_row(record: Record) -> dict[str, Any]:
    body = record["body"]
    return {
        "authority_id": record["authority"], "entry_id": record["id"], "consultation_id": record["chain"]["id"],
        "seq": record["chain"]["seq"], "receipt": body["receipt"], "code_hash": body["code_hash"], "channel": body["channel"],
        "stance": body.get("stance", ""), "paragraph": body.get("paragraph", ""), "late": bool(body.get("late")),
        "words": body["words"]["commitment"], "contact": body.get("contact", {}).get("commitment", ""),
        "name": body.get("name", {}).get("commitment", ""), "received_at": instant(record["times"]["happened_at"]),
    }  # fmt: skip


def withheld_rows(connection: Connection, record: Record, pending: Pending = dict) -> tuple[Rows, ...]:
    """The row of a part of an opinion that is left out in public, or that row lifted."""
    body, key = record["body"], {"authority_id": record["authority"]}
    if record["kind"] == "opinion.shown":
        return (_changed(connection, pending, "withheld", {**key, "entry_id": body["of"]}, {"lifted": True}),)
    if record["kind"] != "opinion.withheld":
        return ()
    row = {
        **key, "entry_id": record["id"], "consultation_id": record["chain"]["id"], "seq": body["seq"],
        "opens": body["opens"], "closes": body["closes"], "ground": body["ground"], "reason": body["reason"],
        "person_name": record["actor"].get("name", ""), "at": instant(record["times"]["recorded_at"]), "lifted": False,
    }  # fmt: skip
    return (Rows("withheld", [row]),)


# ---- hearings ------------------------------------------------------------------------------------------


def hearing_rows(
    connection: Connection, row: Mapping[str, Any] | None, record: Record, pending: Pending = dict
) -> tuple[Rows, ...]:  # fmt: skip
    """The hearing after an entry of its chain, with the sign-up or the draw that the entry is about. `row` is it before."""
    body, key = record["body"], {"authority_id": record["authority"]}
    at, who = instant(record["times"]["recorded_at"]), record["actor"].get("name", "")
    if record["kind"] == "hearing.announced":
        return (Rows("hearing", [_hearing_row(record)]),)
    if row is None:
        raise ValueError(f"{record['kind']} without a hearing")
    changed = {**row, "seq": record["chain"]["seq"]}
    others: tuple[Rows, ...] = ()
    match record["kind"]:
        case "hearing.moved":
            changed |= _told({**orjson.loads(row["notice"]), **body["notice"]})
        case "hearing.listed":
            changed |= {"state": "listed", "closed_at": at}
        case "hearing.cancelled":
            changed |= {"state": "cancelled", "closed_at": at, "reason": body["reason"]}
        case "signup.received":
            changed["signups"] = body["n"]
            others = (Rows("signup", [_signup_row(record)]),)
        case "signup.judged":
            told = {"state": body["state"], "reason": body["reason"], "judged_by": who, "judged_at": at}
            others = (_changed(connection, pending, "signup", {**key, "entry_id": body["of"]}, told),)
        case "lot.frozen" | "lot.voided" | "lot.drawn":
            others = (_lot_rows(connection, record, pending),)
    return Rows("hearing", [changed]), *others


def _lot_rows(connection: Connection, record: Record, pending: Pending) -> Rows:
    """The row of a draw, of a hearing or of a panel, after an entry about it."""
    body, key = record["body"], {"authority_id": record["authority"]}
    told: dict[str, Any] = {}
    match record["kind"]:
        case "lot.frozen":
            return Rows("lot", [_lot_row(record)])
        case "lot.voided":
            told = {"state": "void", "reason": body["reason"], "next_source": body["source"]}
        case "lot.drawn":
            told = {"state": "drawn", "drawn": body["record"]["sha256"], "drawn_by": record["actor"].get("name", ""),
                    "drawn_at": instant(record["times"]["recorded_at"])}  # fmt: skip
    return _changed(connection, pending, "lot", {**key, "entry_id": body["of"]}, told)


def _hearing_row(record: Record) -> dict[str, Any]:
    body = record["body"]
    return {
        "authority_id": record["authority"], "id": record["chain"]["id"], "case_id": body["case"], "no": body["no"],
        "title": body["title"], "unit": record["actor"].get("unit_name", ""),
        "text_digest": body.get("text", {}).get("sha256", ""), "state": "open", "reason": "", "signups": 0,
        "seq": record["chain"]["seq"], "announced_at": instant(record["times"]["recorded_at"]), "closed_at": None,
        **_told(body["notice"]),
    }  # fmt: skip


def _told(notice: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "notice": orjson.dumps(notice, option=orjson.OPT_SORT_KEYS).decode(),
        "held_on": date.fromisoformat(notice["held_on"]), "signup_until": _date(notice.get("signup_until")),
    }  # fmt: skip


def _signup_row(record: Record) -> dict[str, Any]:
    body = record["body"]
    return {
        "authority_id": record["authority"], "entry_id": record["id"], "hearing_id": record["chain"]["id"], "n": body["n"],
        "receipt": body["receipt"], "code_hash": body["code_hash"], "side": body["side"], "channel": body["channel"],
        **{name: body.get(name, {}).get("commitment", "") for name in ("name", "contact", "unit", "words")},
        "received_at": instant(record["times"]["happened_at"]), "state": "waiting", "reason": "", "judged_by": "",
        "judged_at": None,
    }  # fmt: skip


def _lot_row(record: Record) -> dict[str, Any]:
    body = record["body"]
    return {
        "authority_id": record["authority"], "entry_id": record["id"], "hearing_id": record["chain"]["id"], "n": body["n"],
        "list_sha256": body["list_sha256"], "frozen": body["record"]["sha256"], "drawn": "", "reason": "",
        "next_source": "", "state": "frozen", "frozen_by": record["actor"].get("name", ""),
        "frozen_at": instant(record["times"]["recorded_at"]), "drawn_by": "", "drawn_at": None,
    }  # fmt: skip


# ---- meetings ------------------------------------------------------------------------------------------

MEETING = "m-"  # how the id of a meeting's chain begins; a hearing's is a bare UUID


def meeting_rows(
    connection: Connection, row: Mapping[str, Any] | None, record: Record, pending: Pending = dict
) -> tuple[Rows, ...]:  # fmt: skip
    """The meeting after an entry of its chain, with the deliveries that the entry is about. `row` is it before."""
    body, at = record["body"], instant(record["times"]["recorded_at"])
    key = {"authority_id": record["authority"], "meeting_id": record["chain"]["id"]}
    if record["kind"] == "meeting.called":
        return (Rows("meeting", [_meeting_row(record)]),)
    if row is None:
        raise ValueError(f"{record['kind']} without a meeting")
    changed = {**row, "seq": record["chain"]["seq"]}
    others: tuple[Rows, ...] = ()
    match record["kind"]:
        case "meeting.changed":
            changed |= _called(body)
        case "meeting.cancelled":
            changed |= {"state": "cancelled", "reason": body["reason"]}
        case "meeting.locked":
            changed |= {"state": "locked", "locked_at": at, "items": _json(body["items"])}
        case "meeting.read_out":
            told = {"at": record["times"]["recorded_at"], "by": record["actor"].get("name", ""), "lines": body["lines"],
                    "note": body["note"]}  # fmt: skip
            changed["readings"] = _json({**orjson.loads(row["readings"]), body["case"]: told})
        case "meeting.filed":
            minutes = body["minutes"]
            changed |= {"state": "filed", "filed_at": at, "minutes": minutes["sha256"], "minutes_size": minutes["size"]}
        case "meeting.added":
            told = {"at": record["times"]["recorded_at"], "by": record["actor"].get("name", ""), "words": body["words"],
                    "reason": body["reason"]}  # fmt: skip
            changed["additions"] = _json([*orjson.loads(row["additions"]), told])
        case "papers.delivered":
            others = (Rows("paper_delivery", [{**key, **one} for one in _delivered(body, at)]),)
        case "papers.opened":
            mine = {**key, "person_id": record["actor"]["person"], "case_id": body["case"], "version": body["version"]}
            others = (_changed(connection, pending, "paper_delivery", mine, {"opened_at": at}),)
    return Rows("meeting", [changed]), *others


def _meeting_row(record: Record) -> dict[str, Any]:
    return {
        "authority_id": record["authority"], "id": record["chain"]["id"], "state": "open", "reason": "", "items": "[]",
        "readings": "{}", "minutes": "", "minutes_size": 0, "additions": "[]", "seq": record["chain"]["seq"],
        "called_at": instant(record["times"]["recorded_at"]), "locked_at": None, "filed_at": None,
        **_called(record["body"]),
    }  # fmt: skip


def _called(body: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: body[name] for name in ("type", "no", "starts", "place", "chair")}
    return {**told, "planned_on": date.fromisoformat(body["planned_on"])}


def _delivered(body: Mapping[str, Any], at: datetime) -> Iterator[dict[str, Any]]:
    for person in body["to"]:
        for one in person["items"]:
            paper = body["papers"][one]
            yield {
                "person_id": person["person"], "case_id": paper["case"], "version": paper["version"],
                "sha256": paper["sha256"], "name": person["name"], "post": person["post"], "delivered_at": at,
                "opened_at": None,
            }  # fmt: skip


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


# ---- experts -------------------------------------------------------------------------------------------

LISTS = ("specialities", "former_units", "partners")  # of an expert, kept as JSON


def expert_rows(connection: Connection, record: Record, pending: Pending = dict) -> tuple[Rows, ...]:
    """The row of somebody of the pool after an entry about them."""
    body, authority = record["body"], record["authority"]
    key = {"authority_id": authority, "id": body["expert"]}
    if record["kind"] == "expert.listed":
        row = {
            **key, "n": body["n"], "person_id": body["person"], **_expert_told(body), "notes": "[]", "left_on": None,
            "joined_on": date.fromisoformat(body["valid_from"]), "left_reason": "", "entry_id": record["id"],
        }  # fmt: skip
        return (Rows("expert", [row]),)
    told: dict[str, Any] = {}
    match record["kind"]:
        case "expert.changed":
            told = _expert_told(body)
        case "expert.left":
            told = {"left_on": date.fromisoformat(body["valid_to"]), "left_reason": body["reason"]}
        case "expert.noted":
            old = orjson.loads(_changed(connection, pending, "expert", key, {}).rows[0]["notes"])
            note = {"entry": record["id"], "on": body["on"], "note": body["note"]["commitment"]}
            told = {"notes": orjson.dumps([*old, note]).decode()}
    return (_changed(connection, pending, "expert", key, told),)


def _expert_told(body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": body["name"], "title": body["title"], "unit": body["unit"],
        **{name: orjson.dumps(body[name]).decode() for name in LISTS},
        "relatives": body.get("relatives", {}).get("commitment", ""), "absent_until": _date(body.get("absent_until")),
    }  # fmt: skip


def panel_rows(
    connection: Connection, row: Mapping[str, Any] | None, record: Record, pending: Pending = dict
) -> tuple[Rows, ...]:  # fmt: skip
    """The panel after an entry of its chain, with the draw or the invitation it is about. `row` is it before."""
    body, key = record["body"], {"authority_id": record["authority"]}
    at = instant(record["times"]["recorded_at"])
    if record["kind"] == "panel.opened":
        new = {**key, "id": record["chain"]["id"], "case_id": body["case"], "no": body["no"], "title": body["title"],
               "round": body["round"], "invitations": 0, "seq": record["chain"]["seq"], "opened_at": at}  # fmt: skip
        return (Rows("panel", [new]),)
    if row is None:
        raise ValueError(f"{record['kind']} without a panel")
    changed = {**row, "seq": record["chain"]["seq"]}
    if record["kind"].startswith("lot."):
        return Rows("panel", [changed]), _lot_rows(connection, record, pending)
    if record["kind"] == "panel.invited":
        changed["invitations"] = body["n"]
        return Rows("panel", [changed]), Rows("invitation", [_invitation_row(record)])
    told: dict[str, Any] = {}
    mine = {**key, "entry_id": body["of"]}
    match record["kind"]:
        case "panel.relinked" | "panel.extended":
            told = {"until": date.fromisoformat(body["until"])}
        case "panel.declared":
            told = {"state": "recused" if body["interest"] else "clear", "declared_at": at,
                    "declared": body.get("words", {}).get("commitment", "")}  # fmt: skip
        case "panel.ended":
            told = {"state": "gone", "ended_reason": body["reason"]}
        case "panel.read":
            before = orjson.loads(_changed(connection, pending, "invitation", mine, {}).rows[0]["opened"])
            told = {
                "opened": orjson.dumps(
                    [*before, {"version": body["version"], "at": record["times"]["recorded_at"]}]
                ).decode()
            }
        case "panel.filed":
            told = {"state": "filed", "filed": body["act"], "filed_at": at}
    return Rows("panel", [changed]), _changed(connection, pending, "invitation", mine, told)


def _invitation_row(record: Record) -> dict[str, Any]:
    body = record["body"]
    return {
        "authority_id": record["authority"], "entry_id": record["id"], "panel_id": record["chain"]["id"],
        **{name: body[name] for name in ("n", "name", "unit", "side", "how", "reason")}, "expert_id": body["expert"],
        "expert_no": body["expert_no"], "person_id": body["person"], "until": date.fromisoformat(body["until"]),
        "invited_by": record["actor"].get("name", ""), "invited_at": instant(record["times"]["recorded_at"]),
        "state": "invited", "declared": "", "declared_at": None, "ended_reason": "", "opened": "[]", "filed": "",
        "filed_at": None,
    }  # fmt: skip
