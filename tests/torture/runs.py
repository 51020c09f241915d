"""Runs scenarios: everything is started, done, judged and cleared away."""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs

from kjournal.codec import dump_json, load_json
from tests.torture import truth
from tests.torture.cluster import Cluster
from tests.torture.report import Outcome
from tests.torture.stage import Scale, Scenario, Stage

_LINES = 12
_AROUND_S = 10.0


@attrs.define
class Clusters:
    """The clusters that scenarios share, started when the first wants them."""

    folder: Path
    _started: dict[int, Cluster] = attrs.field(factory=dict)

    def of(self, nodes: int) -> Cluster:
        """Return the cluster of so many nodes."""
        if nodes not in self._started:
            cluster = Cluster(self.folder / f"es-{nodes}", nodes)
            cluster.up()
            self._started[nodes] = cluster
        return self._started[nodes]

    def close(self) -> None:
        """Stop them."""
        for cluster in self._started.values():
            cluster.down()
        self._started.clear()


@attrs.define
class _Watch:
    """Says how long each phase of a scenario took."""

    begun: float = attrs.field(factory=time.monotonic)
    phases: dict[str, float] = attrs.field(factory=dict)

    def lap(self, name: str) -> None:
        """End a phase."""
        now = time.monotonic()
        self.phases[name] = now - self.begun
        self.begun = now


def run_scenario(
    scenario: Scenario,
    scale: Scale,
    clusters: Clusters,
    launcher: Sequence[str] | None = None,
) -> Outcome:
    """Run one scenario, and return what it came to."""
    watch = _Watch()
    cluster = clusters.of(scenario.nodes)
    watch.lap("cluster")
    with tempfile.TemporaryDirectory(prefix="torture-") as directory:
        stage = Stage(scenario, scale, cluster, Path(directory), launcher)
        try:
            stage.make_indices()
            stage.start_gateways()
            watch.lap("gateways")
            stage.start_writers()
            stage.start_watchers()
            if scenario.act is not None:
                scenario.act(stage)
            stage.finish_writing()
            watch.lap("writing")
            outcome = _judged(stage)
            watch.lap("judging")
        finally:
            tracebacks = stage.close()
    watch.lap("closing")
    details = (*outcome.details, *tracebacks)
    return attrs.evolve(
        outcome,
        seconds=sum(watch.phases.values()) - watch.phases["cluster"],
        phases={**watch.phases, **outcome.phases},
        wrong=outcome.wrong + len(tracebacks),
        details=details,
    )


def _judged(stage: Stage) -> Outcome:
    cluster, scenario = stage.cluster, stage.scenario
    cluster.settle(stage.pattern)
    truth.refresh(cluster, stage.pattern)
    held = truth.held(cluster, stage.pattern)
    path = stage.folder / "truth"
    path.write_bytes(dump_json(held))
    result = stage.judge(path)
    acked = _acked(stage.acks)
    counts = result["totals"]
    gone = len(acked.keys() - {number for number, _ in held})
    details = list(result["examples"])
    for lost in result["lost"][:3]:
        details += _explained(stage, lost, acked)
    return Outcome(
        scenario=scenario.name,
        documents=len(held),
        watchers=stage.scale.watchers,
        shown=counts.get("seen", 0),
        connections=counts["connections"],
        lost=sum(lost["count"] for lost in result["lost"]),
        repeated=counts.get("repeated", 0),
        across=counts.get("repeated across", 0),
        broken=counts.get("repeated after a break", 0),
        expired=counts.get("expired", 0),
        wrong=counts.get("wrong", 0),
        gone=gone,
        exact=scenario.exact,
        counts=counts,
        phases=result["phases"],
        details=tuple(details),
    )


def _acked(path: Path) -> dict[int, tuple[float, str]]:
    """Return when each document was last acknowledged, and what was done to it."""
    acked: dict[int, tuple[float, str]] = {}
    for line in path.read_bytes().splitlines():
        number, revision, index, op, when = load_json(line)
        if when is not None:
            acked[number] = (when, f"{op} {number}/{revision} in {index}")
    return acked


def _explained(
    stage: Stage, lost: dict[str, Any], acked: dict[int, tuple[float, str]]
) -> list[str]:
    """Return lines that help to find out why a watcher did not see some documents."""
    numbers = [number for number, _ in lost["pairs"]]
    lines = [f"{lost['watcher']} of {lost['view']} lost {lost['count']}: {numbers[:_LINES]}"]
    lines += [f"  {line}" for line in truth.explained(stage.cluster, stage.pattern, numbers)]
    when, what = acked.get(numbers[0], (0.0, "never acknowledged"))
    lines.append(f"  {_clock(when)} {what}")
    around = [
        f"  {_clock(at)} {text}" for at, text in lost["history"] if abs(at - when) < _AROUND_S
    ]
    return lines + around[: 4 * _LINES]


def _clock(at: float) -> str:
    return time.strftime("%H:%M:%S", time.gmtime(at)) + f"{at % 1:.3f}"[1:]
