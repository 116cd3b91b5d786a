"""The API's description that is kept beside the documents is that of the code."""

from __future__ import annotations

import json

from docs.reference import openapi


def test_the_file_describes_the_api_as_it_is() -> None:
    assert openapi.described() == openapi.FILE.read_text("utf-8"), "run: python -m docs.reference.openapi"


def test_the_file_knows_every_address_that_the_reference_tells_of() -> None:
    page = openapi.FILE.with_name("api.md").read_text("utf-8")
    table = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    told = {part.split()[-1].partition("?")[0] for cell in table for part in cell.replace("`", "").split(",")}
    known = {path.removeprefix("/api/v1") for path in json.loads(openapi.FILE.read_text("utf-8"))["paths"]}
    assert told == known
