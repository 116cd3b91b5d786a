"""An inspector who looks backwards: what the tests of persons and decisions looked up share."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import text

from decisionflow.trail import canonical
from tests.web.desk import Desk

INSPECTOR = {"post": ["inspector"], "unit": "区纪委监委", "title": "监察专员", "name": "梁见山"}
COLLEAGUE = {"post": ["inspector"], "unit": "区纪委监委", "title": "监察副专员", "name": "许同文"}
REASON = "区纪委监委〔2024〕3号初核方案"


def look(found: Desk, path: str, reason: str = REASON, who: str = "jiancha", status: int = 200) -> str:
    """Give a reason on a page; what it answers."""
    answer = found.client(who).post(path, data={"csrf": found.csrf(who, "/logout"), "reason": reason})
    assert answer.status_code == status, (answer.status_code, answer.text[:400])
    return str(answer.text)


def looks(found: Desk) -> list[dict[str, Any]]:
    """Every look on record."""
    query = text("select data from trail_entry where kind = 'inspection.looked' order by entry_id")
    with found.site.store.read() as connection:
        return [canonical.decode(row.data) for row in connection.execute(query)]


def words(html: str) -> str:
    """What a page says, without its markup."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def rows(html: str, panel: str) -> list[str]:
    """The rows of the table in a panel, as words."""
    part = re.split(rf'<section[^>]+id="{panel}"', html)[1].split("</section>")[0]
    body = part.split("<tbody>")[1].split("</tbody>")[0] if "<tbody>" in part else ""
    return [words(row).strip() for row in body.split("<tr>")[1:]]
