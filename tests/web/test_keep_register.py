"""M1: the register is kept: units, posts, persons, appointments, lending a post, and handing over before leaving."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from decisionflow.core.facts import legal_date
from decisionflow.service import actors, register, replay, steps
from decisionflow.store.engine import Store
from tests.web.desk import Desk, desk
from tests.web.square import NATIONAL

ADMIN = {"post": "system_admin", "unit": "信息中心", "name": "系统管理员", "title": "系统管理员"}
PAPER = {"document": "云政人〔2024〕3号"}


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    return desk(store, tmp_path, keeper=ADMIN)


def do(found: Desk, deed: str, of: str = "", who: str = "keeper", **values: Any) -> Any:
    """A deed sent from its own form; its answer."""
    token = found.csrf(who, f"/register/{deed}?of={of}")
    return found.client(who).post(f"/register/{deed}", data={"csrf": token, "of": of, **values})


def done(found: Desk, deed: str, of: str = "", who: str = "keeper", **values: Any) -> None:
    answer = do(found, deed, of, who, **values)
    assert answer.status_code == 303, re.sub(r"<[^>]+>", " ", answer.text)[-3000:]


def ids(found: Desk, sql: str, **values: str) -> list[str]:
    with found.site.store.read() as connection:
        rows = connection.exec_driver_sql(sql if not values else sql.format(**values)).all()
    return [str(row[0]) for row in rows]


def unit_of(found: Desk, name: str) -> str:
    return ids(found, "select id from unit where name = '{name}'", name=name)[0]


def post_of(found: Desk, title: str) -> str:
    return ids(found, "select id from post where title = '{title}' order by id desc", title=title)[0]


def person_of(found: Desk, name: str) -> str:
    return ids(found, "select id from person where name = '{name}' order by id desc", name=name)[0]


def appointment_of(found: Desk, who: str) -> str:
    return str(found.work.stage.actors[who].appointment)


def day(found: Desk, ahead: int = 0) -> str:
    return (legal_date(found.work.now) + timedelta(days=ahead)).isoformat()


def newcomer(found: Desk, name: str = "新来的", title: str = "副局长", unit: str = "承办单位", **post: Any) -> str:
    """Somebody new in a new post of a unit that is there; the appointment's id."""
    done(found, "person", name=name)
    done(
        found,
        "post",
        unit_of(found, unit),
        title=title,
        duties=post.pop("duties", ["lead"]),
        since=day(found),
        **{"single": "no", **post},
    )
    done(found, "appoint", post_of(found, title), person=person_of(found, name), since=day(found), **PAPER)
    return ids(found, "select id from appointment where person_id = '{one}'", one=person_of(found, name))[0]


def agree(found: Desk) -> None:
    """What replay makes of the entries is what stands in the rows."""
    with found.site.store.read() as connection:
        assert replay.compare(connection, found.site.store.blobs, "yunhe") == ()


# ---- works -------------------------------------------------------------------------------------------------


def test_a_unit_a_post_a_person_and_an_appointment_are_written_down_and_count_at_once(found: Desk) -> None:
    done(found, "unit", name="区数据局", short="数据局", since=day(found), **PAPER)
    done(found, "person", name="欧阳䶮")
    done(
        found,
        "post",
        unit_of(found, "区数据局"),
        title="数据局局长",
        duties=["lead", "legal"],
        since=day(found),
        single="yes",
    )
    done(found, "appoint", post_of(found, "数据局局长"), person=person_of(found, "欧阳䶮"), since=day(found), **PAPER)
    html = found.get("keeper", "/register?q=欧阳䶮")
    assert "区数据局" in html and "数据局局长" in html and "云政人〔2024〕3号" in html and "养护单位" in html
    with found.site.store.read() as connection:
        held = actors.posts_of(connection, "yunhe", person_of(found, "欧阳䶮"), legal_date(found.work.now))
    assert [(one.unit_name, one.post_title, one.duties) for one in held] == [
        ("区数据局", "数据局局长", ("lead", "legal"))
    ]
    agree(found)


def test_a_unit_renamed_twice_is_shown_by_the_name_of_the_day(found: Desk) -> None:
    done(found, "rename", unit_of(found, "承办单位"), name="区住建局", since="2024-06-01", **PAPER)
    done(found, "rename", unit_of(found, "区住建局"), name="区住建和城管局", since="2025-01-01", **PAPER)
    assert "<h2 id=" in found.get("lead", "/register")

    def names(on: str) -> list[str]:
        return re.findall(r'<h2 id="u\d+-h">([^<]+)</h2>', found.get("lead", f"/register?on={on}"))

    assert (
        "承办单位" in names("2024-05-31")
        and "区住建局" in names("2024-12-31")
        and "区住建和城管局" in names("2025-01-01")
    )
    agree(found)


def test_what_was_believed_on_a_day_is_kept_apart_from_what_is_believed_now(found: Desk) -> None:
    """An appointment of 29 February that is written down on 1 March was not known on 29 February."""
    done(found, "person", name="后来登记的")
    done(found, "post", unit_of(found, "承办单位"), title="副局长", duties=["lead"], since="2024-02-29", single="no")
    done(found, "appoint", post_of(found, "副局长"), person=person_of(found, "后来登记的"), since="2024-02-29", **PAPER)
    known = found.get("lead", "/register?on=2024-02-29&q=后来登记的")
    assert "后来登记的" in known and "2024-03-01 才登记" in known
    assert "没有符合" in found.get("lead", "/register?on=2024-02-29&known=2024-02-29&q=后来登记的")


def test_two_of_one_name_are_two_and_are_told_apart(found: Desk) -> None:
    done(found, "person", name="王芳")
    answer = do(found, "person", name="王芳")
    assert answer.status_code == 422 and "已经登记过同名的人" in answer.text
    done(found, "person", name="王芳", note="1985年生，原区审计局")
    done(found, "post", unit_of(found, "承办单位"), title="科员", duties=["lead"], since=day(found), single="no")
    answer = do(found, "appoint", post_of(found, "科员"), person="王芳", since=day(found), **PAPER)
    assert answer.status_code == 422 and "同名的不止一个" in answer.text
    assert "王芳（1985年生，原区审计局）" in answer.text
    assert len(ids(found, "select id from person where name = '王芳'")) == 2


# ---- one at a time, and apart ------------------------------------------------------------------------------


def test_a_post_for_one_has_one_holder_and_somebody_acting_says_so(found: Desk) -> None:
    newcomer(found, "甲", "局长", single="yes")
    done(found, "person", name="乙")
    rival = {"person": person_of(found, "乙"), "since": day(found), **PAPER}
    answer = do(found, "appoint", post_of(found, "局长"), **rival)
    assert answer.status_code == 422 and "同时只能有一人任职：甲" in answer.text
    done(found, "appoint", post_of(found, "局长"), acting="yes", **rival)
    with found.site.store.read() as connection:
        held = actors.posts_of(connection, "yunhe", rival["person"], legal_date(found.work.now))
    assert [one.post_title for one in held] == ["局长（代理）"]


def test_the_same_appointment_twice_is_once(found: Desk) -> None:
    newcomer(found, "甲", "局长")
    again = do(found, "appoint", post_of(found, "局长"), person=person_of(found, "甲"), since=day(found, 3), **PAPER)
    assert again.status_code == 422 and "已经担任" in again.text
    assert len(ids(found, "select id from appointment where person_id = '{one}'", one=person_of(found, "甲"))) == 1


@pytest.mark.parametrize("duties", [["system_admin", "audit_admin"], ["system_admin", "lead"]])
def test_who_keeps_the_system_neither_audits_it_nor_decides_anything(found: Desk, duties: list[str]) -> None:
    answer = do(found, "post", unit_of(found, "信息中心"), title="全能岗", duties=duties, since=day(found), single="no")
    assert answer.status_code == 422 and "必须是不同的人" in answer.text
    done(
        found, "post", unit_of(found, "信息中心"), title="审计员", duties=["audit_admin"], since=day(found), single="no"
    )
    mine = found.work.stage.actors["keeper"].person
    answer = do(found, "appoint", post_of(found, "审计员"), person=mine, since=day(found), **PAPER)
    assert answer.status_code == 422 and "必须是不同的人" in answer.text


def test_a_unit_with_people_in_it_is_not_abolished(found: Desk) -> None:
    answer = do(found, "abolish", unit_of(found, "承办单位"), until=day(found), **PAPER)
    assert answer.status_code == 422 and "还有人在任" in answer.text
    done(found, "unit", name="临时指挥部", since=day(found), **PAPER)
    done(found, "abolish", unit_of(found, "临时指挥部"), until=day(found, 30), **PAPER)
    assert "临时指挥部" in found.get("lead", f"/register?on={day(found, 30)}")
    assert "临时指挥部" not in found.get("lead", f"/register?on={day(found, 31)}")
    agree(found)


# ---- lending a post ------------------------------------------------------------------------------------------


def lend(found: Desk, who: str = "lead", **values: Any) -> Any:
    asked = {
        "person": person_of(found, "同事"),
        "since": day(found),
        "until": day(found, 10),
        "reason": "外出学习",
        **values,
    }
    return do(found, "delegate", appointment_of(found, who), who, **asked)


@pytest.fixture
def colleague(found: Desk) -> Desk:
    newcomer(
        found,
        "同事",
        "科员",
        "别的单位" if ids(found, "select id from unit where name = '别的单位'") else "信息中心",
        duties=["legal"],
    )
    return found


def test_a_post_is_lent_for_a_time_and_each_record_says_for_whom(colleague: Desk) -> None:
    found, work = colleague, colleague.work
    assert lend(found).status_code == 303
    with found.site.store.read() as connection:
        held = actors.posts_of(connection, "yunhe", person_of(found, "同事"), legal_date(work.now))
    lent = next(one for one in held if "委托" in one.post_title)
    assert lent.post_title.endswith(f"（受{work.stage.actors['lead'].name}委托）")
    work.do("proposer", "ask", title="解放路行道树砍伐", protected="no", trees="3", public="yes")
    work.do("chief", "begin", units=[{"unit": "承办单位", "leading": "yes"}])
    work.stage.actors["stand_in"] = lent
    assert isinstance(work.do("stand_in", "open_survey", ends_on="2024-04-30", papers=("photo",)), steps.Done)
    assert work.facts().acts[-1].party.post_title == lent.post_title
    with found.site.store.read() as connection:
        over = actors.posts_of(connection, "yunhe", lent.person, legal_date(work.now) + timedelta(days=11))
    assert all("委托" not in one.post_title for one in over)
    agree(found)


@pytest.mark.parametrize(
    ("values", "say"),
    [
        ({"until": "2026-01-01"}, "委托须有期限，最长180天"), ({"until": "2024-02-01"}, "委托须有期限"),
        ({"reason": ""}, "请填写“理由”"), ({"since": "2023-01-01", "until": "2023-02-01"}, "已经不在这个岗位"),
        ({"person": "没有这个人"}, "登记册里找不到“没有这个人”"),
    ],
)  # fmt: skip
def test_lending_without_limit_reason_or_person_is_refused_and_keeps_what_was_typed(
    colleague: Desk, values: dict[str, str], say: str
) -> None:
    answer = lend(colleague, **values)
    assert answer.status_code == 422 and say in answer.text
    assert len(ids(colleague, "select id from appointment where delegated_by <> ''")) == 0


def test_whoever_decides_decides_in_person(colleague: Desk) -> None:
    answer = lend(colleague, "chief")
    assert answer.status_code == 422 and "由本人履行，不能委托" in answer.text


def test_what_was_lent_is_not_lent_on_and_ends_with_its_lender(colleague: Desk) -> None:
    found = colleague
    lend(found)
    lent = ids(found, "select id from appointment where delegated_by <> ''")[0]
    answer = do(
        found,
        "delegate",
        lent,
        person=found.work.stage.actors["legal"].person,
        since=day(found),
        until=day(found, 3),
        reason="再委托",
    )
    assert answer.status_code == 422 and "不能再委托" in answer.text
    done(found, "end", appointment_of(found, "lead"), until=day(found, 2), one_sided="调离", **PAPER)
    assert ids(found, "select valid_to from appointment where delegated_by <> ''") == [day(found, 2)]
    agree(found)


# ---- leaving -------------------------------------------------------------------------------------------------


@pytest.fixture
def busy(found: Desk) -> Desk:
    """The lead unit's clerk has something to do."""
    newcomer(found, "接手的")
    found.work.do("proposer", "ask", title="解放路行道树砍伐", protected="no", trees="3", public="yes")
    found.work.do("chief", "begin", units=[{"unit": "承办单位", "leading": "yes"}])
    found.clients.clear()  # an hour or two later everybody signs in again
    return found


def test_open_work_is_handed_over_and_signed_by_both_before_a_post_ends(busy: Desk) -> None:
    found, mine = busy, appointment_of(busy, "lead")
    answer = do(found, "end", mine, until=day(found), **PAPER)
    assert (
        answer.status_code == 422 and "还有在办的事没有双方签字的交接" in answer.text and found.work.no in answer.text
    )
    made = do(found, "handover", mine, "lead", to=person_of(found, "接手的"), remark="钥匙在抽屉里").headers["location"]
    html = found.get("lead", made)
    assert found.work.no in html and "钥匙在抽屉里" in html and html.count("还没有签字") == 2
    assert "等您签字" in found.get("lead", "/inbox")
    csrf = found.csrf("lead", made)
    for _ in range(2):  # twice is once
        assert found.client("lead").post(made, data={"csrf": csrf}).status_code == 303
    assert "还有在办的事" in do(found, "end", mine, until=day(found), **PAPER).text
    with found.site.store.read() as connection:
        taker = actors.posts_of(connection, "yunhe", person_of(found, "接手的"), legal_date(found.work.now))[0]
    found.work.stage.actors["taker"] = taker
    found.client("taker").post(made, data={"csrf": found.csrf("taker", made)})
    assert "还没有签字" not in found.get("keeper", made)
    done(found, "end", mine, until=day(found), **PAPER)
    agree(found)


def test_a_post_that_ends_today_ends_the_sessions_through_it(busy: Desk) -> None:
    found = busy
    found.get("lead", "/inbox")
    done(found, "end", appointment_of(found, "lead"), until=day(found), one_sided="病故", **PAPER)
    assert found.client("lead").get("/inbox").status_code == 303


def test_a_post_that_ends_later_is_held_until_then(busy: Desk) -> None:
    found = busy
    done(found, "end", appointment_of(found, "lead"), until=day(found, 5), one_sided="退休", **PAPER)
    found.get("lead", "/inbox")
    person = found.work.stage.actors["lead"].person
    with found.site.store.read() as connection:
        today = legal_date(found.work.now)
        assert actors.posts_of(connection, "yunhe", person, today + timedelta(days=5))
        assert not actors.posts_of(connection, "yunhe", person, today + timedelta(days=6))
    agree(found)


# ---- who may -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("deed", ["unit", "person"])
@pytest.mark.parametrize("who", ["lead", "chief", "supervisor"])
def test_nobody_but_the_keeper_writes(found: Desk, who: str, deed: str) -> None:
    found.get(who, f"/register/{deed}", 404)
    token = found.csrf(who, "/logout")
    answer = found.client(who).post(f"/register/{deed}", data={"csrf": token, "of": "", "name": "假的"})
    assert answer.status_code == 403 and not ids(found, "select id from person where name = '假的'")


def test_nobody_lends_or_ends_the_post_of_somebody_else(found: Desk) -> None:
    found.get("legal", f"/register/delegate?of={appointment_of(found, 'lead')}", 404)
    found.get("lead", f"/register/end?of={appointment_of(found, 'lead')}", 404)


def test_a_stranger_gets_nowhere(found: Desk) -> None:
    for path in ("/register", "/register/unit", "/register/handovers/x"):
        assert found.client("").get(path).status_code == 303


def test_somebody_called_in_from_outside_does_not_see_who_holds_which_post(store: Store, tmp_path: Path) -> None:
    made = desk(store, tmp_path, procedure=NATIONAL, keeper=ADMIN)
    assert made.get("lead", "/register") and made.get("supervisor", "/register")
    made.get("expert", "/register", 404)


def test_a_handover_is_for_its_two_persons(busy: Desk) -> None:
    found = busy
    made = do(found, "handover", appointment_of(found, "lead"), "lead", to=person_of(found, "接手的")).headers[
        "location"
    ]
    found.get("legal", made, 404)
    answer = found.client("legal").post(made, data={"csrf": found.csrf("legal", "/logout")})
    assert answer.status_code == 403


def test_what_is_not_in_the_register_is_not_there(found: Desk) -> None:
    found.get("keeper", "/register/rename?of=nothing", 404)
    found.get("keeper", "/register/nothing", 404)
    assert "机构、岗位、人员" in found.get("lead", "/register?on=not-a-day&known=neither")


def test_names_of_minorities_and_rare_characters_come_back_as_they_were(found: Desk) -> None:
    for name in ("买买提·艾力", "𠮷田", "欧阳䶮"):
        done(found, "person", name=name)
        with found.site.store.read() as connection:
            assert [one["name"] for one in register.find_persons(connection, name)] == [name]
