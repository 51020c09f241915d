"""The client over Twisted: deadlines, failover, credentials, and answers that are none."""

import base64
from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred

from kjournal.config.model import ElasticsearchSettings
from kjournal.errors import (
    StoreError,
    StoreOverloaded,
    StoreRejected,
    StoreTimeout,
    StoreUnauthorized,
    StoreUnavailable,
)
from kjournal.store.elasticsearch import exchange
from kjournal.store.elasticsearch.backend import ElasticsearchBackend
from tests.fakes.elasticsearch_node import PRODUCT, Network, raw
from tests.results import failure, pending, started, success

URL = "http://user:s3cret@es.example:9200"
INFO = {"version": {"number": "9.5.3"}}
TRIES_S = [2.0] * 10


@pytest.fixture
def network() -> Network:
    return Network()


def checking(network: Network, **settings: Any) -> Deferred[None]:
    settings = {"urls": (URL,), "max_retries": 0, **settings}
    backend = ElasticsearchBackend(
        ElasticsearchSettings(**settings), network.clock, agent=network.agent()
    )
    return started(backend.check())


def refusal(work: Deferred[Any], kind: type[StoreError]) -> str:
    """Return the message of an error, which must hold nothing that is nobody's business."""
    message = failure(work, kind).getErrorMessage()
    for secret in ("s3cret", "user", "es.example", "9200", "Traceback"):
        assert secret not in message
    return message


def test_a_whole_answer(network: Network) -> None:
    """A cluster that answers and is Elasticsearch is well."""
    work = checking(network)
    pending(work)
    network.latest.answer(INFO)
    assert success(work) is None
    assert "get / http/1.1" in network.latest.request or network.latest.request == ""


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "basic " + base64.b64encode(b"user:s3cret").decode()),
        ({"username": "u", "password": "p"}, "basic " + base64.b64encode(b"u:p").decode()),
        ({"api_key": "a2V5"}, "apikey a2v5"),
        ({"bearer_token": "tok"}, "bearer tok"),
    ],
)
def test_credentials(network: Network, settings: dict[str, str], expected: str) -> None:
    """A credential stands in the settings, or else in the URL."""
    checking(network, **settings)
    assert f"authorization: {expected}".lower() in network.latest.request
    assert "accept: application/vnd.elasticsearch+json; compatible-with=8" in network.latest.request
    assert "x-elastic-client-meta" not in network.latest.request
    assert "accept-encoding" not in network.latest.request


@pytest.mark.parametrize("after_bytes", [0, 20, 120])
def test_the_deadline_covers_the_whole_exchange(network: Network, after_bytes: int) -> None:
    """A node that says nothing, or stops in its headers or body, is given up in time."""
    work = checking(network, request_timeout_s=5.0)
    network.clock.advance(4)
    network.latest.receive(raw(INFO)[:after_bytes])
    pending(work)
    network.clock.advance(1)
    assert "deadline" in refusal(work, StoreTimeout)
    assert not network.latest.transport.connected


def test_a_connection_that_is_never_made(network: Network) -> None:
    """Connecting is within the deadline too."""
    network.dark.add(9200)
    work = checking(network, request_timeout_s=5.0)
    network.clock.advance(5)
    refusal(work, StoreTimeout)


@pytest.mark.parametrize("after_bytes", [0, 20, 140])
def test_an_answer_that_is_cut_off(network: Network, after_bytes: int) -> None:
    """Half an answer is none."""
    work = checking(network)
    network.latest.receive(raw(INFO)[:after_bytes])
    network.latest.lose()
    refusal(work, StoreUnavailable)


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        raw(b"{truncated"),
        raw(b"<html>", headers={"content-type": "text/html"}),
        raw(b"\x00", headers={"content-type": "application/x-unheard-of"}),
        raw(INFO, headers={"content-type": "application/json"}),
        raw(b"moved", 302, {"content-type": "text/html", "location": "http://elsewhere"}),
        raw(b"<html>", 502, {"content-type": "text/html"}),
        raw({"error": "x"}, 503),
        raw(b"", 404, {}),
    ],
)
def test_what_is_no_answer_of_elasticsearch(network: Network, data: bytes) -> None:
    """Garbage, a proxy's page and another product's answer all say that it is out of reach."""
    work = checking(network)
    network.latest.receive(data)
    if not work.called:
        network.latest.lose(cleanly=True)
    refusal(work, StoreUnavailable)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, StoreUnauthorized),
        (403, StoreUnauthorized),
        (429, StoreOverloaded),
        (500, StoreUnavailable),
        (400, StoreRejected),
    ],
)
def test_a_refusal(network: Network, status: int, kind: type[StoreError]) -> None:
    """Each status has its error."""
    work = checking(network)
    network.latest.answer({"error": {"type": "x", "reason": "user s3cret"}}, status)
    refusal(work, kind)


def test_known_credentials_without_the_right_to_look(network: Network) -> None:
    """A key that may only read is accepted."""
    work = checking(network)
    network.latest.answer({"error": {"type": "security_exception"}}, 403)
    assert success(work) is None


def test_the_next_node_is_asked(network: Network) -> None:
    """A node that refuses is passed over, and left alone for a while."""
    network.refusing.add(9201)
    urls = ("http://es.example:9201", "http://es.example:9202")
    for _ in range(3):
        work = checking(network, urls=urls, max_retries=1)
        network.clock.pump(TRIES_S[:1])
        network.latest.answer(INFO)
        success(work)
    assert network.latest.port == 9202


def test_a_mute_node_is_passed_over(network: Network) -> None:
    """With several nodes, one that keeps its deadline is not the end."""
    network.dark.add(9201)
    urls = ("http://es.example:9201", "http://es.example:9202")
    work = checking(network, urls=urls, max_retries=1, request_timeout_s=5.0)
    if not network.connections:
        network.clock.advance(5)
        network.clock.advance(0.2)
    network.latest.answer(INFO)
    success(work)


def test_retries_are_counted_and_wait(network: Network) -> None:
    """An overloaded node is asked again a little later, `max_retries` times."""
    work = checking(network, max_retries=2)
    for _ in range(2):
        network.latest.answer({}, 429)
        pending(work)
        network.clock.pump(TRIES_S[:1])
    network.latest.answer({}, 429)
    refusal(work, StoreOverloaded)
    assert len(network.asked) == 3


def test_garbage_is_not_asked_for_again(network: Network) -> None:
    """What answers wrongly once will do so again."""
    work = checking(network, max_retries=2)
    network.latest.answer(b"{truncated")
    refusal(work, StoreUnavailable)


@pytest.mark.parametrize("after_bytes", [0, 120])
def test_cancelling_drops_the_connection(network: Network, after_bytes: int) -> None:
    """Whoever gives up frees the connection, also while only half of an answer is there."""
    work = checking(network, max_retries=2)
    network.latest.receive(raw(INFO)[:after_bytes])
    work.cancel()
    failure(work, CancelledError)
    assert not network.latest.transport.connected
    network.clock.pump(TRIES_S)
    assert len(network.asked) == 1


def test_cancelling_while_connecting(network: Network) -> None:
    """Whoever gives up before there is a connection is not told of a failure of the node."""
    network.dark.add(9200)
    work = checking(network, max_retries=2)
    work.cancel()
    failure(work, CancelledError)
    network.clock.pump(TRIES_S)
    assert len(network.asked) <= 1


def test_an_answer_that_is_too_large(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a node sends is bounded, and the connection is dropped there."""
    monkeypatch.setattr(exchange, "MAX_ANSWER_BYTES", 10)
    work = checking(network)
    network.latest.receive(raw(INFO))
    assert "too large" in refusal(work, StoreUnavailable)
    assert not network.latest.transport.connected


def test_warnings_of_the_server_stay_out_of_python(network: Network) -> None:
    """A deprecation header is no Python warning."""
    work = checking(network)
    network.latest.answer(INFO, headers={**PRODUCT, "warning": '299 Elasticsearch "old"'})
    success(work)


@pytest.mark.parametrize("url", ["", "es.example", "ftp://es.example:9200"])
def test_a_url_that_is_none(network: Network, url: str) -> None:
    """A URL that cannot be one is refused at once."""
    with pytest.raises(StoreRejected, match="URL"):
        checking(network, urls=(url,))
