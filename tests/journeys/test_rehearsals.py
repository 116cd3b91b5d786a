"""Every rehearsal plays as it expects, on both databases; and each refusal hangs on exactly one gate."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from decisionflow.core import procedure as law
from decisionflow.errors import BadInput
from decisionflow.service import calendars, rehearsals, scripts
from decisionflow.store.blobs import Blobs
from decisionflow.store.engine import Store, connect

FOLDER = Path(__file__).parents[1] / "rehearsals"
SCRIPTS = sorted(FOLDER.glob("*.yaml"))
REFUSALS = sorted(FOLDER.glob("refused-*.yaml"))


def reading(path: Path) -> scripts.Reading:
    return scripts.read(path.read_text("utf-8"), str(path))


def test_the_collection_is_whole() -> None:
    names = [path.name for path in SCRIPTS]
    assert sum(name.startswith("real-") for name in names) == 9
    assert len(REFUSALS) == 12 and "full-length.yaml" in names


@pytest.mark.slow
@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_it_plays_as_it_expects(store: Store, path: Path) -> None:
    report = rehearsals.play(store, reading(path), "rehearsal")
    assert [(act.n, act.outcome, act.expected, act.problems) for act in report.failed] == []


def test_people_sign_up_for_a_hearing_in_a_script(store: Store) -> None:
    def script(side: str) -> str:
        whole = (FOLDER / "hearing-whole.yaml").read_text("utf-8").split("  - at: 2024-04-03T09:00")[0].rstrip()
        one = f"{{side: {side}, name: 甲某, contact: 示例电话01, words: 每月用水十吨。, after_days: 2}}"
        return f"{whole}\n    signups: [{one}]\n"

    with pytest.raises(BadInput) as refused:
        rehearsals.play(store, scripts.read(script("专家"), "signs-up.yaml"), "wrong-side")
    (problem,) = refused.value.problems
    assert problem.line == len(script("专家").splitlines()) and "请选择代表哪一方" in problem.say
    report = rehearsals.play(store, scripts.read(script("消费者"), "signs-up.yaml"), "right-side")
    assert not report.failed
    with store.read() as connection:
        row = connection.execute(
            text("select side, state from signup where authority_id = :a"), {"a": report.authority}
        ).one()
    assert tuple(row) == ("消费者", "waiting")


@pytest.mark.parametrize(
    "path", [path for path in SCRIPTS if path.name.startswith("real-")], ids=lambda path: path.stem
)
def test_a_real_matter_says_what_was_invented(path: Path) -> None:
    assert reading(path).script.invented


@pytest.mark.parametrize("path", REFUSALS, ids=lambda path: path.stem)
def test_a_refusal_script_ends_in_the_refusal(path: Path) -> None:
    last = reading(path).script.acts[-1].expect
    assert isinstance(last, scripts.Expected) and last.refused


def fresh(template: Path, folder: Path) -> Store:
    folder.mkdir()
    shutil.copy(template, folder / "play.db")
    return connect(f"sqlite:///{folder / 'play.db'}", Blobs(folder / "blobs"))


def weakened(procedure: law.Procedure, gate: str) -> law.Procedure:
    """The procedure with one gate turned into a hint."""
    gates = tuple(one.model_copy(update={"strength": "may"}) if one.id == gate else one for one in procedure.gates)
    copy = procedure.model_copy(update={"gates": gates})
    for cached in ("_gates", "_actions", "canonical", "digest"):  # of the one it was copied from
        copy.__dict__.pop(cached, None)
    return law.load(copy.canonical)


def played(store: Store, path: Path, gate: str = "") -> rehearsals.Report:
    """A script under a copy of its procedures, one gate weaker if one is named."""
    script = reading(path)
    chosen = rehearsals.named(script.script.procedure, FOLDER)
    if gate:
        chosen = tuple(weakened(one, gate) for one in chosen)
    since = rehearsals.check(script, chosen, rehearsals.ANCHOR)[0].at - timedelta(days=1)
    place = script.script.authority
    authority = store.write(
        lambda tx: rehearsals.found_authority(tx, place, "copy", since, clock="simulated", procedure=chosen[0].id)
    )
    rehearsals.publish_rules(store, authority, chosen, since)
    people, system = rehearsals.cast(script.script.people, chosen), rehearsals.system_actor("copy")
    actors = store.write(lambda tx: rehearsals.enrol(tx, authority, people, system, since))
    with store.read() as connection:
        calendar = calendars.current(connection, "copy", "CN")
    return rehearsals.play(store, script, "copy", stage=rehearsals.Stage(authority, actors, calendar, chosen))


@pytest.mark.slow
def test_weakening_one_gate_turns_exactly_its_rehearsal_red(sqlite_template: Path, tmp_path: Path) -> None:
    def play(path: Path, gate: str = "") -> rehearsals.Report:
        store = fresh(sqlite_template, tmp_path / f"{path.stem}-{gate}")
        try:
            return played(store, path, gate)
        finally:
            store.close()

    barring = {path: {finding.code for finding in play(path).acts[-1].findings} for path in REFUSALS}
    for gate in sorted(set().union(*barring.values())):
        red = {path.stem for path in REFUSALS if play(path, gate).failed}
        assert red == {path.stem for path, gates in barring.items() if gate in gates}, gate
