"""What is told, for /metrics, of those who ask and of what they may."""

import pytest
from twisted.internet.task import Clock
from twisted.web.http_headers import Headers

from kjournal.auth.access import Access
from kjournal.auth.authenticator import Authenticator
from kjournal.auth.interfaces import Credentials, IAuthenticator
from kjournal.auth.user import ANONYMOUS, MASTERS_GROUP, User
from kjournal.errors import Forbidden, InternalError, Unauthorized
from tests.results import failure, started, success
from tests.unit.auth.certificates import authority
from tests.unit.auth.test_access import ALICE, LIST, METRICS, decided
from tests.unit.client.kube import HELD, FakeKube


class Told(list[tuple[object, ...]]):
    """All that was told."""

    def __call__(self, *what: object) -> None:
        self.append(what)


def access(answer: object) -> tuple[FakeKube, Access, Told, Told]:
    fake, told, reviewed = FakeKube(lambda _: answer), Told(), Told()
    return fake, Access(fake.connection(), fake.clock, told, reviewed), told, reviewed


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (decided(True), "allowed"),
        (decided(False), "no-opinion"),
        (decided(False, denied=True), "denied"),
        (decided(True, denied=True), "denied"),
    ],
)
def test_decisions(answer: object, result: str) -> None:
    """A denial is told from the absence of a rule; what is remembered is decided, but not asked."""
    _, asking, told, reviewed = access(answer)
    for _ in range(2):
        outcome = started(asking.authorize(ALICE, LIST))
        outcome.addErrback(lambda refused: refused.trap(Forbidden) and None)
    assert told == [(result, 0.0)] * 2
    assert reviewed == [("201", 0.0)]


def test_what_needs_no_review() -> None:
    """Masters are allowed, and nobody is where there is no kube-apiserver."""
    told, reviewed = Told(), Told()
    alone = Access(None, Clock(), told, reviewed)
    success(alone.authorize(User("admin", groups=(MASTERS_GROUP,)), LIST))
    failure(alone.authorize(ALICE, METRICS), Forbidden)
    assert [result for result, _ in told] == ["allowed", "no-opinion"]
    assert reviewed == []


def test_each_try_is_told_with_its_code() -> None:
    """One that fails for a while is asked again, and in the end it is an error."""
    fake, asking, told, reviewed = access((503, {}))
    waiting = started(asking.authorize(ALICE, LIST))
    for _ in range(8):
        fake.clock.advance(1.0)
    failure(waiting, InternalError)
    assert [code for code, _ in reviewed] == ["503"] * 5
    assert [result for result, _ in told] == ["error"]
    assert 4 <= float(str(told[0][1])) <= 8


def test_no_answer_is_an_error() -> None:
    """It is told as such when it is given up, with the time that it took."""
    fake, asking, told, reviewed = access(HELD)
    waiting = started(asking.authorize(ALICE, LIST))
    fake.clock.advance(10)
    failure(waiting, InternalError)
    assert reviewed == [("<error>", 10.0)]
    assert told == [("error", 10.0)]


def test_one_who_leaves_was_not_decided_about() -> None:
    """Whoever leaves in the middle is an error too, and not lost count of."""
    _, asking, told, _ = access(HELD)
    waiting = started(asking.authorize(ALICE, LIST))
    waiting.addErrback(lambda _: None)
    waiting.cancel()
    assert told == [("error", 0.0)]


class Way:
    """A way to say who asks, which finds somebody, nobody, or an imposter."""

    def __init__(self, found: User | Unauthorized | None) -> None:
        self._found = found

    async def authenticate(self, credentials: Credentials) -> User | None:
        """Return who was found."""
        if isinstance(self._found, Unauthorized):
            raise self._found
        return self._found


CHAIN = (authority("any").certificate,)


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (User("alice"), ("success", 0.0, "alice")),
        (None, ("success", 0.0, ANONYMOUS.name)),
        (Unauthorized("no"), ("error", 0.0, "")),
    ],
)
def test_authentication(found: User | Unauthorized | None, told: tuple[object, ...]) -> None:
    """Who was found is told; bad credentials are an error, and none are somebody anonymous."""
    counted = Told()
    way: IAuthenticator = Way(found)  # type: ignore[assignment]  # told by its shape alone
    asked = started(
        Authenticator(lambda _: [way], Clock(), counted).authenticate(Credentials(CHAIN, Headers()))
    )
    asked.addErrback(lambda refused: refused.trap(Unauthorized) and None)
    assert counted == [told]
