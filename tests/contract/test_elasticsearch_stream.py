"""The stream over Elasticsearch: indices without numbers, resumes by time, odd JSON."""

import time
from collections.abc import Iterable

import pytest
import pytest_twisted
import treq
from twisted.internet import reactor

from kjournal.codec import MICROSECONDS, dump_json, format_millis, load_json
from kjournal.config.model import ElasticsearchSettings
from kjournal.errors import CursorExpired
from kjournal.query.model import PageStart, Record
from kjournal.store.elasticsearch import exchange
from kjournal.store.elasticsearch.backend import ElasticsearchBackend
from kjournal.store.interfaces import Source
from tests.contract.elasticsearch_rig import EVERYTHING, Rig, ids, polled


def ago(seconds: float) -> str:
    return format_millis(int((time.time() - seconds) * MICROSECONDS))


def named(records: Iterable[Record]) -> list[str]:
    return sorted(record.id for record in records)


async def unnumbered(rig: Rig, name: str) -> None:
    try:
        await rig.create(
            name,
            {"@timestamp": {"type": "date"}},
            **{"index.disable_sequence_numbers": True},
        )
    except AssertionError:
        pytest.skip("Elasticsearch 8 has no index.disable_sequence_numbers")


@pytest_twisted.ensureDeferred
async def test_an_index_without_sequence_numbers(rig: Rig) -> None:
    """It is followed by time: what is late within the overlap comes once, and this is said."""
    await unnumbered(rig, "plain")
    await rig.create("exact")
    await rig.write("plain", [{"_id": "old", "@timestamp": ago(5)}])
    store = rig.store()
    batch = await store.poll(None)
    assert (batch.inexact, len(batch.warnings)) == (1, 1)
    assert rig.index("plain") in batch.warnings[0]
    await rig.write("plain", [{"_id": "new", "@timestamp": ago(0)}])
    await rig.write("plain", [{"_id": "future", "@timestamp": ago(-3600)}])
    await rig.write("exact", [{"_id": "counted", "@timestamp": ago(0)}])
    records, position = await polled(store, batch.position)
    assert named(records) == ["counted", "future", "new"]
    await rig.write("plain", [{"_id": "late", "@timestamp": ago(40)}])
    await rig.write("plain", [{"_id": "too late", "@timestamp": ago(400)}])
    await rig.write("plain", [{"_id": "old", "@timestamp": ago(5), "again": True}])
    records, position = await polled(store, position)
    assert named(records) == ["late", "old"]
    assert await polled(store, position) == ([], position)
    assert named((await store.list_page(EVERYTHING, limit=10, at=position)).records) == [
        *("counted", "future", "late", "new", "old", "too late"),
    ]


@pytest_twisted.ensureDeferred
async def test_what_one_position_saw_and_another_had_not(rig: Rig) -> None:
    """Also of shards that lie beside others, and of new indices."""
    await rig.create("one")
    await rig.create("three", number_of_shards=3)
    old = [{"_id": f"o{n}", "@timestamp": ago(500 + n)} for n in range(9)]
    await rig.write("three", old)
    await rig.write("one", [{"_id": "x", "@timestamp": ago(500)}])
    store = rig.store()
    first = (await store.poll(None)).position
    await rig.write("three", [{"_id": f"n{n}", "@timestamp": ago(n)} for n in range(9)])
    await rig.write("three", [{"_id": "o1", "@timestamp": ago(501), "again": True}])
    await rig.write("new", [{"_id": "y", "@timestamp": ago(900)}])
    records, second = await polled(store, first)
    await rig.write("three", [{"_id": "unseen", "@timestamp": ago(0)}])
    wanted = sorted([*(f"n{n}" for n in range(9)), "o1", "y"])
    assert named(records) == wanted
    got, after = [], None
    while True:
        page = await store.list_page(EVERYTHING, limit=4, at=second, beyond=first, after=after)
        got += page.records
        if not page.more:
            break
        after = PageStart(snapshot=page.snapshot, after=page.records[-1].sort)
    assert named(got) == wanted
    assert [record.id for record in got if record.updated] == ["o1"]


@pytest_twisted.ensureDeferred
async def test_a_position_by_time(rig: Rig) -> None:
    """It is just before what came after a time, though late lines stand between."""
    await rig.create("one")
    await rig.create("quiet")
    for seconds, id in ((100, "a"), (60, "b"), (3600, "late but before"), (30, "c"), (20, "d")):
        await rig.write("one", [{"_id": id, "@timestamp": ago(seconds)}])
    await rig.write("one", [{"_id": "e", "@timestamp": ago(0)}])
    await rig.write("quiet", [{"_id": "old", "@timestamp": ago(7200)}])
    await rig.write("quiet", [{"_id": "late, perhaps after", "@timestamp": ago(7300)}])
    store = rig.store()
    now = (await store.poll(None)).position
    since = await store.position_before(int((time.time() - 40) * MICROSECONDS))
    page = await store.list_page(EVERYTHING, limit=10, at=now, beyond=since)
    assert named(page.records) == ["c", "d", "e", "late but before", "late, perhaps after"]
    everything = await store.position_before(int((time.time() - 9000) * MICROSECONDS))
    page = await store.list_page(EVERYTHING, limit=10, at=now, beyond=everything)
    assert len(page.records) == 8


@pytest_twisted.ensureDeferred
async def test_late_shippers_move_a_position_by_time(rig: Rig) -> None:
    """Where all lines come half a minute late, so do those that came after the time."""
    await rig.create("one")
    for seconds in range(90, 29, -10):
        await rig.write("one", [{"_id": f"{seconds}", "@timestamp": ago(seconds)}])
    store = rig.store()
    now = (await store.poll(None)).position
    since = await store.position_before(int((time.time() - 15) * MICROSECONDS))
    page = await store.list_page(EVERYTHING, limit=10, at=now, beyond=since)
    assert named(page.records) == ["30", "40"]


@pytest_twisted.ensureDeferred
async def test_a_list_goes_on_in_another_process(rig: Rig, elasticsearch_url: str) -> None:
    """The snapshot is all that another one needs, also of which records were seen."""
    await rig.create("three", number_of_shards=3)
    await rig.write("three", [{"_id": f"{n}", "@timestamp": ago(50 - n)} for n in range(9)])
    store = rig.store()
    at = (await store.poll(None)).position
    await rig.write("three", [{"_id": "after", "@timestamp": ago(1)}])
    first = await store.list_page(EVERYTHING, limit=4, at=at)
    other = ElasticsearchBackend(ElasticsearchSettings(urls=(elasticsearch_url,)), reactor)
    try:
        after = PageStart(snapshot=first.snapshot, after=first.records[-1].sort)
        rest = await other.open_store(Source(kind="containerlogs", index=rig.index("*"))).list_page(
            EVERYTHING, limit=10, after=after
        )
    finally:
        await other.close()
    assert [record.id for record in rest.records] == ["4", "5", "6", "7", "8"]


@pytest_twisted.ensureDeferred
async def test_a_list_goes_on_without_its_snapshot(rig: Rig) -> None:
    """From the same key in a new one; what has the same time may come again."""
    await rig.create("one")
    moment = ago(10)
    await rig.write("one", [{"_id": f"{n}", "@timestamp": ago(50 - n)} for n in range(4)])
    await rig.write("one", [{"_id": f"same{n}", "@timestamp": moment} for n in range(3)])
    store = rig.store()
    first = await store.list_page(EVERYTHING, limit=5)
    after = PageStart(snapshot="", after=first.records[-1].sort)
    rest = await store.list_page(EVERYTHING, limit=10, after=after)
    assert named(rest.records) == ["same0", "same1", "same2"]


@pytest.mark.parametrize(
    "odd",
    [
        b'"x":"\\ud800"',
        b'"\\ud800":1',
        b'"x":1e400',
        b'"x":%s' % (b"9" * 400),
        b'"x":/* said in a comment */1',
        b'"x":"\xff\xc0\xaf"',
    ],
    ids=["surrogate", "surrogate key", "float", "integer", "comment", "no UTF-8"],
)
@pytest_twisted.ensureDeferred
async def test_json_that_only_elasticsearch_reads(rig: Rig, odd: bytes) -> None:
    """One such document hides no other, from lists or from tails."""
    await rig.create("one", {"o": {"type": "object", "enabled": False}})
    store = rig.store()
    position = (await store.poll(None)).position
    await rig.write("one", [{"_id": "before", "@timestamp": ago(3)}])
    response = await treq.put(
        f"{rig.url}/{rig.index('one')}/_doc/odd?refresh=true",
        b'{"@timestamp":"%s","o":{%s}}' % (ago(2).encode(), odd),
        headers={"content-type": "application/json"},
        persistent=False,
    )
    answer = load_json(await response.content())
    if response.code >= 400:
        pytest.skip(f"this Elasticsearch refuses it: {answer['error']['type']}")
    await rig.write("one", [{"_id": "after", "@timestamp": ago(1)}])
    records, _ = await polled(store, position)
    assert [record.id for record in records] == ["before", "odd", "after"]
    assert await ids(store, 10) == ["before", "odd", "after"]
    for record in records:
        assert load_json(dump_json(record.document))["@timestamp"]


@pytest_twisted.ensureDeferred
async def test_an_index_closed_and_opened_again(rig: Rig) -> None:
    """It comes again as a whole: who has listed meanwhile has nothing of it."""
    await rig.create("one")
    await rig.create("two")
    store = rig.store()
    _, position = await polled(store, (await store.poll(None)).position)
    await rig.write("one", [{"_id": "x", "@timestamp": ago(1)}])
    records, position = await polled(store, position)
    assert named(records) == ["x"]
    await rig.ask("POST", f"{rig.index('one')}/_close")
    records, position = await polled(store, position)
    assert records == []
    assert await ids(store, 10, at=position) == []
    await rig.ask("POST", f"{rig.index('one')}/_open")
    await rig.ask(
        "GET", "_cluster/health?wait_for_status=yellow&wait_for_no_initializing_shards=true"
    )
    await rig.write("one", [{"_id": "y", "@timestamp": ago(1)}])
    records, position = await polled(store, position)
    assert named(records) == ["x", "y"]


@pytest_twisted.ensureDeferred
async def test_a_position_as_text(rig: Rig, elasticsearch_url: str) -> None:
    """Another process goes on from it, and repeats nothing."""
    await rig.create("three", number_of_shards=3)
    await rig.write("three", [{"_id": f"{n}", "@timestamp": ago(50 - n)} for n in range(9)])
    store = rig.store()
    text = store.position_text((await store.poll(None)).position)
    await rig.write("three", [{"_id": "late", "@timestamp": ago(900)}])
    other = ElasticsearchBackend(ElasticsearchSettings(urls=(elasticsearch_url,)), reactor)
    try:
        reader = other.open_store(Source(kind="containerlogs", index=rig.index("*")))
        at = (await reader.poll(None)).position
        page = await reader.list_page(EVERYTHING, limit=10, at=at, beyond=reader.position_of(text))
        assert named(page.records) == ["late"]
        with pytest.raises(CursorExpired):
            reader.position_of("{}")
    finally:
        await other.close()


@pytest_twisted.ensureDeferred
async def test_an_event_time_that_is_no_date(rig: Rig) -> None:
    """Nothing tells the time then: the last of the numbers are given again."""
    await rig.create("text", {"@timestamp": {"type": "keyword"}})
    await rig.write("text", [{"_id": "a", "@timestamp": ago(60)}])
    store = rig.store()
    now = (await store.poll(None)).position
    since = await store.position_before(int((time.time() - 30) * MICROSECONDS))
    page = await store.list_page(EVERYTHING, limit=10, at=now, beyond=since)
    assert named(page.records) == ["a"]


@pytest_twisted.ensureDeferred
async def test_more_than_one_answer_may_hold(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked for in smaller pieces, by lists and by tails."""
    await rig.create("one")
    store = rig.store()
    position = (await store.poll(None)).position
    big = [{"_id": f"{n:02}", "@timestamp": ago(50 - n), "x": "y" * 3000} for n in range(40)]
    await rig.write("one", big)
    monkeypatch.setattr(exchange, "MAX_ANSWER_BYTES", 20_000)
    records, position = await polled(store, position)
    assert named(records) == [f"{n:02}" for n in range(40)]
    assert await ids(store, 40, at=position) == [f"{n:02}" for n in range(40)]
