"""The worked example in docs/reference/trail-format.md is what the code makes, and the README in packages is complete."""

from __future__ import annotations

from pathlib import Path

import pytest

from decisionflow.trail import canonical, chain, checkpoint, commitment, merkle, verify
from tests.trail import making

DOC = (Path(__file__).parents[2] / "docs" / "reference" / "trail-format.md").read_text(encoding="utf-8")
README = (Path(verify.__file__).parent / "package-readme.txt").read_text(encoding="utf-8")


def example() -> dict[str, str]:
    """Every value of the worked example, by what it is."""
    key = checkpoint.PrivateKey("example.org/log", bytes(32))
    salt = bytes(range(32))
    opening = commitment.commit("body.contact", salt, "周")
    times = {"clock": "system", "recorded_at": "2024-03-01T01:00:00.000000Z"}
    first = {
        "authority": "yunhe", "body": {"contact": {"commitment": opening}, "title": "路\n段"},
        "chain": {"id": "1", "kind": "case", "prev": chain.ZERO, "seq": 1}, "id": "a", "kind": "case.opened",
        "times": times, "v": 1,
    }  # fmt: skip
    one = canonical.encode(first)
    second = {**first, "body": {}, "chain": {**first["chain"], "prev": chain.head(one), "seq": 2}, "id": "b"}  # type: ignore[dict-item]
    two = canonical.encode(second)
    log = making.Log()
    log.add(one)
    log.add(two)
    point = checkpoint.Checkpoint(key.name, 2, merkle.root(2, log.read))
    note = checkpoint.sign(checkpoint.format_checkpoint(point), key)
    assert merkle.prove_inclusion(0, 2, log.read) == [log.read(0, 1)]
    return {
        "salt": salt.hex(),
        "commitment": opening,
        "entry 1": one.decode(),
        "entry 1 digest": canonical.digest(one),
        "entry 1 SM3 digest": canonical.digest_sm3(one),
        "leaf 1 hash": log.read(0, 0).hex(),
        "entry 2": two.decode(),
        "entry 2 digest": canonical.digest(two),
        "entry 2 SM3 digest": canonical.digest_sm3(two),
        "leaf 2 hash": log.read(0, 1).hex(),
        "root": point.root.hex(),
        "vkey": key.verifier.vkey,
        "note": note,
        "short code": checkpoint.short_code(point.origin, point.size, point.root),
    }


@pytest.mark.parametrize("name", example())
def test_the_worked_example_is_true(name: str) -> None:
    for line in example()[name].splitlines():
        assert line in DOC, name


def test_the_readme_names_every_kind_of_member_in_both_languages() -> None:
    chinese, english = README.split("\nENGLISH\n")
    for text in (chinese, english):
        for name in (
            "MANIFEST.json", "MANIFEST.note", "checkpoint.txt", "proofs.json", "openings.json", "verify.py", "entries/",
            "blobs/", "procedures/", "calendars/", "notes/", "decisionflow/event/v1", "decisionflow/field/v1",
            "df-leaf/v1", verify.PACKAGE,
        ):  # fmt: skip
            assert name in text
        for number in range(1, 13):
            assert f" {number}. " in text
