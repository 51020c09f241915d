"""What is done to a store, a network or a gateway while documents are written and watched."""

import contextlib
import time
from collections.abc import Callable

from tests.integration.stories import ask
from tests.torture.cluster import wait_for
from tests.torture.stage import Stage

Act = Callable[[Stage], None]

FIRST = "2026.11.22"
_STALL_S = 10.0
_LONG_STALL_S = 20.0


def nothing(_: Stage) -> None:
    """Let them write and watch."""


def refresh_now_and_then(stage: Stage) -> None:
    """Refresh after each twentieth of the documents; nothing else makes them visible."""
    for part in range(1, 20):
        stage.reach(part / 20)
        stage.cluster.call("POST", f"/{stage.pattern}/_refresh")


def prepare_rollover(stage: Stage) -> None:
    """Make an alias that is written to, and the template of a data stream."""
    alias = {stage.index("alias"): {"is_write_index": True}}
    stage.cluster.call("PUT", f"/{stage.index('roll-000001')}", {"aliases": alias})
    settings = {"number_of_replicas": 0, "refresh_interval": "500ms"}
    template = {
        "index_patterns": [stage.index("stream*")],
        "priority": 600,
        "data_stream": {},
        "template": {"settings": {"index": settings}},
    }
    stage.cluster.call("PUT", f"/_index_template/{stage.prefix}-stream", template)


def roll_over(stage: Stage) -> None:
    """Roll over what is written to, three times."""
    for part in (0.25, 0.5, 0.75):
        stage.reach(part)
        for rest in ("alias", "stream"):
            stage.cluster.call("POST", f"/{stage.index(rest)}/_rollover")


def delete_and_make_again(stage: Stage) -> None:
    """Delete an index that is written to, and leave it to the writers to make it again.

    Then another, which is made again at once.
    """
    for part, rest, made in ((0.3, FIRST, False), (0.5, "wide", True), (0.7, FIRST, True)):
        stage.reach(part)
        stage.cluster.call("DELETE", f"/{stage.index(rest)}")
        if made:
            # A writer may have been faster.
            with contextlib.suppress(AssertionError):
                stage.make_index(rest)


def stall_a_replica(stage: Stage) -> None:
    """Stop a node that has a replica where it is, for a while; twice."""
    for part in (0.3, 0.6):
        stage.reach(part)
        with stage.cluster.stalled(stage.cluster.replica_node(stage.index(FIRST))):
            time.sleep(_STALL_S)


def kill_a_primary(stage: Stage) -> None:
    """Kill a node that has a primary, and start it again."""
    stage.reach(0.3)
    node = stage.cluster.primary_node(stage.index(FIRST))
    stage.cluster.kill(node)
    stage.cluster.up()


def kill_all_nodes(stage: Stage) -> None:
    """Kill all nodes, and start them again."""
    stage.reach(0.4)
    stage.cluster.kill()
    stage.cluster.up()


def restart_the_gateway(stage: Stage) -> None:
    """Kill the gateway and start it again; twice."""
    for part in (0.3, 0.6):
        stage.reach(part)
        stage.restart_gateway(0)


def stall_the_network(stage: Stage) -> None:
    """Let nothing pass between gateway and store for a while."""
    stage.reach(0.3)
    with contextlib.ExitStack() as stack:
        for proxy in stage.proxies:
            stack.enter_context(proxy.stalled())
        time.sleep(_LONG_STALL_S)


def cut_the_network(stage: Stage) -> None:
    """Cut all connections between gateway and store, again and again."""
    for part in range(1, 20):
        stage.reach(part / 20)
        for proxy in stage.proxies:
            proxy.cut()


def move_shards(stage: Stage) -> None:
    """Take replicas away and give them back: a new copy begins with what it is sent."""
    for part, replicas in ((0.2, 0), (0.4, 2), (0.6, 0), (0.8, 1)):
        stage.reach(part)
        settings = {"index": {"number_of_replicas": replicas}}
        stage.cluster.call("PUT", f"/{stage.pattern}/_settings", settings)


def close_and_open(stage: Stage) -> None:
    """Close an index that is written to, and open it again."""
    stage.reach(0.4)
    stage.cluster.call("POST", f"/{stage.index(FIRST)}/_close")
    stage.reach(0.5)
    stage.cluster.call("POST", f"/{stage.index(FIRST)}/_open")
    wait_for(
        "the index is open",
        lambda: ask(stage.cluster.url, f"/{stage.index(FIRST)}/_count").status == 200,
    )
