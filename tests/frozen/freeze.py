"""Freezes a demo for `tests/store/test_migrations.py`: its database as SQL, its files and its public key, never the secret one.

Run as ``python tests/frozen/freeze.py FOLDER``, the folder being that of ``decisionflow demo --no-serve --dir FOLDER``.
"""

from __future__ import annotations

import io
import sqlite3
import sys
import tarfile
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).parent


def freeze(folder: Path) -> Path:
    """The demo as one archive, named by the revision of its schema; what it holds is in order and has no dates."""
    with closing(sqlite3.connect(folder / "decisionflow.db")) as database:
        (revision,) = database.execute("select version_num from alembic_version").fetchone()
        held = {"demo.sql": "\n".join(database.iterdump()).encode()}
    for path in (folder / "keys" / "trust.json", *sorted((folder / "blobs").rglob("*"))):
        if path.is_file():
            held[path.relative_to(folder).as_posix()] = path.read_bytes()
    made = HERE / f"demo-{revision}.tar.xz"
    with tarfile.open(made, "w:xz", preset=9) as archive:
        for name, data in held.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return made


if __name__ == "__main__":
    sys.stdout.write(f"{freeze(Path(sys.argv[1]))}\n")
