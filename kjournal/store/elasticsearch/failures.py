"""From the client's exceptions to the errors of a store, and what a whole answer looks like.

No message holds an address, a credential or a query.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import elastic_transport
import elasticsearch

from kjournal.errors import (
    CursorExpired,
    StoreAnswerTooLarge,
    StoreError,
    StoreOverloaded,
    StoreRejected,
    StoreTimeout,
    StoreUnauthorized,
    StoreUnavailable,
)
from kjournal.store.elasticsearch.exchange import AnswerTooLarge

_NOT_ELASTICSEARCH = "what answers is not Elasticsearch"
_EXPIRED = "the snapshot of this list is gone from Elasticsearch"


@contextmanager
def store_errors(index: str = "", *, snapshot: bool = False) -> Iterator[None]:
    """Raise a StoreError for anything that the client raises.

    `index` is the configured name or pattern that is asked, `snapshot` says that the request is
    about a point in time, whose absence is CursorExpired.
    """
    try:
        yield
    except AnswerTooLarge as error:
        raise StoreAnswerTooLarge(
            "Elasticsearch's answer is too large: ask for fewer records at once"
        ) from error
    except elastic_transport.ConnectionTimeout as error:
        raise StoreTimeout("Elasticsearch did not answer within its deadline") from error
    except elastic_transport.TlsError as error:
        raise StoreUnavailable("TLS to Elasticsearch failed") from error
    except elastic_transport.ConnectionError as error:
        raise StoreUnavailable("cannot reach Elasticsearch, or it broke off its answer") from error
    except elasticsearch.UnsupportedProductError as error:
        raise StoreUnavailable(_NOT_ELASTICSEARCH) from error
    except elastic_transport.TransportError as error:
        raise StoreUnavailable("what answers for Elasticsearch is not readable") from error
    except elasticsearch.ApiError as error:
        raise _refusal(error, index, snapshot) from error


def shape_error() -> StoreUnavailable:
    """Return what is raised for an answer that lacks what every such answer has."""
    return StoreUnavailable("Elasticsearch answered something that is not a search answer")


def _refusal(error: elasticsearch.ApiError, index: str, snapshot: bool) -> StoreError:
    status, types = error.meta.status, types_of(error)
    if status in (401, 403):
        return StoreUnauthorized("Elasticsearch refuses kjournal's own credentials")
    if status == 429:
        return StoreOverloaded("Elasticsearch is overloaded and asks for patience")
    if not types and not 400 <= status < 500:
        return StoreUnavailable(f"Elasticsearch, or what stands before it, answered {status}")
    if snapshot and _is_gone(status, types):
        return CursorExpired(_EXPIRED)
    if status == 404:
        return _missing(error, types, index)
    if status >= 500 or status < 400:
        return StoreUnavailable(f"Elasticsearch failed with {status}")
    return _rejected(status, types)


def _is_gone(status: int, types: frozenset[str]) -> bool:
    """Whether a snapshot's shards are gone, or its id is none. An index may be deleted under it."""
    if status == 404:
        return True
    return status == 400 and types == {"illegal_argument_exception"}


def _missing(error: elasticsearch.ApiError, types: frozenset[str], index: str) -> StoreError:
    """Return the error for a 404: a named index is missing, or one of a pattern has just gone."""
    if not types:
        return StoreUnavailable(_NOT_ELASTICSEARCH)
    if "index_not_found_exception" not in types:
        return StoreUnavailable("Elasticsearch answered 404")
    missing = error.body["error"].get("resource.id")
    if missing in index.split(","):
        return StoreRejected(f'the index "{missing}" is missing')
    return StoreUnavailable("an index went away while it was read")


def _rejected(status: int, types: frozenset[str]) -> StoreError:
    if "index_closed_exception" in types:
        return StoreRejected("an index is closed")
    reason = ", ".join(sorted(types)) or f"status {status}"
    return StoreRejected(f"Elasticsearch refused the request ({reason})")


def types_of(refusal: elasticsearch.ApiError) -> frozenset[str]:
    """Return the error's own type and those of its root causes; none if it is not the store's."""
    body: Any = refusal.body
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return frozenset()
    causes = [cause for cause in error.get("root_cause") or () if isinstance(cause, dict)]
    types = {cause.get("type") for cause in (error, *causes)}
    return frozenset(kind for kind in types if isinstance(kind, str) and kind.isascii())
