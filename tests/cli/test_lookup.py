"""`lookup person|decision` and `timeline --as-of --basis`: careers, chains and instants from the terminal."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import create_engine, text

from decisionflow.store import schema
from tests.cli.conftest import Run


def test_a_person_is_told_with_posts_and_every_act_in_the_post_of_then(run: Run, folder: Path) -> None:
    code, out, err = run("lookup", "person", "江亦川", "--dir", folder)
    assert code == 0 and "区政府 区长 2023-01-09…今" in out and "决定启动  区政府区长" in out
    assert "没有留下查询记录" in err and "处、" in err


def test_a_person_as_json_is_one_document_and_is_found_by_id(run: Run, folder: Path) -> None:
    code, out, _ = run("lookup", "person", "罗敬之", "--json", "--dir", folder)
    found = json.loads(out)
    assert code == 0 and found["total"] == len(found["entries"]) > 0 and found["more"] is False
    assert {"occurred_at", "recorded_at", "unit", "post", "stance", "text_version", "against"} <= set(
        found["entries"][0]
    )
    again = json.loads(run("lookup", "person", found["person"]["id"], "--json", "--dir", folder)[1])
    assert again["entries"] == found["entries"]


def test_parts_of_a_career_are_picked(run: Run, folder: Path) -> None:
    whole = json.loads(run("lookup", "person", "何清越", "--json", "--dir", folder)[1])
    against = json.loads(run("lookup", "person", "何清越", "--dissent", "--json", "--dir", folder)[1])
    assert 0 < len(against["entries"]) < len(whole["entries"]) and all(one["dissent"] for one in against["entries"])
    assert against["entries"][0]["stance"] == "不同意" and against["entries"][0]["role"] == "speaker"
    one = json.loads(run("lookup", "person", "何清越", "--case", "YH-2026-003", "--json", "--dir", folder)[1])
    assert {each["case"] for each in one["entries"]} <= {"YH-2026-003"}


@pytest.fixture
def namesakes(folder: Path, tmp_path: Path) -> Path:
    """The demo with a second person of one name."""
    place = tmp_path / "demo"
    shutil.copytree(folder, place)
    engine = create_engine(f"sqlite:///{place / 'decisionflow.db'}")
    with engine.begin() as connection:
        connection.execute(text(
            "insert into person (id, name, note, authority_id, entry_id)"
            " select 'p-2', name, '外区调入', authority_id, entry_id from person where name = '罗敬之'"
        ))  # fmt: skip
    engine.dispose()
    return place


def test_homonyms_are_listed_and_nobody_is_chosen(run: Run, namesakes: Path) -> None:
    code, out, err = run("lookup", "person", "罗敬之", "--dir", namesakes)
    assert code == 6 and len(out.splitlines()) == 2 and "外区调入" in out and "人员编号" in err
    code, out, _ = run("lookup", "person", "罗敬之", "--json", "--dir", namesakes)
    assert code == 6 and len(json.loads(out)["homonyms"]) == 2
    code, out, _ = run("lookup", "person", "p-2", "--dir", namesakes)
    assert code == 0 and "没有记录（本机关最早的记录始于" in out


def test_a_look_with_a_reason_stands_in_the_sealed_line(run: Run, namesakes: Path) -> None:
    asked = ("lookup", "decision", "YH-2026-003", "--dir", namesakes, "--as", "梁见山")
    assert run(*asked)[0] == 2
    code, _, err = run(*asked, "--reason", "区纪委监委〔2026〕3号")
    assert code == 0 and "没有留下" not in err
    engine = create_engine(f"sqlite:///{namesakes / 'decisionflow.db'}")
    with engine.connect() as connection:
        assert (
            connection.execute(text("select count(*) from trail_entry where kind = 'inspection.looked'")).scalar() == 1
        )
    engine.dispose()
    refused = ("lookup", "person", "江亦川", "--dir", namesakes, "--as", "罗敬之", "--reason", "想看看")
    code, out, err = run(*refused)
    assert code == 7 and out == "" and "不能倒查" in err


def test_a_decision_is_told_lane_by_lane(run: Run, folder: Path) -> None:
    code, out, _ = run("lookup", "decision", "YH-2026-003", "--dir", folder)
    lanes = list(dict.fromkeys(line.split("  ")[0] for line in out.splitlines()[1:]))
    assert code == 0 and lanes == [
        one for one in ("起草", "审核", "审查", "会签", "讨论", "决定", "执行") if one in lanes
    ]
    assert "江亦川 区政府 区长  决定通过" in out
    found = json.loads(run("lookup", "decision", "YH-2026-003", "--json", "--dir", folder)[1])
    assert (
        found["case"] == "YH-2026-003"
        and found["edges"]
        and {"lane", "name", "post", "state"} <= set(found["nodes"][0])
    )


def test_an_instant_is_told_on_either_basis(run: Run, folder: Path) -> None:
    asked = ("timeline", "YH-2026-003", "--dir", folder, "--as-of", "2026-08-01T12:00")
    recorded = json.loads(run(*asked, "--json")[1])
    claimed = json.loads(run(*asked, "--basis", "claimed", "--json")[1])
    assert recorded["then"]["basis"] == "recorded" and len(recorded["then"]["acts"]) > 0
    assert all(one["recorded_at"] < "2026-08-01T04:00:00" for one in recorded["events"])
    assert all(one["occurred_at"] < "2026-08-01T04:00:00" for one in claimed["events"])
    assert "时（当时系统已经登记的）" in run(*asked)[1] and "等谁办" in run(*asked)[1]


@pytest.mark.parametrize(
    ("arguments", "code", "say"),
    [
        (("lookup", "person", "无此人"), 3, "没有叫“无此人”的人"),
        (("lookup", "decision", "YH-2026-999"), 3, "没有编号为"),
        (("lookup", "house", "25"), 2, "可以查条文、人、事项"),
        (("lookup", "person", "江亦川", "--year", "今年"), 2, "年份应写作"),
        (("timeline", "YH-2026-003", "--basis", "felt"), 2, "没有口径"),
    ],
)
def test_what_cannot_be_looked_up_is_said(
    run: Run, folder: Path, arguments: tuple[str, ...], code: int, say: str
) -> None:
    got, out, err = run(*arguments, "--dir", folder)
    assert (got, out) == (code, "") and say in err


def test_migrate_fills_the_careers_of_what_was_done_before(folder: Path, tmp_path: Path) -> None:
    """A database of the release before, with its cases, is brought up: everybody has their career."""
    place = tmp_path / "old"
    shutil.copytree(folder, place)
    engine = create_engine(f"sqlite:///{place / 'decisionflow.db'}")
    with engine.begin() as connection:
        before = connection.execute(text("select * from career order by person_id, recorded_at, entry_id, role")).all()
        names = connection.execute(text("select * from unit_name order by unit_id, entry_id")).all()
        command.downgrade(schema._config(connection), "0010")
    done = subprocess.run([sys.executable, "-m", "decisionflow", "migrate", "--dir", str(place)], check=False,
                          capture_output=True, text=True, env={**os.environ, "DECISIONFLOW_LANG": "zh"})  # fmt: skip
    assert done.returncode == 0, done.stderr
    with engine.connect() as connection:
        after = connection.execute(text("select * from career order by person_id, recorded_at, entry_id, role")).all()
        assert after == before and len(before) > 100
        assert connection.execute(text("select * from unit_name order by unit_id, entry_id")).all() == names
    engine.dispose()
