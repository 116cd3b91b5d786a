"""One file a resource; `routers` is the list of them all."""

from collections.abc import Sequence

from fastapi import APIRouter

from decisionflow.web.api import cases, log, reference


def routers() -> Sequence[APIRouter]:
    """The routers of every resource."""
    return [cases.router, log.router, reference.router]
