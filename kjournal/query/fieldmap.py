"""From API fields to stored paths."""

from collections.abc import Mapping

import attrs

from kjournal.query.paths import WHOLE


@attrs.frozen
class FieldMap:
    """Which stored paths hold an API field; the longest mapped prefix decides, `.` maps all."""

    entries: Mapping[str, tuple[str, ...]]

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


def joined(path: str, rest: str) -> str:
    """Return `rest` below `path`, where either may be empty or the whole document."""
    if path == WHOLE:
        return rest or WHOLE
    return f"{path}.{rest}" if rest else path
