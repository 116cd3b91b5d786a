"""The description of the API as a file: what a running site serves as `/api/v1/openapi.json`, its keys in order.

Run from the checkout: ``python -m docs.reference.openapi``.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from decisionflow.service.site import Site
from decisionflow.settings import load
from decisionflow.store.blobs import Blobs
from decisionflow.store.engine import connect
from decisionflow.web.app import create_app

FILE = Path(__file__).with_suffix(".json")


def described() -> str:
    """The description that this code gives; no database is looked at."""
    with tempfile.TemporaryDirectory() as folder:
        settings = load({}, data_dir=Path(folder))
        store = connect(settings.database_url, Blobs(settings.blob_dir))
        try:
            document = create_app(Site(settings, store)).openapi()
        finally:
            store.close()
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def main() -> None:
    """Write the file anew."""
    FILE.write_text(described(), "utf-8")


if __name__ == "__main__":
    sys.exit(main())
