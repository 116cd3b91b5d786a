"""P1-P8: what everybody may see and do without signing in: notices, an opinion and its receipt, a case's public life."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import asdict

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.datastructures import FormData, UploadFile

from decisionflow.core import spans
from decisionflow.core.facts import legal_date
from decisionflow.errors import BadInput, NotFound, Problem
from decisionflow.service import authorities, consultations, rehearsals, sealing
from decisionflow.service import site as sites
from decisionflow.service.consultations import Comment
from decisionflow.service.reads import (
    public,
    public_case,
    public_hearing,
    public_list,
    public_notice,
    public_paper,
    public_receipt,
)
from decisionflow.service.receipts import Sent
from decisionflow.trail import selection
from decisionflow.trail import verify as proof
from decisionflow.web import doors, portal, security
from decisionflow.web.brakes import Brake

router = APIRouter(include_in_schema=False)
FIELDS = ("words", "stance", "name", "contact")
TOO_MANY = (
    "从您这里（或者同一个网络）提交的意见太多，这一条还没有提交。您写的内容都在，请过一会儿再按一次，"
    "也可以用公告里写明的信函、电话等方式提出"
)
VERDICTS = {proof.PASSED: "pass", proof.FAILED: "fail", proof.UNDECIDED: "unknown"}


@router.get("/public/consultations")
def consultation_list(
    visit: doors.PasserVisit, tab: str = "open", q: str = "", concerns: str = "", area: str = "", authority: str = "",
    after: str = "",
) -> Response:  # fmt: skip
    asked, place = public_list.wanted(tab, q, concerns, area, authority), after[:80]
    with visit.site.store.read() as connection:
        mark = public_list.mark(connection)

    def make(anybody: doors.Visit) -> Response:
        with visit.site.store.read() as connection:
            found = authorities.everyone(connection)
            shelf = public_list.shelf(connection, found, asked, place, legal_date(visit.now))
            meetings = public_list.meetings(connection, found, legal_date(visit.now))
        return anybody.page("public_list", shelf=shelf, asked=asked, tabs=public_list.TABS, meetings=meetings)

    return portal.kept(visit, (asked, place), mark, make)


@router.get("/public/c/{no}.json")
def machine_readable(visit: doors.PasserVisit, no: str) -> Response:
    """The notice for programs, with the hash of the entry that vouches for it, and of each copy that was kept."""
    return portal.kept(visit, "", _mark(visit, no), lambda _: JSONResponse(_machine_readable(_notice(visit, no))))


def _machine_readable(found: public_notice.Notice) -> dict[str, object]:
    paragraphs = [asdict(one) for one in found.document.paragraphs] if found.document else []
    return {
        "no": found.no, "title": found.title, "unit": found.unit, "authority": found.authority, "state": found.state,
        "gist": found.gist, "concerns": found.concerns, "area": found.area,
        "published_on": found.published_on.isoformat(), "opens_on": found.opens_on.isoformat(),
        "ends_on": found.ends_on.isoformat(), "opinions": found.opinions, "paragraphs": paragraphs,
        "papers": [{"title": one.title, "sha256": one.sha256, "href": one.href} for one in found.papers],
        "channels": [
            {"title": one.title, "address": one.address,
             "copies": [{"sha256": kept.sha256, "taken_on": kept.taken_on.isoformat()} for kept in one.kept]}
            for one in found.channels
        ],
        "entry": found.entry, "sha256": found.sha256,
        "answers": _machine_readable_answers(found.no, found.feedback) if found.feedback else None,
    }  # fmt: skip


def _machine_readable_answers(no: str, told: public_notice.Feedback) -> dict[str, object]:
    """The answers; `opinions` of a point are the numbers that `/public/c/…/opinions` shows, as spans (``1-3,7``)."""
    return {
        "published_on": told.on.isoformat(), "unit": told.unit, "opinions": told.total,
        "channels": [{"title": title, "opinions": count} for title, count in told.channels],
        "points": [
            {"n": one.n, "point": one.point, "count": one.count, "distinct": one.distinct, "disposition": one.disposition,
             "reason": one.reason, "article": one.article, "before": one.old, "after": one.new,
             "opinions": spans.write(one.opinions)}
            for one in told.points
        ],
        "remark": told.remark, "said": [{"title": one.title, "text": one.text} for one in told.said],
        "papers": [{"title": one.title, "sha256": one.sha256, "href": one.href} for one in told.papers],
        "href": f"/public/c/{no}/opinions",
    }  # fmt: skip


@router.get("/public/c/{no}")
def consultation(visit: doors.PasserVisit, no: str) -> Response:
    def make(anybody: doors.Visit) -> Response:
        found = _notice(visit, no)
        return anybody.page("public_notice", found=found, crumbs=_crumbs((found.title, "")))

    return portal.kept(visit, "", _mark(visit, no), make)


def _mark(visit: doors.Visit, no: str) -> tuple[str, int] | None:
    with visit.site.store.read() as connection:
        return public.mark(connection, no)


def _notice(visit: doors.Visit, no: str) -> public_notice.Notice:
    with visit.site.store.read() as connection:
        return public_notice.notice(connection, visit.site.store.blobs, no, visit.now)


# ---- an opinion --------------------------------------------------------------------------------------------


@router.get("/public/c/{no}/comment")
def comment_form(visit: doors.AnyVisit, no: str, paragraph: str = "") -> HTMLResponse:
    found = _notice(visit, no)
    return _form(
        visit, found, dict.fromkeys(FIELDS, "") | {"paragraph": paragraph[:20], "key": secrets.token_urlsafe(24)}
    )


@router.post("/public/c/{no}/comment")
def comment(visit: doors.AnyVisit, no: str, form: doors.Posted) -> HTMLResponse:
    """An opinion: checked on a page of its own first, then received; a second press gives the first receipt."""
    found = _notice(visit, no)
    given = {name: str(form.get(name, "")) for name in (*FIELDS, "paragraph", "key")}
    sent = Comment(given["words"], given["stance"] or "none", given["paragraph"], given["name"], given["contact"])
    step = form.get("step")
    try:
        clean = consultations.checked(sent, found.wanted)
        if step != "send" and not found.takes:  # what is sent is admitted where it is received
            say = "征求意见已经结束或者撤回，不再接收意见，结果见公告页。您写的内容还在下面，可以复制"
            raise consultations.Over([Problem("words", say, rule="D713-25")])
    except BadInput as fault:
        return _form(visit, found, given, fault.problems, fault.status)
    if step == "edit":
        return _form(visit, found, given)
    if step != "send":
        return _check(visit, found, given, clean)
    wait = portal.of(visit).sending.hit(portal.address(visit.request))
    if wait:
        answer = _form(visit, found, given, [Problem("", TOO_MANY, rule="too-many")], 429)
        answer.headers["retry-after"] = str(wait)
        return answer
    return _received(visit, found, clean, given)


def _check(
    visit: doors.Visit, found: public_notice.Notice, given: dict[str, str], clean: Comment
) -> HTMLResponse:  # fmt: skip
    """What will be sent, what of it will be public, and how many say the same already."""
    with visit.site.store.read() as connection:
        authority, _ = public.visible(connection, found.no)
        alike = portal.of(visit).near.count(connection, authority.id, found.id, clean.words)
    return visit.page("public_check", found=found, given=given, comment=clean, alike=alike, stances=consultations.STANCES,
                 crumbs=_crumbs((found.title, f"/public/c/{found.no}"), ("核对意见", "")))  # fmt: skip


def _received(
    visit: doors.Visit, found: public_notice.Notice, sent: Comment, given: dict[str, str]
) -> HTMLResponse:  # fmt: skip
    with visit.site.store.read() as connection:
        authority, _ = public.visible(connection, found.no)
    everybody = rehearsals.system_actor(authority.id, "公众")
    try:
        receipt = visit.site.store.write(
            lambda tx: consultations.receive(tx, authority, found.no, sent, everybody, visit.now, key=given["key"])
        )
    except BadInput as fault:
        return _form(visit, found, given, fault.problems, fault.status)
    except Sent as fault:
        again = {**given, "key": secrets.token_urlsafe(24)}
        return _form(visit, found, again, [Problem("", fault.say, rule=fault.code)], fault.status)
    return visit.page("public_receipt", found=found, receipt=receipt, comment=sent, stances=consultations.STANCES)


def _form(
    visit: doors.Visit, found: public_notice.Notice, given: dict[str, str], problems: Sequence[Problem] = (), status: int = 200
) -> HTMLResponse:  # fmt: skip
    errors = {one.place: one.say for one in problems}
    return visit.page("public_comment", status, found=found, given=given, errors=errors, stances=consultations.STANCES,
                 crumbs=_crumbs((found.title, f"/public/c/{found.no}"), ("提意见", "")))  # fmt: skip


@router.get("/public/receipt")
def receipt_form(visit: doors.AnyVisit) -> HTMLResponse:
    return visit.page("public_lookup", answer=None, wrong="", receipt="")


@router.post("/public/receipt")
def receipt(visit: doors.AnyVisit, form: doors.Posted) -> HTMLResponse:
    """What became of an opinion, for whoever holds number and code; wrong ones look alike."""
    _limit(visit, portal.of(visit).asking)
    number, code = str(form.get("receipt", ""))[:60], str(form.get("code", ""))[:60]
    with visit.site.store.read() as connection:
        answer = public_receipt.answer(connection, visit.site.store.blobs, number, code, visit.now)
        signup = public_hearing.answer(connection, visit.site.store.blobs, number, code, visit.now)
    if signup is not None:
        return visit.page("public_hearing_answer", answer=signup)
    if answer is None:
        return visit.page(
            "public_lookup", 404, answer=None, wrong="回执号或者查询码不对，请核对后重新填写", receipt=number
        )
    return visit.page("public_lookup", answer=answer, wrong="", receipt=answer.receipt, code=code)


@router.get("/public/case/{no}")
def case(visit: doors.PasserVisit, no: str) -> Response:
    """The public life of a case, from the catalogue to the evaluation."""

    def make(anybody: doors.Visit) -> Response:
        with visit.site.store.read() as connection:
            life = public_case.life(connection, visit.site.store.blobs, no, visit.now)
        return anybody.page("public_case", life=life, crumbs=_crumbs((life.title, "")))

    return portal.kept(visit, "", _mark(visit, no), make)


@router.get("/public/verify")
def verify_form(visit: doors.AnyVisit) -> HTMLResponse:
    return _verified(visit)


@router.post("/public/verify")
def verify(visit: doors.AnyVisit, form: doors.Posted) -> HTMLResponse:
    """Whether a file is one that was published, or the verdict on a package; nothing of it is stored."""
    _limit(visit, portal.of(visit).checking)
    data, name = uploaded(form), _name(form)
    if not data:
        return _verified(visit, 422, wrong="请选择一个文件")
    with visit.site.store.read() as connection:
        found = public_paper.published(connection, hashlib.sha256(data).hexdigest())
    if found or not name.lower().endswith(".zip"):
        return _verified(visit, found=found, file=name)
    report = selection.either(data, sites.trust(sites.trust_path(visit.site.settings)))
    return _verified(visit, report=report, kind=VERDICTS[report.verdict])


def _verified(
    visit: doors.Visit, status: int = 200, *, report: proof.Report | None = None, kind: str = "", wrong: str = "",
    found: Sequence[public_paper.Published] = (), file: str = "",
) -> HTMLResponse:  # fmt: skip
    return visit.page(
        "public_verify", status, report=report, kind=kind, wrong=wrong, found=found, file=file, keys=_keys(visit)
    )


def _name(form: FormData) -> str:
    """What the file in a form is called."""
    file = form.get("package")
    return (file.filename or "")[:120] if isinstance(file, UploadFile) else ""


def uploaded(form: FormData) -> bytes:
    """The bytes of the file in a form, or nothing."""
    file = form.get("package")
    return file.file.read() if isinstance(file, UploadFile) else b""


def _keys(visit: doors.Visit) -> list[str]:
    trust = sites.trust(sites.trust_path(visit.site.settings))
    return [one.key.vkey for one in trust.keys] if trust else []


@router.get("/public/checkpoint")
def checkpoint(visit: doors.AnyVisit) -> Response:
    """The newest signed checkpoint, to be kept by whoever wants to hold us to it."""
    with visit.site.store.read() as connection:
        found = [seal for one in authorities.everyone(connection) if (seal := sealing.latest(connection, one.id))]
    if not found:
        raise NotFound("nothing is sealed", say="还没有存证点")
    return Response("\n".join(seal.note for seal in found), media_type="text/plain; charset=utf-8")


def _limit(visit: doors.Visit, brake: Brake) -> None:
    """Raises TooMany."""
    wait = brake.hit(portal.address(visit.request))
    if wait:
        raise security.TooMany("too many from one source", say="从您这里来的请求太多，请过一会儿再试", wait=wait)


def _crumbs(*parts: tuple[str, str]) -> list[dict[str, str]]:
    return [
        {"title": "征求意见", "href": "/public/consultations"},
        *({"title": title, "href": href} for title, href in parts),
    ]
