"""Continue tokens: where a list goes on, for the same view and for nobody else's."""

import base64
import hashlib
import hmac
import zlib

import attrs

from kjournal.codec import dump_json, load_json
from kjournal.errors import BadRequest
from kjournal.query.model import PageStart
from kjournal.query.view import View

_MAC_BYTES = 16
_MAX_BYTES = 1 << 20


@attrs.frozen(kw_only=True)
class ContinueToken:
    """The list's resourceVersion, and where its next page begins."""

    resource_version: int
    start: PageStart

    def encode(self, view: View, key: bytes) -> str:
        """Return unpadded base64url of the compressed content and its HMAC-SHA256.

        It binds namespace and selectors by digest, so that it works for nobody else's query.
        Source: kubernetes.io/docs/reference/using-api/api-concepts, large results in chunks
        """
        content = dump_json(
            [1, self.resource_version, view.digest(), self.start.snapshot, self.start.after]
        )
        packed = zlib.compress(content, 6)
        return base64.urlsafe_b64encode(_mac(packed, key) + packed).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str, view: View, key: bytes) -> "ContinueToken":
        """Return the token that `encode` made for the same view with the same key.

        Raises: BadRequest for anything else.
        """
        wrong = BadRequest(
            "continue key is not valid: take it unchanged from the previous answer, and ask with "
            "the same namespace and selectors"
        )
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
        except ValueError as error:
            raise wrong from error
        mac, packed = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not hmac.compare_digest(mac, _mac(packed, key)):
            raise wrong
        content = zlib.decompressobj().decompress(packed, _MAX_BYTES)
        _, resource_version, digest, snapshot, after = load_json(content)
        if digest != view.digest():
            raise wrong
        return cls(
            resource_version=resource_version,
            start=PageStart(snapshot=snapshot, after=tuple(after)),
        )


def _mac(packed: bytes, key: bytes) -> bytes:
    return hmac.new(key, packed, hashlib.sha256).digest()[:_MAC_BYTES]
