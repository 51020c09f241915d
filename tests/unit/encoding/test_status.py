"""Exceptions to Status objects."""

from typing import Any

import pytest

from kjournal.encoding.status import api_error_of, status_of
from kjournal.errors import (
    APIError,
    BadRequest,
    Cause,
    CursorExpired,
    Expired,
    Forbidden,
    Invalid,
    NotFound,
    StoreOverloaded,
    StoreRejected,
    StoreTimeout,
    StoreUnauthorized,
    StoreUnavailable,
    Timeout,
    TooManyRequests,
)


@pytest.mark.parametrize(
    ("error", "code", "reason", "details"),
    [
        (BadRequest("m"), 400, "BadRequest", None),
        (
            Forbidden("m", group="g", kind="logs", name="n"),
            403,
            "Forbidden",
            {"name": "n", "group": "g", "kind": "logs"},
        ),
        (NotFound("m"), 404, "NotFound", {}),
        (NotFound("m", group="g", kind="k"), 404, "NotFound", {"group": "g", "kind": "k"}),
        (Expired("m"), 410, "Expired", None),
        (
            Invalid("m", [Cause("FieldValueForbidden", "why", "f")]),
            422,
            "Invalid",
            {
                "group": "meta.k8s.io",
                "kind": "ListOptions",
                "causes": [{"reason": "FieldValueForbidden", "message": "why", "field": "f"}],
            },
        ),
        (TooManyRequests("m", retry_after_s=3), 429, "TooManyRequests", {"retryAfterSeconds": 3}),
        (
            Timeout("m", causes=[Cause("R", "w")], retry_after_s=1),
            504,
            "Timeout",
            {"causes": [{"reason": "R", "message": "w", "field": ""}], "retryAfterSeconds": 1},
        ),
    ],
)
def test_status(error: APIError, code: int, reason: str, details: Any) -> None:
    """A Status has everything that clients index."""
    status = status_of(error)
    assert status.pop("details", None) == details
    assert status == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "m",
        "reason": reason,
        "code": code,
    }


def test_continue() -> None:
    """An expired list may say where to go on."""
    assert status_of(Expired("m", continue_token="t"))["metadata"] == {"continue": "t"}


@pytest.mark.parametrize(
    ("error", "code", "retry_after_s"),
    [
        *((CursorExpired("x"), 410, None), (StoreOverloaded("x"), 429, 1)),
        *((StoreTimeout("x"), 504, None), (StoreUnavailable("x"), 503, None)),
        *((StoreRejected("x"), 500, None), (StoreUnauthorized("x"), 500, None)),
        (ZeroDivisionError("secret"), 500, None),
    ],
)
def test_errors(error: Exception, code: int, retry_after_s: int | None) -> None:
    """Only what may pass asks for a retry; a bug tells nothing but the audit id."""
    shown = api_error_of(error, "audit")
    assert (shown.code, shown.retry_after_s) == (code, retry_after_s)
    assert "secret" not in shown.message
    if code == 500:
        assert "audit" in shown.message
