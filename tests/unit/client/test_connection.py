"""JSON to and from a kube-apiserver: what is sent, and what counts as an answer."""

from pathlib import Path
from typing import Any

import attrs
import pytest
from twisted.internet.defer import CancelledError
from twisted.internet.error import ConnectionRefusedError as Refused
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure
from twisted.web.client import ResponseFailed

from kjournal.client import connection as module
from kjournal.client.connection import KubeAPIError, connect
from tests.results import failure, pending, started, success
from tests.unit.client.kube import CONFIG, HELD, FakeKube, unreachable


def test_an_object_is_got_with_the_token() -> None:
    fake = FakeKube(lambda _: (200, {"kind": "ConfigMap"}))
    assert success(fake.connection().get_json("/api/v1/x?y=z")) == {"kind": "ConfigMap"}
    (asked,) = fake.asked
    assert (asked.method, asked.path, asked.body) == ("GET", "/api/v1/x?y=z", None)
    assert asked.headers["authorization"] == "Bearer s3cret"
    assert asked.headers["accept"] == "application/json"


def test_an_object_is_posted_as_json() -> None:
    fake = FakeKube(lambda _: (201, {"status": {}}))
    assert success(fake.connection().post_json("/apis/x", {"a": ["ü"]})) == {"status": {}}
    (asked,) = fake.asked
    assert (asked.method, asked.body) == ("POST", {"a": ["ü"]})
    assert asked.headers["content-type"] == "application/json"


def test_without_a_token_no_authorization_is_sent() -> None:
    fake = FakeKube(lambda _: (200, {}))
    success(fake.connection(attrs.evolve(CONFIG, fixed_token="")).get_json("/"))
    assert "authorization" not in fake.asked[0].headers


def test_a_token_file_that_is_gone_is_an_error(tmp_path: Path) -> None:
    fake = FakeKube(lambda _: (200, {}))
    config = attrs.evolve(CONFIG, token_file=tmp_path / "token")
    error = failure(fake.connection(config).get_json("/"), KubeAPIError).value
    assert "token" in str(error)
    assert fake.asked == []


@pytest.mark.parametrize(
    ("code", "passing"),
    [(400, False), (401, False), (403, False), (404, False), (429, True), (500, True), (503, True)],
)
def test_any_other_status_is_an_error(code: int, passing: bool) -> None:
    fake = FakeKube(lambda _: (code, {"message": "s3cret"}))
    error = failure(fake.connection().get_json("/"), KubeAPIError).value
    assert (error.code, error.passing) == (code, passing)
    assert "s3cret" not in str(error)


def test_a_redirect_is_not_followed() -> None:
    """The token must not go elsewhere."""
    fake = FakeKube(lambda _: (302, {}))
    failure(fake.connection().get_json("/"), KubeAPIError)
    assert len(fake.asked) == 1


@pytest.mark.parametrize("answer", [b"", b"<html>", b"[]", b"null", b'"text"'])
def test_what_is_no_object_is_an_error(answer: bytes) -> None:
    fake = FakeKube(lambda _: (200, answer))
    failure(fake.connection().get_json("/"), KubeAPIError)


def test_an_endless_answer_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BODY_BYTES", 100)
    fake = FakeKube(lambda _: (200, {"a": "x" * 100}))
    assert "above 100 bytes" in str(failure(fake.connection().get_json("/"), KubeAPIError).value)


def test_the_whole_exchange_has_a_deadline() -> None:
    fake = FakeKube(lambda _: HELD)
    asked = started(fake.connection().get_json("/"))
    fake.clock.advance(9.9)
    pending(asked)
    fake.clock.advance(0.1)
    error = failure(asked, KubeAPIError).value
    assert (error.code, error.passing) == (0, True)
    assert fake.clock.getDelayedCalls() == []


def test_a_cancelled_exchange_ends_as_cancelled() -> None:
    """Not as an error of the network, which a caller would try again."""
    fake = FakeKube(lambda _: HELD)
    asked = started(fake.connection().get_json("/"))
    asked.cancel()
    failure(asked, CancelledError)
    assert fake.clock.getDelayedCalls() == []


def test_connecting_has_the_deadline_too_and_can_be_cancelled() -> None:
    reactor = MemoryReactorClock()
    late, left = (started(connect(CONFIG, reactor).get_json("/")) for _ in range(2))
    left.cancel()
    failure(left, CancelledError)
    reactor.advance(10)
    failure(late, KubeAPIError)
    assert reactor.getDelayedCalls() == []


@pytest.mark.parametrize(
    "cause", [Refused("refused"), ResponseFailed([Failure(Refused("refused"))])]
)
def test_an_unreachable_server_is_an_error(cause: Any) -> None:
    connection, _ = unreachable(cause, Clock())
    error = failure(connection.get_json("/"), KubeAPIError).value
    assert error.passing
    assert "refused" in str(error)
