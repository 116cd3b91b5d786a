"""P6: the published catalogue of a year, and from each item to the decision that came of it."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from decisionflow.errors import NotFound
from decisionflow.service import authorities
from decisionflow.service.reads import public_case, public_list
from decisionflow.web import doors, portal

router = APIRouter(include_in_schema=False)


@router.get("/public/catalogue")
def newest(visit: doors.PasserVisit) -> Response:
    return _catalogue(visit, 0)


@router.get("/public/catalogue/{year}")
def of_year(visit: doors.PasserVisit, year: int) -> Response:
    return _catalogue(visit, year)


def _catalogue(visit: doors.Visit, year: int) -> Response:
    with visit.site.store.read() as connection:
        mark = public_list.mark(connection)

    def make(anybody: doors.Visit) -> Response:
        with visit.site.store.read() as connection:
            found = [(one, public_case.books(connection, one, visit.now)) for one in authorities.everyone(connection)]
        years = sorted({book.year for _, books in found for book in books}, reverse=True)
        if year and year not in years:
            raise NotFound(f"no catalogue of {year}", say=f"没有公布过{year}年度的目录")
        chosen = year or next(iter(years), 0)
        shown = [(one.name, book) for one, books in found for book in books if book.year == chosen]
        return anybody.page("public_catalogue", years=years, chosen=chosen, shown=shown, states=public_case.STATES)

    return portal.kept(visit, year, mark, make)
