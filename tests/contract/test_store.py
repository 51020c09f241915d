"""The sentences of store/interfaces.py, over every store."""

from collections import Counter
from typing import Any

import pytest
import pytest_twisted
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, gatherResults
from zope.interface.verify import verifyObject

from kjournal.codec import format_micros
from kjournal.errors import CursorExpired, StoreRejected
from kjournal.query.clause import clause_holds
from kjournal.query.model import (
    Batch,
    Clause,
    Operator,
    Page,
    PageStart,
    Position,
    Query,
    Record,
    SortValue,
)
from kjournal.store.interfaces import IBackend, IStore
from tests.contract.conftest import StoreUnderTest

EVERYTHING = Query()
BEGIN_US = 1_700_000_000_000_000
SECOND_US = 1_000_000


def at_second(second: float, **more: Any) -> dict[str, Any]:
    """Return a document with an event time."""
    return {"@timestamp": format_micros(BEGIN_US + int(second * SECOND_US)), **more}


def ids(records: list[Record]) -> list[str]:
    return [record.id for record in records]


async def next_page(store: IStore, page: Page, **more: Any) -> Page:
    after: tuple[SortValue, ...] = page.records[-1].sort
    start = PageStart(snapshot=page.snapshot, after=after)
    following: Page = await store.list_page(more.pop("query", EVERYTHING), after=start, **more)
    return following


async def all_pages(
    store: IStore, limit: int, query: Query = EVERYTHING, at: Position | None = None
) -> list[Record]:
    """Return the records of all pages of one list."""
    page = await store.list_page(query, limit=limit, at=at)
    records = list(page.records)
    while page.more:
        page = await next_page(store, page, query=query, limit=limit, at=at)
        records += page.records
    return records


async def all_batches(store: IStore, position: Position) -> tuple[list[Record], Position]:
    """Return what is after a position now, and the position after it."""
    records: list[Record] = []
    while True:
        batch: Batch = await store.poll(position)
        records += batch.records
        position = batch.position
        if not batch.more:
            return records, position


async def polled(store: IStore, position: Position, expected: int) -> list[Record]:
    """Poll until that many records have come; a store may publish a little later."""
    records: list[Record] = []
    for _ in range(100):
        more, position = await all_batches(store, position)
        records += more
        if len(records) >= expected:
            break
    return records


@pytest_twisted.ensureDeferred
async def test_interfaces(store_under_test: StoreUnderTest) -> None:
    """A backend and its stores are what they say."""
    verifyObject(IBackend, store_under_test.backend)
    verifyObject(IStore, store_under_test.store())


@pytest_twisted.ensureDeferred
async def test_check(store_under_test: StoreUnderTest) -> None:
    """Return if the backend answers and accepts our credentials, else raise a StoreError."""
    await store_under_test.backend.check()


@pytest_twisted.ensureDeferred
async def test_order(store_under_test: StoreUnderTest) -> None:
    """Oldest event time first, whatever the order of arrival and the index."""
    seconds = [5, 1, 4, 2, 3, 0.25, 0.000001]
    await store_under_test.write(
        [
            (store_under_test.index(f"i{n % 2}"), f"d{s}", at_second(s))
            for n, s in enumerate(seconds)
        ]
    )
    page = await store_under_test.store().list_page(EVERYTHING, limit=100)
    assert ids(page.records) == [f"d{second}" for second in sorted(seconds)]
    assert [r.time_us for r in page.records] == [BEGIN_US + int(s * 1e6) for s in sorted(seconds)]
    assert not page.more
    assert not page.warnings


@pytest_twisted.ensureDeferred
async def test_identity(store_under_test: StoreUnderTest) -> None:
    """`index` and `id` together are unique in the store, and the document is as it was stored."""
    document = at_second(1, a={"b.c": ["y", "x", None]}, log="ü\n")
    await store_under_test.write(
        [(store_under_test.index(name), "same", document) for name in ("a", "b")]
    )
    page = await store_under_test.store().list_page(EVERYTHING, limit=100)
    assert sorted((r.index, r.id) for r in page.records) == [
        (store_under_test.index("a"), "same"),
        (store_under_test.index("b"), "same"),
    ]
    assert [r.document for r in page.records] == [document, document]


@pytest_twisted.ensureDeferred
async def test_no_time(store_under_test: StoreUnderTest) -> None:
    """`time_us` is 0 where no timestamp field holds one: such records come first."""
    index = store_under_test.index("a")
    await store_under_test.write([(index, "1", at_second(1)), (index, "0", {"log": "x"})])
    page = await store_under_test.store().list_page(EVERYTHING, limit=100)
    assert [(r.id, r.time_us) for r in page.records] == [("0", 0), ("1", BEGIN_US + SECOND_US)]


@pytest_twisted.ensureDeferred
async def test_timestamp_fields(store_under_test: StoreUnderTest) -> None:
    """`timestamp_fields` are tried in order; the first that holds a time is the event time."""
    source = store_under_test.source(timestamp_fields=("first", "nested.second"))
    index = store_under_test.index("a")
    late, early = format_micros(BEGIN_US + 9 * SECOND_US), format_micros(BEGIN_US)
    await store_under_test.write(
        [
            (index, "both", {"first": late, "nested": {"second": early}}),
            (index, "second", {"nested": {"second": early}}),
        ]
    )
    page = await store_under_test.store(source).list_page(EVERYTHING, limit=100)
    times = {record.id: record.time_us for record in page.records}
    assert times == {"both": BEGIN_US + 9 * SECOND_US, "second": BEGIN_US}


@pytest_twisted.ensureDeferred
async def test_ties(store_under_test: StoreUnderTest) -> None:
    """The order is total: 10,000 records of one time come once each in pages of 7."""
    index = store_under_test.index("a")
    await store_under_test.write([(index, str(n), at_second(1)) for n in range(10_000)])
    records = await all_pages(store_under_test.store(), 7)
    assert Counter(ids(records)) == Counter(map(str, range(10_000)))


@pytest_twisted.ensureDeferred
async def test_limits(store_under_test: StoreUnderTest) -> None:
    """A page holds 0..min(limit, max_page) records; a batch too is bounded by max_page."""
    index = store_under_test.index("a")
    store = store_under_test.store(store_under_test.source(max_page=3))
    await store_under_test.write([(index, "0", at_second(0))])
    begin = (await store.poll(None)).position
    await store_under_test.write([(index, str(n), at_second(n)) for n in range(1, 10)])
    assert len((await store.list_page(EVERYTHING, limit=100)).records) == 3
    assert len((await store.list_page(EVERYTHING, limit=2)).records) == 2
    assert ids(await all_pages(store, 100)) == [str(n) for n in range(10)]
    assert sorted(ids(await polled(store, begin, 9))) == [str(n) for n in range(1, 10)]


@pytest_twisted.ensureDeferred
async def test_snapshot(store_under_test: StoreUnderTest) -> None:
    """All pages begun from one first page show one snapshot, whatever is written meanwhile."""
    index = store_under_test.index("a")
    await store_under_test.write([(index, str(n), at_second(n, v=1)) for n in range(20)])
    store = store_under_test.store()
    page = await store.list_page(EVERYTHING, limit=3)
    records = list(page.records)
    round_ = 0
    while page.more:
        round_ += 1
        await store_under_test.write(
            [
                (index, f"late{round_}", at_second(0.5 + 3 * round_, v=1)),
                (index, str(20 - round_), at_second(20 - round_, v=2)),
            ]
        )
        page = await next_page(store, page, limit=3)
        records += page.records
    assert ids(records) == [str(n) for n in range(20)]
    assert {record.document["v"] for record in records} == {1}


@pytest_twisted.ensureDeferred
async def test_at(store_under_test: StoreUnderTest) -> None:
    """With `at`, only what that position has seen is shown, and all of it."""
    index = store_under_test.index("a")
    await store_under_test.write([(index, f"a{n}", at_second(n)) for n in range(10)])
    store = store_under_test.store()
    position = (await store.poll(None)).position
    await store_under_test.write([(index, f"b{n}", at_second(n)) for n in range(10)])
    assert ids(await all_pages(store, 3, at=position)) == [f"a{n}" for n in range(10)]
    assert sorted(ids(await polled(store, position, 10))) == [f"b{n}" for n in range(10)]


@pytest_twisted.ensureDeferred
async def test_list_and_poll_among_writers(store_under_test: StoreUnderTest) -> None:
    """A list at a position, and the polls from it, have each record once among them."""
    store = store_under_test.store()
    index = store_under_test.index
    # While the shards of a new index start, Elasticsearch refuses whole answers.
    await store_under_test.write([(index(f"i{n}"), f"first{n}", at_second(0)) for n in range(2)])
    written = {"first0", "first1"}
    running = [4]

    async def write(writer: int) -> None:
        for round_ in range(15):
            batch = [f"{writer}-{round_}-{n}" for n in range(5)]
            await store_under_test.write(
                [(index(f"i{writer % 2}"), id, at_second(-round_)) for id in batch]
            )
            written.update(batch)
        running[0] -= 1

    async def read() -> None:
        while running[0]:
            position = (await store.poll(None)).position
            listed = await all_pages(store, 50, at=position)
            starts.append((position, listed))

    starts: list[tuple[Position, list[Record]]] = []
    await gatherResults(
        [Deferred.fromCoroutine(work) for work in (*map(write, range(4)), read())],
        consumeErrors=True,
    )
    assert starts
    for position, listed in starts[:: max(1, len(starts) // 10)]:
        later = await polled(store, position, len(written) - len(listed))
        assert Counter(ids(listed + later)) == Counter(written)


@pytest_twisted.ensureDeferred
async def test_chain_of_polls(store_under_test: StoreUnderTest) -> None:
    """Each record is in exactly one batch of a chain of polls, whatever its event time."""
    store = store_under_test.store(store_under_test.source(max_page=10))
    index = store_under_test.index("a")
    await store_under_test.write([(index, "before", at_second(5))])
    batch = await store.poll(None)
    assert batch.records == []
    position = batch.position
    seen: list[str] = []
    for round_ in range(6):
        await store_under_test.write(
            [(index, f"{round_}.{n}", at_second(-1000 * round_ + n)) for n in range(7)]
        )
        records, position = await all_batches(store, position)
        seen += ids(records)
    seen += ids(await polled(store, position, 42 - len(seen)))
    assert Counter(seen) == Counter(f"{r}.{n}" for r in range(6) for n in range(7))


@pytest_twisted.ensureDeferred
async def test_a_new_index_is_polled(store_under_test: StoreUnderTest) -> None:
    """What becomes visible after a position is published, also in an index made since."""
    store = store_under_test.store()
    await store_under_test.write([(store_under_test.index("a"), "1", at_second(1))])
    position = (await store.poll(None)).position
    await store_under_test.write([(store_under_test.index("b"), "2", at_second(0))])
    assert ids(await polled(store, position, 1)) == ["2"]


@pytest_twisted.ensureDeferred
async def test_update(store_under_test: StoreUnderTest) -> None:
    """`updated` says that the document replaces an earlier version of itself."""
    store = store_under_test.store()
    index = store_under_test.index("a")
    await store_under_test.write([(index, "x", at_second(1, v=1)), (index, "y", at_second(2))])
    position = (await store.poll(None)).position
    await store_under_test.write([(index, "x", at_second(1, v=2)), (index, "z", at_second(3))])
    records = await polled(store, position, 2)
    assert {r.id: r.updated for r in records} == {"x": True, "z": False}
    listed = await all_pages(store, 10)
    assert [(r.id, r.document.get("v")) for r in listed] == [("x", 2), ("y", None), ("z", None)]


@pytest_twisted.ensureDeferred
async def test_time_range(store_under_test: StoreUnderTest) -> None:
    """Event time in [since_us, until_us)."""
    index = store_under_test.index("a")
    await store_under_test.write([(index, str(n), at_second(n)) for n in range(10)])
    store = store_under_test.store()
    since, until = BEGIN_US + 3 * SECOND_US, BEGIN_US + 6 * SECOND_US
    for query, expected in (
        (Query(since_us=since), range(3, 10)),
        (Query(until_us=until), range(6)),
        (Query(since_us=since, until_us=until), range(3, 6)),
        (Query(since_us=since + 1, until_us=until + 1), range(4, 7)),
    ):
        assert ids(await all_pages(store, 2, query)) == [str(n) for n in expected]


@pytest_twisted.ensureDeferred
async def test_get_records(store_under_test: StoreUnderTest) -> None:
    """Return the records with that id, one for each index that has one: a keyed read."""
    index = store_under_test.index
    await store_under_test.write(
        [(index(name), id, at_second(1, n=name)) for name in ("a", "b") for id in ("x", "y")]
    )
    await store_under_test.write([(index("a"), "x", at_second(2, n="new"))])
    store = store_under_test.store()
    records = await store.get_records("x")
    assert {r.index: r.document["n"] for r in records} == {index("a"): "new", index("b"): "b"}
    assert {r.index: r.time_us for r in records}[index("a")] == BEGIN_US + 2 * SECOND_US
    assert await store.get_records("nobody") == []


@pytest_twisted.ensureDeferred
async def test_filter(store_under_test: StoreUnderTest) -> None:
    """`filter` are clauses that every record of the kind satisfies: they are exact."""
    index = store_under_test.index("a")
    clause = Clause(("stream.name",), Operator.IN, ("out",))
    store = store_under_test.store(store_under_test.source(filter=(clause,)))
    await store_under_test.write([(index, "begin", at_second(0, stream={"name": "out"}))])
    position = (await store.poll(None)).position
    documents = {
        "yes": at_second(1, stream={"name": "out"}),
        "other": at_second(1, stream={"name": "err"}),
        "longer": at_second(1, stream={"name": "out-of"}),
        "words": at_second(1, stream={"name": "out of order"}),
        "upper": at_second(1, stream={"name": "OUT"}),
        "absent": at_second(1),
    }
    await store_under_test.write([(index, id, doc) for id, doc in documents.items()])
    assert ids(await all_pages(store, 10)) == ["begin", "yes"]
    assert ids(await polled(store, position, 1)) == ["yes"]
    assert ids(await store.get_records("yes")) == ["yes"]
    assert await store.get_records("longer") == []


@pytest_twisted.ensureDeferred
async def test_index_patterns(store_under_test: StoreUnderTest) -> None:
    """`index` is an index name or pattern, or several joined by commas."""
    name = store_under_test.index
    for one in ("aa", "ab", "b"):
        await store_under_test.write([(name(one), one, at_second(1))])
    for pattern, expected in (
        (name("a*"), {"aa", "ab"}),
        (name("b"), {"b"}),
        (f"{name('aa')},{name('b')}", {"aa", "b"}),
        (f"{name('*')},-{name('a*')}", {"b"}),
        (f"{name('*')},-{name('ab')}", {"aa", "b"}),
    ):
        source = store_under_test.source()
        source = type(source)(kind=source.kind, index=pattern)
        assert set(ids(await all_pages(store_under_test.store(source), 10))) == expected


@pytest_twisted.ensureDeferred
async def test_no_index(store_under_test: StoreUnderTest) -> None:
    """Without anything to search, the page is empty with a warning that names the pattern."""
    store = store_under_test.store(store_under_test.source("nothing-*"))
    page = await store.list_page(EVERYTHING, limit=10)
    assert page.records == []
    assert not page.more
    assert any(store_under_test.index("nothing-*") in warning for warning in page.warnings)
    assert (await store.poll((await store.poll(None)).position)).records == []
    assert await store.get_records("x") == []


@pytest_twisted.ensureDeferred
async def test_named_index_missing(store_under_test: StoreUnderTest) -> None:
    """Raises: StoreRejected for a named index that is missing."""
    store = store_under_test.store(store_under_test.source("missing"))
    with pytest.raises(StoreRejected):
        await store.list_page(EVERYTHING, limit=10)


@pytest_twisted.ensureDeferred
async def test_release(store_under_test: StoreUnderTest) -> None:
    """A snapshot given up is gone, or still good; an unknown one is no error."""
    index = store_under_test.index("a")
    await store_under_test.write([(index, str(n), at_second(n)) for n in range(4)])
    store = store_under_test.store()
    page = await store.list_page(EVERYTHING, limit=2)
    await store.release(page.snapshot)
    await store.release(page.snapshot)
    try:
        rest = await next_page(store, page, limit=10)
    except CursorExpired:
        return
    assert ids(rest.records) == ["2", "3"]


NAMES = ("alpha", "Alpha", "alpha-beta", "alpha beta", "", "true", "7", "ünïcode", 'quo"te\\')
DOCUMENTS: list[dict[str, Any]] = [
    *({"name": name} for name in NAMES),
    *({"o": {"name": name}} for name in NAMES),
    *({"o.name": name} for name in NAMES[:4]),
    *({"count": count} for count in (0, 1, 7, -1, 70, 12345678901)),
    *({"share": share} for share in (0.5, 1.0, 2.25, -7.5)),
    {"flag": True},
    {"flag": False},
    {"name": None},
    {"o": {"deep": {"name": "alpha"}}},
    {"o": {"deep.name": "alpha"}, "name": "alpha"},
    {"names": ["alpha", "beta"]},
    {"names": ["7"]},
    {"names": []},
]
PATHS = ("name", "o.name", "o.deep.name", "count", "share", "flag", "names", "nowhere")


@st.composite
def clauses(draw: st.DrawFn) -> Clause:
    """Return a clause over the documents above."""
    paths = draw(st.lists(st.sampled_from(PATHS), min_size=1, max_size=2, unique=True))
    operator = draw(st.sampled_from(Operator))
    values = st.sampled_from((*NAMES, "0", "-1", "0.5", "1", "1.0", "false", "beta", "12345678901"))
    if operator in (Operator.EXISTS, Operator.MISSING):
        return Clause(tuple(paths), operator)
    if operator in (Operator.GREATER, Operator.LESS):
        number = draw(st.sampled_from(("0", "7", "-3", "0.75")))
        return Clause(tuple(paths), operator, (number,))
    found = draw(st.lists(values, min_size=1, max_size=3, unique=True))
    return Clause(tuple(paths), operator, tuple(found))


def drawn_queries() -> list[Query]:
    """Return queries that hypothesis drew; a test that awaits cannot be run by it."""
    queries: list[Query] = []

    @settings(max_examples=200, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(clauses(), min_size=1, max_size=2))
    def draw(drawn: list[Clause]) -> None:
        queries.append(Query(clauses=tuple(drawn)))

    draw()
    return queries


@pytest_twisted.ensureDeferred
async def test_clauses_lose_nothing(store_under_test: StoreUnderTest) -> None:
    """A page holds every record that satisfies the query, and may hold others."""
    index = store_under_test.index("a")
    documents = {f"d{n}": at_second(n, **doc) for n, doc in enumerate(DOCUMENTS)}
    await store_under_test.write([(index, id, doc) for id, doc in documents.items()])
    store = store_under_test.store()
    for query in drawn_queries():
        found = ids(await all_pages(store, 20, query))
        wanted = {
            id
            for id, document in documents.items()
            if all(clause_holds(document, clause) for clause in query.clauses)
        }
        assert wanted <= set(found), query
        assert found == sorted(set(found), key=lambda id: int(id[1:]))
