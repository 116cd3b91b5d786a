"""Official texts that an operator loads: kept as they came, by their hash, and shown beside our restatement.

The product ships restatements only. A text is a file (plain text, or any document); of a plain text the article
that a rule names can be shown. Loading a text leaves an entry, so that it can be said later who loaded what when.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath

from sqlalchemy import Connection, select

from decisionflow.core import procedure as law
from decisionflow.core.facts import Timing
from decisionflow.errors import BadInput, Forbidden, Problem, Settled
from decisionflow.service import entries, permissions, projections, shipped
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority
from decisionflow.store.blobs import Blobs, kind_of
from decisionflow.store.engine import Tx
from decisionflow.store.records import Record
from decisionflow.store.tables.rules import LawText

_TEXTS = LawText.__table__  # type: ignore[attr-defined]
LARGEST = 20 * 1024 * 1024
_ARTICLE = re.compile(r"^[ \t　]*第([零一二三四五六七八九十百千]+)条[ \t　]*", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Text:
    """An official text as it was loaded."""

    law: str
    sha256: str
    title: str
    name: str
    type: str
    size: int
    imported_at: datetime
    person_name: str


def load(
    tx: Tx, authority: Authority, source: str, name: str, data: bytes, actor: Actor, now: datetime
) -> Text:  # fmt: skip
    """Keep the official text of an instrument. Raises Forbidden, BadInput, Settled."""
    if not permissions.may_publish_rules(actor):
        raise Forbidden("may not load laws", say="只有合法性审查部门、政府办公室的人员可以载入官方文本")
    instrument = shipped.registry().sources.get(source)
    if instrument is None:
        known = "、".join(sorted(shipped.registry().sources)[:6])
        raise BadInput([Problem("--law", f"规则库里没有法源“{source}”（有 {known} 等）", rule="source-unknown")])
    if not data.strip():
        raise BadInput([Problem("FILE", "文件是空的", rule="required")])
    if len(data) > LARGEST:
        raise BadInput([Problem("FILE", f"文件超过 {LARGEST // 1024 // 1024} MB", rule="too-large")])
    stored = tx.blobs.put(data, kind_of(name, data))
    if any(one.sha256 == stored.sha256 for one in texts(tx.connection, authority, source)):
        raise Settled("text is loaded", say=f"《{instrument.title}》的这份文本已经载入过")
    kept_as = PurePath(name).name[:200]
    body = {"law": source, "title": instrument.title, "name": kept_as, "sha256": stored.sha256,
            "type": stored.type, "bytes": stored.size}  # fmt: skip
    draft = entries.Draft("law.imported", body, blobs=[stored.row(now)])
    at = entries.head(tx.connection, authority.id, "procedure", "laws")
    composed = entries.compose(draft, at, actor, Timing(now), clock=authority.clock)
    tx.add(Record(composed.append, (*composed.rows, *projections.law_rows(composed.record))))
    return Text(source, stored.sha256, instrument.title, kept_as, stored.type, stored.size, now, actor.name)


def texts(connection: Connection, authority: Authority, source: str = "") -> tuple[Text, ...]:
    """The official texts that were loaded, of one instrument or of all; the newest first."""
    wanted = _TEXTS.c.authority_id == authority.id
    if source:
        wanted &= _TEXTS.c.law == source
    rows = connection.execute(select(_TEXTS).where(wanted).order_by(_TEXTS.c.law, _TEXTS.c.entry_id.desc())).mappings()
    return tuple(Text(*(row[name] for name in Text.__dataclass_fields__)) for row in rows)


def article(blobs: Blobs, found: Text, number: str) -> str:
    """The words of an article in a loaded plain text; '' when it cannot be found in it."""
    if not found.type.startswith("text/") or not number.isdigit():
        return ""
    words = blobs.get(found.sha256).decode("utf-8", "replace")
    wanted = law.say_number(int(number))
    heads = list(_ARTICLE.finditer(words))
    for n, head in enumerate(heads):
        if head[1] == wanted:
            end = heads[n + 1].start() if n + 1 < len(heads) else len(words)
            return words[head.start() : end].strip()
    return ""
