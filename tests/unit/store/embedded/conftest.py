"""A writer on a file, without threads."""

from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from twisted.internet.task import Clock

from kjournal.query.model import Document, Page, Query
from kjournal.store.embedded.file import StoreFile
from kjournal.store.embedded.ids import AutoIds
from kjournal.store.embedded.lanes import Lane
from kjournal.store.embedded.reader import read_page
from kjournal.store.embedded.scanning import ListRequest
from kjournal.store.embedded.writer import Writer
from kjournal.store.interfaces import NewDocument, Source, Written

NOW_S = 1_700_000_000.0


@attrs.define
class Desk:
    """A writer, its file and its clock."""

    file: StoreFile
    clock: Clock
    writer: Writer

    def write(self, *documents: tuple[str, str | None, Document]) -> list[Written]:
        """Commit (index, id, document) triples."""
        new = [NewDocument(index=index, id=id, document=doc) for index, id, doc in documents]
        (answer,) = self.writer.commit([new])
        assert isinstance(answer, list)
        return answer

    def catch_up(self, lane: Lane) -> None:
        """Make a lane live."""
        while not self.writer.catch_up(lane):
            pass

    def page(self, lane: Lane, at: int | None = None, limit: int = 1000) -> Page:
        """Read a page."""
        connection = self.file.connect(reads_only=True)
        try:
            request = ListRequest(lane=lane, query=Query(), limit=limit, at=at, after=None)
            return read_page(connection, request)
        finally:
            connection.close()

    def ids(self, lane: Lane, at: int | None = None) -> list[str]:
        """Return the ids of a page."""
        return [record.id for record in self.page(lane, at).records]

    def count(self, table: str) -> int:
        """Return how many rows a table has."""
        with self.writer.transaction() as connection:
            return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A writer on a new file, at a fixed time."""
    clock = Clock()
    clock.advance(NOW_S)
    file = StoreFile(str(tmp_path / "k.db"))
    file.hold()
    writer = Writer(file, AutoIds(clock.seconds, bytes), clock.seconds)
    yield Desk(file, clock, writer)
    writer.close()
    file.let_go()


@pytest.fixture
def lane() -> Lane:
    """All records, by `t`."""
    return Lane(Source(kind="logs", index="*", timestamp_fields=("t",)))
