"""Running the site: one process, uvicorn, and in embedded mode the background loops in a thread."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import uvicorn

from decisionflow.errors import Unavailable
from decisionflow.service.loops import Embedded
from decisionflow.service.site import Site, opened, wall_clock
from decisionflow.settings import Settings
from decisionflow.web.app import create_app


def run(settings: Settings, host: str, port: int, clock: Callable[[], datetime] = wall_clock) -> None:
    """Serve until interrupted. Raises Unavailable when the port is taken or the schema is not ours."""
    with opened(settings, clock=clock) as site, listening(host, port) as sock, background(site):
        config = uvicorn.Config(
            create_app(site), log_level="warning", access_log=False, server_header=False, date_header=True,
            forwarded_allow_ips=settings.proxies, timeout_graceful_shutdown=10,
        )  # fmt: skip
        uvicorn.Server(config).run(sockets=[sock])


@contextmanager
def background(site: Site) -> Iterator[None]:
    """The embedded loops beside the server, unless workers of their own do the work."""
    if not site.settings.embedded:
        yield
        return
    loops = Embedded(site)
    loops.start()
    try:
        yield
    finally:
        loops.stop()


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A bound socket. Raises Unavailable with a sentence when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named, because asyncio switches off Nagle's algorithm (40 ms an answer) only where it is.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, port))
        except OSError as fault:
            say = f"端口 {port} 已被占用或不可用（{fault.strerror}），请用 --port 换一个"
            raise Unavailable(f"cannot listen on {host}:{port}: {fault}", say=say) from fault
        yield sock


def free_port(host: str, first: int) -> int:
    """The first port from `first` on that nobody listens on. Raises Unavailable."""
    for port in range(first, first + 50):
        try:
            with listening(host, port):
                return port
        except Unavailable:
            continue
    raise Unavailable(f"no free port from {first}", say=f"{first} 起的端口都被占用，请用 --port 指定")
