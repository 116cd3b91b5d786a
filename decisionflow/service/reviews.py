"""The desk of a legal review (arts. 25-28): a working sheet, prepared quietly, that fills in the form of the opinion.

The sheet is a draft: what is ticked, weighed and noted on it becomes a record when the opinion is signed. It belongs
to one text of the draft in one round of review. When the draft changes it can only be read; a new one may take over
the notes on paragraphs that stayed as they were, and nothing else: what was ticked is to be looked at again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import orjson
from sqlalchemy import Connection, delete, select, update

from decisionflow import paths
from decisionflow.core import fields as forms
from decisionflow.core import machine, review, texts
from decisionflow.core import procedure as law
from decisionflow.core import source as files
from decisionflow.core.facts import Facts, Text
from decisionflow.errors import BadInput, DecisionflowError, Forbidden, NotFound, Problem
from decisionflow.service import entries, permissions, procedures, steps
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority
from decisionflow.store.blobs import Blobs
from decisionflow.store.engine import Tx
from decisionflow.store.records import Rows
from decisionflow.store.tables.reviews import ReviewNote, ReviewPoint, ReviewSheet

_S = ReviewSheet.__table__  # type: ignore[attr-defined]
_N = ReviewNote.__table__  # type: ignore[attr-defined]
_P = ReviewPoint.__table__  # type: ignore[attr-defined]
MARKS = {"ok": "符合", "doubt": "存疑", "problem": "不符合", "na": "不适用"}
MOST, SHORT, KEY = 10_000, 2_000, 60
_TITLES = {"say": "问题", "basis": "依据", "advice": "修改建议", "paragraph": "段落"}


Row = TypeVar("Row", review.Item, review.Point, review.Watched, review.Milestone)


class Moved(DecisionflowError):
    """Somebody else saved the sheet meanwhile."""

    code = "stale"
    status = 412
    exit = 7


class Locked(DecisionflowError):
    """The sheet can only be read: the draft or the round is another one, or nothing is under review."""

    code = "sheet-locked"
    status = 409
    exit = 5


# ---- the shipped file --------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def shipped() -> review.ReviewFile:
    """The points that come with the product, checked against the procedure they are for. Raises BadInput."""
    return read_points(paths.WORKFLOWS / "review-points.yaml")


def read_points(path: Path) -> review.ReviewFile:
    """A file of review points. Raises BadInput, NotFound."""
    source = files.read(path.read_text("utf-8"), str(path))
    name = str(source.data["procedure"]) if isinstance(source.data, dict) and "procedure" in source.data else ""
    return review.read(source, procedures.find(name))


def act_of(procedure: law.Procedure, role: str) -> law.Action | None:
    """The act that is this to a legal review; None when the procedure has none."""
    return procedure.action(getattr(shipped().acts, role))


def paper(action: law.Action) -> str:
    """The material that the concluding act must bring along; '' when it needs none."""
    return next((paper.kind for paper in action.materials if paper.required), "")


def applying(procedure: law.Procedure, rows: Iterable[Row]) -> tuple[Row, ...]:
    """Those that rest on rules, papers and lines which a procedure knows: an older or a neighbouring one has fewer."""
    return tuple(row for row in rows if set(row.rules) <= set(procedure.rules) and _known(procedure, row))


def _known(procedure: law.Procedure, row: Row) -> bool:
    if not isinstance(row, review.Item):
        return True
    paper, track = row.paper in ("", *procedure.materials), row.track in ("", *procedure.tracks)
    return paper and track


def track_of(procedure: law.Procedure) -> str:
    """The line on which a procedure reviews legality by opinions with three heads; '' when it has none."""
    action = act_of(procedure, "conclude")
    return action.track if action and all(action.field(head) for head in review.HEADS) else ""


# ---- the desk ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Desk:
    """A case's legal review and who looks at it; `works` when they may prepare it, not only read.

    `apart` says what they did in this matter before, for which they must keep out of its review.
    """

    authority: Authority
    actor: Actor
    standing: steps.Standing
    action: law.Action
    works: bool
    apart: str = ""

    @property
    def facts(self) -> Facts:
        return self.standing.facts

    @property
    def procedure(self) -> law.Procedure:
        return self.standing.procedure

    @property
    def stage(self) -> str:
        """Where the review stands."""
        return self.facts.stages[self.action.track]

    @property
    def round(self) -> int:
        return self.facts.rounds[self.action.track]

    @property
    def open(self) -> bool:
        """Whether something is under review now."""
        track = self.procedure.tracks[self.action.track]
        return self.stage not in track.done and self.stage != track.initial

    @property
    def fields(self) -> tuple[law.FieldSpec, ...]:
        """What the sheet asks for: the fields of the opinion that a person words or chooses."""
        return tuple(spec for spec in self.action.fields if spec.type in ("choice", "long"))

    def offered(self, role: str) -> law.Action | None:
        """The act of a role if the case stands where it may be taken."""
        action = act_of(self.procedure, role)
        return action if action in machine.offered(self.procedure, self.facts.stages) else None


def desk(connection: Connection, authority: Authority, actor: Actor, no: str) -> Desk:
    """The desk of a case. Raises NotFound, Forbidden."""
    standing = steps.visible(connection, authority, actor, no)
    action = act_of(standing.procedure, "conclude")
    if action is None or not track_of(standing.procedure):
        raise NotFound(f"no legal review in {standing.procedure.name}", say="本事项的程序没有合法性审查台可用的环节")
    if not permissions.may_read_review(actor, standing.procedure, standing.facts, action):
        raise Forbidden("may not read the sheet", say="审查底稿只有合法性审查部门和监督岗位可以看；出具的意见在案卷里")
    apart = barred(standing.procedure, standing.facts).get(actor.person, "")
    works = not apart and permissions.may_review(actor, standing.procedure, standing.facts, action)
    return Desk(authority, actor, standing, action, works, apart)


def packet_acts(at: Desk) -> tuple[Any, ...]:
    """The acts by which the packet came, in this round."""
    acts = shipped().acts
    return at.facts.current((acts.send, acts.supplement))


def times(at: Desk, role: str) -> int:
    """How often the act of a role was taken in this round."""
    return len(at.facts.current((getattr(shipped().acts, role),)))


def barred(procedure: law.Procedure, facts: Facts) -> dict[str, str]:
    """Who cannot be the reviewer, by person: those who took an act that the interest check of the assignment names."""
    found: dict[str, str] = {}
    names: set[str] = set()
    for role in ("accept", "assign"):
        action = act_of(procedure, role)
        for gate in procedure.gates_of(action) if action else ():
            names |= set(gate.actions) if isinstance(gate, law.NamedTookNone) else set()
    for act in facts.acts:
        if act.action in names:
            found.setdefault(act.party.person, act.title)
    return found


def reviewer(at: Desk) -> str:
    """Who is assigned, by the newest act that says so; '' when nobody is."""
    acts = shipped().acts
    for act in reversed(at.facts.current((acts.accept, acts.assign))):
        named = act.fields.get("reviewer")
        if isinstance(named, Mapping) and named.get("name"):
            return str(named["name"])
    return ""


# ---- the sheet ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sheet:
    """A working sheet as it lies: what is typed (`values`), ticked (`marks`) and remarked, by key."""

    id: str
    round: int
    text_digest: str
    version: int
    values: Mapping[str, str]
    marks: Mapping[str, str]
    remarks: Mapping[str, str]
    person_name: str
    saved_at: datetime


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody saves on a sheet."""

    values: Mapping[str, str]
    marks: Mapping[str, str]
    remarks: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Note:
    """What is said of a paragraph."""

    paragraph: str
    say: str
    basis: str = ""
    advice: str = ""


def sheet(connection: Connection, at: Desk) -> Sheet | None:
    """The newest sheet of a case."""
    query = select(_S).where(_S.c.authority_id == at.authority.id, _S.c.case_id == at.facts.case)
    row = connection.execute(query.order_by(_S.c.id.desc())).mappings().first()
    return _sheet(dict(row)) if row else None


def locked(at: Desk, one: Sheet) -> str:
    """Why a sheet can only be read now; '' when it can be written."""
    if at.apart:
        return f"您办理过“{at.apart}”：起草、会签、送审的人不作审查，可以看，不能改"
    if not at.works:
        return "您可以看，不能改"
    if not at.open:
        return "现在没有在审查的送审件，底稿只供查看"
    if one.round != at.round:
        return "这份底稿属于上一次送审，只供查看；请为这次送审新建底稿"
    if at.facts.text is None or one.text_digest != at.facts.text.sha256:
        return "草案换了文本，这份底稿只供查看；请新建底稿，未改动各段的批注可以带过去"
    return ""


def start(tx: Tx, blobs: Blobs, at: Desk, now: datetime) -> str:
    """The sheet for the text and round as they stand, begun if there is none; its id. Raises Locked.

    Notes on paragraphs that read the same in the new text are taken over from the sheet before.
    """
    text = _text(at)
    if not at.works or not at.open:
        raise Locked("nothing under review", say="没有在审查的送审件，不用建底稿" if at.works else "您可以看，不能改")
    tx.alone(f"review:{at.facts.case}")
    before = sheet(tx.connection, at)
    if before and before.round == at.round and before.text_digest == text.sha256:
        return before.id
    row = {
        "authority_id": at.authority.id, "id": entries.new_id(now), "case_id": at.facts.case, "round": at.round,
        "text_digest": text.sha256, "body": _body(Typed({}, {}, {})), "version": 1, "person_id": at.actor.person,
        "person_name": at.actor.name, "started_at": now, "saved_at": now,
    }  # fmt: skip
    tx.put(Rows("review_sheet", [row], "insert"))
    if before:
        same = _unchanged(blobs, before.text_digest, text.sha256)
        kept = [one for one in notes(tx.connection, at, before.id) if one["paragraph"] in same]
        carried = [{**one, "id": entries.new_id(now), "sheet_id": row["id"], "carried": True} for one in kept]
        if carried:
            tx.put(Rows("review_note", carried, "insert"))
    return str(row["id"])


def save(tx: Tx, at: Desk, one: str, version: int, given: Typed, now: datetime) -> int:
    """Keep what is typed and ticked; the new version. Raises BadInput, Moved, Locked, NotFound."""
    old = _writable(tx.connection, at, one)
    clean = _checked(at, given)
    changed = tx.execute(
        update(_S)
        .where(_S.c.authority_id == at.authority.id, _S.c.id == one, _S.c.version == version)
        .values(
            body=_body(clean), version=version + 1, person_id=at.actor.person, person_name=at.actor.name, saved_at=now
        )
    )
    if changed.rowcount != 1:
        raise Moved(f"sheet {one} moved on", say=f"{old.person_name}刚刚保存过这份底稿，请看过现在的内容再保存")
    return version + 1


def _checked(at: Desk, given: Typed) -> Typed:
    problems, values = [], {}
    for spec in at.fields:
        words = given.values.get(spec.id, "")
        if spec.type == "choice":
            if words and words not in spec.choices:
                problems.append(
                    Problem(spec.id, f"“{spec.title}”只能是：{'、'.join(spec.choices.values())}", rule="choice")
                )
            values[spec.id] = words
            continue
        values[spec.id] = _clean(spec.id, spec.title, words, MOST, problems)
    for name in (*given.marks, *given.remarks):
        if name.partition(".")[0] not in ("line", "point", "own") or len(name) > KEY:
            problems.append(Problem("", f"底稿上没有“{name[:KEY]}”这一项", rule="unknown-field"))
    for name, mark in given.marks.items():
        if mark and mark not in MARKS:
            problems.append(Problem(name, f"核对结果只能是：{'、'.join(MARKS.values())}", rule="choice"))
    remarks = {name: _clean(name, "说明", words, SHORT, problems) for name, words in given.remarks.items()}
    if problems:
        raise BadInput(problems)
    kept = {name: words for name, words in values.items() if words}
    marks = {name: mark for name, mark in given.marks.items() if mark}
    return Typed(kept, marks, {name: words for name, words in remarks.items() if words})


def _clean(place: str, title: str, words: str, most: int, problems: list[Problem]) -> str:
    try:
        clean = forms.clean(words, lines=True)
    except ValueError as fault:
        problems.append(Problem(place, f"“{title}”{fault}", rule="text"))
        return ""
    if len(clean) > most:
        problems.append(Problem(place, f"“{title}”太长：{len(clean)}字，最多{most}字", rule="text"))
    return clean


def _writable(connection: Connection, at: Desk, one: str) -> Sheet:
    row = connection.execute(
        select(_S).where(_S.c.authority_id == at.authority.id, _S.c.id == one, _S.c.case_id == at.facts.case)
    ).mappings().first()  # fmt: skip
    if row is None:
        raise NotFound(f"no sheet {one!r}", say="没有这份底稿")
    found = _sheet(dict(row))
    if why := locked(at, found):
        raise Locked(f"sheet {one} is for reading", say=why)
    return found


def _sheet(row: Mapping[str, Any]) -> Sheet:
    body = orjson.loads(row["body"])
    return Sheet(row["id"], row["round"], row["text_digest"], row["version"], body["values"], body["marks"],
                 body["remarks"], row["person_name"], row["saved_at"])  # fmt: skip


def _body(given: Typed) -> str:
    body = {"values": dict(given.values), "marks": dict(given.marks), "remarks": dict(given.remarks)}
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS).decode()


def _text(at: Desk) -> Text:
    if at.facts.text is None:
        raise Locked("no draft", say="还没有草案文本，不能建底稿")
    return at.facts.text


def _unchanged(blobs: Blobs, old: str, new: str) -> set[str]:
    rows = texts.differences(texts.load(blobs.get(old)), texts.load(blobs.get(new)))
    return {row.id for row in rows if row.change == "same"}


# ---- notes on paragraphs -------------------------------------------------------------------------------------


def notes(connection: Connection, at: Desk, one: str) -> list[dict[str, Any]]:
    """The notes of a sheet, as they were written."""
    query = (
        select(_N).where(_N.c.authority_id == at.authority.id, _N.c.sheet_id == one).order_by(_N.c.saved_at, _N.c.id)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def note(tx: Tx, blobs: Blobs, at: Desk, one: str, given: Note, now: datetime) -> str:
    """Say something of a paragraph of the draft; the note's id. Raises BadInput, Locked, NotFound."""
    old = _writable(tx.connection, at, one)
    problems: list[Problem] = []
    words = {
        name: _clean(name, _TITLES[name], getattr(given, name), SHORT, problems) for name in ("say", "basis", "advice")
    }
    known = {paragraph.id for paragraph in texts.load(blobs.get(old.text_digest)).paragraphs}
    if given.paragraph not in known:
        problems.append(Problem("paragraph", "请选择草案的一段", rule="choice"))
    if not words["say"] and not problems:
        problems.append(Problem("say", "请写明这一段有什么问题", rule="required"))
    if len(notes(tx.connection, at, one)) >= forms.MAX_ROWS:
        problems.append(Problem("say", f"批注最多 {forms.MAX_ROWS} 条", rule="too-many"))
    if problems:
        raise BadInput(problems)
    row = {
        "authority_id": at.authority.id, "id": entries.new_id(now), "sheet_id": one, "paragraph": given.paragraph,
        "carried": False, "person_id": at.actor.person, "person_name": at.actor.name, "saved_at": now, **words,
    }  # fmt: skip
    tx.put(Rows("review_note", [row], "insert"))
    return str(row["id"])


def drop_note(tx: Tx, at: Desk, one: str, name: str) -> None:
    """Take a note back. Raises NotFound, Locked."""
    _writable(tx.connection, at, one)
    where = _N.c.authority_id == at.authority.id, _N.c.sheet_id == one, _N.c.id == name
    if tx.execute(delete(_N).where(*where)).rowcount != 1:
        raise NotFound(f"no note {name!r}", say="没有这条批注，可能已经删去")


# ---- the bureau's own points ---------------------------------------------------------------------------------


def own_points(connection: Connection, at: Desk) -> list[dict[str, Any]]:
    """The bureau's own points that apply to this matter."""
    query = select(_P).where(_P.c.authority_id == at.authority.id).order_by(_P.c.id)
    klass = str(at.facts.matter.get("class", ""))
    return [dict(row) for row in connection.execute(query).mappings() if row["klass"] in ("", klass)]


def add_point(tx: Tx, at: Desk, head: str, say: str, basis: str, klass: str, now: datetime) -> str:
    """A point of the bureau's own, for every later review; its id. Raises BadInput, Forbidden."""
    if not at.works:
        raise Forbidden("may not add points", say="审查要点由合法性审查部门增加")
    problems: list[Problem] = []
    words = {
        "say": _clean("point_say", "要点", say, 300, problems),
        "basis": _clean("point_basis", "依据", basis, 300, problems),
    }
    if head not in review.HEADS:
        problems.append(Problem("point_head", f"请选择属于哪一项：{'、'.join(review.HEADS.values())}", rule="choice"))
    if not words["say"] and not problems:
        problems.append(Problem("point_say", "请写明要点", rule="required"))
    kinds = next((set(spec.choices) for spec in at.procedure.matter if spec.id == "class"), set())
    if klass and klass not in kinds:
        problems.append(Problem("point_klass", "没有这一类事项", rule="choice"))
    if any(row["head"] == head and row["say"] == words["say"] for row in own_points(tx.connection, at)):
        problems.append(Problem("point_say", "已有这个要点", rule="doubled"))
    if problems:
        raise BadInput(problems)
    row = {"authority_id": at.authority.id, "id": entries.new_id(now), "head": head, "klass": klass, "person_id": at.actor.person,
           "person_name": at.actor.name, "added_at": now, **words}  # fmt: skip
    tx.put(Rows("review_point", [row], "insert"))
    return str(row["id"])


def drop_point(tx: Tx, at: Desk, name: str) -> None:
    """Give up one of the bureau's own points; opinions that were signed keep it. Raises NotFound, Forbidden."""
    if not at.works:
        raise Forbidden("may not drop points", say="审查要点由合法性审查部门增减")
    if tx.execute(delete(_P).where(_P.c.authority_id == at.authority.id, _P.c.id == name)).rowcount != 1:
        raise NotFound(f"no point {name!r}", say="没有这个要点，可能已经删去")


# ---- signing -------------------------------------------------------------------------------------------------


def opinion(
    connection: Connection, blobs: Blobs, at: Desk, one: Sheet, looked_at: Sequence[tuple[str, str, str]]
) -> dict[str, Any]:  # fmt: skip
    """The fields of the concluding act as the sheet stands. `looked_at`: head, key and words of all that was to be ticked.

    A reason that nobody typed is put together from what was ticked under its head, with the remarks.
    """
    values: dict[str, Any] = dict(one.values)
    for head in review.HEADS:
        name = f"{head}_reason"
        if not values.get(name) and at.action.field(name):
            said = [_said(words, one, key) for under, key, words in looked_at if under == head and key in one.marks]
            values[name] = "\n".join(said)
    numbered = {p.id: n for n, p in enumerate(texts.load(blobs.get(one.text_digest)).paragraphs, 1)}
    rows = [
        {
            "paragraph": f"第{numbered[row['paragraph']]}段",
            "say": row["say"],
            "basis": row["basis"],
            "advice": row["advice"],
        }
        for row in sorted(notes(connection, at, one.id), key=lambda row: (numbered.get(row["paragraph"], 0), row["id"]))
        if row["paragraph"] in numbered
    ]
    values["findings"] = [{name: words for name, words in row.items() if words} for row in rows]
    if name := reviewer(at):
        values["reviewer"] = name
    return {name: words for name, words in values.items() if words and at.action.field(name)}


def _said(words: str, one: Sheet, key: str) -> str:
    remark = one.remarks.get(key, "")
    return f"{words}：{MARKS[one.marks[key]]}" + (f"。{remark}" if remark else "")
