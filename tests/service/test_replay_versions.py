"""A jurist compares two versions, and tries one on what was done before anybody publishes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from decisionflow.cli import rehearse
from decisionflow.core import difference
from decisionflow.core import procedure as law
from decisionflow.service import authorities, procedures, rehearsals, replays, scripts
from decisionflow.store.engine import Store
from tests.core.play import without
from tests.service.stage import office

HOUSE = Path(__file__).parents[2]
REHEARSALS = sorted((HOUSE / "tests" / "rehearsals").glob("*.yaml"))


def script(name: str) -> scripts.Reading:
    path = HOUSE / "tests" / "rehearsals" / f"{name}.yaml"
    return scripts.read(path.read_text("utf-8"), str(path))


# ---- compare -----------------------------------------------------------------------------------------------


def test_the_same_procedure_has_no_difference() -> None:
    one = procedures.find("cn-major-decision@2024.1")
    assert difference.compare(one, one) == ()


def test_fair_competition_review_of_2024_is_told_in_words() -> None:
    old, new = (procedures.find(f"cn-major-decision@{version}") for version in ("2019.1", "2024.1"))
    told = difference.compare(old, new)
    assert any(one.what == "action" and one.say.startswith("新增动作：会同进行公平竞争审查") for one in told)
    (gate,) = [one for one in told if one.id == "fair_passed"]
    assert (gate.weight, gate.rules) == ("harder", ("OV-04",)) and "公布决策" in gate.say
    back = {(one.what, one.id): one.weight for one in difference.compare(new, old)}
    assert back["gate", "fair_passed"] == "softer"


def test_a_longer_floor_is_harder_and_no_number_at_all_is_softer(tmp_path: Path) -> None:
    text = (HOUSE / "tests" / "procedures" / "tree-felling.yaml").read_text("utf-8")

    def version(period: str) -> law.Procedure:
        path = tmp_path / f"{period.split(maxsplit=1)[0]}.yaml"
        path.write_text(text.replace("at_least: 30 days", f"at_least: {period}"), "utf-8")
        return procedures.read(path)

    thirty, sixty, none = version("30 days"), version("60 days"), version("none")
    (harder,), (softer,) = difference.compare(thirty, sixty), difference.compare(thirty, none)
    assert (harder.weight, harder.say) == ("harder", "“公示一般不少于30日，缩短的须在公告中说明理由”：由30日改为60日")
    assert softer.weight == "softer" and "没有天数" in softer.say


# ---- replay ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def empty() -> Iterator[Path]:
    with rehearse.template() as path:
        yield path


@pytest.mark.parametrize("path", REHEARSALS, ids=[path.stem for path in REHEARSALS])
def test_a_history_judged_again_under_its_own_version_goes_the_same_way(path: Path, empty: Path) -> None:
    """Whatever was taken is lawful under the version that took it: rejudging invents nothing."""
    reading = scripts.read(path.read_text("utf-8"), str(path))
    with rehearse.shelf(empty) as fresh:
        store = fresh()
        report = rehearsals.play(store, reading, "rehearsal")
        assert report.procedure is not None
        with store.read() as connection:
            authority = authorities.get(connection, "rehearsal")
            (found,) = replays.over_cases(connection, authority, report.procedure)
    begun_under = {one.version for one in rehearsals.rules_of(reading, path.parent)}
    if len(begun_under) == 1:
        assert found.otherwise == (), found.otherwise
    assert found.acts == sum(act.outcome == "taken" for act in report.acts)


def test_a_version_with_one_more_rule_would_have_stopped_a_stored_case(store: Store) -> None:
    work = office(store)
    work.do("proposer", "ask", title="解放路行道树砍伐", protected="no", trees="3")
    work.do("chief", "begin", units=[{"unit": "承办单位", "leading": "yes"}])
    work.do("lead", "open_survey", ends_on="2024-03-20", short_reason="已经开裂，危及行人", papers=("photo",))
    must = work.stage.procedures[0]
    strict = law.load(must.canonical.replace(b'"strength":"usually"', b'"strength":"must"'))
    assert strict.digest != must.digest
    with store.read() as connection:
        (same,) = replays.over_cases(connection, work.authority, must)
        (found,) = replays.over_cases(connection, work.authority, strict)
        assert replays.count(connection, work.authority, "tree-felling") == 1
        assert list(replays.over_cases(connection, work.authority, strict, of="other")) == []
    assert same.otherwise == ()
    assert [(one.action, one.rules) for one in found.otherwise] == [("open_survey", ("D713-25",))]


def test_taking_a_gate_away_lets_a_refused_rehearsal_pass(empty: Path) -> None:
    reading = script("refused-01-no-legal-review")
    (own,) = rehearsals.rules_of(reading, HOUSE / "tests" / "rehearsals")[-1:]
    with rehearse.shelf(empty) as fresh:
        assert replays.over_script(fresh, reading, own).same
        found = replays.over_script(fresh, reading, without(own, "legally_reviewed"))
    assert not found.same
    (turn,) = [one for one in found.turns if one.before.startswith("拒绝")][:1]
    assert "D713-45" in turn.before


def test_a_version_without_an_action_of_the_rehearsal_is_said_to_lack_it(empty: Path) -> None:
    reading = script("neighbour-information-request")
    with rehearse.shelf(empty) as fresh:
        found = replays.over_script(fresh, reading, procedures.find("superior-draft-reply"))
    assert not found.same and any("新版本没有动作" in one for one in found.problems)
