"""An open case is moved to another version: a reasoned act of the office or legal review, after a dry run."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from decisionflow.core import procedure as law
from decisionflow.errors import BadInput, Forbidden, NotFound, Settled
from decisionflow.service import moving, procedures, rehearsals, replay, steps
from decisionflow.service.reads import citations
from decisionflow.store.engine import Store
from tests.service.stage import FELLING, Office, office


def variant(tmp_path_factory: pytest.TempPathFactory, *changes: tuple[str, str]) -> law.Procedure:
    """The tree-felling procedure, said otherwise."""
    text = FELLING.read_text("utf-8").replace('version: "2024.1"', 'version: "2024.2"')
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    path = tmp_path_factory.mktemp("variant") / "tree-felling.yaml"
    path.write_text(text, "utf-8")
    return procedures.read(path)


NUMBERED = """gates:
  - {id: numbered, check: filled, field: number, strength: must, rules: [D713-52], say: 决定须有文号}
"""


@pytest.fixture
def stricter(tmp_path_factory: pytest.TempPathFactory) -> law.Procedure:
    return variant(
        tmp_path_factory, ("length: 10 workdays", "length: 5 workdays"), ("gates:\n", NUMBERED),
        ("    binding: yes\n    gates: [survey_done]", "    binding: yes\n    gates: [survey_done, numbered]"),
    )  # fmt: skip


@pytest.fixture
def found(store: Store, stricter: law.Procedure) -> Office:
    """A case that is decided, with its filing clock running, and the stricter version published."""
    work = office(store)
    work.do("proposer", "ask", title="解放路行道树砍伐", protected="no", trees="3")
    work.do("chief", "begin", units=[{"unit": "承办单位", "leading": "yes"}])
    work.do("lead", "open_survey", ends_on="2024-04-10", papers=("photo",))
    work.now = datetime(2024, 4, 11, 1, tzinfo=UTC)
    work.do("lead", "close_survey")
    work.now = datetime(2024, 4, 24, 1, tzinfo=UTC)
    work.do("chief", "decide")
    system = rehearsals.system_actor(work.authority.id)
    store.write(lambda tx: procedures.publish(tx, work.authority, stricter, system, work.now))
    return work


REASON = "上级要求按新版本办结归档（区政办函〔2024〕3号）"


def move(work: Office, to: law.Procedure, who: str = "legal", reason: str = REASON) -> str:
    actor = work.stage.actors[who]
    return work.store.write(lambda tx: moving.move(tx, work.authority, work.no, to, reason, actor, work.now))


def due(work: Office) -> date:
    with work.store.read() as connection:
        (row,) = connection.exec_driver_sql("select due_on from deadline").all()
    return row.due_on if isinstance(row.due_on, date) else date.fromisoformat(row.due_on)


def test_a_dry_run_lists_what_changes_and_writes_nothing(found: Office, stricter: law.Procedure) -> None:
    before = found.facts()
    with found.store.read() as connection:
        plan = moving.plan(connection, found.authority, found.no, stricter, found.now)
    assert plan.possible and [(one.clock, one.before, one.after) for one in plan.dues] == [
        ("归档期限", date(2024, 5, 10), date(2024, 4, 30))]  # fmt: skip
    assert {("gate", "numbered", "harder"), ("clock", "file_in_10", "harder")} <= {
        (one.what, one.id, one.weight) for one in plan.changes
    }
    assert found.facts() == before


def test_moving_keeps_the_stages_and_counts_the_deadlines_anew(found: Office, stricter: law.Procedure) -> None:
    before, was = found.facts(), due(found)
    entry = move(found, stricter)
    after = found.facts()
    assert (was, due(found)) == (date(2024, 5, 10), date(2024, 4, 30))
    assert after.procedure == stricter.digest and dict(after.stages) == dict(before.stages)
    assert after.acts == before.acts and set(after.heads.values()) == {entry}
    with found.store.read() as connection:
        assert replay.compare(connection, found.store.blobs, found.authority.id) == ()
        assert [one.what for one in citations.of_case(stricter, after)] == []


def test_a_page_opened_before_the_move_is_stale(found: Office, stricter: law.Procedure) -> None:
    seen = found.facts().heads["main"]
    move(found, stricter)
    ask = steps.Ask("finish", "late", found.no, seen=seen)
    with pytest.raises(steps.Stale):
        found.submit("lead", ask)


def test_a_move_twice_is_refused_and_so_is_one_of_a_case_that_is_over(found: Office, stricter: law.Procedure) -> None:
    move(found, stricter)
    with pytest.raises(Settled, match="same version"):
        move(found, stricter)
    found.do("lead", "finish")
    old = found.stage.procedures[0]
    with pytest.raises(Settled, match="over"):
        move(found, old)


def test_neither_the_unit_in_charge_nor_somebody_without_a_reason_may_move(
    found: Office, stricter: law.Procedure
) -> None:
    for who in ("lead", "chief", "proposer"):
        with pytest.raises(Forbidden):
            move(found, stricter, who)
    with pytest.raises(BadInput) as fault:
        move(found, stricter, reason="改")
    assert fault.value.problems[0].place == "reason"
    assert found.facts().procedure == found.stage.procedures[0].digest


def test_a_version_without_the_case_s_stage_cannot_take_it(
    found: Office, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = variant(tmp_path_factory, ("decided: 已决定", "approved: 已批准"), ("to: decided", "to: approved"),
                    ("from: decided", "from: approved"))  # fmt: skip
    with found.store.read() as connection:
        plan = moving.plan(connection, found.authority, found.no, other, found.now)
    assert not plan.possible and plan.missing == ("主线“已决定”",)
    with pytest.raises(BadInput, match="已决定"):
        move(found, other)


def test_a_version_that_was_not_published_is_not_found(found: Office, stricter: law.Procedure) -> None:
    with found.store.read() as connection:
        assert moving.published(connection, found.authority, "tree-felling@2024.2").digest == stricter.digest
        assert moving.published(connection, found.authority, stricter.digest[:10]).digest == stricter.digest
        for name in ("tree-felling@1999.1", "tree-felling", ""):
            with pytest.raises(NotFound):
                moving.published(connection, found.authority, name)
