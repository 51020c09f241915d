"""Cells of every kind are bounded, whatever was stored."""

import pytest

from kjournal.kinds.columns import MAX_CELL_CHARS
from kjournal.kinds.mapping import Mapping, field_map_of
from kjournal.kinds.model import Row
from kjournal.kinds.registry import KINDS
from kjournal.query.model import Record

LONG = "x" * 100_000
ANYTHING = {
    "metadata": {"namespace": "a", "annotations": {"host": LONG}, "labels": {"a": LONG}},
    "regarding": {"kind": LONG, "name": LONG},
    **dict.fromkeys(("pod", "container", "payload", "requestURI", "verb", "level"), LONG),
    **dict.fromkeys(("stage", "auditID", "type", "reason", "note"), LONG),
    "reportingController": LONG,
    "user": {"username": LONG},
}


@pytest.mark.parametrize("plural", KINDS)
@pytest.mark.parametrize("reference", [{}, {"objectRef": {"namespace": LONG, "name": LONG}}])
def test_cells_are_bounded(plural: str, reference: dict[str, object]) -> None:
    """No record makes a Table long."""
    kind = KINDS[plural]
    mapping = Mapping.compile(kind, field_map_of(kind, {}))
    record = Record(index="i", id="1", time_us=1, document={**ANYTHING, **reference})
    obj = mapping.object_of(record, 1)
    assert obj is not None
    cells = {column.name: column.cell(Row(obj, 1, 2)) for column in kind.columns}
    assert {name: len(str(cell)) for name, cell in cells.items() if len(str(cell)) > 1024} == {}
    assert MAX_CELL_CHARS in map(len, map(str, cells.values()))
