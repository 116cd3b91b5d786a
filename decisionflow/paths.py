"""Where the shipped files lie: beside a checkout, else inside the installed package.

Always found from this file, never from site-packages: an editable install leaves stale copies there.
"""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
STATIC = PACKAGE / "static"


def _shipped(name: str) -> Path:
    checkout = PACKAGE.parent / name
    return checkout if (PACKAGE.parent / "pyproject.toml").is_file() else PACKAGE / "_shipped" / name


WORKFLOWS = _shipped("workflows")
TEMPLATES = _shipped("templates")
CALENDARS = WORKFLOWS / "calendars"
RULES = WORKFLOWS / "rules"
