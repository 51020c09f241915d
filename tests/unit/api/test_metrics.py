"""The figures of tails on /metrics, by kind."""

from twisted.internet.defer import Deferred

from kjournal.errors import StoreUnavailable
from kjournal.query.model import Batch
from kjournal.tail.figures import Figures, TailLimits
from tests.unit.api.serving import Server, server
from tests.unit.api.verbs import LINES

SHOWN = {
    "kjournal_watches",
    "kjournal_tail_running",
    "kjournal_tail_lag_seconds",
    "kjournal_tail_unsettled_records",
    "kjournal_tail_inexact_indices",
    "kjournal_watch_cache_events",
    "kjournal_watch_cache_bytes",
    "kjournal_store_failing_seconds",
    "kjournal_tail_polls_total",
    "kjournal_tail_starts_total",
    "kjournal_watches_closed_slow_total",
    "kjournal_records_without_namespace_total",
}


def samples(api: Server) -> dict[str, float]:
    """Return all samples by name and labels."""
    lines = api.call("/metrics").body.decode().splitlines()
    split = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in split}


def of_lines(api: Server, name: str) -> float:
    return samples(api)[f'{name}{{resource="containerlogs"}}']


def resumes(api: Server, how: str) -> float:
    return samples(api)[f'kjournal_watch_resumes_total{{how="{how}",resource="containerlogs"}}']


def test_all_of_all_kinds(api: Server) -> None:
    """Each figure is there for each kind, before anybody asked for anything."""
    found = samples(api)
    for plural in ("containerlogs", "events", "auditevents", "logs"):
        names = {name for name in found if name.endswith(f'{{resource="{plural}"}}')}
        assert names == {f'{name}{{resource="{plural}"}}' for name in SHOWN}
    assert {found[name] for name in found if name.startswith("kjournal_")} == {0.0}


def test_every_figure_is_shown() -> None:
    """A figure that is added to a tail is to be added here."""
    assert set(Figures.__slots__) - {"__weakref__"} == {
        "unplaced",
        "starts",
        "polls",
        "slow_closes",
        "unsettled",
        "inexact",
        "caught_up_s",
        "failing_since_s",
        "resumes",
    }


def test_a_tail_at_work(api: Server) -> None:
    """Watches, starts, polls, the cache, and records that belong to nobody."""
    watch = api.get(f"{LINES}?watch=1&resourceVersion=0")
    api.line("x")
    api.backend.write("i", "y", {"payload": "of nobody"})
    api.tick()
    found = {
        name: of_lines(api, f"kjournal_{name}")
        for name in (
            "watches",
            "tail_running",
            "tail_starts_total",
            "tail_polls_total",
            "watch_cache_events",
            "records_without_namespace_total",
        )
    }
    assert found == {
        "watches": 1,
        "tail_running": 1,
        "tail_starts_total": 1,
        "tail_polls_total": api.store().calls.count("poll"),
        "watch_cache_events": 1,
        "records_without_namespace_total": 1,
    }
    assert of_lines(api, "kjournal_watch_cache_bytes") > 2000
    watch.leave()
    assert of_lines(api, "kjournal_watches") == 0


def test_frames_count_as_cache(api: Server) -> None:
    """What is kept in more representations weighs more."""
    watch = api.get(f"{LINES}?watch=1&resourceVersion=0")
    api.line("x")
    api.tick()
    weight = of_lines(api, "kjournal_watch_cache_bytes")
    frame = len(watch.body)
    assert frame > 100
    assert weight >= 2000 + frame


def test_lag_and_failure(api: Server) -> None:
    """A store that does not answer makes the lag grow, and says for how long."""
    api.get(f"{LINES}?watch=1&resourceVersion=0")
    api.tick()
    assert of_lines(api, "kjournal_tail_lag_seconds") == 0
    api.store().next_answers("poll", *[StoreUnavailable("gone")] * 9)
    for _ in range(5):
        api.tick(2)
    assert of_lines(api, "kjournal_tail_lag_seconds") == 10
    assert of_lines(api, "kjournal_store_failing_seconds") == 8
    api.store().answers.clear()
    for _ in range(10):
        api.tick(1)
    assert of_lines(api, "kjournal_store_failing_seconds") == 0
    assert of_lines(api, "kjournal_tail_lag_seconds") <= 1


def test_a_store_that_hangs(api: Server) -> None:
    """A poll without an answer is a lag too."""
    api.get(LINES)
    api.store().next_answers("poll", Deferred())
    api.tick(100)
    api.tick(100)
    assert of_lines(api, "kjournal_tail_lag_seconds") >= 100


def test_what_the_store_tells(api: Server) -> None:
    """Numbers held one by one, and indices that are followed by time."""

    async def poll(position: object) -> Batch:
        return Batch(records=[], position=0, unsettled=70, inexact=2)  # type: ignore[arg-type]

    store: object = api.store()
    object.__setattr__(api.tail(), "_store", _Polling(store, poll))
    api.get(LINES)
    assert of_lines(api, "kjournal_tail_unsettled_records") == 70
    assert of_lines(api, "kjournal_tail_inexact_indices") == 2


class _Polling:
    def __init__(self, store: object, poll: object) -> None:
        self.poll = poll


def test_resumes() -> None:
    """How watches went on: exactly, with an overlap, from the store, or not at all."""
    api = server(limits=TailLimits(resume_window_s=3600))
    watched = api.get(f"{LINES}?watch=1&resourceVersion=0")
    for _ in range(20):
        api.tick()
    version = int(api.get(LINES).json["metadata"]["resourceVersion"])
    for asked in (version, version + 1, version + 2, version - 10**9, 1):
        api.get(f"{LINES}?watch=1&resourceVersion={asked}")
    found = [resumes(api, how) for how in ("exact", "overlap", "store", "expired")]
    assert found == [1, 2, 1, 1]
    watched.leave()


def test_slow_closes(api: Server) -> None:
    """A watch that is cut for its reader is counted."""
    found = api.get(f"{LINES}?watch=1&resourceVersion=0")
    found.transport.producer.pauseProducing()
    api.line("x")
    api.tick()
    api.tick(31)
    assert of_lines(api, "kjournal_watches_closed_slow_total") == 1
