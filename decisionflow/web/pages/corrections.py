"""责令改正: what was ordered, and what became of it, over all cases that one may see; the acts are taken in the case."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from decisionflow.errors import NotFound
from decisionflow.service import permissions
from decisionflow.service.reads import corrections as reads
from decisionflow.service.reads import stored
from decisionflow.web import doors

router = APIRouter(include_in_schema=False)


@router.get("/corrections")
def corrections(visit: doors.StaffVisit, state: str = "") -> HTMLResponse:
    if not permissions.may_list(visit.actor):
        raise NotFound("no lists for this post", say="没有这个页面")
    state = state if state in reads.STATES else ""
    with visit.site.store.read() as connection:
        seen = stored.visible(connection, visit.authority, visit.actor)
    every = reads.corrections(seen, visit.now)
    chips = [
        {"title": title, "href": f"/corrections?state={key}" if key else "/corrections", "current": key == state,
         "count": sum(key in ("", one.state) for one in every)}
        for key, title in {"": "全部", **reads.STATES}.items()
    ]  # fmt: skip
    shown = [one for one in every if state in ("", one.state)]
    return visit.page("corrections", found=shown, outcomes=reads.outcomes(seen), states=reads.STATES, groups=chips)
