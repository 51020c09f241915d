"""What the programs print: one JSON document a line."""

import sys
from collections.abc import Mapping
from typing import Any

from kjournal.codec import dump_json

LAST = "last"
"""The log of the line after which a program ends."""


def tell(step: str, **found: Any) -> None:
    """Print one line."""
    sys.stdout.write(dump_json({"step": step, **found}).decode() + "\n")
    sys.stdout.flush()


def log_of(found: Mapping[str, Any]) -> str:
    """Return the text of a containerlog."""
    return str(found["payload"]["log"])
