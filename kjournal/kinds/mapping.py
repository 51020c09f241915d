"""From a stored record to an API object: compiled once from the kind and its field map."""

from collections.abc import Mapping as MappingABC
from typing import Any

import attrs

from kjournal.codec import format_micros, format_seconds, parse_time_us
from kjournal.kinds.meta import name_of, uid_of
from kjournal.kinds.model import GROUP_VERSION, Kind, Object
from kjournal.kinds.omission import Omission
from kjournal.kinds.shape import Field, placed_at, reshaped, strings
from kjournal.query.clauses import UNSTORED
from kjournal.query.fieldmap import FieldMap, joined
from kjournal.query.model import Document, Record
from kjournal.query.paths import ABSENT, WHOLE, first_of, only_text_of

INDEX_ANNOTATION = "kjournal/es-index"
TIME_ANNOTATION = "kjournal/timestamp"
TIME = "metadata.creationTimestamp"
# Made from the record's identity and place: a map cannot set them, and nothing works without them.
IDENTITY = frozenset(
    {
        "kind",
        "apiVersion",
        "metadata",
        "metadata.name",
        "metadata.namespace",
        "metadata.uid",
        "metadata.resourceVersion",
    }
)
_SPECIAL = ("metadata.namespace", "metadata.labels", "metadata.annotations", TIME)
# A config may name the indexed sub-field of a text; the document itself has only the text.
_SUBFIELD = ".keyword"


def field_map_of(kind: Kind, configured: MappingABC[str, tuple[str, ...]]) -> FieldMap:
    """Return the kind's own field map with the configured one over it."""
    entries = {field.name: field.sources for field in kind.fields if field.sources}
    if WHOLE in configured:
        roots = configured[WHOLE]
        entries = {
            name: tuple(joined(root, path) for root in roots for path in paths)
            for name, paths in entries.items()
        }
    for field, paths in configured.items():
        entries[field] = tuple(path.removesuffix(_SUBFIELD) for path in paths)
    return FieldMap(entries)


@attrs.frozen
class Mapping:
    """How the records of one kind become objects."""

    kind: Kind
    fields: FieldMap
    drop: tuple[tuple[str, ...], ...]
    _steps: tuple[tuple[tuple[str, ...], Field, tuple[str, ...]], ...]
    _annotations: tuple[tuple[str, tuple[str, ...]], ...]
    _special: MappingABC[str, tuple[str, ...]]
    _omission: Omission | None

    @classmethod
    def compile(
        cls,
        kind: Kind,
        fields: FieldMap,
        drop_fields: tuple[str, ...] = (),
        omission: Omission | None = None,
    ) -> "Mapping":
        """Return the mapping; fields of the map that the kind lacks are set below their parent."""
        if omission is not None:
            fields = omission.fields_of(fields)
        fields = attrs.evolve(fields, reshaped=frozenset(reshaped(kind.fields)))
        steps: list[tuple[tuple[str, ...], Field, tuple[str, ...]]] = [
            ((field.name,), field, fields.stored_paths(field.name)) for field in kind.fields
        ]
        annotations = []
        for name, paths in sorted(fields.entries.items()):
            parent, _, key = name.partition("metadata.annotations.")
            if key and not parent:
                annotations.append((key, paths))
            elif "." in name and (place := placed_at(kind.fields, name)):
                steps.append((*place, paths))
        drop = tuple(tuple(path.split(".")) for path in drop_fields if path not in IDENTITY)
        special = {name: fields.stored_paths(name) for name in _SPECIAL}
        return cls(kind, fields, drop, tuple(steps), tuple(annotations), special, omission)

    def object_of(self, record: Record, resource_version: int) -> Object | None:
        """Return the object, or None for a record that belongs to nobody.

        A record of a namespaced kind whose namespace cannot be read (absent, not one text, or
        spelled twice and not alike) is in no namespace, so that no one may be shown it.
        """
        namespace = None
        if self.kind.namespaced:
            namespace = only_text_of(record.document, self._special["metadata.namespace"])
            if namespace is None:
                return None
        obj: Object = {
            "kind": self.kind.kind,
            "apiVersion": GROUP_VERSION,
            "metadata": self._metadata(record, namespace, resource_version),
        }
        for target, field, paths in self._steps:
            value = first_of(record.document, paths)
            shaped = ABSENT if value is ABSENT else field.coerced(value)
            if shaped is not ABSENT:
                _place(obj, target, shaped)
        if self._omission is not None:
            self._omission.apply(obj)
        for path in self.drop:
            _remove(obj, path)
        return obj

    def lookups(self) -> tuple[tuple[str, ...], ...]:
        """Return the stored paths by which a store may keep its records, those of clauses.

        The namespace's come first. Only what kind and map name is here, nothing that a client
        names: what lies below a free field is whatever lines hold, and has no end.
        """
        kind = self.kind
        allowed = kind.selectable_fields()
        named = [name for name in allowed if "*" not in name and f"{name}.*" not in allowed]
        named += [name for name in sorted(self.fields.entries) if "." in name]
        paths = [self.fields.stored_paths("metadata.namespace")] if kind.namespaced else []
        paths += [
            self.fields.selected_paths(name)
            for name in named
            if kind.selectable(name) and name not in UNSTORED
        ]
        return tuple(dict.fromkeys(found for found in paths if found))

    def _metadata(self, record: Record, namespace: str | None, version: int) -> dict[str, Any]:
        document = record.document
        time_us = record.time_us or self._mapped_time_us(document)
        metadata: dict[str, Any] = {"name": name_of(record.index, record.id)}
        if namespace is not None:
            metadata["namespace"] = namespace
        metadata["uid"] = uid_of(record.index, record.id)
        metadata["resourceVersion"] = str(version)
        if time_us:
            metadata["creationTimestamp"] = format_seconds(time_us)
        labels = strings(first_of(document, self._special["metadata.labels"]))
        if labels is not ABSENT and labels:
            metadata["labels"] = labels
        metadata["annotations"] = self._annotations_of(record, time_us)
        return metadata

    def _mapped_time_us(self, document: Document) -> int:
        return parse_time_us(first_of(document, self._special[TIME])) or 0

    def _annotations_of(self, record: Record, time_us: int) -> dict[str, str]:
        stored = strings(first_of(record.document, self._special["metadata.annotations"]))
        annotations: dict[str, str] = {} if stored is ABSENT else stored
        for key, paths in self._annotations:
            value = first_of(record.document, paths)
            if value is not ABSENT:
                annotations.pop(key, None)
                annotations.update(strings({key: value}))
        annotations[INDEX_ANNOTATION] = record.index
        if time_us:
            annotations[TIME_ANNOTATION] = format_micros(time_us)
        return annotations


def without_effect(
    kind: Kind, configured: MappingABC[str, tuple[str, ...]], drop_fields: tuple[str, ...]
) -> list[str]:
    """Return what of a kind's map and drops does nothing, in words for the operator.

    Configs of the first kjournal hold such entries, so that they are no mistakes.
    """
    found = [
        f'{kind.plural}: fieldMap["{name}"] has no effect'
        for name in configured
        if placed_at(kind.fields, name) is None
        and name not in (WHOLE, *_SPECIAL)
        and not name.startswith("metadata.annotations.")
    ]
    dropped = [name for name in drop_fields if name in IDENTITY]
    return found + [f'{kind.plural}: dropFields "{name}" has no effect' for name in dropped]


def _place(obj: Object, target: tuple[str, ...], value: Any) -> None:
    """Set a value at a path; parents are copied, as they may be the stored document itself."""
    for name in target[:-1]:
        inner = obj.get(name)
        obj[name] = dict(inner) if isinstance(inner, dict) else {}
        obj = obj[name]
    obj[target[-1]] = value


def _remove(obj: Object, path: tuple[str, ...]) -> None:
    """Remove a path, where a key may hold dots, from an object; parents on the way are copied."""
    for end in range(len(path), 0, -1):
        key = ".".join(path[:end])
        if key not in obj:
            continue
        if end == len(path):
            del obj[key]
            return
        if isinstance(obj[key], dict):
            obj[key] = dict(obj[key])
            _remove(obj[key], path[end:])
            return
