"""A cluster of tests/rig that scenarios share, and the harm that is done to its nodes."""

import contextlib
import os
import signal
import time
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs

from kjournal.codec import dump_json
from tests.integration.stories import ask
from tests.rig_servers import RIG, run

_JAVA = "-XX:TieredStopAtLevel=1"
_PATIENCE_S = 180.0


def wait_for(what: str, condition: Callable[[], bool], within_s: float = _PATIENCE_S) -> None:
    """Return once a condition holds; an answer that does not come is none."""
    deadline = time.monotonic() + within_s
    while True:
        with contextlib.suppress(OSError):
            if condition():
                return
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s:g} s: {what}")
        time.sleep(0.05)


@attrs.define
class Cluster:
    """Elasticsearch with its data in `dir`."""

    dir: Path
    nodes: int
    url: str = ""

    def up(self) -> None:
        """Start what of it does not run."""
        env = {"KJOURNAL_RIG_ES_NODES": str(self.nodes), "KJOURNAL_RIG_ES_JAVA_OPTS": _JAVA}
        self.url = run([RIG / "es" / "up.sh", self.dir], env=env).stdout.strip()

    def down(self) -> None:
        """Stop it."""
        run([RIG / "es" / "down.sh", self.dir])

    def kill(self, *nodes: int) -> None:
        """End nodes as a crash would; without any, all of them."""
        run([RIG / "es" / "down.sh", "-9", self.dir, *map(str, nodes)])

    @contextlib.contextmanager
    def stalled(self, node: int) -> Iterator[None]:
        """Stop a node where it is, and let it go on."""
        pid = int((self.dir / f"node-{node}" / "pid").read_text())
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    @property
    def urls(self) -> tuple[str, ...]:
        """The URL of each node."""
        port = urllib.parse.urlsplit(self.url).port
        assert port is not None
        return tuple(f"http://127.0.0.1:{port + node}" for node in range(self.nodes))

    def call(self, method: str, path: str, body: Any = None, *, node: int = 0) -> Any:
        """Return the answer to a request, which must succeed."""
        answer = ask(
            self.urls[node],
            path,
            method=method,
            body=None if body is None else dump_json(body),
            headers={"Content-Type": "application/json"},
        )
        assert answer.status < 300, f"{method} {path}: {answer.status} {answer.body[:500]!r}"
        return answer.json if answer.body else None

    def settle(self, pattern: str) -> None:
        """Wait until every shard of a pattern has its primary, on as many nodes as there were."""

        def healthy() -> bool:
            nodes = f"wait_for_nodes=>={self.nodes}"
            path = f"/_cluster/health/{pattern}?wait_for_status=yellow&{nodes}&timeout=1s"
            answer = ask(self.url, path)
            return answer.status == 200 and answer.json["timed_out"] is False

        wait_for(f"{pattern} is yellow", healthy)

    def primary_node(self, index: str) -> int:
        """Return the number of the node that has the primary of an index's shard 0."""
        return self._node_of(index, primary=True)

    def replica_node(self, index: str) -> int:
        """Return the number of a node that has a replica of an index's shard 0."""
        return self._node_of(index, primary=False)

    def _node_of(self, index: str, *, primary: bool) -> int:
        rows = self.call("GET", f"/_cat/shards/{index}?format=json&h=shard,prirep,node,state")
        for row in rows:
            if row["shard"] == "0" and (row["prirep"] == "p") is primary and row["node"]:
                return int(row["node"].rpartition("-")[2])
        raise AssertionError(f"no such copy of {index}: {rows}")
