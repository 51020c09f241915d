"""The official Python client: its custom objects, its dynamic client, and the loop of its Watch.

`python -m tests.conformance.programs.python_client KUBECONFIG NAMESPACE` prints one line for each
step, and ends after the line whose log is "last".
"""

import functools
import sys
from typing import Any

from kubernetes import client, config
from kubernetes.dynamic import DynamicClient
from kubernetes.watch import Watch

from tests.conformance.programs.telling import LAST, log_of, tell

PLACE = {"group": "core.kjournal", "version": "v1alpha1", "plural": "containerlogs"}


def follow(namespace: str, version: str) -> None:
    """Follow by the Watch's own loop, whose every stream the server ends after a second."""
    api = client.CustomObjectsApi()
    watch = Watch()

    # Asked for by its own parameter, a timeout would end the Watch's loop with the first stream.
    @functools.wraps(api.list_namespaced_custom_object)
    def ask(**options: Any) -> Any:
        tell("watch")
        return api.list_namespaced_custom_object(**options, timeout_seconds=1)

    place = {**PLACE, "namespace": namespace}
    events = []
    for event in watch.stream(ask, **place, resource_version=version):
        events.append([event["type"], log_of(event["object"])])
        if events[-1][1] == LAST:
            watch.stop()
    tell("ended", events=events)


def ask_dynamically(namespace: str) -> None:
    """List, get one by its name, and follow for a second, by the dynamic client."""
    dynamic = DynamicClient(client.ApiClient())
    resource = dynamic.resources.get(api_version="core.kjournal/v1alpha1", kind="ContainerLog")
    found = resource.get(namespace=namespace)
    names = [item.metadata.name for item in found.items]
    got = [resource.get(name=name, namespace=namespace).to_dict()["payload"] for name in names]
    events = [
        [event["type"], log_of(event["raw_object"])]
        for event in resource.watch(namespace=namespace, timeout=1)
    ]
    tell("dynamic", logs=[payload["log"] for payload in got], events=events)


def main() -> None:
    """Ask in both ways, and then follow."""
    config.load_config(config_file=sys.argv[1])
    namespace = sys.argv[2]
    ask_dynamically(namespace)
    api = client.CustomObjectsApi()
    place: dict[str, Any] = {**PLACE, "namespace": namespace}
    found: Any = api.list_namespaced_custom_object(**place)
    tell("listed", logs=[log_of(item) for item in found["items"]])
    follow(namespace, found["metadata"]["resourceVersion"])


if __name__ == "__main__":
    main()
