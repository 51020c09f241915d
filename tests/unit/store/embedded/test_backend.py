"""The backend with its threads: durability, restarts, the timer, closing."""

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.task import deferLater
from zope.interface.verify import verifyObject

from kjournal.codec import load_json
from kjournal.config.model import EmbeddedSettings
from kjournal.errors import CursorExpired, StoreRejected, StoreTimeout, StoreUnavailable
from kjournal.query.model import Clause, Operator, PageStart, Position, Query
from kjournal.store.embedded import backend as backend_module
from kjournal.store.embedded import threads as threads_module
from kjournal.store.embedded import writer as writer_module
from kjournal.store.embedded.backend import EmbeddedBackend
from kjournal.store.embedded.file import StoreFile
from kjournal.store.interfaces import IBackend, IDocumentSink, NewDocument, Source

SOURCE = Source(kind="logs", index="*", timestamp_fields=("t",))
FOREVER_S = 1e11


@attrs.frozen(kw_only=True)
class Looked(Source):
    """A source that says by which paths its records may be kept."""

    lookups: tuple[tuple[str, ...], ...] = ()


WRITER = """
import sys
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from kjournal.config.model import EmbeddedSettings
from kjournal.store.embedded.backend import EmbeddedBackend
from kjournal.store.interfaces import NewDocument

async def write_forever(writer):
    number = 0
    while True:
        documents = [NewDocument(index="logs", id=f"{writer}-{number + n}", document={"t": number})
                     for n in range(7)]
        for written in await backend.write(documents):
            sys.stdout.write(written.id + "\\n")
        sys.stdout.flush()
        number += 7

backend = EmbeddedBackend(EmbeddedSettings(path=sys.argv[1], max_age_s=1e11), reactor)
for writer in range(3):
    Deferred.fromCoroutine(write_forever(writer))
reactor.run()
"""

Open = Callable[..., EmbeddedBackend]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Open the test's file, and close it at the end."""
    backends: list[EmbeddedBackend] = []

    def open_backend(**more: Any) -> EmbeddedBackend:
        settings = {"path": str(tmp_path / "k.db"), "max_age_s": FOREVER_S, **more}
        backends.append(EmbeddedBackend(EmbeddedSettings(**settings), reactor))
        return backends[-1]

    yield open_backend
    for one in backends:
        pytest_twisted.blockon(Deferred.fromCoroutine(one.close()))


def new(id: str, time_s: float = 1, **more: Any) -> NewDocument:
    return NewDocument(index="logs", id=id, document={"t": time_s, **more})


async def listed(backend: EmbeddedBackend, *clauses: Clause, limit: int = 1000) -> list[str]:
    page = await backend.open_store(SOURCE).list_page(Query(clauses=clauses), limit=limit)
    return [record.id for record in page.records]


@pytest_twisted.ensureDeferred
async def test_interfaces(opened: Open) -> None:
    """It is a backend and a sink."""
    backend = opened()
    verifyObject(IBackend, backend)
    verifyObject(IDocumentSink, backend)
    assert await backend.write([]) == []


@pytest_twisted.ensureDeferred
async def test_kill_9(opened: Open, tmp_path: Path) -> None:
    """What `write` has answered is there after kill -9, each document once."""
    child = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path / "k.db")],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[4],
    )
    assert child.stdout is not None
    answered = [child.stdout.readline().strip() for _ in range(700)]
    child.send_signal(signal.SIGKILL)
    # The last line may be cut.
    answered += child.stdout.read().split("\n")[:-1]
    child.stdout.close()
    child.wait()
    backend = opened()
    store = backend.open_store(Source(kind="logs", index="*", max_page=100_000))
    page = await store.list_page(Query(), limit=100_000)
    found = [record.id for record in page.records]
    assert len(found) == len(set(found))
    assert set(answered) <= set(found)
    assert len(answered) >= 700


@pytest_twisted.ensureDeferred
async def test_restart(opened: Open) -> None:
    """A file survives restarts: records, versions, snapshots, and the order of rows."""
    first = opened()
    await first.write([new("a"), new("b"), new("c")])
    page = await first.open_store(SOURCE).list_page(Query(), limit=1)
    position = (await first.open_store(SOURCE).poll(None)).position
    await first.close()
    second = opened()
    store = second.open_store(SOURCE)
    written = await second.write([new("a"), new("d")])
    assert [(one.status, one.version, one.row) for one in written] == [(200, 2, 4), (201, 1, 5)]
    after = PageStart(snapshot=page.snapshot, after=page.records[-1].sort)
    rest = await store.list_page(Query(), limit=10, after=after)
    assert [record.id for record in rest.records] == ["b", "c"]
    batch = await store.poll(position)
    assert [(record.id, record.updated) for record in batch.records] == [("a", True), ("d", False)]


@pytest_twisted.ensureDeferred
async def test_snapshot_of_another_file(opened: Open) -> None:
    """A snapshot is good for the file that it was made on."""
    backend = opened()
    await backend.write([new("a")])
    for snapshot in ("beef.0.1", "beef.1", "1"):
        after = PageStart(snapshot=snapshot, after=(0, 0))
        with pytest.raises(CursorExpired):
            await backend.open_store(SOURCE).list_page(Query(), limit=1, after=after)


@pytest_twisted.ensureDeferred
async def test_position_of_another_store(opened: Open) -> None:
    """A position that this store did not make is refused."""
    with pytest.raises(StoreRejected):
        await opened().open_store(SOURCE).poll(Position("x"))


@pytest_twisted.ensureDeferred
async def test_concurrent_writes(opened: Open) -> None:
    """Many small writes at once are all stored, under rows of their own."""
    backend = opened()
    answers = await gatherResults(
        [Deferred.fromCoroutine(backend.write([new(f"{n}")])) for n in range(200)]
    )
    assert sorted(one.row for (one,) in answers) == list(range(1, 201))
    assert len(await listed(backend)) == 200


@pytest_twisted.ensureDeferred
async def test_lookups(opened: Open) -> None:
    """Clauses are looked up by value after their first use, with the same answers."""
    backend = opened()
    await backend.write(
        [new(f"{n:03}", n, ns=f"ns-{n % 5}", pod=[f"p{n % 7}", f"q{n % 3}"]) for n in range(200)]
    )
    queries = [
        [Clause(("ns",), Operator.IN, ("ns-1",))],
        [Clause(("ns",), Operator.IN, ("ns-1", "ns-3", "nobody"))],
        [Clause(("ns",), Operator.IN, ("ns-1",)), Clause(("pod",), Operator.IN, ("p2", "q1"))],
        [Clause(("pod",), Operator.IN, ("p1", "q1", "p1"))],
    ]
    store = backend.open_store(SOURCE)

    async def answers() -> list[list[str]]:
        pages = [await store.list_page(Query(clauses=tuple(q)), limit=500) for q in queries]
        return [[record.id for record in page.records] for page in pages]

    by_walking = await answers()
    assert [len(found) for found in by_walking] == [40, 80, 18, 86]
    await store.tend()
    assert await answers() == by_walking
    await backend.write([new("new", 500, ns="ns-1", pod=["p2"])])
    assert [found[-1] == "new" for found in await answers()] == [True, True, True, False]


def kept_by(path: Path) -> list[Any]:
    """Return the paths by which the file keeps records, in the order of their making."""
    with closing(sqlite3.connect(path / "k.db")) as connection:
        keys = connection.execute("SELECT key FROM lanes ORDER BY number").fetchall()
    return [paths for (key,) in keys if (paths := load_json(key)[-1])]


@pytest_twisted.ensureDeferred
async def test_no_lookup_that_a_client_names(opened: Open, tmp_path: Path) -> None:
    """Records are kept by the paths of fields that are mapped, and by no other that is asked for.

    One place is kept for the namespace, however many others were asked for before.
    """
    backend = opened()
    await backend.write([new("a", ns="n", pod="p")])
    store = backend.open_store(
        Looked(kind="logs", index="*", lookups=(("ns",), *((f"f{n}",) for n in range(9))))
    )
    for path in ("payload" + ".a" * 16_000, "pod", *(f"f{n}" for n in range(9)), "ns"):
        await store.list_page(Query(clauses=(Clause((path,), Operator.IN, ("x",)),)), limit=1)
    await store.tend()
    assert kept_by(tmp_path) == [["f0"], ["f1"], ["ns"]]
    page = await store.list_page(Query(clauses=(Clause(("ns",), Operator.IN, ("n",)),)), limit=10)
    assert [record.id for record in page.records] == ["a"]


@pytest_twisted.ensureDeferred
async def test_forged_spellings_hide_nothing(opened: Open) -> None:
    """A record is found by each value that its paths have, before and after it is kept by them."""
    backend = opened()
    await backend.write([new("a", **{"k": {"ns": "n"}, "k.ns": "m"}), new("b", k={"ns": "n"})])
    source = Looked(kind="logs", index="*", timestamp_fields=("t",), lookups=(("k.ns",),))
    store = backend.open_store(source)
    for _ in range(2):
        for value, found in (("n", ["a", "b"]), ("m", ["a"])):
            clause = Clause(("k.ns",), Operator.IN, (value,))
            page = await store.list_page(Query(clauses=(clause,)), limit=10)
            assert [record.id for record in page.records] == found
        await store.tend()


@pytest_twisted.ensureDeferred
async def test_many_values(opened: Open) -> None:
    """Thousands of values in one selector are no trouble."""
    backend = opened()
    await backend.write([new("a", pod="p4999"), new("b", pod="x"), new("c", pod="a\0b")])
    thousands = tuple(f"p{n}" for n in range(5000))
    assert await listed(backend, Clause(("pod",), Operator.IN, thousands)) == ["a"]
    assert await listed(backend, Clause(("pod",), Operator.IN, ("a\0b",))) == ["c"]


@pytest_twisted.ensureDeferred
async def test_retention(opened: Open) -> None:
    """Tending removes what is too old."""
    now_s = reactor.seconds()
    backend = opened(max_age_s=100)
    backend.open_store(SOURCE)
    await backend.write([new("old", now_s - 200), new("young", now_s - 50)])
    assert await listed(backend) == ["old", "young"]
    await backend.tend()
    assert await listed(backend) == ["young"]


@pytest_twisted.ensureDeferred
async def test_timer(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """A timer tends again and again."""
    monkeypatch.setattr(backend_module, "TEND_INTERVAL_S", 0.01)
    backend = opened(max_age_s=100)
    backend.open_store(SOURCE)
    for _ in range(2):
        await backend.write([new("old", 5), new("young", reactor.seconds())])
        while len(await listed(backend)) > 1:
            await deferLater(reactor, 0.01)


@pytest_twisted.ensureDeferred
async def test_trouble_while_tending(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store error while tending is survived; the next time all is well again."""
    monkeypatch.setattr(backend_module, "TEND_INTERVAL_S", 0.01)
    backend = opened(max_age_s=100)
    await backend.write([new("old", 5)])
    calls = []
    connect = StoreFile.connect

    def failing(self: StoreFile, *, reads_only: bool = False) -> Any:
        calls.append(1)
        if len(calls) < 3:
            raise StoreUnavailable("not now")
        return connect(self, reads_only=reads_only)

    monkeypatch.setattr(StoreFile, "connect", failing)
    while len(calls) < 3:
        await deferLater(reactor, 0.01)


@pytest_twisted.ensureDeferred
async def test_cancelled_list(opened: Open) -> None:
    """A list whose client left stops, and leaves the readers to others."""
    backend = opened()
    await backend.write([new(str(n)) for n in range(5000)])
    store = backend.open_store(SOURCE)
    lists = [Deferred.fromCoroutine(store.list_page(Query(), limit=1000)) for _ in range(20)]
    for one in lists:
        one.cancel()
        with pytest.raises(CancelledError):
            await one
    assert len((await store.list_page(Query(), limit=10)).records) == 10


@pytest_twisted.ensureDeferred
async def test_deadline(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reading that takes too long is a StoreTimeout, whether it ran or waited."""
    backend = opened()
    await backend.write([new(str(n)) for n in range(20_000)])
    nothing = Clause(("nowhere",), Operator.EXISTS)
    assert await listed(backend, nothing) == []
    for deadline_s in (0.002, -1):
        monkeypatch.setattr(threads_module, "READ_DEADLINE_S", deadline_s)
        with pytest.raises(StoreTimeout):
            await listed(backend, nothing)
    monkeypatch.undo()
    assert await listed(backend, nothing) == []


@pytest_twisted.ensureDeferred
async def test_close(opened: Open) -> None:
    """Closing waits for what is being written; then nothing works, and the file is free."""
    backend = opened()
    store = backend.open_store(SOURCE)
    writing = [Deferred.fromCoroutine(backend.write([new(str(n))])) for n in range(50)]
    await backend.close()
    await backend.close()
    assert len(await gatherResults(writing)) == 50
    for call in (backend.write([new("x")]), backend.check(), store.poll(None)):
        with pytest.raises(StoreUnavailable, match=r"^k.db is closed$"):
            await call
    assert len(await listed(opened())) == 50


@pytest_twisted.ensureDeferred
async def test_closed_while_catching_up(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closing does not wait for a file to be caught up with; the next run goes on there."""
    monkeypatch.setattr(writer_module, "CATCH_UP_ROWS", 1)
    monkeypatch.setattr(backend_module, "TEND_INTERVAL_S", 0)
    backend = opened()
    await backend.write([new(str(n)) for n in range(2000)])
    backend.open_store(SOURCE)
    await deferLater(reactor, 0.02)
    await backend.close()
    with closing(sqlite3.connect(tmp_path / "k.db")) as connection:
        assert connection.execute("SELECT upto FROM lanes").fetchone()[0] < 2000
    monkeypatch.undo()
    assert len(await listed(opened(), limit=3000)) == 1000


@pytest_twisted.ensureDeferred
async def test_closed_unused(opened: Open) -> None:
    """A backend that nobody used is closed too."""
    await opened().close()


@pytest_twisted.ensureDeferred
async def test_damaged_file(opened: Open, tmp_path: Path) -> None:
    """A damaged file is a StoreError with the file's own name, and no more."""
    backend = opened()
    await backend.write([new(str(n), log="x" * 500) for n in range(2000)])
    await backend.close()
    with open(tmp_path / "k.db", "r+b") as file:
        file.seek(4096 * 12)
        file.write(b"\xff" * 4096 * 100)
    damaged = opened()
    with pytest.raises(StoreUnavailable, match=r"^k.db is damaged$"):
        await listed(damaged)
