"""Paths into stored documents, where `a.b` may be nested, or one key with a dot in it, or a mix."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from kjournal.codec import parse_time_us

ABSENT: Final = object()
"""What a lookup finds where nothing is. A stored null is None, which a field map passes over."""

WHOLE = "."
"""The path of the whole document."""


def lookup(document: object, path: str) -> Any:
    """Return what stands at `path`, or ABSENT: the first spelling that is not null.

    A document from a shipper may hold `{"a": {"b": 1}}`, `{"a.b": 1}` or a mix; Elasticsearch maps
    them to the same field, so they are the same path here. Arrays are values, not branches.
    Each dot costs a look into each document: selectors.py bounds those that clients write.
    """
    if path == WHOLE:
        return document
    return _found(document, path) if isinstance(document, dict) else ABSENT


def _found(document: dict[str, Any], path: str) -> Any:
    # As the first of `spellings`, several times as fast: each record is looked at for each field.
    found: Any = ABSENT
    at = path.find(".")
    while at != -1:
        branch = document.get(path[:at])
        if isinstance(branch, dict):
            below = _found(branch, path[at + 1 :])
            if below is not ABSENT:
                if below is not None:
                    return below
                found = None
        at = path.find(".", at + 1)
    whole = document.get(path, ABSENT)
    return found if whole is ABSENT else whole


def spellings(document: object, path: str) -> Iterator[Any]:
    """Yield all that stands at `path`, once for each way in which the document spells it.

    What is nested comes before what has dots in its key, whatever the order in the document: the
    shipper nests, and whoever wrote the line may have written any key.
    """
    if path == WHOLE:
        yield document
    elif isinstance(document, dict):
        yield from _below(document, path)


def _below(document: dict[str, Any], path: str) -> Iterator[Any]:
    at = path.find(".")
    while at != -1:
        branch = document.get(path[:at])
        if isinstance(branch, dict):
            yield from _below(branch, path[at + 1 :])
        at = path.find(".", at + 1)
    if path in document:
        yield document[path]


def first_of(document: object, paths: Iterable[str]) -> Any:
    """Return the first value, other than null, that stands at one of `paths`, or ABSENT."""
    for path in paths:
        found = lookup(document, path)
        if found is not ABSENT and found is not None:
            return found
    return ABSENT


def only_text_of(document: object, paths: Iterable[str]) -> str | None:
    """Return the text at the first of `paths` that is present, if all its spellings say the same.

    None for what is no text, or empty, and for what is spelled twice and not alike: nobody can tell
    then which of the two the shipper wrote.
    """
    for path in paths:
        found = [value for value in spellings(document, path) if value is not None]
        if found:
            alike = all(value == found[0] for value in found)
            return found[0] if alike and isinstance(found[0], str) and found[0] else None
    return None


def event_time_us(document: object, paths: Iterable[str]) -> int:
    """Return the first time that stands at one of the paths, in microseconds, or 0."""
    for path in paths:
        time_us = parse_time_us(lookup(document, path))
        if time_us is not None:
            return time_us
    return 0


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


def scalars_of(values: Iterable[Any]) -> list[str]:
    """Return all scalars among values and in their arrays, as they are compared."""
    elements: list[Any] = []
    for value in values:
        if isinstance(value, list):
            elements += value
        else:
            elements.append(value)
    return [text for text in map(text_of, elements) if text is not None]
