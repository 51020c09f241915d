"""The bulk protocol's bytes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kjournal.codec import dump_json
from kjournal.ingest.bulk import Item, item_of_entry, parse_bulk, refused, stored
from kjournal.ingest.errors import BulkError, Reason
from kjournal.store.interfaces import NewDocument, Written
from tests.unit.ingest.conftest import ndjson


def items(body: bytes, index: str = "") -> list[Item]:
    return [item_of_entry(entry) for entry in parse_bulk(body, index)]


def test_actions() -> None:
    """Index and create, with and without an id, into named and default indices; order kept."""
    body = ndjson(
        '{"index":{"_index":"a","_id":"1","_type":"_doc","pipeline":"x"}}',
        '{"n":1}',
        '{"create":{}}',
        '{"n":2}',
        '{"index":{"_id":7}}',
        '{"n":3}\r',
        "",
        '{"index":{"op_type":"create","_id":"8"}}',
        '{"n":4}',
    )
    assert [item.new for item in items(body, "dflt")] == [
        NewDocument(index="a", id="1", document={"n": 1}),
        NewDocument(index="dflt", document={"n": 2}, create=True),
        NewDocument(index="dflt", id="7", document={"n": 3}),
        NewDocument(index="dflt", id="8", document={"n": 4}, create=True),
    ]


def test_append_only() -> None:
    """Update and delete are refused one by one, each with its reason; delete has no source."""
    body = ndjson(
        '{"delete":{"_index":"a","_id":"1"}}',
        '{"update":{"_index":"a","_id":"1"}}',
        '{"doc":{}}',
        '{"index":{"_index":"a"}}',
        "{}",
    )
    found = items(body)
    assert [item.action for item in found] == ["delete", "update", "index"]
    reason = "not supported: kjournal's store is append-only"
    assert [item.refusal and item.refusal.reason for item in found] == [reason, reason, None]


@pytest.mark.parametrize("source", ["", "[]", "7", '"x"', "{", "null", "nope", '{"a":NaN}'])
def test_bad_sources(source: str) -> None:
    """What is no JSON object is refused alone; its neighbours are taken."""
    action = '{"index":{"_index":"a"}}'
    found = items(ndjson(action, '{"n":1}', action, source, action, '{"n":2}'))
    assert [item.new is None for item in found] == [False, True, False]
    assert found[1].refusal is not None
    assert (found[1].refusal.status, found[1].refusal.type) == (400, "document_parsing_exception")


@pytest.mark.parametrize(
    ("body", "type", "words"),
    [
        (b"", "parse_exception", "request body is required"),
        (b" \n\n", "parse_exception", "request body is required"),
        (b'{"index":{"_index":"a"}}\n{}', "illegal_argument_exception", "terminated by a newline"),
        (ndjson("nope", "{}"), "illegal_argument_exception", "line [1]"),
        (ndjson('{"index":{"_index":"a"}}', "{}", "[]"), "illegal_argument_exception", "line [3]"),
        (ndjson('{"drop":{}}', "{}"), "illegal_argument_exception", "but found [drop]"),
        (ndjson('{"index":7}', "{}"), "illegal_argument_exception", "START_OBJECT"),
        (ndjson('{"index":{},"create":{}}', "{}"), "illegal_argument_exception", "one action"),
        (ndjson('{"index":{"_index":"a"}}'), "illegal_argument_exception", "no source line"),
        (ndjson('{"index":{}}', "{}"), "action_request_validation_exception", "index is missing"),
        (
            ndjson('{"index":{"_index":null}}', "{}"),
            "action_request_validation_exception",
            "index is missing",
        ),
    ],
)
def test_malformed(body: bytes, type: str, words: str) -> None:
    """A malformed action line is an error of the whole request, in Elasticsearch's words."""
    with pytest.raises(BulkError) as raised:
        items(body)
    assert raised.value.reason.status == 400
    assert raised.value.reason.type == type
    assert words in raised.value.reason.reason


@pytest.mark.parametrize(
    "target",
    [
        {"_index": "UPPER"},
        {"_index": "-a"},
        {"_index": "_a"},
        {"_index": "+a"},
        {"_index": "."},
        {"_index": ".."},
        {"_index": "a b"},
        {"_index": "a,b"},
        {"_index": "a*"},
        {"_index": "a/b"},
        {"_index": "a\\b"},
        {"_index": "a#b"},
        {"_index": "a:b"},
        {"_index": "a" * 256},
        {"_index": "a", "_id": ""},
        {"_index": "a", "_id": "x" * 513},
        {"_index": "a", "_id": {}},
    ],
)
def test_refused_names(target: dict[str, Any]) -> None:
    """Names and ids that Elasticsearch refuses are refused one by one."""
    body = dump_json({"index": target}) + b'\n{}\n{"index":{"_index":"ok"}}\n{}\n'
    found = items(body)
    assert found[0].refusal is not None
    assert found[0].refusal.status == 400
    assert found[1].new is not None


@pytest.mark.parametrize("name", ["a", ".hidden", "logs-2024.01.01", "ü", "a+b", "a" * 255])
def test_taken_names(name: str) -> None:
    assert items(dump_json({"index": {"_index": name}}) + b"\n{}\n")[0].new is not None


@given(st.binary(max_size=80), st.lists(st.sampled_from([b'{"index":{}}', b"{}", b"x", b""])))
def test_any_bytes(junk: bytes, lines: list[bytes]) -> None:
    """Whatever comes, it is items or a BulkError."""
    for body in (junk, b"\n".join([*lines, junk]) + b"\n"):
        try:
            found = items(body, "logs")
        except BulkError:
            continue
        assert all((item.new is None) != (item.refusal is None) for item in found)


def test_answers() -> None:
    """The answer for an item is Elasticsearch's."""
    item = Item(action="create", index="a", id="x")
    written = Written(index="a", id="x", status=201, version=1, row=9)
    assert stored(item, written) == {
        "create": {
            "_index": "a",
            "_id": "x",
            "_version": 1,
            "result": "created",
            "_shards": {"total": 1, "successful": 1, "failed": 0},
            "_seq_no": 9,
            "_primary_term": 1,
            "status": 201,
        }
    }
    replaced = Written(index="a", id="x", status=200, version=2, row=9)
    assert stored(item, replaced)["create"]["result"] == "updated"
    exists = stored(item, Written(index="a", id="x", status=409, version=3, row=9))["create"]
    assert exists["status"] == 409
    assert exists["error"]["type"] == "version_conflict_engine_exception"
    assert refused(item, Reason(400, "t", "r")) == {
        "create": {"_index": "a", "_id": "x", "status": 400, "error": {"type": "t", "reason": "r"}}
    }
