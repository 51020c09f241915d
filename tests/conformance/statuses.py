"""What every Status of the contract holds."""

from collections.abc import Callable
from typing import Any

from tests.integration.stories import Answer, until

REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    406: "NotAcceptable",
    410: "Expired",
    413: "RequestEntityTooLarge",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}


def check_status(status: Any, code: int) -> None:
    """Assert that a document is a whole Status of failure, with the reason of its code."""
    assert (status["kind"], status["apiVersion"]) == ("Status", "v1"), status
    assert isinstance(status["metadata"], dict), status
    assert status["status"] == "Failure", status
    assert status["code"] == code, status
    assert status["reason"] == REASONS[code], status
    assert status["message"], status


def refused(answer: Answer, code: int) -> Any:
    """Assert that an answer is a Status of that code, and return it.

    A wait that it asks for stands in its header and in its details alike.
    """
    assert answer.status == code, answer.body[:2000]
    assert answer.headers["Content-Type"].split(";")[0] == "application/json"
    status = answer.json
    check_status(status, code)
    retry_after = answer.headers["Retry-After"]
    in_details = status.get("details", {}).get("retryAfterSeconds")
    assert retry_after == (None if in_details is None else str(in_details))
    return status


def causes_of(status: Any) -> list[tuple[str, str]]:
    """Return reason and field of each cause of a Status of 422."""
    assert (status["details"]["group"], status["details"]["kind"]) == (
        "meta.k8s.io",
        "ListOptions",
    )
    return [(cause["reason"], cause["field"]) for cause in status["details"]["causes"]]


def awaited(what: str, ask: Callable[[], Answer], code: int) -> Answer:
    """Ask again and again, and return the first answer of that code."""
    answers: list[Answer] = []

    def come() -> bool:
        answers[:] = [ask()]
        return answers[0].status == code

    until(what, come)
    return answers[0]
