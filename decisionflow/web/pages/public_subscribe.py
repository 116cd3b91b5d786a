"""Subscribing to notices by mail: asked on a page, confirmed by a link in a mail, ended by a link in each letter."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from starlette.datastructures import FormData

from decisionflow.errors import BadInput, Unavailable
from decisionflow.service import authorities, subscriptions
from decisionflow.service.authorities import Authority
from decisionflow.service.reads import public, public_list
from decisionflow.service.subscriptions import Topic
from decisionflow.web import doors, portal

router = APIRouter(include_in_schema=False)
NAMES = ("q", "concerns", "area", "authority", "no")
SENT = "如果邮箱地址没有写错，确认邮件很快就到（夜间 22 时到次日 7 时不发信）。请在两天内打开邮件里的链接，确认订阅："
TOO_MANY = "从您这里来的订阅请求太多，请过一会儿再试；也可以使用订阅源（Atom），不需要邮箱"


@router.get("/public/subscribe")
def form(
    visit: doors.AnyVisit, q: str = "", concerns: str = "", area: str = "", authority: str = "", no: str = ""
) -> HTMLResponse:  # fmt: skip
    given = {"q": q, "concerns": concerns, "area": area, "authority": authority, "no": no[:40], "address": ""}
    return _form(visit, given)


@router.post("/public/subscribe")
def ask(visit: doors.AnyVisit, form: doors.Posted) -> HTMLResponse:
    """Keep the request and send the link. The answer is the same whatever is known of the address."""
    given = {name: str(form.get(name, ""))[:300] for name in (*NAMES, "address")}
    if not visit.site.settings.mail.host:
        raise Unavailable("no mail server", say="本站没有配置邮件，请使用订阅源（Atom）")
    if wait := portal.of(visit).subscribing.hit(portal.address(visit.request)):
        answer = _form(visit, given, TOO_MANY, 429)
        answer.headers["retry-after"] = str(wait)
        return answer
    authority, wanted = _home(visit, given), _topic(visit, given)
    try:
        visit.site.store.write(lambda tx: subscriptions.ask(tx, authority, given["address"], wanted, visit.now))
    except BadInput as fault:
        return _form(visit, given, fault.problems[0].say, fault.status)
    return visit.page("public_subscribe", said=SENT + subscriptions.said(wanted), title="请到邮箱里确认", done=True)


@router.get("/public/subscription/{name}/{token}")
def confirming(visit: doors.AnyVisit, name: str, token: str) -> HTMLResponse:
    """A page with a button: programs that open every link of a mail do not subscribe anybody."""
    with visit.site.store.read() as connection:
        found = subscriptions.reader(connection, name, token, "confirm", visit.now)
    said = f"订阅的内容：{subscriptions.said(found.topic)}。有新消息时，每天早上合并成一封信；没有就不发。"
    button = "" if found.active else "确认订阅"
    return visit.page("public_subscribe", said=said, title="已经订阅" if found.active else "确认订阅", done=False,
                 action=visit.request.url.path, button=button)  # fmt: skip


@router.post("/public/subscription/{name}/{token}")
def confirm(visit: doors.AnyVisit, form: doors.Posted, name: str, token: str) -> HTMLResponse:
    visit.site.store.write(lambda tx: subscriptions.confirm(tx, name, token, visit.now))
    said = "有新消息时，每天早上合并成一封信；每封信里都有退订的链接，退订时一并删除您的邮箱地址。"
    return visit.page("public_subscribe", said=said, title="订阅好了", done=True)


@router.get("/public/subscription/{name}/{token}/leave")
def leaving(visit: doors.AnyVisit, name: str, token: str) -> HTMLResponse:
    said = "退订以后不再发信，您的邮箱地址从系统里删除。"
    return visit.page("public_subscribe", said=said, title="退订", done=False, action=visit.request.url.path,
                 button="退订并删除地址")  # fmt: skip


@router.post("/public/subscription/{name}/{token}/leave")
def leave(visit: doors.AnyVisit, form: doors.Posted, name: str, token: str) -> HTMLResponse:
    """From the page, or from a mail program by itself (RFC 8058)."""
    visit.site.store.write(lambda tx: subscriptions.leave(tx, name, token))
    return visit.page("public_subscribe", said="不再发信，邮箱地址已经删除。", title="已经退订", done=True)


def _form(visit: doors.Visit, given: dict[str, str], wrong: str = "", status: int = 200) -> HTMLResponse:
    wanted = _topic(visit, given)
    feed = f"/public/feed.atom?no={wanted.no}" if wanted.no else wanted.asked.href("/public/feed.atom", tab="")
    with visit.site.store.read() as connection:
        found = authorities.everyone(connection)
        titles = public_list.concern_titles(connection, found)
    mail = bool(visit.site.settings.mail.host)
    return visit.page("public_subscribe", status, given=given, wrong=wrong, wanted=wanted, titles=titles, feed=feed,
                 site=visit.site.settings.public_url, governments=found, mail=mail, title="订阅公告和采纳情况",
                 done=False)  # fmt: skip


def _topic(visit: doors.Visit, given: FormData | dict[str, str]) -> Topic:
    """What is to be subscribed to; a case must be a public one. Raises NotFound."""
    if no := str(given["no"]):
        with visit.site.store.read() as connection:
            public.visible(connection, no)
        return Topic(no=no)
    q, concerns, area, authority = (str(given[name]) for name in ("q", "concerns", "area", "authority"))
    return Topic(public_list.wanted("open", q, concerns, area, authority))


def _home(visit: doors.Visit, given: dict[str, str]) -> Authority:
    """The government whose news it is: that of the case, the chosen one, or the first."""
    with visit.site.store.read() as connection:
        if given["no"]:
            return public.visible(connection, given["no"])[0]
        found = authorities.everyone(connection)
    return next((one for one in found if one.id == given["authority"]), found[0])
