"""The kinds themselves."""

import pytest

from kjournal.kinds.model import Kind
from kjournal.kinds.registry import KINDS


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_kinds(kind: Kind) -> None:
    """Names follow from one another; one column is the name; each selectable path is selectable."""
    assert kind.plural == kind.singular + "s"
    assert kind.list_kind == f"{kind.kind}List"
    assert [column.name for column in kind.columns if column.format == "name"] == ["Name"]
    assert len({column.name for column in kind.columns}) == len(kind.columns)
    for path in kind.selectable_fields():
        assert kind.selectable(path.replace("*", "x.y"))
    assert not kind.selectable("metadata.labels")
    assert not kind.selectable("nothing")
    assert kind.selectable("metadata.namespace")
