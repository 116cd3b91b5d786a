"""A lower norm adds and tightens. Whatever weakens a higher one is refused, with its article."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decisionflow.core import machine, overlay, soundness
from decisionflow.core import procedure as law
from decisionflow.core import source as files
from decisionflow.errors import BadInput

ROOT = Path(__file__).parents[2]
VARIANTS = Path(__file__).parent / "variants"
SMALL = (VARIANTS / "base-small.yaml").read_text("utf-8")
BASE = ROOT / "workflows" / "cn-major-decision" / "2019.1.yaml"

HEAD = """\
format: 1
id: town
version: "2021.1"
title: 示例镇程序
example: yes
extends: small-decision@2019.1
in_force: {from: 2021-01-01}
sources:
  town: {title: 示例镇规定, rank: normative_document, effective: 2021-01-01, confirmed: secondary}
  special: {title: 示例特别条例, rank: administrative_regulation, effective: 2020-01-01, confirmed: secondary}
rules:
  - {id: TOWN-1, source: town, article: "1", kind: gate, strength: must, confirmed: secondary, title: 规定, say: 规定。}
  - {id: SPEC-1, source: special, article: "7", kind: gate, strength: must, confirmed: secondary, title: 特别, say: 特别。}
changes:
"""


@lru_cache
def registry() -> law.Registry:
    paths = sorted((ROOT / "workflows" / "rules").glob("*.yaml"))
    return law.registry([files.read(path.read_text("utf-8"), path.name) for path in paths])


def small(text: str = SMALL) -> files.Source:
    return files.read(text, "base-small.yaml")


def town(changes: str, head: str = HEAD) -> files.Source:
    """An overlay of the small procedure with these changes."""
    return files.read(head + "".join(f"  {line}\n" for line in changes.strip().splitlines()), "town.yaml")


def composed(changes: str) -> law.Procedure:
    """The small procedure with these changes, which must also be sound."""
    procedure, problems = overlay.lint(town(changes), registry(), lambda name: small())
    assert problems == ()
    return procedure


def refused(changes: str, head: str = HEAD) -> list[tuple[str, str, int]]:
    """Rule, file and line of everything that is wrong with an overlay."""
    source = town(changes, head)
    try:
        _, problems = overlay.lint(source, registry(), lambda name: small())
    except BadInput as fault:
        problems = fault.problems
    return [(problem.rule, problem.file, problem.line) for problem in problems]


# ---- what an overlay can say -----------------------------------------------------------------------------


def test_tightening_keeps_the_superior_citation_and_adds_its_own() -> None:
    procedure = composed("""
- do: tighten_gate
  gate: papers_7_days
  at_least: 10 days
  rules: [TOWN-1]
  say: 听证材料须提前10日送达
""")
    gate = procedure.gate("papers_7_days")
    assert isinstance(gate, law.RowsLapsed)
    assert (gate.at_least, gate.rules, gate.say) == ("10 days", ("D713-30", "TOWN-1"), "听证材料须提前10日送达")
    assert procedure.name == "town@2021.1"
    assert procedure.rules["TOWN-1"].article == "1"


def test_usually_may_become_must_and_loses_its_way_around() -> None:
    procedure = composed("""
- do: tighten_gate
  gate: comment_30_days
  strength: must
  rules: [TOWN-1]
  say: 公开征求意见不少于30日
""")
    gate = procedure.gate("comment_30_days")
    assert gate is not None
    assert (gate.strength, gate.deviate) == ("must", "")


def test_what_may_be_left_out_can_be_made_obligatory_under_a_condition() -> None:
    procedure = composed("""
- do: upgrade
  on: skip_hearing
  gate: works_are_heard
  if: {matter.class: works, matter.vital: yes}
  rules: [TOWN-1]
  say: 公共建设须听证
  remedy: [announce_hearing]
""")
    gate = procedure.gate("works_are_heard")
    assert isinstance(gate, law.Is)
    assert (gate.of.matter, gate.values, gate.strength) == ("class", ("plan",), "must")
    assert gate.if_ == {"matter.class": ("works",), "matter.vital": ("yes",)}
    assert "works_are_heard" in procedure.action("skip_hearing").gates  # type: ignore[union-attr]


def test_a_stage_between_two_stages_counts_as_the_one_before() -> None:
    procedure = composed("""
- do: add_stage
  track: legal
  after: idle
  id: own
  title: 本单位已审核
- do: add_action
  action: {id: own_review, title: 本单位审核, track: legal, from: idle, to: own, by: lead, rules: [TOWN-1]}
- do: retarget
  action: request_review
  from: [own, concluded]
""")
    assert list(procedure.tracks["legal"].stages) == ["idle", "own", "reviewing", "concluded"]


def test_an_added_stage_may_allow_what_was_possible_before_it() -> None:
    procedure = composed("""
- do: add_stage
  track: main
  after: drafting
  id: polishing
  title: 修改
  allows: [submit, publish_notice, close_comments, exempt, announce_hearing, hold_hearing, skip_hearing, request_review]
- do: add_action
  action: {id: polish, title: 进入修改, track: main, from: drafting, to: polishing, by: lead, rules: [TOWN-1]}
""")
    assert procedure.action("submit").source == ("drafting", "polishing")  # type: ignore[union-attr]
    assert procedure.action("publish_notice").when == {"main": ("drafting", "polishing")}  # type: ignore[union-attr]


def test_a_new_stage_and_a_new_choice_slip_through_no_condition() -> None:
    procedure = composed("""
- do: add_stage
  track: legal
  after: concluded
  id: filed
  title: 已备查
- do: add_action
  action: {id: file_opinion, title: 备查, track: legal, from: concluded, to: filed, by: legal, rules: [TOWN-1]}
- do: tighten_gate
  gate: reviewed
  in: [concluded, filed]
  rules: [TOWN-1]
  say: 未经合法性审查，不得提交讨论
- do: add_choice
  field: class
  id: road
  title: 道路
  like: works
- do: add_choice
  action: propose
  field: class
  id: road
  title: 道路
  like: works
- do: add_choice
  action: hold_hearing
  field: participants
  column: kind
  id: villager
  title: 村民
  like: public
""")
    gate = procedure.gate("works_heard")
    assert gate is not None
    assert gate.if_ == {"matter.class": ("works", "road"), "track.legal": ("concluded", "filed")}
    papers = procedure.gate("papers_7_days")
    assert isinstance(papers, law.RowsLapsed)
    assert papers.where == {"kind": ("public", "expert", "villager")}
    assert procedure.matter[2].required_when == {"matter.class": ("works", "road")}


def test_everything_else_in_the_vocabulary() -> None:
    procedure = composed("""
- do: add_duty
  id: justice
  duty: {title: 司法所}
- do: add_matter
  field: {id: joint, title: 共同决策, type: flag}
  on: propose
- do: add_track
  id: lodging
  track: {title: 报备, stages: {idle: 未报备, lodged: 已报备}, under: decided}
  goal: lodged
- do: add_paper
  kind: lodging_note
  material: {title: 报备说明}
  on: [close, decide]
  required: no
- do: require_paper
  action: decide
  kind: lodging_note
  rules: [TOWN-1]
- do: add_action
  after: decide
  action: {id: lodge, title: 报备, track: lodging, from: idle, to: lodged, when: {main: decided}, by: justice, rules: [TOWN-1]}
- do: add_gate
  gate: {id: is_lodged, check: reached, track: lodging, in: lodged, strength: must, rules: [TOWN-1], say: 尚未报备}
  on: close
- do: attach_gate
  gate: lawful
  on: decide
- do: add_field
  action: close
  field: {id: note, title: 说明, type: long}
- do: require_field
  action: close
  field: note
- do: require_field
  action: close_comments
  field: points
  when: {field.closed_on: given}
- do: require_field
  action: hold_hearing
  field: participants
  column: kind
- do: add_clock
  clock:
    id: lodge_due
    title: 报备期限
    starts: decide
    ends: lodge
    length: 30 days
    duty: justice
    rules: [TOWN-1]
    say: 30日内报备
- do: tighten_clock
  clock: publish_20
  length: 10 workdays
  rules: [TOWN-1]
  say: 10个工作日内公开
- do: cite
  gate: lawful
  rules: [TOWN-1]
- do: rename
  what: stage
  of: main
  id: drafting
  title: 起草
- do: rename
  what: field
  of: close_comments
  id: points
  title: 意见总数
- do: rename
  what: duty
  id: legal
  title: 司法局
""")
    assert procedure.goal == {"main": ("closed",), "lodging": ("lodged",)}
    assert [action.id for action in procedure.actions][13:] == ["decide", "lodge", "close"]
    assert [paper.required for paper in procedure.action("decide").materials] == [True]  # type: ignore[union-attr]
    assert procedure.gate("lawful").rules == ("D713-45", "TOWN-1")  # type: ignore[union-attr]
    assert procedure.action("propose").sets == ("class", "vital", "joint")  # type: ignore[union-attr]
    assert procedure.clocks[0].length == "10 workdays"
    assert procedure.tracks["main"].stages["drafting"] == "起草"
    assert procedure.duties["legal"].title == "司法局"


def test_a_special_law_replaces_a_rule_and_it_is_recorded() -> None:
    procedure = composed("""
- do: supersede
  gate: comment_30_days
  by: SPEC-1
  because: 示例特别条例第七条另有规定
- do: add_gate
  gate:
    id: comment_20_days
    check: lapsed
    since: {action: publish_notice}
    at_least: 20 days
    strength: must
    rules: [SPEC-1]
    say: 征求意见不少于20日
  on: close_comments
""")
    assert procedure.gate("comment_30_days") is None
    [conflict] = procedure.conflicts
    assert (conflict.id, conflict.by, conflict.applied) == ("comment_30_days", "SPEC-1", "special")
    assert {"D713-25", "SPEC-1"} <= procedure.rules.keys()


def test_a_replaced_action_takes_its_own_gates_with_it() -> None:
    procedure = composed("""
- do: supersede
  action: hold_hearing
  by: SPEC-1
  because: 示例特别条例第七条另有规定
- do: add_action
  action: {id: hold_hearing, title: 召开特别听证会, track: hearing, from: announced, to: held, by: lead, rules: [SPEC-1]}
""")
    assert procedure.gate("papers_7_days") is None
    assert procedure.gate("hearing_sides") is None


def test_a_weaker_local_norm_can_be_recorded_without_being_applied() -> None:
    procedure = composed("""
- do: note_conflict
  gate: comment_30_days
  by: TOWN-1
  because: 示例镇规定为20个工作日，低于条例
""")
    assert procedure.conflicts[0].applied == "superior"
    assert procedure.gate("comment_30_days").at_least == "30 days"  # type: ignore[union-attr]


def test_regions_come_before_sectors_whatever_the_order_given() -> None:
    region = town("- {do: cite, gate: lawful, rules: [TOWN-1]}")
    head = (
        HEAD.replace("id: town\n", "id: works\nlayer: sector\n").replace("TOWN-1", "WORK-1").replace("SPEC-1", "WORK-2")
    )
    head = head.replace("  town:", "  works:").replace("  special:", "  more:").replace("source: town", "source: works")
    sector = town("- {do: cite, gate: lawful, rules: [WORK-1]}", head.replace("source: special", "source: more"))
    both = overlay.compose(small(), [sector, region], registry())
    assert both == overlay.compose(small(), [region, sector], registry())
    assert both.id == "town-works"
    assert both.gate("lawful").rules == ("D713-45", "TOWN-1", "WORK-1")  # type: ignore[union-attr]
    assert [name.partition("#")[0] for name in both.built_from] == [
        "small-decision@2019.1",
        "town@2021.1",
        "works@2021.1",
    ]


def test_a_later_version_of_the_same_procedure_goes_on_where_it_ended() -> None:
    """What the law adds in a year is a few changes to the version before; local files then extend the later one."""
    ended = SMALL.replace("in_force: {from: 2019-09-01}", "in_force: {from: 2019-09-01, to: 2020-12-31}")
    later = town("- {do: cite, gate: lawful, rules: [TOWN-1]}", HEAD.replace("id: town\n", "id: small-decision\n"))
    local = HEAD.partition("sources:")[0].replace("small-decision@2019.1", "small-decision@2021.1") + "changes:\n"
    found = {"small-decision@2019.1": small(ended), "small-decision@2021.1": later}
    procedure = overlay.read(found["small-decision@2021.1"], registry(), found.__getitem__)
    assert (procedure.name, procedure.in_force.to) == ("small-decision@2021.1", None)
    renamed = town("- {do: rename, what: duty, id: legal, title: 司法局}", local)
    both = overlay.read(renamed, registry(), found.__getitem__)
    assert both.name == "town@2021.1"
    assert [name.partition("#")[0] for name in both.built_from] == [*found, "town@2021.1"]
    old = town("- {do: rename, what: duty, id: legal, title: 司法局}", HEAD.partition("sources:")[0] + "changes:\n")
    with pytest.raises(BadInput, match="extends"):
        overlay.compose(later, [old], registry(), found.__getitem__)


def test_the_result_is_kept_and_read_back_as_it_is() -> None:
    procedure = composed("- {do: add_stage, track: legal, after: idle, id: aaa, title: 先}\n" + OWN)
    assert law.load(procedure.canonical) == procedure
    assert law.load(procedure.canonical).tracks["legal"].initial == "idle"


OWN = """
- do: add_action
  action: {id: own_review, title: 本单位审核, track: legal, from: idle, to: aaa, by: lead, rules: [TOWN-1]}
- do: retarget
  action: request_review
  from: [aaa, concluded]
"""


# ---- what is refused -------------------------------------------------------------------------------------

REFUSED = {
    "shorter period": ("weaker-gate", "at_least", """
- do: tighten_gate
  gate: papers_7_days
  at_least: 5 days
  rules: [TOWN-1]
  say: 提前5日"""),
    "another unit": ("weaker-gate", "at_least", """
- do: tighten_gate
  gate: comment_30_days
  at_least: 30 workdays
  rules: [TOWN-1]
  say: 30个工作日"""),
    "more conclusions pass": ("weaker-gate", "in:", """
- do: tighten_gate
  gate: lawful
  in: [lawful, unlawful]
  rules: [TOWN-1]
  say: 经审查"""),
    "softer verb": ("weaker-gate", "strength", """
- do: tighten_gate
  gate: lawful
  strength: usually
  rules: [TOWN-1]
  say: 一般"""),
    "longer ceiling": ("weaker-clock", "length", """
- do: tighten_clock
  clock: publish_20
  length: 30 workdays
  rules: [TOWN-1]
  say: 30个工作日"""),
    "a short cut": ("weaker-gate", "action:", """
- do: add_action
  action: {id: rush, title: 直接提交, track: main, from: drafting, to: submitted, by: lead, rules: [TOWN-1]}"""),
    "a way that does not exist": ("weaker-path", "action:", """
- do: add_action
  action: {id: jump, title: 直接决定, track: main, from: drafting, to: decided, by: chief, rules: [TOWN-1]}"""),
    "another decider": ("weaker-by", "action:", """
- do: add_action
  action: {id: begin, title: 自行启动, track: main, from: proposed, to: drafting, by: lead, rules: [TOWN-1]}"""),
    "another destination": ("weaker-path", "to:", """
- do: retarget
  action: request_review
  to: concluded"""),
    "another beginning": ("weaker-path", "from:", """
- do: retarget
  action: decide
  from: [drafting, submitted]"""),
    "another time": ("weaker-when", "main:", """
- do: retarget
  action: request_review
  when:
    main: [drafting, submitted]"""),
    "a stage that skips": ("weaker-gate", "action:", """
- do: add_stage
  track: main
  after: submitted
  id: waiting
  title: 待议
- do: add_action
  action: {id: wait, title: 转待议, track: main, from: drafting, to: waiting, by: lead, rules: [TOWN-1]}"""),
    "judging the matter anew": ("weaker-sets", "sets:", """
- do: add_action
  action:
    id: reclassify
    title: 改定类别
    track: main
    from: drafting
    by: lead
    rules: [TOWN-1]
    sets: [class]
    fields: [{id: class, title: 类别, type: choice, choices: {plan: 规划, works: 公共建设}}]"""),
    "handing the duty to another": ("weaker-assigns", "assigns:", """
- do: add_action
  action:
    id: reassign
    title: 改派
    track: main
    from: drafting
    by: lead
    rules: [TOWN-1]
    assigns: {legal: unit}
    fields: [{id: unit, title: 单位, type: unit}]"""),
    "closing the consultation early": ("weaker-gate", "action:", """
- do: add_action
  action: {id: cut, title: 提前截止, track: participation, from: collecting, by: lead, rules: [TOWN-1], consultation: close}"""),
    "forgetting what was done": ("weaker-reach", "action:", """
- do: add_action
  action: {id: forget, title: 退回提出, track: main, from: submitted, to: proposed, by: office, rules: [TOWN-1]}"""),
    "opening another consultation": (
        "weaker-paper",
        "action:",
        """
- do: add_action
  action: {id: ask, title: 另行征求, track: participation, from: collecting, by: lead, rules: [TOWN-1], consultation: open}""",
    ),
    "a condition of nothing": (
        "condition",
        "if:",
        """
- do: upgrade
  on: skip_hearing
  gate: heard
  if: {matter.vital: none}
  rules: [TOWN-1]
  say: 须听证""",
    ),
    "a rule that is nowhere": (
        "rule-unknown",
        "rules:",
        """
- do: cite
  gate: lawful
  rules: [TOWN-9]""",
    ),
    "forgetting beside a special law": (
        "weaker-reach",
        "id: forget",
        """
- do: supersede
  action: skip_hearing
  by: SPEC-1
  because: 特别规定
- do: add_action
  action: {id: skip, title: 依特别规定不听证, track: hearing, from: undecided, to: not_held, by: lead, rules: [SPEC-1]}
- do: add_action
  action: {id: forget, title: 退回提出, track: main, from: submitted, to: proposed, by: office, rules: [TOWN-1]}""",
    ),
    "a local rule against the regulation": ("supersede-rank", "by:", """
- do: supersede
  gate: comment_30_days
  by: TOWN-1
  because: 本镇规定如此"""),
    "a rule nobody knows": ("supersede-rank", "by:", """
- do: supersede
  gate: comment_30_days
  by: NONE-1
  because: 不明"""),
    "something that is not there": ("target", "gate:", """
- do: attach_gate
  gate: reveiwed
  on: decide"""),
    "something that is there already": ("target", "id:", """
- do: add_stage
  track: legal
  after: idle
  id: reviewing
  title: 审查"""),
    "nothing in particular": ("target", "do:", """
- do: cite
  rules: [TOWN-1]"""),
    "a stage that does not allow it anyway": ("target", "allows:", """
- do: add_stage
  track: main
  after: submitted
  id: waiting
  title: 待议
  allows: [close]"""),
    "an unknown word": ("format", "do:", """
- do: remove_gate
  gate: lawful"""),
    "a stage that nobody knows": (
        "stage-unknown",
        "to:",
        """
- do: retarget
  action: request_review
  to: reveiwing""",
    ),
    "no rule": ("format", "rules:", """
- do: tighten_gate
  gate: lawful
  rules: []
  say: 审查"""),
    "unsound": ("action-never", "action:", """
- do: add_stage
  track: main
  after: submitted
  id: waiting
  title: 待议
- do: add_action
  action: {id: go_on, title: 继续, track: main, from: waiting, to: submitted, by: office, rules: [TOWN-1]}"""),
    "harder than its own rule": ("strength", "strength: must", """
- do: add_gate
  on: submit
  gate:
    id: heard
    check: reached
    track: hearing
    in: held
    rules: [P-06]
    say: 须听证
    strength: must"""),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_weakening_is_refused_at_its_line(name: str) -> None:
    rule, marker, changes = REFUSED[name]
    lines = (HEAD + changes.strip()).splitlines()
    line = max(n for n, text in enumerate(lines, 1) if marker in text)
    assert (rule, "town.yaml", line) in refused(changes)


ABSENT = [
    "{do: add_duty, id: lead, duty: {title: 又一个}}",
    "{do: add_matter, field: {id: vital, title: 又一个, type: flag}, on: propose}",
    "{do: add_matter, field: {id: phone, title: 又一个, type: flag}, on: propose}",
    "{do: add_stage, track: legal, after: nowhere, id: x, title: X}",
    "{do: add_stage, track: nowhere, after: idle, id: x, title: X}",
    "{do: attach_gate, gate: lawful, on: submit}",
    "{do: add_field, action: propose, field: {id: phone, title: 又一个, type: text}}",
    "{do: add_choice, field: class, id: road, title: 道路, like: street}",
    "{do: add_choice, field: class, id: works, title: 工程, like: plan}",
    "{do: require_field, action: propose, field: fax}",
    "{do: require_field, action: hold_hearing, field: participants, column: age}",
    "{do: add_paper, kind: opinion, on: conclude_review}",
    "{do: add_paper, kind: letter, on: conclude_review}",
    "{do: require_paper, action: decide, kind: opinion}",
    "{do: rename, what: stage, of: legal, id: nowhere, title: 无}",
    "{do: tighten_clock, clock: nothing, length: 1 day, rules: [TOWN-1], say: 无}",
]


@pytest.mark.parametrize("change", ABSENT)
def test_a_change_must_find_what_it_changes_and_no_namesake(change: str) -> None:
    assert [rule for rule, *_ in refused(f"- {change}")] == ["target"]


def test_a_track_may_be_the_condition_that_makes_a_step_obligatory() -> None:
    procedure = composed("""
- do: upgrade
  on: skip_hearing
  gate: heard_when_open
  if: {track.participation: [collecting, answered]}
  rules: [TOWN-1]
  say: 公开征求意见的须听证
""")
    gate = procedure.gate("heard_when_open")
    assert isinstance(gate, law.Reached)
    assert gate.stages == ("idle", "exempt")


def test_a_material_that_only_a_replaced_action_used_goes_with_it() -> None:
    kind = SMALL.replace("  opinion: {", "  record: {title: 笔录}\n  opinion: {")
    base = kind.replace(
        "    gates: [papers_7_days, hearing_sides]",
        "    gates: [papers_7_days, hearing_sides]\n    materials: [{kind: record}, {kind: draft}]",
    )
    changes = """
- {do: supersede, action: hold_hearing, by: SPEC-1, because: 特别规定}
- do: add_action
  action: {id: hold_hearing, title: 特别听证, track: hearing, from: announced, to: held, by: lead, rules: [SPEC-1]}
- {do: rename, what: track, id: hearing, title: 特别听证}
"""
    procedure = overlay.read(town(changes), registry(), lambda name: small(base))
    assert set(procedure.materials) == {"draft", "notice", "opinion"}


def test_what_comes_out_knows_where_each_part_was_written() -> None:
    changes = "- {do: add_stage, track: legal, after: concluded, id: filed, title: 已备查, mark: done}"
    result, problems = overlay.flatten(small(), town(changes), registry())
    assert problems == ()
    assert result.line(("tracks", "legal", "stages", "filed")) == len(HEAD.splitlines()) + 1
    assert result.line(("tracks", "main", "title")) == next(
        n for n, line in enumerate(SMALL.splitlines(), 1) if "title: 主线" in line
    )
    same, problems = overlay.flatten(small(), town("- {do: nothing}"), registry())
    assert same.data == small().data
    assert {problem.rule for problem in problems} == {"format"}


def test_a_refusal_names_the_superior_article() -> None:
    with pytest.raises(BadInput) as caught:
        overlay.read(town(REFUSED["shorter period"][2]), registry(), lambda name: small())
    [problem] = caught.value.problems
    assert problem.say == (
        "不得放宽“听证材料须在听证会召开7日前送达”：期限由7日改为5日"
        "（上位依据：《重大行政决策程序暂行条例》第十六条第三款）"
    )


@pytest.mark.parametrize(
    ("rule", "old", "new", "marker"),
    [
        ("rule-twice", "id: TOWN-1", "id: D713-25", "id: D713-25"),
        ("source-twice", "  town: {", '  "713": {', '"713": {'),
        ("source-unknown", "source: town,", "source: city,", "source: city"),
        ("extends", "small-decision@2019.1", "other-decision@2019.1", "extends:"),
        ("in-force", "from: 2021-01-01}\nsources", "from: 2018-01-01}\nsources", "in_force:"),
        ("format", "example: yes", "example: perhaps", "example:"),
    ],
)
def test_a_head_that_is_wrong_is_refused_at_its_line(rule: str, old: str, new: str, marker: str) -> None:
    head = HEAD.replace(old, new)
    assert head != HEAD
    line = next(n for n, text in enumerate(head.splitlines(), 1) if marker in text)
    assert (rule, "town.yaml", line) in refused("- {do: cite, gate: lawful, rules: [SPEC-1]}", head)


def test_an_overlay_needs_its_base() -> None:
    with pytest.raises(BadInput, match="extends"):
        overlay.read(town("- {do: cite, gate: lawful, rules: [TOWN-1]}"), registry())


def test_a_fault_of_the_base_is_shown_in_the_base() -> None:
    bad = SMALL.replace("ends: {main: [closed, declined]}", "ends: {main: declined}")
    source = town("- {do: cite, gate: lawful, rules: [TOWN-1]}")
    _, problems = overlay.lint(source, registry(), lambda name: small(bad))
    line = next(n for n, text in enumerate(bad.splitlines(), 1) if text.startswith("ends:"))
    assert [(problem.rule, problem.file, problem.line) for problem in problems] == [("stuck", "base-small.yaml", line)]


def test_what_only_the_product_asks_for_any_norm_may_replace() -> None:
    base = SMALL.replace("rules: [D713-25]", "rules: [DF-OPINION]")
    change = "- {do: supersede, gate: comment_30_days, by: TOWN-1, because: 本镇不作此要求}"
    procedure = overlay.read(town(change), registry(), lambda name: small(base))
    assert procedure.gate("comment_30_days") is None
    with pytest.raises(BadInput, match="supersede-rank"):
        overlay.read(town(change.replace("TOWN-1", "DF-TEXT")), registry(), lambda name: small(base))


def test_a_higher_law_is_not_replaced_by_a_regulation() -> None:
    base = SMALL.replace("rules: [D713-45, D713-44]", "rules: [D713-45, OV-01]")
    source = town("- {do: supersede, gate: reviewed, by: SPEC-1, because: 特别规定}")
    with pytest.raises(BadInput, match="supersede-rank"):
        overlay.read(source, registry(), lambda name: small(base))


# ---- the comparison itself, on results that no overlay could make ----------------------------------------

WEAKER = [
    ("weaker-gate", "    gates: [reviewed, lawful, works_heard]", "    gates: [reviewed, lawful]"),
    ("weaker-gate", "    at_least: 7 days", "    at_least: 6 days"),
    ("weaker-gate", "    at_least: 30 days", "    at_least: 30 workdays"),
    ("weaker-gate", "    in: [lawful, adjusted]", "    in: [lawful, adjusted, unlawful]"),
    ("weaker-gate", "    in: concluded\n    strength: must", "    in: [concluded, reviewing]\n    strength: must"),
    ("weaker-gate", "    in: concluded\n    strength: must", "    in: concluded\n    strength: may"),
    (
        "weaker-gate",
        "    in: concluded\n    strength: must",
        "    in: concluded\n    if: {matter.vital: yes}\n    strength: must",
    ),
    (
        "weaker-gate",
        "if: {matter.class: works, track.legal: [concluded]}",
        "if: {matter.class: works, matter.vital: yes}",
    ),
    ("weaker-gate", "of: {action: conclude_review, field: conclusion}", "of: {action: propose, field: class}"),
    ("weaker-gate", "    where: {kind: public}\n    at_least: 2", "    where: {kind: public}\n    at_least: 1"),
    ("weaker-gate", "    deviate: short_reason", "    deviate: closed_on"),
    ("weaker-where", "    where: {kind: [public, expert]}", "    where: {kind: [public]}"),
    ("weaker-where", "    where: {kind: public}\n", "    where: {kind: [public, official]}\n"),
    ("weaker-cites", "rules: [D713-45, D713-44]", "rules: [D713-45]"),
    ("weaker-cites", "    rules: [D713-51]\n    gates", "    rules: [D713-44]\n    gates"),
    ("weaker-by", "from: decided, to: closed, by: office", "from: decided, to: closed, by: [office, lead]"),
    ("weaker-when", "    when: {main: drafting, participation: [answered, exempt]}", "    when: {main: drafting}"),
    ("weaker-path", "    from: [idle, concluded]\n    to: reviewing", "    from: [idle, concluded]\n    to: concluded"),
    ("weaker-paper", "    materials: [{kind: opinion}]", "    materials: [{kind: opinion, required: no}]"),
    ("weaker-paper", "    materials: [{kind: opinion}]", "    materials: [{kind: opinion, if: {matter.vital: yes}}]"),
    ("weaker-paper", "  draft: {title: 决策草案, text: yes}", "  draft: {title: 决策草案}"),
    (
        "weaker-field",
        "{id: closed_on, title: 截止日, type: date, required: yes}",
        "{id: closed_on, title: 截止日, type: date}",
    ),
    (
        "weaker-field",
        "{id: closed_on, title: 截止日, type: date, required: yes}",
        "{id: closed_on, title: 截止日, type: text, required: yes}",
    ),
    ("weaker-field", "      - {id: points, title: 意见条数, type: number}\n", ""),
    ("weaker-field", "{id: name, title: 姓名, type: person, required: yes}", "{id: name, title: 姓名, type: person}"),
    ("weaker-field", "title: 联系电话, type: text, personal: yes", "title: 联系电话, type: text"),
    (
        "weaker-field",
        "type: text, required_when: {matter.class: [works]}",
        "type: text, required_when: {matter.vital: yes}",
    ),
    ("weaker-field", "{public: 公众, expert: 专家, official: 机关}", "{public: 公众, expert: 专家}"),
    ("weaker-where", "concluded: 已出意见}", "concluded: 已出意见, filed: 已备查}"),
    (
        "weaker-action",
        "  - {id: decline, title: 决定不启动, track: main, from: proposed, to: declined, by: chief, rules: [D713-13]}\n",
        "",
    ),
    ("weaker-action", "by: chief, rules: [D713-52], binding: yes", "by: chief, rules: [D713-52]"),
    ("weaker-resets", "    resets: [legal]\n", ""),
    ("weaker-sets", "    sets: [class, vital]", "    sets: [class]"),
    ("weaker-clock", "    length: 20 workdays", "    length: 21 workdays"),
    ("weaker-clock", "    length: 20 workdays", "    length: 20 days"),
    ("weaker-clock", "    ends: close\n", "    ends: [close, decide]\n"),
    (
        "weaker-clock",
        "    duty: office\n    rules: [INF-02]",
        "    duty: office\n    stops: [{since: decide, until: close, say: 等待}]\n    rules: [INF-02]",
    ),
    ("weaker-clock", SMALL[SMALL.index("clocks:\n") :], ""),
    ("weaker-cites", "    rules: [INF-02]", "    rules: [D713-56]"),
    ("weaker-ends", "ends: {main: [closed, declined]}", "ends: {main: [closed, declined, submitted]}"),
    ("weaker-goal", "goal: {main: closed}", "goal: {main: [closed, decided]}"),
    ("weaker-start", "starting: start", "starting: propose"),
    ("weaker-duty", "  lead: {title: 承办单位, of: case}", "  lead: {title: 承办单位}"),
    ("weaker-track", "stages: {idle: 未送审, reviewing: 审查中,", "stages: {reviewing: 审查中, idle: 未送审,"),
    ("in-force", "in_force: {from: 2019-09-01}", "in_force: {from: 2018-09-01}"),
]


@pytest.mark.parametrize(("rule", "old", "new"), WEAKER)
def test_no_weakening_goes_unseen(rule: str, old: str, new: str) -> None:
    assert SMALL.count(old) == 1
    base = law.compiled(small(), registry())
    result = law.compiled(small(SMALL.replace(old, new)), registry())
    assert rule in {fault.rule for fault in overlay.weakened(base, result)}


def test_a_new_choice_that_no_condition_knows_is_a_way_around() -> None:
    """Every class has something asked of it; a class that is asked nothing is refused."""
    flag = "{id: vital, title: 涉及切身利益, type: flag"
    asked = SMALL.replace(f"{flag}}}\n  - {{id", f"{flag}, required_when: {{matter.class: plan}}}}\n  - {{id")
    more = asked.replace("公共建设}}\n  - {id: vital", "公共建设, road: 道路}}\n  - {id: vital")
    base, result = law.compiled(small(asked), registry()), law.compiled(small(more), registry())
    assert [fault.rule for fault in overlay.weakened(base, result)] == ["weaker-choice"]


def weaker(*changes: tuple[str, str], before: str = SMALL) -> set[str]:
    """What a procedure with several changes at once lacks."""
    after = before
    for old, new in changes:
        assert after.count(old) == 1, old
        after = after.replace(old, new)
    base, result = law.compiled(small(before), registry()), law.compiled(small(after), registry())
    return {fault.rule for fault in overlay.weakened(base, result)}


def test_a_gate_may_not_go_even_where_it_was_only_a_hint() -> None:
    start, end = SMALL.index("  - id: hearing_sides"), SMALL.index("  - id: reviewed\n")
    assert weaker((SMALL[start:end], ""), ("[papers_7_days, hearing_sides]", "[papers_7_days]")) == {"weaker-gate"}


def test_an_approver_once_asked_for_stays() -> None:
    asked = SMALL.replace("    deviate: short_reason", "    deviate: short_reason\n    approver: closed_on")
    assert weaker(("    approver: closed_on\n", ""), before=asked) == {"weaker-gate"}


def test_tracks_keep_their_order_and_their_start() -> None:
    start, end = SMALL.index("  hearing:\n    title"), SMALL.index("  legal:\n    title: 合法性审查\n    stages")
    hearing = SMALL[start:end]
    assert "weaker-track" in weaker((hearing, ""), ("opening: propose", f"{hearing}opening: propose"))
    assert "weaker-track" in weaker(("stages: {idle: 未送审,", "stages: {before: 事前, idle: 未送审,"))


def test_the_rows_that_count_stay_limited_to_what_they_were() -> None:
    assert weaker(("    where: {kind: public}\n", "")) == {"weaker-gate"}
    lapsed = "rows_lapsed\n", "    at_least: 7 days\n    until: {}\n"
    assert weaker((lapsed[0], "rows_are\n"), (lapsed[1], "    in: given\n")) == {"weaker-gate"}


ROWS = "rows: {field: participants}"
HARDER = [
    ("check: lapsed, since: {action: propose}, at_least: 5 days", ", exclusive: yes", ""),
    ("check: other_person, actions: ", "[propose, decide]", "[propose]"),
    ("check: named_took_none, field: chair, actions: ", "[propose, decide]", "[propose]"),
    ("check: done, actions: ", "[propose]", "[propose, decide]"),
    (f"check: row_count, {ROWS}, at_most: ", "5", "6"),
    (f"check: row_share, {ROWS}, where: {{kind: public}}, at_least: ", "2/3", "1/2"),
    (f"check: row_share, {ROWS}, where: {{kind: public}}, at_least: 1/2", ", more_than: yes", ""),
]


def with_gate(check: str) -> law.Procedure:
    """The small procedure with one more gate on the hearing."""
    text = SMALL.replace("[papers_7_days, hearing_sides]", "[papers_7_days, hearing_sides, more]")
    gate = f"  - {{id: more, strength: must, rules: [D713-31], say: 多一道, {check}}}\n"
    return law.compiled(
        small(text.replace("actions:\n  - id: propose", f"{gate}actions:\n  - id: propose")), registry()
    )


@pytest.mark.parametrize(("check", "hard", "soft"), HARDER)
def test_each_check_knows_its_harder_side(check: str, hard: str, soft: str) -> None:
    harder, softer = with_gate(check + hard), with_gate(check + soft)
    assert {fault.rule for fault in overlay.weakened(harder, softer)} == {"weaker-gate"}
    assert overlay.weakened(softer, harder) == ()


def test_a_second_way_asks_for_what_the_first_asks_for() -> None:
    """An added action on a way of the base with its gates and papers, but without an input that must be given."""
    way = """  - id: conclude_quickly
    title: 快速出具意见
    track: legal
    from: reviewing
    to: concluded
    by: legal
    rules: [D713-50]
    materials: [{kind: opinion}]
"""
    choices = "{lawful: 合法, adjusted: 修改, unlawful: 不合法}"
    field = f"    fields: [{{id: conclusion, title: 结论, type: choice, required: yes, choices: {choices}}}]\n"
    at = "  - id: submit\n    title"
    assert weaker((at, way + at)) == {"weaker-field"}
    assert weaker((at, way + field + at)) == set()


def test_rows_that_count_may_not_be_limited_where_they_were_not() -> None:
    base = law.compiled(small(SMALL.replace("    where: {kind: [public, expert]}\n", "")), registry())
    assert {fault.rule for fault in overlay.weakened(base, law.compiled(small(), registry()))} == {"weaker-gate"}


def test_what_one_layer_replaced_is_no_licence_for_the_next() -> None:
    replace = """
- do: supersede
  gate: comment_30_days
  by: SPEC-1
  because: 特别规定
- do: add_gate
  gate:
    id: comment_30_days
    check: lapsed
    since: {action: publish_notice}
    at_least: 40 days
    strength: must
    rules: [SPEC-1]
    say: 不少于40日
  on: close_comments
"""
    first = town(replace)
    head = HEAD.replace("id: town\n", "id: works\nlayer: sector\n").partition("sources:")[0] + "changes:\n"
    change = "- {do: tighten_gate, gate: comment_30_days, at_least: 20 days, rules: [D713-25], say: 不少于20日}"
    with pytest.raises(BadInput, match="weaker-gate"):
        overlay.compose(small(), [first, town(change, head)], registry())


def test_a_procedure_is_not_weaker_than_itself() -> None:
    base = law.compiled(small(), registry())
    assert overlay.weakened(base, base) == ()


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_whatever_is_let_through_stands_only_where_the_base_can_stand(data: st.DataObject) -> None:
    """Stages and acts added at random: seen from the base, every joint stage is one of the base's own."""
    base = law.compiled(small(), registry())
    plain = {**base.model_dump(by_alias=True), "rules": {}, "sources": {}}
    added = data.draw(st.lists(st.sampled_from(sorted(plain["tracks"])), max_size=2))
    for n, track in enumerate(added):
        stages = list(plain["tracks"][track]["stages"].items())
        stages.insert(data.draw(st.integers(1, len(stages))), (f"n{n}", "新"))
        plain["tracks"][track]["stages"] = dict(stages)
    new = []
    for n in range(data.draw(st.integers(1, 3))):
        track = data.draw(st.sampled_from(sorted(plain["tracks"])))
        stage = st.sampled_from(list(plain["tracks"][track]["stages"]))
        model = data.draw(st.sampled_from(plain["actions"]))
        new.append({**model, "id": f"x{n}", "title": f"X{n}", "track": track, "from": (data.draw(stage),), "to": data.draw(stage),
                    "resets": data.draw(st.lists(st.sampled_from(sorted(plain["tracks"])), max_size=1)),
                    "sets": (), "consultation": "", "resets_chosen": ""})  # fmt: skip
    result = law.Procedure.model_validate({**plain, "actions": (*plain["actions"], *new)})
    if overlay.weakened(base, result) == ():
        home: dict[tuple[str, str], str] = {}
        for name, track in result.tracks.items():
            here = track.initial
            for stage in track.stages:
                here = stage if stage in base.tracks[name].stages else here
                home[name, stage] = here
        known = {tuple(stages.items()) for stages in walked(base)}
        for stages in walked(result):
            assert tuple((name, home[name, stage]) for name, stage in stages.items()) in known


def walked(procedure: law.Procedure) -> list[dict[str, str]]:
    """Every joint stage, by taking one act after another."""
    found: dict[tuple[str, ...], dict[str, str]] = {}
    waiting = [procedure.initial()]
    while waiting:
        here = waiting.pop()
        if tuple(here.values()) in found:
            continue
        found[tuple(here.values())] = here
        for action in machine.offered(procedure, here):
            bars = [gate for gate in procedure.gates_of(action) if isinstance(gate, law.Reached) and not gate.if_]
            if all(here[gate.track] in gate.stages for gate in bars):
                chosen = action.field(action.resets_chosen) if action.resets_chosen else None
                choices = tuple(chosen.choices) if chosen else ()
                for again in ((), *((choice,) for choice in choices), choices):
                    waiting.append(machine.move(procedure, here, action, (*action.resets, *again)))
    return list(found.values())


# ---- three local variants --------------------------------------------------------------------------------


@lru_cache
def variant(*names: str) -> law.Procedure:
    """The national procedure with these example overlays."""
    base = files.read(BASE.read_text("utf-8"), BASE.name)
    overlays = [files.read((VARIANTS / f"{name}.yaml").read_text("utf-8"), name) for name in names]
    return overlay.compose(base, overlays, registry())


@pytest.mark.parametrize(
    "names",
    [
        ("hearing-city",),
        ("two-tier-district",),
        ("house-expropriation",),
        ("hearing-city", "house-expropriation"),
        ("two-tier-district", "house-expropriation"),
    ],
)
def test_a_variant_is_sound_and_marked_as_an_example(names: tuple[str, ...]) -> None:
    procedure = variant(*names)
    assert soundness.check(procedure) == ()
    assert procedure.example
    assert len(procedure.built_from) == len(names) + 1


def test_the_hearing_city_hears_earlier_and_more_often() -> None:
    procedure = variant("hearing-city")
    papers, experts = procedure.gate("papers_7_days"), procedure.gate("experts_chosen")
    assert isinstance(papers, law.RowsLapsed)
    assert isinstance(experts, law.RowCount)
    assert (papers.at_least, papers.rules) == ("10 days", ("D713-30", "EXC-03", "P-09"))
    assert experts.at_least == 3
    assert {"disputed_is_heard", "concern_is_heard"} <= set(procedure.action("decide_no_hearing").gates)  # type: ignore[union-attr]


def test_the_two_tier_district_reviews_twice_and_within_ten_days() -> None:
    procedure = variant("two-tier-district")
    assert list(procedure.tracks["legal"].stages)[:3] == ["idle", "unit_reviewed", "integrity_reviewed"]
    assert procedure.action("request_legal_review").source == ("integrity_reviewed",)  # type: ignore[union-attr]
    ceiling = next(clock for clock in procedure.clocks if clock.id == "review_ceiling")
    assert (ceiling.length, ceiling.stops[0].until) == ("10 workdays", ("supplement_packet",))
    floor = procedure.gate("review_time")
    assert isinstance(floor, law.Lapsed)
    assert floor.at_least == "7 workdays"
    assert "lodged" in procedure.action("close_case").gates  # type: ignore[union-attr]


def test_expropriation_has_thirty_days_without_a_way_around() -> None:
    procedure = variant("house-expropriation")
    assert procedure.gate("period_30_days") is None
    hard = procedure.gate("plan_30_days")
    assert hard is not None
    assert (hard.strength, hard.deviate) == ("must", "")
    assert [(one.id, one.by, one.applied) for one in procedure.conflicts] == [("period_30_days", "OV-06", "special")]
