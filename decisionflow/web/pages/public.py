"""P1-P8: what everybody may see and do without signing in: notices, an opinion and its receipt, a case's public life."""

from __future__ import annotations

import secrets
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, JSONResponse, Response
from limits import RateLimitItemPerHour
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.datastructures import FormData, UploadFile

from decisionflow.core.facts import legal_date
from decisionflow.errors import BadInput, NotFound, Problem
from decisionflow.service import authorities, consultations, rehearsals, sealing
from decisionflow.service import site as sites
from decisionflow.service.consultations import Comment
from decisionflow.service.reads import public, public_list, public_notice, public_receipt
from decisionflow.trail import verify as proof
from decisionflow.web import doors, security

router = APIRouter(include_in_schema=False)
_LIMITER = MovingWindowRateLimiter(MemoryStorage())  # addresses live in memory for an hour, and nowhere else
_SENDING, _ASKING, _CHECKING = RateLimitItemPerHour(60), RateLimitItemPerHour(120), RateLimitItemPerHour(60)
VERDICTS = {proof.PASSED: "pass", proof.FAILED: "fail", proof.UNDECIDED: "unknown"}


@router.get("/public/consultations")
def consultation_list(
    visit: doors.AnyVisit, tab: str = "open", q: str = "", after: str = ""
) -> HTMLResponse:  # fmt: skip
    chosen = tab if tab in public_list.TABS else "open"
    with visit.site.store.read() as connection:
        found = authorities.everyone(connection)
        shelf = public_list.shelf(connection, found, chosen, q[:60], after[:80], legal_date(visit.now))
    return visit.page("public_list", shelf=shelf, tab=chosen, tabs=public_list.TABS, q=q[:60])


@router.get("/public/c/{no}.json")
def machine_readable(visit: doors.AnyVisit, no: str) -> Response:
    """The notice for programs, with the hash of the entry that vouches for it."""
    found = _notice(visit, no)
    paragraphs = [asdict(one) for one in found.document.paragraphs] if found.document else []
    body = {
        "no": found.no, "title": found.title, "unit": found.unit, "authority": found.authority, "state": found.state,
        "published_on": found.published_on.isoformat(), "opens_on": found.opens_on.isoformat(),
        "ends_on": found.ends_on.isoformat(), "opinions": found.opinions, "paragraphs": paragraphs,
        "papers": [{"title": one.title, "sha256": one.sha256, "href": one.href} for one in found.papers],
        "entry": found.entry, "sha256": found.sha256,
    }  # fmt: skip
    return JSONResponse(body, headers={"cache-control": "public, max-age=60"})


@router.get("/public/c/{no}")
def consultation(visit: doors.AnyVisit, no: str) -> HTMLResponse:
    found = _notice(visit, no)
    return visit.page("public_notice", found=found, crumbs=_crumbs((found.title, "")))


def _notice(visit: doors.Visit, no: str) -> public_notice.Notice:
    with visit.site.store.read() as connection:
        return public_notice.notice(connection, visit.site.store.blobs, no, visit.now)


@router.get("/public/c/{no}/comment")
def comment_form(visit: doors.AnyVisit, no: str, paragraph: str = "") -> HTMLResponse:
    found = _notice(visit, no)
    given = {
        "words": "",
        "stance": "",
        "name": "",
        "contact": "",
        "paragraph": paragraph[:20],
        "key": secrets.token_urlsafe(24),
    }
    return _form(visit, found, given, ())


@router.post("/public/c/{no}/comment")
def comment(visit: doors.AnyVisit, no: str, form: doors.Posted) -> HTMLResponse:
    """An opinion: checked on a page of its own first, then received; a second press gives the first receipt."""
    found = _notice(visit, no)
    given = {name: str(form.get(name, "")) for name in ("words", "stance", "name", "contact", "paragraph", "key")}
    sent = Comment(given["words"], given["stance"] or "none", given["paragraph"], given["name"], given["contact"])
    try:
        clean = consultations.checked(sent)
        if not found.takes:
            raise consultations.Over(
                [Problem("words", "征求意见已经结束或者撤回，不再接收意见，结果见公告页", rule="D713-25")]
            )
    except BadInput as fault:
        return _form(visit, found, given, fault.problems, 422)
    if form.get("step") == "edit":
        return _form(visit, found, given, ())
    if form.get("step") != "send":
        return visit.page("public_check", found=found, given=given, comment=clean, stances=consultations.STANCES)
    _limit(visit, _SENDING, "comment")
    return _received(visit, found, clean, given)


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
        return _form(visit, found, given, fault.problems, 422)
    return visit.page("public_receipt", found=found, receipt=receipt, comment=sent, stances=consultations.STANCES)


def _form(
    visit: doors.Visit, found: public_notice.Notice, given: dict[str, str], problems: Any, status: int = 200
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
    _limit(visit, _ASKING, "receipt")
    number, code = str(form.get("receipt", ""))[:60], str(form.get("code", ""))[:60]
    with visit.site.store.read() as connection:
        answer = public_receipt.answer(connection, visit.site.store.blobs, number, code, visit.now)
    if answer is None:
        return visit.page(
            "public_lookup", 404, answer=None, wrong="回执号或者查询码不对，请核对后重新填写", receipt=number
        )
    return visit.page("public_lookup", answer=answer, wrong="", receipt=answer.receipt)


@router.get("/public/case/{no}")
def case(visit: doors.AnyVisit, no: str) -> HTMLResponse:
    """The public life of a case: its public acts and papers, and how far each public line is."""
    with visit.site.store.read() as connection:
        authority, standing = public.visible(connection, no)
        procedure, facts = standing.procedure, standing.facts
        acts = list(public.public_acts(procedure, facts))
        told = public.teller(connection, visit.site.store.blobs, authority, [act for _, act in acts])
        hashes = public.hashes(connection, authority, [act.entry for _, act in acts])
        papers = public.papers(procedure, facts)
        stories = [public.story(told, act, action, papers, hashes) for action, act in acts]
        consulted = consultations.of_case(connection, authority.id, facts.case) is not None
    main = next(iter(procedure.goal))
    lines = [(track.title, _far(track, facts.stages[name])) for name, track in procedure.tracks.items() if track.public]
    return visit.page("public_case", facts=facts, stage=procedure.tracks[main].stages[facts.stages[main]], stories=stories,
                 lines=lines, consulted=consulted, crumbs=_crumbs((facts.title, "")))  # fmt: skip


def _far(track: Any, stage: str) -> str:
    if stage in track.waived:
        return "不需要"
    if stage in track.done:
        return "已完成"
    return "未开始" if stage == track.initial else "正在进行"


@router.get("/public/verify")
def verify_form(visit: doors.AnyVisit) -> HTMLResponse:
    return visit.page("public_verify", report=None, kind="", wrong="", keys=_keys(visit))


@router.post("/public/verify")
def verify(visit: doors.AnyVisit, form: doors.Posted) -> HTMLResponse:
    """The verdict on an uploaded package; nothing of it is stored."""
    _limit(visit, _CHECKING, "verify")
    data = uploaded(form)
    if not data:
        return visit.page(
            "public_verify", 422, report=None, kind="", wrong="请选择一个证据包（.zip 文件）", keys=_keys(visit)
        )
    report = proof.verify(data, sites.trust(sites.trust_path(visit.site.settings)))
    return visit.page("public_verify", report=report, kind=VERDICTS[report.verdict], wrong="", keys=_keys(visit))


def uploaded(form: FormData) -> bytes:
    """The bytes of the package in a form, or nothing."""
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


def _limit(visit: doors.Visit, limit: RateLimitItemPerHour, use: str) -> None:
    address = visit.request.client.host if visit.request.client else "?"
    if not _LIMITER.hit(limit, use, address):
        raise security.TooMany(
            f"{use} from one address", say="一小时内的次数太多，请稍后再来；也可以用信函、电话提出意见"
        )


def _crumbs(*parts: tuple[str, str]) -> list[dict[str, str]]:
    return [
        {"title": "征求意见", "href": "/public/consultations"},
        *({"title": title, "href": href} for title, href in parts),
    ]
