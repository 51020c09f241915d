"""The imaginary cluster: three namespaces, a dozen pods, and what befalls them."""

from collections.abc import Callable
from functools import partial
from random import Random

from kjournal.demo.agenda import Agenda
from kjournal.demo.audit import JANE
from kjournal.demo.cast import WORKLOADS, Pod
from kjournal.demo.chronicle import Chronicle
from kjournal.demo.pods import Pods
from kjournal.demo.rollouts import Rollout
from kjournal.demo.traffic import Traffic
from kjournal.store.interfaces import NewDocument

_FIRST_ACCIDENT_S = 25 * 60.0
_NEXT_ACCIDENT_S = 80 * 60.0


class Cluster:
    """Yields the documents of a cluster's life, from `start_us` as far as it is asked to go.

    The cast at the start depends on the seed alone: a demo that is started again has the same pods.
    What happens to them depends on the seed and on the start.
    """

    def __init__(self, seed: int, start_us: int) -> None:
        # A play, not a secret: the same seed must give the same cluster.
        rng = Random(seed)  # noqa: S311
        self._rng = rng
        self._agenda = Agenda(rng, start_us)
        chronicle = Chronicle(self._agenda)
        self._pods = Pods(chronicle)
        self._rollouts = [Rollout(workload, chronicle, self._pods) for workload in WORKLOADS]
        rng.seed(f"{seed} {start_us}")
        Traffic(chronicle)
        self._plan_fate()

    @property
    def next_us(self) -> int:
        """When the next thing happens, in microseconds since the epoch."""
        return self._agenda.next_us

    def stay_quiet(self, until_us: int) -> None:
        """Let less happen up to that time, so that hours of the past are a few thousand lines."""
        self._agenda.quiet_until_us = until_us

    def advance(self, until_us: int, limit: int) -> list[NewDocument]:
        """Return the next documents, in the order of their times, `limit` or a few more.

        Fewer are returned only where all up to `until_us` are.
        """
        return self._agenda.advance(until_us, limit)

    def _plan_fate(self) -> None:
        repeat = self._agenda.repeat
        repeat(300.0, 600.0, self._roll_one)
        repeat(400.0, 800.0, self._scale_one)
        repeat(240.0, 480.0, partial(self._befall, self._pods.crash))
        repeat(240.0, 480.0, partial(self._befall, self._pods.fail_probe))
        self._agenda.after(_FIRST_ACCIDENT_S, self._accident)

    def _roll_one(self) -> bool:
        self._rng.choice(self._rollouts).roll()
        return True

    def _scale_one(self) -> bool:
        self._rng.choice(self._rollouts).scale()
        return True

    def _befall(self, fate: Callable[[Pod], None]) -> bool:
        if self._pods.scheduled:
            fate(self._rng.choice(self._pods.scheduled))
        return True

    def _accident(self) -> None:
        """Let a person delete the Deployment `cart` of the shop."""
        cart = next(rollout for rollout in self._rollouts if rollout.workload.name == "cart")
        if cart.busy:
            self._agenda.after(60, self._accident)
            return
        cart.remove(JANE)
        self._agenda.after(_NEXT_ACCIDENT_S, self._accident)
