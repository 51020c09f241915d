"""Names and uids, made from a record's identity alone: the same in every answer of every replica.

A name says where its document is: the document's id, packed, and six characters that tell the
indices apart. An `_id` is unique only in its index, and may hold what no URL segment may.
"""

import base64
import hashlib
import re
import uuid
from functools import lru_cache

_DIGEST_CHARS = 6
_AUTO_ID = re.compile(r"[A-Za-z0-9_-]{20}")
_UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}")
_PLAIN = re.compile(r"[a-z0-9]([-a-z0-9]{0,198}[a-z0-9])?")
_NAME = re.compile(r"([aupx])([-a-z0-9]+)-([a-z2-7]{6})")


def name_of(index: str, id: str) -> str:
    """Return the object's name: a DNS-1123 label of 253 characters at most for ids up to 150 bytes.

    The first letter says how the id is packed: `a` Elasticsearch's own 20 characters, `u` a UUID,
    `p` as it is, `x` any other, as base32 of its UTF-8.
    """
    return f"{_packed(id)}-{index_digest(index)}"


@lru_cache(maxsize=4096)
def index_digest(index: str) -> str:
    """Return six characters that tell an index from others, 1 in 10^9 being alike."""
    digest = hashlib.blake2b(index.encode("utf-8", "surrogatepass"), digest_size=5).digest()
    return base64.b32encode(digest).decode().lower()[:_DIGEST_CHARS]


def parse_name(name: str) -> tuple[str, str] | None:
    """Return (document id, index digest), or None for a name that name_of never gives."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    packing, body, digest = found.groups()
    try:
        id = _unpacked(packing, body)
    except ValueError:
        return None
    # One document has one name: a spelling that packs differently is nobody's.
    return (id, digest) if _packed(id) == packing + body else None


def uid_of(index: str, id: str) -> str:
    """Return a UUID drawn from the identity."""
    identity = f"{index}\0{id}".encode("utf-8", "surrogatepass")
    return str(uuid.UUID(bytes=hashlib.blake2b(identity, digest_size=16).digest(), version=5))


def _packed(id: str) -> str:
    if _AUTO_ID.fullmatch(id):
        return "a" + _base32(base64.urlsafe_b64decode(id))
    if _UUID.fullmatch(id):
        return "u" + id.replace("-", "")
    if _PLAIN.fullmatch(id):
        return "p" + id
    return "x" + _base32(id.encode("utf-8", "surrogatepass"))


def _unpacked(packing: str, body: str) -> str:
    if packing == "a":
        return base64.urlsafe_b64encode(_unbase32(body)).decode()
    if packing == "u":
        return str(uuid.UUID(hex=body))
    if packing == "p":
        return body
    # Strictly: a lone surrogate is an id that no store could be asked for.
    return _unbase32(body).decode()


def _base32(data: bytes) -> str:
    return base64.b32encode(data).decode().lower().rstrip("=")


def _unbase32(text: str) -> bytes:
    return base64.b32decode(text.upper() + "=" * (-len(text) % 8))
