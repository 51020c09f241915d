"""What goes wrong on the bulk port, in Elasticsearch's own shape and words."""

from typing import Any

import attrs

from kjournal.errors import KjournalError, StoreError, StoreOverloaded, StoreRejected


@attrs.frozen
class Reason:
    """Why a request or one item is refused: HTTP status, Elasticsearch's type, a sentence."""

    status: int
    type: str
    reason: str


class BulkError(KjournalError):
    """A request that is refused as a whole."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.reason)
        self.reason = reason


OVERLOADED = Reason(
    429, "es_rejected_execution_exception", "too many bytes are waiting to be written; try later"
)
INTERNAL = Reason(500, "exception", "internal error")


def too_large(limit: str) -> Reason:
    """Return why a request is refused that is larger than a limit."""
    return Reason(413, "content_too_long_exception", f"the request is larger than {limit}")


def reason_of(error: StoreError) -> Reason:
    """Return what a shipper is told of a store's error; it tries again unless the status is 400."""
    if isinstance(error, StoreOverloaded):
        return Reason(429, OVERLOADED.type, str(error))
    if isinstance(error, StoreRejected):
        return Reason(400, "document_parsing_exception", str(error))
    return Reason(503, "unavailable_shards_exception", str(error))


def error_body(reason: Reason) -> dict[str, Any]:
    """Return the body of an answer to a request that is refused as a whole."""
    cause = {"type": reason.type, "reason": reason.reason}
    return {"error": {"root_cause": [cause], **cause}, "status": reason.status}
