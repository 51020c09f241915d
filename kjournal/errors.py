"""The one family of errors; `encoding/status.py` alone turns them into Status objects.

No message holds a credential, an address, a store's query or a log line.
"""

from collections.abc import Sequence

import attrs


class KjournalError(Exception):
    """Anything that kjournal itself reports."""


class APIError(KjournalError):
    """An answer other than success, as a Kubernetes client sees it.

    Source: kubernetes.io/docs/reference/using-api/api-concepts, and apimachinery's api/errors.
    """

    code = 500
    reason = "InternalError"

    def __init__(self, message: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after_s = retry_after_s


class BadRequest(APIError):
    """The request cannot be understood: a selector, an integer, a token."""

    code, reason = 400, "BadRequest"


class Unauthorized(APIError):
    """Nobody vouched for who asks."""

    code, reason = 401, "Unauthorized"


class Forbidden(APIError):
    """Who asks is known, and may not."""

    code, reason = 403, "Forbidden"

    def __init__(self, message: str, *, group: str = "", kind: str = "", name: str = "") -> None:
        super().__init__(message)
        self.group, self.kind, self.name = group, kind, name


class NotFound(APIError):
    """No such object, or no such resource (then without details)."""

    code, reason = 404, "NotFound"

    def __init__(self, message: str, *, group: str = "", kind: str = "", name: str = "") -> None:
        super().__init__(message)
        self.group, self.kind, self.name = group, kind, name


class MethodNotAllowed(APIError):
    """A write: everything here is read-only."""

    code, reason = 405, "MethodNotAllowed"

    def __init__(self, message: str, *, group: str = "", kind: str = "") -> None:
        super().__init__(message)
        self.group, self.kind = group, kind


class NotAcceptable(APIError):
    """None of the media types that the client accepts is served."""

    code, reason = 406, "NotAcceptable"


class Expired(APIError):
    """A resourceVersion or continue token that is no longer known: list again."""

    code, reason = 410, "Expired"

    def __init__(self, message: str, *, continue_token: str = "") -> None:
        super().__init__(message)
        self.continue_token = continue_token


@attrs.frozen
class Cause:
    """One thing wrong with the list options, with the field it is about."""

    reason: str
    message: str
    field: str = ""


class RequestEntityTooLarge(APIError):
    """A body that is longer than any that is read."""

    code, reason = 413, "RequestEntityTooLarge"


class RequestURITooLong(APIError):
    """A URL that is longer than any that is read."""

    code, reason = 414, "RequestURITooLong"


class RequestHeaderFieldsTooLarge(APIError):
    """Headers that are longer than any that are read."""

    code, reason = 431, "RequestHeaderFieldsTooLarge"


class Invalid(APIError):
    """Options that contradict one another, each with its cause."""

    code, reason = 422, "Invalid"

    def __init__(self, message: str, causes: Sequence[Cause]) -> None:
        super().__init__(message)
        self.causes = tuple(causes)


class TooManyRequests(APIError):
    """Too much at once, here or in the store; the same call may pass a little later."""

    code, reason = 429, "TooManyRequests"


class InternalError(APIError):
    """A fault of ours."""


class ServiceUnavailable(APIError):
    """Not now: starting, stopping, or the store is out of reach."""

    code, reason = 503, "ServiceUnavailable"


class Timeout(APIError):
    """The answer did not come within its deadline."""

    code, reason = 504, "Timeout"

    def __init__(
        self, message: str, *, causes: Sequence[Cause] = (), retry_after_s: int | None = None
    ) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.causes = tuple(causes)


class StoreError(KjournalError):
    """The store did not answer as asked; the message may be shown to any client."""


class StoreUnavailable(StoreError):
    """Refused, reset, unreachable, or answering something that is no answer."""


class StoreAnswerTooLarge(StoreUnavailable):
    """More in one answer than is taken into memory: the same in smaller pieces may pass."""


class StoreTimeout(StoreError):
    """No whole answer within the deadline."""


class StoreOverloaded(StoreError):
    """The store asks for patience (429)."""


class StoreUnauthorized(StoreError):
    """The store refuses kjournal's own credentials (401, 403): an operator must act."""


class StoreRejected(StoreError):
    """The store understood and refused: a named index that is missing, a query it cannot run."""


class CursorExpired(StoreError):
    """A page's snapshot is gone; the list must begin anew."""


@attrs.frozen
class ConfigMistake:
    """One mistake: where it is, what was found, what is allowed."""

    where: str
    found: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.where}: found {self.found}; allowed: {self.allowed}"


class ConfigError(KjournalError):
    """All mistakes of the settings at once."""

    def __init__(self, mistakes: Sequence[ConfigMistake]) -> None:
        super().__init__("\n".join(str(mistake) for mistake in mistakes))
        self.mistakes = tuple(mistakes)
