"""I4 当时知情: which papers of a case lay before a person at an instant, in which version, and whether they opened them.

What can be shown: that a paper was registered, that it was delivered, that its page was opened. What cannot: whether it
was read or understood, and what somebody knew from elsewhere. Where nothing but the handling of a line speaks for a
delivery, it says so (无回执).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, select, text

from decisionflow import render
from decisionflow.core import career
from decisionflow.core import procedure as law
from decisionflow.core.facts import Act, Facts, Record, act_of, instant, stamp
from decisionflow.service.authorities import Authority
from decisionflow.service.reads.moment import Basis
from decisionflow.store.tables.experts import Invitation, Panel
from decisionflow.store.tables.meetings import PaperDelivery
from decisionflow.trail import canonical

DRAFT = "draft"
_D = PaperDelivery.__table__  # type: ignore[attr-defined]
_P = Panel.__table__  # type: ignore[attr-defined]
_I = Invitation.__table__  # type: ignore[attr-defined]
_PAPERS = text("""
    select data from trail_entry where authority_id = :a and chain_kind = 'meeting' and chain_id = :m
    and kind in ('papers.delivered', 'papers.opened') order by chain_seq
""")
PROVES = "本页能证明：材料何时登记、何时送达本人、本人何时打开。"
LIMITS = (
    "不能证明：是否阅读、是否理解；也不能证明本人没有从别处（口头、纸质、别的系统）知道。"
    "打开的是整份会议材料的页面，不是每一件。"
)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a paper: `n` counts from 1; when it happened, when it was registered."""

    n: int
    sha256: str
    name: str
    at: datetime
    recorded: datetime
    late: bool
    entry: str


@dataclass(frozen=True, slots=True)
class Document:
    """A paper of the dossier, or the draft itself, with every version it ever had."""

    kind: str
    title: str
    versions: tuple[Version, ...]


@dataclass(frozen=True, slots=True)
class Receipt:
    """A version that reached a person: when, how, and when they opened it (None: no record of it)."""

    sha256: str
    at: datetime
    opened: datetime | None
    how: str


@dataclass(frozen=True, slots=True)
class Line:
    """One document as it stood to a person at an instant. `state` is known, unopened, old, missing or absent."""

    kind: str
    title: str
    mine: int
    delivered: datetime | None
    opened: datetime | None
    how: str
    newest: int
    registered: datetime | None
    state: str
    note: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a person had before them at an instant. `begun` is False where the case had not begun."""

    person: str
    name: str
    at: datetime
    basis: Basis
    begun: bool
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """Everything that the sheets of a case are made from, read once."""

    facts: Facts
    documents: tuple[Document, ...]
    acts: tuple[Act, ...]
    people: tuple[tuple[str, str], ...]


def source(
    connection: Connection, authority: Authority, procedure: law.Procedure, facts: Facts, entries: tuple[Record, ...]
) -> Source:  # fmt: skip
    """The documents and persons of a case."""
    acts = tuple(act_of(record) for record in entries if record["kind"] == "step.taken")
    people = {one.person: one.name for record in entries for one in career.places(procedure, record)}
    mine = (_D.c.authority_id == authority.id, _D.c.case_id == facts.case)
    people |= {row.person_id: row.name for row in connection.execute(select(_D.c.person_id, _D.c.name).where(*mine))}
    people |= {
        one["person_id"]: one["name"] for one in _invitations(connection, authority, facts.case) if one["person_id"]
    }
    named = tuple(sorted(people.items(), key=lambda one: (one[1], one[0])))
    return Source(facts, tuple(_documents(procedure, acts)), acts, named)


def _documents(procedure: law.Procedure, acts: Iterable[Act]) -> Iterator[Document]:
    found: dict[str, list[Version]] = {DRAFT: []}
    for act in acts:
        named = [(DRAFT, act.text.sha256, f"第 {act.text.version} 版")] if act.text else []
        named += [(paper.kind, paper.sha256, paper.name) for paper in act.papers]
        for kind, sha256, name in named:
            have = found.setdefault(kind, [])
            if sha256 not in {one.sha256 for one in have}:
                have.append(Version(len(have) + 1, sha256, name, act.at, act.recorded, act.late, act.entry))
    for kind, versions in found.items():
        title = (
            "决策草案" if kind == DRAFT else procedure.materials[kind].title if kind in procedure.materials else kind
        )
        if versions:
            yield Document(kind, title, tuple(versions))


def _invitations(connection: Connection, authority: Authority, case: str) -> list[Mapping[str, Any]]:
    joined = _I.join(_P, (_I.c.authority_id == _P.c.authority_id) & (_I.c.panel_id == _P.c.id))
    query = select(_I).select_from(joined).where(_P.c.authority_id == authority.id, _P.c.case_id == case)
    return [dict(row) for row in connection.execute(query).mappings()]


def receipts(connection: Connection, authority: Authority, of: Source, person: str) -> tuple[Receipt, ...]:
    """Everything that reached a person in a case, oldest first."""
    found = [
        *_by_meeting(connection, authority, of, person), *_by_link(connection, authority, of, person),
        *_by_handling(of, person),
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda one: one.at))


def _by_meeting(connection: Connection, authority: Authority, of: Source, person: str) -> Iterator[Receipt]:
    """Papers delivered for a meeting: the draft of that version and every paper handed in for it."""
    case = of.facts.case
    mine = (_D.c.authority_id == authority.id, _D.c.case_id == case, _D.c.person_id == person)
    for meeting in connection.execute(select(_D.c.meeting_id).where(*mine).distinct()).scalars().all():
        given: dict[int, tuple[datetime, list[str]]] = {}
        opened: dict[int, datetime] = {}
        for row in connection.execute(_PAPERS, {"a": authority.id, "m": meeting}):
            record = canonical.decode(row.data)
            body, at = record["body"], instant(record["times"]["recorded_at"])
            if record["kind"] == "papers.opened":
                if record["actor"].get("person") == person and body["case"] == case:
                    opened.setdefault(body["version"], at)
                continue
            for one in (each for each in body["to"] if each["person"] == person):
                for paper in (body["papers"][n] for n in one["items"]):
                    if paper["case"] == case:
                        given[paper["version"]] = (at, [paper["sha256"], *paper["papers"]])
        for version, (at, hashes) in given.items():
            yield from (Receipt(sha256, at, opened.get(version), "会议材料送达") for sha256 in hashes)


def _by_link(connection: Connection, authority: Authority, of: Source, person: str) -> Iterator[Receipt]:
    """The draft as an expert opened it behind their link: nothing is delivered before it is opened."""
    texts = {act.text.version: act.text.sha256 for act in of.acts if act.text}
    for row in _invitations(connection, authority, of.facts.case):
        if row["person_id"] == person:
            for one in orjson.loads(row["opened"]):
                if one["version"] in texts:
                    at = instant(one["at"])
                    yield Receipt(texts[one["version"]], at, at, "专家链接")


def _by_handling(of: Source, person: str) -> Iterator[Receipt]:
    """What a person handed in or bound an act to; and what lay in a line that they handled, without a receipt of its own."""
    for act in of.acts:
        if act.party.person != person:
            continue
        own = {paper.sha256 for paper in act.papers} | ({act.text.sha256} if act.text else set())
        yield from (Receipt(sha256, act.at, act.at, "本人提交或者依据它办理") for sha256 in sorted(own))
        before = (one for one in of.acts if one.n < act.n and one.track == act.track and one.round == act.round)
        for sha256 in {paper.sha256 for one in before for paper in one.papers} - own:
            yield Receipt(sha256, act.at, None, "随环节转交，无回执")


def sheet(
    connection: Connection, authority: Authority, of: Source, person: str, at: datetime, by: Basis
) -> Sheet:  # fmt: skip
    """What a person had before them at an instant."""
    got = [one for one in receipts(connection, authority, of, person) if one.at <= at]
    lines = tuple(line for one in of.documents if (line := _line(one, got, at, by)) is not None)
    begun = bool(of.acts) and min(act.recorded if by == "recorded" else act.at for act in of.acts) <= at
    return Sheet(person, dict(of.people).get(person, ""), at, by, begun, lines)


def _line(one: Document, got: list[Receipt], at: datetime, by: Basis) -> Line | None:
    there = [each for each in one.versions if (each.recorded if by == "recorded" else each.at) <= at]
    later = [each for each in one.versions if each not in there and each.at <= at]
    if not there and not later:
        return None
    if not there:
        first = later[0]
        note = f"当时系统内不存在；补录于 {render.moment(first.recorded)}（称发生于 {render.moment(first.at)}）"
        return Line(one.kind, one.title, 0, None, None, "", 0, None, "absent", note)
    newest = there[-1]
    known = {each.sha256: each for each in there}
    mine = [each for each in got if each.sha256 in known]
    best = max(mine, key=lambda each: (known[each.sha256].n, each.opened is not None), default=None)
    late = f"；这一版补录于 {render.moment(newest.recorded)}" if newest.late else ""
    if best is None:
        note = f"在系统内，没有送达本人的记录{late}"
        return Line(one.kind, one.title, 0, None, None, "", newest.n, newest.recorded, "missing", note)
    version = known[best.sha256].n
    same = [each for each in mine if each.sha256 == best.sha256]
    opened = min((each.opened for each in same if each.opened and each.opened <= at), default=None)
    first_at = min(each.at for each in same)
    if version < newest.n:
        state, note = (
            "old",
            f"送达的是第 {version} 版，那一刻已经换到第 {newest.n} 版（{render.moment(newest.recorded)} 登记）",
        )
    elif opened is None:
        state, note = (
            "unopened",
            "已经送达，没有打开的记录" if "无回执" not in best.how else "无回执，只有所在环节的登记",
        )
    else:
        state, note = "known", ""
    return Line(one.kind, one.title, version, first_at, opened, best.how, newest.n, newest.recorded, state, note + late)


def differs(one: Sheet, other: Sheet) -> frozenset[str]:
    """The documents that stood otherwise on the two sheets."""
    left = {line.kind: (line.mine, line.newest, line.state) for line in one.lines}
    right = {line.kind: (line.mine, line.newest, line.state) for line in other.lines}
    return frozenset(kind for kind in left.keys() | right.keys() if left.get(kind) != right.get(kind))


def as_json(one: Sheet) -> dict[str, Any]:
    """A sheet as data."""

    def said(at: datetime | None) -> str:
        return stamp(at) if at else ""

    return {
        "person": one.person, "name": one.name, "at": stamp(one.at), "basis": one.basis, "begun": one.begun,
        "documents": [
            {"kind": line.kind, "title": line.title, "version": line.mine, "delivered_at": said(line.delivered),
             "opened_at": said(line.opened), "how": line.how, "newest": line.newest, "registered_at": said(line.registered),
             "state": line.state, "note": line.note}
            for line in one.lines
        ],
        "proves": PROVES, "limits": LIMITS,
    }  # fmt: skip
