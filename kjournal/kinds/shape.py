"""The shapes that API fields have: how a stored value is brought into shape, and its schema."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from kjournal.codec import format_micros, format_seconds, parse_time_us
from kjournal.query.paths import ABSENT, scalars_of, text_of

Coerce = Callable[[Any], Any]
"""A stored value to an API value, or ABSENT where it has not the shape."""


@attrs.frozen
class Shape:
    """`free` shapes have any path below them; `scalar` ones can be selected as they are.

    `reshapes` says that the text of a value may differ from that of the stored one.
    """

    coerce: Coerce
    schema: Mapping[str, Any]
    scalar: bool = False
    free: bool = False
    reshapes: bool = False


@attrs.frozen
class Field:
    """One field of a kind. Without a map of its own it is read from `sources`, else from its name.

    `fields` are known members of an object; members that are not known stay as they are.
    """

    name: str
    shape: Shape
    doc: str
    sources: tuple[str, ...] = ()
    fields: tuple["Field", ...] = ()

    def coerced(self, value: Any) -> Any:
        """Return a stored value in this field's shape, or ABSENT."""
        shaped = self.shape.coerce(value)
        if not self.fields or shaped is ABSENT:
            return shaped
        whole = dict(shaped)
        for member in self.fields:
            if member.name in whole:
                inner = member.coerced(whole[member.name])
                if inner is ABSENT:
                    del whole[member.name]
                else:
                    whole[member.name] = inner
        return whole


def member_of(fields: tuple[Field, ...], path: str) -> Field | None:
    """Return the field at an API path, or None where only free shapes are."""
    name, _, rest = path.partition(".")
    for field in fields:
        if field.name == name:
            return member_of(field.fields, rest) if rest else field
    return None


def reshaped(fields: tuple[Field, ...], prefix: str = "") -> Iterator[str]:
    """Yield the API paths whose value is not the stored text."""
    for field in fields:
        if field.shape.reshapes:
            yield prefix + field.name
        yield from reshaped(field.fields, f"{prefix}{field.name}.")


def _text(value: Any) -> Any:
    text = text_of(value)
    return ABSENT if text is None else text


def _int32(value: Any) -> Any:
    """Return a whole number that Go's int32 holds: a client decodes no list with any other."""
    if isinstance(value, bool):
        return ABSENT
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return ABSENT
    return number if -(2**31) <= number < 2**31 else ABSENT


def _seconds(value: Any) -> Any:
    time_us = parse_time_us(value)
    return ABSENT if time_us is None else format_seconds(time_us)


def _micros(value: Any) -> Any:
    time_us = parse_time_us(value)
    return ABSENT if time_us is None else format_micros(time_us)


def _texts(value: Any) -> Any:
    return scalars_of([value]) or ABSENT


def strings(value: Any) -> Any:
    """Return a flat map of text to text; nested keys are joined by dots, null members are left out.

    Elasticsearch and shippers nest `app.kubernetes.io/name`; a client decodes only text to text.
    """
    if not isinstance(value, dict):
        return ABSENT
    flat: dict[str, str] = {}
    for key, member in value.items():
        inner = strings(member)
        if inner is ABSENT:
            text = text_of(member)
            if text is not None:
                flat[str(key)] = text
        else:
            flat.update({f"{key}.{rest}": text for rest, text in inner.items()})
    return flat


def _mapping(value: Any) -> Any:
    return value if isinstance(value, dict) else ABSENT


def _any(value: Any) -> Any:
    return value


_DATE_TIME = {"type": "string", "format": "date-time"}

TEXT = Shape(_text, {"type": "string"}, scalar=True)
INTEGER = Shape(_int32, {"type": "integer", "format": "int32"}, scalar=True, reshapes=True)
TIME = Shape(_seconds, _DATE_TIME, scalar=True, reshapes=True)
MICRO_TIME = Shape(_micros, _DATE_TIME, scalar=True, reshapes=True)
TEXTS = Shape(_texts, {"type": "array", "items": {"type": "string"}}, scalar=True)
STRINGS = Shape(strings, {"type": "object", "additionalProperties": {"type": "string"}}, free=True)
OBJECT = Shape(_mapping, {"type": "object"})
FREE_OBJECT = Shape(
    _mapping, {"type": "object", "x-kubernetes-preserve-unknown-fields": True}, free=True
)
ANY = Shape(_any, {"x-kubernetes-preserve-unknown-fields": True}, scalar=True, free=True)
