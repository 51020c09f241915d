"""What is particular to Elasticsearch: mappings, shards, aliases, sequence numbers."""

from typing import Any

import pytest
import pytest_twisted

from kjournal.errors import CursorExpired, StoreRejected
from kjournal.query.model import (
    Clause,
    Operator,
    PageStart,
    Query,
)
from tests.contract.elasticsearch_rig import EVERYTHING, Rig, at_ms, ids, pages, polled

BEGIN_S = 1_700_000_000


def equal(path: str, *values: str) -> Query:
    return Query(clauses=(Clause((path,), Operator.IN, values),))


@pytest_twisted.ensureDeferred
async def test_text_and_keyword(rig: Rig) -> None:
    """One namespace is found whether an index has it as text, keyword, both, flattened or not."""
    mappings: dict[str, Any] = {
        "text": {"ns": {"type": "text"}},
        "both": {"ns": {"type": "text", "fields": {"keyword": {"type": "keyword"}}}},
        "keyword": {"ns": {"type": "keyword"}},
        "number": {"ns": {"type": "long", "ignore_malformed": True}},
        "unindexed": {"ns": {"type": "keyword", "index": False, "doc_values": False}},
        "short": {"ns": {"type": "keyword", "ignore_above": 2}},
    }
    for name, properties in mappings.items():
        await rig.create(name, properties)
    await rig.ask(
        "PUT",
        rig.index("blind"),
        {"mappings": {"dynamic": False, "properties": {"@timestamp": {"type": "date"}}}},
    )
    names = [*mappings, "blind", "dynamic"]
    for name in names:
        await rig.write(
            name,
            [
                {"_id": f"{name}-{ns}", "@timestamp": at_ms(n), "ns": ns}
                for n, ns in enumerate(("prod", "prod-eu", "eu"))
            ],
        )
    await rig.write("none", [{"_id": "none", "@timestamp": at_ms(0), "other": 1}])
    got = await pages(rig.store(), 100, equal("ns", "prod-eu"))
    found = {record.id for page in got for record in page.records}
    assert {f"{name}-prod-eu" for name in names} <= found
    assert "none" not in found
    narrowed = {"keyword", "both", "dynamic", "text"}
    assert not found & {f"{name}-eu" for name in narrowed}
    assert any("ns" in warning for warning in got[0].warnings)


@pytest_twisted.ensureDeferred
async def test_a_label_with_dots(rig: Rig) -> None:
    """Labels under a flattened field are searched by their whole path."""
    await rig.create("a", {"labels": {"type": "flattened"}})
    labels = ({"app": "x"}, {"app.kubernetes.io/name": "x"}, {"app": "y"})
    await rig.write(
        "a",
        [{"_id": str(n), "@timestamp": at_ms(n), "labels": each} for n, each in enumerate(labels)],
    )
    store = rig.store("a")
    assert await ids(store, 10, equal("labels.app", "x")) == ["0"]
    assert await ids(store, 10, equal("labels.app.kubernetes.io/name", "x")) == ["1"]


@pytest_twisted.ensureDeferred
async def test_a_keyword_path_of_an_old_config(rig: Rig) -> None:
    """A stored path may name the `.keyword` subfield, in queries as in the source's filter."""
    await rig.write(
        "a", [{"_id": ns, "@timestamp": at_ms(0), "ns": ns} for ns in ("prod", "prod-eu")]
    )
    assert await ids(rig.store("a"), 10, equal("ns.keyword", "prod")) == ["prod"]
    clause = Clause(("ns.keyword",), Operator.IN, ("prod",))
    assert await ids(rig.store("a", filter=(clause,)), 10) == ["prod"]


@pytest_twisted.ensureDeferred
async def test_several_shards(rig: Rig) -> None:
    """Each shard has numbers of its own: a list at a position and polls have each record once."""
    await rig.create("many", number_of_shards=3)
    await rig.create("a")
    await rig.create("z")
    store = rig.store()

    async def write(first: int) -> None:
        for name in ("many", "a", "z"):
            await rig.write(
                name,
                [{"_id": f"{name}-{n}", "@timestamp": at_ms(0)} for n in range(first, first + 50)],
            )

    await write(0)
    position = (await store.poll(None)).position
    await write(50)
    # Its shard holds nothing of the list, and comes before the others in the point in time.
    await rig.write("a-before", [{"_id": "late", "@timestamp": at_ms(0)}])
    listed = await ids(store, 7, at=position)
    records, position = await polled(store, position)
    records = [record for record in records if record.id != "late"]
    assert len(listed) == len(records) == 150
    assert {f"{name}-{n}" for name in ("many", "a", "z") for n in range(50)} == set(listed)
    assert not set(listed) & {record.id for record in records}
    assert len(await ids(store, 1000, at=position)) == 301
    assert await polled(store, position) == ([], (await store.poll(position)).position)


@pytest_twisted.ensureDeferred
async def test_date_and_date_nanos(rig: Rig) -> None:
    """An index with milliseconds and one with nanoseconds are merged in the order of time."""
    await rig.create("ms", {"@timestamp": {"type": "date"}})
    await rig.create("ns", {"@timestamp": {"type": "date_nanos"}})
    for offset, name in enumerate(("ms", "ns")):
        await rig.write(
            name,
            [{"_id": str(2 * n + offset), "@timestamp": at_ms(2 * n + offset)} for n in range(50)],
        )
    assert await ids(rig.store(), 7) == [str(n) for n in range(100)]
    since_us = BEGIN_S * 1_000_000 + 10_000
    query = Query(since_us=since_us, until_us=since_us + 20_000)
    assert await ids(rig.store(), 7, query) == [str(n) for n in range(10, 30)]
    forever = Query(until_us=10**17)
    assert len(await ids(rig.store(), 100, forever)) == 100


@pytest_twisted.ensureDeferred
async def test_a_named_index_that_is_missing(rig: Rig) -> None:
    """A name without an index is refused in words, by every method; beside others too."""
    await rig.create("there")
    for name in ("gone", f"there,{rig.index('gone')}"):
        store = rig.store(name)
        for work in (
            store.list_page(EVERYTHING, limit=1),
            store.get_records("x"),
            store.poll(None),
        ):
            with pytest.raises(StoreRejected, match=f'index "{rig.index("gone")}" is missing'):
                await work


@pytest_twisted.ensureDeferred
async def test_a_pattern_without_an_index(rig: Rig) -> None:
    """Nothing to search is no error: it is said which pattern; what comes later is polled."""
    store = rig.store("later-*")
    page = await store.list_page(EVERYTHING, limit=1)
    batch = await store.poll(None)
    for warnings in (page.warnings, batch.warnings):
        assert [rig.index("later-*") in warning for warning in warnings] == [True]
    assert await store.get_records("x") == []
    await rig.write("later-1", [{"_id": "x", "@timestamp": at_ms(0)}])
    records, _ = await polled(store, batch.position)
    assert [record.id for record in records] == ["x"]


@pytest_twisted.ensureDeferred
async def test_an_alias(rig: Rig) -> None:
    """An alias is its indices; one that it gets later is polled from its start."""
    await rig.create("one")
    await rig.ask("PUT", f"{rig.index('one')}/_alias/{rig.index('all')}")
    await rig.write("one", [{"_id": "1", "@timestamp": at_ms(1)}])
    store = rig.store("all")
    position = (await store.poll(None)).position
    assert await ids(store, 10, at=position) == ["1"]
    await rig.write("two", [{"_id": "2", "@timestamp": at_ms(2)}])
    assert await polled(store, position) == ([], position)
    await rig.ask("PUT", f"{rig.index('two')}/_alias/{rig.index('all')}")
    records, _ = await polled(store, position)
    assert [record.id for record in records] == ["2"]
    assert [record.index for record in await store.get_records("2")] == [rig.index("two")]


@pytest_twisted.ensureDeferred
async def test_a_data_stream(rig: Rig) -> None:
    """A data stream is followed over a rollover of its backing index."""
    stream, template = rig.index("stream"), rig.index("template")
    await rig.ask(
        "PUT",
        f"_index_template/{template}",
        {"index_patterns": [stream], "data_stream": {}, "priority": 1000},
    )
    # The rig's build has no _data_stream API: stream and template stay until the node goes.
    await rig.write("stream", [{"_id": "1", "@timestamp": at_ms(1)}], op="create")
    store = rig.store("stream")
    position = (await store.poll(None)).position
    assert await ids(store, 10, at=position) == ["1"]
    await rig.ask("POST", f"{stream}/_rollover")
    await rig.write("stream", [{"_id": "2", "@timestamp": at_ms(2)}], op="create")
    records, position = await polled(store, position)
    assert [record.id for record in records] == ["2"]
    assert await ids(store, 1, at=position) == ["1", "2"]


@pytest_twisted.ensureDeferred
async def test_an_update(rig: Rig) -> None:
    """A document that is replaced comes again, and says that it is an update; a delete does not."""
    await rig.write("a", [{"_id": str(n), "@timestamp": at_ms(n)} for n in range(3)])
    store = rig.store("a")
    position = (await store.poll(None)).position
    await rig.write("a", [{"_id": "2", "@timestamp": at_ms(9), "new": True}])
    records, position = await polled(store, position)
    assert [(record.id, record.updated) for record in records] == [("2", True)]
    await rig.ask("DELETE", f"{rig.index('a')}/_doc/2?refresh=true")
    records, position = await polled(store, position)
    assert records == []
    await rig.write("a", [{"_id": "3", "@timestamp": at_ms(3)}])
    records, position = await polled(store, position)
    assert [(record.id, record.updated) for record in records] == [("3", False)]
    assert await ids(store, 10, at=position) == ["0", "1", "3"]


@pytest_twisted.ensureDeferred
async def test_many_updates(rig: Rig) -> None:
    """Many holes in the numbers neither stop a tail nor repeat a record."""
    documents = [{"_id": str(n), "@timestamp": at_ms(0)} for n in range(600)]
    await rig.write("a", documents)
    await rig.write("a", documents[::2])
    store = rig.store("a", max_page=50)
    records, position = await polled(store, (await store.poll(None)).position)
    assert records == []
    await rig.write("a", [{"_id": f"n{n}", "@timestamp": at_ms(0)} for n in range(120)])
    records, position = await polled(store, position)
    assert sorted(record.id for record in records) == sorted(f"n{n}" for n in range(120))
    assert len(await ids(store, 50, at=position)) == 720


@pytest_twisted.ensureDeferred
async def test_an_index_made_again(rig: Rig) -> None:
    """An index deleted and made again under its name is another one, read from its start."""
    await rig.write("a", [{"_id": str(n), "@timestamp": at_ms(n)} for n in range(5)])
    store = rig.store("a*")
    position = (await store.poll(None)).position
    await rig.ask("DELETE", rig.index("a"))
    await rig.write("a", [{"_id": "again", "@timestamp": at_ms(0)}])
    assert await ids(store, 10, at=position) == []
    records, position = await polled(store, position)
    assert [record.id for record in records] == ["again"]
    assert await ids(store, 10, at=position) == ["again"]


@pytest_twisted.ensureDeferred
async def test_ten_thousand_ties(rig: Rig) -> None:
    """10,000 documents of one time are paged by 7 without loss or repetition."""
    await rig.create("a", number_of_shards=2)
    await rig.write("a", [{"_id": str(n), "@timestamp": at_ms(0)} for n in range(10_000)])
    store = rig.store("a")
    got = await ids(store, 7)
    assert len(got) == 10_000
    assert set(got) == {str(n) for n in range(10_000)}


@pytest_twisted.ensureDeferred
async def test_a_snapshot_that_is_gone(rig: Rig) -> None:
    """Pages of a closed, a malformed and another store's snapshot are CursorExpired."""
    await rig.write("a", [{"@timestamp": at_ms(n)} for n in range(3)])
    store = rig.store("a")
    page = await store.list_page(EVERYTHING, limit=1)
    await store.release(page.snapshot)
    await store.release(page.snapshot)
    snapshots = (page.snapshot, "nonsense", '["nonsense", {}, [null, null], false, false]')
    for snapshot in snapshots:
        await store.release(snapshot)
        after = PageStart(snapshot=snapshot, after=page.records[-1].sort)
        with pytest.raises(CursorExpired):
            await store.list_page(EVERYTHING, limit=1, after=after)


@pytest_twisted.ensureDeferred
async def test_an_index_deleted_under_a_list(rig: Rig) -> None:
    """A list whose index is deleted must begin anew; it does not end as if it were whole."""
    await rig.write("a", [{"@timestamp": at_ms(n)} for n in range(3)])
    await rig.write("b", [{"@timestamp": at_ms(n)} for n in range(3)])
    store = rig.store()
    page = await store.list_page(EVERYTHING, limit=1)
    await rig.ask("DELETE", rig.index("b"))
    after = PageStart(snapshot=page.snapshot, after=page.records[-1].sort)
    with pytest.raises(CursorExpired):
        await store.list_page(EVERYTHING, limit=1, after=after)


@pytest_twisted.ensureDeferred
async def test_no_time_is_paged(rig: Rig) -> None:
    """Records without an event time come first, and paging passes them once."""
    documents = [{"_id": f"n{n}", "log": "x"} for n in range(5)]
    documents += [{"_id": f"t{n}", "@timestamp": at_ms(n)} for n in range(5)]
    await rig.write("a", documents)
    got = await ids(rig.store("a"), 2)
    assert sorted(got[:5]) == [f"n{n}" for n in range(5)]
    assert got[5:] == [f"t{n}" for n in range(5)]
