"""Stored files by their content: ``blobs/aa/bb/<sha256>``, never overwritten, checked when read.

Writing: a temporary file on the same file system, fsync, then a link under the final name that cannot
replace anything, then fsync of the folder. Only after that may an entry name the file.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import puremagic

from decisionflow.errors import DecisionflowError, NotFound

KIND_LIMIT = 50 * 1024 * 1024


class TooLarge(DecisionflowError):
    """A file is larger than the site allows."""

    code = "too-large"
    status = 413
    exit = 2


class WrongKind(DecisionflowError):
    """A file's content is not of a kind we keep, or not what its name says."""

    code = "file-kind"
    status = 422
    exit = 2


class Damaged(DecisionflowError):
    """A stored file no longer has the content its name promises."""

    code = "integrity"
    status = 410
    exit = 4


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that lies in the folder."""

    sha256: str
    sm3: str
    size: int
    type: str

    def row(self, now: datetime) -> dict[str, Any]:
        """The index row, without its authority."""
        return {"sha256": self.sha256, "sm3": self.sm3, "size": self.size, "type": self.type, "stored_at": now}


# What we keep: ending -> (media types by content, media type served). Nothing here is ever executed.
KINDS: dict[str, tuple[frozenset[str], str]] = {
    ".pdf": (frozenset({"application/pdf"}), "application/pdf"),
    ".docx": (
        frozenset({"application/zip"}),
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ),
    ".xlsx": (frozenset({"application/zip"}), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ".pptx": (
        frozenset({"application/zip"}),
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ),
    ".ofd": (frozenset({"application/zip"}), "application/ofd"),
    ".zip": (frozenset({"application/zip"}), "application/zip"),
    ".png": (frozenset({"image/png"}), "image/png"),
    ".jpg": (frozenset({"image/jpeg"}), "image/jpeg"),
    ".jpeg": (frozenset({"image/jpeg"}), "image/jpeg"),
    ".txt": (frozenset({"text/plain"}), "text/plain; charset=utf-8"),
    ".csv": (frozenset({"text/plain"}), "text/csv; charset=utf-8"),
    ".md": (frozenset({"text/plain"}), "text/plain; charset=utf-8"),
    ".json": (frozenset({"text/plain"}), "application/json"),
    ".wps": (frozenset({"application/ole"}), "application/vnd.ms-works"),
    ".doc": (frozenset({"application/ole"}), "application/msword"),
    ".xls": (frozenset({"application/ole"}), "application/vnd.ms-excel"),
}


def sniff(data: bytes) -> str:
    """The media type by content: one of those in KINDS, or ''. Text must be UTF-8 or GB 18030."""
    if data[:5] == b"%PDF-":
        return "application/pdf"
    if data[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return "application/zip"
    if data[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        return "application/ole"
    with suppress(puremagic.PureError, ValueError):
        found = puremagic.from_string(data[:8192], mime=True)
        if found in ("image/png", "image/jpeg"):
            return found
    if b"\x00" not in data[:8192] and data.lstrip()[:1] != b"<":
        for encoding in ("utf-8", "gb18030"):
            with suppress(UnicodeDecodeError):
                data.decode(encoding)
                return "text/plain"
    return ""


def kind_of(name: str, data: bytes) -> str:
    """The media type to serve a file under. Raises WrongKind when name and content disagree."""
    ending = Path(name).suffix.lower()
    if ending not in KINDS:
        allowed = "、".join(sorted(KINDS))
        raise WrongKind(
            f"ending {ending!r} not allowed", say=f"不能上传“{ending or '无扩展名'}”文件；可上传：{allowed}"
        )
    contents, media = KINDS[ending]
    if sniff(data) not in contents:
        raise WrongKind(
            f"{name!r} is not what its ending says", say=f"“{name}”的内容与扩展名 {ending} 不符，请检查文件"
        )
    if media.endswith("document") and b"vbaProject.bin" in data:
        raise WrongKind(f"{name!r} has macros", say=f"“{name}”含有宏，请另存为不含宏的文件后再上传")
    return media


class Blobs:
    """A folder of files named by their content."""

    def __init__(self, folder: Path, limit: int = KIND_LIMIT) -> None:
        self.folder = folder
        self.limit = limit

    def put(self, data: bytes, media: str) -> Stored:
        """Store bytes under their hash; the same bytes twice are one file. Raises TooLarge."""
        if len(data) > self.limit:
            raise TooLarge(
                f"{len(data)} bytes", say=f"文件太大：{len(data) / 1048576:.1f} MB，最多 {self.limit // 1048576} MB"
            )
        stored = Stored(hashlib.sha256(data).hexdigest(), hashlib.new("sm3", data).hexdigest(), len(data), media)
        target = self.path(stored.sha256)
        if not target.exists():
            self._write(target, data)
        return stored

    def _write(self, target: Path, data: bytes) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.folder, prefix="incoming-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):
                os.link(name, target)
            folder = os.open(target.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        finally:
            Path(name).unlink(missing_ok=True)

    def get(self, sha256: str) -> bytes:
        """A file's bytes, hashed again on the way. Raises NotFound or Damaged."""
        try:
            data = self.path(sha256).read_bytes()
        except FileNotFoundError as fault:
            raise NotFound(f"no blob {sha256}", say="没有这个文件") from fault
        if hashlib.sha256(data).hexdigest() != sha256:
            raise Damaged(f"blob {sha256} is damaged", say="文件内容与登记时不符，请通知审计管理员")
        return data

    def open(self, sha256: str) -> BinaryIO:
        """A file opened at its start, hashed to its end before anybody gets a byte. Raises NotFound or Damaged."""
        try:
            file = self.path(sha256).open("rb")
        except FileNotFoundError as fault:
            raise NotFound(f"no blob {sha256}", say="没有这个文件") from fault
        if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
            file.close()
            raise Damaged(f"blob {sha256} is damaged", say="文件内容与登记时不符，请通知审计管理员")
        file.seek(0)
        return file

    def path(self, sha256: str) -> Path:
        """Where a file of that hash lies."""
        return self.folder / sha256[:2] / sha256[2:4] / sha256

    def missing(self, wanted: Iterable[str]) -> list[str]:
        """Those of the hashes that are not in the folder."""
        return [sha256 for sha256 in wanted if not self.path(sha256).is_file()]
