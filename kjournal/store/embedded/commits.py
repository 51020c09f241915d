"""Group commit: what arrives while one commit runs shares the next, and so the next fsync."""

from collections.abc import Awaitable, Callable, Sequence

from twisted.internet.defer import Deferred

from kjournal.errors import StoreError
from kjournal.store.interfaces import NewDocument, Written

Group = Sequence[NewDocument]
Answer = list[Written] | StoreError
MAX_DOCUMENTS = 20_000
"""A commit takes no further group beyond this, so that it ends within a second."""


class Commits:
    """Gathers groups of documents, and commits them one transaction at a time."""

    def __init__(self, commit: Callable[[list[Group]], Awaitable[list[Answer]]]) -> None:
        self._commit = commit
        self._waiting: list[tuple[Group, Deferred[list[Written]]]] = []
        self._run: Deferred[None] | None = None

    async def add(self, group: Group) -> list[Written]:
        """Return what became of each document, once all are safe. Cancelling does not unwrite.

        Raises: StoreError, and then none of them is stored.
        """
        written: Deferred[list[Written]] = Deferred()
        self._waiting.append((group, written))
        if self._run is None:
            self._run = Deferred.fromCoroutine(self._commit_waiting())
        return await written

    async def finished(self) -> None:
        """Return when nothing is waiting any more; only one may wait for that."""
        if self._run is not None:
            await self._run

    async def _commit_waiting(self) -> None:
        try:
            while self._waiting:
                groups = self._next_groups()
                try:
                    answers = await self._commit([group for group, _ in groups])
                except Exception as error:  # told to each caller, whose door logs what is a bug
                    _tell(groups, [error] * len(groups))
                else:
                    _tell(groups, answers)
        finally:
            self._run = None

    def _next_groups(self) -> list[tuple[Group, Deferred[list[Written]]]]:
        count = taken = 0
        for group, _ in self._waiting:
            if taken and count + len(group) > MAX_DOCUMENTS:
                break
            count, taken = count + len(group), taken + 1
        groups, self._waiting = self._waiting[:taken], self._waiting[taken:]
        return groups


def _tell(
    groups: Sequence[tuple[Group, Deferred[list[Written]]]], answers: Sequence[Answer | Exception]
) -> None:
    for (_, written), answer in zip(groups, answers, strict=True):
        if isinstance(answer, Exception):
            written.errback(answer)
        else:
            written.callback(answer)
