"""The reading page of an evidence package: one HTML file that opens without us, without a network and without scripts.

It is made from what the package holds and from nothing else, so that a part held back stays held back. It is a help to
read, never evidence: that is the entries, which `verify.py` checks.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from decisionflow import render
from decisionflow.core import procedure as law
from decisionflow.core import texts
from decisionflow.core.facts import instant
from decisionflow.errors import DecisionflowError
from decisionflow.service.reads import wording
from decisionflow.service.reads.timeline import KINDS
from decisionflow.trail import bundle, canonical, verify

CHAINS: Mapping[str, str] = {
    "case": "办理记录", "consultation": "征求意见", "meeting": "会议、听证和专家论证", "register": "机构、岗位、人员的登记",
    "procedure": "程序的公布", "calendar": "工作日历的公布", "security": "安全记录",
}  # fmt: skip
TITLES: Mapping[str, str] = {
    **KINDS, "consultation.opened": "公告征求意见", "consultation.extended": "延长征求意见",
    "consultation.closed": "征求意见结束", "opinion.received": "收到一条意见", "meeting.called": "召集会议",
    "meeting.changed": "更改会议", "papers.opened": "打开上会材料", "meeting.read_out": "宣读会议记录",
    "hearing.announced": "公告听证", "hearing.listed": "公布参加人名单", "lot.frozen": "固定名单", "lot.drawn": "抽取",
    "lot.voided": "作废抽取", "unit.registered": "登记机构", "unit.renamed": "机构改名", "unit.abolished": "撤销机构",
    "post.created": "设置岗位", "power.listed": "权责事项列入清单", "power.ended": "权责事项调整或者取消",
    "person.registered": "登记人员",
    "appointment.made": "任职", "appointment.ended": "免职",
    "procedure.published": "公布程序", "calendar.published": "公布工作日历",
}  # fmt: skip
KEYS: Mapping[str, str] = {
    "no": "编号", "title": "名称", "opens_on": "开始", "ends_on": "截止", "words": "内容", "stance": "态度", "receipt": "回执号",
    "channel": "渠道", "paragraph": "针对的段落", "opinions": "意见条数", "notice": "公告", "chair": "主持人", "place": "地点",
    "planned_on": "日期", "starts": "时间", "version": "版本", "name": "名称", "short": "简称", "note": "区别", "duties": "职责",
    "document": "文号", "valid_from": "自", "valid_to": "至", "acting": "代理", "unit": "机构编号", "post": "岗位编号",
    "person": "人员编号", "appointment": "任职编号", "reason": "理由",
}  # fmt: skip
CLOSED = "（个人信息，本包没有打开）"


@dataclass(frozen=True, slots=True)
class Paper:
    """A file that an entry names; `href` is '' when the package leaves it out, and `why` says so. `words` is its text."""

    title: str
    sha256: str
    href: str
    why: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One entry in words. `member` is where its bytes lie in the package."""

    anchor: str
    n: int
    title: str
    who: str
    person: str
    happened: str
    recorded: str
    late: str
    cites: tuple[str, ...]
    moved: str
    said: tuple[tuple[str, str], ...]
    papers: tuple[Paper, ...]
    member: str
    place: int


def page(package: bundle.Package) -> bytes:
    """The page, UTF-8; the same package gives the same bytes."""
    book = _Book(package)
    chains: dict[tuple[str, str], list[Line]] = {}
    for entry in package.entries:
        record = canonical.decode(entry.data)
        chain = record["chain"]
        chains.setdefault((chain["kind"], chain["id"]), []).append(book.line(record, entry.position))
    people: dict[str, list[Line]] = {}
    for (kind, _), lines in chains.items():
        for one in lines:
            if one.person and kind in ("case", "consultation", "meeting"):
                people.setdefault(one.person, []).append(one)
    named = [("；".join(dict.fromkeys(one.who for one in lines)), lines) for lines in people.values()]
    style = render.document("reader.css")
    mark = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return render.document(
        "reader.html", package=package, style=style, mark=mark, people=named, size=len(package.entries),
        whole={(one.kind, one.id): one.seq for one in package.complete},
        chains=[(CHAINS[kind], kind, chain, lines) for (kind, chain), lines in chains.items()],
    ).encode()  # fmt: skip


class _Book:
    """What the entries of a package may be read with: its rules, its openings, its files."""

    def __init__(self, package: bundle.Package) -> None:
        self.package = package
        self.openings = {(one.entry, one.path): one.value for one in package.openings}
        self.procedures = {digest: law.load(content) for digest, content in package.procedures.items()}
        self.now: law.Procedure | None = next(iter(self.procedures.values()), None)

    def line(self, record: Mapping[str, Any], place: int) -> Line:
        body, actor, times = record["body"], record["actor"], record["times"]
        self._turn(body)
        action = self.now.action(str(body.get("action", ""))) if self.now else None
        post = f"{actor.get('unit_name', '')} {actor.get('post_title', '')}".strip()
        return Line(
            f"e-{record['id']}", record["chain"]["seq"], _title(record, action), f"{post} {actor['name']}".strip(),
            "" if actor["kind"] == "system" else actor["person"], render.moment(instant(times["happened_at"])),
            render.moment(instant(times["recorded_at"])), _late(times), tuple(self._cites(body)), self._moved(body),
            tuple(self._said(record, action)), tuple(self._papers(record)), verify.member_of(record), place,
        )  # fmt: skip

    def _turn(self, body: Mapping[str, Any]) -> None:
        """Entries are read by the rules that were in force for the case then."""
        named = body.get("procedure")
        digest = named.get("digest") if isinstance(named, dict) else named
        if isinstance(digest, str) and digest in self.procedures:
            self.now = self.procedures[digest]

    def _cites(self, body: Mapping[str, Any]) -> Iterator[str]:
        for name in body.get("rules", ()):
            rule = self.now.rules.get(name) if self.now else None
            if self.now is not None and rule is not None:
                yield f"{law.say_cite(rule, self.now.sources[rule.source])}（{name}）"
            else:
                yield str(name)

    def _moved(self, body: Mapping[str, Any]) -> str:
        track = self.now.tracks.get(str(body.get("track", ""))) if self.now else None
        if track is None or body.get("before") == body.get("after"):
            return ""
        return f"{track.title}：{track.stages.get(body['before'], '')} → {track.stages.get(body['after'], '')}"

    def _said(self, record: Mapping[str, Any], action: law.Action | None) -> Iterator[tuple[str, str]]:
        body = record["body"]
        if action is not None:
            for spec in action.fields:
                value = self._opened(record["id"], f"body.fields.{spec.id}", body.get("fields", {}).get(spec.id))
                if said := wording.words(spec, value):
                    yield spec.title, said
        else:
            yield from self._plain(record["id"], "body", body)
        for one in body.get("deviations", ()):
            yield "偏离一般要求，理由", str(one.get("reason", "")) if isinstance(one, dict) else str(one)
        if action is not None and body.get("reason"):
            yield "理由", str(body["reason"])

    def _opened(self, entry: str, path: str, value: Any) -> Any:
        """The value with what the package opens put in place, and long texts in full."""
        if isinstance(value, dict) and "commitment" in value:
            return self.openings.get((entry, path), CLOSED)
        if isinstance(value, dict) and "excerpt" in value:
            content = self.package.blobs.get(str(value.get("blob", "")))
            return content.decode("utf-8", "replace") if content is not None else value
        if isinstance(value, dict):
            return {key: self._opened(entry, f"{path}.{key}", one) for key, one in value.items()}
        if isinstance(value, list):
            return [self._opened(entry, f"{path}[{n}]", one) for n, one in enumerate(value)]
        return value

    def _plain(self, entry: str, path: str, body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """A body that no form describes: its own keys, in the order of their names."""
        for key, value in sorted(body.items()):
            if key in ("papers", "text", "stages", "procedure", "case"):
                continue
            opened = self._opened(entry, f"{path}.{key}", value)
            yield (
                KEYS.get(key, key),
                opened if isinstance(opened, str) else canonical.encode({"v": opened}).decode()[5:-1],
            )

    def _papers(self, record: Mapping[str, Any]) -> Iterator[Paper]:
        for ref in verify.references(record):
            if ref.what == "blob":
                content = self.package.blobs.get(ref.digest)
                held = content is not None
                why = "" if held else self.package.withheld.get(ref.digest, "本包未附")
                href = f"blobs/{ref.digest}" if held else ""
                yield Paper(ref.title or "长文本", ref.digest, href, why, _words(content))


def _title(record: Mapping[str, Any], action: law.Action | None) -> str:
    if action is not None:
        return str(record["body"].get("title") or action.title)
    return TITLES.get(record["kind"], record["kind"])


def _late(times: Mapping[str, Any]) -> str:
    if not times.get("late"):
        return ""
    return "补录。" + "".join(f"{title}：{times[key]}。" for key, title in (("evidence", "依据"), ("reason", "理由"))
                             if times.get(key))  # fmt: skip


def _words(content: bytes | None) -> tuple[str, ...]:
    """A draft's paragraphs, or a plain text's lines; none of anything else."""
    if content is None:
        return ()
    try:
        return tuple(one.text for one in texts.load(content).paragraphs)
    except (DecisionflowError, ValueError, KeyError, TypeError):
        pass
    try:
        words = content.decode("utf-8")
    except UnicodeDecodeError:
        return ()
    return tuple(words.splitlines()) if "\0" not in words else ()
