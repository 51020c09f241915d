"""Documents, and lists piece by piece, as bytes: JSON in one line, JSON for people, or YAML.

Source: apiserver pkg/endpoints/handlers/negotiation/negotiate.go
"""

import re
from collections.abc import Sequence
from typing import Any, Protocol

import attrs
import yaml

from kjournal.codec import dump_json, dump_pretty_json
from kjournal.encoding.negotiate import YAML
from kjournal.kinds.model import Object

# YAML 1.1, as Go's clients read it, takes more plain words for something else than PyYAML does.
_PLAIN = re.compile(r"[A-Za-z_/][-A-Za-z0-9_./]+")
_UNFOLDED = 1 << 30
# Writing YAML takes a hundred times as long as JSON, and nobody is served meanwhile.
_LONGEST_BLOCK_BYTES = 16 * 1024
_MOST_BRACKETS = 400
# What JSON may hold as it is, and YAML takes for the end of a line, or not at all.
_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


class _Dumper(yaml.CSafeDumper):
    """Writes texts in quotes unless nobody could take them for anything else, and no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.CSafeDumper, text: str) -> yaml.ScalarNode:
    style = None if _PLAIN.fullmatch(text) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


_Dumper.add_representer(str, _text)


def dump_yaml(value: object) -> bytes:
    """Return YAML that every parser reads as the JSON of the value."""
    text: str = yaml.dump(
        value, Dumper=_Dumper, allow_unicode=True, default_flow_style=False, width=_UNFOLDED
    )
    return text.encode()


def _yaml(value: object) -> bytes:
    """Return a value as YAML: a long or deep one as JSON, which YAML has as its flow style."""
    data = dump_json(value)
    if len(data) <= _LONGEST_BLOCK_BYTES and data.count(b"{") + data.count(b"[") <= _MOST_BRACKETS:
        return dump_yaml(value)
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", data.decode()).encode() + b"\n"


def encode(document: object, media: str, *, pretty: bool) -> bytes:
    """Return a whole document in a media type; only JSON can be pretty."""
    if media == YAML:
        return _yaml(document)
    return dump_pretty_json(document) if pretty else dump_json(document)


class ListEncoder(Protocol):
    """Writes one list. The pieces make one document: a head, items at 0..n calls, and the end."""

    step: int
    """How many items are written at once, so that nobody waits long for the next piece."""

    def head(self, head: Object, items_key: str) -> bytes:
        """Return the beginning: what the list says before its items."""

    def items(self, items: Sequence[Object]) -> bytes:
        """Return 1..n more items."""

    def end(self, metadata: Object) -> bytes:
        """Return the end, with the list's metadata."""


@attrs.define
class CompactList:
    """JSON in one line."""

    step: int = 250
    _begun: bool = False

    def head(self, head: Object, items_key: str) -> bytes:
        """Return the beginning."""
        return b'%s,"%s":[' % (dump_json(head)[:-1], items_key.encode())

    def items(self, items: Sequence[Object]) -> bytes:
        """Return more items."""
        comma = b"," if self._begun else b""
        self._begun = True
        return comma + dump_json(items)[1:-1]

    def end(self, metadata: Object) -> bytes:
        """Return the end."""
        return b'],"metadata":%s}' % dump_json(metadata)


@attrs.define
class PrettyList:
    """JSON for people: as a whole document would be indented."""

    step: int = 50
    _begun: bool = False

    def head(self, head: Object, items_key: str) -> bytes:
        """Return the beginning."""
        return b'%s,\n  "%s": [' % (_pretty(head)[:-2], items_key.encode())

    def items(self, items: Sequence[Object]) -> bytes:
        """Return more items."""
        written = [b"\n    " + _pretty(item).replace(b"\n", b"\n    ") for item in items]
        comma = b"," if self._begun else b""
        self._begun = True
        return comma + b",".join(written)

    def end(self, metadata: Object) -> bytes:
        """Return the end."""
        close = b"\n  ]" if self._begun else b"]"
        indented = _pretty(metadata).replace(b"\n", b"\n  ")
        return b'%s,\n  "metadata": %s\n}\n' % (close, indented)


@attrs.define
class YAMLList:
    """One YAML document."""

    step: int = 4
    _key: str = ""

    def head(self, head: Object, items_key: str) -> bytes:
        """Return the beginning; the key of the items follows when it is known whether any do."""
        self._key = items_key
        return dump_yaml(head)

    def items(self, items: Sequence[Object]) -> bytes:
        """Return more items."""
        key, self._key = self._key, ""
        written = b"".join(b"- " + _yaml(item).replace(b"\n", b"\n  ")[:-2] for item in items)
        return (f"{key}:\n".encode() if key else b"") + written

    def end(self, metadata: Object) -> bytes:
        """Return the end."""
        nothing = f"{self._key}: []\n".encode() if self._key else b""
        return nothing + dump_yaml({"metadata": metadata})


def list_encoder(media: str, *, pretty: bool) -> ListEncoder:
    """Return what writes one list in a media type."""
    if media == YAML:
        return YAMLList()
    return PrettyList() if pretty else CompactList()


def _pretty(value: object) -> bytes:
    return dump_pretty_json(value).rstrip(b"\n")
