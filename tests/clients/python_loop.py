"""The official Python client's loop: list, watch, resume; list again where it is told 410.

`python -m tests.clients.python_loop KUBECONFIG NAMESPACE` prints lines as `go/tell.go` describes.
"""

import sys
import time
from collections.abc import Callable
from typing import Any

import urllib3
from kubernetes import client, config
from kubernetes.watch import Watch

from kjournal.codec import dump_json

PLACE = {"group": "core.kjournal", "version": "v1alpha1", "plural": "containerlogs"}
PAUSE_S = 1.0
GONE = 410

Ask = Callable[..., Any]
"""`CustomObjectsApi.list_namespaced_custom_object`, which Watch calls too."""


def tell(type: str, **more: Any) -> None:
    """Print one line."""
    sys.stdout.write(dump_json({"type": type, **more}).decode() + "\n")
    sys.stdout.flush()


def tell_object(type: str, found: dict[str, Any]) -> str:
    """Print an object, and return its resourceVersion."""
    metadata = found["metadata"]
    version: str = metadata["resourceVersion"]
    number = found.get("payload", {}).get("number", 0)
    tell(type, name=metadata["name"], uid=metadata["uid"], resourceVersion=version, number=number)
    return version


def listed(ask: Ask, place: dict[str, str]) -> str:
    """Print all there is, and return where to go on."""
    answer = ask(**place)
    tell("LIST")
    for found in answer["items"]:
        tell_object("ADDED", found)
    version: str = answer["metadata"]["resourceVersion"]
    return version


def follow(ask: Ask, place: dict[str, str]) -> None:
    """Follow for ever."""
    version = ""
    while True:
        try:
            version = version or listed(ask, place)
            for event in Watch().stream(ask, **place, resource_version=version):
                version = tell_object(event["type"], event["object"])
        except client.ApiException as error:
            tell("ERROR", code=error.status or 0, reason=str(error.reason))
            if error.status == GONE:
                version = ""
                continue
            time.sleep(PAUSE_S)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            tell("BROKEN", reason=type(error).__name__)
            time.sleep(PAUSE_S)


if __name__ == "__main__":
    config.load_config(config_file=sys.argv[1])
    follow(
        client.CustomObjectsApi().list_namespaced_custom_object,
        {**PLACE, "namespace": sys.argv[2]},
    )
