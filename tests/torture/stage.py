"""One scenario in progress: its indices, gateways, writers and watchers."""

import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from kjournal.codec import dump_json, load_json
from tests.integration.stories import config_file
from tests.rig_servers import ROOT, Gateway
from tests.torture.cluster import Cluster
from tests.torture.lines import Mix
from tests.torture.plans import WatchPlan, WritePlan, encode
from tests.torture.proxy import Proxy
from tests.torture.report import around

DAYS: Mapping[str, Mapping[str, Any]] = {
    "2026.11.22": {},
    "2026.11.23": {},
    "2026.11.24": {},
    "wide": {"number_of_shards": 3},
}
_RESULT_S = 600.0
_STALLED_S = 240.0
_BEGINNING = 0.8
"""In this part of the time of writing all watchers begin."""


@attrs.frozen(kw_only=True)
class Scenario:
    """What is written, who watches, and what is done to them meanwhile."""

    name: str
    doc: str
    prepare: "Callable[[Stage], None] | None" = None
    act: "Callable[[Stage], None] | None" = None
    nodes: int = 1
    indices: Mapping[str, Mapping[str, Any]] = DAYS
    """By the end of its name, the settings of each index that are its own."""
    settings: Mapping[str, Any] = attrs.field(factory=dict)
    targets: tuple[str, ...] = ()
    """By the end of its name, what else is written to."""
    later: Mapping[str, float] = attrs.field(factory=dict)
    """What is written to once so much of all is written, and made by that."""
    mix: Mix = attrs.field(factory=Mix)
    own_ids: float = 0.5
    updates: float = 0.0
    deletes: float = 0.0
    gateways: int = 1
    proxied: bool = False
    flags: tuple[str, ...] = ()
    stay_s: float = 3.0
    lazy: float = 0.0
    exact: bool = True
    """The gateway promises that nothing is repeated in one process."""
    durable: bool = True
    """The store keeps what it has acknowledged."""
    short: bool = False
    """It belongs to the short form."""
    rate: float = 1500.0
    documents: int = 100_000
    """In the long form."""


@attrs.frozen(kw_only=True)
class Scale:
    """How much of a scenario is run."""

    seconds: float | None = None
    """For how long is written, at the scenario's rate; None: its documents."""
    watchers: int = 50
    seed: int = attrs.field(factory=lambda: random.randrange(1_000_000))

    def documents(self, scenario: Scenario) -> int:
        """Return how many documents are written."""
        if self.seconds is None:
            return scenario.documents
        return int(self.seconds * scenario.rate)


SHORT = Scale(seconds=6.0, watchers=25)
"""The short form."""


@attrs.define
class Stage:
    """A scenario's processes; its actions are told what they need by it."""

    scenario: Scenario
    scale: Scale
    cluster: Cluster
    folder: Path
    launcher: Sequence[str] | None = None
    """What starts a gateway, in place of `twistd`."""
    gateways: list[Gateway] = attrs.field(factory=list)
    proxies: list[Proxy] = attrs.field(factory=list)
    _writers: subprocess.Popen[bytes] | None = None
    _watchers: subprocess.Popen[bytes] | None = None
    _created: int = 0
    _read: int = 0

    @property
    def prefix(self) -> str:
        """What the names of this run's indices begin with."""
        return f"t{self.scale.seed}-{self.scenario.name}"

    @property
    def pattern(self) -> str:
        """The indices of this run."""
        return f"{self.prefix}-container-*"

    @property
    def documents(self) -> int:
        """How many are written."""
        return self.scale.documents(self.scenario)

    @property
    def acks(self) -> Path:
        """The file of what was acknowledged."""
        return self.folder / "acks"

    def index(self, rest: str) -> str:
        """Return the whole name of an index."""
        return f"{self.prefix}-container-{rest}"

    def make_indices(self) -> None:
        """Make them, and the template for those that come later."""
        replicas = 0 if self.cluster.nodes == 1 else 1
        settings = {
            "number_of_replicas": replicas,
            "refresh_interval": "500ms",
            **self.scenario.settings,
        }
        template: dict[str, Any] = {
            "index_patterns": [self.pattern],
            "priority": 500,
            "template": {"settings": {"index": settings}},
        }
        self.cluster.call("PUT", f"/_index_template/{self.prefix}", template)
        for rest in self.scenario.indices:
            self.make_index(rest)
        if self.scenario.prepare is not None:
            self.scenario.prepare(self)
        health = f"/_cluster/health/{self.pattern}?wait_for_status=green&timeout=30s"
        self.cluster.call("GET", health)

    def make_index(self, rest: str) -> None:
        """Make one index with its own settings."""
        own = {"index": dict(self.scenario.indices.get(rest, {}))}
        self.cluster.call("PUT", f"/{self.index(rest)}", {"settings": own})

    def start_gateways(self) -> None:
        """Start them, each behind a proxy for each node where that is asked for."""
        urls = self.cluster.urls
        if self.scenario.proxied:
            self.proxies += [Proxy(url) for url in urls]
            urls = tuple(proxy.url for proxy in self.proxies)
        config = config_file(self.folder, self.prefix)
        flags = [f"--config={config}", *(f"--es-url={url}" for url in urls)]
        for at in range(self.scenario.gateways):
            log = self.folder / f"gateway-{at}.log"
            gateway = Gateway([*flags, *self.scenario.flags], log, {})
            if self.launcher is not None:
                gateway.command[:1] = self.launcher
            self.gateways.append(gateway)
            gateway.start()

    def start_writers(self) -> None:
        """Start to write."""
        scenario = self.scenario
        plan = WritePlan(
            urls=self.cluster.urls,
            targets=tuple(map(self.index, (*scenario.indices, *scenario.targets))),
            later={self.index(rest): part for rest, part in scenario.later.items()},
            acks=str(self.acks),
            documents=self.documents,
            rate=scenario.rate,
            seed=self.scale.seed,
            mix=scenario.mix,
            own_ids=scenario.own_ids,
            updates=scenario.updates,
            deletes=scenario.deletes,
        )
        self.acks.touch()
        self._writers = self._process("writing", encode(plan))

    def start_watchers(self) -> None:
        """Start to watch; half of the watchers come while is written."""
        plan = WatchPlan(
            urls=tuple(gateway.url for gateway in self.gateways),
            watchers=self.scale.watchers,
            numbers=self.documents,
            seed=self.scale.seed,
            within_s=_BEGINNING * self.documents / self.scenario.rate,
            stay_s=self.scenario.stay_s,
            lazy=self.scenario.lazy,
            updates=bool(self.scenario.updates),
        )
        self._watchers = self._process("watching", encode(plan))

    def _process(self, name: str, plan: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", f"tests.torture.{name}", plan],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )

    def created(self) -> int:
        """Return how many documents were written so far."""
        with self.acks.open("rb") as file:
            file.seek(self._read)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._read += len(whole)
        self._created += whole.count(b'"create"')
        return self._created

    @property
    def writing(self) -> bool:
        """Whether the writers run."""
        assert self._writers is not None
        return self._writers.poll() is None

    def reach(self, part: float) -> None:
        """Wait until so much of all was written."""
        wanted = int(part * self.documents)
        seen, since = -1, time.monotonic()
        while (now := self.created()) < wanted and self.writing:
            if now != seen:
                seen, since = now, time.monotonic()
            assert time.monotonic() - since < _STALLED_S, "the writers stand still"
            time.sleep(0.05)

    def finish_writing(self) -> None:
        """Wait until all is written."""
        self.reach(1.0)
        assert self._writers is not None
        status = self._writers.wait(_STALLED_S)
        assert status == 0, (self.folder / "writing.log").read_text()

    def restart_gateway(self, at: int) -> None:
        """Kill a gateway, and start it again at the same port."""
        self.gateways[at].kill()
        self._tell({"restarted": at})
        self._await_answer()
        self.gateways[at].start()

    def judge(self, truth: Path) -> dict[str, Any]:
        """Tell the watchers what there is, and return what they have counted."""
        self._tell({"truth": str(truth)})
        self._await_answer()
        result: dict[str, Any] = load_json(Path(f"{truth}.counted").read_bytes())
        return result

    def _tell(self, what: dict[str, Any]) -> None:
        assert self._watchers is not None
        assert self._watchers.stdin is not None
        self._watchers.stdin.write(dump_json(what) + b"\n")
        self._watchers.stdin.flush()

    def _await_answer(self) -> None:
        assert self._watchers is not None
        assert self._watchers.stdout is not None
        watchdog = threading.Timer(_RESULT_S, self._watchers.kill)
        watchdog.start()
        try:
            line = self._watchers.stdout.readline()
        finally:
            watchdog.cancel()
        assert line, "the watchers ended: " + (self.folder / "watching.log").read_text()[-3000:]

    def close(self) -> list[str]:
        """Stop everything, and return the lines of the gateways' logs that show a bug."""
        for process in (self._writers, self._watchers):
            if process is not None:
                process.kill()
                process.communicate()
        shown = []
        for gateway in self.gateways:
            if gateway.running:
                gateway.stop()
            if gateway.tracebacks():
                shown.append(around(gateway.log(), gateway.tracebacks()[0]))
        for proxy in self.proxies:
            proxy.close()
        self.cluster.up()
        self.cluster.settle("*")
        # A data stream stays: the rig has no API to delete one.
        self.cluster.call("DELETE", f"/{self.pattern}")
        self.cluster.call("DELETE", f"/_index_template/{self.prefix}")
        return shown
