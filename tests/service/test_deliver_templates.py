"""The press: everything escaped but plain mails, nothing missing in silence, and every template whole."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from jinja2 import UndefinedError
from jinja2.exceptions import TemplateAssertionError

from decisionflow import paths, render

TEMPLATES = sorted(path.relative_to(paths.TEMPLATES).as_posix() for path in paths.TEMPLATES.rglob("*.*"))
MAILS = sorted(folder.name for folder in (paths.TEMPLATES / "mails").iterdir() if folder.is_dir())
GIVEN = {
    "authority": "云河区人民政府", "person": "陈予安", "title": "【新待办】<b>甲</b>：乙", "lines": ("第一行", "“二” & <三>"),
    "url": "http://x/cases/1", "checkpoint": "JC6C-0000",
}  # fmt: skip


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_is_understood_and_marks_nothing_as_safe(name: str) -> None:
    render.environment.get_template(name)
    text = (paths.TEMPLATES / name).read_text("utf-8")
    assert not re.search(r"\|\s*safe\b|autoescape|Markup", text)


@pytest.mark.parametrize("name", MAILS)
def test_every_mail_has_three_parts_and_needs_no_more_than_a_message(name: str) -> None:
    found = render.mail(name, **GIVEN)

    assert found.subject == "【新待办】<b>甲</b>：乙"
    assert "“二” & <三>" in found.text
    assert "&lt;b&gt;甲" in found.html
    assert "<b>" not in found.html
    for part in (found.text, found.html):
        assert "http://x/cases/1" in part
        assert "JC6C-0000" in part
        assert "陈予安，您好" in part
    assert "存证点" not in render.mail(name, **GIVEN | {"checkpoint": ""}).text
    assert not re.search(r"<(img|script|link|iframe)\b", found.html)


def test_a_subject_is_one_line_whatever_it_holds() -> None:
    assert render.mail("todo", **GIVEN | {"title": "甲\r\nBcc: x@y\n乙"}).subject == "甲 Bcc: x@y 乙"


def test_what_is_not_given_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        render.mail("todo", **{key: value for key, value in GIVEN.items() if key != "url"})


def test_the_filter_that_marks_as_safe_does_not_exist() -> None:
    with pytest.raises(TemplateAssertionError, match="safe"):
        render.environment.from_string("{{ '<b>'|safe }}")


def test_only_the_press_knows_jinja() -> None:
    for path in Path(paths.PACKAGE).rglob("*.py"):
        if path.name != "render.py":
            assert "jinja2" not in path.read_text("utf-8"), path


def test_dates_moments_and_numbers_in_the_words_of_the_house() -> None:
    at = datetime(2026, 12, 1, 18, 30, tzinfo=UTC)
    written = render.environment.from_string(
        "{{ d|day }} {{ d|iso }} {{ at|moment }} {{ 9|number('day') }} {{ 2|number('workday') }} {{ 3|number('项') }}"
        " {{ h|short }}"
    ).render(d=date(2026, 12, 2), at=at, h="0123456789abcdef")

    assert written == "2026年12月2日（周三） 2026-12-02 2026-12-02 02:30 9日 2个工作日 3项 01234567"
