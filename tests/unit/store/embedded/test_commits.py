"""Group commit."""

from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred

from kjournal.errors import StoreError, StoreUnavailable
from kjournal.store.embedded.commits import MAX_DOCUMENTS, Answer, Commits, Group
from kjournal.store.interfaces import NewDocument, Written
from tests.results import failure, pending, started, success


class SlowDisk:
    """Commits when told to."""

    def __init__(self) -> None:
        self.commits: list[tuple[list[Group], Deferred[list[Answer]]]] = []

    async def commit(self, groups: list[Group]) -> list[Answer]:
        done: Deferred[list[Answer]] = Deferred()
        self.commits.append((groups, done))
        return await done

    def finish(self) -> None:
        """End the latest commit."""
        groups, done = self.commits[-1]
        done.callback([written(group) for group in groups])


def group(*ids: str) -> Group:
    return [NewDocument(index="logs", document={}, id=id) for id in ids]


def written(documents: Group) -> list[Written]:
    return [
        Written(index=new.index, id=str(new.id), status=201, version=1, row=1) for new in documents
    ]


@pytest.fixture
def disk() -> SlowDisk:
    return SlowDisk()


@pytest.fixture
def commits(disk: SlowDisk) -> Commits:
    return Commits(disk.commit)


def test_waiting_writes_share_a_commit(disk: SlowDisk, commits: Commits) -> None:
    """What arrives during one commit is in the next, together, in order."""
    first = started(commits.add(group("a")))
    second, third = started(commits.add(group("b", "c"))), started(commits.add(group("d")))
    assert [groups for groups, _ in disk.commits] == [[group("a")]]
    disk.finish()
    assert success(first) == written(group("a"))
    pending(second)
    assert disk.commits[1][0] == [group("b", "c"), group("d")]
    disk.finish()
    assert success(second) == written(group("b", "c"))
    assert success(third) == written(group("d"))
    assert len(disk.commits) == 2


def test_a_commit_is_bounded(disk: SlowDisk, commits: Commits) -> None:
    """A commit takes whole groups up to a bound, and at least one."""
    big = group(*map(str, range(MAX_DOCUMENTS)))
    waiting: list[Deferred[Any]] = [started(commits.add(one)) for one in (group("a"), big, big)]
    disk.finish()
    assert disk.commits[1][0] == [big]
    disk.finish()
    disk.finish()
    assert all(success(one) for one in waiting)


def test_failure(disk: SlowDisk, commits: Commits) -> None:
    """A failed commit fails each of its groups; the next is tried anew."""
    first, second = started(commits.add(group("a"))), started(commits.add(group("b")))
    disk.commits[0][1].errback(StoreUnavailable("full"))
    failure(first, StoreError)
    disk.commits[1][1].callback([StoreUnavailable("no"), *()])
    failure(second, StoreError)
    third = started(commits.add(group("c")))
    disk.finish()
    assert success(third) == written(group("c"))


def test_cancel(disk: SlowDisk, commits: Commits) -> None:
    """A caller that leaves does not stop what it began."""
    first, second = started(commits.add(group("a"))), started(commits.add(group("b")))
    first.cancel()
    failure(first, CancelledError)
    disk.finish()
    disk.finish()
    assert success(second) == written(group("b"))


def test_finished(disk: SlowDisk, commits: Commits) -> None:
    """Closing waits for all that was asked for."""
    success(commits.finished())
    started(commits.add(group("a")))
    started(commits.add(group("b")))
    end = started(commits.finished())
    disk.finish()
    pending(end)
    disk.finish()
    success(end)
