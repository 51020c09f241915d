"""The process that watches: all watchers of a scenario on one reactor.

    python -m tests.torture.watching PLAN

It is told by lines of JSON on its standard input: `{"restarted": N}` before gateway N is started
again, `{"truth": FILE}` when all is written: the file says which lines the store holds. Then it
waits for what is missing, writes what it has counted to FILE.counted, and ends. It answers each
line by one of its own.
"""

import random
import sys
import time
from pathlib import Path
from typing import Any

from twisted.internet import reactor as _reactor
from twisted.internet import stdio
from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.internet.interfaces import IReactorTCP, IReactorTime
from twisted.internet.task import deferLater
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure

from kjournal.codec import dump_json, load_json
from tests.torture.client import Requests
from tests.torture.ledger import Ledger, Pair
from tests.torture.lines import random_view
from tests.torture.plans import WatchPlan, decode
from tests.torture.watcher import Gateways, Watcher

reactor: Any = _reactor
_LOOK_S = 0.1
_CLOSING_S = 30.0
_MOST_S = 180.0
_MOST_LOST = 200


class Fleet:
    """All watchers."""

    def __init__(self, plan: WatchPlan, clock: IReactorTime, net: IReactorTCP) -> None:
        self._plan, self._clock = plan, clock
        self._dice = random.Random(plan.seed)
        self.gateways = Gateways(plan.urls, [0] * len(plan.urls))
        requests = Requests.on(net)
        self._watchers = [self._watcher(at, requests) for at in range(plan.watchers)]
        self._runs: list[Deferred[None]] = []

    def _watcher(self, at: int, requests: Requests) -> Watcher:
        plan, dice = self._plan, random.Random(f"{self._plan.seed}-{at}")
        ledger = Ledger(f"watcher {at}", random_view(dice), plan.numbers, plan.updates)
        return Watcher(
            ledger=ledger,
            gateways=self.gateways,
            requests=requests,
            clock=self._clock,
            dice=dice,
            stay_s=plan.stay_s * dice.choice((0.3, 1.0, 1.0, 3.0)),
            lazy=dice.random() < plan.lazy,
            initial=dice.random() < 0.25,
        )

    def start(self) -> None:
        """Let half of the watchers begin at once, and the others one after the other."""
        for at, watcher in enumerate(self._watchers):
            wait_s = self._dice.uniform(0, self._plan.within_s) if at % 2 else 0.0
            run = Deferred.fromCoroutine(watcher.run(wait_s))
            run.addErrback(_broke)
            self._runs.append(run)

    async def finish(self, truth: list[Pair]) -> dict[str, Any]:
        """Wait for what is missing, and return what was counted."""
        self.gateways.calm = True
        begun_s = time.monotonic()
        missing = await self._missing(truth)
        spent = [time.monotonic() - begun_s]
        closing = DeferredList([watcher.close() for watcher in self._watchers])
        closing.addTimeout(_CLOSING_S, self._clock, lambda value, _: value)
        closing.addErrback(lambda _: None)
        await closing
        spent.append(time.monotonic() - begun_s - spent[0])
        for watcher in self._watchers:
            watcher.over = True
            watcher.leave()
        lost: dict[int, list[Pair]] = {}
        for at, watcher in enumerate(self._watchers):
            if missing[at]:
                left = watcher.ledger.missing(truth)
                if left:
                    lost[at] = left
        return {
            **self._result(lost),
            "phases": dict(zip(("waiting", "last look"), spent, strict=True)),
        }

    async def _missing(self, truth: list[Pair]) -> list[list[Pair]]:
        """Wait until nothing is missing, or there was no news for long; return what is."""
        generations = [0] * len(self._watchers)
        missing = [truth] * len(self._watchers)
        begun_s = time.monotonic()
        while any(missing):
            for at, watcher in enumerate(self._watchers):
                ledger = watcher.ledger
                if ledger.generation != generations[at]:
                    generations[at], missing[at] = ledger.generation, truth
                missing[at] = ledger.missing(missing[at])
                await deferLater(self._clock, 0, lambda: None)
            news_s = max(watcher.ledger.news_s for watcher in self._watchers)
            now_s = time.monotonic()
            if now_s > max(news_s, begun_s) + self._plan.patience_s or now_s > begun_s + _MOST_S:
                break
            await deferLater(self._clock, _LOOK_S, lambda: None)
        return missing

    def _result(self, lost: dict[int, list[Pair]]) -> dict[str, Any]:
        totals: dict[str, int] = {}
        examples: list[str] = []
        for watcher in self._watchers:
            for name, count in watcher.ledger.counts.items():
                totals[name] = totals.get(name, 0) + count
            examples += watcher.ledger.examples
        totals["connections"] = sum(watcher.connections for watcher in self._watchers)
        return {
            "totals": totals,
            "examples": examples[:20],
            "lost": [
                {
                    "watcher": self._watchers[at].ledger.name,
                    "view": str(self._watchers[at].ledger.view),
                    "count": len(pairs),
                    "pairs": pairs[:_MOST_LOST],
                    "history": list(self._watchers[at].ledger.history),
                }
                for at, pairs in lost.items()
            ],
        }


def _answer() -> None:
    sys.stdout.write("done\n")
    sys.stdout.flush()


def _broke(failure: Failure) -> None:
    sys.stderr.write(failure.getTraceback())
    if reactor.running:
        reactor.stop()


class Control(LineOnlyReceiver):
    """The standard input."""

    delimiter = b"\n"

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def lineReceived(self, line: bytes) -> None:
        """Do what is told."""
        told = load_json(line)
        if "restarted" in told:
            self._fleet.gateways.lives[told["restarted"]] += 1
            _answer()
        if "truth" in told:
            maybeDeferred(self._finish, told["truth"]).addErrback(_broke)

    def _finish(self, path: str) -> Deferred[None]:
        truth = [(number, revision) for number, revision in load_json(Path(path).read_bytes())]

        async def finish() -> None:
            result = await self._fleet.finish(truth)
            # The standard output does not block, so that it takes no long line.
            Path(f"{path}.counted").write_bytes(dump_json(result))
            _answer()
            reactor.stop()

        return Deferred.fromCoroutine(finish())

    def connectionLost(self, reason: Failure = Failure(ConnectionError())) -> None:  # noqa: B008
        """Whoever started us is gone."""
        if reactor.running:
            reactor.stop()


def main(text: str) -> None:
    """Watch what a plan says."""
    fleet = Fleet(decode(WatchPlan, text), reactor, reactor)
    stdio.StandardIO(Control(fleet))
    reactor.callWhenRunning(fleet.start)
    reactor.run()


if __name__ == "__main__":
    main(sys.argv[1])
