"""The SQLite file: its schema and version, how a connection is opened, and what its errors mean."""

# ruff: noqa: S608 - SQL is put together from constants of this file only.

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import IO

from kjournal.errors import StoreError, StoreTimeout, StoreUnavailable

FORMAT = 2
"""Version of the schema, in the file's `user_version`."""

_APPLICATION = 0x6B6A6E6C  # "kjnl", in the file's `application_id`
_BUSY_MS = 5000
_WAL_BYTES = 64 << 20

# A row number is a place in the order of publication and is never given twice. `gone` is the row
# that replaced this one: whoever lists at an earlier place still sees it.
# A lane is one source's records in the order of lists, or (with a value) those that share a value.
_SCHEMA = """
CREATE TABLE marks (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE indices (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
  records INTEGER NOT NULL);
CREATE TABLE records (row INTEGER PRIMARY KEY AUTOINCREMENT, index_number INTEGER NOT NULL,
  id TEXT NOT NULL, version INTEGER NOT NULL, age_us INTEGER NOT NULL, gone INTEGER,
  document BLOB NOT NULL);
CREATE UNIQUE INDEX records_id ON records (id, index_number) WHERE gone IS NULL;
CREATE INDEX records_gone ON records (gone) WHERE gone IS NOT NULL;
CREATE INDEX records_age ON records (age_us);
CREATE TABLE lanes (number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, upto INTEGER NOT NULL,
  used_us INTEGER NOT NULL);
CREATE TABLE places (lane INTEGER NOT NULL, value TEXT NOT NULL, time_us INTEGER NOT NULL,
  row INTEGER NOT NULL, PRIMARY KEY (lane, value, time_us, row)) WITHOUT ROWID;
CREATE INDEX places_row ON places (lane, row);
"""
# For each second in which something was committed, the last row before.
_ARRIVALS = """
CREATE TABLE arrivals (time_us INTEGER PRIMARY KEY, row INTEGER NOT NULL);
"""
# A file of before knows one thing: what is in it came before now.
_ARRIVED = """
INSERT INTO arrivals SELECT unixepoch() * 1000000, seq FROM sqlite_sequence WHERE name = 'records';
"""

_MEANING = {
    sqlite3.SQLITE_FULL: "the disk that holds {name} is full",
    sqlite3.SQLITE_BUSY: "{name} is locked by another process",
    sqlite3.SQLITE_LOCKED: "{name} is locked by another process",
    sqlite3.SQLITE_CORRUPT: "{name} is damaged",
    sqlite3.SQLITE_NOTADB: "{name} is not a SQLite file",
    sqlite3.SQLITE_READONLY: "{name} cannot be written",
    sqlite3.SQLITE_CANTOPEN: "{name} cannot be opened",
    sqlite3.SQLITE_IOERR: "the disk that holds {name} fails",
    sqlite3.SQLITE_PERM: "{name} cannot be opened",
}


class StoreFile:
    """One file, held by one process at a time."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock: IO[bytes] | None = None
        self.name = os.path.basename(path)
        """What may be said of the path to any client."""

    def hold(self) -> None:
        """Take the file for this process, and make or check its schema.

        Raises: StoreUnavailable if another process has it, if it is newer than this program, or if
        it cannot be opened.
        """
        try:
            lock = open(f"{self._path}-lock", "ab")  # noqa: SIM115 - held until let_go
        except OSError as error:
            raise StoreUnavailable(f"{self.name} cannot be opened") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            raise StoreUnavailable(f"{self.name} is in use by another process") from error
        try:
            with self.errors(), closing(self.connect()) as connection:
                self._prepare(connection)
        except BaseException:
            lock.close()
            raise
        self._lock = lock

    def let_go(self) -> None:
        """Let other processes have the file."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def connect(self, *, reads_only: bool = False) -> sqlite3.Connection:
        """Return a new connection, usable by one thread at a time. Run inside `errors`."""
        connection = sqlite3.connect(
            self._path, timeout=_BUSY_MS / 1000, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute(f"PRAGMA journal_size_limit={_WAL_BYTES}")
            if reads_only:
                connection.execute("PRAGMA query_only=1")
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Translate what SQLite raises into StoreErrors."""
        try:
            yield
        except sqlite3.Error as error:
            raise self._translated(error) from error

    def _translated(self, error: sqlite3.Error) -> StoreError:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_INTERRUPT:
            return StoreTimeout(f"reading {self.name} took too long")
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        meaning = _MEANING.get(code, f"{{name}} cannot be used ({name})")
        return StoreUnavailable(meaning.format(name=self.name))

    def _prepare(self, connection: sqlite3.Connection) -> None:
        found = connection.execute("PRAGMA user_version").fetchone()[0]
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        owner = connection.execute("PRAGMA application_id").fetchone()[0]
        if tables and owner != _APPLICATION:
            raise StoreUnavailable(f"{self.name} is a SQLite file of another program")
        if found > FORMAT:
            raise StoreUnavailable(
                f"{self.name} has format {found}; this kjournal knows up to {FORMAT}"
            )
        if tables and found == FORMAT:
            return
        if tables:
            connection.executescript(
                f"BEGIN IMMEDIATE; {_ARRIVALS} {_ARRIVED} PRAGMA user_version={FORMAT}; COMMIT;"
            )
            return
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(
            f"BEGIN IMMEDIATE; {_SCHEMA} {_ARRIVALS} PRAGMA application_id={_APPLICATION};"
            f"PRAGMA user_version={FORMAT};"
            "INSERT INTO marks VALUES ('file', lower(hex(randomblob(6)))), ('swept', 0); COMMIT;"
        )
