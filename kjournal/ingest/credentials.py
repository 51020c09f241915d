"""Whether a shipper shows the configured API key, in any of the forms that shippers send."""

from base64 import b64decode
from hmac import compare_digest

CHALLENGES = ('Basic realm="security", charset="UTF-8"', "ApiKey")


def is_authorized(header: str, api_key: str) -> bool:
    """Return whether an Authorization header holds the key; without a key everybody is.

    Taken: `ApiKey KEY`, `ApiKey` with base64 of `KEY` or `id:KEY`, and `Basic` with the key as the
    password. The time taken tells nothing of the key.
    """
    if not api_key:
        return True
    scheme, _, credential = header.strip().partition(" ")
    credential = credential.strip()
    plain = _decoded(credential)
    after_colon = plain.partition(":")[2]
    if scheme.lower() == "basic":
        return _equal(after_colon, api_key)
    if scheme.lower() != "apikey":
        return False
    # `|` and not `or`: each form is compared.
    return _equal(credential, api_key) | _equal(plain, api_key) | _equal(after_colon, api_key)


def _decoded(credential: str) -> str:
    try:
        return b64decode(credential, validate=True).decode()
    except ValueError:
        return ""


def _equal(shown: str, api_key: str) -> bool:
    return compare_digest(shown.encode("utf-8", "replace"), api_key.encode("utf-8", "replace"))
