"""Elasticsearch's multi-target syntax: `logs-*,-logs-old*,audit`, applied to one index name.

Source: elastic.co/guide/en/elasticsearch/reference/8.19/api-conventions.html#api-multi-index, and
IndexNameExpressionResolver: parts act in their order, and `-` excludes only after a wildcard.
"""

import re
from functools import lru_cache

_ALL = ("_all", "")


def matches(pattern: str, name: str) -> bool:
    """Return whether the index of that name is among those that `pattern` means."""
    included = False
    for excludes, wanted in _parts(pattern):
        if wanted.fullmatch(name):
            included = not excludes
    return included


@lru_cache(maxsize=256)
def named(pattern: str) -> tuple[str, ...]:
    """Return the names that stand in `pattern` without a wildcard and without being excluded."""
    names: list[str] = []
    for excludes, part in _split(pattern):
        if "*" in part:
            continue
        if excludes:
            names = [name for name in names if name != part]
        else:
            names.append(part)
    return tuple(names)


@lru_cache(maxsize=256)
def _parts(pattern: str) -> tuple[tuple[bool, re.Pattern[str]], ...]:
    return tuple(
        (excludes, re.compile(".*".join(map(re.escape, part.split("*"))), re.DOTALL))
        for excludes, part in _split(pattern)
    )


def _split(pattern: str) -> list[tuple[bool, str]]:
    if pattern.strip() in _ALL:
        return [(False, "*")]
    parts = []
    wildcard_seen = False
    for part in filter(None, (part.strip() for part in pattern.split(","))):
        excludes = wildcard_seen and part.startswith("-")
        name = part[1:] if excludes else part
        wildcard_seen = wildcard_seen or "*" in name
        parts.append((excludes, name))
    return parts
