"""Ids that the store makes."""

from kjournal.store.embedded.ids import AutoIds


def test_shape() -> None:
    """20 characters of base64url, as Elasticsearch's own."""
    ids = AutoIds(lambda: 1.7e9, lambda count: b"\xff" * count)
    assert len(ids.next_id()) == 20
    assert ids.next_id().isascii()


def test_never_twice() -> None:
    """A clock that stands still, or goes back, makes no id again."""
    moments = iter([5.0] * 500 + [3.0] * 500 + [5.0] * 500)
    ids = AutoIds(lambda: next(moments), lambda count: b"\xff" * count)
    assert len({ids.next_id() for _ in range(1500)}) == 1500


def test_neighbours_share_a_prefix() -> None:
    """Ids of one second begin alike."""
    ids = AutoIds(lambda: 1.7e9, lambda count: bytes(count))
    assert ids.next_id()[:8] == ids.next_id()[:8]
