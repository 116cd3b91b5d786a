"""What the site lets a duty do beside the acts of procedures, and what a token may ask for: data (``workflows/rights.yaml``).

A right is given to named duties, or to everybody but those who keep the system; whoever is not named does not have it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Literal

from pydantic import Field

from decisionflow.core import procedure as law
from decisionflow.core import source as files
from decisionflow.errors import BadInput


class Right(files.Frozen):
    """One right: the duties that carry it, or all but those of the keepers."""

    id: law.Id
    title: str
    duties: law.Words = ()
    but: Literal["", "keepers"] = Field(default="", alias="except")
    why: str = ""


class Scope(files.Frozen):
    """What a token may be made for."""

    id: str
    title: str


class Rights(files.Frozen):
    """The file."""

    format: Literal["1"]
    keepers: law.Words
    titles: Mapping[str, str]
    rights: tuple[Right, ...]
    scopes: tuple[Scope, ...]

    def right(self, name: str) -> Right:
        """A right by its id. Raises KeyError: that is a fault of the program, not of a user."""
        return {one.id: one for one in self.rights}[name]

    def gives(self, name: str, duties: Collection[str]) -> bool:
        """Whether somebody with these duties has a right; without any duty nobody has one."""
        right = self.right(name)
        return bool(set(duties) - set(self.keepers) if right.but else set(duties) & set(right.duties))

    def known(self) -> set[str]:
        """Every duty that a right names."""
        return {*self.titles, *(duty for right in self.rights for duty in right.duties)}

    def mixed(self, duties: Collection[str]) -> bool:
        """Whether one person would keep the system in two ways, or keep it and act in matters too (三员分立)."""
        kept = set(duties) & set(self.keepers)
        return len(kept) > 1 or bool(kept and set(duties) - kept)


def read(source: files.Source, known: Collection[str]) -> Rights:
    """The file, checked against the duties of a procedure. Raises BadInput."""
    found = files.parse(Rights, source)
    problems = [source.problem(("rights",), say) for say in _faults(found, {*known, *found.titles})]
    if problems:
        raise BadInput(problems)
    return found


def _faults(found: Rights, known: set[str]) -> Iterator[str]:
    names = [*(one.id for one in found.rights), *(one.id for one in found.scopes)]
    yield from (f"{name} 写了两次" for name in dict.fromkeys(names) if names.count(name) > 1)
    yield from (f"没有职责 {one}" for right in found.rights for one in right.duties if one not in known)
    yield from (f"三员 {one} 没有名称" for one in found.keepers if one not in found.titles)
    for right in found.rights:
        if bool(right.duties) == bool(right.but):
            yield f"{right.id} 要么列出职责，要么写 except: keepers"
        if found.mixed(right.duties) and set(right.duties) - set(found.keepers):
            yield f"{right.id} 不能同时给三员和办理事项的人"
