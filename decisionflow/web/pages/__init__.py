"""One file a screen; `routers` is the list of them all."""

from collections.abc import Sequence

from fastapi import APIRouter

from decisionflow.web.pages import act, case, cases, files, inbox, public, rules, session


def routers(*, demo: bool) -> Sequence[APIRouter]:
    """The routers of every screen; the role switcher only in the demo."""
    found = [
        session.router,
        act.router,
        files.router,
        inbox.router,
        cases.router,
        case.router,
        rules.router,
        public.router,
    ]
    return [*found, session.demo_router] if demo else found
