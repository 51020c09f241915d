"""The file: what is opened, what is refused, and what errors say."""

import sqlite3
from pathlib import Path

import pytest

from kjournal.errors import StoreError, StoreTimeout, StoreUnavailable
from kjournal.store.embedded.file import FORMAT, StoreFile


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
        (sqlite3.SQLITE_MISUSE, StoreUnavailable, "k.db cannot be used"),
    ],
)
def test_errors(code: int, kind: type[StoreError], text: str) -> None:
    """SQLite's codes, extended ones too, become StoreErrors."""
    error = sqlite3.OperationalError("/secret/place/k.db")
    error.sqlite_errorcode = code
    with pytest.raises(kind) as raised, StoreFile("/secret/place/k.db").errors():
        raise error
    assert str(raised.value) == text
