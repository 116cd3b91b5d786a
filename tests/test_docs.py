"""The documents are true where a machine can tell: links lead somewhere, named files, lines and checks exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from decisionflow.core import procedure as law

HOUSE = Path(__file__).parent.parent
DOCUMENTS = sorted([*HOUSE.glob("*.md"), *(HOUSE / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)#\s]+)(#[^)\s]*)?\)")
PATH = re.compile(
    r"`((?:decisionflow|workflows|workers|templates|tests|docs|bench|requirements)/[\w@./-]+(?:\.\w+|/))`"
)


def named(path: Path) -> str:
    return str(path.relative_to(HOUSE))


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_every_link_and_every_named_file_exists(path: Path) -> None:
    words = path.read_text("utf-8")
    links = [target for target, _ in LINK.findall(words) if "://" not in target]
    assert [link for link in links if not (path.parent / link).exists()] == []
    assert [name for name in PATH.findall(words) if not (HOUSE / name).exists()] == []


def test_the_reading_path_names_functions_that_are_there() -> None:
    path = (HOUSE / "docs" / "reading-path.md").read_text("utf-8")
    rows = re.findall(r"^\| \d+ \| `([\w./-]+)`(?:, `([\w.]+)`)?.*? \| (.*) \|$", path, flags=re.MULTILINE)
    assert len(rows) == 9
    for first, second, look in rows:
        files = [HOUSE / first, *([(HOUSE / first).parent / second] if second else [])]
        source = "\n".join(file.read_text("utf-8") for file in files)
        if first.endswith(".py"):
            assert [name for name in re.findall(r"`([\w]+)`", look) if not re.search(rf"\b{name}\b", source)] == []


def test_the_reading_path_fits_an_hour() -> None:
    path = (HOUSE / "docs" / "reading-path.md").read_text("utf-8")
    minutes = [int(n) for n in re.findall(r"^\| (\d+) \|", path, flags=re.MULTILINE)]
    assert sum(minutes) == 60


def test_the_format_names_every_check() -> None:
    page = (HOUSE / "docs" / "reference" / "procedure-format.md").read_text("utf-8")
    union = get_args(get_args(law.Gate)[0])
    checks = {get_args(gate.model_fields["check"].annotation)[0] for gate in union}
    told = dict(
        re.findall(r"^\| `(\w+)` \| .+? \| (.+) \|$", page.split("## Gate")[1].split("## Clock")[0], flags=re.MULTILINE)
    )
    assert set(told) == checks
    base = set(law.GateBase.model_fields) | {"check"}
    for gate in union:
        keys = {field.alias or name for name, field in gate.model_fields.items() if name not in base}
        assert set(re.findall(r"`(\w+)`", told[get_args(gate.model_fields["check"].annotation)[0]])) == keys
