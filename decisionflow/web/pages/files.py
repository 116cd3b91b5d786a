"""Attachments: hashed again, then handed out as downloads that no browser will run or show in our name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO
from urllib.parse import quote

from fastapi import APIRouter
from fastapi.responses import Response, StreamingResponse

from decisionflow.errors import NotFound
from decisionflow.service import staging, steps
from decisionflow.service.reads import public
from decisionflow.service.staging import File
from decisionflow.web import doors

router = APIRouter(include_in_schema=False)
CHUNK = 64 * 1024
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HEADERS = {
    "content-security-policy": "default-src 'none'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'; sandbox",
    "x-content-type-options": "nosniff",
}


@router.get("/files/{no}/{sha256}")
def file(visit: doors.StaffVisit, no: str, sha256: str) -> Response:
    """A file of a case's dossier, for those who may see the case."""
    with visit.site.store.read() as connection:
        facts = steps.visible(connection, visit.authority, visit.actor, no).facts
    return handed(visit, sha256, {one.sha256: one for one in staging.dossier(facts)})


@router.get("/public/files/{no}/{sha256}")
def public_file(visit: doors.AnyVisit, no: str, sha256: str) -> Response:
    """A paper that the public pages of a case name, for everybody."""
    with visit.site.store.read() as connection:
        _, standing = public.visible(connection, no)
    shown = public.papers(standing.procedure, standing.facts)
    return handed(visit, sha256, {one.sha256: File(one.sha256, one.name, one.size, one.type) for one in shown})


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
