"""Which index names and ids are taken: those that Elasticsearch takes.

Source: elastic.co/docs/api/doc/elasticsearch/v8/operation/operation-indices-create.
"""

from kjournal.ingest.errors import Reason

MAX_INDEX_BYTES = 255
MAX_ID_BYTES = 512
_FORBIDDEN = ' "*\\<|,>/?#:'


def refusal_of_index(name: str) -> Reason | None:
    """Return why an index name is refused, or None if it is taken."""
    fault = _index_fault(name)
    if fault is None:
        return None
    shown = name[:MAX_INDEX_BYTES]
    return Reason(400, "invalid_index_name_exception", f"Invalid index name [{shown}], {fault}")


def refusal_of_id(id: str | None) -> Reason | None:
    """Return why an id is refused, or None if it is taken or to be made."""
    if id is None:
        return None
    if not id:
        return Reason(400, "illegal_argument_exception", "if _id is specified it must not be empty")
    size = _size(id)
    if size > MAX_ID_BYTES:
        return Reason(
            400,
            "illegal_argument_exception",
            f"id is too long, must be no longer than {MAX_ID_BYTES} bytes but was: {size}",
        )
    return None


def _index_fault(name: str) -> str | None:
    if name != name.lower():
        return "must be lowercase"
    if set(_FORBIDDEN).intersection(name):
        shown = ",".join(f"'{character}'" for character in _FORBIDDEN)
        return f"must not contain the following characters [{shown}]"
    if not name or name[0] in "-_+":
        return "must not start with '_', '-', or '+'"
    if name in (".", ".."):
        return "must not be '.' or '..'"
    if _size(name) > MAX_INDEX_BYTES:
        return f"index name is too long, ({_size(name)} > {MAX_INDEX_BYTES})"
    return None


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
