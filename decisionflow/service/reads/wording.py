"""A recorded value as people read it, by the type of its field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from decisionflow import render
from decisionflow.core.facts import Act
from decisionflow.core.procedure import FieldSpec
from decisionflow.store.blobs import Blobs


def words(spec: FieldSpec, value: Any, people: Mapping[str, str] | None = None) -> str:
    """A value as people read it."""
    if value is None:
        return ""
    if isinstance(value, Mapping) and "commitment" in value:
        return "（个人信息，已另行保存）"
    if isinstance(value, Mapping) and "excerpt" in value:
        return f"{value['excerpt']}…"
    match spec.type:
        case "flag":
            return "是" if value else "否"
        case "choice":
            return spec.choices.get(str(value), str(value))
        case "choices":
            return "、".join(spec.choices.get(str(one), str(one)) for one in value)
        case "date":
            return render.day(value)
        case "instant":
            return render.moment(value)
        case "number":
            return f"{value:,}"
        case "money":
            whole, dot, cents = str(value).partition(".")
            return f"{int(whole):,}{dot}{cents} 元"
        case "unit" | "post" | "person":
            where = (people or {}).get(value.get("id", ""), "") if "id" in value else "名册外，按所填文字记录"
            return f"{value['name']}（{where}）" if where else str(value["name"])
        case "file":
            return f"{value['name']}（{render.size(value['size'])}，摘要 {value['sha256'][:8]}）"
        case "rows":
            return "\n".join(f"{n}. {_row(spec, row, people)}" for n, row in enumerate(value, 1))
        case _:
            return str(value)


def whole(blobs: Blobs, value: Any) -> str:
    """What a field says in full, as plain words: a long text from its blob, a unit or person by name."""
    if isinstance(value, Mapping):
        return blobs.get(str(value["blob"])).decode() if "blob" in value else str(value.get("name", ""))
    return "" if value is None else str(value)


def rows(act: Act | None, field: str) -> list[Mapping[str, Any]]:
    """The rows of a field of an act; none when there are none."""
    value = act.fields.get(field) if act else None
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _row(spec: FieldSpec, row: Mapping[str, Any], people: Mapping[str, str] | None) -> str:
    told = ((column.title, words(column, row.get(column.id), people)) for column in spec.columns)
    return "，".join(f"{title}：{said}" for title, said in told if said)
