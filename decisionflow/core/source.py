"""A YAML file as plain text values, with the line of every place in it.

YAML guesses types (``2024.10`` becomes 2024.1, ``no`` becomes False) and lets the last of two equal
keys win. Here every scalar stays the text that a jurist typed, and a key given twice is refused.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from decisionflow.errors import BadInput, Problem

Data: TypeAlias = "str | list[Data] | dict[str, Data]"
Path: TypeAlias = tuple[str | int, ...]


class Frozen(BaseModel):
    """A value read from a file: never changed after it was made, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, arbitrary_types_allowed=False)


M = TypeVar("M", bound=Frozen)
DEEPEST = 60  # a reader that calls itself must not be sent deeper than its stack
MOST = 200_000  # values, aliases written out: a short file can name billions
_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # the same nodes, some ten times sooner


@dataclass(slots=True)
class Source:
    """What a file says and where it says it. `lines` maps a path to its 1-based line; `digest` is of its text."""

    name: str
    data: Data = ""
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    digest: str = ""

    def line(self, path: Path) -> int:
        """The line of the longest known prefix of `path`; 0 when nothing is known."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return 0

    def problem(self, path: Path, say: str, rule: str = "") -> Problem:
        """A problem at a place of this file."""
        return Problem(show(path), say, self.name, self.line(path), rule)


def show(path: Path) -> str:
    """``('actions', 3, 'id')`` as ``actions[3].id``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text or "(文件)"


def read(text: str, name: str) -> Source:
    """The file's data, all scalars as text. Raises BadInput with every duplicate key or syntax fault."""
    source = Source(name, digest=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest())
    try:
        deep = _too_deep(text)
        node = None if deep else yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as fault:
        line = fault.problem_mark.line + 1 if fault.problem_mark else 0
        raise BadInput([Problem("(文件)", f"不是有效的 YAML：{fault.problem}", name, line, "yaml")]) from fault
    except yaml.YAMLError as fault:
        raise BadInput([Problem("(文件)", f"不是有效的 YAML：{fault}", name, 0, "yaml")]) from fault
    if deep:
        raise BadInput([Problem("(文件)", f"嵌套超过{DEEPEST}层", name, deep, "yaml")])
    if node is None:
        raise BadInput([Problem("(文件)", "文件是空的", name, 1, "yaml")])
    source.data = _plain(node, (), source)
    if source.problems:
        raise BadInput(source.problems)
    return source


def _too_deep(text: str) -> int:
    """The line at which a text is nested too deeply to be read; 0 when it is not."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            return event.start_mark.line + 1 if event.start_mark else 1
    return 0


def _plain(node: yaml.Node, path: Path, source: Source) -> Data:
    if len(path) > DEEPEST or len(source.lines) > MOST:
        if not any(problem.rule == "yaml" for problem in source.problems):
            source.problems.append(Problem("(文件)", "引用（*）绕成了圈，或者展开后太长", source.name, rule="yaml"))
        return ""
    source.lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.ScalarNode):
        return str(node.value)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(child, (*path, n), source) for n, child in enumerate(node.value)]
    result: dict[str, Data] = {}
    for key_node, value_node in node.value:
        key = str(key_node.value)
        if not isinstance(key_node, yaml.ScalarNode):
            source.problems.append(source.problem(path, "键必须是文字", "yaml-key"))
        elif key in result:
            line = key_node.start_mark.line + 1
            source.problems.append(
                Problem(show((*path, key)), f"键“{key}”重复出现", source.name, line, "duplicate-key")
            )
        else:
            result[key] = _plain(value_node, (*path, key), source)
    return result


def parse(model: type[M], source: Source, path: Path = ()) -> M:
    """`source.data` as a value of `model`. Raises BadInput with every fault and its line."""
    try:
        return model.model_validate(source.data)
    except ValidationError as fault:
        found = [(_place(error["loc"], source.data), dict(error)) for error in fault.errors()]
        inner = {place[:n] for place, _ in found for n in range(len(place))}
        raise BadInput([source.problem((*path, *place), _say(error), "format") for place, error in found
                        # a list whose every row is wrong counts as empty: its rows say why
                        if error["type"] != "too_short" or place not in inner]) from fault  # fmt: skip


def _place(loc: tuple[int | str, ...], data: Data) -> Path:
    """The part of pydantic's location that exists in the file (it also names union members)."""
    path: list[str | int] = []
    here: Data = data
    for n, part in enumerate(loc):
        if (isinstance(here, dict) and part in here) or (isinstance(here, list) and isinstance(part, int)):
            path.append(part)
            here = here[part]  # type: ignore[index]
        elif n == len(loc) - 1 and isinstance(here, dict):
            path.append(part)
    return tuple(path)


_SENTENCES = {
    "missing": "缺少必填项",
    "extra_forbidden": "不认识的键",
    "literal_error": "不在允许的取值之内（{expected}）",
    "union_tag_invalid": "不认识的种类“{tag}”",
    "union_tag_not_found": "没有写明种类",
    "list_type": "应当是列表",
    "tuple_type": "应当是列表，如 [a, b]",
    "dict_type": "应当是映射",
    "model_type": "应当是映射",
    "bool_parsing": "应当写 yes 或 no",
    "int_parsing": "应当是整数",
    "string_type": "应当是文字",
    "date_from_datetime_parsing": "应当是日期，如 2024-03-01",
    "too_short": "至少要有 {min_length} 项",
}


_EXAMPLES = (
    ("workday", "期限要带单位，如 7 workdays"),
    ("@[0-9]{4}", "写作 cn-major-decision@2024.1"),
    ("[0-9]{4}", "版本写作 2024.1"),
    ("-[A-Z0-9]", "规则编号写作 D713-45"),
    ("matter|field", "写作 matter.x、field.x 或 track.x"),
    ("0-9-]", "小写字母、数字和连字符"),
    ("0-9_]", "小写字母、数字和下划线"),
)


def _say(error: dict[str, object]) -> str:
    context = error.get("ctx") or {}
    if error["type"] == "string_pattern_mismatch" and isinstance(context, dict):
        pattern = str(context["pattern"])
        return f"写法不合规定：{next((say for part, say in _EXAMPLES if part in pattern), f'应符合 {pattern}')}"
    template = _SENTENCES.get(str(error["type"]))
    if template is None or not isinstance(context, dict):
        return str(error["msg"]).removeprefix("Value error, ")
    return template.format_map({key: str(value) for key, value in context.items()})
