"""The container files say what this release understands; no engine is needed to see that."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from decisionflow import settings
from decisionflow.cli.app import COMMANDS

HOUSE = Path(__file__).parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((HOUSE / "docker-compose.yml").read_text("utf-8"))


def test_every_service_pins_its_image_and_runs_a_command_we_have() -> None:
    for name, service in COMPOSE["services"].items():
        assert re.search(r":\d", service["image"]), name
        if "decisionflow" in service["image"]:
            assert service["command"][0] in COMMANDS
            assert service["user"] == "10001:10001" and service["read_only"] is True and service["cap_drop"] == ["ALL"]


def test_every_variable_is_one_that_we_read() -> None:
    source = Path(settings.__file__).read_text("utf-8")
    for service in COMPOSE["services"].values():
        for name in service.get("environment", {}):
            if name.startswith("DECISIONFLOW_"):
                short = name.removeprefix("DECISIONFLOW_").removesuffix("_FILE")
                assert f'"{short}"' in source, name


def test_the_image_runs_without_rights_and_names_no_index() -> None:
    words = (HOUSE / "Dockerfile").read_text("utf-8")
    assert "USER 10001:10001" in words and "--require-hashes" in words and "://" not in words
