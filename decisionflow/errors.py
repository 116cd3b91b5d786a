"""The base of every error we anticipate: a stable code, an HTTP status and a CLI exit code.

Concrete classes stand beside the functions that raise them. Messages for people are Chinese
(`say`), the log line is English (`str(error)`).
"""

from __future__ import annotations

from dataclasses import dataclass

EXIT_OK = 0
EXIT_FAILURE = 1
EXIT_USAGE = 2
EXIT_NOT_FOUND = 3
EXIT_NOT_VERIFIED = 4
EXIT_FINDINGS = 5
EXIT_CANNOT_DECIDE = 6
EXIT_REFUSED = 7
EXIT_UNAVAILABLE = 8
EXIT_INTERRUPTED = 130


class DecisionflowError(Exception):
    """Something anticipated went wrong; the door turns it into a page, a problem or an exit code."""

    code = "error"
    status = 500
    exit = EXIT_FAILURE

    def __init__(self, message: str, *, say: str = "") -> None:
        super().__init__(message)
        self.say = say or message


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault in something given to us: where, which rule of form, and what to do about it.

    `place` is a path inside the file or form (``actions[3].gates[0].since``), `line` is 1-based
    or 0 when there is none.
    """

    place: str
    say: str
    file: str = ""
    line: int = 0
    rule: str = ""

    def __str__(self) -> str:
        where = ":".join(part for part in (self.file, str(self.line) if self.line else "") if part)
        head = f"{where} {self.place}".strip()
        return f"{head}: {self.say}" + (f" [{self.rule}]" if self.rule else "")


class BadInput(DecisionflowError):
    """What was given is malformed. Holds every problem found, never only the first."""

    code = "validation"
    status = 422
    exit = EXIT_USAGE

    def __init__(self, problems: list[Problem] | tuple[Problem, ...]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


class NotFound(DecisionflowError):
    """No such thing, or none that this person may know of."""

    code = "not-found"
    status = 404
    exit = EXIT_NOT_FOUND


class Forbidden(DecisionflowError):
    """The acting post does not carry the duty that this act needs."""

    code = "acting-post"
    status = 403
    exit = EXIT_REFUSED


class Conflict(DecisionflowError):
    """Somebody wrote in between; look again and decide again."""

    code = "stale"
    status = 412
    exit = EXIT_REFUSED


class Settled(DecisionflowError):
    """It was done or decided before, and deciding again would not change that (unlike `Conflict`)."""

    code = "settled"
    status = 409
    exit = EXIT_REFUSED


class Unavailable(DecisionflowError):
    """Configuration, a service or a folder we depend on is not there."""

    code = "unavailable"
    status = 503
    exit = EXIT_UNAVAILABLE
