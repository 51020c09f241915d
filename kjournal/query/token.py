"""Continue tokens: where a list goes on, for the same view and for nobody else's."""

import base64
import hashlib
import hmac
import zlib
from typing import Any

import attrs

from kjournal.codec import dump_json, load_json
from kjournal.errors import BadRequest, Expired
from kjournal.query.model import PageStart
from kjournal.query.view import View

_MAGIC = b"kj1"
_HEAD = 9
_MAC_BYTES = 16
_MAX_BYTES = 1 << 20


@attrs.frozen(kw_only=True)
class ContinueToken:
    """The list's resourceVersion, where its next page begins, and what `now` was in its query.

    `remaining` is how many objects follow, if that is known.
    """

    resource_version: int
    now_us: int
    start: PageStart
    remaining: int | None = None

    def encode(self, view: View, key: bytes) -> str:
        """Return unpadded base64url of the compressed content and its HMAC-SHA256.

        It binds namespace and selectors by digest, so that it works for nobody else's query.
        Source: kubernetes.io/docs/reference/using-api/api-concepts, large results in chunks
        """
        content = dump_json(
            [
                self.resource_version,
                self.now_us,
                view.digest(),
                self.start.snapshot,
                self.start.after,
                self.remaining,
            ]
        )
        packed = zlib.compress(content, 6)
        return _text(_head(key) + _mac(packed, key) + packed)

    @classmethod
    def decode(cls, text: str, view: View, key: bytes) -> "ContinueToken":
        """Return the token that `encode` made for the same view with the same key.

        Raises: Expired for a token of another key, BadRequest for anything else.
        """
        # A token of the version before may lack what follows.
        resource_version, now_us, digest, snapshot, after, *more = _content(text, key)
        if digest != view.digest():
            raise _wrong()
        return cls(
            resource_version=resource_version,
            now_us=now_us,
            start=PageStart(snapshot=snapshot, after=tuple(after)),
            remaining=more[0] if more else None,
        )


def begun_us(text: str, key: bytes) -> int:
    """Return what `now` was when a token's list began: `now-1h` means the same on all its pages.

    Raises: Expired for a token of another key, BadRequest for anything else.
    """
    return int(_content(text, key)[1])


def _wrong() -> BadRequest:
    return BadRequest(
        "continue key is not valid: take it unchanged from the previous answer, and ask with "
        "the same namespace and selectors"
    )


def _content(text: str, key: bytes) -> list[Any]:
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
    except ValueError as error:
        raise _wrong() from error
    head, mac, packed = raw[:_HEAD], raw[_HEAD : _HEAD + _MAC_BYTES], raw[_HEAD + _MAC_BYTES :]
    # Base64 has several spellings of the same bytes; a token has one.
    if not head.startswith(_MAGIC) or not packed or _text(raw) != text:
        raise _wrong()
    if head != _head(key):
        # Made before a restart, or by another replica: clients list again after a 410 only.
        raise Expired("The provided continue parameter is not known here; list again")
    if not hmac.compare_digest(mac, _mac(packed, key)):
        raise _wrong()
    try:
        found: list[Any] = load_json(zlib.decompressobj().decompress(packed, _MAX_BYTES))
    except (ValueError, zlib.error) as error:
        raise _wrong() from error
    return found


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _head(key: bytes) -> bytes:
    """What all tokens of a key begin with; it tells keys apart and protects nothing."""
    return _MAGIC + hashlib.sha256(b"id of " + key).digest()[: _HEAD - len(_MAGIC)]


def _mac(packed: bytes, key: bytes) -> bytes:
    return hmac.new(key, packed, hashlib.sha256).digest()[:_MAC_BYTES]
