"""`doctor`: is this installation fit to work? Each check says what it saw and, when it fails, what to do."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import Connection, text
from sqlalchemy.exc import DatabaseError

from decisionflow import paths
from decisionflow.core.facts import legal_date
from decisionflow.errors import BadInput, DecisionflowError, Problem
from decisionflow.service import authorities, calendars, sealing
from decisionflow.service import site as sites
from decisionflow.settings import Settings
from decisionflow.store import schema
from decisionflow.store.blobs import Blobs
from decisionflow.store.engine import connect

Status = Literal["ok", "warn", "fail"]
WORDS = {"ok": "正常", "warn": "注意", "fail": "失败"}
ROOM = 1024**3
SILENT = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at."""

    name: str
    title: str
    status: Status
    say: str

    @property
    def failed(self) -> bool:
        return self.status == "fail"

    @property
    def word(self) -> str:
        return WORDS[self.status]


Answer = tuple[Status, str]


def as_json(check: Check) -> dict[str, str]:
    """A check as data."""
    return {"name": check.name, "title": check.title, "status": check.status, "say": check.say}


def examine(settings: Settings, now: datetime, only: Collection[str] = ()) -> list[Check]:
    """Every check, or those of `only`. Raises BadInput for a check that does not exist."""
    unknown = [name for name in only if name not in CHECKS]
    if unknown:
        raise BadInput(
            [Problem("--only", f"没有“{name}”这项检查，可选 {'、'.join(CHECKS)}", rule="choice") for name in unknown]
        )
    found = []
    for name, (title, run) in CHECKS.items():
        if only and name not in only:
            continue
        try:
            status, say = run(settings, now)
        except DecisionflowError as fault:
            status, say = "fail", fault.say
        except DatabaseError:
            status, say = "fail", "数据库里没有所需的表，请运行 decisionflow migrate 或 decisionflow init"
        except OSError as fault:
            status, say = "fail", f"{fault.strerror}：{fault.filename or ''}"
        found.append(Check(name, title, status, say))
    return found


def _python(settings: Settings, now: datetime) -> Answer:
    at = ".".join(map(str, sys.version_info[:3]))
    return ("ok", f"Python {at}") if sys.version_info >= (3, 11) else ("fail", f"Python {at} 太旧，需要 3.11 以上")


def _zone(settings: Settings, now: datetime) -> Answer:
    try:
        ZoneInfo("Asia/Shanghai")
    except ZoneInfoNotFoundError:
        return "fail", "找不到 Asia/Shanghai 时区数据，请安装 tzdata"
    return "ok", "Asia/Shanghai"


def _folder(settings: Settings, now: datetime) -> Answer:
    sites.prepare_folders(settings)
    free = shutil.disk_usage(settings.data_dir).free
    say = f"{settings.data_dir} 可写，剩余 {free / 1024**3:.1f} GB"
    return ("ok", say) if free > ROOM else ("warn", f"{say}，请清理磁盘")


def _database(settings: Settings, now: datetime) -> Answer:
    return _asked(settings, _schema)


def _schema(connection: Connection) -> Answer:
    behind = schema.pending(connection)
    if behind:
        return "fail", f"结构落后 {len(behind)} 步，请运行 decisionflow migrate"
    return "ok", f"{connection.dialect.name}，结构 {schema.current(connection)}"


def _keys(settings: Settings, now: datetime) -> Answer:
    def look(connection: Connection) -> Answer:
        known = authorities.everyone(connection)
        if not known:
            return "fail", "还没有决策机关，请运行 decisionflow init"
        for one in known:
            for path in sites.key_paths(settings, one.id):
                if not path.is_file():
                    return "fail", f"缺少 {path}，不能封存；请从备份恢复"
                if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
                    return "fail", f"{path} 他人可读，请运行 chmod 600 {path}"
        return "ok", f"{len(known)} 个机关的密钥在位，仅本用户可读"

    return _asked(settings, look)


def _trust(settings: Settings, now: datetime) -> Answer:
    found = sites.trust(sites.trust_path(settings))
    return ("ok", f"{len(found.keys)} 把公钥") if found else ("fail", "没有可信公钥文件，请先运行 decisionflow init")


def _calendar(settings: Settings, now: datetime) -> Answer:
    def look(connection: Connection) -> Answer:
        today = legal_date(now)
        for one in authorities.everyone(connection):
            years = calendars.current(connection, one.id, one.calendar).years
            if today.year not in years:
                return "fail", f"没有 {today.year} 年的放假安排，期限只能暂估"
            if today >= date(today.year, 11, 1) and today.year + 1 not in years:
                return (
                    "warn",
                    f"还没有 {today.year + 1} 年的放假安排（国务院办公厅一般在 11 月前后公布），跨年期限为暂估",
                )
        return "ok", f"{today.year} 年已录入"

    return _asked(settings, look)


def _seals(settings: Settings, now: datetime) -> Answer:
    def look(connection: Connection) -> Answer:
        waiting = connection.execute(text("select count(*) from trail_unsealed")).scalar_one()
        seals = [seal for one in authorities.everyone(connection) if (seal := sealing.latest(connection, one.id))]
        said = f"，最近一次 {seals[0].created_at:%Y-%m-%d %H:%M}Z" if seals else ""
        return (
            ("ok", f"没有待封存的记录{said}")
            if not waiting
            else ("warn", f"{waiting} 条记录等待封存{said}，请确认后台任务在运行")
        )

    return _asked(settings, look)


def _background(settings: Settings, now: datetime) -> Answer:
    def look(connection: Connection) -> Answer:
        rows = connection.execute(text("select name, detail from heartbeat where name like 'fault:%'")).all()
        if rows:
            return "fail", "；".join(f"{row.name.removeprefix('fault:')}：{row.detail}" for row in rows)
        old = connection.execute(
            text("select count(*) from outbox where state = 'ready' and next_at < :t"),
            {"t": (now - SILENT).isoformat()},
        ).scalar_one()
        return ("ok", "没有积压") if not old else ("warn", f"{old} 条消息等待超过 5 分钟，请确认网站或后台任务在运行")

    return _asked(settings, look)


def _mail(settings: Settings, now: datetime) -> Answer:
    if not settings.mail.host:
        return "warn", "未配置邮件服务器，提醒只在站内显示（DECISIONFLOW_SMTP_HOST）"
    try:
        with socket.create_connection((settings.mail.host, settings.mail.port), timeout=5):
            return "ok", f"{settings.mail.host}:{settings.mail.port} 可以连接"
    except OSError as fault:
        return "fail", f"连不上邮件服务器 {settings.mail.host}:{settings.mail.port}（{fault.strerror or fault}）"


def _assets(settings: Settings, now: datetime) -> Answer:
    wanted = [
        paths.STATIC / "df.css",
        paths.STATIC / "vendor" / "vendor.lock.json",
        paths.TEMPLATES / "base.html",
        paths.RULES,
    ]
    missing = [path.name for path in wanted if not path.exists()]
    return ("ok", "程序、模板、样式齐全") if not missing else ("fail", f"缺少 {'、'.join(missing)}，请重新安装")


def _mode(settings: Settings, now: datetime) -> Answer:
    if settings.demo:
        return "warn", "演示数据：没有密码，只能在本机打开，不能用于办理真实事项"
    if not settings.secure:
        return "warn", f"对外网址 {settings.public_url} 不是 https，正式使用请配置 DECISIONFLOW_PUBLIC_URL"
    return "ok", settings.public_url


def _asked(settings: Settings, look: Callable[[Connection], Answer]) -> Answer:
    store = connect(settings.database_url, Blobs(settings.blob_dir))
    try:
        with store.read() as connection:
            return look(connection)
    finally:
        store.close()


CHECKS: dict[str, tuple[str, Callable[[Settings, datetime], Answer]]] = {
    "python": ("Python", _python), "zone": ("时区", _zone), "folder": ("数据目录", _folder), "database": ("数据库", _database),
    "keys": ("签名密钥", _keys), "trust": ("可信公钥", _trust), "calendar": ("工作日历", _calendar), "seals": ("封存", _seals),
    "background": ("后台任务", _background), "mail": ("邮件", _mail), "assets": ("程序文件", _assets),
    "mode": ("运行方式", _mode),
}  # fmt: skip


def summary(found: list[Check]) -> dict[str, Any]:
    """All checks as one document."""
    return {"checks": [as_json(one) for one in found], "ok": not any(one.failed for one in found)}
