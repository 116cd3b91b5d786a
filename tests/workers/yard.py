"""A government with keys, addresses and a mail server: what the tests of background work start from."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import text

from decisionflow import settings as configuration
from decisionflow.core import procedure as law
from decisionflow.core import source as files
from decisionflow.service import calendars, contacts, outbox, procedures, rehearsals, scripts, shipped
from decisionflow.service import site as sites
from decisionflow.service.addressees import Message
from decisionflow.store.engine import Store
from decisionflow.store.records import Rows
from tests import services
from tests.service.stage import FELLING, START, Office

YEARS = ("2023", "2024", "2025")
CHECKOUT = Path(__file__).resolve().parents[2]
MORNING = datetime(2024, 4, 17, 2, 0, tzinfo=UTC)  # 10:00 in Shanghai, the first day after the due day


# For what does not depend on the database: the other one would only cost time.
on_sqlite = pytest.mark.parametrize("store", ["sqlite"], indirect=True)


@dataclass
class Yard:
    """An office with its site. The site's clock is the office's."""

    work: Office
    site: sites.Site
    tmp_path: Path
    mails: int = 0
    cases: list[str] = field(default_factory=list)

    @property
    def store(self) -> Store:
        return self.work.store

    def person(self, who: str) -> str:
        return str(self.work.stage.actors[who].person)

    def reachable(self, *people: str) -> None:
        """These people have a mail address."""
        for who in people:
            self.store.write(lambda tx, who=who: contacts.set_mail(tx, self.person(who), f"{who}@yunhe.example.cn"))

    def at(self, now: datetime) -> None:
        self.work.now = now

    def pass_(self, span: timedelta) -> None:
        self.work.now += span

    def decided(self, **raw: Any) -> str:
        """A case decided on 1 April 2024: filing is due on 16 April, reminded of on 11, 15, 16 and 17 April."""
        work = self.work
        work.no, work.now = "", datetime(2024, 3, 1, 1, 0, tzinfo=UTC)
        matter = {"title": "解放路行道树砍伐", "protected": "no", "trees": "3", "phone": "13800000000"} | raw
        work.do("proposer", "ask", **matter)
        work.do("chief", "begin", units=[{"unit": "承办单位", "leading": "yes"}])
        work.do("lead", "open_survey", ends_on="2024-03-31", papers=("photo",))
        work.do("lead", "close_survey", after=timedelta(days=31))
        work.do("chief", "decide")
        self.cases.append(work.no)
        return work.no

    def rows(self, sql: str, **values: Any) -> list[Any]:
        with self.store.read() as connection:
            return list(connection.execute(text(sql), values).all())

    def notices(self, who: str = "", kind: str = "") -> list[Any]:
        found = self.rows("select person_id, kind, title, body, href from notice order by created_at, id")
        found = [row for row in found if not who or row.person_id == self.person(who)]
        return [row for row in found if not kind or row.kind == kind]

    def reminders(self) -> dict[str, str]:
        return {row.rung: row.state for row in self.rows("select rung, state from reminder")}

    def outbox(self, channel: str = "mail") -> list[str]:
        return [row.state for row in self.rows("select state from outbox where channel = :c order by id", c=channel)]

    def post(self, who: str, count: int = 1, *, now: datetime | None = None, **over: Any) -> None:
        """Put mails for somebody into the outbox, ready to be sent."""
        at = now or self.work.now
        rows = []
        for _ in range(count):
            self.mails += 1
            said = Message(f"【新待办】第{self.mails}件", ("一行",), "/cases/YH-2024-001").payload
            row = outbox.row(
                "yunhe", f"test:{self.mails}", "todo", said, at, channel="mail", recipient=self.person(who)
            )
            rows.append(row | {"next_at": at} | over)
        self.store.write(lambda tx: tx.put(Rows("outbox", rows, "ignore")))

    def sending_to(self, mailbox: Any) -> Yard:
        """The same yard with another mail server; None for one that is not there."""
        host, port = (mailbox.host, mailbox.port) if mailbox else ("127.0.0.1", services.free_port())
        mail = configuration.Mail(host=host, port=port, sender="decisionflow@yunhe.example.cn")
        self.site = sites.Site(replace(self.site.settings, mail=mail), self.store, self.site.clock)
        return self

    def environment(self, redis_url: str) -> dict[str, str]:
        """The environment of a process that works for this site."""
        mail = self.site.settings.mail
        given = {
            "DATABASE_URL": self.store.url, "DATA_DIR": str(self.tmp_path), "REDIS_URL": redis_url,
            "SMTP_HOST": mail.host, "SMTP_PORT": str(mail.port), "SMTP_SENDER": mail.sender,
        }  # fmt: skip
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DECISIONFLOW_")}
        return kept | {f"DECISIONFLOW_{name}": value for name, value in given.items() if value}


def small_office(store: Store, procedure: law.Procedure) -> Office:
    """As `stage.office`, with the three calendar years that these tests live in: quicker to set up."""
    script = scripts.Script.model_validate(
        {"rehearsal": "1", "procedure": str(FELLING), "acts": [{"at": "2024-03-01T09:00", "as": "lead", "do": "x"}]}
    )
    since, system = START - timedelta(days=1), rehearsals.system_actor("yunhe")
    authority = store.write(
        lambda tx: rehearsals.found_authority(
            tx, script.authority, "yunhe", since, clock="system", procedure=procedure.id
        )
    )
    years = [(path.name, path.read_text("utf-8")) for path in shipped.calendar_files() if path.name[3:7] in YEARS]
    store.write(lambda tx: calendars.publish(tx, authority, years, system, since))
    store.write(lambda tx: procedures.publish(tx, authority, procedure, system, since))
    people = rehearsals.cast(script.people, [procedure])
    actors = store.write(lambda tx: rehearsals.enrol(tx, authority, people, system, since))
    with store.read() as connection:
        calendar = calendars.current(connection, authority.id, authority.calendar)
    return Office(store, rehearsals.Stage(authority, actors, calendar))


@lru_cache(maxsize=4)
def felling(*changes: tuple[str, str]) -> law.Procedure:
    """The tree-felling procedure, read once; with changes to its text, a variant."""
    text_ = FELLING.read_text("utf-8")
    for old, new in changes:
        assert old in text_, old
        text_ = text_.replace(old, new, 1)
    return law.compiled(files.read(text_, "felling.yaml"), shipped.registry())


# Filing may be put on hold, the whole may begin again, and an outside expert has something to do.
RICHER = (
    ("  chief: {title: 行政首长}", "  chief: {title: 行政首长}\n  expert: {title: 专家, outside: yes}"),
    (
        "clocks:\n",
        "  - {id: hold, title: 暂停归档, track: main, from: decided, by: lead, rules: [D713-57]}\n"
        "  - {id: resume, title: 恢复归档, track: main, from: decided, by: lead, rules: [D713-57]}\n"
        "  - {id: again, title: 重新办理, track: survey, from: done, by: chief, rules: [D713-32], resets: [main]}\n"
        "  - {id: advise, title: 提出专家意见, track: main, from: working, by: expert, rules: [D713-32], todo: yes}\n"
        "clocks:\n",
    ),
    ("length: 10 workdays,", "length: 10 workdays, stops: [{since: hold, until: resume, say: 等待补件}],"),
)


def yard(
    store: Store, tmp_path: Path, mailbox: Any = None, *, wall: bool = False, changes: tuple[tuple[str, str], ...] = ()
) -> Yard:
    """A yard under the tree-felling procedure; with `wall`, on the real clock."""
    work = small_office(store, felling(*changes))
    settings = configuration.load({"DECISIONFLOW_DATABASE_URL": store.url}, data_dir=tmp_path)
    sites.prepare_folders(settings)
    sites.create_keys(settings, "yunhe", work.authority.origin)
    site = sites.Site(settings, store, sites.wall_clock if wall else lambda: work.now)
    made = Yard(work, site, tmp_path)
    return made.sending_to(mailbox) if mailbox else made


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Run these in threads that start together; what each came to."""
    gate, found = threading.Barrier(len(calls)), [None] * len(calls)

    def one(n: int) -> None:
        gate.wait()
        found[n] = calls[n]()

    threads = [threading.Thread(target=one, args=(n,)) for n in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def until(holds: Callable[[], Any], seconds: float = 20.0) -> bool:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.05)
    return bool(holds())


# ---- mail servers with a will of their own


@dataclass
class Surly(services.Mailbox):
    """A mail server that answers as it is told: by the recipient's first letters, or with a delay."""

    rcpt: dict[str, str] = field(default_factory=dict)
    data: str = ""
    slow: float = 0.0

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        for start, answer in self.rcpt.items():
            if address.startswith(start):
                return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.data:
            return self.data
        if self.slow:
            await asyncio.sleep(self.slow)
        return await super().handle_DATA(server, session, envelope)


@contextmanager
def surly(**ways: Any) -> Iterator[Surly]:
    """Such a server, running."""
    box = Surly(**ways)
    controller = Controller(box, hostname=box.host, port=box.port)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


# ---- real processes


class Process:
    """A process of ours with its children, which a test may also kill as a crash would."""

    def __init__(self, arguments: list[str], environment: dict[str, str], log: Path) -> None:
        self.log = log
        self.file = log.open("wb")
        self.process = subprocess.Popen(
            [sys.executable, *arguments], cwd=CHECKOUT, env=environment, stdin=subprocess.DEVNULL, stdout=self.file,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def said(self, words: str) -> int:
        """How often its log says this."""
        return self.log.read_text("utf-8", "replace").count(words)

    def signal(self, number: int) -> None:
        """Signal the process and all its children."""
        os.killpg(self.process.pid, number)

    def kill(self) -> None:
        """Kill -9 the process and all its children."""
        if self.process.poll() is None:
            self.signal(signal.SIGKILL)
        self.process.wait()
        self.file.close()

    def end(self, seconds: float = 20.0) -> int:
        """Ask it to stop; its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(seconds)
        finally:
            self.kill()


@contextmanager
def running(arguments: list[str], environment: dict[str, str], log: Path) -> Iterator[Process]:
    """Such a process, killed in the end if it has not gone."""
    found = Process(arguments, environment, log)
    try:
        yield found
    finally:
        found.kill()
