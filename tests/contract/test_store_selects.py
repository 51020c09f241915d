"""What a query asks for beside clauses: one id, and how many there are."""

import pytest
import pytest_twisted

from kjournal.query.model import COUNTED, Clause, Operator, Query
from tests.contract.conftest import StoreUnderTest
from tests.contract.test_store import all_pages, at_second, ids, next_page

NAMED = Clause(("ns",), Operator.IN, ("shop",))


@pytest_twisted.ensureDeferred
async def test_one_id(store_under_test: StoreUnderTest) -> None:
    """Of each index the record with the id, and nothing else, in pages too."""
    for name in ("a", "b", "c"):
        index = store_under_test.index(name)
        await store_under_test.write([(index, str(n), at_second(n)) for n in range(5)])
    store = store_under_test.store()
    found = await all_pages(store, 2, Query(id="3"))
    assert [(record.index, record.id) for record in found] == [
        (store_under_test.index(name), "3") for name in ("a", "b", "c")
    ]
    for nobody in ("nobody", "", "x" * 600, "é/ *"):
        assert await all_pages(store, 2, Query(id=nobody)) == []


@pytest_twisted.ensureDeferred
async def test_one_id_in_a_range(store_under_test: StoreUnderTest) -> None:
    """Clauses and times hold for it as for others."""
    index = store_under_test.index("a")
    await store_under_test.write([(index, str(n), at_second(n, ns="shop")) for n in range(5)])
    store = store_under_test.store()
    (third,) = await all_pages(store, 2, Query(id="3", clauses=(NAMED,)))
    assert await all_pages(store, 2, Query(id="3", until_us=third.time_us)) == []
    assert await all_pages(store, 2, Query(id="3", since_us=third.time_us + 1_000_000)) == []
    other = Clause(("ns",), Operator.IN, ("bank",))
    assert await all_pages(store, 2, Query(id="3", clauses=(other,))) == []


@pytest_twisted.ensureDeferred
async def test_one_id_at_a_position(store_under_test: StoreUnderTest) -> None:
    """A record that came after a position is not shown at it."""
    index = store_under_test.index("a")
    await store_under_test.write([(index, "1", at_second(1))])
    store = store_under_test.store()
    before = (await store.poll(None)).position
    await store_under_test.write([(index, "2", at_second(2))])
    assert await all_pages(store, 2, Query(id="2"), at=before) == []
    assert ids(await all_pages(store, 2, Query(id="1"), at=before)) == ["1"]
    after = (await store.poll(None)).position
    assert ids(await all_pages(store, 2, Query(id="2"), at=after)) == ["2"]


@pytest_twisted.ensureDeferred
async def test_one_id_that_was_replaced(store_under_test: StoreUnderTest) -> None:
    """A snapshot keeps what it began with; a new one has the new version, once."""
    index = store_under_test.index("a")
    first = [(index, "1", at_second(1, v=1)), (index, "2", at_second(2, v=1))]
    await store_under_test.write(first)
    store = store_under_test.store()
    page = await store.list_page(Query(id="1"), limit=1)
    await store_under_test.write([(index, "1", at_second(1, v=2))])
    assert [record.document["v"] for record in page.records] == [1]
    (record,) = await all_pages(store, 5, Query(id="1"))
    assert record.document["v"] == 2


@pytest_twisted.ensureDeferred
async def test_the_total(store_under_test: StoreUnderTest) -> None:
    """It counts all pages, and is told with the first; unasked for, nothing is."""
    index = store_under_test.index("a")
    await store_under_test.write([(index, str(n), at_second(n)) for n in range(30)])
    store = store_under_test.store()
    page = await store.list_page(Query(counted=True), limit=4)
    assert page.total == 30
    assert (await next_page(store, page, query=Query(), limit=4)).total is None
    assert (await store.list_page(Query(), limit=4)).total is None


@pytest_twisted.ensureDeferred
async def test_the_total_at_a_position(store_under_test: StoreUnderTest) -> None:
    """What came after the position is not counted."""
    index = store_under_test.index("a")
    await store_under_test.write([(index, str(n), at_second(n)) for n in range(10)])
    store = store_under_test.store()
    position = (await store.poll(None)).position
    await store_under_test.write([(index, str(n), at_second(n)) for n in range(10, 30)])
    assert (await store.list_page(Query(counted=True), limit=4, at=position)).total == 10


@pytest_twisted.ensureDeferred
async def test_the_total_of_a_namespace(store_under_test: StoreUnderTest) -> None:
    """It never counts what the clause does not hold for: it is exact, or not told."""
    index = store_under_test.index("a")
    documents = [(index, f"s{n}", at_second(n, ns="shop")) for n in range(9)]
    documents += [(index, f"o{n}", at_second(n, ns="shop-eu")) for n in range(20)]
    await store_under_test.write(documents)
    store = store_under_test.store()
    query = Query(clauses=(NAMED,), counted=True)
    assert (await store.list_page(query, limit=4)).total in (9, None)


@pytest.mark.parametrize("more", [0, 1])
@pytest_twisted.ensureDeferred
async def test_the_total_is_bounded(store_under_test: StoreUnderTest, more: int) -> None:
    """Beyond COUNTED nothing is told."""
    index = store_under_test.index("a")
    await store_under_test.write([(index, str(n), at_second(1)) for n in range(COUNTED + more)])
    page = await store_under_test.store().list_page(Query(counted=True), limit=4)
    assert page.total == (None if more else COUNTED)
