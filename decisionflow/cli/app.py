"""The command line as a whole: options everybody has, how results and errors are printed.

stdout carries data only, stderr talk. With ``--json`` stdout is exactly one JSON document, errors
included (``{"error": {…}}``). Exit codes are those of `errors`. A command module is imported when its
command runs, so that ``--help`` stays quick.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any, NoReturn

import typer
from typer import _click as click  # typer brings its own click; its group class is typed by it
from typer.core import TyperGroup

from decisionflow import __version__
from decisionflow.errors import EXIT_FAILURE, EXIT_INTERRUPTED, BadInput, DecisionflowError


def chinese() -> bool:
    """Whether to talk Chinese: DECISIONFLOW_LANG, else the locale, else yes."""
    lang = os.environ.get("DECISIONFLOW_LANG") or os.environ.get("LC_ALL") or os.environ.get("LANG") or "zh"
    return not lang.lower().startswith("en")


def both(zh: str, en: str) -> str:
    """One of two sentences by the reader's language."""
    return zh if chinese() else en


# command -> (module, attribute, help)
COMMANDS: Mapping[str, tuple[str, str, str]] = {
    "demo": ("run", "demo", both("建立演示数据并在本机打开", "seed demo data and serve it on this machine")),
    "serve": ("run", "serve", both("运行网站（含内置后台循环）", "run the site")),
    "worker": ("run", "worker", both("运行后台任务", "run background work")),
    "migrate": ("run", "migrate", both("把数据库结构升到本版本", "bring the schema up")),
    "init": ("run", "init", both("初始化：建库、密钥、首个机关与管理员", "first set-up")),
    "doctor": ("run", "doctor", both("检查安装与配置", "check the installation")),
    "rehearse": ("rehearse", "rehearse", both("按剧本演练一段程序", "play a scripted history")),
    "why": ("case", "why", both("为什么现在不能办：拒绝卡片", "why an act is not possible now")),
    "timeline": ("case", "timeline", both("一件事项的办理经过", "the acts of a case")),
    "deadline": ("deadline", "deadline", both("计算法定期限", "count a statutory period")),
    "procedures": ("procedures", "app", both("程序：列出、查看、检查、画图", "the procedures")),
    "lookup": (
        "lookup",
        "lookup",
        both("查条文、查人、查决策", "one article, one person's career, who answers for a decision"),
    ),
    "laws": (
        "laws",
        "app",
        both("法源：载入官方文本、引用核对、变动影响", "instruments: official texts, citations, changes"),
    ),
    "import": (
        "imports",
        "app",
        both("导入：放假安排、目录、线下收到的意见、机构人员", "import a notice, a catalogue, opinions, posts"),
    ),
    "desks": ("case", "desks", both("一件事项在谁手里停了多久；逾期的事项", "where a case lay; what is overdue")),
    "plan": ("plan", "plan", both("推算：每一步最早、最迟什么时候", "the earliest and latest lawful day of each step")),
    "violations": (
        "violations",
        "violations",
        both("程序问题清单：事后看得出的线索和证据", "what may have gone wrong, with evidence"),
    ),
    "posts": ("posts", "posts", both("某一天谁在什么岗位，当时知道多少", "who held which post on a day")),
    "users": ("users", "app", both("账号：建立、停用、重置、登录、令牌", "accounts, sessions, tokens")),
    "draw": ("draw", "app", both("抽取：冻结名单、抽取、任何人都能重做", "draw lots that anybody can redo")),
    "export": ("trail", "export", both("导出证据包", "export an evidence package")),
    "verify": ("trail", "verify", both("校验证据包、事项或全部记录", "verify a package, a case or everything")),
}


class Lazy(TyperGroup):
    """A group that imports a command's module only when the command is wanted."""

    def list_commands(self, ctx: click.core.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.core.Context, cmd_name: str) -> click.core.Command | None:
        if cmd_name not in COMMANDS:
            return None
        from importlib import import_module

        module, name, text = COMMANDS[cmd_name]
        found = getattr(import_module(f"decisionflow.cli.{module}"), name)
        if isinstance(found, typer.Typer):
            command = typer.main.get_command(found)
        else:
            single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
            single.command(name=cmd_name)(found)
            command = typer.main.get_command(single)
        command.name = cmd_name
        command.help = command.help or text
        command.short_help = text
        return command

    def format_commands(self, ctx: click.core.Context, formatter: click.formatting.HelpFormatter) -> None:
        with formatter.section(both("命令", "Commands")):
            formatter.write_dl([(name, text) for name, (_, _, text) in COMMANDS.items()])


app = typer.Typer(
    cls=Lazy, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
    help=both("decisionflow：重大行政决策的程序、证据与倒查", "decisionflow: major administrative decisions"),
)  # fmt: skip


def _version(wanted: bool) -> None:
    if wanted:
        print_out(f"decisionflow {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help=both("显示版本", "show version")
    ),
) -> None:
    """Options of every command."""


def print_out(text: str) -> None:
    """A line of data."""
    sys.stdout.write(text + "\n")


def talk(text: str) -> None:
    """A line for the person, not for the pipe."""
    sys.stderr.write(text + "\n")


def print_json(document: object) -> None:
    """The one JSON document of a ``--json`` run."""
    print_out(json.dumps(document, ensure_ascii=False, indent=1, sort_keys=False))


def leave(code: int) -> NoReturn:
    """End with an exit code that means something."""
    raise typer.Exit(code)


def problem(error: DecisionflowError) -> dict[str, Any]:
    """An error as the problem document that the API gives too."""
    found: dict[str, Any] = {
        "type": f"/problems/{error.code}",
        "title": error.code,
        "status": error.status,
        "detail": error.say,
    }
    if isinstance(error, BadInput):
        found["errors"] = [
            {"pointer": p.place, "detail": p.say, "code": p.rule, "file": p.file, "line": p.line}
            for p in error.problems
        ]
    return found


def main(args: list[str] | None = None) -> NoReturn:
    """Run a command; print what went wrong as a sentence, never as a traceback."""
    arguments = sys.argv[1:] if args is None else args
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        code = app(arguments, standalone_mode=False)
    except DecisionflowError as error:
        _report(error, as_json="--json" in arguments)
        sys.exit(error.exit)
    except typer.Exit as stop:
        sys.exit(stop.exit_code)
    except click.exceptions.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        talk(both("已中断", "interrupted"))
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if os.environ.get("DECISIONFLOW_DEBUG"):
            raise
        talk(both(f"出错了：{error}（设 DECISIONFLOW_DEBUG=1 可看详情）", f"unexpected failure: {error!r}"))
        sys.exit(EXIT_FAILURE)
    sys.exit(code if isinstance(code, int) else 0)


def _report(error: DecisionflowError, *, as_json: bool) -> None:
    if as_json:
        print_json({"error": problem(error)})
    elif isinstance(error, BadInput):
        for one in error.problems:
            talk(str(one))
    else:
        talk(error.say if chinese() else str(error))
