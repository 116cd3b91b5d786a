"""Who may see what: one function for page, API, job and CLI; default is no.

Acts have their own: `actors.duty_for`. Rights that hang on duties alone are data (``workflows/rights.yaml``); what hangs
on a case is asked of its procedure and facts here. Administrators see no case content; people from outside see only
the cases that name them; everybody else in the government's procedures sees its cases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from decisionflow import paths
from decisionflow.core import procedure as law
from decisionflow.core import source as files
from decisionflow.core.facts import Facts
from decisionflow.core.rights import Rights
from decisionflow.core.rights import read as parse
from decisionflow.service import procedures
from decisionflow.service.actors import Actor, carries


@lru_cache(maxsize=1)
def rights() -> Rights:
    """The rights and scopes that come with the product. Raises BadInput."""
    return read(paths.WORKFLOWS / "rights.yaml")


def read(path: Path) -> Rights:
    """A file of rights. Raises BadInput."""
    known = procedures.find("cn-major-decision@2019.1").duties
    return parse(files.read(path.read_text("utf-8"), str(path)), known)


def has(actor: Actor, right: str) -> bool:
    """Whether an actor's duties carry a right of the site."""
    return rights().gives(right, actor.duties)


def may_see(actor: Actor, procedure: law.Procedure, facts: Facts) -> bool:
    """Whether an actor may open a case (and learn that it exists)."""
    return may_see_all(actor, procedure) or is_named(actor, facts.duties)


def may_see_all(actor: Actor, procedure: law.Procedure) -> bool:
    """Whether an actor may open every case of a procedure: inside the government, or looking into it."""
    inside = {duty for duty in actor.duties if duty in procedure.duties and not procedure.duties[duty].outside}
    return bool(inside) or may_inspect(actor)


def is_named(actor: Actor, duties: Mapping[str, Sequence[object]]) -> bool:
    """Whether the duties of a case name an actor from outside."""
    return any(_names(held, actor) for duty in actor.duties for held in duties.get(duty, ()))


def may_prepare(actor: Actor, procedure: law.Procedure, facts: Facts, action: law.Action) -> bool:
    """Whether an actor works on what an act will hold before it is signed: those who may take the act."""
    return any(carries(procedure, duty, actor, facts) for duty in action.by)


def may_read_opinions(actor: Actor, procedure: law.Procedure, facts: Facts) -> bool:
    """Whether an actor may read the words that the public sent in: those who handle them, and inspectors."""
    return may_inspect(actor) or may_enter_opinions(actor, procedure, facts)


def may_enter_opinions(actor: Actor, procedure: law.Procedure, facts: Facts) -> bool:
    """Whether an actor handles opinions, and so enters what came by letter, telephone or at a meeting.

    Handling is what the procedure says: the duties that ask the public, by opening, prolonging or closing a notice.
    An expert who explains the draft on the same line does not read who sent what.
    """
    duties = {duty for action in procedure.actions if action.consultation for duty in action.by}
    return any(carries(procedure, duty, actor, facts) for duty in duties)


def may_organise_hearing(actor: Actor, procedure: law.Procedure, facts: Facts) -> bool:
    """Whether an actor organises the hearing: who publishes the list of participants also judges and draws."""
    duties = {duty for action in procedure.actions if action.hearing == "list" for duty in action.by}
    return any(carries(procedure, duty, actor, facts) for duty in duties)


def may_read_signups(actor: Actor, procedure: law.Procedure, facts: Facts) -> bool:
    """Whether an actor may read who signed up for a hearing: those who organise it, and inspectors."""
    return may_inspect(actor) or may_organise_hearing(actor, procedure, facts)


def may_review(actor: Actor, procedure: law.Procedure, facts: Facts, action: law.Action) -> bool:
    """Whether an actor prepares a legal review: those who may conclude it with this act."""
    return any(carries(procedure, duty, actor, facts) for duty in action.by)


def may_read_review(actor: Actor, procedure: law.Procedure, facts: Facts, action: law.Action) -> bool:
    """Whether an actor may read the working sheet of a legal review: those who prepare it, and inspectors."""
    return may_inspect(actor) or may_review(actor, procedure, facts, action)


def may_keep_meetings(actor: Actor) -> bool:
    """Whether an actor calls meetings, keeps their agenda and files their minutes: the office and the secretary."""
    return has(actor, "meet")


def may_choose_experts(actor: Actor, procedure: law.Procedure, facts: Facts) -> bool:
    """Whether an actor chooses the experts of a case: who selects them also freezes, draws and invites."""
    duties = {duty for action in procedure.actions if action.panel == "select" for duty in action.by}
    return any(carries(procedure, duty, actor, facts) for duty in duties)


def may_read_panel(actor: Actor, procedure: law.Procedure, facts: Facts) -> bool:
    """Whether an actor may see who was asked and what they declared: those who choose them, and inspectors."""
    return may_inspect(actor) or may_choose_experts(actor, procedure, facts)


def may_keep_pool(actor: Actor) -> bool:
    """Whether an actor keeps the expert pool (art. 21)."""
    return has(actor, "keep_pool")


def may_read_pool(actor: Actor) -> bool:
    """Whether an actor may look into the expert pool: who keeps it, who chooses from it, and inspectors."""
    return has(actor, "read_pool")


def _names(held: object, actor: Actor) -> bool:
    """By the register's id where there is one; a name from outside the register can only be compared as a name."""
    if not isinstance(held, dict):
        return False
    if held.get("id"):
        return held["id"] in (actor.unit, actor.post, actor.person)
    return held.get("name") == actor.name


def may_list(actor: Actor) -> bool:
    """Whether an actor has a use for lists of cases at all."""
    return has(actor, "list")


def may_inspect(actor: Actor) -> bool:
    """Whether an actor may look up persons and decisions backwards (倒查)."""
    return has(actor, "inspect")


def may_administer(actor: Actor) -> bool:
    """Whether an actor keeps the system running; never more than that."""
    return bool(set(rights().keepers) & set(actor.duties))


def may_keep_register(actor: Actor) -> bool:
    """Whether an actor writes down units, posts, persons and appointments."""
    return has(actor, "keep_register")


def may_publish_rules(actor: Actor) -> bool:
    """Whether an actor may propose or publish procedures, calendars and official texts."""
    return has(actor, "publish_rules")


def may_keep_accounts(actor: Actor) -> bool:
    """Whether an actor keeps accounts: the security administrator, and no other of the three."""
    return has(actor, "keep_accounts")


def may_confirm_accounts(actor: Actor, proposed_by: str) -> bool:
    """Whether an actor may confirm what another proposed for an account; never one's own proposal."""
    return has(actor, "confirm_accounts") and actor.person != proposed_by


def may_see_accounts(actor: Actor) -> bool:
    """Whether an actor sees the accounts at all: who keeps them, and who confirms."""
    return has(actor, "confirm_accounts")


def may_audit(actor: Actor) -> bool:
    """Whether an actor reads the security record of the authority; never the sealed lines of inspectors."""
    return has(actor, "audit")


def may_see_policies(actor: Actor) -> bool:
    """Whether an actor sees who has which right: those who keep the system in any of the three ways, and inspectors."""
    return may_administer(actor) or may_inspect(actor)


def may_keep_powers(actor: Actor) -> bool:
    """Whether an actor imports and adjusts the lists of powers."""
    return has(actor, "keep_powers")


def may_supervise(actor: Actor) -> bool:
    """Whether an actor sees the supervision board: supervision, inspectors, the office and the leaders."""
    return has(actor, "supervise")
