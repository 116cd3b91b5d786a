"""One file a screen; `routers` is the list of them all."""

from collections.abc import Sequence

from fastapi import APIRouter

from decisionflow.web.pages import (
    act,
    case,
    cases,
    catalogue,
    expert_link,
    experts,
    files,
    hearing,
    inbox,
    opinions,
    planning,
    points,
    pool,
    proposals,
    public,
    public_catalogue,
    public_feed,
    public_hearing,
    public_opinions,
    public_subscribe,
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
        experts,
        pool,
        expert_link,
        planning,
        statements,
        catalogue,
        rules,
        proposals,
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
