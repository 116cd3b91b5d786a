"""The one file that knows `transitions`: a flat machine a track, fired on a throw-away cursor.

The machine holds no model, no callbacks and no conditions: a shared machine is then safe between
threads, a loaded row is never reset, and nothing in a procedure file can name code (traps T1 to T7).
Gates, `when` and joins are ours and are judged before anything is fired.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from transitions import Machine, MachineError

from decisionflow.core import procedure as law

__all__ = ["MachineError", "move", "offered"]


class _Cursor:
    """Where a track stands, and nothing else."""

    __slots__ = ("state",)

    def __init__(self, state: str) -> None:
        self.state = state


@lru_cache(maxsize=512)
def _machine(procedure: law.Procedure, track: str) -> Machine:
    arcs = [
        [action.id, source, action.dest(source)]
        for action in procedure.actions
        if action.track == track
        for source in action.source
    ]
    states = list(procedure.tracks[track].stages)
    return Machine(model=None, states=states, initial=states[0], auto_transitions=False, transitions=arcs)


def move(
    procedure: law.Procedure, stages: Mapping[str, str], action: law.Action, resets: tuple[str, ...] = ()
) -> dict[str, str]:
    """The stages after `action`, with the tracks of `resets` at their start. MachineError if its track is elsewhere."""
    cursor = _Cursor(stages[action.track])
    _machine(procedure, action.track).events[action.id].trigger(cursor)
    restarted = {track: procedure.tracks[track].initial for track in resets}
    return {**stages, **restarted, action.track: cursor.state}


def offered(procedure: law.Procedure, stages: Mapping[str, str]) -> tuple[law.Action, ...]:
    """The actions whose track and `when` fit the stages, in the order of the file. Gates are not asked."""
    return tuple(action for action in procedure.actions if fits(action, stages))


def fits(action: law.Action, stages: Mapping[str, str]) -> bool:
    """Whether an action's own track and its `when` are where it wants them."""
    return stages[action.track] in action.source and all(
        stages[track] in wanted for track, wanted in action.when.items()
    )
