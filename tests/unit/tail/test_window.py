"""The window: bounded, a chain for each namespace, and it knows what it forgot."""

import gc
import weakref
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kjournal.errors import Expired
from kjournal.tail.window import Chain, WatchEvent, Window

Namespace = str | None
NAMESPACES: list[Namespace] = [None, "a", "b", "c"]


def event(
    version: int,
    size: int = 1,
    namespace: Namespace = None,
    before: Namespace = None,
    uid: str = "",
) -> WatchEvent:
    def obj(where: Namespace) -> dict[str, Any]:
        metadata = {"uid": uid or str(version)}
        return {"metadata": metadata | ({"namespace": where} if where else {})}

    previous = (obj(before), 0) if before else None
    return WatchEvent("ADDED", version, obj(namespace), 0, size, previous)


def versions_of(chain: Chain, place: int) -> list[int]:
    """Return the versions from a place to the end."""
    found = []
    while (there := chain.at(place)) is not None:
        found.append(there.resource_version)
        place += 1
    assert place == chain.end
    return found


written = st.lists(
    st.tuples(st.integers(0, 50), st.sampled_from(NAMESPACES), st.sampled_from(NAMESPACES)),
    max_size=60,
)


@given(written, st.integers(1, 8), st.integers(1, 100), st.integers(0, 200))
def test_model(
    script: list[tuple[int, Namespace, Namespace]], max_events: int, max_bytes: int, asked: int
) -> None:
    """A resume gives every event of a namespace above its version in order, or says Expired."""
    window = Window(max_events=max_events, max_bytes=max_bytes, floor=1)
    events = [event(3 * n, *one) for n, one in enumerate(script, 1)]
    for one in events:
        window.append(one)
    kept = events[-max_events:]
    while len(kept) > 1 and sum(one.size for one in kept) > max_bytes:
        kept = kept[1:]
    dropped = events[: len(events) - len(kept)]
    assert window.bytes == sum(one.size for one in kept)
    assert window.floor == (dropped[-1].resource_version if dropped else 1)
    if asked < window.floor:
        with pytest.raises(Expired, match="too old resource version"):
            window.check_known(asked)
        return
    window.check_known(asked)
    for namespace in NAMESPACES:
        chain = window.chain(namespace)
        mine = [one for one in kept if namespace is None or namespace in one.namespaces]
        assert versions_of(chain, chain.place_after(asked)) == [
            one.resource_version for one in mine if one.resource_version > asked
        ]
        assert len(chain) == len(mine)


@attrs.define
class Place:
    """A reader of a chain, and where it stands."""

    namespace: Namespace
    chain: Chain
    place: int
    missed: bool = False


verbs = st.lists(
    st.tuples(st.just("write"), st.sampled_from(NAMESPACES), st.sampled_from(NAMESPACES))
    | st.tuples(st.just("read"), st.sampled_from(NAMESPACES), st.just(None))
    | st.tuples(st.just("leave"), st.integers(0, 9), st.just(None)),
    max_size=60,
)


@given(verbs, st.integers(1, 5))
def test_readers(  # noqa: C901 - a script's verbs
    script: list[tuple[str, Any, Any]], max_events: int
) -> None:
    """Places stay valid while others come, leave and write; chains are kept for what is in use."""
    window, events, readers = Window(max_events=max_events), [], list[Place]()
    for version, (verb, where, before) in enumerate(script, 1):
        if verb == "write":
            events.append(event(version, 1, where, before))
            window.append(events[-1])
        elif verb == "read":
            chain = window.chain(where)
            readers.append(Place(where, chain, chain.end))
        elif readers:
            gone = readers.pop(where % len(readers))
            window.left(gone.namespace, gone.chain)
        for reader in readers:
            try:
                found = versions_of(reader.chain, reader.place)
            except Expired:
                reader.missed = True
            else:
                assert not reader.missed
                reader.place += len(found)
                assert not found or found[-1] == version
    for namespace in NAMESPACES[1:]:
        mine = [one for one in events[-max_events:] if namespace in one.namespaces]
        shared = {reader.chain.readers for reader in readers if reader.namespace == namespace}
        assert shared <= {sum(reader.namespace == namespace for reader in readers)}
        again = window.chain(namespace)
        assert len(again) == len(mine)
        assert not shared or again in [one.chain for one in readers]


def test_long_run() -> None:
    """Dropping the front in blocks does not move places."""
    window = Window(max_events=10)
    for version in range(1, 5001):
        window.append(event(version))
        found = window.all.at(window.all.place_after(max(0, version - 5)))
        assert found is not None
        assert found.resource_version == max(1, version - 4)
    assert window.floor == 4990
    with pytest.raises(Expired, match="too far behind"):
        window.all.at(100)


def test_forgotten_events_are_let_go() -> None:
    """What is beyond the bound is not held by the chains of namespaces either."""
    window, born = Window(max_events=400), list[weakref.ref[WatchEvent]]()
    for version in range(1, 20_000):
        one = event(version, 1, f"n{version % 100}")
        born.append(weakref.ref(one))
        window.append(one)
    del one
    gc.collect()
    alive = sum(ref() is not None for ref in born)
    assert 400 <= alive <= 2000


def test_chains_of_namespaces_that_are_gone_are_dropped() -> None:
    """A cluster that makes namespaces all day does not grow the window."""
    window = Window(max_events=10)
    watched = window.chain("n3")
    for number in range(1000):
        window.append(event(number, 1, f"n{number}"))
    assert window.chain("n3") is watched
    assert len(watched) == 0
    window.left("n3", watched)
    window.left("n3", watched)
    assert window.chain("n3") is not watched


def test_one_big_event() -> None:
    """An event larger than the bound is kept until the next one."""
    window = Window(max_bytes=10)
    window.append(event(1, 100))
    assert window.all.at(0) == window.latest("1")
    window.append(event(2, 1))
    assert window.floor == 1


def test_grew() -> None:
    """Bytes of frames count like those of events, and what is forgotten takes them along."""
    window = Window(max_bytes=100)
    first, second = event(1, 10), event(2, 10)
    window.append(first)
    window.append(second)
    window.grew(second, 60)
    assert window.bytes == 80
    window.grew(second, 60)
    assert (window.bytes, window.floor, len(window.all)) == (130, 1, 1)
    window.grew(first, 10**9)
    window.append(event(3, 10))
    assert (window.bytes, window.floor) == (10, 2)


def test_grew_by_a_variant() -> None:
    """What an event costs as it is for some views is charged to the event, and goes with it."""
    window = Window(max_bytes=100)
    window.append(event(1, 10))
    newest = window.latest("1")
    assert newest is not None
    window.grew(newest.variant("DELETED"), 60)
    assert window.bytes == 70
    window.append(event(2, 40))
    assert window.bytes == 40


def test_latest() -> None:
    """The newest event of an object is found until it is forgotten, and not the one before."""
    window = Window(max_events=2)
    first, second = event(1, uid="x"), event(2, uid="x")
    window.append(first)
    assert window.latest("x") is first
    window.append(second)
    window.append(event(3))
    assert window.latest("x") is second
    window.append(event(4))
    assert window.latest("x") is None
    assert window.latest("3") is not None
