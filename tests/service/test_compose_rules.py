"""A government joins what its region asks for with what a sector asks for, and publishes the two as one procedure."""

from __future__ import annotations

from datetime import timedelta

import pytest

from decisionflow.errors import BadInput, NotFound
from decisionflow.service import procedures, publications
from decisionflow.store.engine import Store
from tests.service.stage import office


def test_a_place_and_a_sector_are_joined_with_what_both_ask_for() -> None:
    both = procedures.find("henan@2024.1+sector-planning@2024.1")
    place, sector = procedures.find("henan@2024.1"), procedures.find("sector-planning@2024.1")
    national = {gate.id for gate in procedures.find("cn-major-decision@2024.1").gates}
    added = [{gate.id for gate in one.gates} - national for one in (place, sector)]
    assert all(added) and set.union(*added) <= {gate.id for gate in both.gates}
    assert both.name == "henan-sector-planning@2024.1" and len(both.built_from) == 4


def test_what_is_no_overlay_or_not_there_cannot_be_joined() -> None:
    with pytest.raises(BadInput, match="叠加文件"):
        procedures.find("henan@2024.1+information-request")
    with pytest.raises(NotFound):
        procedures.find("henan@2024.1+nothing@1")
    with pytest.raises(BadInput, match="extends"):
        procedures.find("information-request+sector-planning@2024.1")


def test_the_joined_procedure_is_proposed_and_published_by_two(store: Store) -> None:
    work = office(store)
    legal, chief = work.stage.actors["legal"], work.stage.actors["office"]
    both = procedures.find("henan@2024.1+sector-planning@2024.1")
    proposal = store.write(
        lambda tx: publications.propose_procedure(tx, work.authority, both, "规划事项适用", legal, work.now)
    )
    later = work.now + timedelta(hours=1)
    store.write(lambda tx: publications.publish(tx, work.authority, proposal, chief, later))
    with store.read() as connection:
        assert procedures.in_force(connection, work.authority.id, both.id, both.in_force.from_).digest == both.digest
