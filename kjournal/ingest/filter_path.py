"""`filter_path`: which parts of an answer the client wants.

Source: elastic.co/guide/en/elasticsearch/reference/8.19/common-options.html (response filtering).
"""

from fnmatch import fnmatchcase
from typing import Any

Path = tuple[str, ...]
_NOTHING = object()


def filtered(body: Any, filter_path: str) -> Any:
    """Return what of `body` is wanted: dotted paths with `*` and `**`; `-` takes away.

    Arrays add no step to a path. Objects with nothing left are left out.
    """
    paths = [part.strip() for part in filter_path.split(",") if part.strip()]
    wanted = [tuple(path.split(".")) for path in paths if not path.startswith("-")]
    unwanted = [tuple(path[1:].split(".")) for path in paths if path.startswith("-")]
    if wanted:
        body = _kept(body, wanted)
    if unwanted and body is not _NOTHING:
        body = _without(body, unwanted)
    return {} if body is _NOTHING else body


def _kept(value: Any, paths: list[Path]) -> Any:
    if any(path in ((), ("**",)) for path in paths):
        return value
    return _walked(value, paths, _kept)


def _without(value: Any, paths: list[Path]) -> Any:
    if any(path in ((), ("**",)) for path in paths):
        return _NOTHING
    if not isinstance(value, dict | list):
        return value
    return _walked(value, paths, _without)


def _walked(value: Any, paths: list[Path], visit: Any) -> Any:
    if isinstance(value, list):
        elements = [visit(element, paths) for element in value]
        return [element for element in elements if element is not _NOTHING] or _NOTHING
    if not isinstance(value, dict):
        return _NOTHING
    members = {key: visit(member, _below(key, paths)) for key, member in value.items()}
    return {key: member for key, member in members.items() if member is not _NOTHING} or _NOTHING


def _below(key: str, paths: list[Path]) -> list[Path]:
    below = []
    for path in paths:
        if not path:
            continue
        if path[0] == "**":
            below.append(path)
            path = path[1:]
        if path and fnmatchcase(key, path[0]):
            below.append(path[1:])
    return below
