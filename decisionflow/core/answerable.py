"""How a chain of responsibility is divided: lanes of acts, and the three sorts of persons of article 38.

Both are data (``workflows/answerable.yaml``) and only ways to look at acts. Nothing here says that anybody answers for
anything: that is found by whoever has the power to find it.
"""

from __future__ import annotations

from collections.abc import Iterator

from decisionflow.core import procedure as law
from decisionflow.core import source as files
from decisionflow.errors import BadInput


class Lane(files.Frozen):
    """A lane: the acts that it holds, by name, by what they are to a meeting, by line or procedure; `rest` has all others."""

    id: law.Id
    title: str
    actions: law.Words = ()
    meetings: law.Words = ()
    tracks: law.Words = ()
    procedures: law.Words = ()
    rest: bool = False

    def holds(self, procedure: law.Procedure, action: law.Action) -> bool:
        """Whether an act stands in this lane, unless an earlier one of the file has it."""
        return procedure.id in self.procedures or (
            self.rest or action.id in self.actions or action.meeting in self.meetings or action.track in self.tracks
        )  # fmt: skip


class Category(files.Frozen):
    """A sort of persons by the duty through which they acted."""

    id: law.Id
    title: str
    duties: law.Words


class Answerable(files.Frozen):
    """The file."""

    format: str
    procedure: str
    lanes: tuple[Lane, ...]
    order: law.Words
    categories: tuple[Category, ...]

    def lane(self, procedure: law.Procedure, action: law.Action | None) -> str:
        """The lane of an act."""
        for lane in self.lanes:
            if lane.rest or (action is not None and lane.holds(procedure, action)):
                return lane.id
        return self.order[0]

    def category(self, duty: str) -> str:
        """The sort of whoever acted through a duty; '' when the file does not say."""
        return next((one.id for one in self.categories if duty in one.duties), "")


def read(source: files.Source, procedure: law.Procedure) -> Answerable:
    """The file, checked against the procedure that it was written for. Raises BadInput."""
    found = files.parse(Answerable, source)
    problems = [source.problem(("lanes",), say) for say in _faults(found, procedure)]
    if problems:
        raise BadInput(problems)
    return found


def _faults(found: Answerable, procedure: law.Procedure) -> Iterator[str]:
    names = [lane.id for lane in found.lanes]
    if sorted(names) != sorted(found.order):
        yield "order 应当恰好列出每条泳道一次"
    if [lane.rest for lane in found.lanes] != [False] * (len(found.lanes) - 1) + [True]:
        yield "最后一条泳道、也只有它写 rest: yes"
    actions = {action.id for action in procedure.actions}
    meetings = {action.meeting for action in procedure.actions}
    for lane in found.lanes:
        known = ((lane.actions, actions), (lane.meetings, meetings), (lane.tracks, set(procedure.tracks)))
        for words, allowed in known:
            yield from (f"{lane.id}：程序里没有 {word}" for word in words if word not in allowed)
    duties = [duty for one in found.categories for duty in one.duties]
    yield from (f"职责 {duty} 写了两次" for duty in sorted(set(duties)) if duties.count(duty) > 1)
    yield from (f"程序里没有职责 {duty}" for duty in duties if duty not in procedure.duties)
