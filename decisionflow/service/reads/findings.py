"""One finding as data, by the published schema: the same object on API, command line and in reports (DESIGN §10)."""

from __future__ import annotations

from typing import Any

from decisionflow.core.gates import Finding


def as_json(finding: Finding) -> dict[str, Any]:
    """A finding with its rule, citations, strength, sentence, who mends it, from when, and what would help."""
    return {
        "rule": finding.rule, "code": finding.code,
        "cites": [{"law": c.law, "article": c.article, "paragraph": c.paragraph, "item": c.item, "say": c.say,
                   "confirmed": c.confirmed} for c in finding.cites],
        "strength": finding.strength, "blocking": finding.blocking, "say": finding.say, "detail": finding.detail,
        "who": {"duty": finding.who, "title": finding.who_title},
        "earliest_on": finding.earliest_on.isoformat() if finding.earliest_on else None, "provisional": finding.provisional,
        "remedies": [{"rel": r.rel, "name": r.name, "title": r.title} for r in finding.remedies],
    }  # fmt: skip
