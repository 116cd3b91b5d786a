"""How a name sounds: what somebody types who heard a name, or has no way to type a rare character.

Readings are those of single characters, all of them, since names keep readings that words have lost (单, 曾, 解, 仇). They
find, and never tell two persons apart.
"""

from __future__ import annotations

import itertools
import unicodedata

MOST = 32  # readings of one name; no name of the tests comes near


def sounds(name: str) -> tuple[str, ...]:
    """The name in pinyin without tones, whole and by initials, in every reading: ``龙䶮`` is ``longyan`` and ``ly``.

    Letters stay letters; signs between parts of a name do not count. ü is written v. A character without a known reading
    is left out.
    """
    from pypinyin import Style, pinyin  # noqa: PLC0415 - 0.4 s and 30 MB that only who registers a name pays

    parts: list[tuple[str, ...]] = []
    for character in unicodedata.normalize("NFKC", name):
        letter = plain(character)
        if letter:
            parts.append((letter,))
        elif character.isalpha():
            found = pinyin(character, style=Style.NORMAL, heteronym=True, errors="ignore")
            parts += [tuple(dict.fromkeys(plain(one) for one in readings)) for readings in found]
    readings = list(itertools.islice(itertools.product(*parts), MOST)) if parts else []
    whole = ("".join(reading) for reading in readings)
    initials = ("".join(part[0] for part in reading if part) for reading in readings)
    return tuple(sorted({one for one in (*whole, *initials) if one}))


def plain(text: str) -> str:
    """What was typed as bare letters: ``Lóng Yǎn`` is ``longyan``; '' when it holds other writing or digits too."""
    letters = []
    for character in unicodedata.normalize("NFC", text.lower()):
        bare = "v" if character in "üǖǘǚǜ" else unicodedata.normalize("NFD", character)[0]
        if "a" <= bare <= "z":
            letters.append(bare)
        elif character.isalnum():
            return ""
    return "".join(letters)
