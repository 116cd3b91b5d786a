"""What a password must be, and how long it holds, as data: one profile for ASVS, one for 等保三级.

The two disagree on purpose: ASVS 6.2.5 and 6.2.10 want no rules of composition and no forced change, GB/T 22239 (8.1.4.1)
wants both. Which one holds is the operator's choice; docs/adr/0018 says why the milder one is the default.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

LONGEST = 200
_COMMON = frozenset("""
    123456789012 1234567890ab 111111111111 000000000000 password1234 password12345 password123456 passw0rd1234 qwertyuiop12
    qwerty123456 qwertyuiop123 1q2w3e4r5t6y 1qaz2wsx3edc 1qaz@wsx3edc qazwsxedcrfv zaq12wsxcde3 abcdefghijkl abcd12345678
    abc123456789 a123456789012 iloveyou1234 iloveyou5201 woaini520131 woaini1314520 woaizhongguo woaibeijing1 adminadmin123
    admin1234567 admin12345678 administrator administrator1 administrator123 root12345678 letmein12345 welcome12345 changeme1234
    changeme12345 default12345 test12345678 guest1234567 monkey123456 dragon123456 sunshine1234 princess1234 football1234
    baseball1234 superman1234 trustno1trustno1 correcthorsebatterystaple 5201314520131 131452013145 666666666666 888888888888
    999999999999 123123123123 112233445566 123321123321 147258369147 159357159357 asdfghjkl123 asdfghjklzxc zxcvbnm12345
    zxcvbnmasdfg q1w2e3r4t5y6 p@ssw0rd1234 p@ssword1234 p@ssw0rd12345 Passw0rd@123 zhengfu12345 zhengwu12345 gongwuyuan12
    decisionflow decisionflow1 decisionflow123
""".lower().split())  # fmt: skip
_CLASSES = ("[a-z]", "[A-Z]", "[0-9]", "[^a-zA-Z0-9]")


@dataclass(frozen=True, slots=True)
class Profile:
    """The rules of signing in that an operator has chosen. `tries` misses in a row close a source for `closed`."""

    name: str
    title: str
    shortest: int
    classes: int
    lasts: timedelta | None
    idle: timedelta | None
    second_factor: bool
    tries: int
    closed: timedelta


PROFILES: Mapping[str, Profile] = {
    "asvs": Profile("asvs", "ASVS 5.0", 12, 0, None, None, second_factor=False, tries=10, closed=timedelta(minutes=1)),
    "mlps3": Profile(
        "mlps3", "等保三级", 12, 3, timedelta(days=90), timedelta(minutes=30), second_factor=True, tries=5,
        closed=timedelta(minutes=15),
    ),
}  # fmt: skip


def faults(profile: Profile, password: str, about: tuple[str, ...]) -> tuple[str, ...]:
    """What is wrong with a new password; `about` are words that it may not lean on: login, name."""
    found = []
    if len(password) < profile.shortest:
        found.append(f"密码至少{profile.shortest}位")
    if len(password) > LONGEST:
        found.append(f"密码最多{LONGEST}位")
    plain = password.casefold()
    if plain in _COMMON or len(set(plain)) < 4 or re.fullmatch(r"(.{1,4})\1{2,}.?", plain, re.DOTALL):
        found.append("这个密码太常见，容易被猜到；可以用几个不相干的词连起来")
    if any(
        word and len(word) >= 2 and word.casefold() in plain and len(plain.replace(word.casefold(), "")) < 8
        for word in about
    ):
        found.append("密码不能以登录名、姓名为主")
    kinds = sum(bool(re.search(kind, password)) for kind in _CLASSES)
    if kinds < profile.classes:
        found.append(f"密码要有大写字母、小写字母、数字、符号中的至少{profile.classes}类")
    return tuple(found)


def is_over(profile: Profile, set_at: datetime, now: datetime) -> bool:
    """Whether a password has to be changed because of its age."""
    return profile.lasts is not None and now - set_at >= profile.lasts
