"""Official texts are loaded and shown; citations are held against the day; a changed instrument finds its cases."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from decisionflow.errors import BadInput, DecisionflowError, Forbidden, NotFound, Settled
from decisionflow.service import laws, procedures, replay, shipped
from decisionflow.service.reads import citations, lookup, stored
from decisionflow.store.engine import Store
from tests.core.play import WORKFLOWS, Do, play
from tests.service.stage import Office, office

TEXT = """重大行政决策程序暂行条例（节选，测试用）
第二十四条　这是第二十四条。
第二十五条　这是第二十五条的第一款。
这是第二十五条的第二款。
第二十六条　这是第二十六条。
"""


def load(
    work: Office, who: str = "legal", data: bytes = TEXT.encode(), law: str = "713", name: str = "713.txt"
) -> laws.Text:
    actor = work.stage.actors[who]
    return work.store.write(lambda tx: laws.load(tx, work.authority, law, name, data, actor, work.now))


# ---- official texts ----------------------------------------------------------------------------------------


def test_a_loaded_text_is_kept_by_its_hash_and_its_article_shown_beside_our_words(store: Store) -> None:
    work = office(store)
    loaded = load(work)
    with store.read() as connection:
        found = lookup.article(connection, store.blobs, work.authority, "713", "25")
        assert replay.compare(connection, store.blobs, work.authority.id) == ()
    assert found.words == "第二十五条　这是第二十五条的第一款。\n这是第二十五条的第二款。"
    assert [one.sha256 for one in found.texts] == [loaded.sha256]
    assert store.blobs.get(loaded.sha256) == TEXT.encode()
    assert {"D713-44", "D713-45"} <= {one.line.rule.id for one in found.rules}
    assert all(one.line.rule.say and one.line.rule.say not in found.words for one in found.rules)


def test_an_article_tells_the_cases_it_stopped_and_names_nobody(store: Store) -> None:
    work = office(store)
    work.do("proposer", "ask", title="解放路行道树砍伐", protected="no", trees="3")
    work.do("chief", "begin", units=[{"unit": "承办单位", "leading": "yes"}])
    work.do("chief", "decide")
    with store.read() as connection:
        found = lookup.article(connection, store.blobs, work.authority, "713", "25")
    (stopped,) = [one for bound in found.rules for one in bound.stopped]
    assert (stopped.no, stopped.action, stopped.on) == (work.no, "decide", date(2024, 3, 1))
    assert "行政首长" not in str(lookup.as_json(found)["rules"][0]["stopped"])  # type: ignore[index]


def test_without_an_installation_the_release_answers(tmp_path: Path) -> None:
    found = lookup.article(None, None, None, "713", "25")
    assert found.rules and not found.texts and not found.words


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"who": "lead"}, Forbidden),
        ({"who": "chief"}, Forbidden),
        ({"law": "no-such-law"}, BadInput),
        ({"data": b"  \n"}, BadInput),
        ({"name": "713.exe"}, DecisionflowError),
        ({"name": "713.pdf"}, DecisionflowError),
    ],
)
def test_what_cannot_be_loaded_leaves_nothing(store: Store, given: dict[str, object], fault: type[Exception]) -> None:
    work = office(store)
    with pytest.raises(fault):
        load(work, **given)  # type: ignore[arg-type]
    with store.read() as connection:
        assert laws.texts(connection, work.authority) == ()


def test_the_same_text_twice_is_refused_and_another_is_kept_beside_it(store: Store) -> None:
    work = office(store)
    load(work)
    with pytest.raises(Settled):
        load(work)
    load(work, data=(TEXT + "第二十七条　新增。\n").encode())
    with store.read() as connection:
        assert len(laws.texts(connection, work.authority, "713")) == 2


@pytest.mark.parametrize(("law", "number"), [("713", "999"), ("nothing", "1")])
def test_an_article_nobody_has_a_rule_for_is_not_found(law: str, number: str) -> None:
    with pytest.raises(NotFound):
        lookup.article(None, None, None, law, number)


# ---- citations ---------------------------------------------------------------------------------------------


def test_the_seed_s_plan_cites_a_regulation_before_it_took_effect() -> None:
    (found,) = citations.of_registry(shipped.registry())
    assert (found.what, found.on, found.fault) == ("河南省行政执法条例", date(2016, 5, 15), "not-yet")


def test_a_basis_is_held_against_the_day_of_the_act(store: Store, tmp_path: Path) -> None:
    text = (Path(__file__).parent.parent / "procedures" / "tree-felling.yaml").read_text("utf-8")
    days = "{id: valid_from, title: 施行日, type: date}, {id: valid_to, title: 失效日, type: date}"
    name = "{id: title, title: 名称, type: text, required: yes}"
    column = f"{{id: bases, title: 依据, type: rows, columns: [{name}, {days}]}}"
    path = tmp_path / "tree-felling.yaml"
    path.write_text(text.replace("    fields: [{id: number, title: 文号, type: text}]", f"    fields: [{column}]").replace(
        "    gates: [survey_done]\n", "", 1), "utf-8")  # fmt: skip
    work = office(store, path)
    work.do("proposer", "ask", title="解放路行道树砍伐", protected="no", trees="3")
    work.do("chief", "begin", units=[{"unit": "承办单位", "leading": "yes"}])
    work.do("chief", "decide", bases=[
        {"title": "早的规定", "valid_to": "2023-12-31"}, {"title": "晚的规定", "valid_from": "2024-06-01"},
        {"title": "好的规定", "valid_from": "2020-01-01", "valid_to": "2024-12-31"},
    ])  # fmt: skip
    procedure = procedures.read(path)
    assert [(one.what, one.fault) for one in citations.of_case(procedure, work.facts())] == [
        ("早的规定", "ended"), ("晚的规定", "not-yet")]  # fmt: skip
    with store.read() as connection:
        cases = tuple(stored.cases(connection, work.authority))
    assert [(no, one.what) for no, one in citations.ended_bases(cases, date(2025, 1, 1))] == [
        (work.no, "早的规定"), (work.no, "好的规定")]  # fmt: skip
    assert [one.no for one in citations.affected(cases, "好的规定")] == [work.no]
    assert [one.no for one in citations.affected(cases, "713")] == [work.no]
    assert list(citations.affected(cases, "另一部法")) == []


def test_an_act_before_its_rule_took_effect_is_found() -> None:
    procedure = procedures.read(WORKFLOWS.parent / "tests" / "procedures" / "tree-felling.yaml")
    asked = Do("ask", "2019-08-01", "proposer", {"title": "砍伐", "protected": "no", "trees": "3"})
    (found,) = citations.of_case(procedure, play(procedure, [asked]))
    assert (found.fault, found.on, found.what) == ("not-yet", date(2019, 8, 1), "重大行政决策程序暂行条例")
