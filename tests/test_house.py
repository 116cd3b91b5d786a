"""Rules of the house that a machine can hold: one way to write, one clock, no template that knows an action."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from decisionflow import paths
from decisionflow.service import procedures, shipped
from decisionflow.store import tables

HOUSE = Path(__file__).parent.parent
CODE = sorted([*paths.PACKAGE.rglob("*.py"), *(HOUSE / "workers").glob("*.py")])
WRITERS = ("decisionflow/store/", "decisionflow/migrations/")
CLOCKS = {"decisionflow/service/site.py": "wall_clock"}


def named(path: Path) -> str:
    return str(path.relative_to(HOUSE))


def calls(path: Path) -> Iterator[tuple[ast.Call, str]]:
    """Every call of a file with what is called, as written."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            yield node, ast.unparse(node.func)


def test_there_is_no_way_to_write_but_the_stores() -> None:
    """Statements that change rows go through a transaction that `store.write` gives, never through a connection."""
    found = []
    for path in CODE:
        if named(path).startswith(WRITERS):
            continue
        for call, name in calls(path):
            changing = any(isinstance(a, ast.Call) and re.match(r"(sa\.)?(insert|update|delete)$", ast.unparse(a.func))
                           for a in call.args)  # fmt: skip
            if name.endswith("connection.execute") and not name.startswith("tx.") and changing:
                found.append(f"{named(path)}:{call.lineno} {name}")
            if name not in ("entries.commit", "commitment.commit") and name.endswith(
                (".begin", ".commit", ".rollback", "create_engine", "sessionmaker")
            ):
                found.append(f"{named(path)}:{call.lineno} {name}")
    assert found == []


def test_sql_texts_outside_the_store_only_read_unless_a_transaction_runs_them() -> None:
    for path in CODE:
        if named(path).startswith(WRITERS):
            continue
        source = path.read_text("utf-8")
        for match in re.finditer(r"connection\.execute\(\s*text\(\s*f?[\"']+\s*(\w+)", source):
            assert match[1].lower() in ("select", "with"), f"{named(path)}: {match[0]}"


def test_the_clock_is_read_in_one_place() -> None:
    found = []
    for path in CODE:
        for call, name in calls(path):
            if re.search(r"(datetime\.(now|utcnow|today)|date\.today|time\.time)$", name) and named(path) not in CLOCKS:
                found.append(f"{named(path)}:{call.lineno} {name}")
    assert found == []


def test_no_template_and_no_page_knows_an_action() -> None:
    actions = {action.id for path in shipped.procedure_files() for action in procedures.read(path).actions}
    telling = {
        action for action in actions if "_" in action
    }  # one plain word (`file`, `submit`) means other things too
    words = re.compile(r"['\"](" + "|".join(sorted(telling, key=len, reverse=True)) + r")['\"]")
    for path in [*paths.TEMPLATES.rglob("*.html"), *(paths.PACKAGE / "web").rglob("*.py")]:
        assert words.findall(path.read_text("utf-8")) == [], named(path)


def test_every_rule_a_gate_cites_is_known_and_none_that_blocks_rests_on_memory() -> None:
    for path in shipped.procedure_files():
        one = procedures.read(path)
        for gate in one.gates:
            assert set(gate.rules) <= set(one.rules)
            if gate.strength == "must":
                assert any(one.rules[rule].confirmed != "memory" for rule in gate.rules), (one.name, gate.id)


@pytest.mark.parametrize("path", [path for path in CODE if "/core/" in str(path) or "/trail/" in str(path)], ids=named)
def test_what_is_public_in_core_and_trail_says_what_it_does(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    assert ast.get_docstring(tree)
    public = [node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name[0] != "_"]
    assert [node.name for node in public if not ast.get_docstring(node)] == []


def test_the_database_itself_grants_no_other_way(postgres_admin_url: str, postgres_template: str) -> None:
    """On PostgreSQL the role of the site may read the trail, and change it through three functions only."""
    trail = [name for name, table in tables.metadata.tables.items() if table.info.get("class") == "trail"]
    assert "trail_entry" in trail
    engine = create_engine(postgres_admin_url.replace("postgresql://", "postgresql+psycopg://", 1).rsplit("/", 1)[0]
                           + f"/{postgres_template}")  # fmt: skip
    query = text("""
        select privilege_type from information_schema.role_table_grants
        where grantee = 'decisionflow_app' and table_name = :t
    """)
    try:
        with engine.connect() as connection:
            granted = {name: set(connection.execute(query, {"t": name}).scalars()) for name in trail}
    finally:
        engine.dispose()
    assert {name: rights for name, rights in granted.items() if rights & {"UPDATE", "TRUNCATE", "DELETE"}} == {}
