"""`posts`: who held which post on a day, and what was known of it on another, from the terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.cli.conftest import Run


def listed(run: Run, folder: Path, *arguments: object) -> tuple[int, dict[str, Any]]:
    code, out, _ = run("posts", *arguments, "--json", "--dir", folder)
    return code, json.loads(out)


def test_the_holder_of_a_post_is_named_with_the_document_and_the_day_it_was_written_down(
    run: Run, folder: Path
) -> None:
    code, out, _ = run("posts", "江亦川", "--dir", folder)
    assert code == 0 and "区长" in out and "江亦川" in out and "示例任〔2023〕1号" in out


def test_a_unit_that_was_renamed_shows_its_earlier_name(run: Run, folder: Path) -> None:
    _, found = listed(run, folder)
    renamed = [one for one in found["units"] if one["names"]]
    assert renamed
    early = renamed[0]["names"][0]
    _, then = listed(run, folder, "--on", early["since"])
    assert early["name"] in {one["name"] for one in then["units"]}


def test_homonyms_are_two(run: Run, folder: Path) -> None:
    _, found = listed(run, folder)
    held = {
        (one["name"], one["person"]) for unit in found["units"] for post in unit["posts"] for one in post["holders"]
    }
    names = [name for name, _ in held]
    assert any(names.count(name) == 2 for name in names)


def test_what_had_not_been_written_down_by_a_day_is_not_known_on_it(run: Run, folder: Path) -> None:
    code, out, err = run("posts", "--known", "2020-01-01", "--on", "2024-01-01", "--dir", folder)
    assert (code, out) == (5, "") and "没有符合" in err


def test_a_day_that_is_none_is_refused_with_the_option_that_holds_it(run: Run, folder: Path) -> None:
    for option in ("--on", "--known"):
        code, out, err = run("posts", option, "2026-13-01", "--dir", folder)
        assert (code, out) == (2, "") and option in err and "2026-13-01" in err
