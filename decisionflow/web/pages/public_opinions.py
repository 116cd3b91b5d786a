"""What everybody said about a draft, and the point each of it came to: beside the notice, once it is answered."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from decisionflow.errors import NotFound
from decisionflow.service import authorities, evidence
from decisionflow.service.reads import public, public_notice, public_opinions, public_receipt
from decisionflow.web import doors, portal, security
from decisionflow.web.pages.files import disposition

router = APIRouter(include_in_schema=False)


@router.get("/public/c/{no}/opinions")
def opinions(visit: doors.PasserVisit, no: str, point: int = 0, after: int = 0) -> Response:
    with visit.site.store.read() as connection:
        mark = public.mark(connection, no), public_opinions.mark(connection, no)

    def make(anybody: doors.Visit) -> Response:
        with visit.site.store.read() as connection:
            found = public_notice.notice(connection, visit.site.store.blobs, no, visit.now)
            listed = public_opinions.listing(connection, found, point, after)
        crumbs = [
            {"title": "征求意见", "href": "/public/consultations"}, {"title": found.title, "href": f"/public/c/{no}"},
            {"title": "收到的意见", "href": ""},
        ]  # fmt: skip
        return anybody.page("public_opinions", found=found, listed=listed, point=point, crumbs=crumbs)

    return portal.kept(visit, (point, after), mark, make)


@router.post("/public/receipt/slip")
def slip(visit: doors.AnyVisit, form: doors.Posted) -> Response:
    """The sender's own package: the record of the opinion, its words opened, and the proof. Raises NotFound, TooMany."""
    if wait := portal.of(visit).asking.hit(portal.address(visit.request)):
        raise security.TooMany("slips from one address", say="查询的次数太多，请稍后再来", wait=wait)
    number, code = str(form.get("receipt", ""))[:60], str(form.get("code", ""))[:60]
    with visit.site.store.read() as connection:
        answer = public_receipt.answer(connection, visit.site.store.blobs, number, code, visit.now)
        if answer is None:
            raise NotFound("no such receipt", say="回执号或者查询码不对，请核对后重新填写")
        authority = authorities.get(connection, answer.government)
        signer = visit.site.signer(authority.id)
        data = evidence.slip(connection, signer, authority, answer.entry, answer.no, answer.title, visit.now)
    headers = {"content-disposition": disposition(f"{answer.receipt}.zip"), "x-content-type-options": "nosniff",
               "cache-control": "no-store"}  # fmt: skip
    return Response(data, media_type="application/zip", headers=headers)
