"""The site as one ASGI application: pages, API, static files, and what becomes of an error."""

from __future__ import annotations

import logging
import uuid
from typing import Any, cast
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.staticfiles import StaticFiles

from decisionflow import __version__, paths, render
from decisionflow.errors import BadInput, DecisionflowError
from decisionflow.service.site import Site
from decisionflow.web import doors, portal, security
from decisionflow.web.api import routers as api_routers
from decisionflow.web.pages import routers as page_routers

log = logging.getLogger("decisionflow.web")


def create_app(site: Site) -> FastAPI:
    """The application over an opened installation."""
    app = FastAPI(
        title="decisionflow", version=__version__, docs_url=None, redoc_url=None, openapi_url="/api/v1/openapi.json"
    )
    app.state.site = site
    app.state.portal = portal.Portal()
    app.mount("/static", GZipMiddleware(StaticFiles(directory=paths.STATIC), minimum_size=1000), name="static")
    for router in (*page_routers(demo=site.settings.demo), *api_routers()):
        app.include_router(router)
    app.add_exception_handler(DecisionflowError, _anticipated)
    app.add_exception_handler(doors.NeedSignIn, _sign_in)
    app.add_exception_handler(doors.NeedPost, _choose_post)
    app.add_exception_handler(doors.NeedSettling, _settle)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(Exception, _bug)
    app.add_middleware(security.Guard, limit=(site.settings.upload_mb + 2) * 1024 * 1024, secure=site.settings.secure)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=_hosts(site))
    app.add_api_route("/livez", lambda: PlainTextResponse("ok"), include_in_schema=False)
    return app


def _hosts(site: Site) -> list[str]:
    own = urlsplit(site.settings.public_url).hostname or "localhost"
    return sorted({own, "127.0.0.1", "localhost", "[::1]", "testserver"})


def is_api(request: Request) -> bool:
    """Whether an error must be told as a problem document rather than a page."""
    return request.url.path.startswith("/api/")


def problem(error: DecisionflowError, instance: str) -> dict[str, Any]:
    """RFC 9457: the same words as the page, for programs."""
    found: dict[str, Any] = {
        "type": f"/problems/{error.code}", "title": error.code, "status": error.status, "detail": error.say,
        "instance": instance,
    }  # fmt: skip
    if isinstance(error, doors.NeedScope):
        found["scope"] = error.scope
    if isinstance(error, BadInput):
        found["errors"] = [{"pointer": p.place, "detail": p.say, "code": p.rule} for p in error.problems]
    return found


def _anticipated(request: Request, error: Exception) -> Response:
    error = cast(DecisionflowError, error)
    log.info("refused", extra={"action": "refuse", "code": error.code, "status": error.status, "why": str(error)})
    if is_api(request):
        return JSONResponse(problem(error, request.url.path), error.status, media_type="application/problem+json")
    headers = {"retry-after": str(error.wait)} if isinstance(error, security.TooMany) else None
    return _error_page(error.status, error.say, headers)


def _sign_in(request: Request, error: Exception) -> Response:
    error = cast(doors.NeedSignIn, error)
    if is_api(request):
        body = {"type": "/problems/sign-in", "title": "sign-in", "status": 401, "detail": "请先登录"}
        return JSONResponse(body, 401, media_type="application/problem+json")
    return doors.sign_in_first(error.back)


def _choose_post(request: Request, error: Exception) -> Response:
    if is_api(request):
        body = {
            "type": "/problems/acting-post",
            "title": "acting-post",
            "status": 400,
            "detail": "请先选择以哪个岗位办理",
        }
        return JSONResponse(body, 400, media_type="application/problem+json")
    return RedirectResponse("/post", 303)


def _settle(request: Request, error: Exception) -> Response:
    what = cast(doors.NeedSettling, error).what
    if is_api(request):
        body = {
            "type": "/problems/account",
            "title": "account",
            "status": 403,
            "detail": "请先在网页上更改密码或者登记第二因素",
        }
        return JSONResponse(body, 403, media_type="application/problem+json")
    return RedirectResponse(f"/account/{what}", 303)


def _http(request: Request, error: Exception) -> Response:
    error = cast(HTTPException, error)
    words = {404: "没有这个页面", 405: "这个地址不接受这种请求"}.get(error.status_code, "请求不成立")
    if is_api(request):
        body = {"type": "about:blank", "title": str(error.detail), "status": error.status_code, "detail": words}
        return JSONResponse(body, error.status_code, media_type="application/problem+json", headers=error.headers)
    return _error_page(error.status_code, words, dict(error.headers or {}))


def _malformed(request: Request, error: Exception) -> Response:
    error = cast(RequestValidationError, error)
    rows = [{"pointer": ".".join(map(str, e["loc"])), "detail": e["msg"], "code": e["type"]} for e in error.errors()]
    if is_api(request):
        body = {
            "type": "/problems/validation",
            "title": "validation",
            "status": 422,
            "detail": "请求不合要求",
            "errors": rows,
        }
        return JSONResponse(body, 422, media_type="application/problem+json")
    return _error_page(422, "请求不合要求：" + "、".join(row["pointer"] for row in rows))


def _bug(request: Request, error: Exception) -> Response:
    number = uuid.uuid4().hex[:8]
    log.error(
        "unexpected failure", exc_info=error, extra={"action": "fail", "number": number, "path": request.url.path}
    )
    say = f"出错了（编号 {number}）。没有写入任何内容，请稍后再试；多次出现请把编号告诉系统管理员"
    if is_api(request):
        body = {"type": "/problems/error", "title": "error", "status": 500, "detail": say}
        return JSONResponse(body, 500, media_type="application/problem+json")
    return _error_page(500, say)


def _error_page(status: int, say: str, headers: dict[str, str] | None = None) -> HTMLResponse:
    return HTMLResponse(render.page("error", authority_name="decisionflow", status=status, say=say), status, headers)
