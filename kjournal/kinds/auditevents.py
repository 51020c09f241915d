"""AuditEvent: who did what, in the shape of audit.k8s.io/v1 with metadata.

Source: k8s.io/apiserver/pkg/apis/audit/v1/types.go.
"""

import attrs

from kjournal.kinds.columns import AGE, NAME, TIME, field, shown
from kjournal.kinds.metatypes import STATUS
from kjournal.kinds.model import Column, Kind, Row
from kjournal.kinds.shape import (
    FREE_OBJECT,
    MICRO_TIME,
    OBJECT,
    STRINGS,
    TEXT,
    TEXT_LISTS,
    TEXTS,
    Field,
    Struct,
)

_USER = Struct(
    "io.k8s.api.authentication.v1.UserInfo",
    "A user, as the authenticator knows it.",
    (
        Field("username", TEXT, "Name of the user, such as system:serviceaccount:shop:deployer."),
        Field("uid", TEXT, "UID of the user; two users of one name have two."),
        Field("groups", TEXTS, "Groups that the user is in."),
        Field("extra", TEXT_LISTS, "What else the authenticator said, each as a list of texts."),
    ),
)
_AUTHENTICATION = Struct(
    "io.k8s.apiserver.pkg.apis.audit.v1.AuthenticationMetadata",
    "How a request was authenticated.",
    (
        Field(
            "impersonationConstraint",
            TEXT,
            "The verb that allowed a constrained impersonation, if there was one.",
        ),
    ),
)
_OBJECT_REFERENCE = Struct(
    "io.k8s.apiserver.pkg.apis.audit.v1.ObjectReference",
    "The object that a request was about.",
    (
        Field("resource", TEXT, "Plural name of the resource, such as pods."),
        Field("namespace", TEXT, "Namespace of the object."),
        Field("name", TEXT, "Name of the object; absent for a list."),
        Field("uid", TEXT, "UID of the object."),
        Field("apiGroup", TEXT, "API group of the resource; absent for the core group."),
        Field("apiVersion", TEXT, "Version of the API group."),
        Field("resourceVersion", TEXT, "Version of the object that the request named."),
        Field("subresource", TEXT, "Subresource, such as log or exec."),
    ),
)


def _target(row: Row) -> str:
    reference = row.object.get("objectRef", {})
    if not reference:
        return shown(row.object.get("requestURI", "")).partition("?")[0]
    parts = [reference.get("namespace"), reference.get("resource"), reference.get("name")]
    return shown("/".join(str(part) for part in parts if part))


AUDITEVENTS = Kind(
    kind="AuditEvent",
    plural="auditevents",
    singular="auditevent",
    namespaced=False,
    doc="A request to the kube-apiserver, in the shape of audit.k8s.io/v1 with metadata.",
    fields=(
        Field("level", TEXT, "How much is recorded: Metadata, Request or RequestResponse."),
        Field("auditID", TEXT, "Identifies the request; each of its stages is an event."),
        Field(
            "stage",
            TEXT,
            "Stage of the request when this was recorded: RequestReceived, ResponseStarted, "
            "ResponseComplete or Panic.",
        ),
        Field("requestURI", TEXT, "URI as the client sent it."),
        Field("verb", TEXT, "Kubernetes verb, or HTTP method in lower case."),
        Field("user", OBJECT, "Who asked.", struct=_USER),
        Field("impersonatedUser", OBJECT, "On whose behalf it was asked.", struct=_USER),
        Field(
            "authenticationMetadata",
            OBJECT,
            "How the user was authenticated.",
            struct=_AUTHENTICATION,
        ),
        Field(
            "sourceIPs",
            TEXTS,
            "Addresses that the request came by. All but the last are the client's own claim.",
        ),
        Field("userAgent", TEXT, "What the client called itself."),
        Field(
            "objectRef",
            OBJECT,
            "The object that was asked for or changed.",
            struct=_OBJECT_REFERENCE,
        ),
        Field("responseStatus", OBJECT, "How it was answered.", struct=STATUS),
        Field(
            "requestObject",
            FREE_OBJECT,
            "Body of the request, from level Request on, as sent. May be withheld.",
            selectable=False,
        ),
        Field(
            "responseObject",
            FREE_OBJECT,
            "Body of the answer, at level RequestResponse. May be withheld.",
            selectable=False,
        ),
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

LOCALAUDITEVENTS = attrs.evolve(
    AUDITEVENTS,
    kind="LocalAuditEvent",
    plural="localauditevents",
    singular="localauditevent",
    namespaced=True,
    doc="An audit event about an object of a namespace, in that namespace, for those who may read "
    "what was done there and not what was done elsewhere. Local as in LocalSubjectAccessReview.",
)
