"""A change seen by a view: into it ADDED, out of it DELETED, and nobody's content to others."""

from typing import Any

import pytest

from kjournal.query.model import Operator
from kjournal.query.selectors import Requirement
from kjournal.query.view import View
from kjournal.tail.figures import TailLimits
from kjournal.tail.hub import Subscription
from kjournal.tail.window import WatchEvent
from tests.unit.tail.tailing import VIEW, Rig, rig_of

BAD = (Requirement("payload", Operator.IN, ("bad",)),)
LABELLED = (Requirement("app", Operator.EXISTS),)
Shown = tuple[str, Any, Any]
"""An event's type, and its object's namespace and payload."""


def view(namespace: str | None = None, **selectors: Any) -> View:
    return View(kind="containerlogs", namespace=namespace, **selectors)


def named(name: str) -> tuple[Requirement, ...]:
    return (Requirement("metadata.name", Operator.IN, (name,)),)


def watching(rig: Rig, *views: View) -> list[Subscription]:
    version = rig.version()
    return [rig.tail.subscribe(one, version) for one in views]


def shown(rig: Rig, subscription: Subscription) -> list[Shown]:
    """Return all events that are there; each has the resourceVersion of its publication."""
    found = []
    for event in rig.rest(subscription):
        metadata = event.object["metadata"]
        assert metadata["resourceVersion"] == str(event.resource_version)
        found.append((event.type, metadata.get("namespace"), event.object["payload"]))
    return found


@pytest.mark.parametrize("namespace", ["a", None])
@pytest.mark.parametrize("by", ["fields", "labels"])
def test_in_and_out(rig: Rig, namespace: str | None, by: str) -> None:
    """Where an object begins to match it is ADDED; where it stops, DELETED as it last was."""
    selector = {"fields": BAD} if by == "fields" else {"labels": LABELLED}
    (one,) = watching(rig, view(namespace, **selector))
    bad = {"namespace": "a", "labels": {"app": "x"}}
    for payload, metadata in (
        ("good", {"namespace": "a"}),
        ("bad", bad),
        ("bad", {**bad, "labels": {"app": "y"}}),
        ("good", {"namespace": "a"}),
        ("better", {"namespace": "a"}),
        ("bad", bad),
    ):
        rig.write("x", payload=payload, metadata=metadata)
        rig.version()
    assert shown(rig, one) == [
        ("ADDED", "a", "bad"),
        ("MODIFIED", "a", "bad"),
        ("DELETED", "a", "bad"),
        ("ADDED", "a", "bad"),
    ]


def test_without_selectors(rig: Rig) -> None:
    """Whoever sees everything sees changes as MODIFIED."""
    everything, here = watching(rig, VIEW, view("a"))
    for payload in ("one", "two", "three"):
        rig.write("x", payload=payload)
        rig.version()
    expected = [("ADDED", "a", "one"), ("MODIFIED", "a", "two"), ("MODIFIED", "a", "three")]
    assert shown(rig, everything) == expected
    assert shown(rig, here) == expected


def test_several_changes_in_one_batch(rig: Rig) -> None:
    """Each change is told from the one before, be it of the same poll."""
    rig.write("x", payload="bad")
    (one,) = watching(rig, view("a", fields=BAD))
    rig.store.page_records = 1000
    rows: list[dict[str, Any]] = [{"payload": text} for text in ("bad", "good", "bad")]
    for document in rows:
        rig.write("x", **document)
    for row in rig.backend.rows:
        row.replaced_by = None
    rig.version()
    types = [event.type for event in rig.rest(one)]
    assert types == ["MODIFIED", "DELETED", "ADDED"]


@pytest.mark.parametrize("known", [True, False])
def test_moved_to_another_namespace(rig: Rig, known: bool) -> None:
    """The namespace that it left sees it DELETED as it was there, and never what it is now."""
    if not known:
        rig.write("x", "a", payload="of a")
    old, new, third, everywhere = watching(rig, view("a"), view("b"), view("c"), VIEW)
    if known:
        rig.write("x", "a", payload="of a")
        rig.version()
    rig.write("x", "b", payload="of b")
    rig.version()
    if known:
        assert shown(rig, old) == [("ADDED", "a", "of a"), ("DELETED", "a", "of a")]
        assert shown(rig, new) == [("ADDED", "b", "of b")]
        assert shown(rig, everywhere) == [("ADDED", "a", "of a"), ("MODIFIED", "b", "of b")]
    else:
        # Where it was is not known: nobody else is told of it.
        assert shown(rig, old) == []
        assert shown(rig, new) == [("MODIFIED", "b", "of b")]
        assert shown(rig, everywhere) == [("MODIFIED", "b", "of b")]
    assert shown(rig, third) == []


def test_moved_with_selectors(rig: Rig) -> None:
    """In each namespace it is as if it had come or gone, where it matched there."""
    old, new = watching(rig, view("a", fields=BAD), view("b", fields=BAD))
    rig.write("x", "a", payload="bad")
    rig.version()
    rig.write("x", "b", payload="good")
    rig.version()
    rig.write("x", "b", payload="bad")
    rig.version()
    rig.write("x", "a", payload="good")
    rig.version()
    assert shown(rig, old) == [("ADDED", "a", "bad"), ("DELETED", "a", "bad")]
    assert shown(rig, new) == [("ADDED", "b", "bad"), ("DELETED", "b", "bad")]


def test_unknown_before_and_not_matching_now(rig: Rig) -> None:
    """It may have matched: it is DELETED for whom it is at home, and shown to nobody else."""
    rig.write("x", "a", payload="bad")
    views = [
        view("a", fields=BAD),
        view(None, labels=LABELLED),
        view("a"),
        view("b", fields=BAD),
        view("a", fields=named("other")),
    ]
    mine, wide, plain, elsewhere, other = watching(rig, *views)
    rig.write("x", "a", payload="good")
    rig.version()
    assert shown(rig, mine) == [("DELETED", "a", "good")]
    assert shown(rig, wide) == [("DELETED", "a", "good")]
    assert shown(rig, plain) == [("MODIFIED", "a", "good")]
    assert shown(rig, elsewhere) == []
    assert shown(rig, other) == []


def test_never_a_change_of_another_namespace(rig: Rig) -> None:
    """Were such an event to come to a reader, it would not be shown."""
    (elsewhere,) = watching(rig, view("b", fields=BAD))
    home = {"namespace": "a", "uid": "u", "name": "x"}
    changed = WatchEvent("MODIFIED", 1, {"metadata": home, "payload": "good"}, 0, 1)
    assert elsewhere._shown(changed) is None
    came = WatchEvent("ADDED", 1, {"metadata": home, "payload": "bad"}, 0, 1)
    assert elsewhere._shown(came) is None


def test_by_name(rig: Rig) -> None:
    """A watch of one name sees its object alone, through all changes."""
    (first,) = watching(rig, VIEW)
    rig.write("x", payload="bad")
    rig.write("y", payload="bad")
    rig.version()
    name = rig.rest(first)[0].object["metadata"]["name"]
    only = named(name)
    one, bad = watching(rig, view("a", fields=only), view("a", fields=(*only, *BAD)))
    for payload in ("good", "bad"):
        rig.write("x", payload=payload)
        rig.write("y", payload=payload)
        rig.version()
    assert shown(rig, one) == [("MODIFIED", "a", "good"), ("MODIFIED", "a", "bad")]
    assert shown(rig, bad) == [("DELETED", "a", "bad"), ("ADDED", "a", "bad")]


def test_forgotten_before() -> None:
    """What has left the window is as unknown as what was never seen."""
    rig = rig_of(TailLimits(window_bytes=5000))
    one, plain = watching(rig, view("a", fields=BAD), view("a"))
    rig.write("x", payload="bad")
    rig.version()
    assert shown(rig, one) == [("ADDED", "a", "bad")]
    assert shown(rig, plain) == [("ADDED", "a", "bad")]
    for number in range(5):
        rig.write(str(number))
    rig.version()
    one, plain = watching(rig, view("a", fields=BAD), view("a"))
    rig.write("x", payload="good")
    rig.version()
    assert shown(rig, one) == [("DELETED", "a", "good")]
    assert shown(rig, plain) == [("MODIFIED", "a", "good")]


def test_loses_its_namespace(rig: Rig) -> None:
    """What becomes nobody's is DELETED as it last was, and ADDED when it is somebody's again."""
    here, selected, everywhere, other = watching(
        rig, view("a"), view("a", fields=BAD), VIEW, view("b")
    )
    rig.write("x", "a", payload="bad")
    rig.version()
    rig.write("x", None, payload="secret")
    rig.version()
    rig.write("x", None, payload="secret still")
    rig.version()
    rig.write("x", "a", payload="good")
    rig.version()
    gone = [("ADDED", "a", "bad"), ("DELETED", "a", "bad")]
    assert shown(rig, here) == [*gone, ("ADDED", "a", "good")]
    assert shown(rig, everywhere) == [*gone, ("ADDED", "a", "good")]
    assert shown(rig, selected) == gone
    assert shown(rig, other) == []
    assert rig.tail.figures.unplaced == 2


def test_frames_of_variants_are_their_own(rig: Rig) -> None:
    """An event and what it is for other views share no bytes; equal views share theirs."""
    bad, again, plain = watching(rig, view("a", fields=BAD), view("a", fields=BAD), view("a"))
    rig.write("x", payload="bad")
    rig.version()
    rig.write("x", payload="good")
    rig.version()
    deleted, modified = rig.rest(bad)[-1], rig.rest(plain)[-1]
    assert deleted.type, modified.type == ("DELETED", "MODIFIED")
    assert deleted.frames is not modified.frames
    assert deleted is rig.rest(again)[-1]
    assert modified.object["payload"] == "good"
