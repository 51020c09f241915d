"""Bodies of audit events that are shown to nobody, and the namespaced view of audit events."""

from typing import Any

import pytest

from kjournal.codec import dump_json
from kjournal.config.model import APISettings
from kjournal.kinds.model import Object
from kjournal.kinds.registry import KINDS
from kjournal.query.model import Record
from kjournal.resources import mapping_of, served

SECRET = "hunter2"
BODY = {"kind": "Secret", "data": {"password": SECRET}}
EVENT = {
    "auditID": "a",
    "verb": "create",
    "objectRef": {"resource": "deployments", "namespace": "shop", "apiGroup": "apps"},
    "requestObject": BODY,
    "responseObject": BODY,
}


def shown(resource: str, document: dict[str, Any], **settings: Any) -> Object | None:
    api = APISettings(resource=resource, **settings)
    return mapping_of(api).object_of(Record(index="i", id="1", time_us=1, document=document), 7)


def about(**reference: Any) -> dict[str, Any]:
    return {**EVENT, "objectRef": {"namespace": "shop", **reference}}


def bodies(obj: Object | None) -> bool:
    assert obj is not None
    told = obj["metadata"]["annotations"].get("kjournal/omitted")
    has = SECRET in dump_json(obj).decode()
    assert told == (None if has else "requestObject,responseObject")
    return has


SENSITIVE = [
    about(resource="secrets"),
    about(resource="Secrets"),
    about(resource="configmaps"),
    about(resource="serviceaccounts", subresource="token"),
    about(resource="tokenreviews", apiGroup="authentication.k8s.io"),
    about(resource="auditevents", apiGroup="core.kjournal"),
    about(resource=["pods"]),
    about(resource=""),
    about(),
    {**EVENT, "objectRef": "pods"},
    {key: value for key, value in EVENT.items() if key != "objectRef"},
]


@pytest.mark.parametrize("document", SENSITIVE)
def test_what_is_sensitive_or_cannot_be_told_has_no_body(document: dict[str, Any]) -> None:
    assert not bodies(shown("auditevents", document))
    local = shown("localauditevents", document, omit_local_bodies="Sensitive")
    assert local is None or not bodies(local)


@pytest.mark.parametrize(
    "document",
    [
        EVENT,
        about(resource="serviceaccounts"),
        about(resource="serviceaccounts", subresource="x"),
        about(resource="secretstores"),
    ],
)
def test_other_bodies_are_shown_by_default_to_auditors_only(document: dict[str, Any]) -> None:
    assert bodies(shown("auditevents", document))
    assert not bodies(shown("auditevents", document, omit_bodies="Always"))
    assert not bodies(shown("localauditevents", document))
    assert bodies(shown("localauditevents", document, omit_local_bodies="Sensitive"))


def test_auditors_may_be_shown_all() -> None:
    assert bodies(shown("auditevents", about(resource="secrets"), omit_bodies="Never"))


@pytest.mark.parametrize(
    ("rule", "withheld"),
    [
        ("deployments", True),
        ("deployments.apps", True),
        ("deployments/scale", False),
        ("deployments.extensions", False),
        ("daemonsets", False),
    ],
)
def test_further_resources_are_sensitive_by_setting(rule: str, withheld: bool) -> None:
    found = shown("auditevents", EVENT, sensitive_resources=(rule,))
    assert bodies(found) is not withheld
    assert not bodies(shown("auditevents", about(resource="secrets"), sensitive_resources=(rule,)))


@pytest.mark.parametrize(
    "configured",
    [
        {"metadata.annotations.x": ("requestObject.data.password",)},
        {"metadata.annotations": ("requestObject.data",)},
        {"metadata.labels": ("requestObject.data",)},
        {"metadata.labels": (".",)},
        {"annotations": ("responseObject.data",)},
        {"user.extra": ("requestObject.data",)},
        {"verb": ("requestObject.data.password",)},
        {"metadata.annotations": ("audit",), "requestObject": ("audit.body",)},
    ],
)
def test_no_map_brings_a_body_into_another_field(configured: dict[str, tuple[str, ...]]) -> None:
    document = {**about(resource="secrets"), "audit": {"body": BODY}}
    obj = shown("auditevents", document, field_map=configured)
    assert obj is not None
    assert SECRET not in dump_json(obj).decode()


@pytest.mark.parametrize("plural", ["auditevents", "localauditevents"])
def test_nobody_selects_by_a_body(plural: str) -> None:
    """Whether a guess matches would tell what is withheld."""
    for path in ("requestObject", "requestObject.data.password", "responseObject.data.password"):
        assert not KINDS[plural].selectable(path)
    lookups = mapping_of(APISettings(resource=plural)).lookups()
    assert not [paths for paths in lookups if any("Object." in path for path in paths)]


def test_a_local_audit_event_is_in_the_namespace_of_its_object() -> None:
    obj = shown("localauditevents", EVENT)
    assert obj is not None
    assert (obj["kind"], obj["metadata"]["namespace"]) == ("LocalAuditEvent", "shop")


@pytest.mark.parametrize("namespace", [None, "", ["shop"], ["shop", "bank"], {"name": "shop"}, 7])
def test_without_a_readable_namespace_it_is_nobodys(namespace: Any) -> None:
    document = {**EVENT, "metadata": {"namespace": "shop"}, "namespace": "shop"}
    assert shown("localauditevents", {**document, "objectRef": {"namespace": namespace}}) is None


def test_its_namespace_is_where_the_map_says() -> None:
    configured = {"objectRef": ("k8s.ref",), "metadata.namespace": ("elsewhere",)}
    document = {"k8s": {"ref": {"namespace": "bank"}}, **EVENT, "elsewhere": "shop"}
    obj = shown("localauditevents", document, field_map=configured)
    assert obj is not None
    assert obj["metadata"]["namespace"] == "bank"


def test_it_is_served_where_audit_events_are() -> None:
    apis = [APISettings(resource="logs"), APISettings(resource="auditevents", index="audit-*")]
    found = [(api.resource, api.index) for api in served(apis)]
    assert found == [("logs", "*"), ("auditevents", "audit-*"), ("localauditevents", "audit-*")]
