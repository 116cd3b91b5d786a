"""A jurist at the terminal: versions compared, tried and published; articles looked up; notices and catalogues taken in."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Run

HOUSE = Path(__file__).parents[2]
CALENDAR = HOUSE / "workflows" / "calendars" / "CN-2026@1.yaml"


@pytest.fixture
def own(folder: Path, tmp_path: Path) -> Path:
    """A copy of the demo that a test may write into."""
    return Path(shutil.copytree(folder, tmp_path / "demo"))


def test_the_list_tells_dates_digest_and_how_many_rules_nobody_checked(run: Run) -> None:
    code, out, _ = run("procedures", "list", "--json")
    found = {f"{one['id']}@{one['version']}": one for one in json.loads(out)}
    assert code == 0 and found["cn-major-decision@2016.1"]["unverified"] == 4
    assert found["cn-major-decision@2019.1"]["unverified"] == 0
    assert (found["cn-major-decision@2019.1"]["in_force_from"], found["cn-major-decision@2019.1"]["in_force_to"]) == (
        "2019-09-01", "2024-07-31")  # fmt: skip
    assert "4 条未核实" in run("procedures", "list")[1]


def test_two_versions_are_compared_in_words_with_articles(run: Run) -> None:
    code, out, err = run("procedures", "diff", "cn-major-decision@2019.1", "cn-major-decision@2024.1")
    assert (
        code == 0
        and "[从严] 新增关卡（应当）：公平竞争审查没有通过，不得出台" in out
        and "《公平竞争审查条例》第十四条" in out
    )
    assert "处不同" in err
    assert run("procedures", "diff", "cn-major-decision@2019.1", "nothing@1")[0] == 3


def test_the_bpmn_of_the_national_procedure_is_the_committed_one(run: Run) -> None:
    code, out, _ = run("procedures", "bpmn", "cn-major-decision@2024.1")
    frozen = HOUSE / "tests" / "frozen" / "cn-major-decision-2024.1.bpmn"
    assert code == 0 and out.rstrip() == frozen.read_text("utf-8").rstrip()


def test_a_version_is_tried_on_stored_cases_before_it_is_published(run: Run, folder: Path) -> None:
    same = run("procedures", "replay", "cn-major-decision@2024.1", "--of", "yunhe-example", "--json", "--dir", folder)
    strict = run("procedures", "replay", "cn-major-decision@2016.1", "--of", "yunhe-example", "--dir", folder)
    assert json.loads(same[1])["cases"] > 5
    assert strict[0] == 5 and "新版本没有这个动作" in strict[1] and "件会有不同" in strict[2]


def test_an_article_shows_our_words_its_rules_and_what_it_stopped(run: Run, folder: Path) -> None:
    code, out, _ = run("lookup", "article", "25", "--law", "713", "--dir", folder)
    assert code == 0 and "第二十五条" in out and "D713-45" in out and "转述：" in out
    assert run("lookup", "article", "999", "--law", "713", "--dir", folder)[0] == 3
    assert run("lookup", "clause", "25", "--dir", folder)[0] == 2


def test_without_an_installation_the_rules_of_the_release_are_shown(run: Run, tmp_path: Path) -> None:
    code, out, err = run("lookup", "article", "25", "--law", "713", "--dir", tmp_path)
    assert code == 0 and "D713-45" in out and "没有打开任何数据" in err


def test_an_official_text_is_loaded_listed_and_shown(run: Run, own: Path, tmp_path: Path) -> None:
    text = tmp_path / "713.txt"
    text.write_text("第二十五条　官方文本的第二十五条。\n第二十六条　下一条。\n", "utf-8")
    assert run("laws", "import", text, "--law", "713", "--as", "房改科经办人", "--dir", own)[0] == 7
    code, out, _ = run("laws", "import", text, "--law", "713", "--as", "罗敬之", "--dir", own)
    assert code == 0 and len(out.strip()) == 64
    assert "官方文本的第二十五条" in run("lookup", "article", "25", "--dir", own)[1]
    assert "已载入 1 份文本" in run("laws", "list", "--dir", own)[1]
    assert run("laws", "import", tmp_path / "none.txt", "--law", "713", "--as", "罗敬之", "--dir", own)[0] == 3


def test_two_persons_publish_and_one_alone_cannot(run: Run, own: Path) -> None:
    reason = ("--reason", "启用依申请公开程序")
    code, out, _ = run("procedures", "propose", "information-request", "--as", "罗敬之", *reason, "--dir", own)
    proposal = out.strip()
    assert code == 0 and proposal in run("procedures", "proposals", "--dir", own)[1]
    assert run("procedures", "publish", proposal, "--as", "罗敬之", "--dir", own)[0] == 7
    assert run("procedures", "publish", proposal, "--as", "区政府办综合科科长", "--dir", own)[0] == 0
    assert run("procedures", "proposals", "--dir", own)[1] == ""
    again = run("procedures", "propose", "information-request", "--as", "罗敬之", *reason, "--dir", own)
    assert again[0] != 0 and "已经发布过" in again[2]
    assert run("verify", "--all", "--dir", own)[0] == 0


def test_a_citation_before_its_day_makes_the_check_fail(run: Run, folder: Path) -> None:
    code, out, _ = run("laws", "check", "--dir", folder)
    assert code == 5 and "河南省行政执法条例" in out and "尚未生效" in out


def test_cases_that_rest_on_an_instrument_are_listed(run: Run, folder: Path) -> None:
    code, out, err = run("laws", "affected", "713", "--dir", folder)
    assert code == 0 and "YH-2026-005" in out and "件以“713”为依据" in err
    assert run("laws", "affected", "没有这部法", "--dir", folder)[1] == ""


def test_whose_desk_and_what_is_overdue(run: Run, folder: Path) -> None:
    code, out, _ = run("desks", "YH-2026-005", "--dir", folder)
    assert code == 0 and "承办单位  90 日（60 个工作日）" in out and "现在等待" in out
    late = json.loads(run("desks", "--json", "--dir", folder)[1])
    assert {"YH-2026-002", "YH-2026-006"} <= {one["no"] for one in late}
    assert run("desks", "YH-2026-099", "--dir", folder)[0] == 3


def test_a_notice_is_tried_dry_and_what_is_no_notice_is_refused(run: Run, folder: Path, tmp_path: Path) -> None:
    second = tmp_path / "CN-2026@2.yaml"
    second.write_text(CALENDAR.read_text("utf-8").replace("version: 1", "version: 2"), "utf-8")
    code, out, err = run("import", "calendar", second, "--dry-run", "--dir", folder)
    assert (code, out) == (0, "") and "会移动 0 个期限" in err
    broken = tmp_path / "broken.yaml"
    broken.write_text("calendar: CN\n", "utf-8")
    assert run("import", "calendar", broken, "--dry-run", "--dir", folder)[0] == 2
    assert run("import", "calendar", tmp_path / "none.yaml", "--dry-run", "--dir", folder)[0] == 3


def test_a_case_is_moved_only_after_a_dry_run_that_says_what_changes(run: Run, folder: Path) -> None:
    move = ("procedures", "move", "YH-2026-005", "--dry-run", "--dir", folder)
    code, out, _ = run(*move, "--to", "department-example@2024.1")
    assert code == 7 and "不能改用：新版本没有阶段 专家论证“已论证”" in out
    code, _, err = run(*move, "--to", "yunhe-example@2024.1")
    assert code != 0 and "已经在办" in err
    code, _, err = run(*move, "--to", "nothing@1")
    assert code == 3 and "没有发布过" in err


def test_months_and_years_are_counted_too(run: Run) -> None:
    code, out, _ = run("deadline", "2026-01-31", "--length", "1", "--unit", "month", "--json")
    assert code == 0 and json.loads(out)["ends_on"] == "2026-02-28"
    assert run("deadline", "2026-01-31", "--length", "1", "--unit", "week")[0] == 2
