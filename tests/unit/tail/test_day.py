"""A day of watches, on a simulated clock: nothing grows, and numbers do not run away."""

import attrs
import pytest

from kjournal.query.view import View
from kjournal.tail.figures import TailLimits
from tests.fakes.memory_store import _Row
from tests.unit.tail.tailing import BEGIN_S, Client, Rig, rig_of

HOUR_S = 3600
LIMITS = TailLimits(window_bytes=300_000)
# What a window of so many bytes holds at most, by the least weight of an event.
MOST_EVENTS = 300_000 // 2000
WORKING_HOURS = (0, 1, 2, 9, 10, 20, 23)


@attrs.define
class Most:
    """The greatest of each size that was seen."""

    journal: int = 0
    window: int = 0
    bytes: int = 0
    chains: int = 0
    latest: int = 0
    calls: int = 0
    subscriptions: int = 0
    waiting: int = 0

    def look(self, rig: Rig) -> None:
        tail, window = rig.tail, rig.tail.hub.window
        sizes = {
            "journal": len(tail._journal),
            "window": len(window.all),
            "bytes": window.bytes,
            "chains": len(window._chains),
            "latest": len(window._latest),
            "calls": len(rig.clock.getDelayedCalls()),
            "subscriptions": len(tail.hub),
            "waiting": sum(len(one) for one in tail.hub._waiting.values()),
        }
        for name, size in sizes.items():
            setattr(self, name, max(size, getattr(self, name)))


def write(rig: Rig, id: str, namespace: str) -> None:
    """Store a record at once; the fake's own way looks at all before it."""
    rows = rig.backend.rows
    document = {"metadata": {"namespace": namespace}, "payload": str(len(rows))}
    rows.append(_Row(len(rows), "i", id, document, id == "again"))


def a_day(rig: Rig, clients: list[Client], most: Most) -> int:
    """Write every few seconds in working hours, and nothing in the others; return how many."""
    written = 0
    for hour in range(24):
        working = hour in WORKING_HOURS
        for second in range(0, HOUR_S, 5):
            if working:
                # Namespaces come and go all day; one object changes again and again.
                write(rig, f"{written}", f"n{written // 50}" if second % 10 else "a")
                write(rig, "again", "a")
                written += 1
            rig.tick(5)
            if second % 60 == 0:
                one_minute(rig, clients[(hour + second // 60) % len(clients)])
                for client in clients:
                    client.read(rig, 1000)
                most.look(rig)
        assert 0 <= rig.version() - rig.now_us < 1e6
    for client in clients:
        client.connect(rig)
        client.read(rig, 1000)
    return written


def one_minute(rig: Rig, client: Client) -> None:
    """Ask for a bookmark, and let one client come again."""
    if client.subscription is not None:
        client.subscription.ask_bookmark()
        client.read(rig, 1000)
    client.leave()
    client.connect(rig)
    assert not client.expired


@pytest.fixture
def rig() -> Rig:
    """Return a tail with a small window; the store keeps no more than it needs to."""
    return rig_of(LIMITS)


def test_a_day(rig: Rig) -> None:
    """Journal, window, chains, the map of objects, timers and watchers stay within bounds."""
    version = rig.version()
    clients = [
        Client(View(kind="containerlogs", namespace=namespace), version)
        for namespace in (None, "a", "nobody")
    ]
    most = Most()
    written = a_day(rig, clients, most)
    everything, here, nobody = clients
    assert written > 5000
    assert len(everything.got) == 2 * written
    assert len(set(everything.versions)) == 2 * written
    assert len(here.got) > written
    assert (nobody.got, len(nobody.bookmarks) > 0) == ([], True)
    assert most.journal <= LIMITS.resume_window_s / 0.5 + 102
    assert most.window <= MOST_EVENTS
    assert most.bytes <= LIMITS.window_bytes
    assert most.chains <= MOST_EVENTS
    assert most.latest <= MOST_EVENTS
    assert most.calls <= 1
    assert (most.subscriptions, most.waiting) == (3, 3)
    drift_us = rig.version() - rig.now_us
    assert 0 <= drift_us < 1e6
    assert rig.now_us / 1e6 - BEGIN_S == 24 * HOUR_S
    assert rig.tail.figures.resumes["expired"] == 0


def test_versions_do_not_drift(rig: Rig) -> None:
    """A thousand records a second leave the numbers within a second of the clock."""
    rig.version()
    for second in range(10):
        for number in range(1000):
            write(rig, f"{second}.{number}", "a")
        rig.tick(1)
    assert 0 <= rig.version() - rig.now_us < 1e6
    assert rig.tail.hub.window.bytes <= LIMITS.window_bytes
