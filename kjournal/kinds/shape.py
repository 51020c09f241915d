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

    `reshapes` says that the text of a value may differ from that of the stored one. `name` is that
    of the schema, where Kubernetes has one; `member` is the shape of what a map holds.
    """

    coerce: Coerce
    schema: Mapping[str, Any]
    scalar: bool = False
    free: bool = False
    reshapes: bool = False
    name: str = ""
    member: "Shape | None" = None


@attrs.frozen
class Struct:
    """A type of objects: `name` is that of its schema, `fields` are the members that are known."""

    name: str
    doc: str
    fields: tuple["Field", ...]
    required: tuple[str, ...] = ()
    _folded: Mapping[str, "Field"] = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        folded = {field.name.casefold(): field for field in self.fields}
        object.__setattr__(self, "_folded", folded)

    def member(self, name: str) -> "Field | None":
        """Return the field that a Go program takes a name for: encoding/json ignores case."""
        return self._folded.get(name.casefold())

    def coerced(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return an object with its known members in their shapes; others stay as they are."""
        whole = {}
        for name, value in document.items():
            field = self.member(name)
            shaped = value if field is None else field.coerced(value)
            if shaped is not ABSENT:
                whole[name] = shaped
        return whole


@attrs.frozen
class Field:
    """One field of a kind. Without a map of its own it is read from `sources`, else from its name.

    `struct` is the type of an object, or of the objects in a list. One that is not `selectable` is
    there for whoever reads the object, and cannot be selected by, nor what is below it.
    """

    name: str
    shape: Shape
    doc: str
    sources: tuple[str, ...] = ()
    struct: Struct | None = None
    selectable: bool = True

    @property
    def fields(self) -> tuple["Field", ...]:
        """The known members, which have paths: those of a list's objects have none."""
        return self.struct.fields if self.struct and self.shape is OBJECT else ()

    def coerced(self, value: Any) -> Any:
        """Return a stored value in this field's shape, or ABSENT."""
        shaped = self.shape.coerce(value)
        if self.struct is None or shaped is ABSENT:
            return shaped
        if self.shape is OBJECTS:
            return [self.struct.coerced(item) for item in shaped]
        return self.struct.coerced(shaped)


def placed_at(fields: tuple[Field, ...], path: str) -> tuple[tuple[str, ...], Field] | None:
    """Return where in an object the value for an API path goes, and in what shape.

    None where nothing can be below, as below a text. What a map holds is one key, with its dots.
    """
    name, _, rest = path.partition(".")
    field = next((field for field in fields if field.name == name), None)
    if field is None:
        return None
    if not rest:
        return (name,), field
    if field.shape.member is not None:
        return (name, rest), Field(rest, field.shape.member, "")
    if field.shape.free or (field.fields and not _is_known(field, rest)):
        return (name, *rest.split(".")), Field(rest, ANY, "")
    below = placed_at(field.fields, rest)
    return None if below is None else ((name, *below[0]), below[1])


def _is_known(field: Field, rest: str) -> bool:
    return field.struct is not None and field.struct.member(rest.partition(".")[0]) is not None


def reshaped(fields: tuple[Field, ...], prefix: str = "") -> Iterator[str]:
    """Yield the API paths whose value is not the stored text."""
    for field in fields:
        if field.shape.reshapes:
            yield prefix + field.name
        yield from reshaped(field.fields, f"{prefix}{field.name}.")


def _text(value: Any) -> Any:
    text = text_of(value)
    return ABSENT if text is None else text


def _whole(bits: int) -> Coerce:
    """Return what takes whole numbers of so many bits: a Go client decodes no list with others."""
    end = 2 ** (bits - 1)

    def coerce(value: Any) -> Any:
        if isinstance(value, bool):
            return ABSENT
        try:
            number = int(value)
        except (TypeError, ValueError, OverflowError):
            return ABSENT
        return number if -end <= number < end else ABSENT

    return coerce


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
    return _flat(value, _text)


def text_lists(value: Any) -> Any:
    """Return a flat map of text to texts; nested keys are joined by dots, as in `strings`."""
    return _flat(value, lambda member: ABSENT if member is None else scalars_of([member]))


def _flat(value: Any, leaf: Coerce) -> Any:
    if not isinstance(value, dict):
        return ABSENT
    flat: dict[str, Any] = {}
    for key, member in value.items():
        inner = _flat(member, leaf)
        if inner is not ABSENT:
            flat.update({f"{key}.{rest}": shaped for rest, shaped in inner.items()})
        elif (shaped := leaf(member)) is not ABSENT:
            flat[str(key)] = shaped
    return flat


def _objects(value: Any) -> Any:
    if not isinstance(value, list):
        return ABSENT
    return [item for item in value if isinstance(item, dict)]


def _mapping(value: Any) -> Any:
    return value if isinstance(value, dict) else ABSENT


def _any(value: Any) -> Any:
    return value


META = "io.k8s.apimachinery.pkg.apis.meta.v1."
"""The schemas of apimachinery's own types are named so."""
_DATE_TIME = {"type": "string", "format": "date-time"}

TEXT = Shape(_text, {"type": "string"}, scalar=True)
INTEGER = Shape(_whole(32), {"type": "integer", "format": "int32"}, scalar=True, reshapes=True)
INTEGER_64 = Shape(_whole(64), {"type": "integer", "format": "int64"}, scalar=True, reshapes=True)
TIME = Shape(_seconds, _DATE_TIME, scalar=True, reshapes=True, name=META + "Time")
MICRO_TIME = Shape(_micros, _DATE_TIME, scalar=True, reshapes=True, name=META + "MicroTime")
TEXTS = Shape(_texts, {"type": "array", "items": {"type": "string"}}, scalar=True)
STRINGS = Shape(
    strings,
    {"type": "object", "additionalProperties": {"type": "string"}},
    free=True,
    member=TEXT,
)
TEXT_LISTS = Shape(
    text_lists,
    {"type": "object", "additionalProperties": TEXTS.schema},
    free=True,
    member=TEXTS,
)
BOOLEAN = Shape(bool, {"type": "boolean"})
OBJECT = Shape(_mapping, {"type": "object"})
OBJECTS = Shape(_objects, {"type": "array"})
FREE_OBJECT = Shape(
    _mapping, {"type": "object", "x-kubernetes-preserve-unknown-fields": True}, free=True
)
ANY = Shape(_any, {"x-kubernetes-preserve-unknown-fields": True}, scalar=True, free=True)
