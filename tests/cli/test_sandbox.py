"""An operator tries an overlay of his own before proposing it: in a sandbox that touches nothing else."""

from __future__ import annotations

import hashlib
import shutil
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from decisionflow.cli import where
from decisionflow.service import demo, publications, steps
from tests.cli.conftest import Run

TODAY = ("--today", "2026-11-23", "--no-serve")
OVERLAY = """
format: 1
id: yunhe-scope
version: "{version}"
title: 是否属于重大行政决策的判断（云河区，试拟）
extends: scope-question@2019.1
layer: region
in_force: {{from: {since}}}
sources:
  yunhe-scope: {{title: 云河区判断标准（试拟）, number: 示例〔2026〕9号, rank: normative_document, effective: 2026-01-01, confirmed: memory}}
rules:
  - {{id: YHS-01, source: yunhe-scope, article: "3", kind: duty, strength: must, confirmed: memory, title: 写明{what}, say: 提出问题时应当写明{what}。}}
changes:
  - {{do: add_duty, id: weigher, duty: {{title: 标准核对单位}}}}
  - do: add_field
    action: ask
    field: {{id: reach, title: {what}, type: text, required: yes, rules: [YHS-01]}}
"""  # noqa: E501


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty place to work in, where nothing is configured."""
    for name in ("DATA_DIR", "DATABASE_URL"):
        monkeypatch.delenv(f"DECISIONFLOW_{name}", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: Path, *, version: str = "2026.1", since: str = "2026-01-01", what: str = "影响范围") -> Path:
    path.write_text(OVERLAY.format(version=version, since=since, what=what), "utf-8")
    return path


def contents(folder: Path) -> dict[str, str]:
    """Every file of a folder with its digest."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def ask(folder: Path, **raw: str) -> steps.Done | steps.Held:
    """Open a case under the overlay, as the person whom the sandbox names."""
    now = datetime.fromisoformat("2026-11-23T15:00+08:00")
    given = {"title": "小区停车位改造", "class": "construction", "facts": "六百户", **raw}
    with where.opened(folder, read_only=False) as site:
        actor = where.actor(site, "陈予安", now)
        wanted = steps.Ask("ask", "k", raw=given, procedure="yunhe-scope")
        return site.store.write(lambda tx: steps.take_step(tx, site.authority(), actor, wanted, now))


def test_an_operator_tries_his_overlay_in_a_sandbox(run: Run, here: Path) -> None:
    code, out, _ = run("demo", "--rules", write(here / "mine.yaml"), *TODAY)
    assert code == 0 and "yunhe-scope@2026.1" in out
    assert "区政府办 综合科科长 沈砚 提出，区司法局 合法性审查科科长 罗敬之 发布" in out
    assert "在 /as 换成“区住建局 房改科经办人 陈予安”，打开 /cases/new?procedure=yunhe-scope" in out
    assert "不会进入正式系统" in out and not (here / "var" / "demo").exists()
    done = ask(here / "var" / "sandbox", reach="一个小区")
    assert isinstance(done, steps.Done) and done.no == "YH-2026-014"
    with where.opened(here / "var" / "sandbox") as site, site.store.read() as connection:
        (found,) = publications.proposals(connection, site.authority(), only_open=False)
        spare = connection.execute(text("select title from post where duties like '%weigher%'")).scalars().all()
    assert (found.state, found.person_name, found.settled_by) == ("published", "沈砚", "罗敬之")
    assert spare == ["标准核对单位"]  # a duty that nobody of the demo has


def test_bad_files_are_refused_with_all_their_problems_and_nothing_is_seeded(run: Run, here: Path) -> None:
    one, other = write(here / "one.yaml"), write(here / "other.yaml")
    one.write_text(one.read_text("utf-8").replace("action: ask", "action: fly"), "utf-8")
    other.write_text(
        other.read_text("utf-8").replace("[YHS-01]", "[YHS-02]").replace("do: add_duty", "do: drop_duty"), "utf-8"
    )
    code, out, err = run("demo", "--rules", one, "--rules", other, "--rules", here / "none.yaml", *TODAY)
    assert code == 2 and "建立演示数据" not in out
    assert "one.yaml" in err and "other.yaml" in err and "none.yaml" in err
    assert "fly" in err and "drop_duty" in err
    assert not (here / "var").exists()


@pytest.mark.parametrize(
    ("since", "version", "said"),
    [("2027-01-01", "2027.1", "不在施行期内"), ("2026-01-01", "2026.0", "用不到这一版")],
)
def test_what_no_case_would_come_under_today_is_said_before_anything_is_seeded(
    run: Run, here: Path, since: str, version: str, said: str
) -> None:
    later, first = write(here / "first.yaml"), write(here / "second.yaml", since=since, version=version)
    code, _, err = run("demo", "--rules", later, "--rules", first, *TODAY)
    assert code == 2 and "second.yaml" in err and said in err and "first.yaml" not in err
    assert not (here / "var").exists()


def test_what_the_demo_has_already_is_not_tried(run: Run, here: Path) -> None:
    code, _, err = run("demo", "--rules", demo.FOLDER / "procedures" / "yunhe-2024.1.yaml", *TODAY)
    assert code == 2 and "没有可试的" in err and not (here / "var").exists()


def test_the_demo_s_folder_is_never_a_sandbox(run: Run, here: Path, folder: Path) -> None:
    mine, seeded = write(here / "mine.yaml"), here / "var" / "demo"
    shutil.copytree(folder, seeded)
    shutil.copytree(folder, here / "elsewhere")
    before = contents(seeded)
    assert run("demo", "--rules", mine, "--dir", seeded, *TODAY)[0] == 2
    code, _, err = run("demo", "--rules", mine, "--dir", here / "elsewhere", *TODAY)
    assert code == 8 and "演示数据，没有改动" in err and contents(here / "elsewhere") == before
    assert run("demo", "--rules", mine, *TODAY)[0] == 0
    assert contents(seeded) == before
    kept = contents(here / "var" / "sandbox")
    code, _, err = run("demo", "--dir", here / "var" / "sandbox", *TODAY)
    assert code == 8 and "沙箱，没有改动" in err and contents(here / "var" / "sandbox") == kept


def test_the_same_file_twice_keeps_what_was_tried_and_a_changed_one_starts_afresh(run: Run, here: Path) -> None:
    mine, sandbox = write(here / "mine.yaml"), here / "var" / "sandbox"
    assert run("demo", "--rules", mine, *TODAY)[0] == 0
    assert isinstance(ask(sandbox, reach="一个小区"), steps.Done)
    code, out, _ = run("demo", "--rules", mine, *TODAY)
    assert code == 0 and "建立演示数据" not in out and "yunhe-scope@2026.1" in out
    assert run("why", "YH-2026-014", "--dir", sandbox)[0] in (0, 7)
    write(mine, version="2026.2", what="影响的户数")
    code, out, _ = run("demo", "--rules", mine, *TODAY)
    assert code == 0 and "建立演示数据" in out and "yunhe-scope@2026.2" in out
    assert run("why", "YH-2026-014", "--dir", sandbox)[0] == 3
