"""Discovery documents: what they must not say."""

from kjournal.encoding.discovery import api_group_discovery_list, api_group_list, api_resource_list
from kjournal.kinds.registry import KINDS


def test_agree() -> None:
    """Legacy and aggregated discovery name the same resources, scopes and verbs."""
    legacy = {
        r["name"]: (r["kind"], r["singularName"], r["namespaced"], tuple(r["verbs"]))
        for r in api_resource_list(KINDS.values())["resources"]
    }
    (item,) = api_group_discovery_list(KINDS.values(), "v2")["items"]
    assert item["metadata"]["name"] == api_group_list()["groups"][0]["name"]
    aggregated = {
        r["resource"]: (
            r["responseKind"]["kind"],
            r["singularResource"],
            r["scope"] == "Namespaced",
            tuple(r["verbs"]),
        )
        for r in item["versions"][0]["resources"]
    }
    assert legacy == aggregated


def test_read_only() -> None:
    """No verb that draws in garbage collection or quotas, and not the category `all`."""
    for resource in api_resource_list(KINDS.values())["resources"]:
        assert resource["verbs"] == ["get", "list", "watch"]
        assert "all" not in resource["categories"]


def test_no_times() -> None:
    """There is no null where Go has a time: a schema has none either."""
    (item,) = api_group_discovery_list(KINDS.values(), "v2")["items"]
    assert item["metadata"] == {"name": "core.kjournal"}
