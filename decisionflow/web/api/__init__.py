"""One file a resource; `routers` is the list of them all."""

from collections.abc import Sequence

from fastapi import APIRouter


def routers() -> Sequence[APIRouter]:
    """The routers of every resource."""
    return []
