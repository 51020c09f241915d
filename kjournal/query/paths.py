"""Paths into stored documents, where `a.b` may be nested, or one key with a dot in it, or a mix."""

from collections.abc import Iterable
from typing import Any, Final

ABSENT: Final = object()
"""What a lookup finds where nothing is. A stored null is None, which a field map passes over."""

WHOLE = "."
"""The path of the whole document."""


def lookup(document: object, path: str) -> Any:
    """Return what stands at `path`, or ABSENT.

    A document from a shipper may hold `{"a": {"b": 1}}`, `{"a.b": 1}` or a mix; Elasticsearch maps
    them to the same field, so they are the same path here. Arrays are values, not branches.
    """
    if path == WHOLE:
        return document
    if not isinstance(document, dict):
        return ABSENT
    if path in document:
        return document[path]
    at = path.find(".")
    while at != -1:
        branch = document.get(path[:at], ABSENT)
        if isinstance(branch, dict):
            found = lookup(branch, path[at + 1 :])
            if found is not ABSENT:
                return found
        at = path.find(".", at + 1)
    return ABSENT


def first_of(document: object, paths: Iterable[str]) -> Any:
    """Return the first value, other than null, that stands at one of `paths`, or ABSENT."""
    for path in paths:
        found = lookup(document, path)
        if found is not ABSENT and found is not None:
            return found
    return ABSENT


def text_of(value: object) -> str | None:
    """Return a scalar as selectors compare it (JSON's spelling), or None for what is no scalar."""
    if isinstance(value, str):
        return value
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return None
