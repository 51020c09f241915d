"""Each call of the bulk port, as bytes on a connection."""

import gzip
import zlib
from base64 import b64encode
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from kjournal.errors import StoreOverloaded, StoreRejected, StoreUnavailable
from kjournal.ingest import writing
from kjournal.ingest.intake import MAX_BODY_BYTES
from kjournal.ingest.writing import SLICE_ITEMS
from tests.conftest import LoggedFailures
from tests.unit.ingest.conftest import KEY, Port, answer_of, ndjson

INTO_LOGS = '{"index":{"_index":"logs"}}'
TWO = ndjson(INTO_LOGS, '{"n":1}', '{"create":{"_index":"logs","_id":"x"}}', '{"n":2}')


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("path", ["/_bulk", "/_bulk/", "//_bulk", "/_bulk?refresh=true&timeout=1m"])
def test_bulk(port: Port, method: str, path: str) -> None:
    """The answer names each document, in order, with its status."""
    answer = port.send(method, path, TWO, content_type="application/x-ndjson")
    assert answer.status == 200
    assert answer.headers["x-elastic-product"] == ["Elasticsearch"]
    assert answer.headers["content-type"] == ["application/json"]
    assert answer.json["errors"] is False
    assert answer.json["took"] == 0
    first, second = answer.json["items"]
    assert (first["index"]["_id"], first["index"]["status"]) == ("auto-1", 201)
    assert (second["create"]["_id"], second["create"]["status"]) == ("x", 201)
    assert [new.document for new in port.sink.documents] == [{"n": 1}, {"n": 2}]


@pytest.mark.parametrize("path", ["/dflt/_bulk", "/dflt/_bulk/", "/dflt/_doc/_bulk"])
def test_bulk_into(port: Port, path: str) -> None:
    """An index in the path is for actions that name none."""
    port.send("POST", path, ndjson('{"index":{}}', "{}", INTO_LOGS, "{}"))
    assert [new.index for new in port.sink.documents] == ["dflt", "logs"]


def test_some_items_refused(port: Port) -> None:
    """Refused items stand among stored ones, each in its place."""
    body = ndjson(
        INTO_LOGS,
        "{}",
        INTO_LOGS,
        "nope",
        '{"delete":{"_index":"logs","_id":"1"}}',
        INTO_LOGS,
        "{}",
    )
    answer = port.send("POST", "/_bulk", body)
    assert answer.status == 200
    assert answer.json["errors"] is True
    statuses = [item["status"] for one in answer.json["items"] for item in one.values()]
    assert statuses == [201, 400, 400, 201]


def test_conflict_item(port: Port) -> None:
    """`create` of what exists is a 409 of the item."""
    port.send("POST", "/_bulk", TWO)
    answer = port.send("POST", "/_bulk", TWO)
    assert answer.json["items"][1]["create"]["status"] == 409
    assert answer.json["errors"] is True


def test_malformed_writes_nothing(port: Port) -> None:
    """A malformed action line far down: 400, and nothing of the request is stored."""
    good = [INTO_LOGS, "{}"] * (3 * SLICE_ITEMS)
    answer = port.send("POST", "/_bulk", ndjson(*good, "oops", "{}"))
    assert (answer.status, answer.error) == (400, "illegal_argument_exception")
    assert answer.json["status"] == 400
    assert answer.json["error"]["root_cause"][0]["type"] == "illegal_argument_exception"
    assert port.sink.documents == []


def test_large_request(port: Port) -> None:
    """A large request is written in slices, and answered whole."""
    count = 2 * SLICE_ITEMS + 7
    body = b"".join(ndjson(INTO_LOGS, f'{{"n":{n}}}') for n in range(count))
    answer = port.send("POST", "/_bulk", body)
    assert len(answer.json["items"]) == count
    assert [new.document["n"] for new in port.sink.documents] == list(range(count))
    assert port.sink.writes == 3


def test_filter_path(port: Port) -> None:
    """Shippers ask for errors and statuses alone."""
    body = ndjson(INTO_LOGS, "{}", INTO_LOGS, "nope")
    path = "/_bulk?filter_path=errors,items.*.error.type,items.*.status"
    assert port.send("POST", path, body).json == {
        "errors": True,
        "items": [
            {"index": {"status": 201}},
            {"index": {"status": 400, "error": {"type": "document_parsing_exception"}}},
        ],
    }
    good = port.send("POST", "/_bulk?filter_path=errors,items.*.error", ndjson(INTO_LOGS, "{}"))
    assert good.json == {"errors": False}


def test_pretty(port: Port) -> None:
    """`?pretty` is for people."""
    assert b'\n  "name"' in port.send("GET", "/?pretty").body
    assert b'\n  "name"' not in port.send("GET", "/?pretty=false").body


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(TWO)),
        ("x-gzip", gzip.compress(TWO)),
        ("gzip", gzip.compress(TWO[:20]) + gzip.compress(TWO[20:])),
        ("deflate", zlib.compress(TWO)),
        ("identity", TWO),
    ],
)
def test_compressed(port: Port, encoding: str, packed: bytes) -> None:
    """Bodies may be compressed."""
    answer = port.send("POST", "/_bulk", packed, content_encoding=encoding)
    assert answer.json["errors"] is False
    assert len(port.sink.documents) == 2


@pytest.mark.parametrize(
    ("encoding", "packed", "status"),
    [
        ("gzip", b"not gzip", 400),
        ("gzip", gzip.compress(TWO)[:-9], 400),
        ("br", TWO, 415),
        ("gzip", gzip.compress(bytes(101 << 20), 1), 413),
    ],
)
def test_badly_compressed(port: Port, encoding: str, packed: bytes, status: int) -> None:
    """What cannot be unpacked is told; a bomb is stopped at the limit."""
    answer = port.send("POST", "/_bulk", packed, content_encoding=encoding)
    assert answer.status == status
    assert status != 413 or f"{MAX_BODY_BYTES} bytes" in answer.json["error"]["reason"]
    assert port.intake.waiting_bytes == 0


def test_chunked(port: Port) -> None:
    """A body may come in chunks, of a client that waits for 100 Continue."""
    head = (
        b"POST /_bulk HTTP/1.1\r\nhost: k\r\ntransfer-encoding: chunked\r\n"
        b"expect: 100-continue\r\n\r\n"
    )
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (TWO[:9], TWO[9:]))
    received = port.raw(head + chunks + b"0\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert b'"errors":false' in received
    assert len(port.sink.documents) == 2


def test_curl_without_a_type(port: Port) -> None:
    """Curl's default type is not taken for a form."""
    answer = port.send("POST", "/_bulk", TWO, content_type="application/x-www-form-urlencoded")
    assert answer.json["errors"] is False


@pytest.mark.parametrize(
    ("method", "path", "id", "create"),
    [
        ("POST", "/logs/_doc", None, True),
        ("POST", "/logs/_doc/", None, True),
        ("PUT", "/logs/_doc/7", "7", False),
        ("POST", "/logs/_doc/7", "7", False),
        ("PUT", "/logs/_doc/a%2Fb%20c", "a/b c", False),
        ("PUT", "/logs/_doc/7?op_type=create", "7", True),
        ("PUT", "/logs/_create/7", "7", True),
        ("POST", "/logs/_create/7", "7", True),
    ],
)
def test_one_document(port: Port, method: str, path: str, id: str | None, create: bool) -> None:
    """A document sent alone is 201 with its identity."""
    answer = port.send(method, path, b'{"n":1}')
    assert answer.status == 201
    assert answer.json["_index"] == "logs"
    assert answer.json["_id"] == id or id is None
    assert answer.json["result"] == "created"
    (new,) = port.sink.documents
    assert (new.index, new.id, new.create, new.document) == ("logs", id, create, {"n": 1})


def test_one_document_again(port: Port) -> None:
    """A second time it is 200 updated, or 409 where it must not exist."""
    port.send("PUT", "/logs/_doc/7", b"{}")
    again = port.send("PUT", "/logs/_doc/7", b"{}")
    assert (again.status, again.json["result"], again.json["_version"]) == (200, "updated", 2)
    conflict = port.send("PUT", "/logs/_create/7", b"{}")
    assert (conflict.status, conflict.error) == (409, "version_conflict_engine_exception")


@pytest.mark.parametrize(
    ("path", "body", "type"),
    [
        ("/LOGS/_doc", b"{}", "invalid_index_name_exception"),
        ("/logs/_doc/" + "x" * 600, b"{}", "illegal_argument_exception"),
        ("/logs/_doc", b"[]", "document_parsing_exception"),
        ("/logs/_doc", b"", "document_parsing_exception"),
    ],
)
def test_one_bad_document(port: Port, path: str, body: bytes, type: str) -> None:
    answer = port.send("POST", path, body)
    assert (answer.status, answer.error) == (400, type)


def test_answer_after_the_write(port: Port) -> None:
    """Nothing is answered before the sink has written."""
    port.sink.slow = Deferred()
    protocol, transport = port.connect()
    protocol.dataReceived(
        b"POST /_bulk HTTP/1.1\r\nhost: k\r\ncontent-length: %d\r\n\r\n" % len(TWO)
    )
    protocol.dataReceived(TWO)
    port.clock.pump([0] * 10)
    assert transport.value() == b""
    assert port.intake.waiting_bytes == len(TWO)
    port.sink.slow.callback(None)
    port.clock.pump([0] * 10)
    assert answer_of(transport.value()).json["errors"] is False
    assert port.intake.waiting_bytes == 0


@pytest.mark.parametrize(
    ("error", "status", "type"),
    [
        (StoreUnavailable("the disk that holds k.db is full"), 503, "unavailable_shards_exception"),
        (StoreOverloaded("later"), 429, "es_rejected_execution_exception"),
        (StoreRejected("no"), 400, "document_parsing_exception"),
    ],
)
def test_store_errors(port: Port, error: Exception, status: int, type: str) -> None:
    """A store that takes nothing fails the request; shippers try again."""
    port.sink.error = error
    for path, body in (("/_bulk", TWO), ("/logs/_doc", b"{}")):
        answer = port.send("POST", path, body)
        assert (answer.status, answer.error) == (status, type)
        assert answer.json["error"]["reason"] == str(error)


def test_store_fails_halfway(port: Port) -> None:
    """If the store fails after a slice, each item says whether it is stored."""
    port.sink.error, port.sink.works_until_write = StoreUnavailable("full"), 1
    count = SLICE_ITEMS + 2
    answer = port.send("POST", "/_bulk", ndjson(*[INTO_LOGS, "{}"] * count))
    assert answer.status == 200
    statuses = [item["index"]["status"] for item in answer.json["items"]]
    assert statuses == [201] * SLICE_ITEMS + [503] * 2
    assert answer.json["errors"] is True


def test_bug(port: Port, logged_failures: LoggedFailures) -> None:
    """A fault of ours is a 500 that tells nothing, and is logged."""
    port.sink.error = RuntimeError("secret")
    answer = port.send("POST", "/_bulk", TWO)
    assert answer.status == 500
    assert b"secret" not in answer.body
    assert len(logged_failures.events) == 1
    logged_failures.clear()


def test_client_leaves(port: Port) -> None:
    """A client that leaves amid its body, or amid the write, frees its bytes."""
    head = b"POST /_bulk HTTP/1.1\r\nhost: k\r\ncontent-length: %d\r\n\r\n" % len(TWO)
    protocol, _ = port.connect()
    protocol.dataReceived(head + TWO[:-5])
    assert port.intake.waiting_bytes > 0
    protocol.connectionLost(Failure(ConnectionDone()))
    assert port.intake.waiting_bytes == 0
    port.sink.slow = Deferred()
    protocol, _ = port.connect()
    protocol.dataReceived(head + TWO)
    port.clock.pump([0] * 10)
    protocol.connectionLost(Failure(ConnectionDone()))
    assert port.intake.waiting_bytes == 0


def test_too_large(port: Port) -> None:
    """A body beyond the limit is 413, whether its length is told or not, and is not kept."""
    port.intake.max_body_bytes = 1000
    told = port.send("POST", "/_bulk", b"x" * 1001)
    assert (told.status, told.error) == (413, "content_too_long_exception")
    assert "1000 bytes" in told.json["error"]["reason"]
    head = b"POST /_bulk HTTP/1.1\r\nhost: k\r\ntransfer-encoding: chunked\r\n\r\n"
    chunk = b"1f4\r\n" + b"x" * 500 + b"\r\n"
    assert answer_of(port.raw(head + 3 * chunk + b"0\r\n\r\n")).status == 413
    assert port.intake.waiting_bytes == 0


def test_back_pressure(port: Port) -> None:
    """While too much waits, 429; when it is written, all is well again."""
    port.intake._max_waiting_bytes = 2 * len(TWO)
    port.sink.slow = Deferred()
    head = b"POST /_bulk HTTP/1.1\r\nhost: k\r\ncontent-length: %d\r\n\r\n" % len(TWO)
    waiting = [port.connect() for _ in range(2)]
    for protocol, _ in waiting:
        protocol.dataReceived(head + TWO)
    refused = port.send("POST", "/_bulk", TWO)
    assert (refused.status, refused.error) == (429, "es_rejected_execution_exception")
    port.sink.slow.callback(None)
    port.sink.slow = None
    port.clock.pump([0] * 10)
    assert all(answer_of(transport.value()).status == 200 for _, transport in waiting)
    assert port.send("POST", "/_bulk", TWO).status == 200
    assert port.intake.waiting_bytes == 0


@pytest.mark.parametrize("path", ["/", "/_bulk", "/_license", "/nowhere"])
def test_key(locked_port: Port, path: str) -> None:
    """Without the key every call is 401, with the challenges that clients know."""
    answer = locked_port.send("POST", path, TWO)
    assert (answer.status, answer.error) == (401, "security_exception")
    assert [value.split()[0] for value in answer.headers["www-authenticate"]] == ["Basic", "ApiKey"]
    assert answer.headers["x-elastic-product"] == ["Elasticsearch"]
    assert locked_port.sink.documents == []
    assert locked_port.intake.waiting_bytes == 0


def test_right_key(locked_port: Port) -> None:
    """With the key, in any of the forms, documents are stored."""
    basic = b64encode(f"elastic:{KEY}".encode()).decode()
    for header in (f"ApiKey {KEY}", f"Basic {basic}"):
        assert locked_port.send("POST", "/_bulk", TWO, authorization=header).status == 200
    assert locked_port.send("POST", "/_bulk", TWO, authorization="ApiKey x").status == 401


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"authorization: \xff", 401),
        (b"authorization: ApiKey \xff\xfe", 401),
        (b"authorization: Basic \xff", 401),
        (b"authorization: ApiKey secret-key\r\ncontent-encoding: \xff", 415),
        (b"authorization: ApiKey secret-key\r\nuser-agent: \xff", 200),
        (b"authorization: ApiKey secret-key\r\nhost: \xff", 200),
        (b"authorization: ApiKey secret-key\r\nhost: a..b", 200),
    ],
)
def test_headers_of_any_bytes(locked_port: Port, line: bytes, status: int) -> None:
    """Header values that are no UTF-8 are refused or passed over, in Elasticsearch's shape."""
    host = b"" if b"host:" in line else b"host: k\r\n"
    head = b"POST /_bulk HTTP/1.1\r\n%s%s\r\ncontent-length: %d\r\n\r\n" % (host, line, len(TWO))
    answer = answer_of(locked_port.raw(head + TWO))
    assert answer.status == status
    assert ("errors" in answer.json) is (status == 200)
    assert len(locked_port.sink.documents) == (2 if status == 200 else 0)


@pytest.mark.parametrize("path", ["/%ff/_bulk", "/logs/_doc/%ff", "/%ed%a0%80/_bulk"])
def test_path_of_any_bytes(port: Port, path: str) -> None:
    """A path that is no UTF-8 is refused in Elasticsearch's shape."""
    answer = port.send("POST", path, TWO)
    assert (answer.status, answer.error) == (400, "illegal_argument_exception")


def test_too_many_items(port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request of too many items is refused as a whole, with the limit; nothing is stored."""
    monkeypatch.setattr(writing, "MAX_ITEMS", 3000)
    one = ndjson(INTO_LOGS, "{}")
    for items in (one, ndjson('{"delete":{"_index":"logs","_id":"1"}}')):
        answer = port.send("POST", "/_bulk", items * 3001)
        assert (answer.status, answer.error) == (413, "content_too_long_exception")
        assert "3000 items" in answer.json["error"]["reason"]
        assert port.sink.documents == []
    assert port.send("POST", "/_bulk", one * 3000).status == 200
    assert len(port.sink.documents) == 3000


def test_answers_are_bounded(port: Port) -> None:
    """What is refused for its length is not sent back at that length, let alone several times."""
    name = "X" * 100_000
    body = ndjson(*(f'{{"index":{{"_index":"{name}","_id":"{name}"}}}}', "{}") * 10)
    answer = port.send("POST", "/_bulk", body)
    assert answer.json["errors"] is True
    assert len(answer.body) < 20_000
    name = "X" * 10_000
    for path in (f"/{name}/_doc/1", f"/logs/_doc/{name}"):
        answer = port.send("PUT", path, b"{}")
        assert (answer.status, len(answer.body) < 2000) == (400, True)


def test_identity(port: Port) -> None:
    """GET / is what clients check: version, product header, tagline."""
    answer = port.send("GET", "/")
    assert answer.json["version"]["number"].startswith("8.19.")
    assert answer.json["version"]["build_flavor"] == "default"
    assert answer.json["tagline"] == "You Know, for Search"
    assert answer.headers["x-elastic-product"] == ["Elasticsearch"]
    head = port.send("HEAD", "/")
    assert (head.status, head.body) == (200, b"")


@pytest.mark.parametrize(
    ("path", "where", "expected"),
    [
        ("/_license", ("license", "status"), "active"),
        ("/_license?human=false", ("license", "type"), "basic"),
        ("/_xpack", ("license", "mode"), "basic"),
        ("/_xpack", ("features", "ilm", "enabled"), True),
        ("/_cluster/health", ("status",), "green"),
        ("/_cluster/health/logs-*", ("timed_out",), False),
        ("/?filter_path=version.number", ("version", "number"), "8.19.0"),
    ],
)
def test_greetings(port: Port, path: str, where: tuple[str, ...], expected: Any) -> None:
    """What filebeat, logstash and others ask at their start."""
    found = port.send("GET", path).json
    for key in where:
        found = found[key]
    assert found == expected
    assert port.send("HEAD", path).status == 200


def test_cat_health(port: Port) -> None:
    """Omelasticsearch's check of health is text."""
    answer = port.send("GET", "/_cat/health")
    assert answer.status == 200
    assert answer.headers["content-type"][0].startswith("text/plain")
    assert b" green " in answer.body
    assert port.send("HEAD", "/_cat/health").status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/_index_template/filebeat-8.19.0",
        "/_component_template/x",
        "/_template/logstash",
        "/_data_stream/filebeat-8.19.0",
        "/_ilm/policy/filebeat",
        "/_ingest/pipeline/x",
    ],
)
def test_settings(port: Port, path: str) -> None:
    """Templates, policies and the like are missing until they are put, then they are there."""
    assert port.send("GET", path).status == 404
    assert port.send("HEAD", path).status == 404
    put = port.send("PUT", path, b'{"any":"thing"}')
    assert (put.status, put.json) == (200, {"acknowledged": True})
    found = port.send("GET", path)
    assert found.status == 200
    assert path.rpartition("/")[2].encode() in found.body
    assert port.send("HEAD", path).status == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/_search"),
        ("DELETE", "/logs"),
        ("GET", "/_bulk"),
        ("POST", "/"),
        ("POST", "/a/b/_bulk"),
        ("PUT", "/logs/_doc/"),
    ],
)
def test_unknown_calls(port: Port, method: str, path: str) -> None:
    """All else is refused in Elasticsearch's shape: nothing can be read or deleted here."""
    answer = port.send(method, path, TWO)
    assert (answer.status, answer.error) == (400, "illegal_argument_exception")
    assert port.sink.documents == []
