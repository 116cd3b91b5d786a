"""The data of the legal review desk: points that lead nowhere are told at their line, words to watch are found."""

from __future__ import annotations

import pytest

from decisionflow import paths
from decisionflow.core import review
from decisionflow.core import source as files
from decisionflow.errors import BadInput
from decisionflow.service import procedures, reviews, shipped

SHIPPED = (paths.WORKFLOWS / "review-points.yaml").read_text("utf-8")


def read(text: str) -> review.ReviewFile:
    return review.read(files.read(text, "points.yaml"), procedures.find("cn-major-decision@2019.1"))


def words(text: str) -> list[tuple[str, str]]:
    return [(one.text, one.watched.id if one.watched else "") for one in review.marked(text, reviews.shipped().words)]


@pytest.mark.parametrize(("old", "new", "say"), [
    ("  send: request_legal_review", "  send: request_review", "没有动作“request_review”"),
    ("lines: [departments,", "lines: [councils,", "没有环节“councils”"),
    ("paper: legal_bases", "paper: law_books", "没有材料“law_books”"),
    ("field: {action: save_draft, field: bases}", "field: {action: save_draft, field: grounds}", "没有这个填写项"),
    ("if: {matter.technical: yes}", "if: {matter.difficult: yes}", "没有“matter.difficult”"),
    ("if: {matter.class: [construction, resource]}", "if: {matter.class: [castle]}", "没有“castle”"),
    ("rules: [DF-TEXT]}", "rules: [DF-NOTHING]}", "没有引用规则 DF-NOTHING"),
    ("redo: hearing", "redo: party", "不是可以重新办理的环节"),
    ("{id: level, head: authority", "{id: competence, head: authority", "出现了两次"),
    ("track: departments, rules", "rules", "没有写明看哪份材料"),
])  # fmt: skip
def test_what_leads_nowhere_is_told_at_its_line(old: str, new: str, say: str) -> None:
    assert SHIPPED.count(old)
    with pytest.raises(BadInput) as fault:
        read(SHIPPED.replace(old, new, 1))
    assert any(say in one.say and one.line for one in fault.value.problems), fault.value.problems


def test_a_head_that_article_27_does_not_have_is_refused() -> None:
    with pytest.raises(BadInput):
        read(SHIPPED.replace("head: authority", "head: beauty", 1))


def test_the_shipped_points_cover_the_three_heads_and_every_line_of_evidence() -> None:
    found = reviews.shipped()
    assert {one.head for one in found.points} == set(review.HEADS)
    assert {item.track for item in found.packet if item.track} == set(found.lines)


def test_words_to_watch_are_marked_the_longer_one_first() -> None:
    assert words("对本地企业给予奖补。") == [
        ("对", ""),
        ("本地企业", "local_only"),
        ("给予", ""),
        ("奖补", "subsidy"),
        ("。", ""),
    ]
    assert words("一律罚款") == [("一律", "absolute"), ("罚款", "penalty")]
    assert words("自印发之日起施行。") == [("自印发之日起施行。", "")]
    assert words("") == []


def test_pieces_put_together_are_the_paragraph() -> None:
    text = "落户核心区的，指定企业办理许可，另行规定收费。"
    assert "".join(one.text for one in review.marked(text, reviews.shipped().words)) == text


def test_every_procedure_with_such_a_review_finds_points_that_rest_on_its_own_rules() -> None:
    found = [one for path in shipped.procedure_files() if reviews.track_of(one := procedures.read(path))]
    assert {"cn-major-decision", "example-city"} <= {one.id for one in found}
    for one in found:
        points = reviews.applying(one, reviews.shipped().points)
        assert all(set(point.rules) <= set(one.rules) for point in points)
        if one.id == "cn-major-decision" and one.version != "2016.1":
            assert points == reviews.shipped().points
