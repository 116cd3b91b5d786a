"""Who stands in an entry of a case, and as what: the person acting, and everybody whom its fields name.

Read from the entry and its procedure alone, so that the row it gives is the same whenever it is folded. Only persons of
the register count: a name without an id may be anybody's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from decisionflow.core import procedure as law
from decisionflow.core.facts import Record

ACTED, CORRECTED = "act", "correction"
KINDS = ("step.taken", "entry.corrected", "case.moved", "case.renamed")
# The choice fields by which somebody takes a side, in order; and the answers that mean being against.
SIDES = ("position", "stance", "conclusion")
AGAINST = ("disagree", "unlawful", "uncontrollable", "harm")


@dataclass(frozen=True, slots=True)
class Place:
    """One person in one entry. `role` is ``act``, ``correction``, or the field (``field.column``) that names them.

    `post` is what a row says of the post that they held, where only it knows (paper cases).
    """

    person: str
    name: str
    role: str
    stance: str = ""
    dissent: bool = False
    post: str = ""


def places(procedure: law.Procedure, record: Record) -> tuple[Place, ...]:
    """Everybody who stands in an entry, the person acting first; one place a person and role."""
    if record["kind"] not in KINDS:
        return ()
    body = record["body"]
    action = procedure.action(str(body.get("action", "")))
    values = body.get("fields", {})
    named = tuple(_named(action, values)) if action else ()
    spec = side_field(action)
    side, against = str(values.get(spec.id, "")) if spec else "", is_against(procedure, action, values)
    spoken = tuple(one for one in named if one.role == speaker_field(action))
    found: dict[tuple[str, str], Place] = {}
    actor = record["actor"]
    if actor.get("person"):
        own = side if not spoken or spoken[0].person == actor["person"] else ""
        role = CORRECTED if record["kind"] == "entry.corrected" else ACTED
        one = Place(str(actor["person"]), str(actor.get("name", "")), role, own, against and bool(own))
        found[one.person, one.role] = one
    for one in named:
        told = replace(one, stance=side, dissent=against) if one in spoken else one
        found.setdefault((one.person, one.role), told)
    return tuple(found.values())


def side_field(action: law.Action | None, role: str = "") -> law.FieldSpec | None:
    """The field of an action, or of the rows that a role names, by which somebody takes a side; None when it has none."""
    rows = action.field(role.partition(".")[0]) if action and "." in role else None
    specs = rows.columns if rows else action.fields if action else ()
    fields = {spec.id: spec for spec in specs if spec.type == "choice"}
    return next((fields[name] for name in SIDES if name in fields), None)


def is_against(procedure: law.Procedure, action: law.Action | None, values: Mapping[str, Any]) -> bool:
    """Whether an act speaks against: a side that says so, or an expert's differing view (art. 21, 30)."""
    spec = side_field(action)
    side = str(values.get(spec.id, "")) if spec else ""
    gates = (gate for gate in procedure.gates if isinstance(gate, law.WithMajority))
    voted = {answer for gate in gates if action and action.id in gate.rows.action for answer in gate.against}
    words = values.get("dissent") if action and action.panel == "opinion" else ""
    return side in AGAINST or side in voted or bool(words)


def speaker_field(action: law.Action | None) -> str:
    """The field that names whose opinion an act holds: a speaker's, an expert's, an adviser's; '' when none does."""
    people = [spec.id for spec in action.fields if spec.type == "person"] if action and side_field(action) else []
    return next((name for name in people if name in ("speaker", "expert", "adviser")), "")


def title_of(procedure: law.Procedure, action: str, role: str) -> str:
    """What a role is called: by the field that names the person, in the words of the procedure."""
    if role in (ACTED, CORRECTED):
        return {ACTED: "办理", CORRECTED: "更正"}[role]
    found = procedure.action(action)
    field, _, column = role.partition(".")
    spec = found.field(field) if found else None
    if spec is None:
        return role
    inner = next((one.title for one in spec.columns if one.id == column), "")
    return f"{spec.title}（{inner}）" if inner else spec.title


def _named(action: law.Action, values: Mapping[str, Any]) -> Iterator[Place]:
    for spec in action.fields:
        value = values.get(spec.id)
        if spec.type == "person" and isinstance(value, Mapping):
            yield from _place(value, spec.id)
        elif spec.type == "rows" and isinstance(value, list):
            for column in (one for one in spec.columns if one.type == "person"):
                for row in (
                    one for one in value if isinstance(one, Mapping) and isinstance(one.get(column.id), Mapping)
                ):
                    yield from _in_row(spec, column, row)


def _in_row(spec: law.FieldSpec, column: law.FieldSpec, row: Mapping[str, Any]) -> Iterator[Place]:
    """Somebody named in a row, with the post and the side that the row tells of them (paper cases)."""
    sides = {one.id for one in spec.columns if one.type == "choice"} & set(SIDES)
    side = next((str(row[name]) for name in SIDES if name in sides and row.get(name)), "")
    post = row.get("post")
    for one in _place(row[column.id], f"{spec.id}.{column.id}"):
        yield replace(one, stance=side, dissent=side in AGAINST, post=post if isinstance(post, str) else "")


def _place(value: Mapping[str, Any], role: str) -> Iterator[Place]:
    if value.get("id"):
        yield Place(str(value["id"]), str(value.get("name", "")), role)
