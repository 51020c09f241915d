"""Views: hashable, digested, and aware of a pinned name."""

import pytest

from kjournal.query.model import Operator
from kjournal.query.selectors import Requirement, parse_fields
from kjournal.query.view import View, pinned_name


@pytest.mark.parametrize(
    ("selector", "name"),
    [
        ("metadata.name=x", "x"),
        ("pod=a,metadata.name==x", "x"),
        ("metadata.name!=x", None),
        ("metadata.name in (x)", "x"),
        ("metadata.name in (x,y)", None),
        ("metadata.name>x", None),
        ("pod=x", None),
        ("", None),
    ],
)
def test_name(selector: str, name: str | None) -> None:
    """Only one exact name pins."""
    assert View(kind="logs", fields=parse_fields(selector)).name == name
    assert pinned_name(parse_fields(selector)) == name


def test_digest() -> None:
    """Equal views have one digest and hash; a selector moved to labels is another view."""
    requirement = Requirement("a", Operator.IN, ("b",))
    by_field, by_label = (
        View(kind="k", fields=(requirement,)),
        View(kind="k", labels=(requirement,)),
    )
    assert by_field.digest() == View(kind="k", fields=(requirement,)).digest()
    assert hash(by_field) == hash(View(kind="k", fields=(requirement,)))
    assert by_field.digest() != by_label.digest()
