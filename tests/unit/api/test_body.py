"""Bodies: whole while they are short, streamed and packed when they are long."""

import gzip
import zlib
from typing import Any

import pytest
import yaml
from twisted.internet.defer import Deferred, succeed

from kjournal.api.request import PACKED_OVER_BYTES
from kjournal.api.writer import STALL_S
from kjournal.codec import load_json
from kjournal.errors import StoreUnavailable
from tests.unit.api.serving import ROOT, TABLE, Call, Server
from tests.unit.api.verbs import LINES

BIG = "y" * 2000
ENOUGH = PACKED_OVER_BYTES // 2000 + 10


def big_lines(api: Server, count: int) -> None:
    for number in range(count):
        api.line(str(number), number - 3600, payload=f"{number} {BIG}")


def unpacked(found: Call) -> Any:
    assert found.headers["content-encoding"] == "gzip"
    assert found.headers["vary"] == "Accept-Encoding"
    return load_json(gzip.decompress(found.body))


@pytest.mark.parametrize("encoding", ["gzip", "gzip, deflate", "br,gzip", "deflate , gzip"])
def test_long_lists_are_packed(api: Server, encoding: str) -> None:
    """A client that takes gzip gets a long list packed, and all of it."""
    big_lines(api, ENOUGH)
    found = api.get(LINES, **{"Accept-Encoding": encoding})
    assert len(unpacked(found)["items"]) == ENOUGH
    assert len(found.body) < PACKED_OVER_BYTES // 2


@pytest.mark.parametrize("encoding", ["", "identity", "gzip;q=0.5", "x-gzip", "deflate", "*"])
def test_others_are_not(api: Server, encoding: str) -> None:
    """Whoever does not say gzip, and nothing beside it, gets it as it is."""
    big_lines(api, ENOUGH)
    found = api.get(LINES, **{"Accept-Encoding": encoding})
    assert "content-encoding" not in found.headers
    assert len(found.json["items"]) == ENOUGH


def test_short_ones_are_not(api: Server) -> None:
    """A short list has its length, and is not packed."""
    big_lines(api, 5)
    found = api.get(LINES, **{"Accept-Encoding": "gzip"})
    assert "content-encoding" not in found.headers
    assert int(found.headers["content-length"]) == len(found.body)


def test_a_long_object_is_packed(api: Server) -> None:
    """A get too."""
    api.line("a", payload="x" * (PACKED_OVER_BYTES + 1))
    name = api.get(LINES, **{"Accept-Encoding": "identity"}).json["items"][0]["metadata"]["name"]
    found = api.get(f"{LINES}/{name}", **{"Accept-Encoding": "gzip"})
    assert len(unpacked(found)["payload"]) == PACKED_OVER_BYTES + 1


def test_a_watch_is_not(api: Server) -> None:
    """A stream is never packed, however long it gets."""
    big_lines(api, ENOUGH)
    found = api.get(f"{LINES}?watch=1", **{"Accept-Encoding": "gzip"})
    assert "content-encoding" not in found.headers
    assert len(found.frames) == ENOUGH


def test_a_packed_list_that_breaks(api: Server) -> None:
    """A fault in the middle leaves no whole packing."""
    big_lines(api, ENOUGH)
    api.store().page_records = ENOUGH - 2
    api.store().next_answers("list_page", succeed(None), StoreUnavailable("gone"))
    found = api.get(LINES, **{"Accept-Encoding": "gzip"})
    assert found.transport.aborted
    assert not found.whole
    unpacking = zlib.decompressobj(31)
    unpacking.decompress(found.body)
    assert not unpacking.eof


@pytest.mark.parametrize("count", [0, 3, ENOUGH])
@pytest.mark.parametrize("accept", ["application/yaml", TABLE.replace("json", "yaml")])
def test_yaml(api: Server, count: int, accept: str) -> None:
    """A list of any length is one document of YAML, as a Table too."""
    big_lines(api, count)
    found = api.get(LINES, Accept=accept)
    assert found.headers["content-type"] == "application/yaml"
    assert found.whole
    document = yaml.safe_load(found.body)
    assert len(document.get("items", document.get("rows"))) == count
    assert document["metadata"]["resourceVersion"]


@pytest.mark.parametrize("count", [0, 3, ENOUGH])
def test_pretty(api: Server, count: int) -> None:
    """A list of any length is indented for people."""
    big_lines(api, count)
    found = api.get(f"{LINES}?pretty=true")
    assert len(load_json(found.body)["items"]) == count
    assert b'\n  "metadata": {' in found.body


@pytest.mark.parametrize(
    ("pretty", "agent", "indented"),
    [
        *(("1", "", True), ("t", "", True), ("TRUE", "", True), ("True", "", True)),
        *(("0", "curl/8", False), ("tRue", "curl/8", False), ("yes", "", False)),
        *(("", "", False), ("", "curl/8", True), ("", "Wget/1", True), ("", "kubectl/v1", False)),
        *(("", "Mozilla/5.0 (X11)", True), ("", "Mozilla/4.0", False)),
    ],
)
def test_who_gets_it_pretty(api: Server, pretty: str, agent: str, indented: bool) -> None:
    """As Go's ParseBool says; an empty value says nothing, and the User-Agent does."""
    found = api.get(f"{LINES}?pretty={pretty}", **{"User-Agent": agent})
    assert (b"\n  " in found.body) is indented


def test_the_head_of_a_long_list(api: Server) -> None:
    """HEAD has no body, however long it would be: the next answer begins where it should."""
    big_lines(api, ENOUGH)
    found = api.call(ROOT + LINES, "HEAD")
    assert found.status == 200
    assert found.bytes.partition(b"\r\n\r\n")[2] == b""


def test_a_reader_that_is_behind(api: Server) -> None:
    """A list whose connection is still full of the answer before waits for room, and is cut."""
    big_lines(api, ENOUGH)
    slow: Deferred[None] = Deferred()
    api.store().next_answers("list_page", slow)
    found = api.get(LINES)
    found.transport.producer.pauseProducing()
    slow.callback(None)
    api.tick(0)
    assert not found.whole
    api.tick(STALL_S + 1)
    assert found.transport.aborted
    assert api.tail().figures.slow_closes == 1
    assert 'code="504"' not in api.call("/metrics").body.decode()
