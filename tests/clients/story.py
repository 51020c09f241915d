"""All clients at once behind one gateway that is restarted in the middle."""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from uuid import uuid4

import attrs

from tests.clients.programs import Program, Running, programs
from tests.clients.report import Outcome, Plan, Row
from tests.clients.writer import Writer
from tests.integration.cluster import registered_gateway
from tests.integration.stories import Store, config_file
from tests.rig_fixtures import Kube
from tests.rig_servers import Gateway

POLL_S = 0.1
BEGIN_S = 60
CATCH_UP_S = 90
"""How long a client may take for the rest: client-go backs off for up to 30 s."""


def told(kube: Kube, url: str, folder: Path, plan: Plan, tell: Callable[[str], None]) -> Outcome:
    """Run the plan with an Elasticsearch at a URL and a kube-apiserver; return what came of it.

    Its table is told before the gateway ends, whose log may hold no traceback.
    """
    prefix = f"clients{uuid4().hex[:8]}"
    store = Store.elasticsearch(url)
    writer = Writer(url, (f"{prefix}-container-a", f"{prefix}-container-b"), plan.rate)
    flags = (f"--config={config_file(folder, prefix)}", *store.flags)
    try:
        for _ in writer.indices:
            writer.write(plan.backlog // len(writer.indices))
        with (
            registered_gateway(kube, folder, *flags) as (gateway, _),
            started(programs(kube), folder) as running,
        ):
            story = Story(plan, gateway, writer, running)
            story.begin()
            story.write_over_a_restart()
            story.catch_up()
            outcome = story.outcome()
            tell(outcome.table())
        return outcome
    finally:
        store.forget(f"{prefix}-*")


@contextlib.contextmanager
def started(wanted: Sequence[Program], folder: Path) -> Iterator[list[Running]]:
    """Yield the clients, and end them."""
    running: list[Running] = []
    try:
        for program in wanted:
            running.append(Running(program, folder))
        yield running
    finally:
        for one in running:
            one.stop()


@attrs.define
class Story:
    """The acts, in order."""

    plan: Plan
    gateway: Gateway
    writer: Writer
    running: Sequence[Running]
    begun_s: float = attrs.field(factory=time.monotonic)
    down_s: float = 0.0
    repeated_early: dict[str, int] = attrs.field(factory=dict)
    done_s: dict[str, float] = attrs.field(factory=dict)
    """When each client had everything."""

    def begin(self) -> None:
        """Wait until each client has the backlog."""
        ready = self._waited(lambda: not any(map(self.behind, self.running)), BEGIN_S)
        slow = [
            f"{one.program.name} has not begun: {one.errors()}"
            for one in self.running
            if self.behind(one)
        ]
        assert ready, "\n".join(slow)

    def write_over_a_restart(self) -> None:
        """Write for the time of the plan, and restart the gateway at half of it."""
        self.writer.start()
        try:
            self._waited(lambda: False, self.plan.seconds / 2)
            self.repeated_early = {one.program.name: one.tally.repeated for one in self.running}
            down_s = time.monotonic()
            if self.plan.crash:
                self.gateway.kill()
            else:
                self.gateway.stop()
            self.gateway.start()
            self.down_s = time.monotonic() - down_s
            self._waited(lambda: False, self.plan.seconds / 2)
        finally:
            self.writer.stop()

    def catch_up(self) -> None:
        """Wait until each client has everything; who has not in time has lost it."""

        def all_done() -> bool:
            for one in self.running:
                if one.program.name not in self.done_s and not self.behind(one):
                    self.done_s[one.program.name] = time.monotonic() - self.begun_s
            return len(self.done_s) == len(self.running)

        self._waited(all_done, CATCH_UP_S)

    def behind(self, one: Running) -> set[int]:
        """Return the numbers that a client has not been told."""
        return set(self.writer.written_s) - one.tally.numbers()

    def outcome(self) -> Outcome:
        """Return what came of it."""
        given_up_s = time.monotonic() - self.begun_s
        rows = tuple(
            Row(
                client=one.program.name,
                written_s=self.writer.written_s,
                foreign=self.writer.foreign,
                tally=one.tally,
                repeated_early=self.repeated_early[one.program.name],
                seconds=self.done_s.get(one.program.name, given_up_s),
                errors=one.errors(),
            )
            for one in self.running
        )
        return Outcome(plan=self.plan, down_s=self.down_s, rows=rows)

    def _waited(self, condition: Callable[[], bool], within_s: float) -> bool:
        """Wait for a condition, and tell whether it came in time; all clients must live."""
        deadline = time.monotonic() + within_s
        while not condition():
            for one in self.running:
                one.check()
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_S)
        return True
