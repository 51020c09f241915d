"""The window: bounded, and it knows what it forgot."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kjournal.errors import Expired
from kjournal.tail.window import WatchEvent, Window


def event(version: int, size: int = 1) -> WatchEvent:
    return WatchEvent("ADDED", version, {"metadata": {}}, 0, size)


sizes = st.lists(st.integers(0, 50), max_size=60)


@given(sizes, st.integers(1, 8), st.integers(1, 100), st.integers(0, 200))
def test_model(written: list[int], max_events: int, max_bytes: int, asked: int) -> None:
    """A resume gives every event above its version in order, or says Expired."""
    window = Window(max_events=max_events, max_bytes=max_bytes, floor=1)
    versions = [3 * (n + 1) for n in range(len(written))]
    for version, size in zip(versions, written, strict=True):
        window.append(event(version, size))
    kept = written[-max_events:]
    while len(kept) > 1 and sum(kept) > max_bytes:
        kept = kept[1:]
    known = versions[len(versions) - len(kept) :]
    floor = versions[len(versions) - len(kept) - 1] if len(kept) < len(written) else 1
    if asked < floor:
        with pytest.raises(Expired):
            window.place_after(asked)
        return
    place, found = window.place_after(asked), []
    while (there := window.at(place)) is not None:
        found.append(there.resource_version)
        place += 1
    assert found == [version for version in known if version > asked]
    assert place == window.end


def test_long_run() -> None:
    """Dropping the front in blocks does not move places."""
    window = Window(max_events=10)
    for version in range(1, 5001):
        window.append(event(version))
        place = window.place_after(max(0, version - 5))
        found = window.at(place)
        assert found is not None
        assert found.resource_version == max(1, version - 4)
    assert window.floor == 4990
    with pytest.raises(Expired, match="too far behind"):
        window.at(100)


def test_one_big_event() -> None:
    """An event larger than the bound is kept until the next one."""
    window = Window(max_bytes=10)
    window.append(event(1, 100))
    assert window.at(0) == event(1, 100)
    window.append(event(2, 1))
    assert window.floor == 1
