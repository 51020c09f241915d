"""What tests of lists and watches ask a gateway, and what they read in its answers."""

from typing import Any

from tests.unit.api.serving import Call, Server

LINES = "/namespaces/a/containerlogs"
WATCHLIST = "&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"


def version_of(api: Server) -> str:
    """Return the version of a list now."""
    version: str = api.get(LINES).json["metadata"]["resourceVersion"]
    return version


def watch(api: Server, more: str = "", path: str = LINES, **headers: str) -> Call:
    """Begin a watch."""
    return api.get(f"{path}?watch=true{more}", **headers)


def hub(api: Server) -> Any:
    """Return where the watches of lines are."""
    return api.resources["containerlogs"].tail.hub


def listed(call: Call) -> list[Any]:
    """Return the payloads of a list."""
    return [item["payload"] for item in call.json["items"]]
