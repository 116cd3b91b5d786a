"""A case leaves as a package that proves itself to strangers."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from decisionflow.errors import BadInput, NotFound
from decisionflow.service import consultations, evidence, rehearsals, sealing
from decisionflow.service import site as sites
from decisionflow.settings import load
from decisionflow.store.engine import Store
from decisionflow.store.signer import FileSigner
from decisionflow.trail import verify
from tests.service.stage import Office, office


@pytest.fixture
def signed(store: Store, tmp_path: Path) -> tuple[Office, FileSigner, verify.Trust]:
    work = office(store)
    settings = load({}, data_dir=tmp_path / "site")
    sites.prepare_folders(settings)
    sites.create_keys(settings, "yunhe", work.authority.origin)
    trust = sites.trust(sites.trust_path(settings))
    assert trust is not None
    work.do("proposer", "ask", title="解放路行道树砍伐", protected="no", trees="3", phone="13800000000")
    work.do("chief", "begin", units=[{"unit": "承办单位", "leading": "yes"}])
    work.do("lead", "open_survey", ends_on="2024-03-31", papers=("photo",))
    public = rehearsals.system_actor("yunhe", "公众")
    comment = consultations.Comment("树还活着，请保留。", "oppose", name="买买提·艾力", contact="13900000000")
    store.write(lambda tx: consultations.receive(tx, work.authority, work.no, comment, public, work.now))
    work.do("lead", "close_survey", after=timedelta(days=31))
    return work, FileSigner(*sites.key_paths(settings, "yunhe")), trust


def export(work: Office, signer: FileSigner, view: evidence.View = "full") -> bytes:
    with work.store.read() as connection:
        return evidence.package(connection, work.store.blobs, signer, work.authority, work.no, view, work.now)


def test_package_is_refused_before_the_seal(signed: tuple[Office, FileSigner, verify.Trust]) -> None:
    work, signer, _ = signed

    with pytest.raises(NotFound, match="sealed"):
        export(work, signer)


@pytest.mark.parametrize("view", ["full", "internal", "public"])
def test_package_passes_with_the_trust_file_and_only_with_it(
    signed: tuple[Office, FileSigner, verify.Trust], view: evidence.View
) -> None:
    work, signer, trust = signed
    sealing.seal_all(work.store, "yunhe", signer, work.now)

    data = export(work, signer, view)

    report = verify.verify(data, trust)
    assert (report.verdict, report.exit) == (verify.PASSED, 0), [
        check for check in report.checks if check.status != "passed"
    ]
    assert verify.verify(data, None).exit == 6


def test_personal_values_leave_only_with_the_full_view(signed: tuple[Office, FileSigner, verify.Trust]) -> None:
    work, signer, _ = signed
    sealing.seal_all(work.store, "yunhe", signer, work.now)

    for secret in ("13800000000", "13900000000", "买买提·艾力", "树还活着"):
        shown = {
            view: secret.encode() in _unpacked(export(work, signer, view)) for view in ("full", "internal", "public")
        }  # type: ignore[arg-type]
        assert shown == {"full": True, "internal": False, "public": False}, secret


def test_the_packages_own_verifier_agrees_without_us(
    signed: tuple[Office, FileSigner, verify.Trust], tmp_path: Path
) -> None:
    work, signer, _ = signed
    sealing.seal_all(work.store, "yunhe", signer, work.now)
    (tmp_path / "a.zip").write_bytes(export(work, signer))
    script = verify.unpack((tmp_path / "a.zip").read_bytes())["verify.py"]
    (tmp_path / "v.py").write_bytes(script)
    trust = tmp_path / "site" / "keys" / "trust.json"

    with_trust = subprocess.run(
        [sys.executable, "-I", "v.py", "a.zip", "--keys", str(trust)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    without = subprocess.run(
        [sys.executable, "-I", "v.py", "a.zip"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert (with_trust.returncode, without.returncode) == (0, 6), with_trust.stdout + with_trust.stderr + without.stdout
    assert with_trust.stdout.startswith("通过")


def test_a_redacted_package_leaves_out_item_by_item_with_reasons_and_still_verifies(
    signed: tuple[Office, FileSigner, verify.Trust],
) -> None:
    work, signer, trust = signed
    sealing.seal_all(work.store, "yunhe", signer, work.now)
    members = verify.unpack(export(work, signer))
    paper = next(name for name in members if name.startswith("blobs/")).removeprefix("blobs/")
    opening = json.loads(members["openings.json"])["openings"][0]
    place = f"{opening['entry']}/{opening['path']}"
    redaction = evidence.Redaction({paper: "含第三人商业秘密"}, {place: "申请人无权知悉"})
    data = redacted(work, signer, redaction)
    left = verify.unpack(data)
    assert f"blobs/{paper}" not in left and opening["value"] not in left["openings.json"].decode()
    note = left["notes/redaction.txt"].decode()
    assert "含第三人商业秘密" in note and "申请人无权知悉" in note
    report = verify.verify(data, trust)
    assert report.verdict == verify.PASSED and any("1 件声明不附" in check.say for check in report.checks)
    fewer = b"".join(verify.container({name: one for name, one in left.items() if name != "notes/redaction.txt"}))
    assert verify.verify(fewer, trust).exit == 4


@pytest.mark.parametrize(
    ("papers", "values", "say"),
    [({"0" * 64: "没有这一件"}, {}, "包里没有材料"), ({}, {"body.nothing": "没有这一项"}, "包里没有个人信息")],
)
def test_a_redaction_of_what_is_not_there_is_refused(
    signed: tuple[Office, FileSigner, verify.Trust], papers: dict[str, str], values: dict[str, str], say: str
) -> None:
    work, signer, _ = signed
    sealing.seal_all(work.store, "yunhe", signer, work.now)
    with pytest.raises(BadInput, match=say):
        redacted(work, signer, evidence.Redaction(papers, values))


def test_a_redaction_without_a_reason_is_refused(signed: tuple[Office, FileSigner, verify.Trust]) -> None:
    work, signer, _ = signed
    sealing.seal_all(work.store, "yunhe", signer, work.now)
    paper = next(name for name in verify.unpack(export(work, signer)) if name.startswith("blobs/"))
    with pytest.raises(BadInput, match="没有写明不提供的理由"):
        redacted(work, signer, evidence.Redaction({paper.removeprefix("blobs/"): ""}))


def redacted(work: Office, signer: FileSigner, redaction: evidence.Redaction) -> bytes:
    with work.store.read() as connection:
        return evidence.package(
            connection, work.store.blobs, signer, work.authority, work.no, "full", work.now, redaction
        )  # fmt: skip


def _unpacked(data: bytes) -> bytes:
    return b"\n".join(verify.unpack(data).values())
