"""Documents and lists in each media type say the same."""

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kjournal.codec import dump_pretty_json, load_json
from kjournal.encoding.bodies import dump_yaml, encode, list_encoder
from kjournal.encoding.negotiate import JSON, YAML

HEAD = {"kind": "LogList", "apiVersion": "core.kjournal/v1alpha1"}
METADATA = {"resourceVersion": "7", "continue": "abc", "remainingItemCount": 3}
FORMS = [(JSON, False), (JSON, True), (YAML, False)]

scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=20)
scalars |= st.sampled_from(
    [*("y", "N", "no", "on", "null", "~", "1e3", "0x1f", "1_0", "012", "1:30", ".inf", "<<", "="),
     *("2026-01-01", "- a", "a: b", "#x", "", " x", "x\n", "\t", "\u2028", "é", "\U0001f600", "*a")]
)  # fmt: skip
scalars |= st.floats(allow_nan=False, allow_infinity=False)
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


def read(data: bytes, media: str) -> Any:
    return yaml.safe_load(data) if media == YAML else load_json(data)


def written(items: list[Any], media: str, pretty: bool, at_once: int) -> bytes:
    encoder = list_encoder(media, pretty=pretty)
    pieces = [encoder.head(HEAD, "items")]
    pieces += [encoder.items(items[at : at + at_once]) for at in range(0, len(items), at_once)]
    return b"".join([*pieces, encoder.end(METADATA)])


@pytest.mark.parametrize(("media", "pretty"), FORMS)
@pytest.mark.parametrize("count", [0, 1, 2, 5])
@pytest.mark.parametrize("at_once", [1, 2, 10])
def test_a_list(media: str, pretty: bool, count: int, at_once: int) -> None:
    """The pieces are one document with all items, however they come."""
    items = [{"metadata": {"name": str(at)}, "payload": {"a": [1, None]}} for at in range(count)]
    found = read(written(items, media, pretty, at_once), media)
    assert found == {**HEAD, "items": items, "metadata": METADATA}


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_pretty_list(count: int) -> None:
    """A list written in pieces looks like one that is written as a whole."""
    items = [{"metadata": {"name": str(at)}, "list": [1, {"a": []}]} for at in range(count)]
    whole = dump_pretty_json({**HEAD, "items": items, "metadata": METADATA})
    assert written(items, JSON, True, 2) == whole


@given(trees)
@settings(max_examples=300)
def test_yaml_of_anything(value: Any) -> None:
    """YAML is read as what was written: a text stays one, whatever it looks like."""
    assert yaml.safe_load(dump_yaml({"value": value})) == {"value": value}


@pytest.mark.parametrize("text", ["y", "n", "Y", "N", "1e3", "0o7", "0b1", "_1", "1_000", "e3"])
def test_words_of_go(text: str) -> None:
    """What Go takes for a boolean or a number, and PyYAML does not, is in quotes."""
    plain = not text[0].isdigit() and len(text) > 1
    assert dump_yaml({"at": text}) == (f"at: {text}\n" if plain else f'at: "{text}"\n').encode()


def test_no_aliases() -> None:
    """An object that stands in two places is written twice."""
    shared = {"a": "b"}
    assert b"&" not in dump_yaml([shared, shared])
    assert b"*" not in dump_yaml([shared, shared])


@pytest.mark.parametrize(("media", "pretty"), FORMS)
def test_a_document(media: str, pretty: bool) -> None:
    """One object in each form; JSON that is not pretty is one line."""
    document = {**HEAD, "metadata": METADATA}
    data = encode(document, media, pretty=pretty)
    assert read(data, media) == document
    assert (b"\n" in data) is (pretty or media == YAML)


ODD = '\x7f\x80\x85\x9f\u2028\u2029\ufeff\ufffd\U0001f600"\\ \t\n'


def deep(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"x": ODD}
    for _ in range(levels):
        value = {"a": [value]}
    return value


@pytest.mark.parametrize(
    "long",
    [
        {"payload": "x" * 20_000 + ODD},
        {"payload": {str(number): [number, None] for number in range(5000)}},
        {"payload": [ODD] * 2000},
        {"payload": deep(300)},
    ],
)
def test_long_values_in_yaml(long: Any) -> None:
    """What would take long to write in blocks is written in a line; it is the same value."""
    data = encode(long, YAML, pretty=False)
    assert yaml.safe_load(data) == long
    assert data.count(b"\n") == 1
    items = [{"a": 1}, long, {"b": [2, 3]}]
    found = read(written(items, YAML, False, 2), YAML)
    assert found == {**HEAD, "items": items, "metadata": METADATA}
