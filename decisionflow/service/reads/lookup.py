"""One article looked up: our restatement, the official words if they were loaded, where its rules act, what they stopped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, text

from decisionflow.core import procedure
from decisionflow.core.facts import instant, legal_date
from decisionflow.errors import NotFound
from decisionflow.service import laws, procedures, shipped
from decisionflow.service.authorities import Authority
from decisionflow.service.reads import coverage
from decisionflow.store.blobs import Blobs
from decisionflow.trail import canonical


@dataclass(frozen=True, slots=True)
class Stopped:
    """A submitted act that a rule refused: which case, which action, when. Nobody is named (asking is free)."""

    no: str
    action: str
    on: date


@dataclass(frozen=True, slots=True)
class Bound:
    """A rule with where it acts and what it stopped here."""

    line: coverage.Line
    stopped: tuple[Stopped, ...]


@dataclass(frozen=True, slots=True)
class Article:
    """An article of an instrument."""

    law: str
    article: str
    instrument: procedure.Instrument
    rules: tuple[Bound, ...]
    texts: tuple[laws.Text, ...]
    words: str


_REFUSED = text("""
    select data from trail_entry
    where authority_id = :a and chain_kind = 'security' and kind = 'step.refused' order by chain_seq
""")


def article(
    connection: Connection | None, blobs: Blobs | None, authority: Authority | None, source: str, number: str
) -> Article:
    """What is known of an article; without a database only what the release brings. Raises NotFound."""
    registry = shipped.registry()
    instrument = registry.sources.get(source)
    if instrument is None:
        raise NotFound(f"no law {source!r}", say=f"规则库里没有法源“{source}”")
    mine = [rule for rule in registry.rules.values() if rule.source == source and number in (rule.article, *rule.also)]
    if not mine:
        raise NotFound(f"no rule for {source} {number}", say=f"规则库里没有《{instrument.title}》第{number}条的规则")
    chosen = [procedures.read(path) for path in shipped.procedure_files()]
    lines = coverage.coverage(chosen, registry, coverage.known_elsewhere())
    refused = list(stopped(connection, authority)) if connection is not None and authority is not None else []
    texts = laws.texts(connection, authority, source) if connection is not None and authority is not None else ()
    words = next((found for one in texts if blobs is not None and (found := laws.article(blobs, one, number))), "")
    bound = tuple(
        Bound(lines[rule.id], tuple(one for name, one in refused if name == rule.id))
        for rule in mine
    )  # fmt: skip
    return Article(source, number, instrument, bound, texts, words)


def stopped(connection: Connection, authority: Authority, rules: Iterable[str] = ()) -> Iterator[tuple[str, Stopped]]:
    """The refused acts of a government by rule, oldest first."""
    wanted = set(rules)
    for row in connection.execute(_REFUSED, {"a": authority.id}):
        record = canonical.decode(row.data)
        body, on = record["body"], legal_date(instant(record["times"]["recorded_at"]))
        for name in dict.fromkeys(one["rule"] for one in body["findings"]):
            if not wanted or name in wanted:
                yield name, Stopped(body.get("case", ""), body["action"], on)


def as_json(found: Article) -> dict[str, Any]:
    """An article as the API and the command give it."""
    return {
        "law": found.law, "article": found.article, "title": found.instrument.title, "words": found.words,
        "rules": [
            {"id": one.line.rule.id, "title": one.line.rule.title, "say": one.line.rule.say,
             "mark": one.line.rule.confirmed, "state": one.line.state,
             "places": [{"procedure": place.procedure, "kind": place.kind, "say": place.say} for place in one.line.places],
             "stopped": [{"no": stop.no, "action": stop.action, "on": stop.on.isoformat()} for stop in one.stopped]}
            for one in found.rules
        ],
        "texts": [{"sha256": text.sha256, "name": text.name, "by": text.person_name} for text in found.texts],
    }  # fmt: skip
