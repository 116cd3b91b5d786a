"""A step is taken or refused, once, whole, and the trail says so."""

from __future__ import annotations

from datetime import timedelta

from decisionflow.service import replay, steps
from decisionflow.store.engine import Store
from tests.service.stage import office


def test_a_case_runs_from_request_to_close(store: Store) -> None:
    work = office(store)
    assert isinstance(
        work.do("proposer", "ask", title="解放路行道树砍伐", protected="no", trees="3", phone="13800000000"), steps.Done
    )
    assert work.no == "YH-2024-001"
    work.do("chief", "begin", units=[{"unit": "承办单位", "leading": "yes"}])
    refused = work.do("chief", "decide")
    assert isinstance(refused, steps.Held)
    assert refused.refused.rules == {"D713-45"}
    taken = work.do("lead", "open_survey", ends_on="2024-03-31", papers=("photo",))
    assert isinstance(taken, steps.Done), taken
    early = work.do("lead", "close_survey")
    assert early.refused.rules == {"D713-24"}
    work.do("lead", "close_survey", after=timedelta(days=31))
    assert isinstance(work.do("chief", "decide"), steps.Done)
    assert isinstance(work.do("lead", "finish"), steps.Done)
    assert work.facts().stages == {"main": "closed", "survey": "done"}
    with store.read() as connection:
        assert replay.compare(connection, store.blobs, "yunhe") == ()
