"""Keys, notes, checkpoints and short codes: the published vectors, and nothing accepted in a second spelling."""

from __future__ import annotations

import base64
import contextlib
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from decisionflow.trail import checkpoint, verify
from decisionflow.trail.checkpoint import BadCode, BadNote, Checkpoint
from tests.trail import making

# The vectors of golang.org/x/mod/sumdb/note, which C2SP's signed-note describes.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_SECRET = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER_SIG = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
ENOCH_SIG = "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
NOTE = f"{TEXT}\n{PETER_SIG}{ENOCH_SIG}"
peter, enoch = checkpoint.parse_vkey(PETER), checkpoint.parse_vkey(ENOCH)
ROOT = base64.b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")


# ---- keys


def test_the_published_key_signs_the_published_note() -> None:
    key = checkpoint.parse_private_key(PETER_SECRET)
    assert key.verifier == peter
    assert (key.text, key.verifier.vkey, key.verifier.id.hex()) == (PETER_SECRET, PETER, "c74f20a3")
    assert checkpoint.sign(TEXT, key) == f"{TEXT}\n{PETER_SIG}"


@pytest.mark.parametrize(
    ("parse", "text"), [(checkpoint.parse_vkey, PETER), (checkpoint.parse_private_key, PETER_SECRET)]
)
def test_no_part_of_a_key_and_no_changed_character_is_a_key(parse: object, text: str) -> None:
    assert callable(parse)
    mangled = {text[first:last] for first in range(len(text)) for last in range(first + 1, len(text) + 1)} - {text}
    mangled |= {text[:n] + chr(ord(text[n]) + 1) + text[n + 1 :] for n in range(len(text))}
    for other in mangled:
        with pytest.raises(BadNote):
            parse(other)


@pytest.mark.parametrize(
    "text",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "",
        "++",
    ],
)
def test_a_key_of_another_length_algorithm_or_name_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        checkpoint.parse_vkey(text)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\x01", "a\x7f", "a\u3000b", "a\n"])
def test_a_key_has_a_name_that_a_note_can_hold(name: str) -> None:
    with pytest.raises(BadNote):
        checkpoint.parse_vkey(verify.VerifierKey(name, peter.public).vkey)
    with pytest.raises(BadNote):
        checkpoint.parse_private_key(checkpoint.PrivateKey(name, bytes(32)).text)


def test_a_private_key_never_shows_itself() -> None:
    assert repr(making.KEY.seed) not in repr(making.KEY)
    with pytest.raises(BadNote) as refusal:
        checkpoint.parse_private_key(PETER_SECRET[:-1])
    assert PETER_SECRET[40:60] not in str(refusal.value) + refusal.value.say


# ---- notes


def test_unknown_signatures_are_ignored_and_known_ones_named() -> None:
    assert checkpoint.open_note(NOTE, [peter]) == (TEXT, (peter,))
    assert checkpoint.open_note(NOTE, [peter, enoch, peter]) == (TEXT, (peter, enoch))


def test_a_note_that_nobody_known_signed_is_refused() -> None:
    with pytest.raises(BadNote):
        checkpoint.open_note(NOTE, [])
    with pytest.raises(BadNote):
        checkpoint.open_note(NOTE, [making.KEY.verifier])


def test_a_bad_signature_of_a_known_key_spoils_the_whole_note() -> None:
    bad = PETER_SIG[:60] + "ABCD" + PETER_SIG[60:]
    for signatures in (bad, ENOCH_SIG + bad, PETER_SIG + bad, bad + PETER_SIG):
        with pytest.raises(BadNote):
            checkpoint.open_note(f"{TEXT}\n{signatures}", [peter, enoch])
    assert checkpoint.open_note(f"{TEXT}\n{ENOCH_SIG}{bad}", [enoch])


def test_the_same_good_signature_twice_counts_once() -> None:
    assert checkpoint.open_note(f"{TEXT}\n{PETER_SIG}{PETER_SIG}", [peter])[1] == (peter,)


def test_another_name_or_another_key_id_is_another_key() -> None:
    for signature in (PETER_SIG.replace("PeterNeumann", "Carmen"), PETER_SIG.replace("x08g", "xxxx")):
        with pytest.raises(BadNote, match="no signature of a known key"):
            checkpoint.open_note(f"{TEXT}\n{signature}", [peter])


def test_two_keys_of_one_name_and_id_are_never_guessed_between() -> None:
    class Twin(verify.VerifierKey):
        @property
        def id(self) -> bytes:
            return peter.id

    with pytest.raises(BadNote, match="ambiguous"):
        checkpoint.open_note(NOTE, [peter, Twin(peter.name, bytes(32))])


@pytest.mark.parametrize(
    "note",
    [
        "",
        TEXT,
        f"{TEXT}\n",
        f"{TEXT}\n{PETER_SIG[:-1]}",
        f"\x01{TEXT}\n{PETER_SIG}",
        f"{TEXT}\r\n{PETER_SIG}",
        f"{TEXT}{PETER_SIG}",
        f"{TEXT}\n{PETER_SIG}Unexpected line.\n",
        f"{TEXT}\n{PETER_SIG}\n",
        f"{TEXT}\n{PETER_SIG.replace('— ', '- ')}",
        f"{TEXT}\n{PETER_SIG.replace('PeterNeumann', 'Bad Name')}",
        f"{TEXT}\n{PETER_SIG.replace('PeterNeumann', '')}",
        f"{TEXT}\n{PETER_SIG.replace('PeterNeumann', 'a+b')}",
        f"{TEXT}\n{PETER_SIG.replace('=', '')}",
        f"{TEXT}\n{PETER_SIG.replace('AM=', 'AN=')}",  # other bits that decode to the same bytes
        f"{TEXT}\n{PETER_SIG.replace('x08go', 'x0*8go')}",
        f"{TEXT}\n— PeterNeumann x08g\n",
        f"{TEXT}\n{PETER_SIG.replace(chr(10), '  ' + chr(10))}",
        f"{TEXT}\n{PETER_SIG * 101}",
        "\ud800",
    ],
)
def test_a_malformed_note_is_refused(note: str) -> None:
    with pytest.raises(BadNote):
        checkpoint.open_note(note, [peter])
    with pytest.raises(verify.Malformed):
        verify.parse_note(note.encode("utf-8", "surrogatepass"))


def test_as_many_signatures_as_the_bound_are_read_and_no_more() -> None:
    assert len(verify.parse_note(f"{TEXT}\n{PETER_SIG * 64}".encode())[1]) == 64
    with pytest.raises(verify.Malformed):
        verify.parse_note(f"{TEXT}\n{PETER_SIG * 65}".encode())


def test_sixteen_signatures_are_taken() -> None:
    assert checkpoint.open_note(f"{TEXT}\n{ENOCH_SIG * 15}{PETER_SIG}", [peter])


def test_no_flipped_bit_of_a_note_passes() -> None:
    data = f"{TEXT}\n{PETER_SIG}".encode()
    for place in range(len(data)):
        other = data[:place] + bytes([data[place] ^ 1 << place % 8]) + data[place + 1 :]
        with pytest.raises(BadNote):
            checkpoint.open_note(other.decode("utf-8", "surrogateescape"), [peter])


def test_only_a_text_that_a_note_can_hold_is_signed() -> None:
    for text in ("abc", "a\tb\n", "", "a\x00\n"):
        with pytest.raises(ValueError):
            checkpoint.sign(text, making.KEY)
    with pytest.raises(ValueError):
        checkpoint.sign("abc\n")


@given(st.text().map(lambda text: text + "\n"))
def test_what_is_signed_can_be_opened(text: str) -> None:
    try:
        note = checkpoint.sign(text, making.KEY, making.STRANGER)
    except (ValueError, UnicodeEncodeError):
        return
    keys = (making.KEY.verifier, making.STRANGER.verifier)
    assert checkpoint.open_note(note, keys) == (text, keys)


@given(st.binary())
@example(b"\n\n\n")
@example("a\n\n— ".encode())
def test_no_bytes_break_the_note_parser(data: bytes) -> None:
    with contextlib.suppress(verify.Malformed):
        verify.parse_note(data)


# ---- checkpoints


def test_a_checkpoint_reads_as_it_was_written() -> None:
    text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    point = Checkpoint("example.com/behind-the-sofa", 20852163, ROOT)
    assert checkpoint.parse_checkpoint(text) == point
    assert checkpoint.format_checkpoint(point) == text


@given(st.text(), st.integers(), st.binary(max_size=40) | st.binary(min_size=32, max_size=32))
@example(making.ORIGIN, 0, bytes(32))
@example(making.ORIGIN, 2**53, bytes(32))
def test_formatting_and_parsing_are_inverse_or_both_refuse(origin: str, size: int, root: bytes) -> None:
    point = Checkpoint(origin, size, root)
    try:
        text = checkpoint.format_checkpoint(point)
    except ValueError:
        return
    assert checkpoint.parse_checkpoint(text) == point


@pytest.mark.parametrize(
    "text",
    [
        "o\n07\nR\n",
        "o\n+7\nR\n",
        "o\n-7\nR\n",
        "o\n 7\nR\n",
        "o\n7 \nR\n",
        "o\n７\nR\n",
        "o\n\nR\n",
        "o\n7.0\nR\n",
        "o\n9007199254740992\nR\n",
        "o\n99999999999999999999\nR\n",
        "\n7\nR\n",
        "o o\n7\nR\n",
        "o+\n7\nR\n",
        "o\n7\nR",
        "o\n7\nR\n\n",
        "o\n7\nR\nextension\n",
        "o\n7\nR\nextension",
        "o\n7\nR",
        "o\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n",
        "o\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I\n",
        "o\n7\nAAAA\n",
        "",
    ],
)
def test_any_second_spelling_of_a_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        checkpoint.parse_checkpoint(text.replace("R", base64.b64encode(ROOT).decode()))


@given(st.text())
def test_no_text_breaks_the_checkpoint_parser(text: str) -> None:
    try:
        point = checkpoint.parse_checkpoint(text)
    except BadNote:
        return
    assert checkpoint.format_checkpoint(point) == text


def test_the_largest_size_is_a_size() -> None:
    point = Checkpoint(making.ORIGIN, 2**53 - 1, ROOT)
    assert checkpoint.parse_checkpoint(checkpoint.format_checkpoint(point)) == point


def test_a_checkpoint_file_is_read_as_a_note_or_as_its_bare_lines(tmp_path: Path) -> None:
    text = checkpoint.format_checkpoint(Checkpoint(making.ORIGIN, 7, ROOT))
    for data in (text, checkpoint.sign(text, making.KEY)):
        assert verify.read_checkpoint(data.encode()) == Checkpoint(making.ORIGIN, 7, ROOT)


# ---- short codes

DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def roots(count: int) -> list[bytes]:
    return [verify.leaf_hash(b"%d" % n) for n in range(count)]


def test_a_short_code_says_which_log_how_large_and_which_root() -> None:
    code = checkpoint.short_code(making.ORIGIN, 20852, ROOT)
    groups = code.split("-")
    assert [len(group) for group in groups] == [4] * 10
    assert groups[1:3] == ["0002", "0852"]
    short = checkpoint.parse_short_code(code.lower().replace("-", " "))
    assert short.size == 20852
    assert short.names(Checkpoint(making.ORIGIN, 20852, ROOT))
    assert checkpoint.check_short_code(code, making.ORIGIN, 20852, ROOT)
    assert not checkpoint.check_short_code(code, making.ORIGIN + "2", 20852, ROOT)
    assert not checkpoint.check_short_code(code, making.ORIGIN, 20853, ROOT)
    assert not checkpoint.check_short_code(code, making.ORIGIN, 20852, bytes([ROOT[0] ^ 128]) + ROOT[1:])


def test_every_single_typo_and_every_exchange_of_neighbours_is_detected() -> None:
    sizes = [0, 1, 7, 41, 20852, 99_999_999, 100_000_000, 2**53 - 1]
    for n, root in enumerate(roots(50)):
        code = checkpoint.short_code(making.ORIGIN, sizes[n % len(sizes)] + (n if n % len(sizes) < 5 else 0), root)
        plain = code.replace("-", "")
        others = {plain[:at] + digit + plain[at + 1 :] for at in range(len(plain)) for digit in DIGITS}
        others |= {plain[:at] + plain[at + 1] + plain[at] + plain[at + 2 :] for at in range(len(plain) - 1)}
        others.discard(plain)
        assert len(others) > 31 * len(plain)
        for other in others:
            with pytest.raises(BadCode):
                checkpoint.parse_short_code(other)


def test_a_size_has_one_spelling_in_a_code() -> None:
    code = checkpoint.short_code(making.ORIGIN, 7, ROOT).replace("-", "")
    for check in (one + two for one in DIGITS for two in DIGITS):
        with pytest.raises(BadCode):
            checkpoint.parse_short_code(code[:4] + "0000" + code[4:-2] + check)


@given(st.integers(0, 2**53 - 1), st.binary(min_size=32, max_size=32))
def test_every_checkpoint_has_a_code_that_is_its_own(size: int, root: bytes) -> None:
    code = checkpoint.short_code(making.ORIGIN, size, root)
    assert checkpoint.check_short_code(code, making.ORIGIN, size, root)
    assert checkpoint.parse_short_code(code).size == size


@settings(max_examples=300)
@given(st.text() | st.text(alphabet=DIGITS, min_size=38, max_size=44))
@example("")
def test_an_invented_code_is_refused_or_is_spelt_as_we_spell(text: str) -> None:
    try:
        short = checkpoint.parse_short_code(text)
    except BadCode:
        assert not checkpoint.check_short_code(text, making.ORIGIN, 0, ROOT)
        return
    digits = f"{short.size:08}"
    plain = text.upper().replace("-", "").replace(" ", "")
    assert plain.startswith(short.origin + digits.zfill(-(-len(digits) // 4) * 4) + short.root)
