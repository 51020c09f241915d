"""Read a Deferred or a coroutine synchronously, by trial's own assertions."""

from collections.abc import Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

_case = SynchronousTestCase()


def started(work: Coroutine[Any, Any, Any] | Deferred[Any]) -> Deferred[Any]:
    """Start a coroutine and return its Deferred."""
    return work if isinstance(work, Deferred) else Deferred.fromCoroutine(work)


def success(work: Coroutine[Any, Any, Any] | Deferred[Any]) -> Any:
    """Return what it has already come to."""
    return _case.successResultOf(started(work))


def failure(work: Coroutine[Any, Any, Any] | Deferred[Any], *kinds: type[BaseException]) -> Failure:
    """Return how it has already failed."""
    return _case.failureResultOf(started(work), *kinds)


def pending(work: Deferred[Any]) -> None:
    """Assert that it has come to nothing yet."""
    _case.assertNoResult(work)
