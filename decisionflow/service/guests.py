"""An expert who comes by a link (art. 19, 20): first what interest there is, then the papers, then the opinion, signed.

    invited ──declares none──▶ clear ──opens the papers of a version──▶ … ──signs──▶ filed ──▶ corrections only
       └──declares one──▶ recused: the link is over, the next in reserve is invited

The link opens for the browser that opened it first, until its last day or until the invitation ends; an opinion that was
signed can be read on. What is being written lies in a draft that nobody else has a page for. The opinion itself is the
procedure's ordinary act, taken by the expert.
"""

from __future__ import annotations

import io
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, select, text, update

from decisionflow.core import fields, machine
from decisionflow.core import procedure as law
from decisionflow.core.facts import Act, Paper, legal_date
from decisionflow.errors import BadInput, DecisionflowError, Forbidden, NotFound, Problem, Settled
from decisionflow.service import adoption, authorities, choosing, entries, notices, panels, staging, steps
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority
from decisionflow.store.engine import Tx
from decisionflow.store.records import Rows
from decisionflow.store.tables.experts import ExpertLink, Invitation, Panel
from decisionflow.trail import canonical

_L = ExpertLink.__table__  # type: ignore[attr-defined]
_I = Invitation.__table__  # type: ignore[attr-defined]
_P = Panel.__table__  # type: ignore[attr-defined]
_ENTRY = text("select data from trail_entry where authority_id = :a and entry_id = :e")
WORDS = ("necessity", "feasibility", "soundness", "dissent")
FIELDS = (*WORDS, "conclusion", "independent", "name")
LONG = 10_000
INTEREST = 1000


class Over(DecisionflowError):
    """The link led somewhere once; now it leads nowhere, and why."""

    code = "link-over"
    status = 410
    exit = 7


class Elsewhere(Forbidden):
    """The link was opened in another browser first."""

    code = "link-bound"


@dataclass(frozen=True, slots=True)
class Opinion:
    """What an expert writes, as typed."""

    necessity: str = ""
    feasibility: str = ""
    soundness: str = ""
    dissent: str = ""
    conclusion: str = ""
    independent: str = ""
    name: str = ""

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """As a draft keeps it; the signature is given each time anew."""
        return tuple((name, getattr(self, name)) for name in FIELDS if name != "name")


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody behind a link: which case, which invitation, and how they act."""

    authority: Authority
    standing: steps.Standing
    panel: Mapping[str, Any]
    invitation: Mapping[str, Any]
    link: str
    bound: str
    actor: Actor
    action: law.Action

    @property
    def state(self) -> str:
        return str(self.invitation["state"])

    @property
    def version(self) -> int:
        """The version of the draft as it stands; 0 while there is none."""
        return self.standing.facts.text.version if self.standing.facts.text else 0

    @property
    def read(self) -> tuple[int, ...]:
        """The versions whose papers were opened."""
        return tuple(one["version"] for one in orjson.loads(self.invitation["opened"]))

    @property
    def act(self) -> Act | None:
        """The opinion that was signed, as it stands after corrections."""
        return next((act for act in self.standing.facts.acts if act.entry == self.invitation["filed"]), None)

    @property
    def open(self) -> bool:
        """Whether an opinion can be given now."""
        facts = self.standing.facts
        return machine.fits(self.action, facts.stages) and facts.rounds[self.action.track] == self.panel["round"]


# ---- who is there ----------------------------------------------------------------------------------------


def find(connection: Connection, token: str, secret: str, now: datetime) -> Guest:
    """The guest of a link in the browser that opened it. Raises NotFound, Over, Elsewhere."""
    guest = _of(connection, token, now)
    if not guest.bound or not secret or not secrets.compare_digest(panels.hashed(secret), guest.bound):
        say = "这个链接已经在另一台设备或者另一个浏览器里打开过。请用当时的设备，或者请承办单位重新发一个链接"
        raise Elsewhere("bound to another browser", say=say)
    return guest


def is_new(connection: Connection, token: str, now: datetime) -> bool:
    """Whether nobody has opened a link yet. Raises NotFound, Over."""
    return not _of(connection, token, now).bound


def bind(tx: Tx, token: str, secret: str, now: datetime) -> None:
    """Open a link for the first time: from now on it opens for whoever has the secret. Raises NotFound, Over, Elsewhere."""
    _of(tx.connection, token, now)
    first = tx.execute(
        update(_L)
        .where(_L.c.token_hash == panels.hashed(token), _L.c.bound == "")
        .values(bound=panels.hashed(secret), bound_at=now)
    )
    if not first.rowcount:
        find(tx.connection, token, secret, now)


def _of(connection: Connection, token: str, now: datetime) -> Guest:
    link = connection.execute(select(_L).where(_L.c.token_hash == panels.hashed(token))).mappings().first()
    if link is None:
        raise NotFound("no such link", say="没有这个链接，或者邀请已经结束、换了新的链接；请与承办单位联系")
    at = {"authority_id": link["authority_id"], "panel_id": link["panel_id"]}
    invitation = connection.execute(select(_I).filter_by(**at, n=link["n"])).mappings().one()
    panel = (
        connection.execute(select(_P).filter_by(authority_id=at["authority_id"], id=at["panel_id"])).mappings().one()
    )
    authority = authorities.get(connection, link["authority_id"])
    standing = steps.load(connection, authority, panel["no"])
    action = panels.act_of(standing.procedure, "opinion")
    if invitation["state"] == "recused":
        raise Over("recused", say="您已申报与本事项有利害关系，按规定回避，本链接不再有效。谢谢您如实申报")
    if action is None or (invitation["state"] != "filed" and legal_date(now) > invitation["until"]):
        say = f"本链接到{invitation['until']}为止，已经过期；仍需要提意见的，请承办单位延长"
        raise Over("past its last day", say=say)
    if invitation["state"] != "filed" and standing.procedure.is_ended(standing.facts.stages):
        raise Over("the case is over", say="本事项已经办结或者终止，不再接受论证意见")
    return Guest(authority, standing, dict(panel), dict(invitation), link["token_hash"], link["bound"],
                 _actor(authority, standing.procedure, action, invitation, link["token_hash"]), action)  # fmt: skip


def _actor(
    authority: Authority, procedure: law.Procedure, action: law.Action, invitation: Mapping[Any, Any], link: str
) -> Actor:  # fmt: skip
    """The expert as an entry names them: no post, the duty of those from outside, known by the link."""
    duties = tuple(duty for duty in action.by if procedure.duties[duty].outside)
    return Actor(
        authority.id, invitation["person_id"], invitation["name"], "", "", "论证专家", "", invitation["unit"], duties,
        auth={"method": "expert-link", "session": link[:16]},
    )  # fmt: skip


# ---- first the interest --------------------------------------------------------------------------------------


def declare(
    tx: Tx, token: str, secret: str, interest: str, words: str, name: str, now: datetime
) -> str:  # fmt: skip
    """Say whether there is an interest in the matter; only then papers open. The entry's id.

    Raises BadInput, Settled, NotFound, Over, Elsewhere.
    """
    guest = _alone(tx, token, secret, now)
    if guest.state != "invited":
        raise Settled("declared before", say="您已经作过声明；情况有变化的，请告诉承办单位")
    problems = [*_unsigned(guest, name)]
    if interest not in ("yes", "no"):
        problems.append(Problem("interest", "请选择有没有利害关系", rule="D713-36"))
    said = _clean("words", words, INTEREST, problems)
    if interest == "yes" and len(said) < 2:
        problems.append(Problem("words", "请写明是什么利害关系", rule="D713-36"))
    if problems:
        raise BadInput(problems)
    body = {"n": guest.invitation["n"], "of": guest.invitation["entry_id"], "interest": interest == "yes"}
    draft = entries.Draft("panel.declared", body)
    if said:
        draft.body["words"] = entries.commit(draft, "body.words", said)
    if interest == "yes":
        _tell(
            tx, guest, "recused", f"{guest.invitation['name']}申报利害关系，已回避", "请邀请候补的专家，人数不变。", now
        )
    return choosing.write(tx, guest.authority, guest.actor, guest.panel, draft, now)


def open_papers(tx: Tx, token: str, secret: str, now: datetime) -> None:
    """Open the draft and its papers; which version, and when, is recorded once. Raises Settled, NotFound, Over, Elsewhere."""
    guest = _alone(tx, token, secret, now)
    text = guest.standing.facts.text
    if guest.state not in ("clear", "filed"):
        raise Settled("no declaration yet", say="先作利害关系声明，然后才能打开材料")
    if text is None or text.version in guest.read:
        return
    body = {"n": guest.invitation["n"], "of": guest.invitation["entry_id"], "version": text.version, "text": text.sha256,
            "papers": [paper.sha256 for paper in papers(guest)]}  # fmt: skip
    choosing.write(tx, guest.authority, guest.actor, guest.panel, entries.Draft("panel.read", body), now)


def papers(guest: Guest) -> tuple[Paper, ...]:
    """What came with the drafts, the newest of each kind; nothing before a declaration that there is no interest."""
    if guest.state not in ("clear", "filed"):
        return ()
    drafting = {action.id for action in guest.standing.procedure.actions if action.text == "new"}
    found = {paper.kind: paper for act in guest.standing.facts.acts if act.action in drafting for paper in act.papers}
    return tuple(found.values())


def _alone(tx: Tx, token: str, secret: str, now: datetime) -> Guest:
    """The guest, alone at the panel until the end of the transaction."""
    guest = find(tx.connection, token, secret, now)
    return find(tx.connection, token, secret, now) if tx.alone(f"panel:{guest.standing.facts.case}") else guest


def _tell(tx: Tx, guest: Guest, what: str, title: str, line: str, now: datetime) -> None:
    """Tell whoever invited the expert, in their inbox."""
    entry = guest.invitation["entry_id"]
    data = tx.connection.execute(_ENTRY, {"a": guest.authority.id, "e": entry}).scalar_one()
    person, no = canonical.decode(data)["actor"]["person"], guest.standing.facts.no
    href = f"/cases/{no}/experts"
    told = notices.row(guest.authority.id, f"expert:{what}:{entry}", "expert", person, title, [no, line], href, now)
    tx.put(Rows("notice", [told], "ignore"))


def _unsigned(guest: Guest, name: str) -> Iterator[Problem]:
    typed = "".join(name.split())
    if typed != "".join(str(guest.invitation["name"]).split()):
        say = "请写上您的姓名，作为署名" if not typed else f"署名与受邀人不一致：本链接只发给{guest.invitation['name']}"
        yield Problem("name", say, rule="D713-34")


def _clean(name: str, words: str, most: int, problems: list[Problem]) -> str:
    try:
        clean = fields.clean(words, lines=True)
    except ValueError as fault:
        problems.append(Problem(name, str(fault), rule="text"))
        return ""
    if len(clean) > most:
        problems.append(Problem(name, f"太长：{len(clean)}字，最多{most}字", rule="text"))
    return clean


# ---- the opinion -----------------------------------------------------------------------------------------


def place(guest: Guest) -> str:
    """Where a draft lies: with its link, so that whoever is given a new one does not read what was being written."""
    return f"/e/{guest.link}"


def save(tx: Tx, token: str, secret: str, given: Opinion, now: datetime) -> None:
    """Keep what is being written, for its writer alone. Raises Settled, NotFound, Over, Elsewhere."""
    guest = find(tx.connection, token, secret, now)
    if guest.state != "clear":
        raise Settled("nothing to write", say="现在没有可以保存的意见")
    pairs = tuple((name, value[:LONG]) for name, value in given.pairs)
    staging.set_down(tx, guest.authority, guest.actor, place(guest), pairs, str(guest.version), now)


def begun(connection: Connection, guest: Guest, now: datetime) -> tuple[Opinion, datetime | None]:
    """What its writer has begun, and when it was kept."""
    found = staging.begun(connection, guest.authority, guest.actor, place(guest), now)
    return (Opinion(**dict(found.pairs)), found.saved_at) if found else (Opinion(), None)


def file(tx: Tx, token: str, secret: str, given: Opinion, now: datetime) -> steps.Done | steps.Held | None:
    """Sign and hand in the opinion: the procedure's own act. None when it was handed in before (a second press).

    Raises BadInput, Settled, NotFound, Over, Elsewhere.
    """
    guest = _alone(tx, token, secret, now)
    if guest.state == "filed":
        return None
    if guest.state != "clear":
        raise Settled("no declaration yet", say="先作利害关系声明，打开材料，然后才能提意见")
    raw = _checked(guest, given)
    kind = next((paper.kind for paper in guest.action.materials if paper.required), "")
    attached = (_paper(tx, guest, raw, kind, now),) if kind else ()
    ask = steps.Ask(guest.action.id, place(guest), guest.standing.facts.no, raw, attached)
    done = steps.take_step(tx, guest.authority, guest.actor, ask, now)
    if isinstance(done, steps.Held):
        return done
    body = {"n": guest.invitation["n"], "of": guest.invitation["entry_id"], "act": done.entry, "sha256": done.sha256}
    choosing.write(tx, guest.authority, guest.actor, guest.panel, entries.Draft("panel.filed", body), now)
    staging.give_up(tx, guest.authority, guest.actor, place(guest))
    _tell(tx, guest, "filed", f"{guest.invitation['name']}提交了论证意见", "意见已署名，记入案卷。", now)
    return done


def correct(
    tx: Tx, token: str, secret: str, given: Opinion, reason: str, key: str, now: datetime
) -> steps.Done | steps.Held:  # fmt: skip
    """Correct a signed opinion by a new entry; the old one stays. Raises BadInput, Settled, NotFound, Over, Elsewhere."""
    guest = _alone(tx, token, secret, now)
    act = guest.act
    if act is None:
        raise Settled("nothing to correct", say="还没有提交意见")
    raw = _checked(guest, given, corrects=True)
    problems: list[Problem] = []
    why = _clean("reason", reason, 500, problems)
    if len(why) < 2:
        problems.append(Problem("reason", "请写明为什么更正", rule="required"))
    if problems:
        raise BadInput(problems)
    changed = {
        name: value for name, value in raw.items() if name in (*WORDS, "conclusion") and act.fields.get(name) != value
    }
    if not changed:
        raise BadInput([Problem("reason", "内容没有改动", rule="same")])
    ask = steps.Ask(act.action, key, guest.standing.facts.no, changed, reason=why)
    return steps.correct(tx, guest.authority, guest.actor, ask, act.entry, now)


def complete(guest: Guest, given: Opinion) -> None:
    """Whether an opinion lacks nothing but its signature. Raises BadInput."""
    _checked(guest, replace(given, name=str(guest.invitation["name"])))


def _checked(guest: Guest, given: Opinion, *, corrects: bool = False) -> dict[str, Any]:
    """The act's form as the expert filled it in. Raises BadInput with everything that is wrong."""
    problems = [*_unsigned(guest, given.name)]
    said = {name: _clean(name, getattr(given, name), LONG, problems) for name in WORDS}
    wrong = {problem.place for problem in problems}
    titles = {spec.id: spec.title for spec in guest.action.fields}
    problems += [Problem(name, f"请填写{titles[name]}的论证意见", rule="D713-33")
                 for name in WORDS[:3] if not said[name] and name not in wrong]  # fmt: skip
    choices = guest.action.field("conclusion")
    if choices is None or given.conclusion not in choices.choices:
        problems.append(Problem("conclusion", "请选择总体意见", rule="required"))
    if not corrects:
        if given.independent != "yes":
            problems.append(Problem("independent", "请确认独立论证并保守秘密", rule="D713-34"))
        if guest.version not in guest.read:
            problems.append(Problem("", f"草案现在是第 {guest.version} 版，请先打开这一版的材料", rule="D713-33"))
    if problems:
        raise BadInput(problems)
    return {
        "expert": guest.invitation["person_id"], **{name: words for name, words in said.items() if words},
        "conclusion": given.conclusion, "signed": "yes", "independent": "yes",
    }  # fmt: skip


def _paper(tx: Tx, guest: Guest, raw: Mapping[str, Any], kind: str, now: datetime) -> Paper:
    """The opinion as a Word file for the dossier."""
    facts, name = guest.standing.facts, guest.invitation["name"]
    made = adoption.blank(f"关于“{facts.title}”的论证意见")
    made.add_paragraph(f"论证的文本：草案第 {guest.version} 版。")
    specs = {spec.id: spec for spec in guest.action.fields}
    for one in WORDS:
        made.add_heading(specs[one].title, 1)
        for line in str(raw.get(one, "无")).split("\n"):
            made.add_paragraph(line)
    made.add_heading(specs["conclusion"].title, 1)
    made.add_paragraph(specs["conclusion"].choices[raw["conclusion"]])
    made.add_paragraph("本人独立作出以上论证，与本事项没有直接利害关系，并保守秘密。")
    made.add_paragraph(f"{name}（{guest.invitation['unit']}）\n{legal_date(now)}")
    out = io.BytesIO()
    made.save(out)
    return staging.receive(tx.blobs, f"论证意见-{name}.docx", out.getvalue()).paper(kind)
