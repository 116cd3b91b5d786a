"""Forms out of the field list of an action, and back: what is shown, what was typed, what it means.

Names on the wire: ``<field>``, ``<field>.<row>.<column>``, several of one name for `choices`; ours have a
prefix that no field can have (``paper.<kind>``, ``text.…``, ``late.…``, ``act.…``) or stand in RESERVED.
This door gives Shanghai's offset to the naive times that browsers send; everything else is judged by
`core.fields`, which every door comes through.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from starlette.datastructures import FormData, UploadFile

from decisionflow import render
from decisionflow.core import conditions
from decisionflow.core.procedure import FieldSpec
from decisionflow.errors import Problem
from decisionflow.service.reads import form as reads
from decisionflow.service.reads import wording
from decisionflow.service.reads.form import Option, Sheet
from decisionflow.service.staging import File

RESERVED = frozenset({"csrf", "key", "add_row", "remove_row"})
_OURS = re.compile(r"(act|paper|text|late)\.[a-z0-9_]+")
_CELL = re.compile(r"([a-z][a-z0-9_]*)\.(\d{1,6})\.([a-z][a-z0-9_]*)")
_HASH = re.compile(r"[0-9a-f]{64}")
_NAIVE = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?")
_WIDE_DIGITS = str.maketrans("０１２３４５６７８９．，－", "0123456789.,-")
_NAMED = ("unit", "post", "person")
JUDGED_TOGETHER = 3  # so many judgements of the matter in a row get a heading of their own


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer among others."""

    value: str
    title: str


@dataclass(frozen=True, slots=True)
class FormField:
    """One question of a form, as the macros draw it."""

    id: str
    title: str
    type: str
    required: bool = False
    help: str = ""
    choices: tuple[Choice, ...] = ()
    value: Any = ""
    error: str = ""
    columns: tuple[FormField, ...] = ()
    rows: tuple[Mapping[str, Any], ...] = ()
    row_errors: tuple[Mapping[str, str], ...] = ()
    cite_text: str = ""
    max_length: int | None = None
    personal: bool = False
    suffix: str = ""
    mark: str = ""
    list: str = ""
    height: int = 5
    wide: bool = False
    inline: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """Fields that stand together; with a `fold` they stay closed until somebody needs them."""

    fields: tuple[FormField, ...]
    fold: str = ""
    open: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """A part of a form under its own heading."""

    title: str
    lead: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """A file that is already here: its hash, what to call it, and the hash's first characters."""

    sha256: str
    words: str
    mark: str


@dataclass(frozen=True, slots=True)
class PaperField:
    """A place for a paper, with the files it may be filled from. `draft` says which text stands for the draft itself."""

    field: FormField
    held: tuple[Held, ...] = ()
    none: bool = True
    is_text: bool = False
    draft: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One answer as the check page shows it."""

    id: str
    term: str
    text: str
    personal: bool = False
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(slots=True)
class Typed:
    """What was typed, exactly: strings, lists of strings, rows of strings; files by hash."""

    values: dict[str, Any] = field(default_factory=dict)
    papers: dict[str, str] = field(default_factory=dict)
    text: dict[str, str] = field(default_factory=dict)
    late: dict[str, str] = field(default_factory=dict)
    uploads: list[tuple[str, UploadFile]] = field(default_factory=list)

    def put(self, place: str, sha256: str) -> None:
        """Set the file of a place."""
        head, _, rest = place.partition(".")
        if head == "paper":
            self.papers[rest] = sha256
        elif head == "text":
            self.text[rest] = sha256
        elif rest:
            row, _, column = rest.partition(".")
            self.values[head][int(row)][column] = sha256
        else:
            self.values[head] = sha256

    def trim(self) -> None:
        """Drop rows in which nothing stands."""
        for name, value in self.values.items():
            if isinstance(value, list):
                self.values[name] = [item for item in value if not isinstance(item, dict) or any(item.values())]

    def open_pairs(self, specs: Sequence[FieldSpec]) -> list[tuple[str, str]]:
        """The pairs that may be kept for later: nothing personal."""
        personal = {spec.id for spec in specs if spec.personal}
        columns = {(spec.id, column.id) for spec in specs for column in spec.columns if column.personal}
        kept = []
        for name, value in self.pairs():
            cell = _CELL.fullmatch(name)
            if name not in personal and not (cell and (cell[1], cell[3]) in columns):
                kept.append((name, value))
        return kept

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Names and values as a page carries them on."""
        for name, value in self.values.items():
            if not isinstance(value, list):
                yield name, value
                continue
            for n, item in enumerate(value):
                cells = (
                    {f"{name}.{n}.{key}": cell for key, cell in item.items()}
                    if isinstance(item, dict)
                    else {name: item}
                )
                for key, cell in cells.items():
                    yield from ((key, one) for one in (cell if isinstance(cell, list) else [cell]))
        for prefix, some in (("paper", self.papers), ("text", self.text), ("late", self.late)):
            yield from ((f"{prefix}.{key}", one) for key, one in some.items())


def typed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as somebody would have typed them, for a form that starts filled in."""
    return {
        name: [{key: str(cell) for key, cell in row.items()} for row in value]
        if isinstance(value, list)
        else str(value)
        for name, value in values.items()
    }


# ---- from the wire ---------------------------------------------------------------------------------------


def parse(form: FormData, specs: Sequence[FieldSpec]) -> Typed:
    """What a posted form says. Names that no field has stay in `values`, so that the reader refuses them."""
    typed, known = Typed(), {spec.id: spec for spec in specs}
    cells: dict[str, dict[int, dict[str, Any]]] = {}
    files: list[tuple[str, UploadFile]] = []
    for name, given in form.multi_items():
        if isinstance(given, UploadFile):
            if not given.filename:
                continue
            files.append((name, given))
            value = ""
        else:
            value = given.replace("\r\n", "\n").replace("\r", "\n")
        if name in RESERVED:
            continue
        if _OURS.fullmatch(name):
            head, _, rest = name.partition(".")
            is_file = head == "paper" or name == "text.file"
            if (
                head != "act"
                and not isinstance(given, UploadFile)
                and (not is_file or _HASH.fullmatch(value) or not value)
            ):
                getattr(typed, {"paper": "papers"}.get(head, head))[rest] = value
        elif (found := _CELL.fullmatch(name)) and found[1] in known and known[found[1]].type == "rows":
            cell = cells.setdefault(found[1], {}).setdefault(int(found[2]), {})
            _put(cell, found[3], _column(known[found[1]], found[3]), value)
        else:
            _put(typed.values, name, known.get(name), value)
    places = {name: {n: place for place, n in enumerate(sorted(rows))} for name, rows in cells.items()}
    typed.values |= {name: [rows[n] for n in sorted(rows)] for name, rows in cells.items()}
    typed.uploads = [(_compact(name, places), upload) for name, upload in files]
    return typed


def _put(into: dict[str, Any], name: str, spec: FieldSpec | None, value: str) -> None:
    if spec is not None and spec.type == "choices":
        into[name] = [*into.get(name, []), *([value] if value else [])]
    elif spec is not None and spec.type == "file":
        into[name] = value if _HASH.fullmatch(value) else into.get(name, "")
    else:
        into[name] = value


def _column(spec: FieldSpec, name: str) -> FieldSpec | None:
    return next((column for column in spec.columns if column.id == name), None)


def _compact(name: str, places: Mapping[str, Mapping[int, int]]) -> str:
    found = _CELL.fullmatch(name)
    if found and found[1] in places:
        return f"{found[1]}.{places[found[1]][int(found[2])]}.{found[3]}"
    return name


def takes_file(place: str, specs: Sequence[FieldSpec], kinds: Iterable[str]) -> bool:
    """Whether a place of this form is one for a file."""
    if place == "text.file":
        return True
    if place.startswith("paper."):
        return place.removeprefix("paper.") in set(kinds)
    name, _, rest = place.partition(".")
    spec = next((one for one in specs if one.id == name), None)
    if spec is not None and spec.type == "rows":
        spec = _column(spec, rest.partition(".")[2])
    return spec is not None and spec.type == "file"


def reshape(typed: Typed, form: FormData, specs: Sequence[FieldSpec]) -> bool:
    """Do what a button beside rows asks: one more, or one less. False when none was pressed."""
    more, less = form.get("add_row"), form.get("remove_row")
    names = {spec.id for spec in specs if spec.type == "rows"}
    if isinstance(more, str) and more in names:
        typed.values[more] = [*typed.values.get(more, [{}]), {}]
        return True
    if isinstance(less, str):
        name, _, row = less.partition(".")
        rows = typed.values.get(name, [])
        if name in names and row.isdecimal() and int(row) < len(rows):
            typed.values[name] = [one for n, one in enumerate(rows) if n != int(row)]
        return True
    return False


def hashes(typed: Typed, specs: Sequence[FieldSpec]) -> set[str]:
    """Every file that the form names."""
    found = {sha256 for sha256 in (*typed.papers.values(), typed.text.get("file", "")) if sha256}
    for spec in specs:
        value = typed.values.get(spec.id)
        if spec.type == "file" and value:
            found.add(str(value))
        if spec.type == "rows" and isinstance(value, list):
            columns = [column.id for column in spec.columns if column.type == "file"]
            found |= {str(row[name]) for row in value for name in columns if row.get(name)}
    return found


def instant(text: str) -> str:
    """The time a browser sent, Shanghai's offset added when it is naive."""
    text = text.strip()
    return text.replace(" ", "T") + "+08:00" if _NAIVE.fullmatch(text) else text


def happened(typed: Typed) -> datetime | None:
    """When a late entry says that the act happened. Raises ValueError in Chinese."""
    given = typed.late.get("at", "")
    if not given.strip():
        return None
    try:
        at = datetime.fromisoformat(instant(given))
    except ValueError as fault:
        raise ValueError("“发生时间”应写作 2024-03-01T09:00 这样的日期和时间") from fault
    if at.tzinfo is None:
        raise ValueError("“发生时间”请写明几点几分，如 2024-03-01T09:00")
    return at


def raw(
    typed: Typed, specs: Sequence[FieldSpec], files: Mapping[str, File], offered: Mapping[str, Sequence[Option]]
) -> dict[str, Any]:  # fmt: skip
    """The mapping that `core.fields.read` takes."""
    ids = {kind: {one.value: one.id for one in some} for kind, some in offered.items()}
    return _record(typed.values, specs, files, ids)


def _record(
    values: Mapping[str, Any], specs: Sequence[FieldSpec], files: Mapping[str, File], ids: Mapping[str, Mapping[str, str]]
) -> dict[str, Any]:  # fmt: skip
    known = {spec.id: spec for spec in specs}
    found: dict[str, Any] = {}
    for name, value in values.items():
        spec = known.get(name)
        if spec is None or not conditions.filled(value):
            found |= {name: value} if conditions.filled(value) else {}
        elif spec.type == "rows":
            found[name] = (
                [_record(row, spec.columns, files, ids) for row in value] if isinstance(value, list) else value
            )
        else:
            found[name] = _meant(spec, value, files, ids)
    return found


def _meant(spec: FieldSpec, value: Any, files: Mapping[str, File], ids: Mapping[str, Mapping[str, str]]) -> Any:
    if spec.type == "instant":
        return instant(value)
    if spec.type in ("number", "money", "date"):
        return str(value).strip().translate(_WIDE_DIGITS)
    if spec.type in _NAMED:
        return ids.get(spec.type, {}).get(value.strip(), value)
    if spec.type == "file":
        return files[value].value if value in files else {"sha256": ""}
    return value


# ---- onto the page ---------------------------------------------------------------------------------------


class Drawing:
    """What a form is drawn from: the sheet, what was typed, what was wrong with it, and what is offered."""

    def __init__(
        self, at: Sheet, typed: Typed, errors: Mapping[str, str], files: Mapping[str, File],
        offered: Mapping[str, Sequence[Option]], needed: frozenset[str] = frozenset(),
    ) -> None:  # fmt: skip
        self.at, self.typed, self.errors, self.files, self.offered, self.needed = (
            at,
            typed,
            errors,
            files,
            offered,
            needed,
        )
        self._floors = {one.field: f"{one.when}。" for one in reads.asked(at) if one.when}
        self._demanded = reads.demanded(at)

    def groups(self) -> tuple[Group, ...]:
        """The fields of the action in their order, judgements of the matter under a heading of their own."""
        specs = self.at.action.fields
        runs = [(judged, list(run)) for judged, run in groupby(specs, lambda spec: spec.id in self.at.action.sets)]
        found: list[tuple[str, str, list[FieldSpec]]] = []
        for judged, run in runs:
            if judged and len(run) >= JUDGED_TOGETHER:
                found.append(
                    (
                        "对事项的判断",
                        "判断决定要走哪些环节。判断的人、时间和理由都会记录，以后可以带理由重新判断。",
                        run,
                    )
                )
            elif found:
                found[-1][2].extend(run)
            else:
                found.append(("办理内容", "", run))
        return tuple(Group(title, lead, tuple(self._blocks(run))) for title, lead, run in found)

    def _blocks(self, specs: Sequence[FieldSpec]) -> Iterator[Block]:
        excuses = reads.excuses(self.at)

        def gate_of(spec: FieldSpec) -> str:
            return excuses[spec.id].id if spec.id in excuses else ""

        for gate, run in groupby(specs, gate_of):
            fields = tuple(self.field(spec) for spec in run)
            opened = any(one.error or conditions.filled(one.value) or one.id in self.needed for one in fields)
            yield Block(fields, excuses[fields[0].id].say if gate else "", opened)

    def field(self, spec: FieldSpec) -> FormField:
        """One field of the action."""
        value = self.typed.values.get(spec.id, "")
        rows: tuple[Any, ...] = tuple(value) if spec.type == "rows" and isinstance(value, list) else ()
        required = spec.required or spec.id in self._demanded
        blank: tuple[Any, ...] = ({},) if required else ()
        help_ = [
            spec.help,
            f"现为：{now}。" if (now := reads.now_is(self.at, spec.id)) else "",
            self._floors.get(spec.id, ""),
        ]
        choices = self._choices(spec)
        return FormField(
            id=spec.id, title=spec.title, required=required, personal=spec.personal,
            type="reference" if choices and spec.type == "text" else {"long": "longtext"}.get(spec.type, spec.type),
            help=" ".join(filter(None, help_)), choices=choices, error=self.errors.get(spec.id, ""),
            value=self._held(value) if spec.type == "file" else value, cite_text=reads.cite_of(self.at, spec.rules),
            max_length=None if choices else spec.max_length, mark=self._mark(spec),
            columns=tuple(self._cell(spec, column) for column in spec.columns),
            rows=tuple(self._row(spec, row) for row in (rows or blank)),
            row_errors=tuple(self._row_errors(spec, n) for n in range(max(len(rows), 1))),
            list=f"list-{spec.type}" if self.offered.get(spec.type) else "", height=5 if required else 3,
            wide=_is_wide(spec), inline=spec.type == "flag" and spec.id in self.at.action.sets,
        )  # fmt: skip

    def _mark(self, spec: FieldSpec) -> str:
        return f"{reads.when_words(self.at, spec.required_when)}必填" if spec.required_when else ""

    def _cell(self, spec: FieldSpec, column: FieldSpec) -> FormField:
        return FormField(
            f"{spec.id}.{column.id}", column.title, {"long": "longtext"}.get(column.type, column.type), column.required,
            column.help, choices=self._choices(column), max_length=column.max_length, personal=column.personal,
            list=f"list-{column.type}" if self.offered.get(column.type) else "", height=2,
        )  # fmt: skip

    def _choices(self, spec: FieldSpec) -> tuple[Choice, ...]:
        if spec.choices:
            return tuple(Choice(value, title) for value, title in spec.choices.items())
        if spec.id in ("from_text", "to_text") and reads.confirms_texts(self.at):
            return tuple(Choice(digest, words) for digest, words in reads.versions(self.at))
        return ()

    def _row(self, spec: FieldSpec, row: Mapping[str, Any]) -> Mapping[str, Any]:
        files = {column.id for column in spec.columns if column.type == "file"}
        return {name: self._held(cell) if name in files else cell for name, cell in row.items()}

    def _row_errors(self, spec: FieldSpec, n: int) -> Mapping[str, str]:
        return {column.id: self.errors.get(f"{spec.id}.{n}.{column.id}", "") for column in spec.columns}

    def _held(self, value: Any) -> Any:
        file = self.files.get(str(value))
        return {"sha256": file.sha256, "name": file.name, "size": render.size(file.size)} if file else ""

    def papers(self) -> tuple[PaperField, ...]:
        """The papers of the action; the draft itself is no upload."""
        return tuple(self._paper(slot) for slot in reads.slots(self.at))

    def _paper(self, slot: reads.Slot) -> PaperField:
        name, chosen = f"paper.{slot.kind}", self.typed.papers.get(slot.kind)
        held = []
        if chosen and chosen in self.files and not (slot.on_file and slot.on_file.sha256 == chosen):
            held.append(_held("刚才上传", self.files[chosen]))
        if slot.on_file:
            held.append(_held(f"沿用卷内的（{slot.on_file_since}）", slot.on_file))
        if chosen is None and slot.on_file and slot.required:
            chosen = slot.on_file.sha256
        drawn = FormField(name, slot.title, "file", slot.required, cite_text=slot.cite, value=chosen or "",
                          error=self.errors.get(name, ""), mark=slot.note)  # fmt: skip
        draft = f"第 {slot.text.version} 版《{slot.text.title}》" if slot.text else ""
        return PaperField(drawn, tuple(held), not (slot.required and slot.on_file), slot.is_text, draft)

    def ours(self, prefix: str, name: str, title: str, kind: str, **more: Any) -> FormField:
        """A field that every form has: of the draft's text, or of a late entry."""
        some: dict[str, str] = getattr(self.typed, prefix)
        value = some.get(name, "")
        return FormField(
            f"{prefix}.{name}", title, kind, value=self._held(value) if kind == "file" else value,
            error=self.errors.get(f"{prefix}.{name}", ""), **more,
        )  # fmt: skip


def _held(since: str, file: File) -> Held:
    return Held(file.sha256, f"{since}：{file.name}（{render.size(file.size)}）", file.sha256[:8])


def _is_wide(spec: FieldSpec) -> bool:
    """Whether rows are too wide for a table: then each row is a card."""
    weights = {"long": 3, "text": 2, "unit": 2, "person": 2, "post": 2, "file": 3, "reference": 2}
    return sum(weights.get(column.type, 1) for column in spec.columns) > 7


# ---- what was wrong ----------------------------------------------------------------------------------------


_PLACES = {"text.paragraphs": "text.body", "happened_at": "late.at"}


def errors(problems: Iterable[Problem], at: Sheet) -> dict[str, str]:
    """Each fault by the id of its field, the first one a field; '' for those of the whole form."""
    found: dict[str, str] = {}
    for problem in problems:
        place = re.sub(r"\[(\d+)\]", r".\1", _PLACES.get(problem.place, problem.place))
        known = problem.rule in at.procedure.rules
        cite = reads.cite_of(at, [problem.rule]) if known else ""
        say = problem.say + (f"（{cite}）" if cite else "")
        found.setdefault(place, say)
    return found


def summary(found: Mapping[str, str], groups: Sequence[Group], papers: Sequence[PaperField]) -> list[dict[str, str]]:
    """The error summary in the order of the page, each line with the place it leads to."""
    drawn = [one for group in groups for block in group.blocks for one in block.fields]
    order: list[str] = []
    titles: dict[str, str] = {}
    for one in drawn:
        order.append(one.id)
        for n in range(len(one.rows)):
            order += [f"{one.id}.{n}.{column.id.partition('.')[2]}" for column in one.columns]
            titles |= {
                f"{one.id}.{n}.{column.id.partition('.')[2]}": f"{one.title}第 {n + 1} 行：" for column in one.columns
            }
    order += [
        "text.title",
        "text.body",
        "text.file",
        *(one.field.id for one in papers),
        "late.at",
        "late.evidence",
        "late.reason",
    ]
    places = {name: n for n, name in enumerate(order)}
    lines = sorted(found.items(), key=lambda item: places.get(item[0], -1))
    return [{"id": name if name in places else "", "text": titles.get(name, "") + say} for name, say in lines]


# ---- what was answered -------------------------------------------------------------------------------------


def lines(
    specs: Sequence[FieldSpec], values: Mapping[str, Any], offered: Mapping[str, Sequence[Option]]
) -> tuple[list[Line], list[str]]:  # fmt: skip
    """The answers for the check page, and the titles of what was left empty."""
    people = {one.id: one.label for some in offered.values() for one in some}
    found, empty = [], []
    for spec in specs:
        value = values.get(spec.id)
        if not conditions.filled(value):
            empty.append(spec.title)
        elif spec.type == "rows" and isinstance(value, list):
            columns = [column for column in spec.columns if any(conditions.filled(row.get(column.id)) for row in value)]
            rows = tuple(
                tuple(wording.words(column, row.get(column.id), people) for column in columns) for row in value
            )
            personal = any(column.personal for column in columns)
            found.append(Line(spec.id, spec.title, "", personal, tuple(column.title for column in columns), rows))
        else:
            found.append(Line(spec.id, spec.title, wording.words(spec, value, people), spec.personal))
    return found, empty
