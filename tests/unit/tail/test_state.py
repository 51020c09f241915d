"""Kept state: what one process has seen, found by the next one."""

import os
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from kjournal.codec import MICROSECONDS
from kjournal.tail.state import NOTED_S, StateFiles

KEPT_S = 900.0
BEGIN_US = 1_700_000_000 * MICROSECONDS


def files(folder: Path, name: str = "logs-1") -> StateFiles:
    return StateFiles(str(folder), name, KEPT_S)


def second(number: float) -> int:
    return BEGIN_US + int(number * MICROSECONDS)


def test_the_latest_that_was_seen(tmp_path: Path) -> None:
    """Of all processes that shared the folder; nothing of another source or of the far past."""
    first, other = files(tmp_path), files(tmp_path)
    for number in range(0, 60, 10):
        first.note(second(number), lambda number=number: f"first {number}")  # type: ignore[misc]
        other.note(second(number + 5), lambda number=number: f"other {number}")  # type: ignore[misc]
    files(tmp_path, "logs-2").note(second(30), lambda: "another source")
    found = files(tmp_path)
    assert found.before(second(31)) == "first 30"
    assert found.before(second(39)) == "other 30"
    assert found.before(second(-1)) is None
    assert found.before(second(56 + KEPT_S)) is None


def test_not_too_often(tmp_path: Path) -> None:
    """A position is written now and then, and only if it has changed."""
    state, asked = files(tmp_path), []

    def position() -> str:
        asked.append(1)
        return "same"

    for tenth in range(100):
        state.note(second(tenth / 10), position)
    assert len(asked) == 10 / NOTED_S
    [path] = tmp_path.iterdir()
    assert len(path.read_bytes().splitlines()) == 1
    state.note(second(100), lambda: "")
    assert len(path.read_bytes().splitlines()) == 1


def test_a_process_that_was_killed(tmp_path: Path) -> None:
    """Its last line may be half a line."""
    state = files(tmp_path)
    state.note(second(0), lambda: "zero")
    [path] = tmp_path.iterdir()
    with path.open("ab") as file:
        file.write(b'[1700000005000000, "fi')
    assert files(tmp_path).before(second(9)) == "zero"


def test_old_files_leave(tmp_path: Path) -> None:
    """The folder is bounded: what no watch can resume from is removed."""
    state = files(tmp_path)
    for number in range(0, int(KEPT_S * 10), 60):
        state.note(second(number), lambda number=number: str(number))  # type: ignore[misc]
        for path in tmp_path.iterdir():
            if path.stat().st_mtime > second(number) / MICROSECONDS:
                os.utime(path, (second(number) / MICROSECONDS,) * 2)
    assert len(list(tmp_path.iterdir())) <= 4


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    """A failure to write stops nobody."""
    state = files(tmp_path / "gone")
    state.note(second(0), lambda: "zero")


@given(st.text())
def test_any_text(text: str) -> None:
    """Whatever a store writes comes back."""
    with tempfile.TemporaryDirectory() as folder:
        state = files(Path(folder))
        state.note(second(0), lambda: text)
        found = state.before(second(1))
        assert found == (text or None)
