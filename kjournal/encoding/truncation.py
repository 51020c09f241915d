"""Objects that are too long for one watch event, cut.

client-go refuses an event of more than 16 MiB and begins the watch anew, again and again. So an
object whose event would be longer is sent cut, in watches only: lists and gets have it whole. Its
annotation `kjournal/truncated` then says how many bytes of JSON the whole object has. Name,
namespace, uid, resourceVersion and creationTimestamp stay, and of the fields beside the metadata
all that are small. The largest are cut to one common length: a text at its end, never inside a
character; an object or a list by cutting its own largest members or elements in the same way;
numbers, and what lies eight levels deep, are left out. Where the common length would be below
256 bytes, members are left out whole, largest first, and of equal ones the last first. Labels,
annotations and what else is in the metadata are cut only if they alone are too long, and then there
are no fields beside them.

Source: apimachinery pkg/runtime/serializer/streaming/streaming.go, NewDecoder.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from kjournal.codec import dump_json, load_json
from kjournal.kinds.model import Object

TRUNCATED = "kjournal/truncated"
_ENVELOPE = ("kind", "apiVersion")
_IDENTITY = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
# Of shorter pieces nobody would learn anything.
_SHORTEST_BYTES = 256
# Each level is measured once more: without an end a deep object would cost its size squared.
_LEVELS = 8
# `\u001f`, the longest escape.
_ESCAPE_CHARS = 6
_LEFT_OUT = object()


def truncated(obj: Object, room_bytes: int, full_bytes: int) -> Object:
    """Return an object cut to so many bytes of JSON at most; the one given is not changed.

    `full_bytes` is what the annotation tells.
    """
    mark = {TRUNCATED: str(full_bytes)}
    metadata = obj["metadata"]
    head = {key: obj[key] for key in _ENVELOPE if key in obj}
    marked = {**metadata, "annotations": {**(metadata.get("annotations") or {}), **mark}}
    room = room_bytes - _size({**head, "metadata": marked})
    if room < 0:
        room = room_bytes - _size({**head, "metadata": {}})
        return {**head, "metadata": _metadata_within(metadata, mark, room)}
    fields = {key: value for key, value in obj.items() if key not in (*_ENVELOPE, "metadata")}
    return {**head, "metadata": marked, **_members_within(fields, room, _LEVELS)}


def _metadata_within(metadata: Object, mark: dict[str, str], room: int) -> Object:
    identity = {key: metadata[key] for key in _IDENTITY if key in metadata}
    left = room - _size({**identity, "annotations": mark})
    if left < 0:  # a store may hold any text for a namespace
        left = room - _size({"annotations": mark})
        return {**_members_within(identity, left, 1), "annotations": mark}
    others = {key: value for key, value in metadata.items() if key not in _IDENTITY}
    kept = _members_within(others, left, _LEVELS)
    return {**identity, **kept, "annotations": {**(kept.get("annotations") or {}), **mark}}


def _members_within(members: Mapping[str, Any], room: int, levels: int) -> dict[str, Any]:
    """Return what members of an object fit, each with its key, its colon and a comma."""
    keys = [_size(key) + 2 for key in members]
    costs = [key + _size(value) for key, value in zip(keys, members.values(), strict=True)]
    shares = _shares(costs, room)
    cut = (
        (name, value if share == cost else _cut(value, share - key, levels))
        for (name, value), key, cost, share in zip(
            members.items(), keys, costs, shares, strict=True
        )
    )
    return {name: value for name, value in cut if value is not _LEFT_OUT}


def _elements_within(elements: Sequence[Any], room: int, levels: int) -> list[Any]:
    """Return what elements of a list fit, each with a comma."""
    costs = [_size(value) + 1 for value in elements]
    shares = _shares(costs, room)
    cut = (
        value if share == cost else _cut(value, share - 1, levels)
        for value, cost, share in zip(elements, costs, shares, strict=True)
    )
    return [value for value in cut if value is not _LEFT_OUT]


def _shares(costs: Sequence[int], room: int) -> list[int]:
    """Return how much of the room each may take: all it needs, the common length, or nothing."""
    shares = [0] * len(costs)
    by_cost = sorted(range(len(costs)), key=costs.__getitem__)
    for done, place in enumerate(by_cost):
        common = room // (len(costs) - done)
        if costs[place] > common and common >= _SHORTEST_BYTES:
            for larger in by_cost[done:]:
                shares[larger] = common
            break
        if costs[place] > room:
            break
        shares[place] = costs[place]
        room -= costs[place]
    return shares


def _cut(value: Any, room: int, levels: int) -> Any:
    """Return a value cut to so many bytes of JSON, or that it is left out."""
    if isinstance(value, str):
        return _text_within(value, room)
    if levels > 1 and room >= _SHORTEST_BYTES:
        if isinstance(value, dict):
            return _members_within(value, room - 2, levels - 1)
        if isinstance(value, list):
            return _elements_within(value, room - 2, levels - 1)
    return _LEFT_OUT


def _text_within(text: str, room: int) -> Any:
    if room <= 2:
        return _LEFT_OUT
    # The beginning of valid UTF-8: only its last character can be broken, and is dropped.
    inside = dump_json(text)[1:-1][: room - 2].decode("utf-8", "ignore")
    for length in range(len(inside), max(len(inside) - _ESCAPE_CHARS, -1), -1):
        try:
            return load_json(f'"{inside[:length]}"')
        except ValueError:
            continue  # inside an escape
    return _LEFT_OUT


def _size(value: Any) -> int:
    return len(dump_json(value))
