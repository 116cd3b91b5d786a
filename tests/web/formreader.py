"""A form as a browser without scripts reads it: what is in it, what a press on a button sends."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urldefrag

from starlette.testclient import TestClient

from tests.web.desk import Desk

Upload = tuple[str, bytes, str]


@dataclass
class Sheet(HTMLParser):
    """The one POST form of a page, filled in as it stands."""

    action: str = ""
    pairs: list[tuple[str, str]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    buttons: list[dict[str, str]] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    multipart: bool = False

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._inside = False
        self._area: str | None = None
        self._select: str | None = None
        self._words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "id" in given:
            self.ids.add(given["id"])
        if tag == "form" and given.get("method") == "post":
            self._inside, self.action, self.multipart = True, given["action"], "enctype" in given
        if not self._inside:
            return
        name = given.get("name", "")
        if tag == "button":
            self.buttons.append(given)
        elif tag == "textarea":
            self._area, self._words = name, []
        elif tag == "select":
            self._select = name
            self.names.add(name)
        elif tag == "option" and self._select is not None and "selected" in given:
            self.pairs.append((self._select, given["value"]))
        elif tag == "input":
            self.names.add(name)
            kind = given.get("type", "text")
            if kind not in ("file", "submit") and (kind not in ("radio", "checkbox") or "checked" in given):
                self.pairs.append((name, given.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        elif tag == "select":
            self._select = None
        elif tag == "textarea" and self._area is not None:
            self.names.add(self._area)
            words = "".join(self._words)
            self.pairs.append((self._area, words.removeprefix("\n")))
            self._area = None

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self._words.append(data)

    def value(self, name: str) -> str:
        """What stands in a field."""
        return next((value for key, value in reversed(self.pairs) if key == name), "")

    def fill(self, **values: Any) -> Sheet:
        """Write into fields; ``__`` stands for the dot of a name, a list ticks several boxes."""
        return self.put({name.replace("__", "."): value for name, value in values.items()})

    def put(self, values: dict[str, Any]) -> Sheet:
        """Write into fields by their names on the wire, whether the page has them or not."""
        self.pairs = [(name, value) for name, value in self.pairs if name not in values]
        for name, value in values.items():
            self.pairs += [(name, one) for one in (value if isinstance(value, list) else [value])]
        return self

    def press(
        self, client: TestClient, button: str = "", *, files: list[tuple[str, Upload]] | None = None, to: str = ""
    ) -> Any:
        """Send the form by a button (its value or its words' name), or by the Enter key."""
        pressed = next((one for one in self.buttons if button and button in (one.get("value"), one.get("name"))), {})
        pairs = [*self.pairs, *([(pressed["name"], pressed.get("value", ""))] if pressed.get("name") else [])]
        path = to or urldefrag(pressed.get("formaction", "") or self.action).url
        parts: list[tuple[str, Any]] = [(name, (None, value)) for name, value in pairs]
        return client.post(path, files=[*parts, *(files or [])])


def read(html: str) -> Sheet:
    """The form of a page."""
    sheet = Sheet()
    sheet.feed(html)
    return sheet


def opened(desk: Desk, who: str, path: str, status: int = 200) -> Sheet:
    """The form at an address, as somebody sees it."""
    return read(desk.get(who, path, status))
