"""What is read of a request before anybody has asked who sends it: its headers, and no body."""

from typing import Any, NoReturn

import pytest
from twisted.web import http

from kjournal.api.request import CLOSING_S, MAX_BODY_BYTES
from kjournal.kinds.meta import name_of
from tests.unit.api.serving import ROOT, Call, Server, Step, Transport

FORM = b"content-type: application/x-www-form-urlencoded\r\n"


def connect(api: Server) -> Call:
    """Return a connection on which nothing was sent yet."""
    channel = api.site.buildProtocol(None)
    assert channel is not None
    transport = Transport()
    channel.makeConnection(transport)
    return Call(channel, transport, api.clock)


def send(api: Server, *parts: bytes) -> Call:
    """Send bytes as they are, on one connection."""
    call = connect(api)
    for part in parts:
        call.channel.dataReceived(part)
    api.tick(0)
    return call


def request(method: str, target: str, *lines: bytes) -> bytes:
    """Return the head of a request, with header lines of any bytes."""
    head = f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n".encode()
    return head + b"".join(lines) + b"\r\n"


@pytest.fixture
def no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test whose request is kept in a file."""

    def refused() -> NoReturn:
        raise AssertionError("a body went to the disk")

    monkeypatch.setattr(http.tempfile, "TemporaryFile", refused)


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Collect the sizes of all that is parsed as a form or query."""
    sizes: list[int] = []
    parse_qs = http.parse_qs

    def counted(text: bytes, *more: Any) -> Any:
        sizes.append(len(text))
        return parse_qs(text, *more)

    monkeypatch.setattr(http, "parse_qs", counted)
    return sizes


@pytest.mark.usefixtures("no_files")
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_are_dropped(api: Server, parsed: list[int], method: str, chunked: bool) -> None:
    """A body is read to its end and neither kept nor looked at; the next request is answered."""
    body = b"a=1&" * (MAX_BODY_BYTES // 4)
    if chunked:
        head = request(method, f"{ROOT}/logs?limit=5", FORM, b"transfer-encoding: chunked\r\n")
        sent = [head, b"%x\r\n" % len(body), body, b"\r\n0\r\n\r\n"]
    else:
        length = b"content-length: %d\r\n" % len(body)
        head = request(method, f"{ROOT}/logs?limit=5", FORM, length)
        sent = [head, body[:9], body[9:]]
    call = send(api, *sent)
    assert call.status == (200 if method == "GET" else 405)
    assert max(parsed) < 100
    before = len(call.bytes)
    call.channel.dataReceived(request("GET", "/healthz"))
    api.tick(0)
    assert call.bytes[before:].startswith(b"HTTP/1.1 200 ")


@pytest.mark.usefixtures("no_files")
@pytest.mark.parametrize("more", [b"", b"Expect: 100-continue\r\n", FORM])
def test_told_too_long(api: Server, more: bytes) -> None:
    """A body that is announced as too long is refused before it is sent, by a Status."""
    length = b"content-length: %d\r\n" % (MAX_BODY_BYTES + 1)
    call = send(api, request("POST", f"{ROOT}/logs", length, more))
    assert (call.status, call.json["code"], call.json["reason"]) == (
        *(413, 413),
        "RequestEntityTooLarge",
    )
    assert str(MAX_BODY_BYTES) in call.json["message"]
    assert call.headers["connection"] == "close"
    assert call.transport.disconnecting
    assert not call.transport.aborted
    api.tick(CLOSING_S)
    assert call.transport.aborted, "a client that does not close is cut off"


@pytest.mark.usefixtures("no_files")
def test_found_too_long(api: Server) -> None:
    """A body of unknown length is refused where it grows too long; what follows is not heard."""
    chunk = b"%x\r\n%s\r\n" % (1 << 19, b"x" * (1 << 19))
    head = request("POST", f"{ROOT}/logs", b"transfer-encoding: chunked\r\n")
    call = send(api, head, chunk, chunk)
    assert call.bytes == b""
    call.channel.dataReceived(chunk + chunk + b"0\r\n\r\n" + request("GET", "/healthz"))
    api.tick(0)
    assert call.status == 413
    assert call.transport.disconnecting
    assert call.bytes.count(b"HTTP/1.1") == 1
    call.done()


def test_one_answer(api: Server) -> None:
    """A refused body that is all there already is refused once."""
    length = b"content-length: %d\r\n" % (MAX_BODY_BYTES + 1)
    sent = request("POST", f"{ROOT}/logs", length) + b"x" * (MAX_BODY_BYTES + 1)
    call = send(api, sent + request("GET", "/healthz"))
    assert call.bytes.count(b"HTTP/1.1") == 1
    assert call.status == 413


def test_refused_and_gone(api: Server) -> None:
    """A client that closes after its refusal leaves nothing behind."""
    call = send(api, request("POST", "/", b"content-length: %d\r\n" % (MAX_BODY_BYTES + 1)))
    call.done()
    api.tick(CLOSING_S)
    assert not call.transport.aborted
    assert not api.clock.getDelayedCalls()


def ask(api: Server, target: str, line: bytes) -> Call:
    """Ask with one more header line, of any bytes."""
    head = f"GET {target} HTTP/1.1\r\n".encode()
    host = b"" if line.lower().startswith(b"host:") else b"Host: localhost\r\n"
    return send(api, head + host + line + b"\r\n\r\n")


@pytest.mark.parametrize(
    ("target", "line", "status"),
    [
        (f"{ROOT}/logs", b"Accept: \xff\xfe", 406),
        (f"{ROOT}/logs", b"Accept: \xff, application/json", 200),
        (f"{ROOT}/logs", b"User-Agent: \xff", 200),
        (f"{ROOT}/logs", b"User-Agent: curl/\xff", 200),
        (f"{ROOT}/logs", b"Audit-ID: \xff", 200),
        (f"{ROOT}/logs", b"Host: \xff", 403),
        (f"{ROOT}/logs", b"Host: a..b", 403),
        (f"{ROOT}/logs", b"Cookie: \xff=\xff", 200),
        ("/apis", b"If-None-Match: \xff", 200),
        ("/apis", b"Accept: \xff, application/json", 200),
    ],
)
def test_headers_of_any_bytes(api: Server, target: str, line: bytes, status: int) -> None:
    """Header values that are no UTF-8 are answered as any other that says nothing."""
    call = ask(api, target, line)
    assert call.status == status
    assert call.json["kind"]
    assert call.headers["audit-id"].isascii()


def test_etag_of_any_bytes(api: Server) -> None:
    """An ETag that is no text is not the one that is asked about."""
    accept = b"Accept: application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList\r\n"
    assert ask(api, "/apis", accept + b"If-None-Match: \xff").status == 200


@pytest.mark.parametrize("host", [b"\xff", b"a..b", b"x" * 300, b"", b"[::1", b"kjournal:443"])
def test_host_behind_the_guard(api: Server, host: bytes) -> None:
    """Where the guard does not look at the host, nobody does."""

    async def admit(_: Any) -> None:
        """Look at nothing."""

    api.guarded_by(Step(admit))
    assert ask(api, f"{ROOT}/logs", b"Host: " + host).status == 200


def test_name_of_a_surrogate(api: Server) -> None:
    """A name that stands for no text is nobody's, in the path as in a selector."""
    name = name_of("i", "\ud800")
    assert api.get(f"/logs/{name}").status == 404
    found = api.get(f"/logs?fieldSelector=metadata.name%3D{name}")
    assert (found.status, found.json["items"]) == (200, [])
    assert (
        api.get(f"/logs?watch=1&timeoutSeconds=1&fieldSelector=metadata.name%3D{name}").status
        == 200
    )


@pytest.mark.parametrize(
    "selector",
    [
        "payload" + ".a" * 16_000 + "%3Dx",
        ",".join(["payload.a!%3Dx"] * 4000),
        "payload.a%00%3Dx",
    ],
)
@pytest.mark.parametrize("watch", ["", "&watch=1"])
def test_selectors_are_bounded(api: Server, selector: str, watch: str) -> None:
    """A selector that would keep the reactor busy for each record is refused."""
    found = api.get(f"/logs?fieldSelector={selector}{watch}")
    assert (found.status, found.json["reason"]) == (400, "BadRequest")


def test_control_characters_are_values(api: Server) -> None:
    """A value of any text is compared, and finds what is equal."""
    api.line("a", pod="x\0y")
    api.line("b", pod="x")
    found = api.get("/containerlogs?fieldSelector=pod%3Dx%00y")
    assert [item["payload"] for item in found.json["items"]] == ["a"]
