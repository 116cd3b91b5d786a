"""Which act of a procedure is meant, told by what it asks for and never by its name: pages of a slice look for it here."""

from __future__ import annotations

from decisionflow.core import procedure as law


def asking(procedure: law.Procedure, *names: str) -> law.Action | None:
    """The first action that has all these fields (``problems``, or ``risks.impact`` for a column); None when there is none."""
    wanted = set(names)
    return next((action for action in procedure.actions if wanted <= _asked(action)), None)


def rows_with(action: law.Action | None, *columns: str) -> law.FieldSpec | None:
    """The rows of an action that have all these columns; None when there are none."""
    specs = action.fields if action else ()
    return next((spec for spec in specs if set(columns) <= {column.id for column in spec.columns}), None)


def _asked(action: law.Action) -> set[str]:
    return {spec.id for spec in action.fields} | {
        f"{spec.id}.{one.id}" for spec in action.fields for one in spec.columns
    }
