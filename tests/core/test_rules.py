"""The rule files under `workflows/rules`, checked on their own.

Read here with nothing but a YAML parser: what is tested is the data, not our reader of it.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

RULES = Path(__file__).parents[2] / "workflows" / "rules"

FILES: dict[str, dict[str, Any]] = {
    path.name: yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    for path in sorted(RULES.glob("*.yaml"))
}
ALL: list[dict[str, Any]] = [rule for file in FILES.values() for rule in file["rules"]]
BY_ID: dict[str, dict[str, Any]] = {rule["id"]: rule for rule in ALL}
SOURCES: dict[str, dict[str, Any]] = {key: value for file in FILES.values() for key, value in file["sources"].items()}


def row(prefix: str, last: int, first: int = 1) -> list[str]:
    """The ids of a numbered row: ``row("OV", 2)`` is OV-01 and OV-02."""
    return [f"{prefix}-{number:02}" for number in range(first, last + 1)]


IDS = {
    "713.yaml": row("D713", 75),
    "overlays.yaml": row("OV", 13),
    "profile-2016.yaml": row("Y16", 16),
    "henan.yaml": row("HEN", 3) + row("ZZ", 5),
    "accountability.yaml": row("ACC", 23),
    "neighbours.yaml": row("NRM", 16) + row("ENF", 9) + row("PEN", 4) + row("REC", 12) + row("INF", 10),
    "time-and-records.yaml": [*row("T", 9), "T-09b", "T-09c", *row("T", 16, first=10), *row("ARC", 19)],
    "regional.yaml": row("P", 29),
    "product.yaml": [
        "DF-TEXT",
        "DF-OPINION",
        "DF-LATE",
        "DF-DUTIES",
        "DF-WAIVE",
        "DF-FILE",
        "DF-DRAW",
        "DF-MEETING",
        "DF-RISK",
        "DF-URGE",
    ],
}

KINDS = {"gate", "duty", "conditional", "permission", "sanction"}
STRENGTHS = {"must", "usually", "may"}
CONFIRMED = {"source", "secondary", "memory", "derived"}
RANKS = {
    "law",
    "administrative_regulation",
    "local_regulation",
    "government_rule",
    "normative_document",
    "party_document",
    "standard",
    "product",
}
SOURCE_KEYS = {"title", "number", "rank", "issued", "effective", "confirmed", "cites"}
RULE_REQUIRED = {"id", "source", "article", "kind", "strength", "confirmed", "title", "say"}
RULE_OPTIONAL = {"paragraph", "item", "also", "note"}

QUOTES = set("\"'“”‘’「」『』")

# Rules that the law lets an organ depart from with a reason. Everything else is must or may.
USUALLY = {"D713-25", "D713-48", "OV-10", "NRM-06", "NRM-14", "ENF-04", "DF-OPINION", "DF-DRAW"}

FROM_MEMORY = [
    *("Y16-03", "Y16-07", "Y16-09", "Y16-15", "Y16-16", "HEN-03", "ZZ-05"),
    *("NRM-10", "NRM-11", "NRM-12", "NRM-13", "NRM-14", "PEN-03", "PEN-04", "ARC-15"),
]

# How many paragraphs (款) an article of Decree 713 has, where it has more than one.
PARAGRAPHS = {
    "3": 3,
    "8": 2,
    "12": 4,
    "14": 3,
    "15": 2,
    "16": 3,
    "19": 2,
    "21": 3,
    "22": 2,
    "23": 3,
    "25": 2,
    "26": 2,
    "30": 3,
    "35": 2,
    "36": 4,
    "38": 3,
    "43": 2,
}

every_rule = pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule["id"])
every_source = pytest.mark.parametrize("key", sorted(SOURCES))


def test_the_registry_has_exactly_the_files_that_are_listed_here() -> None:
    assert set(FILES) == set(IDS)


@pytest.mark.parametrize("name", sorted(IDS))
def test_a_file_holds_its_rules_in_order_and_no_others(name: str) -> None:
    assert [rule["id"] for rule in FILES[name]["rules"]] == IDS[name]


@pytest.mark.parametrize("name", sorted(IDS))
def test_a_file_says_its_format_and_has_no_other_parts(name: str) -> None:
    assert FILES[name]["format"] == "1"
    assert set(FILES[name]) == {"format", "sources", "rules"}


@pytest.mark.parametrize("name", sorted(IDS))
def test_no_key_is_given_twice(name: str) -> None:
    twice: list[str] = []

    def visit(node: yaml.Node) -> None:
        if isinstance(node, yaml.MappingNode):
            keys = Counter(key.value for key, _ in node.value)
            twice.extend(f"{key} at line {node.start_mark.line + 1}" for key, times in keys.items() if times > 1)
            for _, value in node.value:
                visit(value)
        elif isinstance(node, yaml.SequenceNode):
            for value in node.value:
                visit(value)

    root = yaml.compose((RULES / name).read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    assert root is not None
    visit(root)
    assert twice == []


def test_ids_are_unique_over_all_files() -> None:
    assert [rule_id for rule_id, times in Counter(rule["id"] for rule in ALL).items() if times > 1] == []


@every_rule
def test_a_rule_has_the_keys_of_the_format(rule: dict[str, Any]) -> None:
    assert RULE_REQUIRED <= set(rule) <= RULE_REQUIRED | RULE_OPTIONAL


@every_rule
def test_a_rule_takes_its_marks_from_the_closed_sets(rule: dict[str, Any]) -> None:
    assert rule["kind"] in KINDS
    assert rule["strength"] in STRENGTHS
    assert rule["confirmed"] in CONFIRMED


@every_rule
def test_a_title_fits_a_list_line(rule: dict[str, Any]) -> None:
    assert 0 < len(rule["title"]) <= 16


@every_rule
def test_say_is_one_or_two_sentences_without_quotation_marks(rule: dict[str, Any]) -> None:
    assert rule["say"].endswith("。")
    assert rule["say"].count("。") <= 2
    assert not QUOTES & set(rule["say"])


@every_rule
def test_the_places_in_an_instrument_are_plain_numbers(rule: dict[str, Any]) -> None:
    places = [rule["article"], rule.get("paragraph", ""), rule.get("item", ""), *rule.get("also", [])]
    assert all(re.fullmatch(r"(?:[1-9]\d*)?", place) for place in places)
    assert rule["article"] not in rule.get("also", [])
    assert len(set(rule.get("also", []))) == len(rule.get("also", []))


@every_rule
def test_a_note_names_only_rules_that_exist(rule: dict[str, Any]) -> None:
    named = re.findall(
        r"(?<![A-Za-z0-9/])(?:D713|OV|Y16|HEN|ZZ|ACC|NRM|ENF|PEN|REC|INF|ARC|DF|T|P)-(?:\d{2}[a-z]?|[A-Z]{3,})",
        rule.get("note", "") + rule["say"],
    )
    assert [name for name in named if name not in BY_ID] == []


def test_every_source_used_is_defined_exactly_once() -> None:
    defined = Counter(key for file in FILES.values() for key in file["sources"])
    assert {key: times for key, times in defined.items() if times != 1} == {}
    assert {rule["source"] for rule in ALL} == set(defined)


@every_source
def test_a_source_has_a_title_a_rank_and_a_mark(key: str) -> None:
    source = SOURCES[key]
    assert {"title", "rank", "confirmed"} <= set(source) <= SOURCE_KEYS
    assert source["title"]
    assert source["rank"] in RANKS
    assert source["confirmed"] in CONFIRMED
    assert key.isascii()


@every_source
def test_a_source_is_not_in_force_before_it_was_issued(key: str) -> None:
    source = SOURCES[key]
    issued, effective = (
        date.fromisoformat(source[name]) if name in source else None for name in ("issued", "effective")
    )
    assert issued is None or effective is None or issued <= effective


def test_every_article_of_decree_713_is_reached_by_a_rule() -> None:
    decree = FILES["713.yaml"]["rules"]
    reached = {article for rule in decree for article in (rule["article"], *rule.get("also", []))}
    assert reached == {str(number) for number in range(1, 45)}


@pytest.mark.parametrize("rule", [rule for rule in ALL if rule["source"] == "713"], ids=lambda rule: rule["id"])
def test_a_paragraph_of_decree_713_is_one_that_the_article_has(rule: dict[str, Any]) -> None:
    if "paragraph" in rule:
        assert 1 <= int(rule["paragraph"]) <= PARAGRAPHS[rule["article"]]


def test_the_law_says_usually_only_where_it_is_listed_here() -> None:
    assert {rule["id"] for rule in ALL if rule["strength"] == "usually"} == USUALLY


def test_the_floors_without_a_way_around_are_must() -> None:
    assert {BY_ID[name]["strength"] for name in ("D713-30", "OV-05", "OV-06", "OV-07")} == {"must"}


def test_a_hearing_is_optional_by_national_law() -> None:
    assert (BY_ID["D713-27"]["kind"], BY_ID["D713-27"]["strength"]) == ("permission", "may")


def test_regional_parameters_are_never_law_and_say_so() -> None:
    for rule in FILES["regional.yaml"]["rules"]:
        assert (rule["source"], rule["kind"], rule["strength"]) == ("regional", "permission", "may")
        assert rule["note"].startswith("地区参数，不是全国性规定。")


def test_rules_of_our_own_are_marked_as_ours() -> None:
    assert SOURCES["product"]["rank"] == "product"
    for rule in FILES["product.yaml"]["rules"]:
        assert (rule["source"], rule["kind"], rule["confirmed"]) == ("product", "duty", "derived")


def test_sanctions_stand_apart_from_the_gates() -> None:
    tracing, breach = BY_ID["D713-68"], BY_ID["D713-67"]
    assert (tracing["article"], tracing["paragraph"]) == ("38", "2")
    assert (breach["article"], breach["paragraph"]) == ("38", "1")
    assert {tracing["kind"], breach["kind"]} == {"sanction"}


def test_what_is_known_from_memory_only_stays_marked() -> None:
    from_memory = [rule["id"] for rule in ALL if rule["confirmed"] == "memory"]
    assert sorted(from_memory) == sorted(FROM_MEMORY)


def test_a_rule_from_memory_states_no_period() -> None:
    for rule in ALL:
        if rule["confirmed"] == "memory":
            assert not re.search(r"[一二三四五六七八九十百\d]+(?:个工作日|日内|日前|年内)", rule["say"]), rule["id"]
