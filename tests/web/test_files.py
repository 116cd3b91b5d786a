"""Attachments: only of the case, only to those who may see it, only as downloads, only whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from decisionflow.service import steps
from decisionflow.store.engine import Store
from decisionflow.web.pages.files import disposition
from tests.web.desk import Desk, desk

PDF = b"%PDF-1.4\n" + "内容".encode()


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    """A public case with a public photo in a public act."""
    made = desk(store, tmp_path)
    made.work.do("proposer", "ask", title="解放路行道树砍伐", protected="no", trees="3", public="yes")
    made.work.do("chief", "begin", units=[{"unit": "承办单位", "leading": "yes"}])
    made.work.do("lead", "open_survey", ends_on="2024-04-30", papers=("photo",))
    return made


def sha(found: Desk) -> str:
    return str(next(act.papers[0].sha256 for act in found.work.facts().acts if act.papers))


def get(found: Desk, who: str, path: str) -> Any:
    return found.client(who).get(path)


def test_an_attachment_is_a_download_that_no_browser_runs(found: Desk) -> None:
    answer = get(found, "legal", f"/files/{found.work.no}/{sha(found)}")

    assert (answer.status_code, answer.text) == (200, "材料")
    assert answer.headers["content-disposition"] == "attachment; filename=\"photo.txt\"; filename*=UTF-8''photo.txt"
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert (
        "sandbox" in answer.headers["content-security-policy"]
        and "'self'" not in answer.headers["content-security-policy"]
    )


def test_a_stranger_and_a_wrong_hash_are_404_alike(found: Desk) -> None:
    here = f"/files/{found.work.no}"
    for who, path in [("expert", f"{here}/{sha(found)}"), ("lead", f"{here}/{'0' * 64}"), ("lead", f"{here}/..%2f..%2fetc"),
                      ("lead", f"/files/YH-2024-999/{sha(found)}")]:  # fmt: skip
        assert get(found, who, path).status_code == 404, path


def test_a_file_that_no_entry_of_the_case_names_is_404_even_when_it_is_stored(found: Desk) -> None:
    stored = found.site.store.blobs.put(PDF, "application/pdf")

    assert get(found, "lead", f"/files/{found.work.no}/{stored.sha256}").status_code == 404


def test_nobody_signed_in_is_sent_to_sign_in(found: Desk) -> None:
    assert get(found, "", f"/files/{found.work.no}/{sha(found)}").status_code == 303


def test_a_damaged_file_is_never_handed_out(found: Desk) -> None:
    path = found.site.store.blobs.path(sha(found))
    path.chmod(0o600)
    path.write_bytes("别的".encode())

    answer = get(found, "lead", f"/files/{found.work.no}/{sha(found)}")

    assert answer.status_code == 410 and "与登记时不符" in answer.text and "别的" not in answer.text


def test_a_public_paper_of_a_public_act_is_for_everybody(found: Desk) -> None:
    answer = get(found, "", f"/public/files/{found.work.no}/{sha(found)}")

    assert (answer.status_code, answer.text) == (200, "材料")
    assert "attachment" in answer.headers["content-disposition"]


def test_what_is_not_public_is_not_for_everybody(store: Store, tmp_path: Path) -> None:
    made = desk(store, tmp_path)
    made.work.do("proposer", "ask", title="砍伐", protected="yes", trees="3", public="no")
    made.work.do("chief", "begin", units=[{"unit": "承办单位", "leading": "yes"}])
    made.work.do("lead", "open_survey", ends_on="2024-04-30", papers=("photo",))

    assert get(made, "", f"/public/files/{made.work.no}/{sha(made)}").status_code == 404  # the case is not public


def test_a_kind_or_an_act_that_is_not_public_stays_inside(found: Desk) -> None:
    """`opinion` is no public kind, and `refuse` no public act: a photo that it brings stays inside, too."""
    work = found.work
    inside, photo = work.paper("opinion", "内部意见"), work.paper("photo", "另一张照片")
    ask = steps.Ask("refuse", "k", work.no, {"reason": "不符合条件"}, (inside, photo))
    assert isinstance(work.submit("chief", ask), steps.Done)

    for paper in (inside, photo):
        assert get(found, "", f"/public/files/{work.no}/{paper.sha256}").status_code == 404
        assert get(found, "legal", f"/files/{work.no}/{paper.sha256}").status_code == 200


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("照片.pdf", "attachment; filename=\"__.pdf\"; filename*=UTF-8''%E7%85%A7%E7%89%87.pdf"),
        ('a"b;c.pdf', "attachment; filename=\"a_b_c.pdf\"; filename*=UTF-8''a%22b%3Bc.pdf"),
        (
            "a\r\nset-cookie: x.pdf",
            "attachment; filename=\"a__set-cookie__x.pdf\"; filename*=UTF-8''a%0D%0Aset-cookie%3A%20x.pdf",
        ),
    ],
)
def test_a_name_stays_within_its_header(name: str, header: str) -> None:
    assert disposition(name) == header
