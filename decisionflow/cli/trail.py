"""`export` and `verify`: evidence out of the house, and evidence looked at."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, get_args

import typer

from decisionflow.cli import where
from decisionflow.cli.app import both, leave, print_json, print_out, talk
from decisionflow.errors import BadInput, Conflict, NotFound, Problem, Unavailable
from decisionflow.service import evidence, verification
from decisionflow.service import site as sites
from decisionflow.service.site import Site
from decisionflow.trail import selection
from decisionflow.trail import verify as proof

Json = Annotated[bool, typer.Option("--json", help="JSON")]
export = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help=both("导出证据包", "export evidence"),
)
MARKS = {proof.PASSED: "通过", proof.FAILED: "不通过", proof.UNPROVEN: "未能证明"}


@export.callback()
def options() -> None:
    """Export evidence."""


@export.command()
def case(
    no: Annotated[str, typer.Argument(metavar="NO", help=both("事项编号", "case number"))],
    output: Annotated[Path, typer.Option("-o", "--output", help=both("存为", "write to"))],
    view: Annotated[str, typer.Option(help="full | internal | public")] = "full",
    without: Annotated[
        list[str] | None,
        typer.Option("--without", metavar="SHA256=理由", help=both("不附这件材料，可多次", "leave a material out")),
    ] = None,
    close: Annotated[
        list[str] | None,
        typer.Option("--close", metavar="PATH=理由", help=both("不打开这项个人信息，可多次", "keep a value closed")),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help=both("覆盖已有的文件", "overwrite"))] = False,
    folder: where.Folder = None,
) -> None:
    """Write a case's evidence package; print its path and SHA-256."""
    if view not in get_args(evidence.View):
        raise BadInput([Problem("--view", "应当是 full、internal 或 public", rule="choice")])
    if output.exists() and not force:
        raise Conflict(f"{output} exists", say=f"{output} 已经存在，没有改动；要覆盖请加 --force")
    with where.opened(folder) as site:
        data = packed(site, no, view, evidence.Redaction(_reasons("--without", without), _reasons("--close", close)))
    try:
        output.write_bytes(data)
    except OSError as fault:
        raise Unavailable(f"cannot write {output}: {fault}", say=f"{output} 不能写入（{fault.strerror}）") from fault
    print_out(f"{output}  {hashlib.sha256(data).hexdigest()}")


def _reasons(option: str, given: list[str] | None) -> dict[str, str]:
    """``item=reason`` as pairs. Raises BadInput."""
    found = {}
    for one in given or ():
        item, equals, reason = one.partition("=")
        if not equals:
            raise BadInput([Problem(option, f"“{one[:60]}”应写作 项目=理由", rule="format")])
        found[item.strip()] = reason.strip()
    return found


def packed(site: Site, no: str, view: str, redaction: evidence.Redaction | None = None) -> bytes:
    """The package's bytes. Raises NotFound."""
    authority = site.authority()
    with site.store.read() as connection:
        return evidence.package(
            connection, site.store.blobs, site.signer(authority.id), authority, no, view, site.clock(),  # type: ignore[arg-type]
            redaction,
        )  # fmt: skip


def verify(
    target: Annotated[
        str, typer.Argument(metavar="FILE|NO", help=both("证据包或事项编号", "a package or a case"))
    ] = "",
    everything: Annotated[bool, typer.Option("--all", help=both("校验全部记录", "all that is stored"))] = False,
    keys: Annotated[Path | None, typer.Option("--keys", "--trust", help=both("可信公钥文件", "trust file"))] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help=both("不用本机安装的公钥", "ignore this installation's"))
    ] = False,
    folder: where.Folder = None,
    as_json: Json = False,
) -> None:
    """Verify; exit 0 通过, 4 不通过, 6 无法判断."""
    if bool(target) == everything:
        raise BadInput([Problem("TARGET", "请指明证据包、事项编号，或者 --all", rule="required")])
    report = _report(target, keys, offline, folder)
    if as_json:
        print_json(report.as_json())
    else:
        print_out(report.say)
        for check in report.checks:
            talk(f"  {MARKS[check.status]}  {check.title}：{check.say}")
    leave(report.exit)


def _report(target: str, keys: Path | None, offline: bool, folder: Path | None) -> proof.Report:
    path = Path(target)
    if target and (path.suffix == ".zip" or path.is_file()):
        return selection.either(_read(path), _trust(keys, offline, folder))
    with where.opened(folder) as site:
        trust = _trust(keys, offline, folder)
        if target:
            return proof.verify(packed(site, target, "full"), trust)
        with site.store.read() as connection:
            return verification.everything(connection, site.store.blobs, site.authority(), trust)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as fault:
        raise NotFound(f"cannot read {path}: {fault}", say=f"读不到文件 {path}") from fault


def _trust(keys: Path | None, offline: bool, folder: Path | None) -> proof.Trust | None:
    """The keys to believe: a file that is named, or this installation's own."""
    if keys is not None:
        found = sites.trust(keys)
        if found is None:
            raise NotFound(f"no trust file {keys}", say=f"找不到可信公钥文件 {keys}")
        return found
    return None if offline else sites.trust(sites.trust_path(where.settings_of(folder)))
