"""The discovery documents, made from the kinds.

Source: kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api
"""

from collections.abc import Iterable

from kjournal.kinds.model import GROUP, GROUP_VERSION, VERSION, Kind, Object

VERBS = ["get", "list", "watch"]
CATEGORY = "kjournal"


def api_group() -> Object:
    """Return the group, without kind and apiVersion."""
    version = {"groupVersion": GROUP_VERSION, "version": VERSION}
    return {"name": GROUP, "versions": [version], "preferredVersion": version}


def api_group_document() -> Object:
    """Return APIGroup."""
    return {"kind": "APIGroup", "apiVersion": "v1", **api_group()}


def api_group_list() -> Object:
    """Return APIGroupList."""
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [api_group()]}


def api_resource_list(kinds: Iterable[Kind]) -> Object:
    """Return APIResourceList of the kinds that are served."""
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": GROUP_VERSION,
        "resources": [
            {
                "name": kind.plural,
                "singularName": kind.singular,
                "namespaced": kind.namespaced,
                "kind": kind.kind,
                "verbs": VERBS,
                "categories": [CATEGORY],
            }
            for kind in kinds
        ],
    }


def api_group_discovery_list(kinds: Iterable[Kind], version: str) -> Object:
    """Return APIGroupDiscoveryList in version v2 or v2beta1."""
    resources = [
        {
            "resource": kind.plural,
            "responseKind": {"group": GROUP, "version": VERSION, "kind": kind.kind},
            "scope": "Namespaced" if kind.namespaced else "Cluster",
            "singularResource": kind.singular,
            "verbs": VERBS,
            "categories": [CATEGORY],
        }
        for kind in kinds
    ]
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": f"apidiscovery.k8s.io/{version}",
        "metadata": {},
        "items": [
            {
                "metadata": {"name": GROUP},
                "versions": [{"version": VERSION, "freshness": "Current", "resources": resources}],
            }
        ],
    }
