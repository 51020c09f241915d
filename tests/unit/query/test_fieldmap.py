"""Field maps: the longest mapped prefix decides."""

import pytest

from kjournal.query.fieldmap import FieldMap, joined

FIELDS = FieldMap(
    {
        "payload": ("log", "message"),
        "payload.level": ("lvl",),
        "metadata.labels": ("kubernetes.labels",),
        "metadata.labels.app": ("app",),
        "metadata.annotations.host": ("host",),
        "note": (".",),
    },
    reshaped=frozenset({"count"}),
)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("payload", ("log", "message")),
        ("payload.x.y", ("log.x.y", "message.x.y")),
        ("payload.level", ("lvl",)),
        ("other", ("other",)),
        ("note", (".",)),
        ("note.x", ("x",)),
    ],
)
def test_stored_paths(field: str, expected: tuple[str, ...]) -> None:
    """Paths are tried in their order; an unmapped field has its own name."""
    assert FIELDS.stored_paths(field) == expected


def test_whole() -> None:
    """A dot maps everything that nothing else maps."""
    fields = FieldMap({".": ("audit", "."), "user": ("who",)})
    assert fields.stored_paths("verb") == ("audit.verb", "verb")
    assert fields.stored_paths("user.name") == ("who.name",)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("payload.level", ("lvl", "log.level", "message.level")),
        ("payload.level.x", ("lvl.x", "log.level.x", "message.level.x")),
        ("metadata.labels.app", ("kubernetes.labels.app",)),
        ("metadata.annotations.host", ("host", "metadata.annotations.host")),
        ("metadata.annotations.host.x", ()),
        ("metadata.annotations.x", ("metadata.annotations.x",)),
        ("metadata.namespace", ("metadata.namespace",)),
        ("count", ()),
        ("note", ()),
        ("note.x", ("x",)),
    ],
)
def test_selected_paths(field: str, expected: tuple[str, ...]) -> None:
    """What a selector sees falls back as the object does, and is nothing where that is unsure."""
    assert FIELDS.selected_paths(field) == expected


@pytest.mark.parametrize(
    ("path", "rest", "expected"),
    [("a", "b", "a.b"), ("a", "", "a"), (".", "b", "b"), (".", "", ".")],
)
def test_joined(path: str, rest: str, expected: str) -> None:
    """Either part may be empty or the whole."""
    assert joined(path, rest) == expected
