"""The bulk protocol's bytes: NDJSON to items, and what became of them to Elasticsearch's answer.

Source: elastic.co/docs/api/doc/elasticsearch/v8/operation/operation-bulk, and BulkRequestParser.
"""

from collections.abc import Iterator
from typing import Any

import attrs

from kjournal.codec import load_json
from kjournal.ingest.errors import BulkError, Reason
from kjournal.ingest.names import (
    MAX_ID_BYTES,
    MAX_INDEX_BYTES,
    refusal_of_id,
    refusal_of_index,
)
from kjournal.query.paths import text_of
from kjournal.store.interfaces import NewDocument, Written

_WITH_SOURCE = {"index": True, "create": True, "update": True, "delete": False}
_APPEND_ONLY = Reason(
    400, "illegal_argument_exception", "not supported: kjournal's store is append-only"
)
NO_OBJECT = Reason(400, "document_parsing_exception", "failed to parse: not a JSON object")
_SHARDS = {"total": 1, "successful": 1, "failed": 0}


@attrs.frozen(kw_only=True)
class Item:
    """One action of a bulk request: a document to write, or why it will not be written."""

    action: str
    index: str
    id: str | None
    new: NewDocument | None = None
    refusal: Reason | None = None


@attrs.frozen
class Entry:
    """One action of a bulk request as it stands in the body, its source unparsed."""

    action: str
    target: dict[str, Any]
    source: bytes | None


def parse_bulk(body: bytes, default_index: str = "") -> Iterator[Entry]:
    """Yield the actions of a request, in their order.

    Elasticsearch writes nothing of a malformed request: whoever writes before the end has gone
    through all of it before.
    Raises: BulkError, also after some items, for what makes the whole request malformed.
    """
    lines = _lines(body)
    found = False
    for number, line in lines:
        if not line.strip():
            continue
        action, target = _action(number, line)
        source = None
        if _WITH_SOURCE[action]:
            following = next(lines, None)
            if following is None:
                raise _malformed(f"Action/metadata line [{number}] has no source line")
            source = following[1]
        target.setdefault("_index", default_index)
        if not isinstance(target["_index"], str) or not target["_index"]:
            raise _invalid("index is missing")
        found = True
        yield Entry(action, target, source)
    if not found:
        raise _invalid("no requests added")


def item_of_entry(entry: Entry) -> Item:
    """Return the item: a document to write, or the reason why not."""
    action, index, id = entry.action, entry.target["_index"], entry.target.get("_id")
    id = id if id is None else text_of(id) or ""
    refusal = _APPEND_ONLY if action in ("update", "delete") else None
    refusal = refusal or refusal_of_index(index) or refusal_of_id(id)
    document = None if refusal or entry.source is None else document_of(entry.source)
    if document is None:
        return Item(action=action, index=index, id=id, refusal=refusal or NO_OBJECT)
    create = action == "create" or entry.target.get("op_type") == "create"
    new = NewDocument(index=index, document=document, id=id, create=create)
    return Item(action=action, index=index, id=id, new=new)


def document_of(source: bytes) -> dict[str, Any] | None:
    """Return the JSON object that the bytes say, or None if they say none."""
    try:
        document = load_json(source)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def stored(item: Item, written: Written) -> dict[str, Any]:
    """Return the answer for an item that was written, or that exists already."""
    if written.status == 409:
        return refused(item, conflict(written))
    return {item.action: {**written_body(written), "status": written.status}}


def conflict(written: Written) -> Reason:
    """Return why a document that exists was not created again."""
    return Reason(
        409,
        "version_conflict_engine_exception",
        f"[{written.id}]: version conflict, document already exists"
        f" (current version [{written.version}])",
    )


def written_body(written: Written) -> dict[str, Any]:
    """Return the answer for one document that was written."""
    return {
        "_index": written.index,
        "_id": written.id,
        "_version": written.version,
        "result": "created" if written.status == 201 else "updated",
        "_shards": _SHARDS,
        "_seq_no": written.row,
        "_primary_term": 1,
    }


def refused(item: Item, reason: Reason) -> dict[str, Any]:
    """Return the answer for an item that was not written; names too long to be taken are cut."""
    error = {"type": reason.type, "reason": reason.reason}
    return {
        item.action: {
            "_index": item.index[:MAX_INDEX_BYTES],
            "_id": item.id and item.id[:MAX_ID_BYTES],
            "status": reason.status,
            "error": error,
        }
    }


def _action(number: int, line: bytes) -> tuple[str, dict[str, Any]]:
    """Return the action of an action line and what it is told about its target."""
    try:
        parsed = load_json(line)
    except ValueError:
        raise _malformed(f"Malformed action/metadata line [{number}], not JSON") from None
    if not isinstance(parsed, dict) or len(parsed) != 1:
        raise _malformed(f"Malformed action/metadata line [{number}], expected one action")
    ((action, target),) = parsed.items()
    if action not in _WITH_SOURCE:
        raise _malformed(
            f"Malformed action/metadata line [{number}], expected field [create], [delete],"
            f" [index] or [update] but found [{action[:64]}]"
        )
    if not isinstance(target, dict):
        raise _malformed(f"Malformed action/metadata line [{number}], expected START_OBJECT")
    return action, target


def _lines(body: bytes) -> Iterator[tuple[int, bytes]]:
    if not body.strip():
        raise BulkError(Reason(400, "parse_exception", "request body is required"))
    if not body.endswith(b"\n"):
        raise _malformed("The bulk request must be terminated by a newline [\\n]")
    begin, number = 0, 1
    while begin < len(body):
        end = body.index(b"\n", begin)
        yield number, body[begin:end]
        begin, number = end + 1, number + 1


def _malformed(reason: str) -> BulkError:
    return BulkError(Reason(400, "illegal_argument_exception", reason))


def _invalid(reason: str) -> BulkError:
    return BulkError(
        Reason(400, "action_request_validation_exception", f"Validation Failed: 1: {reason};")
    )
