"""A procedure that does not hang together is refused with the code and the line of each fault."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from itertools import chain, combinations, pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decisionflow.core import conditions, machine, soundness
from decisionflow.core import procedure as law
from decisionflow.core import source as files
from decisionflow.errors import BadInput

ROOT = Path(__file__).parents[2]
SMALL = (Path(__file__).parent / "variants" / "base-small.yaml").read_text("utf-8")


@lru_cache
def registry() -> law.Registry:
    paths = sorted((ROOT / "workflows" / "rules").glob("*.yaml"))
    return law.registry([files.read(path.read_text("utf-8"), path.name) for path in paths])


def problems(text: str) -> list[tuple[str, int]]:
    """The code and line of everything that is wrong with a procedure file."""
    source = files.read(text, "small.yaml")
    try:
        procedure = law.compiled(source, registry())
    except BadInput as fault:
        return [(problem.rule, problem.line) for problem in fault.problems]
    faults = soundness.check(procedure)
    return [(fault.rule, source.problem(fault.path, fault.say, fault.rule).line) for fault in faults]


def planted(old: str, new: str) -> str:
    """The small procedure with one mistake in it."""
    assert SMALL.count(old) == 1, old
    return SMALL.replace(old, new)


def line_of(text: str, marker: str) -> int:
    """The only line of a file that holds a marker."""
    found = [n for n, line in enumerate(text.splitlines(), 1) if marker in line]
    assert len(found) == 1, (marker, found)
    return found[0]


def test_the_small_procedure_is_sound() -> None:
    assert problems(SMALL) == []


MISTAKES = [
    # names that lead nowhere
    ("track-unknown", "to: exempt\n    when: {main: drafting}", "to: exempt\n    when: {mian: drafting}", "mian"),
    ("track-unknown", "    resets: [legal]", "    resets: [leagl]", "leagl"),
    (
        "track-unknown",
        "participation: 公众参与, hearing: 听证}}",
        "participation: 公众参与, hearings: 听证}}",
        "resets_chosen: again",
    ),
    ("stage-unknown", "goal: {main: closed}", "goal: {main: finished}", "goal:"),
    ("stage-unknown", "    in: concluded\n", "    in: finished\n", "in: finished"),
    ("stage-unknown", "    waived: exempt", "    waived: excused", "excused"),
    ("stage-unknown", "    failed: declined\n", "    failed: declined\n    under: nowhere\n", "nowhere"),
    (
        "duty-unknown",
        "from: submitted\n    to: drafting\n    by: office",
        "from: submitted\n    to: drafting\n    by: clerk",
        "clerk",
    ),
    (
        "duty-unknown",
        "    say: 未经合法性审查，不得提交讨论",
        "    say: 未经合法性审查，不得提交讨论\n    who: nobody",
        "nobody",
    ),
    ("gate-unknown", "gates: [comment_30_days]", "gates: [comment_30_days, comment_60_days]", "comment_60_days"),
    ("material-unknown", "[{kind: opinion}]", "[{kind: opinion}, {kind: letter}]", "kind: letter"),
    (
        "matter-unknown",
        "required_when: {matter.class: [works]}",
        "required_when: {matter.sort: [works]}",
        "matter.sort",
    ),
    ("matter-unknown", "sets: [class, vital]", "sets: [class, vital, points]", "sets: [class"),
    ("field-unknown", "sets: [class, vital]", "sets: [class, vital, vital_note]", "sets: [class"),
    (
        "field-type",
        "{id: vital, title: 涉及切身利益, type: flag}\n  -",
        "{id: vital, title: 涉及, type: text}\n  -",
        "sets: [class",
    ),
    ("condition", "    sets: [class, vital]", "    sets: [class, vital]\n    todo_if: {field.class: plan}", "todo_if"),
    (
        "stage-none",
        "stages: {undecided: 未定, announced: 已公告, held: 已召开, not_held: 不召开}",
        "stages: {}",
        "stages: {}",
    ),
    ("ref", "    length: 20 workdays\n", "    until: {action: decide}\n", "until: {action"),
    ("field-unknown", "    length: 20 workdays\n", "    until: {field: by_when}\n", "until: {field"),
    ("field-unknown", "    length: 20 workdays\n", "    length: 20 days\n    extends: {send_back: days}\n", "extends:"),
    (
        "field-type",
        "    starts: decide\n    ends: close\n    length: 20 workdays\n",
        "    starts: close_comments\n    ends: close\n    until: {field: points}\n",
        "until: {field",
    ),
    ("choice-unknown", "required_when: {matter.class: [works]}", "required_when: {matter.class: [wroks]}", "wroks"),
    ("choice-unknown", "in: [lawful, adjusted]", "in: [lawful, legal]", "in: [lawful, legal]"),
    ("choice-unknown", "where: {kind: public}", "where: {kind: publik}", "publik"),
    ("action-unknown", "since: {action: publish_notice}", "since: {action: post_notice}", "post_notice"),
    ("action-unknown", "    ends: close", "    ends: archive", "ends: archive"),
    (
        "field-unknown",
        "of: {action: conclude_review, field: conclusion}",
        "of: {action: conclude_review, field: result}",
        "field: result",
    ),
    ("field-unknown", "    deviate: short_reason", "    deviate: shorter_reason", "shorter_reason"),
    ("field-unknown", "    column: received_on", "    column: recieved_on", "recieved_on"),
    (
        "field-unknown",
        "since: {action: publish_notice}",
        "since: {action: [publish_notice, close_comments], field: closed_on}",
        "since:",
    ),
    (
        "remedy-unknown",
        "    say: 审查不合法的，不得提交讨论",
        "    say: 审查不合法的，不得提交讨论\n    remedy: [rewrite]",
        "rewrite",
    ),
    ("rule-unknown", "rules: [D713-45, D713-44]", "rules: [D713-45, D713-99]", "D713-99"),
    # wrong kinds of things
    (
        "field-type",
        "since: {action: publish_notice}",
        "since: {action: close_comments, field: points}",
        "field: points",
    ),
    ("field-type", "    column: received_on", "    column: kind", "column: kind"),
    ("field-type", "title: 重新进行, type: choices", "title: 重新进行, type: choice", "resets_chosen: again"),
    ("ref", "of: {action: conclude_review, field: conclusion}", "of: {action: conclude_review}", "of: {action"),
    ("ref", "since: {action: publish_notice}", "since: {matter: class}", "since: {matter"),
    (
        "condition",
        "required_when: {matter.class: [works]}",
        "required_when: {track.main: [closed]}",
        "track.main: [closed]",
    ),
    ("choices", "type: choice, choices: {public: 公众, expert: 专家, official: 机关}", "type: choice", "id: kind"),
    ("columns", "{id: ground, title: 依据, type: text", "{id: ground, title: 依据, type: rows", "id: ground"),
    ("format", "at_least: 30 days", "at_least: thirty days", "thirty"),
    (
        "bounds",
        "    where: {kind: public}\n    at_least: 2",
        "    where: {kind: public}\n    at_least: 2\n    at_most: 1",
        "id: hearing_sides",
    ),
    ("clock-length", "    length: 20 workdays\n", "", "id: publish_20"),
    # things said twice, not at all, or for nothing
    (
        "id-twice",
        "{id: ground, title: 依据, type: text",
        "{id: ground, title: 据, type: text}, {id: ground, title: 依据, type: text",
        "title: 据,",
    ),
    ("id-twice", "  - id: lawful\n    check: is", "  - id: reviewed\n    check: is", "id: reviewed"),
    ("title-twice", "title: 决定不启动", "title: 决定启动", "id: decline"),
    ("text-empty", "say: 公共建设须先定是否听证", 'say: ""', 'say: ""'),
    ("gate-unused", "gates: [reviewed, lawful, works_heard]", "gates: [reviewed, lawful]", "id: works_heard"),
    ("material-unused", "[{kind: opinion}]", "[]", "  opinion: {title"),
    # harder than the law, or before the law
    (
        "strength",
        "    at_least: 30 days\n    strength: usually\n    deviate: short_reason",
        "    at_least: 30 days\n    strength: must",
        "strength: must",
    ),
    (
        "strength",
        "    at_least: 2\n    strength: may\n    rules: [D713-29]",
        "    at_least: 2\n    strength: must\n    rules: [D713-27]",
        "strength: must",
    ),
    ("deviate", "    strength: usually\n    deviate: short_reason", "    strength: usually", "id: comment_30_days"),
    (
        "deviate",
        "    in: concluded\n    strength: must",
        "    in: concluded\n    strength: must\n    deviate: short_reason",
        "deviate: short_reason",
    ),
    ("not-in-force", "in_force: {from: 2019-09-01}", "in_force: {from: 2016-05-15}", "rules: [D713-11]"),
    ("in-force", "in_force: {from: 2019-09-01}", "in_force: {from: 2019-09-01, to: 2018-01-01}", "to: 2018"),
    ("personal", "{id: kind, title: 身份,", "{id: kind, title: 身份, personal: yes,", "id: papers_7_days"),
    ("opening", "opening: propose", "opening: submit", "opening:"),
    # where a case can go
    ("stage-never", "declined: 不启动}", "declined: 不启动, lost: 遗失}", "lost: 遗失"),
    (
        "action-never",
        "from: announced\n    to: held\n    when: {main: drafting}",
        "from: announced\n    to: held\n    when: {main: proposed}",
        "id: hold_hearing",
    ),
    (
        "no-way-on",
        "    from: drafting\n    to: submitted",
        "    from: drafting\n    when: {hearing: [undecided, announced, held]}\n    to: submitted",
        "id: skip_hearing",
    ),
    (
        "no-way-on",
        "{id: close, title: 办结, track: main, from: decided",
        "{id: close, title: 办结, track: main, from: drafting",
        "id: decide,",
    ),
    ("stuck", "ends: {main: [closed, declined]}", "ends: {main: declined}", "ends:"),
]


@pytest.mark.parametrize(("rule", "old", "new", "marker"), MISTAKES)
def test_a_planted_mistake_is_refused_at_its_line(rule: str, old: str, new: str, marker: str) -> None:
    text = planted(old, new)
    line = text[: text.index(new) + new.index(marker)].count("\n") + 1 if marker in new else line_of(text, marker)
    assert (rule, line) in problems(text)


# One more gate on the hearing, with one mistake in it; the place of the mistake is the marked key.
ROWS = "rows: {field: participants}"
MAJORITY = f"check: with_majority, {ROWS}, by: name, position: kind, against: expert, side: agree"
GATES = [
    ("", "check: not_before, moment: {}, other: {action: close_comments, field: closed_on}", ""),
    ("action-unknown", "check: not_before, moment: {}, other: {action: shut, field: closed_on}", ""),
    ("ref", "check: not_before, moment: {}, other: {matter: class, field: participants}", ""),
    ("ref", "check: is, of: {matter: class, field: participants}, in: plan", ""),
    ("", "check: not_among, field: participants, others: [{action: conclude_review, field: conclusion}]", ""),
    ("ref", "check: not_among, field: participants, others: [{action: conclude_review}]", ""),
    ("field-unknown", "check: not_among, field: nobody, others: [{action: conclude_review, field: conclusion}]", ""),
    ("", "check: other_person, actions: [propose, decide]", ""),
    ("action-unknown", "check: other_person, actions: [propose, decide_it]", ""),
    ("field-type", "check: named_took_none, field: participants, actions: [propose]", ""),
    ("field-unknown", "check: named_took_none, field: nobody, actions: [propose]", ""),
    ("", "check: filled, field: participants", ""),
    ("field-unknown", "check: filled, field: guests", ""),
    ("", "check: working_day, moment: {}", ""),
    ("field-unknown", "check: working_day, moment: {action: close_comments, field: shut_on}", ""),
    ("", "check: followed, actions: conclude_review, where: {conclusion: lawful}, then: decide", ""),
    ("action-unknown", "check: followed, actions: conclude_it, then: decide", ""),
    ("action-unknown", "check: followed, actions: conclude_review, then: decide_it", ""),
    ("field-unknown", "check: followed, actions: conclude_review, where: {outcome: lawful}, then: decide", ""),
    ("choice-unknown", "check: followed, actions: conclude_review, where: {conclusion: fine}, then: decide", ""),
    ("field-unknown", "check: same_text, actions: request_review, confirmed_by: conclude_review", ""),
    ("action-unknown", "check: same_text, actions: request_review, confirmed_by: confirm", ""),
    ("", f"check: row_share, {ROWS}, where: {{kind: public}}, at_least: 1/2", ""),
    ("bounds", f"check: row_share, {ROWS}, where: {{kind: public}}, at_least: 3/2", ""),
    ("ref", "check: row_share, rows: {}, where: {kind: public}, at_least: 1/2", ""),
    ("ref", "check: row_share, rows: {matter: class}, where: {kind: public}, at_least: 1/2", ""),
    ("field-type", "check: row_share, rows: {action: close_comments, field: points}, where: {}, at_least: 1/2", ""),
    ("", "check: row_count, rows: {action: conclude_review}, where: {conclusion: lawful}, at_least: 1", ""),
    ("choice-unknown", "check: row_count, rows: {action: conclude_review}, where: {conclusion: fine}, at_least: 1", ""),
    ("", f"check: rows_cover, {ROWS}, column: name, others: {{action: decide}}, other_column: person", ""),
    ("field-unknown", f"check: rows_cover, {ROWS}, column: name, others: {{action: decide}}", ""),
    ("field-type", f"check: row_sum, {ROWS}, column: kind, equals: participants", ""),
    ("", f"check: last_row, {ROWS}, column: kind, in: official", ""),
    ("choice-unknown", f"check: last_row, {ROWS}, column: kind, in: officer", ""),
    ("", f"{MAJORITY}, agree: public, reason: participants", ""),
    ("field-unknown", f"{MAJORITY}, agree: public, reason: why", ""),
    ("choice-unknown", f"{MAJORITY}, agree: yes, reason: participants", ""),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "check", "_"), GATES)
def test_a_gate_names_only_what_is_there(rule: str, check: str, _: str) -> None:
    gate = f"  - {{id: more, strength: may, rules: [D713-31], say: 多一道, {check}}}\n"
    text = planted("gates: [papers_7_days, hearing_sides]", "gates: [papers_7_days, hearing_sides, more]")
    text = text.replace("actions:\n  - id: propose", f"{gate}actions:\n  - id: propose")
    found = problems(text)
    assert (rule, line_of(text, "id: more")) in found if rule else found == []


def test_an_instrument_that_has_expired_is_no_basis() -> None:
    old = registry().sources["713"].model_copy(update={"expires": date(2019, 1, 1)})
    known = registry().model_copy(update={"sources": {**registry().sources, "713": old}})
    faults = soundness.check(law.compiled(files.read(SMALL, "x"), known))
    assert {fault.rule for fault in faults} == {"not-in-force"}


def test_a_goal_that_was_never_in_reach_is_shown_at_the_goal() -> None:
    text = planted("goal: {main: closed}", "goal: {main: closed, hearing: held, participation: exempt, legal: idle}")
    assert ("no-way-on", line_of(text, "goal:")) in problems(text)


def test_all_faults_are_reported_and_not_only_the_first() -> None:
    text = planted("opening: propose", "opening: submit").replace(
        "from: decided, to: closed", "from: drafting, to: closed"
    )
    text = text.replace("gates: [reviewed, lawful, works_heard]", "gates: [reviewed, lawful]")
    assert {"opening", "no-way-on", "gate-unused"} <= {code for code, _ in problems(text)}


def test_a_gate_on_a_remembered_rule_is_only_for_examples() -> None:
    text = planted("rules: [D713-45, D713-44]", "rules: [ACC-99]").replace("example: yes\n", "")
    rule = registry().rules["D713-45"].model_copy(update={"id": "ACC-99", "confirmed": "memory"})
    known = registry().model_copy(update={"rules": {**registry().rules, "ACC-99": rule}})
    assert [fault.rule for fault in soundness.check(law.compiled(files.read(text, "x"), known))] == ["unconfirmed"]


def test_the_example_of_a_dead_end_is_given_in_words() -> None:
    text = planted("from: drafting\n    to: submitted", "from: drafting\n    when: {hearing: held}\n    to: submitted")
    faults = soundness.check(law.compiled(files.read(text, "x"), registry()))
    assert [fault.rule for fault in faults] == ["no-way-on"]
    assert "听证“不召开”" in faults[0].say
    assert faults[0].say.startswith("办理“不召开听证会”之后")


def test_a_bar_that_a_reason_gets_around_does_not_end_the_walk() -> None:
    text = planted("    stages: {idle: 未送审,", "    stages: {none: 无, idle: 未送审,")
    assert "stage-never" in {code for code, _ in problems(text)}
    soft = text.replace("    in: concluded\n    strength: must", "    in: concluded\n    strength: may")
    assert ("action-never", line_of(text, "- id: submit")) in problems(text)
    assert "action-never" not in {code for code, line in problems(soft) if line == line_of(soft, "- id: submit")}


# ---- the diagram against a walk by hand ------------------------------------------------------------------


def stages_of(procedure: law.Procedure) -> set[tuple[str, ...]]:
    """Every joint stage, one after another."""
    return set(edges_of(procedure))


def edges_of(procedure: law.Procedure) -> dict[tuple[str, ...], set[tuple[str, ...]]]:
    """Every joint stage with those that one act leads to, by the machine that runs cases."""
    names = list(procedure.tracks)
    edges: dict[tuple[str, ...], set[tuple[str, ...]]] = {}
    waiting = [tuple(procedure.initial().values())]
    while waiting:
        here = waiting.pop()
        if here in edges:
            continue
        edges[here] = set()
        stages = dict(zip(names, here, strict=True))
        for action, resets in possible(procedure, stages):
            after = machine.move(procedure, stages, action, resets)
            edges[here].add(tuple(after[name] for name in names))
        waiting += edges[here]
    return edges


def possible(procedure: law.Procedure, stages: dict[str, str]) -> Iterator[tuple[law.Action, tuple[str, ...]]]:
    """The actions offered, with every way of choosing the tracks to restart."""
    for action in machine.offered(procedure, stages):
        if all(passes(gate, stages) for gate in procedure.gates_of(action)):
            spec = action.field("again")
            choices = tuple(spec.choices) if spec else ()
            for chosen in chain.from_iterable(combinations(choices, n) for n in range(len(choices) + 1)):
                yield action, (*action.resets, *chosen)


def passes(gate: law.Gate, stages: dict[str, str]) -> bool:
    """What a gate on a track says to stages alone."""
    assert isinstance(gate, law.Reached)
    applies = conditions.holds(gate.if_, matter={}, fields={}, stages=stages)
    return gate.strength != "must" or not applies or stages[gate.track] in gate.stages


@st.composite
def procedures(draw: st.DrawFn) -> law.Procedure:
    """Small procedures of any shape, sound or not."""
    tracks = {f"t{n}": [f"s{m}" for m in range(draw(st.integers(1, 4)))] for n in range(draw(st.integers(1, 3)))}
    names = st.sampled_from(sorted(tracks))

    def some(track: str) -> list[str]:
        return draw(st.lists(st.sampled_from(tracks[track]), min_size=1, unique=True))

    gates = [
        {
            "id": f"g{n}", "check": "reached", "track": track, "in": some(track), "rules": ["X-1"], "say": "x",
            "strength": draw(st.sampled_from(["must", "must", "may"])),
            "if": {f"track.{track}": some(track)} if draw(st.booleans()) else {},
        }
        for n, track in enumerate(draw(st.lists(names, max_size=2)))
    ]  # fmt: skip
    actions = []
    for n in range(draw(st.integers(1, 6))):
        track = draw(names)
        action = {
            "id": f"a{n}", "title": f"A{n}", "track": track, "from": some(track), "by": "d", "rules": ["X-1"],
            "to": draw(st.sampled_from(["", *tracks[track]])),
            "when": {other: some(other) for other in draw(st.lists(names, max_size=2, unique=True))},
            "gates": draw(st.lists(st.sampled_from([gate["id"] for gate in gates]), max_size=1)) if gates else [],
            "resets": draw(st.lists(names, max_size=1)),
        }  # fmt: skip
        chosen = draw(st.lists(names, max_size=2, unique=True))
        if chosen:
            field = {"id": "again", "title": "x", "type": "choices", "choices": dict.fromkeys(chosen, "x")}
            action |= {"fields": [field], "resets_chosen": "again"}
        actions.append(action)
    goal, end = draw(names), draw(names)
    return law.Procedure.model_validate({
        "id": "x-x", "version": "2019", "title": "x", "in_force": {"from": "2019-09-01"}, "duties": {"d": {"title": "D"}},
        "tracks": {name: {"title": name, "stages": {stage: stage for stage in stages}} for name, stages in tracks.items()},
        "opening": "a0", "starting": "a0", "goal": {goal: some(goal)}, "ends": {end: some(end)},
        "gates": gates, "actions": actions,
    })  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(procedures())
def test_the_diagram_says_what_a_walk_by_hand_says(procedure: law.Procedure) -> None:
    edges = edges_of(procedure)
    names = list(procedure.tracks)
    found = soundness.reachable(procedure)
    assert found.count == soundness.joint(procedure) == len(edges)
    assert all(dict(zip(names, stages, strict=True)) in found for stages in edges)
    expected = faults_of(procedure, edges)
    walked = {"stage-never", "action-never", "no-way-on", "stuck"}
    assert {fault.rule for fault in soundness.check(procedure)} & walked == expected


def faults_of(procedure: law.Procedure, edges: dict[tuple[str, ...], set[tuple[str, ...]]]) -> set[str]:
    """What is wrong, found without any cleverness."""
    names = list(procedure.tracks)
    joint = [dict(zip(names, stages, strict=True)) for stages in edges]
    taken = {action.id for stages in joint for action, _ in possible(procedure, stages)}
    alive = {
        stages for stages in edges if all(stages[names.index(t)] in wanted for t, wanted in procedure.goal.items())
    }
    while grown := {stages for stages in edges if stages not in alive and edges[stages] & alive}:
        alive |= grown
    open_ = [stages for stages in edges if not procedure.is_ended(dict(zip(names, stages, strict=True)))]
    found = set()
    if any(
        stage not in {at[track] for at in joint} for track, spec in procedure.tracks.items() for stage in spec.stages
    ):
        found.add("stage-never")
    if len(taken) < len(procedure.actions):
        found.add("action-never")
    if any(stages not in alive for stages in open_):
        found.add("no-way-on")
    if any(not list(possible(procedure, dict(zip(names, stages, strict=True)))) for stages in open_):
        found.add("stuck")
    return found


def test_a_thousand_million_joint_stages_are_no_burden() -> None:
    """Fifteen tracks, one of fourteen stages, and ninety actions."""
    procedure = law.Procedure.model_validate(large(tracks=15, actions=90))
    assert len(procedure.actions) == 90
    assert soundness.joint(procedure) > 10**9
    assert {fault.rule for fault in soundness.check(procedure)} == {"rule-unknown"}


def crosswise(pairs: int) -> law.Procedure:
    """As many lines as wait each for one of as many others, all of the others written first."""
    common = {"by": "d", "rules": ["X-1"]}
    acts: list[dict[str, object]] = [{"track": "m", "from": "s0", "to": "s1", **common}]
    acts += [{"track": f"a{n}", "from": "s0", "to": "s1", **common} for n in range(pairs)]
    acts += [{"track": f"b{n}", "from": "s0", "to": "s1", "when": {f"a{n}": "s1"}, **common} for n in range(pairs)]
    names = ["m", *(f"a{n}" for n in range(pairs)), *(f"b{n}" for n in range(pairs))]
    return law.Procedure.model_validate({
        "format": "1", "id": "crosswise", "version": "2024", "title": "交叉等待", "in_force": {"from": "2024-01-01"},
        "duties": {"d": {"title": "甲"}}, "opening": "x0", "starting": "x0", "goal": {"m": "s1"}, "ends": {"m": "s1"},
        "tracks": {name: {"title": name, "stages": {"s0": "零", "s1": "一"}, "rules": ["X-1"]} for name in names},
        "actions": [{"id": f"x{n}", "title": f"x{n}", **act} for n, act in enumerate(acts)],
    })  # fmt: skip


def test_lines_that_wait_for_each_other_crosswise_are_too_many_and_said_so() -> None:
    assert soundness.joint(crosswise(pairs=6)) == 2 * 3**6
    with pytest.raises(BadInput, match="组合太多"):
        soundness.check(crosswise(pairs=20))


def large(tracks: int, actions: int) -> dict[str, object]:
    """A main line of fourteen stages; side lines that run beside parts of it, are waited for, and are sent back."""
    stages = {f"t{n}": [f"s{m}" for m in range(14 if n == 0 else 5)] for n in range(tracks)}
    main, common = stages["t0"], {"by": "d", "rules": ["X-1"]}
    made: list[dict[str, object]] = []
    for n, (at, to) in enumerate(pairwise(main)):
        when = {f"t{n}": ["s3", "s4"]} if n else {}
        made.append({"track": "t0", "from": at, "to": to, "when": when, **common})
    for n in range(1, tracks):
        begin = max(0, n - 9)
        for m, to in (("s0", "s1"), ("s1", "s2"), ("s2", "s3"), ("s0", "s4")):
            made.append({"track": f"t{n}", "from": m, "to": to, "when": {"t0": main[begin : n + 1]}, **common})
    for n in range(4, 13):
        made.append({"track": "t0", "from": main[n], "to": main[1], "resets": [f"t{n}", f"t{n + 1}"], **common})
    for n in range(actions - len(made)):
        made.append({"track": f"t{n + 1}", "from": ["s1", "s2"], **common})
    for n, action in enumerate(made):
        action |= {"id": f"a{n}", "title": f"A{n}"}
    return {
        "id": "x-x", "version": "2019", "title": "x", "in_force": {"from": "2019-09-01"}, "duties": {"d": {"title": "D"}},
        "tracks": {name: {"title": name, "stages": {one: one for one in held}} for name, held in stages.items()},
        "opening": "a0", "starting": "a0", "goal": {"t0": "s13"}, "ends": {"t0": "s13"}, "actions": made,
    }  # fmt: skip
