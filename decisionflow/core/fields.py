"""What people type, read by the field list of an action into values an entry may hold.

Every door (form, API, CLI, rehearsal) comes through `read`; it refuses unknown keys, floats, control
characters, naive times, dates that cannot be, and says all that is wrong at once.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Protocol

from decisionflow.core import conditions
from decisionflow.core.facts import SHANGHAI, Fields, Value, legal_date, stamp
from decisionflow.core.procedure import FieldSpec
from decisionflow.errors import BadInput, Problem

MAX_INT = 2**53 - 1
MAX_ROWS = 500
LENGTHS = {"text": 300, "long": 60_000, "unit": 120, "post": 120, "person": 60, "reference": 200}
_BIDI = {chr(c) for c in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Directory(Protocol):
    """The register as fields need it: the unit, post or person that an id or an unambiguous name means."""

    def find(self, kind: str, text: str) -> dict[str, str] | None: ...


class Strangers:
    """A directory that knows nobody: names stay plain words."""

    def find(self, kind: str, text: str) -> dict[str, str] | None:
        return None


def read(
    specs: Sequence[FieldSpec], raw: Mapping[str, Any], *, now: datetime, matter: Fields | None = None,
    directory: Directory | None = None,
) -> dict[str, Value]:  # fmt: skip
    """The values of a form. Empty fields are left out, computed ones not accepted. Raises BadInput with every problem."""
    specs = [spec for spec in specs if not spec.computed]
    reader = _Reader(now, directory or Strangers())
    values = reader.record(specs, raw, "")
    reader.missing(specs, values, matter or {}, "")
    if reader.problems:
        raise BadInput(reader.problems)
    return values


def clean(text: str, *, lines: bool = False) -> str:
    """Text as it may stand in an entry: NFC, trimmed, LF line ends. Raises ValueError in Chinese."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    for char in text:
        if char == "\n" and lines:
            continue
        if unicodedata.category(char) in ("Cc", "Cs") or char in _BIDI:
            raise ValueError(f"含有不允许的控制字符 U+{ord(char):04X}")
    return text


class _Reader:
    def __init__(self, now: datetime, directory: Directory) -> None:
        self.now = now
        self.directory = directory
        self.problems: list[Problem] = []

    def fault(self, place: str, say: str, rule: str) -> None:
        self.problems.append(Problem(place, say, rule=rule))

    def faulty(self, place: str) -> bool:
        """Whether something was wrong at a place, or within it: then it is not missing."""
        return any(problem.place == place or problem.place.startswith(f"{place}[") for problem in self.problems)

    def record(self, specs: Sequence[FieldSpec], raw: Mapping[str, Any], at: str) -> dict[str, Value]:
        known = {spec.id: spec for spec in specs}
        for key in raw:
            if key not in known:
                self.fault(at + str(key)[:60], "没有这一栏", "unknown-field")
        values: dict[str, Value] = {}
        for spec in specs:
            given = raw.get(spec.id)
            if not conditions.filled(given):
                continue
            value = self.value(spec, given, at + spec.id)
            if conditions.filled(value):
                values[spec.id] = value  # type: ignore[assignment]
        return values

    def missing(self, specs: Sequence[FieldSpec], values: Fields, matter: Fields, at: str) -> None:
        for spec in specs:
            needed = spec.required or (
                bool(spec.required_when)
                and conditions.holds(spec.required_when, matter=matter, fields=values, stages={})
            )
            value = values.get(spec.id)
            if needed and not conditions.filled(value) and not self.faulty(at + spec.id):
                self.fault(at + spec.id, f"请填写“{spec.title}”", spec.rules[0] if spec.rules else "required")
            if spec.type == "rows" and isinstance(value, list):
                for n, row in enumerate(value):
                    if isinstance(row, dict):
                        self.missing(spec.columns, row, matter, f"{at}{spec.id}[{n}].")

    def value(self, spec: FieldSpec, given: Any, place: str) -> Value | None:
        try:
            return self._value(spec, given, place)
        except ValueError as fault:
            self.fault(place, f"“{spec.title}”{fault}", spec.type)
            return None

    def _value(self, spec: FieldSpec, given: Any, place: str) -> Value | None:
        if isinstance(given, float):
            raise ValueError("不接受小数形式的数值，金额请写成文字")
        match spec.type:
            case "text" | "long" | "reference":
                return self._text(spec, given)
            case "date":
                return self._date(spec, given)
            case "instant":
                return self._instant(spec, given)
            case "choice":
                return self._choice(spec, given)
            case "choices":
                items = [given] if isinstance(given, str) else given
                if not isinstance(items, Sequence):
                    raise ValueError("应当是若干选项")
                return [self._choice(spec, item) for item in items]
            case "flag":
                return self._flag(given)
            case "number":
                return self._number(given)
            case "money":
                return self._money(given)
            case "unit" | "post" | "person":
                return self._named(spec, given)
            case "rows":
                return self._rows(spec, given, place)
            case "file":
                return self._file(given)

    def _text(self, spec: FieldSpec, given: Any) -> str:
        if not isinstance(given, str):
            raise ValueError("应当是文字")
        text = clean(given, lines=spec.type == "long")
        limit = spec.max_length or LENGTHS[spec.type]
        if len(text) > limit:
            raise ValueError(f"太长：{len(text)}字，最多{limit}字")
        return text

    def _date(self, spec: FieldSpec, given: Any) -> str:
        try:
            day = given if type(given) is date else date.fromisoformat(str(given))
        except ValueError as fault:
            raise ValueError("应写作 2024-03-01 这样的日期") from fault
        if spec.past and day > legal_date(self.now):
            raise ValueError(f"不能晚于今天（{legal_date(self.now)}）")
        return day.isoformat()

    def _instant(self, spec: FieldSpec, given: Any) -> str:
        try:
            at = given if isinstance(given, datetime) else datetime.fromisoformat(str(given))
        except ValueError as fault:
            raise ValueError("应写作 2024-03-01T09:00:00+08:00 这样的时间") from fault
        if at.tzinfo is None:
            raise ValueError("没有写明时区，应写作 2024-03-01T09:00:00+08:00")
        if spec.past and at > self.now:
            raise ValueError(f"不能晚于现在（{self.now.astimezone(SHANGHAI):%Y-%m-%d %H:%M}）")
        return stamp(at.astimezone(UTC))

    def _choice(self, spec: FieldSpec, given: Any) -> str:
        word = ("yes" if given else "no") if isinstance(given, bool) else str(given)
        if word not in spec.choices:
            raise ValueError(f"只能是：{'、'.join(spec.choices.values())}")
        return word

    def _flag(self, given: Any) -> bool:
        if isinstance(given, bool):
            return given
        if given in ("yes", "true", "on", "是"):
            return True
        if given in ("no", "false", "off", "否"):
            return False
        raise ValueError("应当是“是”或“否”")

    def _number(self, given: Any) -> int:
        if isinstance(given, str) and re.fullmatch(r"-?[0-9]{1,16}", given.strip()):
            given = int(given)
        if isinstance(given, bool) or not isinstance(given, int) or abs(given) > MAX_INT:
            raise ValueError("应当是整数")
        return given

    def _money(self, given: Any) -> str:
        text = str(given).strip().replace(",", "")
        if isinstance(given, bool) or not re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,2})?", text):
            raise ValueError("应写作元，如 12000 或 12000.50")
        return text

    def _named(self, spec: FieldSpec, given: Any) -> Value:
        if isinstance(given, Mapping):
            given = given.get("id") or given.get("name") or ""
        if not isinstance(given, str):
            raise ValueError("应当是名称")
        text = clean(given)
        if len(text) > LENGTHS[spec.type]:
            raise ValueError(f"太长：最多{LENGTHS[spec.type]}字")
        known = self.directory.find(spec.type, text)
        return dict(known) if known else {"name": text}

    def _rows(self, spec: FieldSpec, given: Any, place: str) -> Value:
        if not isinstance(given, Sequence) or isinstance(given, str):
            raise ValueError("应当是若干行")
        if len(given) > MAX_ROWS:
            raise ValueError(f"最多{MAX_ROWS}行")
        rows: list[Value] = []
        for n, item in enumerate(given):
            if not isinstance(item, Mapping):
                raise ValueError(f"第{n + 1}行应当是若干栏")
            before = len(self.problems)
            row = self.record(spec.columns, item, f"{place}[{n}].")
            if row or len(self.problems) > before:
                rows.append(row)
        return rows

    def _file(self, given: Any) -> Value:
        if not isinstance(given, Mapping) or not _SHA256.fullmatch(str(given.get("sha256", ""))):
            raise ValueError("应当是已上传的文件")
        return {key: given[key] for key in ("sha256", "size", "type", "name") if key in given}
