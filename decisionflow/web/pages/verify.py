"""Verification for staff: everything that is stored, or a package."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from decisionflow.service import site as sites
from decisionflow.service import verification
from decisionflow.trail import selection
from decisionflow.web import doors
from decisionflow.web.pages.public import VERDICTS, uploaded

router = APIRouter(include_in_schema=False)


@router.get("/verify")
def verify_form(visit: doors.StaffVisit) -> HTMLResponse:
    return visit.page("verify", report=None, kind="", wrong="")


@router.post("/verify")
def verify(visit: doors.StaffVisit, form: doors.Posted) -> HTMLResponse:
    """The verdict on an uploaded package, or on all that is stored here."""
    doors.token(visit, form)
    trust = sites.trust(sites.trust_path(visit.site.settings))
    if form.get("what") == "all":
        with visit.site.store.read() as connection:
            report = verification.everything(connection, visit.site.store.blobs, visit.authority, trust)
    elif data := uploaded(form):
        report = selection.either(data, trust)
    else:
        return visit.page("verify", 422, report=None, kind="", wrong="请选择一个证据包（.zip 文件）")
    return visit.page("verify", report=report, kind=VERDICTS[report.verdict], wrong="")
