"""Where the installation lies that a command is about, and its clock.

``--dir`` says it; else DECISIONFLOW_DATA_DIR or DECISIONFLOW_DATABASE_URL; else ``var``; and where nothing is
configured and nothing has been set up in ``var``, the demo in ``var/demo``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import make_url

from decisionflow import settings as configuration
from decisionflow.cli.app import both
from decisionflow.core.facts import legal_date
from decisionflow.errors import BadInput, NotFound, Problem, Unavailable
from decisionflow.service import actors, demo
from decisionflow.service import site as sites
from decisionflow.service.actors import Actor
from decisionflow.service.site import Site
from decisionflow.settings import Settings

DEMO = Path("var", "demo")
SANDBOX = Path("var", "sandbox")
Folder = Annotated[Path | None, typer.Option("--dir", help=both("数据目录", "data folder"), show_default=False)]


def settings_of(folder: Path | None) -> Settings:
    """The settings of the installation that is meant. Raises BadInput."""
    chosen = folder.absolute() if folder else None
    found = configuration.load(data_dir=chosen)
    told = folder or any(os.environ.get(f"DECISIONFLOW_{name}") for name in ("DATA_DIR", "DATABASE_URL"))
    if not told and not is_set_up(found) and (DEMO / demo.MARK).is_file():
        found = configuration.load(data_dir=DEMO.absolute())
    return of_demo(found) if (found.data_dir / demo.MARK).is_file() else found


def of_demo(found: Settings) -> Settings:
    """The same folder as a demo: its own SQLite database, whatever the environment says."""
    return replace(found, demo=True, database_url=f"sqlite:///{found.data_dir / 'decisionflow.db'}", redis_url="")


def is_set_up(found: Settings) -> bool:
    """Whether there is a database to open; of a server we only know when we ask it."""
    url = make_url(found.database_url)
    return url.get_backend_name() != "sqlite" or Path(url.database or "").is_file()


@contextmanager
def opened(folder: Path | None, *, read_only: bool = True) -> Iterator[Site]:
    """The installation, open. Raises Unavailable with the next step when there is none."""
    found = settings_of(folder)
    if not is_set_up(found):
        say = f"{found.data_dir} 里还没有数据，请先运行 decisionflow demo 或 decisionflow init，或者用 --dir 指定"
        raise Unavailable(f"nothing is set up in {found.data_dir}", say=say)
    with sites.opened(found, read_only=read_only, clock=demo.clock(found)) as site:
        yield site


def actor(site: Site, name: str, now: datetime) -> Actor:
    """Whoever is meant by a name or a post; the entry says that it was at the terminal. Raises BadInput."""
    with site.store.read() as connection:
        everybody = actors.everybody(connection, site.authority().id, legal_date(now))
    found = [
        one for one in everybody if name in (one.name, one.post_title, f"{one.unit_name}{one.post_title}", one.post)
    ]
    if len(found) != 1:
        say = (
            f"没有叫“{name}”的在任岗位"
            if not found
            else "有几个岗位都符合：" + "、".join(f"{one.unit_name}{one.post_title}" for one in found)
        )
        raise BadInput([Problem("--as", say, rule="choice")])
    return replace(found[0], auth={"method": "terminal"})


def read(file: Path) -> bytes:
    """A file that the operator named. Raises NotFound."""
    try:
        return file.read_bytes()
    except OSError as fault:
        raise NotFound(f"cannot read {file}: {fault}", say=f"读不到文件 {file}") from fault


def read_text(file: Path) -> str:
    """The same as text. Raises NotFound, BadInput."""
    try:
        return read(file).decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        problem = Problem("", f"不是 UTF-8 文本（第 {fault.start} 字节）", str(file), rule="encoding")
        raise BadInput([problem]) from fault
