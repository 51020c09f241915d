"""The schemas of OpenAPI, made from the types that documents are brought into shape by.

Both versions share them, but for the place where schemas are, and how one refers to another.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import attrs

from kjournal.kinds.metatypes import LIST_META, OBJECT_META, STATUS, TYPE_META
from kjournal.kinds.model import GROUP, VERSION, Kind, Object
from kjournal.kinds.shape import BOOLEAN, META, OBJECT, OBJECTS, TEXT, TEXTS, Field, Struct

_TIMES = {
    META + "Time": "A time in RFC 3339, with whole seconds in UTC.",
    META + "MicroTime": "A time in RFC 3339, with exactly six fractional digits in UTC.",
}
_WATCH_EVENT = Struct(
    META + "WatchEvent",
    "One line of a watch.",
    (
        Field("type", TEXT, "ADDED, MODIFIED, DELETED, BOOKMARK or ERROR."),
        Field(
            "object",
            OBJECT,
            "The object; of a BOOKMARK only its resourceVersion counts, of an ERROR it is a "
            "Status.",
            struct=Struct("io.k8s.apimachinery.pkg.runtime.RawExtension", "Any object.", ()),
        ),
    ),
    required=("type", "object"),
)
_GROUP_VERSION = Struct(
    META + "GroupVersionForDiscovery",
    "A version of a group.",
    (
        Field("groupVersion", TEXT, "Group and version, with a slash between them."),
        Field("version", TEXT, "The version alone."),
    ),
    required=("groupVersion", "version"),
)
_API_GROUP = Struct(
    META + "APIGroup",
    "An API group and its versions.",
    (
        *TYPE_META,
        Field("name", TEXT, "Name of the group."),
        Field("preferredVersion", OBJECT, "The version to use.", struct=_GROUP_VERSION),
        Field("versions", OBJECTS, "All versions.", struct=_GROUP_VERSION),
    ),
    required=("name", "versions"),
)
_API_GROUP_LIST = Struct(
    META + "APIGroupList",
    "The API groups that are served.",
    (*TYPE_META, Field("groups", OBJECTS, "The groups.", struct=_API_GROUP)),
    required=("groups",),
)
_API_RESOURCE = Struct(
    META + "APIResource",
    "A resource, and what can be done with it.",
    (
        Field("categories", TEXTS, "Names that stand for several resources."),
        Field("kind", TEXT, "Kind of the resource's objects."),
        Field("name", TEXT, "Plural name of the resource."),
        Field("namespaced", BOOLEAN, "Whether its objects are in namespaces."),
        Field("shortNames", TEXTS, "Short names of the resource."),
        Field("singularName", TEXT, "Singular name of the resource."),
        Field("verbs", TEXTS, "What can be done: get, list, watch."),
    ),
    required=("name", "singularName", "namespaced", "kind", "verbs"),
)
_API_RESOURCE_LIST = Struct(
    META + "APIResourceList",
    "The resources of a group version.",
    (
        *TYPE_META,
        Field("groupVersion", TEXT, "Group and version of the resources."),
        Field("resources", OBJECTS, "The resources.", struct=_API_RESOURCE),
    ),
    required=("groupVersion", "resources"),
)
_VERSION = Struct(
    "io.k8s.apimachinery.pkg.version.Info",
    "The release that answers.",
    tuple(
        Field(name, TEXT, doc)
        for name, doc in (
            ("major", "Major version."),
            ("minor", "Minor version."),
            ("gitVersion", "The release."),
            ("gitCommit", "The commit that it was made of, if known."),
            ("gitTreeState", "Whether that commit was changed, if known."),
            ("buildDate", "When it was built, if known."),
            ("goVersion", "Of servers in Go, the version of Go."),
            ("compiler", "What runs it."),
            ("platform", "Operating system and machine."),
        )
    ),
    required=(
        *("major", "minor", "gitVersion", "gitCommit", "gitTreeState", "buildDate", "goVersion"),
        *("compiler", "platform"),
    ),
)
DISCOVERY = {
    struct.name.rpartition(".")[2]: struct
    for struct in (_API_GROUP, _API_GROUP_LIST, _API_RESOURCE_LIST, _VERSION, _WATCH_EVENT, STATUS)
}
"""What is answered beside the kinds, by the name of the type alone."""


def object_struct(kind: Kind) -> Struct:
    """Return the type of a kind's objects."""
    metadata = Field("metadata", OBJECT, "Standard object's metadata.", struct=OBJECT_META)
    return Struct(
        f"kjournal.core.{VERSION}.{kind.kind}",
        kind.doc,
        (*TYPE_META, metadata, *kind.fields),
        required=("metadata",),
    )


def list_struct(kind: Kind) -> Struct:
    """Return the type of a kind's lists."""
    return Struct(
        f"kjournal.core.{VERSION}.{kind.list_kind}",
        f"A list of {kind.kind}.",
        (
            *TYPE_META,
            Field("metadata", OBJECT, "Standard list's metadata.", struct=LIST_META),
            Field("items", OBJECTS, "The objects of the list.", struct=object_struct(kind)),
        ),
        required=("items",),
    )


@attrs.frozen
class Schemas:
    """Renders types for a document; `prefix` is where it has its schemas.

    Beside a `$ref` OpenAPI 3.0 ignores whatever stands, so that one with a description is wrapped
    there (`wraps`), as kube-openapi does. Swagger 2.0 in Kubernetes has the description beside it.
    """

    prefix: str
    wraps: bool

    def reference(self, name: str) -> Object:
        """Return the reference to a type."""
        return {"$ref": self.prefix + name}

    def all_of(self, kinds: Iterable[Kind], others: Iterable[Struct]) -> dict[str, Object]:
        """Return the schemas of kinds, lists and other types, and of all that they refer to."""
        found: dict[str, Object] = {}
        roots: list[Struct] = list(others)
        for kind in kinds:
            for struct, name in (
                (object_struct(kind), kind.kind),
                (list_struct(kind), kind.list_kind),
            ):
                found[struct.name] = {
                    **self._struct(struct),
                    "x-kubernetes-group-version-kind": [
                        {"group": GROUP, "version": VERSION, "kind": name}
                    ],
                }
                roots.append(struct)
        for struct in _reachable(roots):
            found.setdefault(struct.name, self._struct(struct))
            for field in struct.fields:
                if field.shape.name:
                    name = field.shape.name
                    found[name] = {"description": _TIMES[name], **field.shape.schema}
        return dict(sorted(found.items()))

    def _struct(self, struct: Struct) -> Object:
        schema: Object = {"description": struct.doc, "type": "object"}
        if struct.required:
            schema["required"] = list(struct.required)
        if struct.fields:
            schema["properties"] = {field.name: self._field(field) for field in struct.fields}
        return schema

    def _field(self, field: Field) -> Object:
        described: dict[str, Any] = {"description": field.doc}
        if field.struct is not None and field.shape is OBJECTS:
            items = self.reference(field.struct.name)
            return {**described, **field.shape.schema, "items": items}
        name = field.struct.name if field.struct is not None else field.shape.name
        if not name:
            return {**described, **field.shape.schema}
        reference = self.reference(name)
        return {**described, "allOf": [reference]} if self.wraps else {**described, **reference}


def _reachable(roots: Iterable[Struct]) -> Iterator[Struct]:
    """Yield types and all types of their members, each once."""
    waiting, seen = list(roots), set()
    while waiting:
        struct = waiting.pop()
        if struct.name not in seen:
            seen.add(struct.name)
            yield struct
            waiting += [field.struct for field in struct.fields if field.struct is not None]
