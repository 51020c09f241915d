"""The file: what is opened, what is refused, and what errors say."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from twisted.internet.task import Clock

from kjournal.errors import StoreError, StoreTimeout, StoreUnavailable
from kjournal.store.embedded.file import FORMAT, StoreFile
from kjournal.store.embedded.ids import AutoIds
from kjournal.store.embedded.reader import row_before
from kjournal.store.embedded.writer import Writer
from kjournal.store.interfaces import NewDocument


def held(path: Path) -> StoreFile:
    file = StoreFile(str(path))
    file.hold()
    return file


def test_new_file(tmp_path: Path) -> None:
    """A file is made with the format, in WAL mode, and opened again."""
    held(tmp_path / "k.db").let_go()
    file = held(tmp_path / "k.db")
    connection = file.connect()
    assert connection.execute("PRAGMA user_version").fetchone() == (FORMAT,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    connection.close()
    file.let_go()


def test_newer_file(tmp_path: Path) -> None:
    """A file of a later kjournal is refused with both formats named."""
    file = held(tmp_path / "k.db")
    connection = file.connect()
    connection.execute(f"PRAGMA user_version={FORMAT + 1}")
    connection.close()
    file.let_go()
    with pytest.raises(StoreUnavailable, match=rf"^k.db has format {FORMAT + 1}.*{FORMAT}$"):
        held(tmp_path / "k.db")


def test_two_processes(tmp_path: Path) -> None:
    """A file has one holder."""
    first = held(tmp_path / "k.db")
    with pytest.raises(StoreUnavailable, match=r"^k.db is in use by another process$"):
        held(tmp_path / "k.db")
    first.let_go()
    held(tmp_path / "k.db").let_go()


def test_other_files(tmp_path: Path) -> None:
    """Another program's file is left alone; what is no SQLite file is said to be none."""
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE x (y)")
    other.close()
    (tmp_path / "text.db").write_text("hello " * 1000)
    with pytest.raises(StoreUnavailable, match=r"^other.db is a SQLite file of another program$"):
        held(tmp_path / "other.db")
    with pytest.raises(StoreUnavailable, match=r"^text.db is not a SQLite file$"):
        held(tmp_path / "text.db")


def test_nowhere(tmp_path: Path) -> None:
    """A folder that is missing: no more than the file's own name is said."""
    with pytest.raises(StoreUnavailable, match=r"^k.db cannot be opened$"):
        held(tmp_path / "missing" / "k.db")
    (tmp_path / "d.db").mkdir()
    with pytest.raises(StoreUnavailable, match=r"^d.db cannot be opened$"):
        held(tmp_path / "d.db")


@pytest.mark.parametrize(
    ("code", "kind", "text"),
    [
        (sqlite3.SQLITE_FULL, StoreUnavailable, "the disk that holds k.db is full"),
        (sqlite3.SQLITE_CORRUPT_VTAB, StoreUnavailable, "k.db is damaged"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, StoreUnavailable, "k.db is locked by another process"),
        (sqlite3.SQLITE_IOERR_FSYNC, StoreUnavailable, "the disk that holds k.db fails"),
        (sqlite3.SQLITE_INTERRUPT, StoreTimeout, "reading k.db took too long"),
        (sqlite3.SQLITE_MISUSE, StoreUnavailable, "k.db cannot be used (OperationalError)"),
    ],
)
def test_errors(code: int, kind: type[StoreError], text: str) -> None:
    """SQLite's codes, extended ones too, become StoreErrors."""
    error = sqlite3.OperationalError("/secret/place/k.db")
    error.sqlite_errorcode = code
    with pytest.raises(kind) as raised, StoreFile("/secret/place/k.db").errors():
        raise error
    assert str(raised.value) == text


def test_file_of_the_first_format(tmp_path: Path) -> None:
    """It is brought up to date once, keeps its records, and knows from then on when rows come."""
    file = held(tmp_path / "k.db")
    with closing(file.connect()) as connection:
        connection.execute("INSERT INTO indices VALUES (1, 'i', 1)")
        connection.execute("INSERT INTO records VALUES (5, 1, 'old', 1, 7, NULL, '{}')")
        connection.execute("DROP TABLE arrivals")
        connection.execute("PRAGMA user_version=1")
        mark = connection.execute("SELECT value FROM marks WHERE name='file'").fetchone()
    file.let_go()
    for _ in range(2):
        file = held(tmp_path / "k.db")
        with closing(file.connect()) as connection:
            assert connection.execute("PRAGMA user_version").fetchone() == (FORMAT,)
            assert connection.execute("SELECT id FROM records").fetchall() == [("old",)]
            found = connection.execute("SELECT value FROM marks WHERE name='file'").fetchone()
            assert found == mark
            # When the old rows came is not known, but that they came before now.
            assert row_before(connection, 10**18) == 5
            assert row_before(connection, 1) == 0
        file.let_go()
    file.hold()
    clock = Clock()
    clock.advance(1_700_000_000)
    writer = Writer(file, AutoIds(clock.seconds, bytes), clock.seconds)
    writer.commit([[NewDocument(index="i", id="new", document={})]])
    with closing(file.connect()) as connection:
        assert row_before(connection, int(clock.seconds() * 1e6)) == 5
        assert row_before(connection, int(clock.seconds() * 1e6) - 1) == 0
    writer.close()
    file.let_go()
