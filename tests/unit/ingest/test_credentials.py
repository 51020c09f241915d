"""The API key, in the forms that shippers send."""

from base64 import b64encode

import pytest

from kjournal.ingest.credentials import is_authorized

KEY = "s3cret"
PAIR = "id:s3cret"


def b64(text: str) -> str:
    return b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("header", "key", "expected"),
    [
        ("", "", True),
        ("ApiKey nonsense", "", True),
        ("", KEY, False),
        ("ApiKey", KEY, False),
        ("ApiKey s3cret", KEY, True),
        ("apikey   s3cret ", KEY, True),
        ("ApiKey s3cre", KEY, False),
        (f"ApiKey {b64(KEY)}", KEY, True),
        (f"ApiKey {b64(PAIR)}", KEY, True),
        (f"ApiKey {b64(PAIR)}", PAIR, True),
        (f"ApiKey {b64(PAIR)}", b64(PAIR), True),
        (f"ApiKey {b64('id:wrong')}", KEY, False),
        (f"Basic {b64('elastic:s3cret')}", KEY, True),
        (f"Basic {b64('elastic:wrong')}", KEY, False),
        (f"Basic {b64('s3cret')}", KEY, False),
        ("Basic s3cret", KEY, False),
        ("Bearer s3cret", KEY, False),
        ("ApiKey \udcff\udcfe", KEY, False),
        ("Basic /w==", KEY, False),
    ],
)
def test_is_authorized(header: str, key: str, expected: bool) -> None:
    assert is_authorized(header, key) is expected
