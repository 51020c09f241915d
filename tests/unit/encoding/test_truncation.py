"""Cutting objects: what stays, what goes, and that the rest is never longer than said."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kjournal.codec import dump_json
from kjournal.encoding.truncation import TRUNCATED, truncated

METADATA: dict[str, Any] = {
    "name": "n",
    "namespace": "a",
    "uid": "u",
    "resourceVersion": "5",
    "creationTimestamp": "2026-01-01T00:00:00Z",
    "labels": {"app": "x"},
}


def made(metadata: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """Return an object with these fields."""
    return {
        "kind": "Log",
        "apiVersion": "core.kjournal/v1alpha1",
        "metadata": {**METADATA, **(metadata or {})},
        **fields,
    }


def cut(obj: dict[str, Any], room: int) -> dict[str, Any]:
    """Return the object cut, having checked what holds for every one."""
    before = copy.deepcopy(obj)
    size = len(dump_json(obj))
    found = truncated(obj, room, size)
    assert obj == before
    assert len(dump_json(found)) <= room
    assert found["metadata"]["annotations"][TRUNCATED] == str(size)
    assert truncated(obj, room, size) == found
    for key in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp"):
        assert found["metadata"][key] == obj["metadata"][key]
    assert (found["kind"], found["apiVersion"]) == (obj["kind"], obj["apiVersion"])
    return found


def test_text() -> None:
    """A long text is cut at its end, and nearly all the room is used; what is short stays."""
    found = cut(made(payload="abcdefghij" * 1000, stream="stdout", code=7), 5000)
    assert found["payload"] == ("abcdefghij" * 1000)[: len(found["payload"])]
    assert len(dump_json(found)) > 4950
    assert (found["stream"], found["code"]) == ("stdout", 7)
    assert found["metadata"]["labels"] == {"app": "x"}


@pytest.mark.parametrize("char", ["ü", "€", "😀", "\n", '"', "\\", "\x01", "a\x1f\\"])
@pytest.mark.parametrize("room", range(3000, 3008))
def test_whole_characters(char: str, room: int) -> None:
    """No character and no escape is cut through."""
    text = char * 3000
    found = cut(made(payload=text), room)["payload"]
    assert text.startswith(found)
    assert len(dump_json(found)) > 2600


def test_surrogates() -> None:
    """What is no text of UTF-8 is sent as the codec sends it."""
    found = cut(made(payload="\ud800" * 5000), 3000)["payload"]
    assert set(found) == {"?"}


def test_largest_first() -> None:
    """Long texts are cut to one common length, and a shorter one stays whole."""
    found = cut(made(a="a" * 9000, b="b" * 800, c="c" * 5000), 4000)
    assert len(found["b"]) == 800
    assert 1000 < len(found["a"]) == len(found["c"])
    assert list(found) == ["kind", "apiVersion", "metadata", "a", "b", "c"]


def test_inside() -> None:
    """Of an object and of a list the largest members are cut in the same way."""
    payload = {"log": "x" * 9000, "level": "info", "list": [1, "y" * 9000, {"z": "z" * 9000}]}
    found = cut(made(payload=payload), 6000)["payload"]
    assert found["level"] == "info"
    assert 2000 < len(found["log"]) < 3000
    number, text, inner = found["list"]
    assert number == 1
    assert 900 < len(text) < 1500
    assert 900 < len(inner["z"]) < 1500


def test_long_list() -> None:
    """A list of many small elements is cut at its end, one of unlike elements loses its largest."""
    found = cut(made(payload=[100 + n % 900 for n in range(5000)]), 4000)["payload"]
    assert found == [100 + n % 900 for n in range(len(found))]
    assert len(found) > 800
    found = cut(made(payload=["x" * (n % 100) for n in range(1000)]), 4000)["payload"]
    assert max(map(len, found)) < 30
    assert len(found) > 200


def test_many_members() -> None:
    """An object of many short members keeps the shortest whole."""
    found = cut(made(payload={f"k{n:04}": "x" * 100 for n in range(1000)}), 8000)["payload"]
    assert set(map(len, found.values())) == {100}
    assert list(found) == [f"k{n:04}" for n in range(len(found))]
    assert len(found) > 50


def test_left_out() -> None:
    """A number that is too long, and what lies too deep, are left out."""
    deep: Any = "x" * 9000
    for _ in range(10):
        deep = {"in": deep}
    found = cut(made(number=10**4000, payload=deep, short="s"), 3000)
    assert "number" not in found
    assert found["short"] == "s"
    assert b"xx" not in dump_json(found)


def test_metadata_last() -> None:
    """Labels and annotations are cut only if they alone are too long, and then fields go first."""
    obj = made({"annotations": {"long": "x" * 9000, "short": "s"}}, payload="p" * 9000, other="o")
    found = cut(obj, 15_000)
    assert found["metadata"]["annotations"]["long"] == "x" * 9000
    assert 5000 < len(found["payload"]) < 9000
    found = cut(obj, 5000)
    assert sorted(found) == ["apiVersion", "kind", "metadata"]
    annotations = found["metadata"]["annotations"]
    assert 4000 < len(annotations["long"]) < 5000
    assert annotations["short"] == "s"
    assert found["metadata"]["labels"] == {"app": "x"}


def test_namespace_of_any_length() -> None:
    """Even an identity that no cluster could have does not make an object too long."""
    found = truncated(made({"namespace": "a" * 9000}, payload="p"), 4000, 10_000)
    assert len(dump_json(found)) <= 4000
    assert found["metadata"]["name"] == "n"
    assert found["metadata"]["annotations"] == {TRUNCATED: "10000"}


VALUES = st.recursive(
    st.text(max_size=2000) | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=20,
)


@given(
    fields=st.dictionaries(st.sampled_from("abcdefgh"), VALUES),
    annotations=st.dictionaries(st.text(max_size=9), st.text(max_size=3000), max_size=5),
    room=st.integers(min_value=400, max_value=9000),
)
def test_never_longer(fields: dict[str, Any], annotations: dict[str, str], room: int) -> None:
    """Whatever an object holds, it comes out no longer than said, and never the other way round."""
    cut(made({"annotations": annotations}, **fields), room)
