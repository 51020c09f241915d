"""A kopf operator that sees every event of the containerlogs of a namespace, until it is stopped.

`python -m tests.conformance.programs.operator NAMESPACE list|stream` asks as KUBECONFIG says, and
prints one line for each event.
"""

import logging
import sys
from typing import Any

import kopf

from tests.conformance.programs.telling import log_of, tell


@kopf.on.startup()
def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
    """Let the server end each stream after a second, and begin as the command line says."""
    settings.watching.server_timeout = 1
    settings.watching.initial_streaming = sys.argv[2] == "stream"
    settings.posting.enabled = False
    # The user may read containerlogs only, neither namespaces nor definitions of resources.
    settings.scanning.disabled = True


@kopf.on.event("core.kjournal", "v1alpha1", "containerlogs")
async def seen(type: str | None, body: kopf.Body, **_: Any) -> None:
    """Print what kopf says."""
    tell("event", type=type, log=log_of(body))


if __name__ == "__main__":
    kopf.configure(verbose=False)
    logging.getLogger("kopf").setLevel(logging.WARNING)
    kopf.run(standalone=True, namespaces=[sys.argv[1]])
