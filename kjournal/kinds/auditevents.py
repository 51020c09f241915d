"""AuditEvent: who did what, in the shape of audit.k8s.io/v1 with metadata.

Source: k8s.io/apiserver/pkg/apis/audit/v1/types.go.
"""

from kjournal.kinds.columns import AGE, NAME, TIME, field
from kjournal.kinds.model import Column, Kind, Row
from kjournal.kinds.shape import (
    FREE_OBJECT,
    INTEGER,
    MICRO_TIME,
    OBJECT,
    STRINGS,
    TEXT,
    TEXTS,
    Field,
)

_USER = (
    Field("username", TEXT, "Name of the user."),
    Field("uid", TEXT, "UID of the user."),
    Field("groups", TEXTS, "Groups of the user."),
    Field("extra", FREE_OBJECT, "What else the authenticator said."),
)


def _target(row: Row) -> str:
    reference = row.object.get("objectRef", {})
    if not reference:
        return str(row.object.get("requestURI", "")).partition("?")[0]
    parts = [reference.get("namespace"), reference.get("resource"), reference.get("name")]
    return "/".join(str(part) for part in parts if part)


AUDITEVENTS = Kind(
    kind="AuditEvent",
    plural="auditevents",
    singular="auditevent",
    namespaced=False,
    doc="A request to the kube-apiserver.",
    fields=(
        Field("level", TEXT, "How much is recorded."),
        Field("auditID", TEXT, "Identifies the request."),
        Field("stage", TEXT, "Stage of the request when this was recorded."),
        Field("requestURI", TEXT, "URI as the client sent it."),
        Field("verb", TEXT, "Kubernetes verb, or HTTP method in lower case."),
        Field("user", OBJECT, "Who asked.", fields=_USER),
        Field("impersonatedUser", OBJECT, "On whose behalf.", fields=_USER),
        Field("authenticationMetadata", FREE_OBJECT, "How the user was authenticated."),
        Field("sourceIPs", TEXTS, "Addresses that the request came by."),
        Field("userAgent", TEXT, "What the client called itself."),
        Field(
            "objectRef",
            OBJECT,
            "The object.",
            fields=tuple(
                Field(name, TEXT, doc)
                for name, doc in (
                    ("resource", "Plural name of the resource."),
                    ("namespace", "Namespace."),
                    ("name", "Name."),
                    ("uid", "UID."),
                    ("apiGroup", "API group."),
                    ("apiVersion", "API version."),
                    ("resourceVersion", "Version of the object."),
                    ("subresource", "Subresource."),
                )
            ),
        ),
        Field(
            "responseStatus",
            OBJECT,
            "How it was answered.",
            fields=(
                Field("code", INTEGER, "HTTP status."),
                Field("status", TEXT, "Success or Failure."),
                Field("reason", TEXT, "Why it failed."),
                Field("message", TEXT, "Why it failed, for people."),
            ),
        ),
        Field("requestObject", FREE_OBJECT, "Body of the request."),
        Field("responseObject", FREE_OBJECT, "Body of the answer."),
        Field("requestReceivedTimestamp", MICRO_TIME, "When the request arrived."),
        Field("stageTimestamp", MICRO_TIME, "When the stage was reached."),
        Field("annotations", STRINGS, "What plugins added, such as the authorization decision."),
    ),
    columns=(
        NAME,
        Column(name="Verb", doc="What was done.", cell=field("verb")),
        Column(name="Status", doc="HTTP status of the answer.", cell=field("responseStatus.code")),
        Column(name="User", doc="Who did it.", cell=field("user.username")),
        Column(name="Object", doc="To what.", cell=_target),
        AGE,
        Column(name="Level", doc="How much is recorded.", cell=field("level"), wide=True),
        Column(name="Stage", doc="Stage of the request.", cell=field("stage"), wide=True),
        Column(name="Audit-ID", doc="Identifies the request.", cell=field("auditID"), wide=True),
        TIME,
    ),
)
