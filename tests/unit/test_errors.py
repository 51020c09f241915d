"""The family of errors."""

import pytest

from kjournal import errors
from kjournal.errors import APIError, ConfigError, ConfigMistake

CODES = {
    "BadRequest": 400,
    "Unauthorized": 401,
    "Forbidden": 403,
    "NotFound": 404,
    "MethodNotAllowed": 405,
    "NotAcceptable": 406,
    "Expired": 410,
    "RequestEntityTooLarge": 413,
    "RequestURITooLong": 414,
    "RequestHeaderFieldsTooLarge": 431,
    "Invalid": 422,
    "TooManyRequests": 429,
    "InternalError": 500,
    "ServiceUnavailable": 503,
    "Timeout": 504,
}


@pytest.mark.parametrize(("name", "code"), CODES.items())
def test_api_errors(name: str, code: int) -> None:
    """Each is named by its Kubernetes reason, and has its code."""
    kind = getattr(errors, name)
    assert issubclass(kind, APIError)
    assert (kind.reason, kind.code) == (name, code)


def test_all() -> None:
    """There are no others."""
    assert {kind.__name__ for kind in APIError.__subclasses__()} == set(CODES)


def test_config_error() -> None:
    """All mistakes are told at once."""
    error = ConfigError([ConfigMistake("f:a", "x", "y"), ConfigMistake("f:b", "z", "w")])
    assert str(error) == "f:a: found x; allowed: y\nf:b: found z; allowed: w"
    assert len(error.mistakes) == 2
