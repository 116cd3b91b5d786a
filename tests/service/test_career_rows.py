"""The rows that careers are read from: every person in every entry, by role; folded again, the same; on both databases."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text

from decisionflow.service import careers, replay, steps
from decisionflow.store.engine import Store
from tests.service.stage import Office, office
from tests.web.panel_room import NATIONAL

KIND = {
    "class": "construction", "technical": "yes", "stability_risk": "no", "vital_interest": "no", "specific_group": "no",
    "market_effect": "no", "public": "yes",
}  # fmt: skip


def road(store: Store) -> Office:
    """A road that needs no departments, judged so by somebody who is only named."""
    work = office(store, NATIONAL)
    work.do("proposer", "propose", title="跨区道路改建方案", source="department", problem="拥堵", basis="规划", solution="改建",
            necessity="必要", feasibility="可行", judgement="专业性强", **KIND)  # fmt: skip
    work.do("chief", "start", reason="依法推进", units=[{"unit": "承办单位", "leading": "yes"}])
    ask = work.ask(
        "save_draft", change_kind="first", change_note="一稿", bases=[{"title": "公路法", "valid_from": "1998-01-01"}]
    )
    work.submit("lead", steps.Ask(ask.action, ask.key, ask.case, ask.raw, (work.paper("drafting_note"),),
                                  steps.DraftText("方案", ("第一条",))))  # fmt: skip
    work.do("lead", "waive_departments", reason="只涉及本部门", judged_by="沈若谷")
    assert isinstance(work.last, steps.Done), work.last
    return work


def rows(work: Office, who: str) -> list[tuple[str, str]]:
    query = text("select action, role from career where person_id = :p order by recorded_at, entry_id, role")
    with work.store.read() as connection:
        return [tuple(row) for row in connection.execute(query, {"p": work.stage.actors[who].person})]


def test_whoever_acts_and_whoever_is_named_have_a_row_each(store: Store) -> None:
    work = road(store)
    assert rows(work, "lead") == [("save_draft", "act"), ("waive_departments", "act")]
    assert rows(work, "deputy") == [("waive_departments", "judged_by")]
    assert rows(work, "chief") == [("start", "act")]


def test_a_correction_is_a_row_of_its_own_and_names_anew(store: Store) -> None:
    work = road(store)
    wrong, work.now = work.last.entry, work.now + timedelta(days=1)  # type: ignore[union-attr]
    ask = steps.Ask("waive_departments", "fix", work.no, {"judged_by": "何清越"}, reason="写错了人")
    lead = work.stage.actors["lead"]
    work.store.write(lambda tx: steps.correct(tx, work.authority, lead, ask, wrong, work.now))
    assert rows(work, "lead")[-1] == ("waive_departments", "correction")
    assert rows(work, "member") == [("waive_departments", "judged_by")]
    assert rows(work, "deputy") == [("waive_departments", "judged_by")]  # the entry as written still names him


def test_a_late_act_is_marked_and_stands_in_the_year_it_happened(store: Store) -> None:
    work = road(store)
    work.now += timedelta(days=320)
    heard = {"form": "symposium", "reason": "听取", "held_on": "2024-03-20", "place": "社区", "who": "代表", "opinions": "1",
             "summary": "支持"}  # fmt: skip
    done = work.submit("lead", steps.Ask("record_participation", "late", work.no, heard, happened=work.now - timedelta(days=300),
                                         evidence="签到表", reason="漏登"))  # fmt: skip
    assert isinstance(done, steps.Done), done
    with store.read() as connection:
        row = connection.execute(text("select year, late from career where entry_id = :e"), {"e": done.entry}).one()
    assert (row.year, bool(row.late)) == (2024, True) and work.now.year == 2025


def test_folding_again_and_filling_again_give_the_same_rows(store: Store) -> None:
    work = road(store)
    query = text("select * from career order by person_id, recorded_at, entry_id, role")
    with store.read() as connection:
        before = connection.execute(query).all()
        assert replay.compare(connection, store.blobs, work.authority.id) == ()
    assert careers.fill(store) == 1
    with store.read() as connection:
        assert connection.execute(query).all() == before
    assert store.write(lambda tx: replay.rebuild(tx, work.authority.id)) > 0
    with store.read() as connection:
        assert connection.execute(query).all() == before
