"""我的履职记录: what an official did, by the record, for that official alone; to be kept when somebody asks years later.

Reading one's own leaves no look on record; nobody but the person has this page, and inspectors have their own (/trace).
"""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from decisionflow.core.facts import legal_date
from decisionflow.service import register
from decisionflow.service.reads import career
from decisionflow.web import doors
from decisionflow.web.pages.trace import extract

router = APIRouter(include_in_schema=False)
HERE = "/me/record"


@router.get("/me/record")
def my_record(
    visit: doors.OwnVisit, year: str = "", action: str = "", track: str = "", case: str = "", only: str = "",
    before: str = "",
) -> HTMLResponse:  # fmt: skip
    person = _settled(visit)
    wanted = career.Wanted(year, action, track, case.strip(), only == "dissent", only == "late", before)
    with visit.site.store.read() as connection:
        known = register.person(connection, person)
        posts = career.posts(connection, visit.authority, person)
        found = career.page(connection, visit.authority, person, wanted, visit.now)
        since = career.begins(connection, visit.authority)
    chosen = {"year": year, "action": action, "track": track, "case": wanted.case, "only": only}
    kept = {name: value for name, value in chosen.items() if value}
    return visit.page(
        "my_record", person=known, posts=posts, drawing=career.drawing(posts, legal_date(visit.now)), found=found,
        chosen=chosen, path=HERE, filtered=bool(kept or before), since=since,
        older=f"{HERE}?{urlencode({**kept, 'before': found.after})}" if found.after else "",
    )  # fmt: skip


@router.get("/me/record.xlsx")
def my_extract(visit: doors.OwnVisit, year: str = "") -> Response:
    """The same as a table, of one year or of all."""
    return extract(visit, visit.authority, _settled(visit), year)


def _settled(visit: doors.Owner) -> str:
    """The person, once what the account asks first is done. Raises NeedSettling."""
    if visit.session.must:
        raise doors.NeedSettling(visit.session.must)
    return visit.session.person
