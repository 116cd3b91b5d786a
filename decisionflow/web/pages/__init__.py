"""One file a screen; `routers` is the list of them all."""

from collections.abc import Sequence

from fastapi import APIRouter

from decisionflow.web.pages import (
    act,
    brief,
    case,
    cases,
    catalogue,
    departments,
    dossier,
    execution,
    files,
    hearing,
    inbox,
    meetings,
    opinions,
    packet,
    planning,
    points,
    proposals,
    public,
    public_catalogue,
    public_feed,
    public_hearing,
    public_opinions,
    public_subscribe,
    register,
    reviews,
    risk,
    rules,
    session,
    statements,
    trace,
    verify,
    violations,
)


def routers(*, demo: bool) -> Sequence[APIRouter]:
    """The routers of every screen; the role switcher only in the demo."""
    screens = (
        session,
        act,
        files,
        inbox,
        cases,
        case,
        opinions,
        points,
        hearing,
        risk,
        departments,
        execution,
        dossier,
        reviews,
        packet,
        brief,
        meetings,
        planning,
        statements,
        catalogue,
        rules,
        proposals,
        register,
        public_opinions,
        public,
        public_catalogue,
        public_feed,
        public_subscribe,
        public_hearing,
        trace,
        violations,
        verify,
    )
    found = [screen.router for screen in screens]
    return [*found, session.demo_router] if demo else found
