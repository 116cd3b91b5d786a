"""/api/v1/log: the signed log, for whoever wants to hold us to it. Leaves name no case, so all of it is public."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from decisionflow.errors import BadInput, NotFound, Problem
from decisionflow.service import sealing
from decisionflow.trail import merkle
from decisionflow.web import doors

router = APIRouter(prefix="/api/v1/log", tags=["log"])


def _seal(visit: doors.Visit) -> tuple[str, sealing.Seal]:
    if visit.authority is None:
        raise NotFound("no authority named", say="没有这个日志")
    with visit.site.store.read() as connection:
        seal = sealing.latest(connection, visit.authority.id)
    if seal is None:
        raise NotFound("nothing is sealed", say="还没有检查点")
    return visit.authority.id, seal


@router.get("/checkpoint")
def checkpoint(visit: doors.AnyVisit) -> Response:
    """The newest signed checkpoint."""
    return Response(_seal(visit)[1].note, media_type="text/plain; charset=utf-8")


@router.get("/proof/{position}")
def proof(visit: doors.AnyVisit, position: int) -> JSONResponse:
    """The leaf hash at a place (counted from 0) and the hashes that lead from it to the newest root."""
    authority, seal = _seal(visit)
    if not 0 <= position < seal.size:
        raise BadInput([Problem("position", f"应当在 0 到 {seal.size - 1} 之间", rule="range")])
    with visit.site.store.read() as connection:
        read = sealing.reader(connection, authority)
        path = merkle.prove_inclusion(position, seal.size, read)
        body = {"position": position, "leaf_hash": read(0, position).hex(), "tree_size": seal.size, "root": seal.root,
                "inclusion": [one.hex() for one in path]}  # fmt: skip
    return JSONResponse(body)


@router.get("/consistency")
def consistency(visit: doors.AnyVisit, old: int, new: int = 0) -> JSONResponse:
    """The hashes that show that a later tree begins with an earlier one."""
    authority, seal = _seal(visit)
    size = new or seal.size
    if not 0 < old <= size <= seal.size:
        raise BadInput([Problem("old", f"应当满足 1 ≤ old ≤ new ≤ {seal.size}", rule="range")])
    with visit.site.store.read() as connection:
        path = merkle.prove_consistency(old, size, sealing.reader(connection, authority))
    return JSONResponse({"old": old, "new": size, "consistency": [one.hex() for one in path]})
