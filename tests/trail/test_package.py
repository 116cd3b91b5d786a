"""The evidence package: whole it passes, and whatever is done to it, it never passes again."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest

from decisionflow.trail import bundle, canonical, checkpoint, merkle, verify
from tests.trail import making
from tests.trail.making import KEY, ORIGIN, STRANGER

PACKAGE = bundle.pack(making.package(), KEY)
MEMBERS = verify.unpack(PACKAGE)
TRUST = making.trust()
CASE_ENTRIES = sorted(name for name in MEMBERS if name.startswith("entries/case/"))
CONSULTATION = next(name for name in MEMBERS if name.startswith("entries/consultation/"))
REGISTER = next(name for name in MEMBERS if name.startswith("entries/register/"))
PAPER = f"blobs/{making.sha256(making.PAPER)}"
LISTS = {"MANIFEST.json", "MANIFEST.note"}


def judged(members: dict[str, bytes], trust: verify.Trust | None = TRUST) -> verify.Report:
    return verify.verify(making.rezip(members), trust)


def edited(name: str, edit: Callable[[dict[str, Any]], object]) -> dict[str, bytes]:
    """The members with one of the package's JSON lists changed."""
    value = orjson.loads(MEMBERS[name])
    edit(value)
    return {**MEMBERS, name: verify.canonical(value)}


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1 << place % 8]) + data[place + 1 :]


# ---- whole


def test_a_whole_package_passes_with_the_log_key_trusted() -> None:
    report = verify.verify(PACKAGE, TRUST)
    assert report.say == "通过：2 件材料、5 条记录与 2024-04-01 的检查点（树大小 12）一致"
    assert (report.verdict, report.exit) == ("passed", 0)
    assert {check.status for check in report.checks} == {"passed"}
    assert (report.origin, report.no, report.title, report.size) == (ORIGIN, "YH-2024-001", "大运河路", 12)
    assert report.signed_by == (KEY.verifier.vkey,)


def test_without_a_trust_file_a_whole_package_is_undecided() -> None:
    for trust in (None, verify.Trust()):
        report = verify.verify(PACKAGE, trust)
        assert (report.verdict, report.exit) == ("undecided", 6)
    assert verify.verify(PACKAGE).say == "无法判断：内部一致，缺少可信公钥"


def test_a_trust_file_without_the_signing_key_leaves_it_undecided() -> None:
    other = checkpoint.PrivateKey("gov.example.cn/other", KEY.seed)
    for key in (STRANGER, other):
        report = verify.verify(PACKAGE, making.trust(key))
        assert report.say == "无法判断：内部一致，签名者不在可信公钥之中"


def test_two_packings_give_the_same_bytes() -> None:
    assert bundle.pack(making.package(), KEY) == PACKAGE


def test_any_unzip_program_reads_the_package() -> None:
    with zipfile.ZipFile(io.BytesIO(PACKAGE)) as file:
        assert file.testzip() is None
        assert {name: file.read(name) for name in file.namelist()} == MEMBERS
        assert file.namelist() == sorted(MEMBERS)


def test_a_simulated_clock_is_said_in_the_verdict() -> None:
    package = bundle.pack(making.package(clock="simulated"), KEY)
    assert verify.verify(package, TRUST).say.startswith("通过（演示时钟）：")
    assert verify.verify(package).say == "无法判断：内部一致，缺少可信公钥（演示时钟）"
    assert verify.verify(package, TRUST).simulated


def test_the_report_prints_as_json() -> None:
    report = orjson.loads(orjson.dumps(verify.verify(PACKAGE, TRUST).as_json()))
    assert report["verdict"] == "passed"
    assert report["checkpoint"] == {
        "size": 12, "root": making.log()[0].checkpoint().root.hex(), "sealed_at": "2024-03-31T17:00:00.000000Z",
    }  # fmt: skip


def test_a_package_that_would_not_pass_is_never_given_out() -> None:
    sound = making.package()
    for broken in (
        replace(sound, blobs={}),
        replace(sound, complete=()),
        replace(sound, created_at="yesterday"),
        replace(sound, procedures={}),
        replace(sound, entries=sound.entries[1:2], complete=sound.complete[:1]),
        replace(sound, origin="gov.example.cn/other"),
        replace(sound, checkpoint=checkpoint.sign(sound.checkpoint.partition("\n\n")[0] + "\n", STRANGER)),
    ):
        with pytest.raises((bundle.BadPackage, checkpoint.BadNote)):
            bundle.pack(broken, KEY)


# ---- keys


def test_a_key_counts_only_for_tree_sizes_in_its_range() -> None:
    verdicts = {
        (0, 12): "passed",
        (12, None): "passed",
        (12, 12): "passed",
        (0, 11): "failed",
        (13, None): "failed",
    }
    for (first, last), verdict in verdicts.items():
        assert verify.verify(PACKAGE, making.trust(first=first, last=last)).verdict == verdict
    assert "无效" in verify.verify(PACKAGE, making.trust(first=13)).say


def test_a_range_includes_both_its_ends() -> None:
    ranged = verify.TrustedKey(KEY.verifier, 3, 9)
    assert [size for size in range(12) if ranged.covers(size)] == [3, 4, 5, 6, 7, 8, 9]
    assert [size for size in range(12) if ranged.retired_after(size)] == list(range(10))


def test_what_lacks_trust_is_not_proven_and_the_rest_is_checked_all_the_same() -> None:
    unproven = {check.name for check in verify.verify(PACKAGE).checks if check.status == "not_proven"}
    assert unproven == {"manifest", "checkpoint", "keys"}
    package = bundle.pack(replace(making.package(), keys=(KEY.verifier.vkey,)), STRANGER)
    for key, name in ((KEY, "manifest"), (STRANGER, "checkpoint")):
        report = verify.verify(package, making.trust(key))
        assert {check.name for check in report.checks if check.status == "not_proven"} == {name, "keys"}


def test_after_a_change_of_key_the_new_key_may_sign_a_package_over_the_old_checkpoint() -> None:
    package = bundle.pack(replace(making.package(), keys=(KEY.verifier.vkey,)), STRANGER)
    old, new = verify.TrustedKey(KEY.verifier, 0, 12), verify.TrustedKey(STRANGER.verifier, 13)
    assert verify.verify(package, verify.Trust((old, new))).verdict == "passed"
    assert verify.verify(package, verify.Trust((old,))).verdict == "undecided"
    assert verify.verify(package, verify.Trust((new,))).verdict == "undecided"
    # The other way round, a key that was retired before the checkpoint signs nothing any more.
    package = bundle.pack(replace(making.package(key=STRANGER), keys=(STRANGER.verifier.vkey,)), KEY)
    retired, ruling = verify.TrustedKey(KEY.verifier, 0, 11), verify.TrustedKey(STRANGER.verifier, 12)
    assert verify.verify(package, verify.Trust((retired, ruling))).verdict == "failed"


def test_a_broken_signature_of_a_trusted_key_fails() -> None:
    for name in ("MANIFEST.note", "checkpoint.txt"):
        text, signatures = verify.parse_note(MEMBERS[name])
        line = checkpoint.sign("another text\n", KEY).partition("\n\n")[2]
        members = {**MEMBERS, name: f"{text}\n{line}".encode()}
        if name == "checkpoint.txt":
            members = making.resign(members)
        assert judged(members).verdict == judged(members, None).verdict == "failed"
        assert "签名无效" in judged(members).say
        assert signatures


def test_nothing_can_be_added_to_the_note_of_the_manifest() -> None:
    note = MEMBERS["MANIFEST.note"]
    line = note.partition(b"\n\n")[2]
    for more in (line, "— stranger AAAAAAAA\n".encode(), line.replace(b"gov.", b"gow.")):
        assert judged({**MEMBERS, "MANIFEST.note": note + more}).verdict == "failed"
        assert judged({**MEMBERS, "MANIFEST.note": note.replace(line, more + line)}).verdict == "failed"


def test_a_witness_may_sign_the_checkpoint_beside_the_log_but_not_instead_of_it() -> None:
    witness = checkpoint.PrivateKey("witness.example.cn", bytes(32))
    note = checkpoint.sign(verify.parse_note(MEMBERS["checkpoint.txt"])[0], KEY, witness)
    assert judged(making.resign({**MEMBERS, "checkpoint.txt": note.encode()})).verdict == "passed"
    note = checkpoint.sign(verify.parse_note(MEMBERS["checkpoint.txt"])[0], witness)
    for trust in (TRUST, None):
        assert judged(making.resign({**MEMBERS, "checkpoint.txt": note.encode()}), trust).verdict == "failed"


def test_a_key_that_only_looks_like_the_trusted_one_convinces_nobody() -> None:
    # Everything signed anew by a stranger of the same name, whose own key lies in the package.
    manifest = orjson.loads(MEMBERS["MANIFEST.json"])
    text = verify.parse_note(MEMBERS["checkpoint.txt"])[0]
    members = {**MEMBERS, "checkpoint.txt": checkpoint.sign(text, STRANGER).encode()}
    members = making.resign(members, STRANGER, keys=[STRANGER.verifier.vkey])
    assert judged(members).say == "无法判断：内部一致，签名者不在可信公钥之中"
    assert judged(members, None).verdict == "undecided"
    members = making.resign(members, STRANGER, keys=manifest["keys"])
    assert judged(members).verdict == "failed"


# ---- a checkpoint from elsewhere


def test_a_checkpoint_held_from_elsewhere_must_fit() -> None:
    log, _ = making.log()
    other = bytes(32)

    def pinned(point: verify.Checkpoint) -> str:
        return verify.verify(PACKAGE, TRUST, point).verdict

    assert pinned(log.checkpoint()) == "passed"
    assert pinned(log.checkpoint(7)) == "passed"
    assert pinned(replace(log.checkpoint(), root=other)) == "failed"
    assert pinned(replace(log.checkpoint(7), root=other)) == "failed"
    assert pinned(log.checkpoint(8)) == "undecided"
    assert "没有到所持检查点（树大小 8）" in verify.verify(PACKAGE, TRUST, log.checkpoint(8)).say
    assert pinned(replace(log.checkpoint(), origin="gov.example.cn/other")) == "undecided"
    assert verify.verify(PACKAGE, None, log.checkpoint()).verdict == "undecided"


# ---- every byte

# The two long texts inside are like any other member; short ones here keep the time to seconds.
SHORT = making.resign({**MEMBERS, "README.txt": b"readme\n", "verify.py": b"verify\n"})


def test_the_short_package_passes_before_it_is_attacked() -> None:
    assert judged(SHORT).verdict == "passed"


def test_no_flipped_byte_of_any_member_passes_when_the_manifest_is_left_alone() -> None:
    for name, content in SHORT.items():
        for place in range(len(content)):
            assert judged({**SHORT, name: flipped(content, place)}).verdict == "failed", (name, place)


def test_no_flipped_byte_of_the_long_members_passes() -> None:
    for name in ("README.txt", "verify.py"):
        for place in range(0, len(MEMBERS[name]), 31):
            assert judged({**MEMBERS, name: flipped(MEMBERS[name], place)}).verdict == "failed", (name, place)


def test_no_flipped_byte_passes_when_the_manifest_is_made_to_fit_without_the_key() -> None:
    for name in SHORT.keys() - LISTS:
        for place in range(0, len(SHORT[name]), 7):
            members = making.relist({**SHORT, name: flipped(SHORT[name], place)})
            assert judged(members).verdict == "failed", (name, place)


EVERY = 5  # 1 finds no more, and takes half a minute


def test_no_flipped_byte_passes_even_when_the_log_key_itself_signs_the_new_manifest() -> None:
    # The manifest, the verifier and remarks are the signer's own word; all the rest must hold by itself.
    for name in SHORT.keys() - LISTS - {"README.txt", "verify.py", "notes/about.txt"}:
        for place in range(0, len(SHORT[name]), EVERY):
            members = making.resign({**SHORT, name: flipped(SHORT[name], place)})
            report = judged(members)
            assert report.verdict == "failed", (name, place, report.say)


def test_no_flipped_byte_of_the_zip_itself_passes() -> None:
    data = making.rezip(SHORT)
    start = data.index(b"PK\x01\x02")
    places = {*range(100), *range(start, len(data)), *random.Random(1).sample(range(start), 600)}
    for place in places:
        assert verify.verify(flipped(data, place), TRUST).verdict != "passed", place


def test_no_cut_or_lengthened_zip_passes() -> None:
    data = making.rezip(SHORT)
    for other in (*(data[:end] for end in range(0, len(data), 401)), data[1:], data + b"\0", b"\0" + data, data + data):
        assert verify.verify(other, TRUST).verdict != "passed"
    assert verify.verify(b"", TRUST).say == "不通过：压缩包已损坏，或者不是证据包"


# ---- members removed, added, renamed, exchanged


@pytest.mark.parametrize("fix", [dict, making.relist])
def test_no_member_may_be_missing_added_or_renamed(fix: Callable[[dict[str, bytes]], dict[str, bytes]]) -> None:
    for name in MEMBERS.keys() - LISTS:
        without = {other: content for other, content in MEMBERS.items() if other != name}
        assert judged(fix(without)).verdict == "failed"
        assert judged(fix({**without, name[:-1] + "x": MEMBERS[name]})).verdict == "failed"
    for name in ("blobs/" + "0" * 64, "notes/more.txt", "entries/case/x/000001.json", "extra.txt", "../evil", "/evil"):
        assert judged(fix({**MEMBERS, name: b"{}"})).verdict == "failed"
    for name in LISTS:
        without = {other: content for other, content in MEMBERS.items() if other != name}
        assert judged(without).verdict == "failed"
    for name in ("blobs/" + "0" * 63, "notes/.txt", "entries/weather/x/000001.json", "extra.txt", "../evil", "/evil"):
        assert "有本格式以外的文件" in judged(making.resign({**MEMBERS, name: b"{}"})).say


def test_no_two_members_may_be_exchanged() -> None:
    names = sorted(MEMBERS.keys() - LISTS)
    for n, left in enumerate(names):
        for right in names[n + 1 :]:
            members = {**MEMBERS, left: MEMBERS[right], right: MEMBERS[left]}
            assert judged(members).verdict == "failed"
            if not {left, right} & {"README.txt", "verify.py", "notes/about.txt"}:
                assert judged(making.resign(members)).verdict == "failed", (left, right)


def test_what_the_signer_leaves_out_is_seen_unless_he_states_less() -> None:
    for name in (*CASE_ENTRIES, CONSULTATION, REGISTER):
        without = {other: content for other, content in MEMBERS.items() if other != name}
        assert judged(making.resign(without)).verdict == "failed"
        counts = {"entries": 4, "materials": 2, "openings": 1}
        assert judged(making.resign(without, counts=counts)).verdict == "failed"
        proofs = orjson.loads(MEMBERS["proofs.json"])
        proofs["entries"] = [row for row in proofs["entries"] if row["member"] != name]
        fitted = making.resign({**without, "proofs.json": verify.canonical(proofs)}, counts=counts)
        # Only the lone entry of a foreign chain may be left out, which nobody said was whole.
        assert judged(fitted).verdict == ("passed" if name == REGISTER else "failed")


def test_names_that_differ_in_case_only_are_refused() -> None:
    assert "大小写" in judged(making.resign({**MEMBERS, "notes/About.txt": b"x"})).say


# ---- the container


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_STORED, extra: str = "") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        for name, content in members.items():
            file.writestr(name, content)
        if extra:
            file.writestr(extra, b"x")
    return buffer.getvalue()


def test_a_package_packed_again_by_another_program_is_undecided() -> None:
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        report = verify.verify(zipped(MEMBERS, method, extra="说明.txt"), TRUST)
        assert "重新打包" in report.say
        report = verify.verify(zipped(MEMBERS, method), TRUST)
        assert (report.verdict, report.exit) == ("undecided", 6)
        assert "重新打包" in report.say


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_doubled_and_dangerous_names_fail() -> None:
    for extra in (CASE_ENTRIES[0], "../../etc/passwd", "/etc/passwd", "a/../b", "c:\\evil"):
        assert verify.verify(zipped(MEMBERS, extra=extra), TRUST).verdict == "failed"
    local = PACKAGE[: PACKAGE.index(b"PK\x03\x04", 4)]
    assert "重名" in verify.verify(local + PACKAGE, TRUST).say
    with pytest.raises(verify.Malformed, match="zip"):
        verify.unpack(local + PACKAGE)
    with pytest.raises(verify.Repacked):
        verify.unpack(zipped(MEMBERS))
    assert "重名" in verify.verify(zipped(MEMBERS, zipfile.ZIP_DEFLATED, CASE_ENTRIES[0]), TRUST).say


def test_a_zip_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "MAX_PACKAGE", 10_000_000)
    bomb = zipped({**MEMBERS, "notes/zero.txt": bytes(20_000_000)}, zipfile.ZIP_DEFLATED)
    assert "过大" in verify.verify(bomb, TRUST).say
    with monkeypatch.context() as patched:
        patched.setattr(verify, "MAX_MEMBERS", len(MEMBERS) - 1)
        for data in (PACKAGE, zipped(MEMBERS)):
            assert "过大" in verify.verify(data, TRUST).say
        patched.setattr(verify, "MAX_MEMBERS", len(MEMBERS))
        assert verify.verify(PACKAGE, TRUST).verdict == "passed"
    monkeypatch.setattr(verify, "MAX_PACKAGE", len(PACKAGE) - 1)
    assert "超过" in verify.verify(PACKAGE, TRUST).say
    monkeypatch.setattr(verify, "MAX_PACKAGE", len(PACKAGE))
    assert verify.verify(PACKAGE, TRUST).verdict == "passed"


def test_little_is_unpacked_only_to_say_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = bytearray(zipped({**MEMBERS, "notes/zero.txt": bytes(20_000_000)}, zipfile.ZIP_DEFLATED))
    damaged[damaged.index(b"notes/zero.txt") + 5_000] ^= 1
    assert "已损坏" in verify.verify(bytes(damaged), TRUST).say
    monkeypatch.setattr(verify, "MAX_LOOK", 10_000_000)
    assert "重新打包" in verify.verify(bytes(damaged), TRUST).say  # nothing was unpacked, so nothing was found


# ---- what stands inside, changed by somebody who holds the log's key


def rewritten(name: str, **changes: Any) -> dict[str, bytes]:
    return {**MEMBERS, name: canonical.encode({**canonical.decode(MEMBERS[name]), **changes})}


def test_a_rewritten_entry_fails_by_the_tree_even_when_all_else_is_made_to_fit() -> None:
    report = judged(making.resign(rewritten(CASE_ENTRIES[2], software="other")))
    assert report.say == "不通过：第 3 号记录：不在检查点的树中"
    assert [check.name for check in report.checks if check.status == "failed"] == ["inclusion"]
    assert judged(making.resign(rewritten(CASE_ENTRIES[0], software="other"))).say == (
        "不通过：第 2 号记录：与前一条记录的链接不符"
    )


@pytest.mark.parametrize(
    ("changes", "say"),
    [
        ({"authority": "other"}, "属于另一个机关"),
        ({"v": 2}, "版本"),
        ({"times": {"recorded_at": "2024-03-01T01:00:00.000000Z"}}, "时钟"),
        ({"chain": {"kind": "case", "id": "x", "seq": 3, "prev": "0" * 64}}, "另一个位置"),
        ({"id": canonical.decode(MEMBERS[CASE_ENTRIES[0]])["id"]}, "编号与另一条记录相同"),
    ],
)
def test_an_entry_that_does_not_belong_is_named(changes: dict[str, Any], say: str) -> None:
    report = judged(making.resign(rewritten(CASE_ENTRIES[2], **changes)))
    assert report.verdict == "failed"
    assert say in report.say
    assert report.say.startswith("不通过：第 3 号记录：")


def test_an_entry_in_another_spelling_is_named() -> None:
    name = CASE_ENTRIES[1]
    report = judged(making.resign({**MEMBERS, name: MEMBERS[name].replace(b'{"actor"', b'{ "actor"')}))
    assert report.say == "不通过：第 2 号记录：不是规范写法"


def test_a_changed_material_is_called_by_its_title() -> None:
    report = judged({**MEMBERS, PAPER: MEMBERS[PAPER] + b"x"})
    assert report.say == "不通过：第 2 号记录的材料《专家论证意见》与清单登记的内容不符"
    assert (report.checks[2].place, report.checks[2].entry) == (PAPER, 2)
    raw = verify.verify(PACKAGE.replace(making.PAPER, making.PAPER[:-1] + b"x"), TRUST)
    assert raw.say == "不通过：第 2 号记录的材料《专家论证意见》内容已损坏（校验码不符）"
    report = judged(making.resign({**MEMBERS, PAPER: MEMBERS[PAPER] + b"x"}))
    assert report.say == "不通过：第 2 号记录的材料《专家论证意见》与记录登记的摘要不符"


def test_a_changed_material_whose_entry_is_damaged_too_is_called_by_its_digest() -> None:
    broken = {**MEMBERS, CASE_ENTRIES[1]: MEMBERS[CASE_ENTRIES[1]] + b"\n", PAPER: b"x"}
    assert judged(broken).say == f"不通过：材料 {PAPER[6:22]}…与清单登记的内容不符"


def test_a_sealing_day_that_no_calendar_knows_is_left_out_of_the_sentence() -> None:
    point = {**orjson.loads(MEMBERS["MANIFEST.json"])["checkpoint"], "sealed_at": "2024-13-45T00:00:00.000000Z"}
    assert judged(making.resign(MEMBERS, checkpoint=point)).say.endswith("记录与检查点（树大小 12）一致")


def test_a_withheld_material_must_be_stated_and_a_stated_one_withheld() -> None:
    assert "没有附上，也没有声明不附" in judged(making.resign(MEMBERS, withheld=[])).say
    both = [{"sha256": making.sha256(content), "reason": ""} for content in (making.SECRET, making.PAPER)]
    assert "既附上又声明不附" in judged(making.resign(MEMBERS, withheld=both)).say
    smuggled = {**MEMBERS, "blobs/" + making.sha256(b"x"): b"x"}
    assert "没有记录提及" in judged(making.resign(smuggled)).say


def test_an_opening_must_fit_its_commitment() -> None:
    row = orjson.loads(MEMBERS["openings.json"])["openings"][0]
    for changes in ({"value": "x"}, {"salt": "0" * 64}, {"salt": "0"}, {"path": "body.other"}, {"entry": "x"}):
        members = {**MEMBERS, "openings.json": verify.canonical({"format": 1, "openings": [{**row, **changes}]})}
        assert judged(making.resign(members)).verdict == "failed"
    twice = {**MEMBERS, "openings.json": verify.canonical({"format": 1, "openings": [row, row]})}
    for count in (1, 2):
        counts = {"entries": 5, "materials": 2, "openings": count}
        assert judged(making.resign(twice, counts=counts)).verdict == "failed"
    other = {**MEMBERS, "openings.json": verify.canonical({"format": 2, "openings": [row]})}
    assert judged(making.resign(other)).verdict == "failed"


def test_values_may_be_left_out_and_what_remains_still_passes() -> None:
    members = {**MEMBERS, "openings.json": verify.canonical({"format": 1, "openings": []})}
    report = judged(making.resign(members, counts={"entries": 5, "materials": 2, "openings": 0}))
    assert report.verdict == "passed"
    assert next(check.say for check in report.checks if check.name == "openings").endswith("2 处未附")


def alone(*openings: bundle.Opening, blobs: dict[str, bytes] | None = None, **body: Any) -> bundle.Package:
    """A package around a log of one entry with this body."""
    sound = making.package()
    log = making.Log()
    log.add(canonical.encode(making.record("case", "x", None, 1, **body)))
    note = checkpoint.sign(checkpoint.format_checkpoint(log.checkpoint()), KEY)
    return bundle.Package(
        sound.authority, ORIGIN, "x", "1", "t", sound.created_at, (log.entry(0),), (bundle.Whole("case", "x", 1),), note,
        openings=openings, blobs=blobs or {},
    )  # fmt: skip


def test_a_receipt_is_a_package_of_one_entry_that_belongs_to_no_case() -> None:
    package = replace(alone(title="路"), case="", no="", complete=())
    assert verify.verify(bundle.pack(package, KEY), TRUST).verdict == "passed"


def test_an_opened_value_may_hold_any_characters() -> None:
    value = "第一行\r\n\t第二行\x01 e\u0301"
    commitment = verify.commitment("body.contact", making.SALT, value)
    opening = bundle.Opening(making.record("case", "x", None, 1)["id"], "body.contact", making.SALT, value)
    package = bundle.pack(alone(opening, contact={"commitment": commitment}), KEY)
    assert verify.verify(package, TRUST).say == "通过：0 件材料、1 条记录与检查点（树大小 1）一致"


def test_a_sealed_entry_that_contradicts_its_material_is_not_packed() -> None:
    lying = {**making.paper(making.PAPER, "意见"), "size": 7}
    with pytest.raises(bundle.BadPackage, match="blobs"):
        bundle.pack(alone(papers=[lying], blobs={making.sha256(making.PAPER): making.PAPER}), KEY)


def test_a_place_that_can_be_read_two_ways_is_no_place() -> None:
    one, two = ({"commitment": verify.commitment("body.a.b", making.SALT, value)} for value in "12")
    body: dict[str, Any] = {"a.b": one, "a": {"b": two}}
    with pytest.raises(bundle.BadPackage, match="openings"):
        bundle.pack(alone(**body), KEY)


def test_an_entry_names_things_by_shape_wherever_they_stand() -> None:
    one, two = "1" * 64, "2" * 64
    record = {
        "a": [{"blob": one, "size": 3}, {"sha256": two, "size": 4, "title": "意见"}],
        "b": {"procedure": one, "calendar": f"CN#{two[:16]}"},
        "c": {"procedure": {"digest": two}, "calendar": one, "d": {"commitment": one}},
        "no": [
            {"commitment": "无"}, {"commitment": one, "more": 1}, {"commitment": 7}, {"blob": one}, {"blob": "x", "size": 1},
            {"sha256": one, "size": "3"}, {"procedure": "CN#" + one}, {"procedure": 7}, {"procedure": {}}, {"calendar": "CN#1"},
            {"calendar": 7}, {"calendar": []}, {"digest": one}, one,
        ],
    }  # fmt: skip
    assert [(ref.what, ref.place, ref.digest, ref.size, ref.title) for ref in verify.references(record)] == [
        ("blob", "a[0]", one, 3, ""),
        ("blob", "a[1]", two, 4, "意见"),
        ("procedure", "b.procedure", one, -1, ""),
        ("calendar", "b.calendar", two[:16], -1, ""),
        ("procedure", "c.procedure", two, -1, ""),
        ("calendar", "c.calendar", one, -1, ""),
        ("commitment", "c.d", one, -1, ""),
    ]


def test_only_digests_count_as_references() -> None:
    assert bundle.pack(alone(procedure="见附件", calendar="农历", blob="x", sha256="x", commitment="无"), KEY)


def test_the_procedure_and_the_calendar_that_entries_name_must_be_there() -> None:
    for folder, say in (
        ("procedures/", "程序没有附上"),
        ("calendars/7f", "日历没有附上"),
        ("calendars/e9", "没有附上"),
    ):
        names = [name for name in MEMBERS if name.startswith(folder)]
        assert len(names) == 1
        without = {name: content for name, content in MEMBERS.items() if name not in names}
        report = judged(making.resign(without))
        assert report.verdict == "failed"
        assert "没有附上" in report.say, say


@pytest.mark.parametrize(
    "edit",
    [
        lambda proofs: proofs.update(size=11),
        lambda proofs: proofs.update(format=2),
        lambda proofs: proofs.update(more=1),
        lambda proofs: proofs["entries"].pop(),
        lambda proofs: proofs["entries"].append(proofs["entries"][0]),
        lambda proofs: proofs["entries"][0].update(index=-1),
        lambda proofs: proofs["entries"][0].update(index=99),
        lambda proofs: proofs["entries"][0]["path"].pop(),
        lambda proofs: proofs["entries"][0]["path"].append("0" * 64),
        lambda proofs: proofs["entries"][0]["path"].append(7),
        lambda proofs: proofs["consistency"][0].update(old=6),
        lambda proofs: proofs["consistency"][0].update(root="0" * 64),
        lambda proofs: proofs["consistency"].append("x"),
    ],
)
def test_proofs_that_do_not_fit_fail(edit: Callable[[dict[str, Any]], object]) -> None:
    assert judged(making.resign(edited("proofs.json", edit))).verdict == "failed"


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "decisionflow/package/v2"},
        {"authority": "other"},
        {"origin": "gov.example.cn/other"},
        {"keys": []},
        {"keys": ["x"]},
        {"keys": [7]},
        {"keys": [checkpoint.PrivateKey("other", bytes(32)).verifier.vkey]},
        {"case": {"id": "another", "no": "", "title": ""}},
        {"case": {"id": 7, "no": "", "title": ""}},
        {"case": {"id": making.CASE, "no": 7, "title": ""}},
        {"case": "x"},
        {"created_at": "2024"},
        {"checkpoint": {"size": 11, "root": "0" * 64}},
        {"checkpoint": {"size": 12, "root": "0" * 64}},
        {"checkpoint": {**orjson.loads(MEMBERS["MANIFEST.json"])["checkpoint"], "size": 11}},
        {"checkpoint": {"size": 12, "root": "0" * 64, "sealed_at": "now"}},
        {"counts": {"entries": 6, "materials": 2, "openings": 1}},
        {"counts": {"entries": 5, "materials": 3, "openings": 1}},
        {"counts": {"entries": 5, "materials": 2, "openings": 0}},
        {"complete": []},
        {"complete": [{"kind": "case", "id": making.CASE, "seq": 2}]},
        {"complete": [{"kind": "case", "id": making.CASE, "seq": 4}]},
        {"complete": [{"kind": "case", "id": making.CASE, "seq": 3}] * 2},
        {"complete": [{"kind": "case", "id": making.CASE, "seq": 3}, {"kind": "register", "id": "yunhe", "seq": 2}]},
        {"complete": [{"kind": "case", "id": making.CASE, "seq": 3}, {"kind": "meeting", "id": "m", "seq": 1}]},
        {"withheld": ["x"]},
        {"members": []},
        {"members": ["x"]},
        {"members": [*orjson.loads(MEMBERS["MANIFEST.json"])["members"]] * 2},
        {"members": [{**row, "size": row["size"] + 1} for row in orjson.loads(MEMBERS["MANIFEST.json"])["members"]]},
        {"members": [{**row, "sha256": "0" * 64} for row in orjson.loads(MEMBERS["MANIFEST.json"])["members"]]},
        {"members": [{**row, "sm3": "0" * 64} for row in orjson.loads(MEMBERS["MANIFEST.json"])["members"]]},
        {"more": 1},
    ],
)
def test_a_manifest_that_does_not_fit_fails_even_when_signed(changes: dict[str, Any]) -> None:
    assert judged(making.resign(MEMBERS, **changes)).verdict == "failed"


def test_a_package_of_nothing_fails() -> None:
    proofs = {"format": 1, "size": 12, "entries": [], "consistency": []}
    members = {name: content for name, content in MEMBERS.items() if not name.startswith(("entries/", "blobs/"))}
    members |= {"proofs.json": verify.canonical(proofs)}
    members |= {"openings.json": verify.canonical({"format": 1, "openings": []})}
    nothing = {"counts": {"entries": 0, "materials": 0, "openings": 0}, "complete": [], "withheld": []}
    nothing |= {"case": {"id": "", "no": "", "title": ""}}
    assert judged(making.resign(members, **nothing)).say == "不通过：记录条数与清单不符"


def test_a_checkpoint_of_another_log_fails_even_when_our_key_signed_it() -> None:
    point = replace(making.log()[0].checkpoint(), origin="gov.example.cn/other")
    note = checkpoint.sign(checkpoint.format_checkpoint(point), KEY)
    assert "另一个日志" in judged(making.resign({**MEMBERS, "checkpoint.txt": note.encode()})).say


def test_an_entry_that_takes_the_place_of_another_or_comes_before_its_turn_fails() -> None:
    sound = making.package()
    log, entries = making.log()
    swapped = making.Log()
    order = [0, 1, 2, 6, 4, 5, 3, *range(7, 12)]  # the case's second entry is sealed before its first
    for index in order:
        swapped.add(log.entries[index])
    point = swapped.checkpoint()
    package = replace(
        sound,
        entries=tuple(swapped.entry(order.index(entry.position)) for entry in entries),
        checkpoint=checkpoint.sign(checkpoint.format_checkpoint(point), KEY),
        earlier=(),
    )
    with pytest.raises(bundle.BadPackage) as refusal:
        bundle.pack(package, KEY)
    assert "封存的次序与序号相反" in refusal.value.say


# ---- a check that breaks


def test_a_crash_inside_any_check_is_never_a_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    checks = verify._CHECKS

    def crash(seen: object) -> str:
        raise ZeroDivisionError

    for n, (name, title, _) in enumerate(checks[:-1]):
        monkeypatch.setattr(verify, "_CHECKS", (*checks[:n], (name, title, crash), *checks[n + 1 :]))
        report = verify.verify(PACKAGE, TRUST)
        assert report.verdict == "undecided"
        assert "检查程序出错" in report.say
        assert {check.status for check in report.checks[n:]} == {"not_proven"}


def test_a_crash_while_naming_the_bad_place_changes_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(seen: object, name: str) -> tuple[str, int, str]:
        raise ZeroDivisionError

    monkeypatch.setattr(verify, "_named", crash)
    assert judged({**MEMBERS, "MANIFEST.note": b"x"}).verdict == "failed"
    assert judged({**MEMBERS, PAPER: b"x"}).verdict != "passed"


def test_after_the_first_failure_nothing_more_is_believed() -> None:
    report = judged({**MEMBERS, PAPER: b"x"})
    assert [check.status for check in report.checks] == ["passed", "passed", "failed", *["not_proven"] * 8]


# ---- the trust file


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"format":2,"keys":[]}',
        '{"format":1}',
        '{"format":1,"keys":{}}',
        '{"format":1,"keys":[],"more":1}',
        '{"format":1,"keys":["x"]}',
        '{"format":1,"keys":[{}]}',
        '{"format":1,"keys":[{"vkey":7}]}',
        '{"format":1,"keys":[{"vkey":"x"}]}',
        '{"format":1,"keys":[{"vkey":"V","valid_from_size":-1}]}',
        '{"format":1,"keys":[{"vkey":"V","valid_from_size":"0"}]}',
        '{"format":1,"keys":[{"vkey":"V","valid_from_size":true}]}',
        '{"format":1,"keys":[{"vkey":"V","valid_from_size":5,"valid_to_size":4}]}',
        '{"format":1,"keys":[{"vkey":"V","valid_to":4}]}',
        '{"format":1,"keys":[{"vkey":"V","valid_to_size":"4"}]}',
        '{"format":1,"keys":[{"vkey":"V"},{"vkey":"V","valid_from_size":9}]}',
        "[" * 100_000,
    ],
)
def test_a_trust_file_that_could_be_misread_is_refused(text: str) -> None:
    with pytest.raises(verify.Malformed):
        verify.parse_trust(text.replace("V", KEY.verifier.vkey).encode())


def test_a_trust_file_says_keys_and_their_ranges() -> None:
    row = {"vkey": KEY.verifier.vkey, "valid_from_size": 9, "valid_to_size": 9, "note": "2024"}
    data = orjson.dumps({"format": 1, "keys": [row, {"vkey": STRANGER.verifier.vkey, "valid_to_size": None}]})
    assert verify.parse_trust(b"\xef\xbb\xbf" + data) == verify.Trust(
        (verify.TrustedKey(KEY.verifier, 9, 9), verify.TrustedKey(STRANGER.verifier))
    )


def test_the_tree_of_the_package_is_the_tree_of_the_log() -> None:
    log, entries = making.log()
    assert verify.parse_checkpoint(verify.parse_note(MEMBERS["checkpoint.txt"])[0]) == log.checkpoint()
    assert all(merkle.leaf_hash(merkle.leaf(entry.data)) == log.read(0, entry.position) for entry in entries)
