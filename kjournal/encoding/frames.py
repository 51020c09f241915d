"""Watch events as bytes: one JSON line each.

Source: kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

from typing import Any

import attrs

from kjournal.codec import dump_json
from kjournal.encoding.documents import list_metadata, partial_of
from kjournal.encoding.negotiate import Representation
from kjournal.encoding.table import IncludeObject, table_head, table_row
from kjournal.encoding.truncation import truncated
from kjournal.kinds.model import GROUP_VERSION, Kind, Object

INITIAL_EVENTS_END = "k8s.io/initial-events-end"
# What client-go takes for one event, with everything.
MAX_FRAME_BYTES = 16 * 1024 * 1024
# More than there is around an object: the event, and a Table with its columns.
_AROUND_BYTES = 64 * 1024


@attrs.frozen
class Framer:
    """Makes the frames of a kind in one representation, by which they are hashed and shared."""

    kind: Kind = attrs.field(eq=False)
    representation: Representation
    include: IncludeObject

    def frame(self, event_type: str, obj: Object, time_us: int, now_us: int) -> bytes:
        """Return the frame of an ADDED, MODIFIED or DELETED event, of 16 MiB at most.

        An object that is too long for it is cut, as `truncation` says.
        """
        frame = _line(event_type, self._document(obj, time_us, now_us))
        if len(frame) <= MAX_FRAME_BYTES:
            return frame
        full_bytes = len(dump_json(obj))
        room = MAX_FRAME_BYTES - _AROUND_BYTES
        while len(frame) > MAX_FRAME_BYTES:
            obj = truncated(obj, room, full_bytes)
            frame = _line(event_type, self._document(obj, time_us, now_us))
            # A Table's row may show a text in a cell and in its object.
            room = room * 3 // 4
        return frame

    def bookmark(self, resource_version: int, *, initial_end: bool = False) -> bytes:
        """Return a BOOKMARK frame; `initial_end` marks the end of a WatchList's initial events."""
        metadata: dict[str, Any] = {"resourceVersion": str(resource_version)}
        if initial_end:
            metadata["annotations"] = {INITIAL_EVENTS_END: "true"}
        obj: Object = {
            "kind": self.kind.kind,
            "apiVersion": GROUP_VERSION,
            "metadata": metadata,
        }
        if self.representation.is_partial:
            obj = partial_of(obj, self.representation.version)
        if self.representation.is_table:
            version = self.representation.version
            row = {"cells": ["" for _ in self.kind.columns], "object": partial_of(obj, version)}
            obj = self._table(row, str(resource_version))
        return _line("BOOKMARK", obj)

    def _document(self, obj: Object, time_us: int, now_us: int) -> Object:
        version = self.representation.version
        if self.representation.is_table:
            row = table_row(self.kind, obj, (time_us, now_us), (version, self.include))
            return self._table(row, obj["metadata"]["resourceVersion"])
        if self.representation.is_partial:
            return partial_of(obj, version)
        return obj

    def _table(self, row: dict[str, Any], resource_version: str) -> Object:
        table = table_head(self.kind, self.representation.version)
        table["metadata"] = list_metadata(int(resource_version))
        table["rows"] = [row]
        return table


def error_frame(status: Object) -> bytes:
    """Return the ERROR frame that ends a stream."""
    return _line("ERROR", status)


def _line(event_type: str, obj: Object) -> bytes:
    return b'{"type":"%s","object":%s}\n' % (event_type.encode(), dump_json(obj))
