"""From an exception to a Status: the only such table.

Source: kubernetes.io/docs/reference/kubernetes-api/common-definitions/status
"""

from typing import Any

from kjournal.errors import (
    APIError,
    CursorExpired,
    Expired,
    Forbidden,
    InternalError,
    Invalid,
    MethodNotAllowed,
    NotFound,
    ServiceUnavailable,
    StoreError,
    StoreOverloaded,
    StoreTimeout,
    StoreUnavailable,
    Timeout,
    TooManyRequests,
)
from kjournal.kinds.model import Object


def api_error_of(error: BaseException, audit_id: str) -> APIError:
    """Return the APIError that a client is shown for any exception.

    An overloaded store asks for a retry. An unreachable one does not: kubectl would repeat the call
    ten times in silence before it shows the message.
    """
    if isinstance(error, APIError):
        return error
    if isinstance(error, CursorExpired):
        return Expired("The provided continue parameter is too old to go on with; list again")
    if isinstance(error, StoreOverloaded):
        return TooManyRequests(str(error), retry_after_s=1)
    if isinstance(error, StoreTimeout):
        return Timeout(str(error))
    if isinstance(error, StoreUnavailable):
        return ServiceUnavailable(str(error))
    if isinstance(error, StoreError):
        return InternalError(f"{error}; the operator of kjournal must act (audit id {audit_id})")
    return InternalError(f"internal error; the log of kjournal says more at audit id {audit_id}")


def status_of(error: APIError) -> Object:
    """Return the Status object of an error."""
    metadata = {}
    if isinstance(error, Expired) and error.continue_token:
        metadata["continue"] = error.continue_token
    status: Object = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": metadata,
        "status": "Failure",
        "message": error.message,
        "reason": error.reason,
        "code": error.code,
    }
    details = _details(error)
    if details is not None:
        status["details"] = details
    return status


def _details(error: APIError) -> dict[str, Any] | None:
    details: dict[str, Any] = {}
    if isinstance(error, NotFound | Forbidden):
        named = {"name": error.name, "group": error.group, "kind": error.kind}
        details = {key: value for key, value in named.items() if value}
    if isinstance(error, MethodNotAllowed) and error.kind:
        details = {"group": error.group, "kind": error.kind}
    if isinstance(error, Invalid):
        details = {"group": "meta.k8s.io", "kind": "ListOptions"}
    if isinstance(error, Invalid | Timeout) and error.causes:
        details["causes"] = [
            {"reason": cause.reason, "message": cause.message, "field": cause.field}
            for cause in error.causes
        ]
    if error.retry_after_s:
        details["retryAfterSeconds"] = error.retry_after_s
    return details or ({} if isinstance(error, NotFound) else None)
