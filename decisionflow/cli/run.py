"""Running it: `demo serve worker migrate init doctor`."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
import webbrowser
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from decisionflow import __version__
from decisionflow import settings as configuration
from decisionflow.cli import where
from decisionflow.cli.app import both, leave, print_json, print_out, talk
from decisionflow.core import calendar as days
from decisionflow.core import procedure as law
from decisionflow.core.facts import legal_date
from decisionflow.errors import EXIT_UNAVAILABLE, BadInput, Problem
from decisionflow.service import careers, checkup, founding
from decisionflow.service import demo as demos
from decisionflow.service import site as sites
from decisionflow.settings import Settings
from decisionflow.store import schema
from decisionflow.store.blobs import Blobs
from decisionflow.store.engine import connect
from decisionflow.web import server

LOOPBACK = ("127.0.0.1", "localhost", "::1")
Json = Annotated[bool, typer.Option("--json", help="JSON")]
demo = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@demo.callback(invoke_without_command=True)
def start(
    ctx: typer.Context,
    port: Annotated[int, typer.Option(help=both("端口，被占用时用下一个", "port, the next free one when busy"))] = 8080,
    host: Annotated[str, typer.Option(help=both("只能是本机地址", "loopback only"))] = "127.0.0.1",
    folder: where.Folder = None,
    today: Annotated[str, typer.Option(help=both("演示的“今天”，如 2026-11-23", "the demo's today"))] = "",
    rules: Annotated[
        list[Path] | None,
        typer.Option(
            "--rules",
            metavar="FILE",
            help=both(
                "在沙箱里试用自己的程序文件，可以写几次",
                "try procedure files of your own in a sandbox; may be given again",
            ),
        ),
    ] = None,
    reset: Annotated[bool, typer.Option("--reset", help=both("重新建立演示数据", "seed again"))] = False,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help=both("打开浏览器", "open a browser"))] = True,
    serve_it: Annotated[bool, typer.Option("--serve/--no-serve", help=both("只建数据不开网站", "seed only"))] = True,
) -> None:
    """Seed the demo where needed, or a sandbox for procedures of your own, and serve it on this machine."""
    if ctx.invoked_subcommand is not None:
        return
    _require_loopback(host)
    settings = where.of_demo(configuration.load(data_dir=_demo_folder(folder, bool(rules))))
    now = sites.wall_clock()
    day = _day(today) or legal_date(now)
    chosen = demos.trials(rules, day) if rules else ()
    print_out(both(
        f"decisionflow {__version__}  演示模式（数据与人名均为虚构，仅本机可访问）",
        f"decisionflow {__version__}  demo (everything in it is invented; reachable from this machine only)",
    ))  # fmt: skip
    if reset or not demos.is_fresh(settings, day, chosen):
        _seed(settings, day, chosen)
    summary = demos.known(settings)
    if summary is None:  # somebody removed the mark in between
        raise BadInput([Problem("--dir", "演示数据没有建好，请加 --reset 重来", rule="demo")])
    _introduce(summary)
    _introduce_trials(summary, settings)
    if not serve_it:
        return
    free = server.free_port(host, port)
    if free != port:
        talk(both(f"端口 {port} 被占用，改用 {free}", f"port {port} is taken, using {free}"))
    url = f"http://{host}:{free}"
    print_out(
        both(
            f"  打开  {url}          Ctrl-C 结束；--reset 重来",
            f"  open  {url}          Ctrl-C ends it; --reset starts over",
        )
    )
    sys.stdout.flush()
    if browser and sys.stdout.isatty():
        webbrowser.open(url)
    settings = replace(settings, public_url=url)  # feeds and forms name the port that was free
    server.run(settings, host, free, clock=demos.clock(settings))


def _demo_folder(folder: Path | None, trying: bool) -> Path:
    """Where the demo lies, or the sandbox beside it: one never takes the other's place."""
    chosen = (folder or (where.SANDBOX if trying else where.DEMO)).absolute()
    if trying and chosen.resolve() == where.DEMO.resolve():
        raise BadInput([Problem("--dir", "沙箱不能放在演示数据的文件夹里，请另选一个", rule="sandbox")])
    return chosen


def _require_loopback(host: str) -> None:
    if host not in LOOPBACK:
        say = "演示没有密码，只能在本机打开；请去掉 --host，正式部署用 decisionflow serve"
        raise BadInput([Problem("--host", say, rule="loopback")])


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as fault:
        raise BadInput([Problem("--today", f"“{text}”不是日期，应写作 2026-11-23", rule="date")]) from fault


def _seed(settings: Settings, day: date, rules: Sequence[law.Procedure]) -> None:
    began = time.monotonic()
    demos.clear(settings, trying=bool(rules))
    sites.prepare_folders(settings)
    schema.migrate(settings.database_url)
    store = connect(settings.database_url, Blobs(settings.blob_dir))
    try:
        summary = demos.seed(store, settings, day, sites.wall_clock(), rules)
    finally:
        store.close()
    taken = time.monotonic() - began
    print_out(
        both(f"  建立演示数据 {settings.data_dir}   {taken:.1f} 秒", f"  seeded {settings.data_dir}   {taken:.1f} s")
    )
    if summary.day != day:
        say = f"  {day}前后的放假安排还没有公布，演示以{days.say_day(summary.day)}为今天"
        print_out(both(say, f"  no official calendar around {day}; the demo stands on {summary.day}"))


def _introduce(found: demos.Summary) -> None:
    print_out(both(
        f"  {found.name}：{len(found.numbers)} 个事项、{found.meetings} 次会议、{found.opinions} 条公众意见、"
        f"{found.refused} 次被拒绝的办理、{found.entries} 条记录\n  以 {days.say_day(found.day)} 为基准生成期限",
        f"  {found.name}: {len(found.numbers)} cases, {found.meetings} meetings, {found.opinions} opinions, "
        f"{found.refused} refused acts, {found.entries} entries\n  relative to {found.day}",
    ))  # fmt: skip
    print_out(
        both(
            "\n  换个身份看看（无需密码，在 /as 页面选择）：", "\n  walk in as somebody (no password, on the page /as):"
        )
    )
    for role in found.roles:
        print_out(f"    {role.say}")
    print_out("")


def _introduce_trials(found: demos.Summary, settings: Settings) -> None:
    for one in found.trials:
        print_out(both(
            f"  沙箱里已发布 {one.name} {one.title}\n    {one.proposed_by} 提出，{one.published_by} 发布\n"
            f"    下一步：在 /as 换成“{one.opened_by}”，打开 {one.href} 开一件事项",
            f"  published in the sandbox: {one.name} {one.title}\n    proposed by {one.proposed_by}, published by "
            f"{one.published_by}\n    next: on /as be {one.opened_by}, and open a case on {one.href}",
        ))  # fmt: skip
    if found.trials:
        print_out(both(
            f"  沙箱自成一套（{settings.data_dir}），这里办的都不会进入正式系统\n"
            f"  接着试：decisionflow serve --dir {settings.data_dir}；文件改了或者换了一天再运行本命令，沙箱从头重建\n"
            "  试好了，在正式系统用 decisionflow procedures propose 提出，由另一人发布\n",
            f"  the sandbox stands alone ({settings.data_dir}): nothing here reaches the real installation\n"
            f"  to go on: decisionflow serve --dir {settings.data_dir}; with a changed file, or on another day, this command "
            "starts it afresh\n"
            "  when satisfied: decisionflow procedures propose there, and another person publishes\n",
        ))  # fmt: skip


@demo.command()
def tamper(
    file: Annotated[Path, typer.Argument(help=both("导出的证据包", "an exported package"))],
    entry: Annotated[int, typer.Option(help=both("改第几条记录", "which entry"))] = 1,
    output: Annotated[Path | None, typer.Option("-o", "--output", help=both("另存为", "write to"))] = None,
) -> None:
    """Change one character in one entry of a package, to see that it is found out."""
    target = output or file.with_stem(f"{file.stem}-tampered")
    name = demos.tamper(file, target, entry)
    print_out(both(f"已改动 {name} 中的一个字，存为 {target}", f"changed one character of {name}, written to {target}"))


def serve(
    host: Annotated[str, typer.Option(help=both("监听地址", "address"))] = "127.0.0.1",
    port: Annotated[int, typer.Option(help=both("端口", "port"))] = 8080,
    folder: where.Folder = None,
) -> None:
    """Serve the site until interrupted; exit 8 when port, folder or database are not usable."""
    settings = where.settings_of(folder)
    if settings.demo:
        _require_loopback(host)
    talk(both(f"在 http://{host}:{port} 运行，Ctrl-C 结束", f"serving on http://{host}:{port}, Ctrl-C ends it"))
    server.run(settings, host, port, clock=demos.clock(settings))


def worker(
    once: Annotated[bool, typer.Option("--once", help=both("每项做一轮就结束", "one round, then end"))] = False,
    role: Annotated[str, typer.Option(help="all | sealer | worker | beat")] = "all",
    folder: where.Folder = None,
) -> None:
    """Run background work in a process of its own; the exit code is that of the process."""
    settings = where.settings_of(folder)
    if importlib.util.find_spec("workers") is None:
        raise BadInput([Problem("worker", "这份安装里没有后台任务模块，请重新安装", rule="install")])
    command = [sys.executable, "-m", "workers.main", "--role", role, *(["--once"] if once else [])]
    environment = {**os.environ, "DECISIONFLOW_DATA_DIR": str(settings.data_dir)}
    leave(subprocess.run(command, env=environment, check=False).returncode)  # noqa: S603  our own words


def migrate(
    check: Annotated[
        bool, typer.Option("--check", help=both("只看是否落后，落后时退出码 8", "only look; exit 8 when behind"))
    ] = False,
    folder: where.Folder = None,
) -> None:
    """Bring the schema up to this release."""
    settings = where.settings_of(folder)
    sites.prepare_folders(settings)
    if check:
        behind = founding.pending(settings)
        if behind:
            talk(both(f"数据库结构落后 {len(behind)} 步：{'、'.join(behind)}，请运行 decisionflow migrate",
                      f"{len(behind)} migrations behind: {', '.join(behind)}"))  # fmt: skip
            leave(EXIT_UNAVAILABLE)
        print_out(both("数据库结构已是最新", "the schema is up to date"))
        return
    done = schema.migrate(settings.database_url)
    if "0011" in done and "0001" not in done:  # careers of what was done before there were rows for them
        with sites.opened(settings) as site:
            careers.fill(site.store)
    print_out(both(f"已升级：{'、'.join(done)}", f"migrated: {', '.join(done)}") if done
              else both("数据库结构已是最新", "the schema is up to date"))  # fmt: skip


def init(
    name: Annotated[str, typer.Option(help=both("决策机关名称", "name of the government"))],
    admin: Annotated[str, typer.Option(help=both("系统管理员姓名", "name of the system administrator"))],
    security: Annotated[
        str, typer.Option(help=both("安全管理员姓名（管账号）", "name of the security administrator"))
    ] = "",
    audit: Annotated[
        str, typer.Option(help=both("审计管理员姓名（看安全记录）", "name of the audit administrator"))
    ] = "",
    key: Annotated[str, typer.Option("--id", help=both("代号，小写字母", "id, small letters"))] = "gov",
    prefix: Annotated[str, typer.Option(help=both("编号前缀", "prefix of case numbers"))] = "ZD",
    level: Annotated[str, typer.Option(help="province | city | county | district | department")] = "county",
    region: Annotated[str, typer.Option(help=both("地区，如 henan/zhengzhou", "region"))] = "",
    origin: Annotated[
        str, typer.Option(help=both("日志名称，一般是本单位网址", "name of the log, usually your site"))
    ] = "",
    people: Annotated[
        Path | None, typer.Option(help=both("机构和人员文件（YAML）", "units, posts and people (YAML)"))
    ] = None,
    folder: where.Folder = None,
) -> None:
    """First set-up: schema, signing key, government, rules, people. Passwords are printed once; exit 7 when done."""
    settings = where.settings_of(folder)
    wanted = founding.read(key, name, level, region, prefix, origin, admin, people, security=security, audit=audit)
    made = founding.found(settings, wanted, sites.wall_clock())
    print_out(both(f"已建立 {name}（{settings.data_dir}）", f"founded {name} in {settings.data_dir}"))
    print_out(both(f"  日志公钥  {made.vkey}", f"  log key   {made.vkey}"))
    print_out(
        both(
            "  登录名和一次性密码（只显示这一次，请当面交给本人，首次登录须更换，7 天内有效）：",
            "  accounts (shown only now):",
        )
    )
    for login, (person, password) in made.accounts.items():
        print_out(f"    {login}\t{password}\t{person}")
    print_out(
        both("  下一步：decisionflow doctor；decisionflow serve", "  next: decisionflow doctor; decisionflow serve")
    )


def doctor(
    folder: where.Folder = None,
    only: Annotated[list[str] | None, typer.Option(help=both("只查这几项", "only these"))] = None,
    as_json: Json = False,
) -> None:
    """Check the installation; exit 8 when anything fails."""
    settings = where.settings_of(folder)
    found = checkup.examine(settings, sites.wall_clock(), only or ())
    if as_json:
        print_json(checkup.summary(found))
    else:
        for one in found:
            print_out(f"{one.word}  {one.title}：{one.say}")
    leave(EXIT_UNAVAILABLE if any(one.failed for one in found) else 0)
