"""Whether a procedure hangs together, found before anybody can use it.

`check` reads the whole procedure and says everything that is wrong: names that lead nowhere, gates
harder than the law they cite, stages that no case can reach, cases that no act can bring to the goal.
It knows nothing of cases, files or overlays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from decisionflow.core import machine
from decisionflow.core import procedure as law
from decisionflow.core.joint import Diagram, Joint, Walk
from decisionflow.core.source import Path


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: its place in the file, a stable code, and a sentence for the author."""

    path: Path
    rule: str
    say: str


def check(procedure: law.Procedure) -> tuple[Fault, ...]:
    """Every fault of a compiled procedure; none means that it may be published."""
    faults = _Reading(procedure).all()
    if any(fault.rule in _BREAKS_WALK for fault in faults):
        return faults
    return (*faults, *_walked(procedure))


def broken(procedure: law.Procedure) -> tuple[Fault, ...]:
    """The faults that leave no sense in walking it or comparing it with another: stages and gates that are not there."""
    return tuple(fault for fault in _Reading(procedure).all() if fault.rule in _BREAKS_WALK)


def reachable(procedure: law.Procedure) -> Joint:
    """Every joint stage that a case can come to, by stages alone."""
    diagram = Diagram()
    walk = Walk(procedure, diagram)
    return Joint(procedure, diagram, walk.forward(walk.start))


def joint(procedure: law.Procedure) -> int:
    """How many joint stages a case can come to."""
    return reachable(procedure).count


def beyond(
    base: law.Procedure, result: law.Procedure, home: Mapping[str, Mapping[str, str]]
) -> tuple[tuple[int, str], ...]:
    """The actions of a result that lead where no case of its base can stand, each with an example in words.

    `home` says for each track of the base which of its stages a stage of the result counts as. The
    result's tracks begin with the base's, in their order.
    """
    diagram = Diagram()
    walk, theirs = Walk(result, diagram), Walk(base, diagram)
    levels = [(spec, home[name], list(result.tracks[name].stages)) for name, spec in base.tracks.items()]
    rest = [len(spec.stages) for spec in list(result.tracks.values())[len(levels) :]]
    known = diagram.lifted(
        theirs.forward(theirs.start),
        [[list(spec.stages).index(at[stage]) for stage in stages] for spec, at, stages in levels],
        rest,
    )
    seen = walk.forward(walk.start)
    inside, outside = diagram.meet(seen, known), diagram.minus(seen, known)
    found = []
    for n, events in enumerate(walk.events):
        over = 0
        for event in events:
            over = diagram.union(over, diagram.meet(diagram.image(inside, event), outside))
        if over:
            found.append((n, Joint(result, diagram, over).say()))
    return tuple(found)


# ---- what the file says --------------------------------------------------------------------------

_BREAKS_WALK = {"track-unknown", "stage-unknown", "stage-none", "gate-unknown"}
_TEXTUAL = {"text", "long", "choice", "reference"}
_NAMING = {"unit", "post", "person", "rows"}
_FREE = {"text", "long", "reference", "number", "money", "unit", "post", "person", "date", "instant"}
_DAYS = {"date", "instant"}
_KINDS = {
    "rows": "表格",
    "date": "日期",
    "text": "文字",
    "long": "文字",
    "choice": "选择",
    "person": "人员",
    "flag": "是否",
}
_RANK = {"may": 0, "usually": 1, "must": 2}


@dataclass(frozen=True, slots=True)
class _Form:
    """A list of inputs under a title: an action's fields, or a row's columns."""

    title: str
    fields: Mapping[str, law.FieldSpec]


def _form(title: str, specs: Iterable[law.FieldSpec]) -> _Form:
    return _Form(title, {spec.id: spec for spec in specs})


class _Reading:
    """One pass over a procedure that notes every fault instead of stopping at the first."""

    def __init__(self, procedure: law.Procedure) -> None:
        self.law = procedure
        self.actions = {action.id: action for action in procedure.actions}
        self.gates = {gate.id: gate for gate in procedure.gates}
        self.matter = _form("事项", procedure.matter)
        self.faults: list[Fault] = []
        self.seen: list[law.FieldSpec] = []  # inputs that the gate in hand looks at

    def all(self) -> tuple[Fault, ...]:
        for names, key, what in (
            ([action.id for action in self.law.actions], "actions", "动作"),
            ([gate.id for gate in self.law.gates], "gates", "关卡"),
            ([clock.id for clock in self.law.clocks], "clocks", "时钟"),
        ):
            self.once(names, (key,), what)
        for path, text in _texts(self.law):
            if not text.strip():
                self.fault(path, "text-empty", "文字不能是空的")
        for name, track in self.law.tracks.items():
            self.track(("tracks", name), name, track)
        self.specs(("matter",), self.law.matter, _form("事项", self.law.matter))
        for n, action in enumerate(self.law.actions):
            self.action(("actions", n), action)
        for n, gate in enumerate(self.law.gates):
            self.gate(("gates", n), gate)
        for n, clock in enumerate(self.law.clocks):
            self.clock(("clocks", n), clock)
        self.whole()
        self.rules()
        return tuple(self.faults)

    def fault(self, path: Path, rule: str, say: str) -> None:
        self.faults.append(Fault(path, rule, say))

    def known(self, names: Iterable[str], among: Iterable[str], path: Path, rule: str, what: str) -> None:
        among = set(among)
        for name in names:
            if name not in among:
                self.fault(path, rule, f"没有{what}“{name}”")

    def once(self, names: Sequence[str], path: Path, what: str) -> None:
        for n, name in enumerate(names):
            if name in names[:n]:
                self.fault((*path, n, "id"), "id-twice", f"{what}“{name}”定义了两次")

    def stages(self, name: str, stages: Iterable[str], path: Path, at: Path) -> None:
        """A track named at one place, and its stages named at another."""
        track = self.law.tracks.get(name)
        if track is None:
            self.fault(path, "track-unknown", f"没有轨道“{name}”")
        else:
            self.known(stages, track.stages, at, "stage-unknown", f"轨道“{track.title}”的阶段")

    def places(self, wanted: Mapping[str, Iterable[str]], path: Path) -> None:
        for name, stages in wanted.items():
            self.stages(name, stages, (*path, name), (*path, name))

    # tracks, actions and their inputs

    def track(self, path: Path, name: str, track: law.Track) -> None:
        if not track.stages:
            self.fault((*path, "stages"), "stage-none", f"轨道“{track.title}”没有阶段")
        for key, marked in (("done", track.done), ("waived", track.waived), ("failed", track.failed)):
            self.stages(name, marked, path, (*path, key))
        others = {stage for other, spec in self.law.tracks.items() if other != name for stage in spec.stages}
        if track.under and track.under not in others:
            self.fault((*path, "under"), "stage-unknown", f"其他轨道都没有阶段“{track.under}”")

    def action(self, path: Path, action: law.Action) -> None:
        self.stages(action.track, action.source, (*path, "track"), (*path, "from"))
        if action.to and action.track in self.law.tracks:
            self.stages(action.track, [action.to], path, (*path, "to"))
        self.places(action.when, (*path, "when"))
        self.known(action.by, self.law.duties, (*path, "by"), "duty-unknown", "职责")
        self.known(action.gates, self.gates, (*path, "gates"), "gate-unknown", "关卡")
        self.known(action.resets, self.law.tracks, (*path, "resets"), "track-unknown", "轨道")
        self.once(action.gates, (*path, "gates"), "关卡")
        twin = next((other for other in self.law.actions if other is not action and other.title == action.title), None)
        if twin is not None and self.law.actions.index(twin) < self.law.actions.index(action):
            self.fault((*path, "title"), "title-twice", f"动作“{twin.id}”也叫“{action.title}”，两者无法区分")
        form = _form(action.title, action.fields)
        if any(key.startswith("field.") for key in action.todo_if):
            self.fault((*path, "todo_if"), "condition", "待办的条件只能看事项和轨道：还没有人填写过什么")
        else:
            self.condition(action.todo_if, (*path, "todo_if"), [])
        self.specs((*path, "fields"), action.fields, form)
        self.gathering(path, action, form)
        for n, paper in enumerate(action.materials):
            at = (*path, "materials", n)
            self.known([paper.kind], self.law.materials, (*at, "kind"), "material-unknown", "材料种类")
            self.condition(paper.if_, (*at, "if"), [form])
        self.effects(path, action, form)

    def gathering(self, path: Path, action: law.Action, form: _Form) -> None:
        """An action that is something to a hearing, a meeting or a panel has the fields by which their pages know it."""
        wanted = {
            "hearing": law.HEARING.get(action.hearing, {}), "meeting": law.MEETING.get(action.meeting, {}),
            "panel": law.PANEL.get(action.panel, {}),
        }  # fmt: skip
        for key, specs in wanted.items():
            for name, (kind, *columns) in specs.items():
                at = (*path, key)
                for spec in self.typed([form], name, at, {kind}, _KINDS[kind]):
                    for column in columns:
                        self.find([_form(spec.title, spec.columns)], column, at)
        if action.hearing == "announce" and not action.public:
            self.fault((*path, "hearing"), "hearing-public", f"“{action.title}”公告听证会，须写明 public: yes")

    def effects(self, path: Path, action: law.Action, form: _Form) -> None:
        for name in action.sets:
            spec, whole = form.fields.get(name), self.matter.fields.get(name)
            if spec is None:
                self.fault((*path, "sets"), "field-unknown", f"动作“{action.title}”没有填写项“{name}”")
            if whole is None:
                self.fault((*path, "sets"), "matter-unknown", f"事项没有属性“{name}”")
            if spec and whole and (spec.type != whole.type or not spec.choices.keys() <= whole.choices.keys()):
                self.fault((*path, "sets"), "field-type", f"填写项“{name}”与事项属性“{name}”的类型或选项不一致")
        for duty, name in action.assigns.items():
            self.known([duty], self.law.duties, (*path, "assigns", duty), "duty-unknown", "职责")
            self.typed([form], name, (*path, "assigns", duty), _NAMING, "单位、岗位、人员")
        if action.resets_chosen:
            at = (*path, "resets_chosen")
            for spec in self.typed([form], action.resets_chosen, at, {"choices"}, "多选"):
                self.known(spec.choices, self.law.tracks, at, "track-unknown", "轨道")

    def specs(self, path: Path, specs: Sequence[law.FieldSpec], form: _Form) -> None:
        self.once([spec.id for spec in specs], path, "填写项")
        for n, spec in enumerate(specs):
            at = (*path, n)
            if (spec.type in ("choice", "choices")) != bool(spec.choices):
                self.fault((*at, "choices"), "choices", f"“{spec.title}”：选择类的填写项要有选项，其他类型不得有")
            if (spec.type == "rows") != bool(spec.columns):
                self.fault((*at, "columns"), "columns", f"“{spec.title}”：表格类的填写项要有各栏，其他类型不得有")
            self.condition(spec.required_when, (*at, "required_when"), [form], tracks=False)
            self.specs((*at, "columns"), spec.columns, _form(spec.title, spec.columns))

    def condition(self, when: law.When, path: Path, forms: Sequence[_Form], *, tracks: bool = True) -> None:
        for key, words in when.items():
            space, _, name = key.partition(".")
            at = (*path, key)
            if space == "track" and not tracks:
                self.fault(at, "condition", "必填的条件不能看轨道，只能看事项和本次填写的内容")
            elif space == "track":
                self.stages(name, words, at, at)
            else:
                self.words(self.find(forms, name, at) if space == "field" else self.attribute(name, at), words, at)

    def words(self, specs: Iterable[law.FieldSpec], words: Iterable[str], path: Path) -> None:
        for spec in specs:
            if spec.type not in _FREE:
                allowed = {"yes", "no"} if spec.type == "flag" else set(spec.choices)
                self.known(words, {*allowed, "given", "none"}, path, "choice-unknown", f"“{spec.title}”的取值")

    def find(self, forms: Iterable[_Form], name: str, path: Path) -> list[law.FieldSpec]:
        """The field of that name in each form; a form that lacks it is a fault."""
        found = []
        for form in forms:
            if name in form.fields:
                found.append(form.fields[name])
            else:
                self.fault(path, "field-unknown", f"“{form.title}”没有填写项“{name}”")
        self.seen += found
        return found

    def attribute(self, name: str, path: Path) -> list[law.FieldSpec]:
        """The attribute of the matter of that name, as a list of one or none."""
        if name not in self.matter.fields:
            self.fault(path, "matter-unknown", f"事项没有属性“{name}”")
            return []
        self.seen.append(self.matter.fields[name])
        return self.seen[-1:]

    def typed(
        self, forms: Iterable[_Form], name: str, path: Path, types: Iterable[str], what: str
    ) -> list[law.FieldSpec]:
        found = self.find(forms, name, path)
        for spec in found:
            if spec.type not in types:
                self.fault(path, "field-type", f"填写项“{spec.title}”应当是{what}")
        return found

    # gates

    def gate(self, path: Path, gate: law.Gate) -> None:
        self.seen = []
        users = [action for action in self.law.actions if gate.id in action.gates]
        forms = [_form(action.title, action.fields) for action in users]
        if not users:
            self.fault(path, "gate-unused", f"关卡“{gate.id}”没有装在任何动作上")
        self.condition(gate.if_, (*path, "if"), forms)
        self.known([gate.who] if gate.who else [], self.law.duties, (*path, "who"), "duty-unknown", "职责")
        for name in gate.remedy:
            if name not in self.actions and not all(name in form.fields for form in forms):
                self.fault((*path, "remedy"), "remedy-unknown", f"补救“{name}”既不是动作，也不是各动作都有的填写项")
        if gate.expected is not None:
            self.moment(gate.expected, (*path, "expected"), forms)
        self.deviation(path, gate, forms)
        self.strength(path, gate)
        self.parts(path, gate, forms)
        self.personal(path, gate)

    def deviation(self, path: Path, gate: law.Gate, forms: Sequence[_Form]) -> None:
        if gate.strength == "usually":
            if not gate.deviate:
                self.fault(path, "deviate", f"关卡“{gate.id}”是“一般”，须写明在哪一栏说明理由（deviate）")
        elif gate.deviate or gate.approver:
            self.fault((*path, "deviate" if gate.deviate else "approver"), "deviate",
                       f"关卡“{gate.id}”不是“一般”，不能用说明理由绕过")  # fmt: skip
        if gate.deviate:
            self.typed(forms, gate.deviate, (*path, "deviate"), _TEXTUAL, "文字")
        if gate.approver:
            self.find(forms, gate.approver, (*path, "approver"))

    def strength(self, path: Path, gate: law.Gate) -> None:
        cited = [self.law.rules[rule] for rule in gate.rules if rule in self.law.rules]
        hardest = max((_RANK[rule.strength] for rule in cited), default=2)
        if _RANK[gate.strength] > hardest:
            verb = "应当" if gate.strength == "must" else "一般"
            self.fault((*path, "strength"), "strength", f"关卡“{gate.id}”写作“{verb}”，所引规则没有一条这样要求")
        if cited and gate.strength != "may" and not self.law.example and all(r.confirmed == "memory" for r in cited):
            self.fault((*path, "rules"), "unconfirmed", f"关卡“{gate.id}”所引规则都未经核实，只能用于示例程序")

    def personal(self, path: Path, gate: law.Gate) -> None:
        """Values that may be erased one day cannot carry a gate (they stand in entries as commitments)."""
        for title in sorted({spec.title for spec in self.seen if spec.personal}):
            self.fault(path, "personal", f"关卡“{gate.id}”用到个人信息“{title}”，删除后将无法核对")

    def parts(self, path: Path, gate: law.Gate, forms: Sequence[_Form]) -> None:
        """What this kind of check names."""
        match gate:
            case law.Reached():
                self.stages(gate.track, gate.stages, (*path, "track"), (*path, "in"))
            case law.Done() | law.OtherPerson():
                self.known(gate.actions, self.actions, (*path, "actions"), "action-unknown", "动作")
            case law.Filled():
                self.find(forms, gate.field, (*path, "field"))
            case law.Is():
                if not gate.of.field and not gate.of.matter:
                    self.fault((*path, "of"), "ref", "须写明是哪一个填写项或者事项属性")
                self.words(self.named(gate.of, (*path, "of"), forms), gate.values, (*path, "in"))
            case law.Lapsed():
                self.moment(gate.since, (*path, "since"), forms)
                self.moment(gate.until, (*path, "until"), forms)
            case law.NoLater():
                self.moment(gate.since, (*path, "since"), forms)
                self.moment(gate.until, (*path, "until"), forms)
            case law.Within():
                if gate.at_least is None and gate.at_most is None:
                    self.fault(path, "bounds", f"关卡“{gate.id}”没有写上下限")
                for spec in self.named(gate.of, (*path, "of"), forms):
                    if spec.type not in ("number", "money"):
                        self.fault((*path, "of"), "field-type", f"填写项“{spec.title}”应当是整数或者金额")
            case law.NotBefore():
                self.moment(gate.moment, (*path, "moment"), forms)
                self.moment(gate.other, (*path, "other"), forms)
            case law.NotAmong():
                self.find(forms, gate.field, (*path, "field"))
                for n, ref in enumerate(gate.others):
                    if not ref.action or not ref.field:
                        self.fault((*path, "others", n), "ref", "须写明是哪些动作的哪个填写项")
                    self.named(ref, (*path, "others", n), forms)
            case law.NamedTookNone():
                for spec in self.find(forms, gate.field, (*path, "field")):
                    if spec.type != "person":
                        self.fault((*path, "field"), "field-type", f"填写项“{spec.title}”应当是人员")
                self.known(gate.actions, self.actions, (*path, "actions"), "action-unknown", "动作")
            case law.WorkingDay():
                self.moment(gate.moment, (*path, "moment"), forms)
            case law.Followed():
                self.known(gate.actions, self.actions, (*path, "actions"), "action-unknown", "动作")
                self.known(gate.then, self.actions, (*path, "then"), "action-unknown", "动作")
                asked = self.of(law.Ref(action=gate.actions), forms)
                for name, words in gate.where.items():
                    self.words(self.find(asked, name, (*path, "where", name)), words, (*path, "where", name))
            case law.SameText():
                self.known(gate.actions, self.actions, (*path, "actions"), "action-unknown", "动作")
                self.known([gate.confirmed_by], self.actions, (*path, "confirmed_by"), "action-unknown", "动作")
                confirming = self.actions.get(gate.confirmed_by)
                for name in ("from_text", "to_text", "substantive") if confirming else ():
                    self.find(self.of(law.Ref(action=(gate.confirmed_by,)), forms), name, (*path, "confirmed_by"))
            case _:
                self.table(path, gate, forms)

    def table(self, path: Path, gate: law.Gate, forms: Sequence[_Form]) -> None:
        """The checks over rows: the rows, their columns, and the bounds."""
        rows = self.rows(gate.rows, (*path, "rows"), forms)  # type: ignore[union-attr]
        for column, words in getattr(gate, "where", {}).items():
            self.words(self.find(rows, column, (*path, "where", column)), words, (*path, "where", column))
        match gate:
            case law.RowsAre() | law.LastRow():
                self.words(self.find(rows, gate.column, (*path, "column")), gate.values, (*path, "in"))
            case law.RowsLapsed():
                self.typed(rows, gate.column, (*path, "column"), _DAYS, "日期")
                self.moment(gate.until, (*path, "until"), forms)
            case law.RowsInForce():
                for key in ("begins", "ends"):
                    self.typed(rows, getattr(gate, key), (*path, key), _DAYS, "日期")
            case law.RowCount():
                low, high = gate.at_least, gate.at_most
                if (low is None and high is None) or (low is not None and high is not None and low > high):
                    self.fault(path, "bounds", f"关卡“{gate.id}”的数量上下限没有写，或者互相矛盾")
            case law.RowShare():
                if Fraction(gate.at_least) > 1:
                    self.fault((*path, "at_least"), "bounds", "比例不能大于一")
            case law.RowsCover():
                self.find(rows, gate.column, (*path, "column"))
                others = self.rows(gate.others, (*path, "others"), forms)
                self.find(others, gate.other_column or gate.column, (*path, "others"))
            case law.RowSum():
                self.typed(rows, gate.column, (*path, "column"), {"number"}, "整数")
                self.typed(forms, gate.equals, (*path, "equals"), {"number"}, "整数")
            case law.WithMajority():
                self.find(rows, gate.by, (*path, "by"))
                sides = self.find(rows, gate.position, (*path, "position"))
                self.words(sides, gate.agree, (*path, "agree"))
                self.words(sides, gate.against, (*path, "against"))
                self.find(forms, gate.reason, (*path, "reason"))

    # references

    def of(self, ref: law.Ref, forms: Sequence[_Form]) -> list[_Form]:
        """The forms that a reference looks into: those of its actions, or of every action with the gate."""
        if not ref.action:
            return list(forms)
        named = [self.actions[name] for name in ref.action if name in self.actions]
        return [_form(action.title, action.fields) for action in named]

    def named(self, ref: law.Ref, path: Path, forms: Sequence[_Form]) -> list[law.FieldSpec]:
        """What a reference names in each form, after looking whether it exists."""
        if ref.matter:
            if ref.action or ref.field:
                self.fault(path, "ref", "事项属性不能和动作、填写项写在一起")
            return self.attribute(ref.matter, (*path, "matter"))
        self.known(ref.action, self.actions, (*path, "action"), "action-unknown", "动作")
        return self.find(self.of(ref, forms), ref.field, (*path, "field")) if ref.field else []

    def moment(self, ref: law.Ref, path: Path, forms: Sequence[_Form]) -> None:
        specs = self.named(ref, path, forms)
        if ref.matter:
            self.fault(path, "ref", "时间只能取自动作或者填写项，不能取自事项属性")
        for spec in specs:
            if spec.type not in _DAYS:
                self.fault((*path, "field"), "field-type", f"填写项“{spec.title}”应当是日期")

    def rows(self, ref: law.Ref, path: Path, forms: Sequence[_Form]) -> list[_Form]:
        """The columns of the rows that a reference names: of a table, or the acts of an action as rows."""
        specs = self.named(ref, path, forms)
        if ref.matter or not (ref.action or ref.field):
            self.fault(path, "ref", "各行只能取自表格类的填写项，或者某个动作的历次办理")
            return []
        if not ref.field:
            person = law.FieldSpec(id="person", title="办理人", type="person")
            return [_Form(form.title, {"person": person, **form.fields}) for form in self.of(ref, forms)]
        for spec in specs:
            if spec.type != "rows":
                self.fault((*path, "field"), "field-type", f"填写项“{spec.title}”应当是表格")
        return [_form(spec.title, spec.columns) for spec in specs if spec.type == "rows"]

    # clocks, and the procedure as a whole

    def clock(self, path: Path, clock: law.Clock) -> None:
        for key, names in (("starts", clock.starts), ("ends", clock.ends), ("extends", tuple(clock.extends))):
            self.known(names, self.actions, (*path, key), "action-unknown", "动作")
        for n, stop in enumerate(clock.stops):
            for key, names in (("since", stop.since), ("until", stop.until)):
                self.known(names, self.actions, (*path, "stops", n, key), "action-unknown", "动作")
        self.known([clock.duty], self.law.duties, (*path, "duty"), "duty-unknown", "职责")
        if any(not key.startswith("matter.") for key in clock.if_):
            self.fault((*path, "if"), "condition", "时钟的条件只能看事项")
        else:
            self.condition(clock.if_, (*path, "if"), [])
        if (clock.length is None) == (clock.until is None):
            self.fault(path, "clock-length", f"时钟“{clock.title}”须写明期限（length）或者到期日（until），只写一样")
        started = self.of(law.Ref(action=clock.starts), [])
        if clock.until is not None:
            if clock.until.action or clock.until.matter or not clock.until.field:
                self.fault((*path, "until"), "ref", "到期日取自开始计时的动作，只写填写项")
            else:
                self.typed(started, clock.until.field, (*path, "until", "field"), _DAYS, "日期")
        for name, field in clock.extends.items():
            extending = self.of(law.Ref(action=(name,)), [])
            self.typed(extending, field, (*path, "extends", name), {"number"}, "整数")

    def whole(self) -> None:
        self.places(self.law.goal, ("goal",))
        self.places(self.law.ends, ("ends",))
        self.known([self.law.opening], self.actions, ("opening",), "action-unknown", "动作")
        self.known([self.law.starting], self.actions, ("starting",), "action-unknown", "动作")
        opening = self.actions.get(self.law.opening)
        start = {name: next(iter(track.stages), "") for name, track in self.law.tracks.items()}
        if opening and not machine.fits(opening, {opening.track: "", **dict.fromkeys(opening.when, ""), **start}):
            self.fault(("opening",), "opening", f"起始动作“{opening.title}”不能从各轨道的第一个阶段办理")
        used = {paper.kind for action in self.law.actions for paper in action.materials}
        for kind, spec in self.law.materials.items():
            if kind not in used:
                self.fault(("materials", kind), "material-unused", f"没有动作用到材料“{spec.title}”")

    def rules(self) -> None:
        start = self.law.in_force.from_
        if self.law.in_force.to is not None and self.law.in_force.to < start:
            self.fault(("in_force", "to"), "in-force", "程序的适用截止日早于开始日")
        for name, path in law.cited_rules(self.law).items():
            rule = self.law.rules.get(name)
            instrument = self.law.sources.get(rule.source) if rule else None
            if rule is None or instrument is None:
                self.fault(path, "rule-unknown", f"规则 {name} 或者它的法源不在程序里")
            elif instrument.effective and instrument.effective > start:
                self.fault(path, "not-in-force", f"{name} 所据的《{instrument.title}》自{instrument.effective}起施行，"
                                                 f"晚于程序适用的{start}")  # fmt: skip
            elif instrument.expires and instrument.expires < start:
                self.fault(path, "not-in-force", f"{name} 所据的《{instrument.title}》已于{instrument.expires}失效")


def _texts(procedure: law.Procedure) -> Iterator[tuple[Path, str]]:
    yield ("title",), procedure.title
    for name, duty in procedure.duties.items():
        yield ("duties", name, "title"), duty.title
    for name, kind in procedure.materials.items():
        yield ("materials", name, "title"), kind.title
    for name, track in procedure.tracks.items():
        yield ("tracks", name, "title"), track.title
        yield from ((("tracks", name, "stages", stage), title) for stage, title in track.stages.items())
    yield from _field_texts(("matter",), procedure.matter)
    for n, action in enumerate(procedure.actions):
        yield ("actions", n, "title"), action.title
        yield from _field_texts(("actions", n, "fields"), action.fields)
    yield from ((("gates", n, "say"), gate.say) for n, gate in enumerate(procedure.gates))
    for n, clock in enumerate(procedure.clocks):
        yield ("clocks", n, "title"), clock.title
        yield ("clocks", n, "say"), clock.say
        yield from ((("clocks", n, "stops", m, "say"), stop.say) for m, stop in enumerate(clock.stops))


def _field_texts(path: Path, specs: Sequence[law.FieldSpec]) -> Iterator[tuple[Path, str]]:
    for n, spec in enumerate(specs):
        yield (*path, n, "title"), spec.title
        yield from (((*path, n, "choices", choice), title) for choice, title in spec.choices.items())
        yield from _field_texts((*path, n, "columns"), spec.columns)


# ---- where a case can go -------------------------------------------------------------------------


def _walked(procedure: law.Procedure) -> Iterator[Fault]:
    """What walking every joint stage shows."""
    diagram = Diagram()
    walk = Walk(procedure, diagram)
    seen = walk.forward(walk.start)
    for (name, track), reached in zip(procedure.tracks.items(), diagram.levels(seen, len(walk.tracks)), strict=True):
        for n, (stage, title) in enumerate(track.stages.items()):
            if n not in reached:
                say = f"没有办法到达{track.title}的“{title}”阶段：请加一个到这里的动作，或者删去这个阶段"
                yield Fault(("tracks", name, "stages", stage), "stage-never", say)
    for n, action in enumerate(procedure.actions):
        if not diagram.meet(seen, walk.enabled(action)):
            yield Fault(("actions", n), "action-never", f"动作“{action.title}”在任何情况下都不能办理")
    yield from _stranded(procedure, diagram, walk, seen)


def _stranded(procedure: law.Procedure, diagram: Diagram, walk: Walk, seen: int) -> Iterator[Fault]:
    """Cases that are not at an end and cannot come to the goal, or cannot do anything at all."""
    ended = 0
    for track, stages in procedure.ends.items():
        ended = diagram.union(ended, walk.product({track: stages}))
    alive = walk.backward(diagram.meet(seen, walk.product(procedure.goal)), seen)
    lost = diagram.minus(diagram.minus(seen, alive), ended)
    if lost:
        where = Joint(procedure, diagram, lost).say()
        guilty = [n for n, action in enumerate(procedure.actions)
                  if any(diagram.meet(diagram.image(alive, event), lost) for event in walk.events[n])]  # fmt: skip
        for n in guilty:
            title = procedure.actions[n].title
            yield Fault(("actions", n), "no-way-on", f"办理“{title}”之后可能再也到不了终点，例如：{where}")
        if not guilty:
            yield Fault(("goal",), "no-way-on", f"有的情形到不了终点，例如：{where}")
    stuck = diagram.minus(seen, ended)
    for action in procedure.actions:
        stuck = diagram.minus(stuck, walk.enabled(action))
    if stuck:
        yield Fault(("ends",), "stuck", f"没有结束却无事可办，例如：{Joint(procedure, diagram, stuck).say()}")
