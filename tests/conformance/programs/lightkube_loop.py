"""lightkube: a list page after page, a get, and its own loop of watches.

`python -m tests.conformance.programs.lightkube_loop KUBECONFIG NAMESPACE` prints one line for each
step, and ends after the line whose log is "last".
"""

import sys
from typing import Any

import lightkube
from lightkube.generic_resource import create_namespaced_resource

from tests.conformance.programs.telling import LAST, log_of, tell

# Made at run time, the class has no type of its own.
ContainerLog: Any = create_namespaced_resource(
    "core.kjournal", "v1alpha1", "ContainerLog", "containerlogs"
)


def main() -> None:
    """List and get, and then follow; the server ends each stream after a second."""
    config = lightkube.KubeConfig.from_file(sys.argv[1])
    client = lightkube.Client(config=config, namespace=sys.argv[2])
    listed = client.list(ContainerLog, chunk_size=2)
    items = list(listed)
    tell("listed", logs=[log_of(item) for item in items])
    got = [client.get(ContainerLog, item.metadata.name) for item in items]
    tell("got", logs=[log_of(item) for item in got])
    events = []
    version = listed.resourceVersion
    for type, item in client.watch(ContainerLog, server_timeout=1, resource_version=version):
        events.append([type, log_of(item)])
        if log_of(item) == LAST:
            break
    tell("ended", events=events)


if __name__ == "__main__":
    main()
