"""Reviews: questions to the kube-apiserver whose answers are remembered for a while.

Source: apiserver plugin/pkg/authorizer/webhook/webhook.go, pkg/util/webhook/webhook.go
"""

from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable, Mapping
from typing import Any, Generic, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeadlineError
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from kjournal.client.connection import KubeAPIError, KubeConnection

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")

Told = Callable[[str, float], object]
"""Is told how something came out, by a word or a code, and how many seconds it took."""

_CREATED = "201"
_NO_ANSWER = "<error>"
TRIES = 5
FIRST_WAIT_S = 0.5
WAIT_FACTOR = 1.5
DEADLINE_S = 10.0
MAX_ANSWERS = 8192
KEEP_S = 10.0


def tell_nobody(result: str, took_s: float) -> None:
    """Count nothing."""


async def post_review(
    connection: KubeConnection,
    path: str,
    body: Mapping[str, Any],
    clock: IReactorTime,
    told: Told = tell_nobody,
) -> Mapping[str, Any]:
    """Return the `status` of a review, asked for up to five times within ten seconds.

    `told` hears of each time: the HTTP code, or `<error>` without a usable answer.
    Raises: KubeAPIError.
    """

    async def post() -> Mapping[str, Any]:
        began_s, code = clock.seconds(), _NO_ANSWER
        try:
            answer = await connection.post_json(path, body)
            code = _CREATED
        except KubeAPIError as error:
            code = str(error.code or _NO_ANSWER)
            raise
        finally:
            told(code, clock.seconds() - began_s)
        return answer

    asked = Deferred.fromCoroutine(_retried(post, clock))
    asked.addTimeout(DEADLINE_S, clock)
    try:
        answer = await asked
    except DeadlineError as error:
        raise KubeAPIError(f"no review within {DEADLINE_S:g} s") from error
    status = answer.get("status")
    if not isinstance(status, dict):
        raise KubeAPIError("the kube-apiserver answered a review without a status")
    return status


async def _retried(
    post: Callable[[], Coroutine[Any, Any, Mapping[str, Any]]], clock: IReactorTime
) -> Mapping[str, Any]:
    wait_s = FIRST_WAIT_S
    for _ in range(TRIES - 1):
        try:
            return await post()
        except KubeAPIError as error:
            if not error.passing:
                raise
        await deferLater(clock, wait_s)
        wait_s *= WAIT_FACTOR
    return await post()


class Reviews(Generic[Key, Answer]):
    """The answers of the last seconds, 8192 at most; equal questions at once are asked once.

    A failure is told to everybody who waits for it, and never kept.
    """

    def __init__(
        self, clock: IReactorTime, keep_s: Callable[[Answer], float] = lambda _: KEEP_S
    ) -> None:
        """`keep_s` says for how many seconds an answer holds; 0 is not at all."""
        self._clock, self._keep_s = clock, keep_s
        self._kept: OrderedDict[Key, tuple[float, Answer]] = OrderedDict()
        self._waiting: dict[Key, list[Deferred[Answer]]] = {}

    async def answer(
        self, key: Key, ask: Callable[[], Coroutine[Any, Any, Answer]], *, keep: bool = True
    ) -> Answer:
        """Return the answer to `key`: a kept one, that of the call under way, or that of `ask`.

        Raises: what `ask` raises.
        """
        kept = self._kept.get(key)
        if kept is not None and self._clock.seconds() < kept[0]:
            self._kept.move_to_end(key)
            return kept[1]
        waiter: Deferred[Answer] = Deferred()
        waiters = self._waiting.get(key)
        if waiters is not None:
            waiters.append(waiter)
            return await waiter
        self._waiting[key] = [waiter]
        # The call belongs to all who wait: one who leaves must not cancel it for the others. The
        # deadline of a review ends it.
        call = Deferred.fromCoroutine(ask())
        call.addCallbacks(
            self._answered, self._failed, callbackArgs=(key, keep), errbackArgs=(key,)
        )
        return await waiter

    def _answered(self, answer: Answer, key: Key, keep: bool) -> None:
        keep_s = self._keep_s(answer) if keep else 0.0
        if keep_s > 0:
            self._kept[key] = (self._clock.seconds() + keep_s, answer)
            self._kept.move_to_end(key)
            while len(self._kept) > MAX_ANSWERS:
                self._kept.popitem(last=False)
        for waiter in self._waiting.pop(key):
            if not waiter.called:
                waiter.callback(answer)

    def _failed(self, failure: Failure, key: Key) -> None:
        for waiter in self._waiting.pop(key):
            if not waiter.called:
                waiter.errback(failure)
