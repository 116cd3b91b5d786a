"""A draft's text: paragraphs with stable ids and the original file, under one digest.

The bytes are JSON with sorted keys and no spaces: ``{"file":…,"paragraphs":[{"id":"p1","text":…}],
"title":…,"v":1}``; the digest is their SHA-256, so the text is kept as a blob under its own name. A
paragraph keeps its id while it stays recognisable; comments and reviews bind to (digest, id).
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Change: TypeAlias = Literal["same", "changed", "added", "removed"]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One paragraph (usually an article) of a draft."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """A draft: title, paragraphs, and the file it was typed from (or '')."""

    title: str
    paragraphs: tuple[Paragraph, ...]
    file: str = ""

    @property
    def data(self) -> bytes:
        """The bytes that the digest is taken over."""
        body = {
            "v": 1,
            "title": self.title,
            "file": self.file,
            "paragraphs": [{"id": paragraph.id, "text": paragraph.text} for paragraph in self.paragraphs],
        }
        return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()

    @property
    def digest(self) -> str:
        """SHA-256 of `data`, hex."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, slots=True)
class Difference:
    """What became of one paragraph between two versions."""

    change: Change
    id: str
    old: str
    new: str


def split(text: str) -> list[str]:
    """Paragraphs of a typed text: one a line, empty lines dropped."""
    return [line.strip() for line in re.split(r"\n+", text) if line.strip()]


def document(title: str, paragraphs: list[str], previous: Document | None = None, file: str = "") -> Document:
    """A new version: a paragraph like one of the previous version keeps its id, others get the next free one."""
    old = list(previous.paragraphs) if previous else []
    ids = dict(_matches([p.text for p in old], paragraphs))
    free = max((int(p.id[1:]) for p in old), default=0)
    result = []
    for n, text in enumerate(paragraphs):
        if n in ids:
            result.append(Paragraph(old[ids[n]].id, text))
        else:
            free += 1
            result.append(Paragraph(f"p{free}", text))
    return Document(title, tuple(result), file)


def differences(old: Document, new: Document) -> tuple[Difference, ...]:
    """Paragraph by paragraph in the new order; removed ones stand where they were."""
    before = {paragraph.id: paragraph.text for paragraph in old.paragraphs}
    after = {paragraph.id for paragraph in new.paragraphs}
    result: list[Difference] = []
    waiting = list(old.paragraphs)
    for paragraph in new.paragraphs:
        while waiting and waiting[0].id not in after:
            gone = waiting.pop(0)
            result.append(Difference("removed", gone.id, gone.text, ""))
        if paragraph.id not in before:
            result.append(Difference("added", paragraph.id, "", paragraph.text))
            continue
        if waiting and waiting[0].id == paragraph.id:
            waiting.pop(0)
        change: Change = "same" if before[paragraph.id] == paragraph.text else "changed"
        result.append(Difference(change, paragraph.id, before[paragraph.id], paragraph.text))
    seen = {difference.id for difference in result}
    result += [Difference("removed", gone.id, gone.text, "") for gone in waiting if gone.id not in after | seen]
    return tuple(result)


def load(data: bytes) -> Document:
    """A document from its kept bytes."""
    body: dict[str, Any] = json.loads(data)
    return Document(body["title"], tuple(Paragraph(p["id"], p["text"]) for p in body["paragraphs"]), body["file"])


def _matches(old: list[str], new: list[str]) -> list[tuple[int, int]]:
    """(new index, old index) of paragraphs that are the same or clearly a revision of each other."""
    found: list[tuple[int, int]] = []
    for tag, a0, a1, b0, b1 in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            found += zip(range(b0, b1), range(a0, a1), strict=True)
        elif tag == "replace":
            found += _revised(old, new, range(a0, a1), range(b0, b1))
    return found


def _revised(old: list[str], new: list[str], olds: range, news: range) -> list[tuple[int, int]]:
    left, found = list(olds), []
    for n in news:
        best = max(left, key=lambda o: _alike(old[o], new[n]), default=None)
        if best is not None and _alike(old[best], new[n]) >= 0.5:
            found.append((n, best))
            left = [o for o in left if o > best]
    return found


def _alike(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()
