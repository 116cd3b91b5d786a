"""I1: an inspector looks a person up over all years: every act and mention, in the post and unit of that time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from decisionflow.core.facts import legal_date
from decisionflow.service import actors, register, steps
from decisionflow.service.reads import career
from decisionflow.store.engine import Store
from tests.web.desk import Desk, desk
from tests.web.look_room import COLLEAGUE, INSPECTOR, look, looks, rows, words

HOMONYM = {"post": ["proposer"], "unit": "财政局", "title": "预算科科员", "name": "陈予安"}


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    """A tree felled in 2024; the lead clerk has a namesake who did nothing."""
    made = desk(store, tmp_path, jiancha=INSPECTOR, tongshi=COLLEAGUE, namesake=HOMONYM)
    fell(made, "解放路行道树砍伐")
    return made


def fell(found: Desk, title: str) -> None:
    work = found.work
    work.no = ""
    work.do("proposer", "ask", title=title, protected="no", trees="3")
    work.do(
        "chief", "begin", after=timedelta(days=10), units=[{"unit": work.stage.actors["lead"].unit, "leading": "yes"}]
    )
    work.do("lead", "open_survey", after=timedelta(hours=2), papers=("photo",),
            ends_on=(legal_date(work.now) + timedelta(days=31)).isoformat())  # fmt: skip
    assert isinstance(work.last, steps.Done), work.last


def person(found: Desk, who: str) -> str:
    return str(found.work.stage.actors[who].person)


def rename(found: Desk, unit: str, name: str) -> None:
    """The unit of the lead clerk has another name from today on, and he acts under it."""
    work = found.work
    system = work.stage.system if hasattr(work.stage, "system") else work.stage.actors["office"]

    def deed(tx: Any) -> None:
        register.Register(tx, work.authority, system, work.now).rename(
            unit, name, legal_date(work.now), "编办〔2024〕9号"
        )

    found.site.store.write(deed)
    with found.site.store.read() as connection:
        lead = work.stage.actors["lead"]
        now = actors.posts_of(connection, work.authority.id, lead.person, legal_date(work.now))[0]
    work.stage.actors["lead"] = replace(lead, unit_name=now.unit_name)


def on(found: Desk, *day: int) -> None:
    found.work.now = datetime(*day, 1, 0, tzinfo=UTC)  # type: ignore[arg-type]
    found.clients.clear()


def test_every_act_is_shown_with_the_post_then_the_text_and_how_long_it_lay(found: Desk) -> None:
    html = look(found, f"/trace/person/{person(found, 'chief')}")
    (row,) = rows(html, "deeds")
    chief = found.work.stage.actors["chief"]
    for told in ("解放路行道树砍伐", "决定受理", f"{chief.unit_name} {chief.post_title}", "办理前等了 6 个工作日"):
        assert told in row, (told, row)
    assert "任职经历" in html and "<svg" in html


def test_a_retired_person_whose_unit_was_renamed_twice_shows_every_name(found: Desk) -> None:
    unit = found.work.stage.actors["lead"].unit
    on(found, 2025, 3, 3)
    rename(found, unit, "住房和建设局")
    fell(found, "建设路行道树砍伐")
    on(found, 2026, 3, 2)
    rename(found, unit, "城市更新局")
    fell(found, "人民路行道树砍伐")
    on(found, 2026, 6, 1)
    lead = found.work.stage.actors["lead"]
    office = found.work.stage.actors["office"]
    found.site.store.write(
        lambda tx: register.Register(tx, found.work.authority, office, found.work.now).end(
            str(lead.appointment), legal_date(found.work.now), "退休", legal_date(found.work.now)
        )
    )
    on(found, 2026, 7, 1)
    html = look(found, f"/trace/person/{lead.person}")
    acts = rows(html, "deeds")
    assert len(acts) == 3
    assert "当时： 城市更新局" in acts[0].replace("当时：", "当时： ").replace("  ", " ")
    assert "住房和建设局" in acts[1] and "该单位现名：城市更新局" in acts[1]
    assert "承办单位" in acts[2] and "该单位现名：城市更新局" in acts[2]
    (post,) = rows(html, "held")
    assert (
        "城市更新局" in post
        and "承办单位（" in post
        and "住房和建设局（2025-03-03 起）" in post
        and "2026-06-01" in post
    )


def test_two_of_one_name_stay_two(found: Desk) -> None:
    listed = rows(found.get("jiancha", "/trace?q=陈予安"), "people")
    assert len(listed) == 2
    other = look(found, f"/trace/person/{person(found, 'namesake')}")
    assert "解放路行道树砍伐" not in words(other).split("办理过、写到过的事")[1]
    assert "解放路行道树砍伐" in look(found, f"/trace/person/{person(found, 'lead')}")


def test_an_empty_career_names_the_boundary_of_the_data(found: Desk) -> None:
    html = look(found, f"/trace/person/{person(found, 'namesake')}")
    assert "此人在本系统没有记录（本机关最早的记录始于 2024-03-01" in html and "纸质档案" in html


def test_the_parts_that_are_wanted_are_picked_and_kept_in_the_address(found: Desk) -> None:
    lead, no = person(found, "lead"), found.work.no
    on(found, 2025, 3, 3)
    fell(found, "建设路行道树砍伐")
    look(found, f"/trace/person/{lead}")
    assert len(rows(found.get("jiancha", f"/trace/person/{lead}?year=2024"), "deeds")) == 1
    assert "解放路" in rows(found.get("jiancha", f"/trace/person/{lead}?case={no}"), "deeds")[0]
    assert "没有符合条件的记录" in found.get("jiancha", f"/trace/person/{lead}?only=late")
    assert "没有符合条件的记录" in found.get("jiancha", f"/trace/person/{lead}?only=dissent")
    assert len(rows(found.get("jiancha", f"/trace/person/{lead}?action=open_survey"), "deeds")) == 2
    for bad in ("year=zwanzig", "before=x", "before=a~b~c"):
        found.get("jiancha", f"/trace/person/{lead}?{bad}", 422)


def test_a_long_career_is_turned_page_by_page_and_nothing_is_lost(found: Desk) -> None:
    for n in range(3):
        on(found, 2025, 3, 3 + n)
        fell(found, f"第{n}路行道树砍伐")
    who, seen, before = person(found, "lead"), [], ""
    with found.site.store.read() as connection:
        while True:
            page = career.page(
                connection, found.work.authority, who, career.Wanted(before=before), found.work.now, many=1
            )
            seen += [(one.entry, one.role) for one in page.entries]
            before = page.after
            if not before:
                break
        whole = career.every(connection, found.work.authority, who, career.Wanted(), found.work.now)
    assert seen == [(one.entry, one.role) for one in whole.entries] and len(seen) == len(set(seen)) == whole.total == 4


def test_one_reason_opens_the_pages_for_half_an_hour_and_is_recorded_once(found: Desk) -> None:
    path = f"/trace/person/{person(found, 'chief')}"
    assert "查询理由或者文号" in found.get("jiancha", path)
    look(found, path)
    assert "决定受理" in found.get("jiancha", path) and "决定受理" in found.get("jiancha", f"{path}?year=2024")
    (record,) = looks(found)
    assert set(record["body"]["reason"]) == {"commitment"}
    found.work.now += timedelta(minutes=31)
    found.clients.clear()
    assert "查询理由或者文号" in found.get("jiancha", path)


def test_a_colleague_of_the_same_unit_gives_a_reason_of_their_own(found: Desk) -> None:
    path = f"/trace/person/{person(found, 'chief')}"
    look(found, path)
    assert "查询理由或者文号" in found.get("tongshi", path)
    look(found, path, who="tongshi")
    assert len(looks(found)) == 2


def test_for_the_wrong_post_and_for_strangers_there_is_no_such_page(found: Desk) -> None:
    path = f"/trace/person/{person(found, 'chief')}"
    look(found, path)
    for who in ("lead", "chief", "expert"):
        found.get(who, path, 404)
        look(found, path, who=who, status=404)
    assert found.client("").get(path).status_code == 303
    assert len(looks(found)) == 1


def test_without_a_good_reason_nothing_is_shown_or_opened(found: Desk) -> None:
    path = f"/trace/person/{person(found, 'chief')}"
    for reason in ("", "查", "好" * 501, "坏\x00字字字"):
        assert "决定受理" not in look(found, path, reason, status=422)
    assert looks(found) == [] and "查询理由或者文号" in found.get("jiancha", path)


def test_no_statement_of_the_page_reads_every_case(found: Desk) -> None:
    """The rows of a person are found by the key of the projection, on both databases."""
    query = "select * from career where authority_id = :a and person_id = :p order by recorded_at desc limit 51"
    with found.site.store.read() as connection:
        sqlite = connection.dialect.name == "sqlite"
        if not sqlite:
            connection.execute(text("set local enable_seqscan = off"))
        told = connection.execute(text(f"explain {'query plan ' if sqlite else ''}{query}"),
                                  {"a": found.work.authority.id, "p": person(found, "lead")}).all()  # fmt: skip
    plan = " ".join(str(one) for row in told for one in row)
    assert ("SEARCH career USING INDEX" in plan) if sqlite else ("career_pkey" in plan), plan
