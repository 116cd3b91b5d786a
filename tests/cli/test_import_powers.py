"""A list of powers is imported: every row says what it would do; then all of them or none; the same again changes nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.cli.conftest import Run

HEAD = "单位,编码,事项名称,类别,依据,生效日期,取消日期,文号\n"
GOOD = (
    "区住建局,330001,既有住宅加装电梯补助,行政给付,条例第十条,2025-01-01,,示例编〔2024〕8号\n"
    "区财政局,330002,专项资金分配,其他,预算法第三十八条,2025-01-01,,示例编〔2024〕8号\n"
)


@pytest.fixture
def own(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "demo"))


def take(run: Run, own: Path, body: str, *more: str) -> tuple[int, str, str]:
    path = own / "powers.csv"
    path.write_text(HEAD + body, "utf-8")
    return run("import", "powers", path, "--dir", own, "--as", "沈砚", *more)


def stored(own: Path) -> list[tuple[str, str, str | None]]:
    engine = create_engine(f"sqlite:///{own / 'decisionflow.db'}")
    with engine.connect() as connection:
        rows = connection.execute(
            text("select code, valid_from, valid_to from power where code like '33000%' order by code, valid_from")
        ).all()
    engine.dispose()
    return [(row.code, row.valid_from, row.valid_to) for row in rows]


def test_a_list_is_tried_dry_then_taken_in_and_the_same_again_changes_nothing(run: Run, own: Path) -> None:
    code, out, _ = take(run, own, GOOD, "--dry-run")
    assert code == 0 and out.count("列入") == 2 and stored(own) == []
    code, _, err = take(run, own, GOOD)
    assert code == 0 and "列入 2 项，调整 0 项" in err
    assert "没有变化 2 项" in take(run, own, GOOD)[2]
    assert stored(own) == [("330001", "2025-01-01", None), ("330002", "2025-01-01", None)]


def test_an_adjustment_ends_the_old_item_the_day_before_and_a_cancellation_ends_it(run: Run, own: Path) -> None:
    take(run, own, GOOD)
    changed = GOOD.replace("条例第十条,2025-01-01", "条例第十一条,2026-03-01")
    over = changed.replace("预算法第三十八条,2025-01-01,,", "预算法第三十八条,2025-01-01,2026-05-31,")
    assert "调整 1 项，取消 1 项" in take(run, own, over)[2]
    assert stored(own) == [
        ("330001", "2025-01-01", "2026-02-28"), ("330001", "2026-03-01", None), ("330002", "2025-01-01", "2026-05-31"),
    ]  # fmt: skip
    assert json.loads(run("verify", "--all", "--dir", own, "--json")[1])["verdict"] != "failed"


def test_a_cancelled_item_imported_again_stays_one_and_comes_back_only_from_a_later_day(run: Run, own: Path) -> None:
    over = GOOD.replace("预算法第三十八条,2025-01-01,,", "预算法第三十八条,2025-01-01,2026-05-31,")
    take(run, own, over)
    once = stored(own)
    assert "没有变化 2 项" in take(run, own, over)[2] and stored(own) == once
    code, _, err = take(run, own, GOOD)
    assert code == 2 and "已经取消，到 2026-05-31 为止" in err and stored(own) == once
    later = GOOD.replace("预算法第三十八条,2025-01-01", "预算法第三十八条,2026-06-01")
    assert "列入 1 项" in take(run, own, later)[2]
    assert stored(own) == [*once, ("330002", "2026-06-01", None)]


@pytest.mark.parametrize(
    ("old", "new", "say"),
    [
        ("区财政局", "区不存在局", "登记册里没有“区不存在局”"),
        ("330002", "", "缺少“编码”"),
        ("2025-01-01,,示例编〔2024〕8号\n区财政局", "去年,,示例编〔2024〕8号\n区财政局", "不是日期"),
        ("区财政局,330002", "区住建局,330001", "写了两次"),
        ("预算法第三十八条,2025-01-01,", "预算法第三十八条,2025-01-01,2024-01-01", "取消日期早于生效日期"),
    ],
)
def test_a_row_that_cannot_be_refuses_all_of_them_with_its_line(
    run: Run, own: Path, old: str, new: str, say: str
) -> None:  # fmt: skip
    assert old in GOOD
    code, _, err = take(run, own, GOOD.replace(old, new, 1))
    assert code == 2 and say in err and stored(own) == []


def test_somebody_without_that_right_is_refused(run: Run, own: Path) -> None:
    path = own / "powers.csv"
    path.write_text(HEAD + GOOD, "utf-8")
    code, _, err = run("import", "powers", path, "--dir", own, "--as", "陈予安")
    assert code == 7 and "不能导入权责清单" in err and stored(own) == []
