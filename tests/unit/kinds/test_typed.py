"""Whatever a shipper stored, objects have the types of their schema, and those of Go's clients."""

from collections.abc import Iterable
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kjournal.encoding.openapi import openapi_v3
from kjournal.kinds.mapping import Mapping, field_map_of
from kjournal.kinds.model import Kind, Object
from kjournal.kinds.registry import KINDS
from kjournal.kinds.shape import OBJECTS, Field
from kjournal.query.model import Record

V3 = openapi_v3(KINDS.values())
# What a config may map below fields: into objects, maps and lists, and where nothing can be.
BELOW: dict[str, tuple[str, ...]] = dict.fromkeys(
    (
        *("user.extra.a.b", "user.groups", "user.more", "user.USERNAME", "annotations.k/a.b"),
        *("level.x", "responseStatus.details.causes", "responseStatus.details.causes.x"),
        *("responseStatus.metadata.remainingItemCount", "requestObject.a.b", "sourceIPs.x"),
        *("series.count", "series.lastObservedTime", "regarding.name", "regarding.name.x"),
        *("series.state.x", "deprecatedSource.host", "eventTime.x", "payload.x.y", "pod.x"),
    ),
    ("below",),
)

TEXT = {"type": "string"}
TEXTS = {"type": "array", "items": TEXT}
STRINGS = {"type": "object", "additionalProperties": TEXT}
INT32 = {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1}
INT64 = {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1}
SECONDS = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"}
MICROS = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$"}
TYPE_META = {"kind": TEXT, "apiVersion": TEXT}


def struct(**members: Any) -> dict[str, Any]:
    """Return a Go struct as encoding/json reads it: names in any case, others are ignored."""
    patterns = {
        f"^{''.join(f'[{c.lower()}{c.upper()}]' for c in name)}$": schema
        for name, schema in members.items()
    }
    return {"type": "object", "patternProperties": patterns}


def texts(names: str) -> dict[str, Any]:
    return dict.fromkeys(names.split(), TEXT)


# Source: k8s.io/api events/v1, core/v1 and authentication/v1 types.go, k8s.io/apiserver
# pkg/apis/audit/v1/types.go, k8s.io/apimachinery pkg/apis/meta/v1/types.go.
REFERENCE = struct(**texts("kind namespace name uid apiVersion resourceVersion fieldPath"))
USER = struct(
    **texts("username uid"), groups=TEXTS, extra={**STRINGS, "additionalProperties": TEXTS}
)
LIST_META = struct(**texts("selfLink resourceVersion continue"), remainingItemCount=INT64)
CAUSES = {"type": "array", "items": struct(**texts("reason message field"))}
DETAILS = struct(**texts("name group kind uid"), causes=CAUSES, retryAfterSeconds=INT32)
METADATA = struct(
    **texts("name namespace uid resourceVersion"),
    creationTimestamp=SECONDS,
    labels=STRINGS,
    annotations=STRINGS,
)
GO = {
    "events": struct(
        **TYPE_META,
        **texts("reportingController reportingInstance action reason note type"),
        metadata=METADATA,
        eventTime=MICROS,
        series=struct(count=INT32, lastObservedTime=MICROS),
        regarding=REFERENCE,
        related=REFERENCE,
        deprecatedSource=struct(**texts("component host")),
        deprecatedFirstTimestamp=SECONDS,
        deprecatedLastTimestamp=SECONDS,
        deprecatedCount=INT32,
    ),
    "auditevents": struct(
        **TYPE_META,
        **texts("level auditID stage requestURI verb userAgent"),
        metadata=METADATA,
        user=USER,
        impersonatedUser=USER,
        authenticationMetadata=struct(impersonationConstraint=TEXT),
        sourceIPs=TEXTS,
        objectRef=struct(
            **texts("resource namespace name uid apiGroup apiVersion resourceVersion subresource")
        ),
        responseStatus=struct(
            **TYPE_META,
            **texts("status message reason"),
            metadata=LIST_META,
            details=DETAILS,
            code=INT32,
        ),
        requestReceivedTimestamp=MICROS,
        stageTimestamp=MICROS,
        annotations=STRINGS,
    ),
    "containerlogs": struct(**TYPE_META, metadata=METADATA, pod=TEXT, container=TEXT),
    "logs": struct(**TYPE_META, metadata=METADATA),
}
GO["localauditevents"] = GO["auditevents"]

json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([2**31, -(2**31) - 1, 2**63, "2147483648", "9" * 30, 1e300])
    | st.sampled_from(["7", "2024-01-01T00:00:00.5Z", "2024-01-01T00:00:00+02:00", ""])
    | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)


def spellings(field: Field) -> Iterable[str]:
    names = (field.name, *field.sources)
    return {*names, field.name.upper()}


def stored(fields: Iterable[Field], depth: int = 4) -> st.SearchStrategy[dict[str, Any]]:
    """Return documents with members that kjournal knows, of the right shape or of any."""
    known = {}
    for field in fields:
        value = json
        if field.struct is not None and depth:
            inner = stored(field.struct.fields, depth - 1)
            value = st.lists(inner | json, max_size=2) if field.shape is OBJECTS else inner | json
        known.update(dict.fromkeys(spellings(field), value))
    return st.fixed_dictionaries({}, optional=known)


def object_of(
    kind: Kind, document: dict[str, Any], configured: dict[str, tuple[str, ...]]
) -> Object:
    mapping = Mapping.compile(kind, field_map_of(kind, configured))
    obj = mapping.object_of(Record(index="i", id="1", time_us=0, document=document), 7)
    assert obj is not None
    return obj


def validator(name: str) -> Any:
    schema = {"$ref": f"#/components/schemas/{name}", "components": V3["components"]}
    return jsonschema_rs.Draft7Validator(schema, validate_formats=True)


OWN = {plural: validator(f"kjournal.core.v1alpha1.{kind.kind}") for plural, kind in KINDS.items()}
DOCUMENTS = {plural: stored(kind.fields) for plural, kind in KINDS.items()}
OF_GO = {plural: jsonschema_rs.Draft7Validator(schema) for plural, schema in GO.items()}


@given(st.sampled_from(list(KINDS)), st.data())
def test_typed(plural: str, data: st.DataObject) -> None:
    """Any JSON becomes an object that fits the kind's own schema, and that Go can decode.

    Go fails the whole list for one member of another type, in whatever case its name is.
    """
    kind = KINDS[plural]
    document = data.draw(DOCUMENTS[plural])
    labels, annotations = data.draw(json), data.draw(json)
    document["metadata"] = {"namespace": "a", "labels": labels, "annotations": annotations}
    document["below"] = data.draw(json)
    configs: tuple[dict[str, tuple[str, ...]], ...] = ({}, BELOW)
    for configured in configs:
        obj = object_of(kind, document, configured)
        OWN[plural].validate(obj)
        OF_GO[plural].validate(obj)


ODD: tuple[Any, ...] = (
    2**31,
    -(2**31) - 1,
    2**63,
    "9" * 30,
    1.5,
    True,
    None,
    "text",
    [1],
    [[]],
    {"a": 1},
    {},
)


def everywhere(fields: Iterable[Field], value: Any) -> dict[str, Any]:
    """Return a document with a value at each place that kjournal knows, down to the last."""
    document = {}
    for field in fields:
        document[field.name] = value
        if field.struct is not None:
            inner = everywhere(field.struct.fields, value)
            document[field.name] = [inner] if field.shape is OBJECTS else inner
    return document


@pytest.mark.parametrize("value", ODD, ids=repr)
@pytest.mark.parametrize("plural", KINDS)
def test_typed_everywhere(plural: str, value: Any) -> None:
    """The same of values that chance may not find, at every place."""
    kind = KINDS[plural]
    document = {**everywhere(kind.fields, value), "metadata": {"namespace": "a"}, "below": value}
    for configured in (dict[str, tuple[str, ...]](), BELOW):
        obj = object_of(kind, document, configured)
        OWN[plural].validate(obj)
        OF_GO[plural].validate(obj)


@pytest.mark.parametrize("plural", KINDS)
def test_validators_can_refuse(plural: str) -> None:
    """The schemas refuse what a shipper might have stored: else they would show nothing."""
    wrong: Object = {"metadata": {"labels": {"a": 1}, "creationTimestamp": None}}
    for of in (OWN, OF_GO):
        assert not of[plural].is_valid(wrong)
        assert of[plural].is_valid({"metadata": {"labels": {"a": "1"}}})
    assert not OWN[plural].is_valid({})


AUDIT: dict[str, Any] = {
    "user": {"username": "u", "extra": {"scopes": "one", "a": {"b": [1, None, {}], "c": None}}},
    "impersonatedUser": {"Extra": {"n": 5}, "Groups": "g", "UID": 7},
    "responseStatus": {
        "metadata": {"remainingItemCount": "9", "continue": 3},
        "details": {
            "name": 1,
            "causes": [{"reason": 2, "field": ["x"]}, "odd", None],
            "retryAfterSeconds": "1",
        },
        "code": 200.0,
    },
    "sourceIPs": "10.0.0.1",
    "authenticationMetadata": {"impersonationConstraint": True, "other": 1},
    "requestReceivedTimestamp": "2024-01-01T00:00:00.5Z",
}


def test_audit() -> None:
    """What a shipper flattened, nested or renamed is in the shape of audit.k8s.io/v1 again."""
    obj = object_of(KINDS["auditevents"], AUDIT, {})
    assert obj["user"]["extra"] == {"scopes": ["one"], "a.b": ["1"]}
    assert obj["impersonatedUser"] == {"Extra": {"n": ["5"]}, "Groups": ["g"], "UID": "7"}
    assert obj["responseStatus"] == {
        "metadata": {"remainingItemCount": 9, "continue": "3"},
        "details": {"name": "1", "causes": [{"reason": "2"}], "retryAfterSeconds": 1},
        "code": 200,
    }
    assert obj["sourceIPs"] == ["10.0.0.1"]
    assert obj["authenticationMetadata"] == {"impersonationConstraint": "true", "other": 1}
    assert obj["requestReceivedTimestamp"] == "2024-01-01T00:00:00.500000Z"
