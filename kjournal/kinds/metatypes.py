"""The types of apimachinery that documents are made of, with Kubernetes' own schema names.

Source: apimachinery pkg/apis/meta/v1/types.go.
"""

import attrs

from kjournal.kinds.shape import (
    BOOLEAN,
    FREE_OBJECT,
    INTEGER,
    INTEGER_64,
    META,
    OBJECT,
    OBJECTS,
    STRINGS,
    TEXT,
    TEXTS,
    TIME,
    Field,
    Struct,
)

TYPE_META = (
    Field(
        "apiVersion",
        TEXT,
        "Group and version of the schema that this object follows.",
    ),
    Field("kind", TEXT, "What this object is, in CamelCase."),
)

_OWNER_REFERENCE = Struct(
    META + "OwnerReference",
    "An object that owns this one. Records have no owners.",
    (
        Field("apiVersion", TEXT, "Group and version of the owner."),
        Field("blockOwnerDeletion", BOOLEAN, "Whether the owner waits for this object's end."),
        Field("controller", BOOLEAN, "Whether the owner is the controller of this object."),
        Field("kind", TEXT, "Kind of the owner."),
        Field("name", TEXT, "Name of the owner."),
        Field("uid", TEXT, "UID of the owner."),
    ),
    required=("apiVersion", "kind", "name", "uid"),
)

_MANAGED_FIELDS = Struct(
    META + "ManagedFieldsEntry",
    "Which fields a writer manages. Records have no writers here.",
    (
        Field("apiVersion", TEXT, "Version of the schema that the fields belong to."),
        Field("fieldsType", TEXT, "How fieldsV1 is to be read; FieldsV1 is the only way."),
        Field("fieldsV1", FREE_OBJECT, "The set of fields."),
        Field("manager", TEXT, "Name of the writer."),
        Field("operation", TEXT, "Apply or Update."),
        Field("subresource", TEXT, "Subresource by which it was written."),
        Field("time", TIME, "When it was written."),
    ),
)

OBJECT_META = Struct(
    META + "ObjectMeta",
    "Metadata of an object. Every record has name, uid, resourceVersion and annotations; those "
    "of namespaced kinds have a namespace. What is said to be unused is never there.",
    (
        Field(
            "annotations",
            STRINGS,
            "What else is known of the record: kjournal/es-index is the index that it is in, "
            "kjournal/timestamp the event time with microseconds.",
        ),
        Field(
            "creationTimestamp",
            TIME,
            "The event time in whole seconds, UTC; absent where the record has none.",
        ),
        Field("deletionGracePeriodSeconds", INTEGER_64, "Unused: records are not deleted here."),
        Field("deletionTimestamp", TIME, "Unused: records are not deleted here."),
        Field("finalizers", TEXTS, "Unused: records are not deleted here."),
        Field("generateName", TEXT, "Unused: records are not created here."),
        Field("generation", INTEGER_64, "Unused: records have no desired state."),
        Field("labels", STRINGS, "Labels of what the record is about, as they were stored."),
        Field(
            "managedFields",
            OBJECTS,
            "Unused: records are not written here.",
            struct=_MANAGED_FIELDS,
        ),
        Field(
            "name",
            TEXT,
            "Names the record, and no other, in its kind and namespace; made from index and id.",
        ),
        Field("namespace", TEXT, "The namespace that the record belongs to."),
        Field(
            "ownerReferences", OBJECTS, "Unused: records have no owners.", struct=_OWNER_REFERENCE
        ),
        Field(
            "resourceVersion",
            TEXT,
            "A decimal number. A watch may go on from that of a list or of a watch event.",
        ),
        Field("selfLink", TEXT, "Unused, as it is in Kubernetes."),
        Field("uid", TEXT, "A UUID made from index and id: the same in every answer."),
    ),
)

LIST_META = Struct(
    META + "ListMeta",
    "Metadata of a list.",
    (
        Field("continue", TEXT, "Asks for the next page; absent on the last one. It is opaque."),
        Field("remainingItemCount", INTEGER_64, "How many items follow; absent if not known."),
        Field("resourceVersion", TEXT, "The moment that the list shows: a watch may begin there."),
        Field("selfLink", TEXT, "Unused, as it is in Kubernetes."),
    ),
)

_STATUS_CAUSE = Struct(
    META + "StatusCause",
    "One cause of a failure.",
    (
        Field("field", TEXT, "The option or field that is the cause, in JSON's spelling."),
        Field("message", TEXT, "The cause in words."),
        Field("reason", TEXT, "The cause for programs, in CamelCase."),
    ),
)

_STATUS_DETAILS = Struct(
    META + "StatusDetails",
    "What a failure is about.",
    (
        Field("causes", OBJECTS, "Each cause of the failure.", struct=_STATUS_CAUSE),
        Field("group", TEXT, "API group of the resource."),
        Field("kind", TEXT, "The resource, or its kind."),
        Field("name", TEXT, "Name of the object."),
        Field("retryAfterSeconds", INTEGER, "After how many seconds the same may succeed."),
        Field("uid", TEXT, "UID of the object."),
    ),
)

STATUS = Struct(
    META + "Status",
    "The outcome of a request that gave no object.",
    (
        *(attrs.evolve(field, selectable=False) for field in TYPE_META),
        Field("code", INTEGER, "The HTTP status."),
        Field(
            "details",
            OBJECT,
            "What the failure is about.",
            struct=_STATUS_DETAILS,
            selectable=False,
        ),
        Field("message", TEXT, "The outcome in words."),
        Field("metadata", OBJECT, "Metadata of a list.", struct=LIST_META, selectable=False),
        Field("reason", TEXT, "Why it failed, for programs, in CamelCase."),
        Field("status", TEXT, "Success or Failure."),
    ),
)
