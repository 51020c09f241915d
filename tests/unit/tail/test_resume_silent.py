"""A process that was silent for long: whoever comes to it misses nothing."""

from typing import Any

from kjournal.tail.figures import TailLimits
from tests.results import started, success
from tests.unit.tail.tailing import VIEW, Rig, rig_of


def payloads(events: Any) -> list[str]:
    return [event.object["payload"] for event in events]


def test_a_process_that_stood_still() -> None:
    """What it publishes late has early numbers: the time at which it was visible decides."""
    first = rig_of(TailLimits())
    other = rig_of(TailLimits(), beside=first)
    other.tail.subscribe(VIEW, success(other.tail.checkpoint()).resource_version)
    first.write("seen")
    first.tick(25)  # the first process polls, the other one does not: its clock stands still
    version = success(after(first)).resource_version
    first.write("missed")
    other.clock.rightNow = first.clock.rightNow + 10
    success(after(other))
    resumption = success(other.tail.resume(VIEW, version))
    assert resumption.catch_up is None
    assert payloads([success(resumption.subscription.next()) for _ in range(2)])[-1] == "missed"


def after(rig: Rig) -> Any:
    found = started(rig.tail.checkpoint())
    rig.tick(0)
    return found
