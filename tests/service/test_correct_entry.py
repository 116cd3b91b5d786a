"""A wrong entry is corrected by a new one that points at it; the old one stays readable."""

from __future__ import annotations

from dataclasses import replace

from decisionflow.service import replay, steps
from decisionflow.store.engine import Store
from tests.service.stage import Office, office


def begun(store: Store) -> Office:
    work = office(store)
    work.do("proposer", "ask", title="解放路行道树砍伐", protected="no", trees="3")
    work.do("chief", "begin", units=[{"unit": "承办单位", "leading": "yes"}])
    return work


def correct(work: Office, who: str, of: str, reason: str = "株数录错", **raw: str) -> steps.Done | steps.Held:
    ask = replace(work.ask("correct", **raw), reason=reason)
    actor = work.stage.actors[who]
    return work.store.write(lambda tx: steps.correct(tx, work.authority, actor, ask, of, work.now))


def test_a_corrected_field_counts_and_the_old_entry_stays(store: Store) -> None:
    work = begun(store)
    first = work.facts().acts[0]

    done = correct(work, "proposer", first.entry, trees="5")

    assert isinstance(done, steps.Done)
    act = work.facts().acts[0]
    assert (act.fields["trees"], act.corrected_by) == (5, done.entry)
    with store.read() as connection:
        assert replay.compare(connection, store.blobs, "yunhe") == ()


def test_a_correction_that_would_not_have_been_lawful_is_refused(store: Store) -> None:
    work = begun(store)
    notice = work.do("lead", "open_survey", ends_on="2024-04-10", papers=("photo",))

    held = correct(work, "lead", notice.entry, ends_on="2024-03-10")

    assert isinstance(held, steps.Held)
    assert held.refused.rules == {"D713-25"}
    assert work.facts().acts[-1].fields["ends_on"] == "2024-04-10"


def test_only_the_duty_that_acted_may_correct(store: Store) -> None:
    work = begun(store)

    held = correct(work, "legal", work.facts().acts[0].entry, trees="5")

    assert isinstance(held, steps.Held)
    assert held.refused.wrong_duty
