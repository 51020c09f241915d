"""From API fields to stored paths."""

from collections.abc import Iterator, Mapping

import attrs

from kjournal.query.paths import WHOLE

_LABELS = "metadata.labels."
_ANNOTATIONS = "metadata.annotations."


@attrs.frozen
class FieldMap:
    """Which stored paths hold an API field; the longest mapped prefix decides, `.` maps all.

    `reshaped` are the API fields whose value is not the stored text: times, numbers.
    """

    entries: Mapping[str, tuple[str, ...]]
    reshaped: frozenset[str] = frozenset()

    def stored_paths(self, field: str) -> tuple[str, ...]:
        """Return the stored paths of an API field, in the order in which they are tried.

        An unmapped field is stored under its own name.
        """
        prefix = field
        while prefix:
            if prefix in self.entries:
                rest = field[len(prefix) + 1 :]
                return tuple(joined(path, rest) for path in self.entries[prefix])
            prefix = prefix.rpartition(".")[0]
        if WHOLE in self.entries:
            return tuple(joined(path, field) for path in self.entries[WHOLE])
        return (field,)

    def selected_paths(self, field: str) -> tuple[str, ...]:
        """Return the stored paths of which the first that is present is what a selector sees.

        A field that is mapped below another one falls back on what stands in that one. Empty where
        no stored value can be compared as it is.
        """
        if field in self.reshaped:
            return ()
        top = _top(field)
        levels = [
            tuple(joined(path, field[len(prefix) + 1 :]) for path in self.entries[prefix])
            for prefix in _prefixes(field)
            if prefix in self.entries and len(prefix) >= len(top)
        ]
        if top not in self.entries:
            paths = self.stored_paths(top)
            levels.append(tuple(joined(path, field[len(top) + 1 :]) for path in paths))
        if field.startswith(_LABELS):
            levels = levels[-1:]  # labels are mapped as a whole
        if field.startswith(_ANNOTATIONS) and field not in self.entries and len(levels) > 1:
            return ()  # which one is shown depends on the shape of its value
        found = tuple(path for level in levels for path in level)
        return () if WHOLE in found else found


def _top(field: str) -> str:
    """Return the part of a field that is read as one value; below it lies what it holds."""
    for prefix in (_LABELS, _ANNOTATIONS):
        if field.startswith(prefix):
            return prefix[:-1]
    return field if field.startswith("metadata.") else field.partition(".")[0]


def _prefixes(field: str) -> Iterator[str]:
    """Yield a field and what it lies below, longest first."""
    while field:
        yield field
        field = field.rpartition(".")[0]


def joined(path: str, rest: str) -> str:
    """Return `rest` below `path`, where either may be empty or the whole document."""
    if path == WHOLE:
        return rest or WHOLE
    return f"{path}.{rest}" if rest else path
