"""What every response carries and every request must pass, before any page is asked.

Headers without unsafe-*; a body limit; a host allow-list; cross-site writes refused by Origin (or
Sec-Fetch-Site) and, for signed-in people, by the session's token in the form.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from decisionflow.errors import DecisionflowError
from decisionflow.store.blobs import TooLarge

CSP = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
FORM = 3 * 1024 * 1024  # a form of the public: words only, so ten times the longest opinion is ample
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class CrossSite(DecisionflowError):
    """A write that does not come from one of our own pages."""

    code = "cross-site"
    status = 403
    exit = 7


class TooMany(DecisionflowError):
    """Too many requests of one kind from one address; `wait` is in how many seconds to come again."""

    code = "too-many"
    status = 429
    exit = 7

    def __init__(self, message: str, *, say: str, wait: int = 60) -> None:
        super().__init__(message, say=say)
        self.wait = wait


def check_origin(method: str, headers: Mapping[str, str], host: str) -> None:
    """Refuse a write that a browser says comes from elsewhere. Raises CrossSite."""
    if method in SAFE:
        return
    site, origin = headers.get("sec-fetch-site", ""), headers.get("origin", "")
    if site and site not in ("same-origin", "none"):
        raise CrossSite(f"sec-fetch-site {site}", say="请求来自其他网站，已拒绝；请从本系统页面办理")
    if origin and urlsplit(origin).netloc != host:
        raise CrossSite(f"origin {origin}", say="请求来自其他网站，已拒绝；请从本系统页面办理")


def check_token(expected: str, given: object) -> None:
    """Refuse a form without the session's token. Raises CrossSite."""
    if not isinstance(given, str) or not secrets.compare_digest(expected, given):
        raise CrossSite("csrf token missing or wrong", say="页面已过期，请刷新后重新办理（您填写的内容请先保留）")


class Guard:
    """ASGI middleware: headers on every response, a limit on every body."""

    def __init__(self, app: ASGIApp, limit: int, secure: bool) -> None:
        self.app, self.limit = app, limit
        self.headers = dict(HEADERS)
        if secure:
            self.headers["strict-transport-security"] = "max-age=31536000; includeSubDomains"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = min(self.limit, FORM) if _is_public_form(scope["path"]) else self.limit
        declared = Headers(scope=scope).get("content-length", "0")
        if not declared.isdigit() or int(declared) > limit:
            await _too_large(send, self.headers)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise TooLarge("request body over the limit", say="提交的内容太大，请减少附件后再试")
            return message

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
                if not scope["path"].startswith("/static/"):
                    headers.setdefault("cache-control", "no-store")
            await send(message)

        await self.app(scope, counted, headed)


def _is_public_form(path: str) -> bool:
    """Whether an address takes words of people without an account, and no package to be verified."""
    return path.startswith(("/public/", "/e/")) and path != "/public/verify"


async def _too_large(send: Send, headers: Mapping[str, str]) -> None:
    body = "提交的内容太大，请减少附件后再试".encode()
    raw = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    raw += [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": 413, "headers": raw})
    await send({"type": "http.response.body", "body": body})
