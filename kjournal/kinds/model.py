"""What a kind is: its names, fields and columns."""

from collections.abc import Callable
from typing import Any

import attrs

from kjournal.kinds.shape import Field

GROUP = "core.kjournal"
VERSION = "v1alpha1"
GROUP_VERSION = f"{GROUP}/{VERSION}"

Object = dict[str, Any]
"""An API object on its way out: JSON with the wire's own keys."""

_METADATA = ("metadata.name", "metadata.namespace", "metadata.uid", "metadata.creationTimestamp")
_FREE_METADATA = ("metadata.labels.", "metadata.annotations.")


@attrs.frozen
class Row:
    """What a column's cell is made from; times are microseconds since the epoch."""

    object: Object
    time_us: int
    now_us: int


@attrs.frozen(kw_only=True)
class Column:
    """One column of a Table; `wide` ones show with -o wide only."""

    name: str
    doc: str
    cell: Callable[[Row], str | int]
    type: str = "string"
    format: str = ""
    wide: bool = False


@attrs.frozen(kw_only=True)
class Kind:
    """One kind: plural is its name in URLs, fields are what stands beside metadata."""

    kind: str
    plural: str
    singular: str
    namespaced: bool
    doc: str
    fields: tuple[Field, ...]
    columns: tuple[Column, ...]

    @property
    def list_kind(self) -> str:
        """The kind of lists; clients derive the item's kind from it by stripping `List`."""
        return f"{self.kind}List"

    def selectable(self, path: str) -> bool:
        """Return whether field selectors may name this API path."""
        if path in _METADATA:
            return True
        return path.startswith(_FREE_METADATA) or _selects(self.fields, path)

    def selectable_fields(self) -> list[str]:
        """Return what selectable allows, for messages; `*` stands for any path below."""
        found = [path for path in _METADATA if self.selectable(path)]
        found += [f"{prefix}*" for prefix in _FREE_METADATA]
        return found + list(_leaves(self.fields, ""))


def _selects(fields: tuple[Field, ...], path: str) -> bool:
    name, dot, rest = path.partition(".")
    for field in fields:
        if field.name == name and field.selectable:
            if not dot:
                return field.shape.scalar
            return bool(rest) and (field.shape.free or _selects(field.fields, rest))
    return False


def _leaves(fields: tuple[Field, ...], prefix: str) -> list[str]:
    found = []
    for field in fields:
        if not field.selectable:
            continue
        if field.shape.scalar:
            found.append(prefix + field.name)
        if field.shape.free:
            found.append(f"{prefix}{field.name}.*")
        found += _leaves(field.fields, f"{prefix}{field.name}.")
    return found
