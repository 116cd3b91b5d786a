"""The signer: it remembers what it signed, and signs nothing that does not continue it."""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from decisionflow.errors import Unavailable
from decisionflow.store import signer
from decisionflow.store.filelock import FileLock
from decisionflow.store.signer import FileSigner, SignerRefused
from decisionflow.trail import bundle, checkpoint, merkle, verify
from decisionflow.trail.checkpoint import Checkpoint, PrivateKey
from tests.trail import making

ORIGIN = making.ORIGIN


class Tree:
    """A log of numbered leaves; `branch` makes one that agrees with others of another branch up to `same` leaves."""

    def __init__(self, size: int, branch: str = "", same: int = 0) -> None:
        self.rows: dict[tuple[int, int], bytes] = {}
        for index in range(size):
            leaf = b"%d" % index if index < same else f"{index}{branch}".encode()
            self.rows |= {(level, place): found for level, place, found in merkle.stored(index, leaf, self.read)}

    def read(self, level: int, index: int) -> bytes:
        return self.rows[level, index]

    def head(self, size: int) -> Checkpoint:
        return Checkpoint(ORIGIN, size, merkle.root(size, self.read))

    def proof(self, old: int, new: int) -> list[bytes]:
        return merkle.prove_consistency(old, new, self.read)


TREE = Tree(40)


@pytest.fixture
def paths(tmp_path: Path) -> tuple[Path, Path]:
    key, state = tmp_path / "keys" / "log.key", tmp_path / "state" / "log.state"
    signer.create_key(key, ORIGIN)
    signer.create_state(state, ORIGIN)
    return key, state


def grow(paths: tuple[Path, Path], *sizes: int) -> FileSigner:
    """A signer that has signed these sizes, one after the other."""
    opened = FileSigner(*paths)
    for old, new in itertools.pairwise((0, *sizes)):
        opened.sign(TREE.head(new), old, TREE.proof(old, new))
    return opened


def refusal(opened: FileSigner, wanted: Checkpoint, old: int, proof: list[bytes]) -> str:
    before = opened.head()
    with pytest.raises(SignerRefused) as caught:
        opened.sign(wanted, old, proof)
    assert opened.head() == before
    assert caught.value.say
    return caught.value.rule


def test_it_signs_a_tree_that_grows_and_remembers_it(paths: tuple[Path, Path]) -> None:
    opened = FileSigner(*paths)
    assert opened.head() == Checkpoint(ORIGIN, 0, merkle.EMPTY_ROOT)
    for old, new in itertools.pairwise((0, 1, 2, 7, 8, 33)):
        note = opened.sign(TREE.head(new), old, TREE.proof(old, new))
        text, signed = checkpoint.open_note(note, [opened.verifier])
        assert checkpoint.parse_checkpoint(text) == TREE.head(new) == opened.head()
        assert signed == (opened.verifier,)
    assert FileSigner(*paths).head() == TREE.head(33)


def test_it_refuses_a_smaller_tree(paths: tuple[Path, Path]) -> None:
    opened = grow(paths, 9)
    assert refusal(opened, TREE.head(8), 8, []) == "smaller"
    assert refusal(opened, TREE.head(0), 0, []) == "smaller"


def test_it_refuses_another_root_of_the_same_size(paths: tuple[Path, Path]) -> None:
    opened = grow(paths, 9)
    assert refusal(opened, Tree(9, "b", same=8).head(9), 9, []) == "root"


def test_it_refuses_a_tree_that_does_not_continue_the_last(paths: tuple[Path, Path]) -> None:
    opened = grow(paths, 9)
    fork = Tree(20, "b", same=8)
    assert refusal(opened, fork.head(20), 9, fork.proof(9, 20)) == "inconsistent"
    assert refusal(opened, fork.head(20), 9, TREE.proof(9, 20)) == "inconsistent"
    assert refusal(opened, TREE.head(20), 9, []) == "inconsistent"
    assert refusal(opened, TREE.head(20), 8, TREE.proof(8, 20)) == "old"


def test_it_signs_for_its_own_log_only(paths: tuple[Path, Path]) -> None:
    other = Checkpoint("gov.example.cn/other", 20, TREE.head(20).root)
    assert refusal(grow(paths, 9), other, 9, TREE.proof(9, 20)) == "origin"


def test_random_requests_never_get_two_roots_of_one_size(paths: tuple[Path, Path]) -> None:
    opened, chance = FileSigner(*paths), random.Random(7)
    trees = [TREE, *(Tree(40, str(n), same=n) for n in (0, 3, 11, 17))]
    signed: dict[int, bytes] = {}
    for _ in range(300):
        tree, size = chance.choice(trees), chance.randint(0, 40)
        old = chance.choice([opened.head().size, chance.randint(0, 40)])
        try:
            opened.sign(tree.head(size), old, tree.proof(min(old, size), size))
        except SignerRefused:
            continue
        assert signed.setdefault(size, tree.head(size).root) == tree.head(size).root
        assert size == max(signed)


# ---- crashes


class Killed(BaseException):
    pass


def test_killed_between_memory_and_reply_it_signs_the_same_tree_again_and_no_other(
    paths: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = grow(paths, 9)
    seen: list[Checkpoint] = []

    def killed(key: PrivateKey, text: str) -> bytes:
        seen.append(signer.read_state(paths[1]))
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(PrivateKey, "signature", killed)
        with pytest.raises(Killed):
            opened.sign(TREE.head(20), 9, TREE.proof(9, 20))
    assert seen == [TREE.head(20)]  # the memory was on disk before the signature

    again = FileSigner(*paths)
    fork = Tree(20, "b", same=9)
    assert refusal(again, fork.head(20), 9, fork.proof(9, 20)) == "root"
    assert refusal(again, TREE.head(9), 9, []) == "smaller"
    note = again.sign(TREE.head(20), 9, TREE.proof(9, 20))
    assert note == again.sign(TREE.head(20), 20, [])


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_killed_while_writing_its_memory_it_remembers_the_old_tree(
    call: str, paths: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = grow(paths, 9)

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(os if call == "fsync" else Path, call, killed)
        with pytest.raises(Killed):
            opened.sign(TREE.head(20), 9, TREE.proof(9, 20))
    again = FileSigner(*paths)
    assert again.head() == TREE.head(9)
    assert again.sign(TREE.head(20), 9, TREE.proof(9, 20))


def test_the_memory_is_flushed_to_disk_before_the_signature(
    paths: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def noted(owner: Any, name: str) -> None:
        real = getattr(owner, name)

        def call(*given: Any) -> Any:
            calls.append(name)
            return real(*given)

        monkeypatch.setattr(owner, name, call)

    for owner, name in ((os, "fsync"), (Path, "replace"), (PrivateKey, "signature")):
        noted(owner, name)
    grow(paths, 9)
    assert calls == ["fsync", "replace", "fsync", "signature"]


SIGN_FOR_EVER = """
import sys
from pathlib import Path
from decisionflow.store.signer import FileSigner
from tests.store.test_signer import TREE
opened = FileSigner(Path(sys.argv[1]), Path(sys.argv[2]))
for new in range(1, 41):
    print(new, flush=True)
    opened.sign(TREE.head(new), new - 1, TREE.proof(new - 1, new))
"""


def test_a_killed_process_leaves_a_memory_that_goes_on(paths: tuple[Path, Path]) -> None:
    command = [sys.executable, "-c", SIGN_FOR_EVER, *map(str, paths)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as process:
        assert process.stdout is not None
        reached = next(int(line) for line in process.stdout if int(line) == 17)
        process.kill()
    opened = FileSigner(*paths)
    size = opened.head().size
    assert size >= reached - 1
    assert opened.head() == TREE.head(size)
    if size < 40:
        assert opened.sign(TREE.head(40), size, TREE.proof(size, 40))


# ---- files


@pytest.mark.skipif(os.name == "nt", reason="file modes are a matter of POSIX")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o620, 0o610])
def test_a_key_file_that_others_could_read_is_refused(mode: int, paths: tuple[Path, Path]) -> None:
    paths[0].chmod(mode)
    with pytest.raises(SignerRefused) as caught:
        FileSigner(*paths)
    assert caught.value.rule == "permissions"


def test_a_new_key_file_is_its_owners_alone_and_never_overwritten(paths: tuple[Path, Path]) -> None:
    before = [path.read_bytes() for path in paths]
    if os.name != "nt":
        assert [path.stat().st_mode & 0o777 for path in paths] == [0o600, 0o600]
    for create, path in zip((signer.create_key, signer.create_state), paths, strict=True):
        with pytest.raises(SignerRefused) as caught:
            create(path, ORIGIN)
        assert caught.value.rule == "exists"
    assert [path.read_bytes() for path in paths] == before


def test_two_new_keys_differ(tmp_path: Path) -> None:
    assert signer.create_key(tmp_path / "a", ORIGIN) != signer.create_key(tmp_path / "b", ORIGIN)
    with pytest.raises(SignerRefused):
        signer.create_key(tmp_path / "c", "two words")


def test_a_missing_memory_is_never_begun_anew(paths: tuple[Path, Path]) -> None:
    opened = grow(paths, 9)
    paths[1].unlink()
    with pytest.raises(Unavailable):
        opened.sign(TREE.head(10), 9, TREE.proof(9, 10))
    with pytest.raises(Unavailable):
        FileSigner(*paths)


@pytest.mark.parametrize("text", ["", "x", f"{ORIGIN}\n9\n", f"{ORIGIN}\n09\n" + "A" * 43 + "=\n"])
def test_a_damaged_memory_is_refused(text: str, paths: tuple[Path, Path]) -> None:
    paths[1].write_text(text)
    with pytest.raises(SignerRefused) as caught:
        FileSigner(*paths)
    assert caught.value.rule == "state"


def test_a_memory_that_is_no_text_or_no_file_is_unavailable(paths: tuple[Path, Path]) -> None:
    paths[1].write_bytes(b"\xff\xfe")
    with pytest.raises(Unavailable):
        FileSigner(*paths)
    paths[1].unlink()
    paths[1].mkdir()
    with pytest.raises(Unavailable):
        FileSigner(*paths)


def test_the_memory_of_another_log_is_refused(paths: tuple[Path, Path]) -> None:
    paths[1].unlink()
    signer.create_state(paths[1], "gov.example.cn/other")
    with pytest.raises(SignerRefused) as caught:
        FileSigner(*paths)
    assert caught.value.rule == "origin"


def test_a_missing_or_damaged_key_is_refused_without_showing_it(paths: tuple[Path, Path]) -> None:
    text = paths[0].read_text()
    paths[0].write_text(text[:-3] + "\n")
    with pytest.raises(checkpoint.BadNote) as caught:
        FileSigner(*paths)
    assert text[60:80] not in str(caught.value)
    paths[0].unlink()
    with pytest.raises(Unavailable):
        FileSigner(*paths)


def test_two_do_not_sign_at_once(paths: tuple[Path, Path]) -> None:
    opened = grow(paths, 9)
    lock = FileLock(paths[1].with_name("log.state.lock"))
    assert lock.acquire()
    assert refusal(opened, TREE.head(10), 9, TREE.proof(9, 10)) == "busy"
    lock.release()
    assert opened.sign(TREE.head(10), 9, TREE.proof(9, 10))


# ---- packages


def test_the_door_for_packages_signs_manifests_and_no_checkpoint(paths: tuple[Path, Path]) -> None:
    opened = FileSigner(*paths)
    key = opened.packages
    note = checkpoint.sign(verify.manifest_text(ORIGIN, b"{}"), key)
    assert checkpoint.open_note(note, [opened.verifier])
    for text in (
        checkpoint.format_checkpoint(TREE.head(9)),
        verify.manifest_text("gov.example.cn/other", b"{}"),
        f"{verify.PACKAGE}\n",
    ):
        with pytest.raises(SignerRefused):
            checkpoint.sign(text, key)


def test_a_package_signed_through_the_door_passes(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(making.KEY.text + "\n")
    (tmp_path / "key").chmod(0o600)
    signer.create_state(tmp_path / "state", ORIGIN)
    opened: signer.Signer = FileSigner(tmp_path / "key", tmp_path / "state")
    assert bundle.pack(making.package(), opened.packages) == bundle.pack(making.package(), making.KEY)
