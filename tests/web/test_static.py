"""The visual base: vendored files are what they claim, nothing leaves the house, nothing runs inline.

Knows files only: no server, no database.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from decisionflow import paths

VENDOR = paths.STATIC / "vendor"
LOCK = json.loads((VENDOR / "vendor.lock.json").read_text(encoding="utf-8"))
OUR_CSS = sorted(paths.STATIC.glob("*.css"))
OUR_JS = sorted(paths.STATIC.glob("*.js"))
TEMPLATES = sorted(path for path in paths.TEMPLATES.rglob("*") if path.is_file())
NAMESPACE = re.compile(r"https?://(www\.w3\.org|schemas\.openxmlformats\.org|purl\.org)/")
ORIGIN = re.compile(r"(?:https?:)?//[a-z0-9-]+(?:\.[a-z0-9-]+)+", re.IGNORECASE)
BANNED_CSS = ("color-mix(", "light-dark(", "oklch(", ":has(", "@layer", "@container", "@import")  # floor: Chromium 90


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def named(path: Path) -> str:
    return path.name


def without_comments(css: str) -> str:
    return re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)


def html_of(source: str) -> str:
    """The markup a template writes by itself: comments, expressions and statements taken out."""
    return re.sub(r"\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}", " ", source, flags=re.DOTALL)


# ---- vendored files


@pytest.mark.parametrize("entry", LOCK, ids=lambda entry: str(entry["file"]))
def test_a_vendored_file_is_the_one_in_the_lock(entry: dict[str, str]) -> None:
    digest = hashlib.sha384((VENDOR / entry["file"]).read_bytes()).digest()
    assert "sha384-" + base64.b64encode(digest).decode() == entry["sha384"]
    assert re.fullmatch(r"sha512-[A-Za-z0-9+/]{86}==", entry["integrity"])
    assert entry["name"] and entry["licence"] in {"MIT", "0BSD"}
    assert entry["file"].split("/")[0].endswith("-" + entry["version"])


def test_nothing_is_vendored_beside_the_lock_and_every_folder_has_its_licence() -> None:
    shipped = {path.relative_to(VENDOR).as_posix() for path in VENDOR.rglob("*") if path.is_file()}
    folders = {path.name for path in VENDOR.iterdir() if path.is_dir()}
    licences = {f"{folder}/LICENSE" for folder in folders}
    assert shipped == {entry["file"] for entry in LOCK} | licences | {"vendor.lock.json"}
    for licence in licences:
        assert (VENDOR / licence).stat().st_size > 300


def test_the_lock_names_no_address() -> None:
    assert "//" not in re.sub(r'"(?:integrity|sha384)": "[^"]*"', "", text(VENDOR / "vendor.lock.json"))


def test_every_icon_in_use_is_in_the_sprite_and_every_symbol_in_the_lock() -> None:
    (entry,) = [entry for entry in LOCK if entry["file"].endswith("sprite.svg")]
    symbols = re.findall(r'<symbol id="([a-z0-9-]+)"', text(VENDOR / entry["file"]))
    assert symbols == entry["icons"]
    used = {name for path in TEMPLATES for name in re.findall(r'\bicon\("([a-z0-9-]+)"', text(path))}
    used |= {
        name
        for path in TEMPLATES
        for table in re.findall(r"\bicon\(\{(.*?)\}", text(path))
        for name in re.findall(r': "([a-z0-9-]+)"', table)
    }
    assert used <= set(symbols)
    assert f"/static/vendor/{entry['file']}" in text(paths.TEMPLATES / "macros/icons.html")


def test_every_static_address_in_the_templates_exists() -> None:
    for path in TEMPLATES:
        for address in re.findall(r"/static/([\w./-]+)", text(path)):
            assert (paths.STATIC / address).is_file(), f"{path.name}: {address}"


# ---- style sheets and scripts


@pytest.mark.parametrize("path", [*OUR_CSS, *VENDOR.rglob("*.css")], ids=named)
def test_a_style_sheet_keeps_to_the_browser_floor(path: Path) -> None:
    css = without_comments(text(path))
    assert [word for word in BANNED_CSS if word in css] == []


def test_our_css_is_small_and_not_nested() -> None:
    assert sum(path.stat().st_size for path in OUR_CSS) <= 25 * 1024
    for path in OUR_CSS:
        css = re.sub(r'"[^"]*"', '""', without_comments(text(path)))
        assert "&" not in css
        open_rules: list[str] = []
        for prelude, brace in re.findall(r"([^{}]*)([{}])", css):
            if brace == "}":
                open_rules.pop()
                continue
            assert all(rule.startswith("@") for rule in open_rules), f"nested in {open_rules}: {prelude}"
            open_rules.append(prelude.rpartition(";")[2].strip())
        assert open_rules == []


def test_our_scripts_are_small_and_evaluate_nothing() -> None:
    assert sum(path.stat().st_size for path in OUR_JS) < 3 * 1024
    for path in OUR_JS:
        assert not re.search(
            r"\beval\b|\bFunction\(|innerHTML|insertAdjacentHTML|document\.write|\.style\b", text(path)
        )


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    shares = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (s / 12.92 if s <= 0.03928 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def tokens(selector: str) -> dict[str, str]:
    css = text(paths.STATIC / "df.css")
    found = dict(re.findall(r"--([a-z-]+):(#[0-9a-f]{3,6})\b", css.split(selector + "{")[1].split("}")[0]))
    return found | {"off": found["soft"], "white": "#ffffff"}


PAIRS = [
    *[(word, ground, 4.5) for word in ("text", "soft", "muted", "brand") for ground in ("page", "paper")],
    *[(kind, kind + "-bg", 4.5) for kind in ("ok", "warn", "bad", "info", "off", "late")],
    *[(kind, "paper", 4.5) for kind in ("ok", "warn", "bad", "info", "off", "late")],
    ("brand", "wash", 4.5),
    ("white", "btn", 4.5),
    ("field", "paper", 3.0),
    ("amber", "paper", 3.0),
]


@pytest.mark.parametrize("selector", [":root,[data-bs-theme=light]", "[data-bs-theme=dark]"])
def test_the_colours_can_be_read(selector: str) -> None:
    colours = tokens(selector)
    weak = [
        (a, b, contrast(colours[a], colours[b])) for a, b, least in PAIRS if contrast(colours[a], colours[b]) < least
    ]
    assert weak == []


# ---- nothing foreign, nothing inline


def shipped_texts() -> Iterator[tuple[str, str]]:
    for path in [*OUR_JS, *paths.STATIC.glob("*.svg"), *VENDOR.rglob("*.svg"), *VENDOR.rglob("*.js"), *TEMPLATES]:
        yield path.name, text(path)
    for path in [*OUR_CSS, *VENDOR.rglob("*.css")]:
        yield path.name, without_comments(text(path))


def test_nothing_refers_to_a_foreign_origin() -> None:
    for name, source in shipped_texts():
        assert ORIGIN.findall(NAMESPACE.sub("", source)) == [], name


# A mail has no style sheet; the page in a package is read from a file and names the hash of its one style.
PAGES = [
    path for path in TEMPLATES if path.suffix == ".html" and "mails" not in path.parts and path.name != "reader.html"
]


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_a_template_holds_nothing_the_policy_forbids(path: Path) -> None:
    html = html_of(text(path))
    assert not re.search(r"\sstyle\s*=", html)
    assert not re.search(r"\son[a-z]+\s*=", html)
    assert not re.search(r"<style\b|javascript:|\shx-(?:on|vars)\b|[\"']js:", html)
    for attributes, body in re.findall(r"<script\b([^>]*)>(.*?)</script>", html, flags=re.DOTALL):
        assert "src=" in attributes and not body.strip()


@pytest.mark.parametrize("path", TEMPLATES, ids=named)
def test_a_template_never_switches_escaping_off(path: Path) -> None:
    assert not re.search(r"\|\s*safe\b|autoescape\s+false|\bMarkup\b", text(path))


def test_htmx_is_told_not_to_evaluate_and_to_show_refusals() -> None:
    (found,) = re.findall(r"name=\"htmx-config\" content='([^']+)'", text(paths.TEMPLATES / "base.html"))
    config = json.loads(found)
    assert [config[key] for key in ("allowEval", "allowScriptTags", "includeIndicatorStyles")] == [False, False, False]
    assert config["historyCacheSize"] == 0  # no page content stays behind on a shared machine

    def swaps(status: int) -> bool:
        return bool(next(rule["swap"] for rule in config["responseHandling"] if re.search(rule["code"], str(status))))

    assert all(swaps(status) for status in (200, 409, 412, 422))
    assert not any(swaps(status) for status in (204, 403, 500))


# ---- the macros


@pytest.fixture(scope="module")
def press() -> Environment:
    return Environment(loader=FileSystemLoader(paths.TEMPLATES), undefined=StrictUndefined, autoescape=True)


HOSTILE = '<img src=x onerror="alert(1)">'
FINDING = {
    "rule": "D713-45",
    "cites": [{"law": "713", "article": 25, "paragraph": 2, "item": None}],
    "strength": "must",
    "say": "合法性审查尚未出具意见",
    "who": "区司法局 合法性审查科",
    "earliest_on": "2026年12月2日（周三）",
    "remedies": [{"rel": "remind", "title": "催办", "href": "/cases/YH-2026-005/remind"}],
    "cite_text": "《重大行政决策程序暂行条例》第二十五条第二款",
}


def field(kind: str, **more: object) -> dict[str, object]:
    plain: dict[str, object] = {"id": "it", "title": "标题", "type": kind, "required": True, "personal": False}
    plain |= {"help": "怎么填", "error": "请填写标题", "cite_text": "第十五条第一款", "max_length": None}
    plain |= {"value": "", "choices": [], "columns": [], "rows": []}
    return plain | more


def test_a_refusal_shows_its_five_parts(press: Environment) -> None:
    decision = {"headline": "不能提交集体讨论：缺 1 项", "findings": [FINDING]}
    html = press.from_string('{% from "macros/cards.html" import refusal %}{{ refusal(d) }}').render(d=decision)
    for part in (decision["headline"], FINDING["say"], FINDING["cite_text"], FINDING["who"], FINDING["earliest_on"]):
        assert str(part) in html
    for label in ("缺什么", "依据", "谁去办", "最早何时", "催办"):
        assert label in html


def test_hostile_words_stay_words(press: Environment) -> None:
    finding = {**FINDING, "say": HOSTILE, "who": HOSTILE, "cite_text": HOSTILE}
    source = (
        '{% from "macros/cards.html" import refusal %}{% import "macros/form.html" as form %}'
        "{{ refusal({'headline': bad, 'findings': [finding]}) }}{{ form.field(field) }}"
        "{{ form.error_summary([{'id': 'it', 'text': bad}]) }}"
    )
    html = press.from_string(source).render(
        bad=HOSTILE, finding=finding, field=field("longtext", value=HOSTILE, title=HOSTILE)
    )
    assert "<img" not in html
    assert html.count("&lt;img") >= 7


CHOICES = [{"value": str(n), "title": f"第 {n} 项"} for n in range(8)]
KINDS = [
    "text",
    "longtext",
    "date",
    "instant",
    "number",
    "money",
    "unit",
    "person",
    "post",
    "file",
    "reference",
    "choice",
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_field_is_labelled_and_described(press: Environment, kind: str) -> None:
    shown = field(kind, choices=CHOICES if kind in {"unit", "person", "post", "reference", "choice"} else [])
    html = press.from_string('{% import "macros/form.html" as form %}{{ form.field(f) }}').render(f=shown)
    assert '<label for="f-it">' in html
    assert html.count('id="f-it"') == 1
    assert 'aria-describedby="f-it-help f-it-cite f-it-error"' in html
    assert 'aria-invalid="true"' in html
    for described in ("f-it-help", "f-it-cite", "f-it-error"):
        assert f'id="{described}"' in html


@pytest.mark.parametrize(
    ("kind", "value", "checked"), [("flag", False, "false"), ("flag", "true", "true"), ("choice", "2", "2")]
)
def test_a_choice_of_few_is_a_group_with_a_legend(press: Environment, kind: str, value: object, checked: str) -> None:
    html = press.from_string('{% import "macros/form.html" as form %}{{ form.field(f) }}').render(
        f=field(kind, value=value, choices=CHOICES[:4])
    )
    assert html.count("<fieldset") == html.count("<legend") == 1
    assert re.findall(r'value="(\w+)"[^>]* checked', html) == [checked]
    assert 'id="f-it"' in html  # the error summary has somewhere to go


def test_rows_work_without_scripts(press: Environment) -> None:
    columns = [{"id": "name", "title": "名称", "type": "text", "required": True, "choices": []}]
    shown = field("rows", columns=columns, rows=[{"name": "甲"}, {}], row_errors=[{}, {"name": "请填写名称"}])
    html = press.from_string('{% import "macros/form.html" as form %}{{ form.field(f) }}').render(f=shown)
    assert 'name="add_row" value="it"' in html
    assert 'name="remove_row" value="it.1"' in html
    assert 'name="it.0.name"' in html and 'value="甲"' in html
    assert 'aria-describedby="f-it.1.name-error"' in html and 'id="f-it.1.name-error"' in html


@pytest.mark.parametrize("kind", ["green", "yellow", "red", "stopped", "none", "lock"])
def test_a_lamp_has_shape_word_and_colour(press: Environment, kind: str) -> None:
    html = press.from_string(
        '{% from "macros/lights.html" import lamp, WORDS %}{{ lamp(light) }}|{{ WORDS[light.kind] }}'
    ).render(light={"kind": kind, "text": ""})
    lamp, _, word = html.rpartition("|")
    assert "<svg" in lamp and f"df-lamp-{kind}" in lamp and word in lamp


@pytest.mark.parametrize("frame", ["base.html", "public.html"])
def test_a_frame_needs_only_the_name_of_the_authority(press: Environment, frame: str) -> None:
    html = press.get_template(frame).render(authority_name="云河区人民政府")
    assert '<html lang="zh-CN"' in html
    assert '<main class="df-main" id="main"' in html and 'href="#main"' in html
    assert "云河区人民政府</title>" in html
