"""Attachments: hashed again, then handed out as downloads that no browser will run or show in our name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO
from urllib.parse import quote

from fastapi import APIRouter
from fastapi.responses import Response, StreamingResponse

from decisionflow.core import procedure as law
from decisionflow.core.facts import Facts
from decisionflow.errors import NotFound
from decisionflow.service import staging, steps
from decisionflow.service.reads import form as reads
from decisionflow.service.staging import File
from decisionflow.web import doors

router = APIRouter(include_in_schema=False)
CHUNK = 64 * 1024
HEADERS = {
    "content-security-policy": "default-src 'none'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'; sandbox",
    "x-content-type-options": "nosniff",
}


@router.get("/files/{no}/{sha256}")
def file(visit: doors.StaffVisit, no: str, sha256: str) -> Response:
    """A file of a case's dossier, for those who may see the case."""
    with visit.site.store.read() as connection:
        facts = reads.visible(connection, visit.authority, visit.actor, no).facts
    return handed(visit, sha256, {one.sha256: one for one in staging.dossier(facts)})


@router.get("/public/files/{no}/{sha256}")
def public_file(visit: doors.AnyVisit, no: str, sha256: str) -> Response:
    """A paper of a kind that is public, from a public act of a public case, for everybody."""
    if visit.authority is None:
        raise NotFound("no authority named", say="没有这个文件")
    with visit.site.store.read() as connection:
        standing = steps.load(connection, visit.authority, no)
    return handed(visit, sha256, _public(standing.procedure, standing.facts))


def _public(procedure: law.Procedure, facts: Facts) -> dict[str, File]:
    if facts.matter.get("public") is False:
        return {}
    acts = {action.id for action in procedure.actions if action.public}
    kinds = {kind for kind, material in procedure.materials.items() if material.public}
    return {
        paper.sha256: File(paper.sha256, paper.name, paper.size, paper.type)
        for act in facts.acts
        if act.action in acts
        for paper in act.papers
        if paper.kind in kinds
    }


def handed(visit: doors.Visit, sha256: str, known: dict[str, File]) -> Response:
    """A file that the caller has found this visitor may have. Raises NotFound."""
    found = known.get(sha256)
    if found is None:
        raise NotFound(f"no file {sha256[:80]!r} here", say="没有这个文件")
    opened = visit.site.store.blobs.open(found.sha256)
    headers = {**HEADERS, "content-disposition": disposition(found.name), "content-length": str(found.size)}
    return StreamingResponse(_chunks(opened), media_type=found.type, headers=headers)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(CHUNK):
            yield chunk


def disposition(name: str) -> str:
    """RFC 6266: the name in ASCII for old readers, and in full."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name) or "file"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
