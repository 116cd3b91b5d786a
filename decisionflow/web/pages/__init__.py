"""One file a screen; `routers` is the list of them all."""

from collections.abc import Sequence

from fastapi import APIRouter

from decisionflow.web.pages import (
    act,
    case,
    cases,
    catalogue,
    files,
    inbox,
    opinions,
    proposals,
    public,
    rules,
    session,
    trace,
    verify,
)


def routers(*, demo: bool) -> Sequence[APIRouter]:
    """The routers of every screen; the role switcher only in the demo."""
    screens = (session, act, files, inbox, cases, case, opinions, catalogue, rules, proposals, public, trace, verify)
    found = [screen.router for screen in screens]
    return [*found, session.demo_router] if demo else found
