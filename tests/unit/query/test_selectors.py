"""Selectors: text to requirements, and nothing but BadRequest for what cannot be read."""

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kjournal.errors import BadRequest
from kjournal.query.model import Operator
from kjournal.query.selectors import (
    MAX_DOTS,
    MAX_PATH_CHARS,
    MAX_PATH_DOTS,
    MAX_SELECTOR_CHARS,
    MAX_TERMS,
    MAX_VALUES,
    Requirement,
    parse_fields,
    parse_labels,
)

IN, NOT_IN = Operator.IN, Operator.NOT_IN
EXISTS, MISSING = Operator.EXISTS, Operator.MISSING
GREATER, LESS = Operator.GREATER, Operator.LESS

ALNUM = string.ascii_letters + string.digits
edges = st.sampled_from(ALNUM)
inner = st.text(alphabet=ALNUM + "-_.", max_size=20)
names = st.builds(lambda a, b, c: a + b + c, edges, inner, edges)
prefixes = st.from_regex(r"[a-z0-9]{1,5}(\.[a-z]{1,5}){0,2}", fullmatch=True)
keys = names | st.builds(lambda prefix, name: f"{prefix}/{name}", prefixes, names)
values = st.just("") | names
blanks = st.sampled_from(["", " ", "  ", "\t"])


@st.composite
def label_terms(draw: st.DrawFn) -> tuple[str, Requirement]:
    key, pad, more = draw(keys), draw(blanks), draw(blanks)
    operator = draw(st.sampled_from(list(Operator)))
    if operator is EXISTS:
        return f"{pad}{key}{more}", Requirement(key, EXISTS)
    if operator is MISSING:
        return f"{pad}!{more}{key}", Requirement(key, MISSING)
    if operator in (GREATER, LESS):
        number = str(draw(st.integers(-(2**63), 2**63 - 1)))
        return f"{key}{pad}{operator.value}{more}{number}", Requirement(key, operator, (number,))
    if draw(st.booleans()):
        value = draw(values)
        sign = draw(st.sampled_from(["=", "=="])) if operator is IN else "!="
        return f"{key}{pad}{sign}{more}{value}", Requirement(key, operator, (value,))
    several = draw(st.sets(values, min_size=1, max_size=4))
    listed = f"{more},{pad}".join(sorted(several))
    text = f"{key} {operator.value}{pad}({more}{listed}{pad})"
    return text, Requirement(key, operator, tuple(sorted(several)))


@given(st.lists(label_terms(), min_size=1, max_size=5))
def test_labels_round_trip(terms: list[tuple[str, Requirement]]) -> None:
    """Text made from requirements reads back as the same requirements."""
    text = ",".join(term for term, _ in terms)
    assert parse_labels(text) == tuple(requirement for _, requirement in terms)


paths = st.from_regex(r"[a-zA-Z@_][a-zA-Z0-9_./-]{0,20}", fullmatch=True)
anything = st.text(max_size=20)


def escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(",", "\\,").replace("=", "\\=")


@st.composite
def field_terms(draw: st.DrawFn) -> tuple[str, Requirement]:
    key, value = draw(paths), draw(anything)
    sign, operator = draw(
        st.sampled_from([("=", IN), ("==", IN), ("!=", NOT_IN), (">", GREATER), ("<", LESS)])
    )
    # An opening parenthesis after ` in ` is the beginning of a set.
    if "(" in value:
        value = value.replace("(", "")
    return f"{key}{sign}{escaped(value)}", Requirement(key, operator, (value,))


@given(st.lists(field_terms(), max_size=5))
def test_fields_round_trip(terms: list[tuple[str, Requirement]]) -> None:
    """Any value comes back whole through the three escapes, blanks included."""
    text = ",".join(term for term, _ in terms)
    assert parse_fields(text) == tuple(requirement for _, requirement in terms)


@given(paths, st.lists(st.from_regex(r"[a-z0-9:.-]{1,9}", fullmatch=True), min_size=1, max_size=4))
def test_field_sets(key: str, members: list[str]) -> None:
    """A set of values is one requirement."""
    assert parse_fields(f"{key} in ({', '.join(members)})") == (
        Requirement(key, IN, tuple(members)),
    )
    assert parse_fields(f"a=b,{key} notin ({','.join(members)}),c=d")[1] == Requirement(
        key, NOT_IN, tuple(members)
    )


noise = st.text(alphabet="ab !=<>(),\\/.-_in notin\t\n5é", max_size=60) | st.text(max_size=60)


@given(noise)
def test_only_bad_request(text: str) -> None:
    """Whatever a client sends is read or is a BadRequest."""
    for parse in (parse_labels, parse_fields):
        try:
            found = parse(text)
        except BadRequest as error:
            assert len(error.message) < 1000  # noqa: PT017 - a bound on every message
        else:
            assert all(isinstance(requirement, Requirement) for requirement in found)


@pytest.mark.parametrize(
    "text",
    [
        "a" + " " * 30_000 + "b",
        " " * 32_000 + "(",
        "(" * 32_000,
        " in x(" * 5_000,
        "\\" * 32_000,
        "a in (" + ")  " * 10_000 + "y",
        "a" * 32_000 + "!",
    ],
)
def test_long_nonsense(text: str) -> None:
    """A long selector is refused in linear time: quadratic, each of these took seconds."""
    for parse in (parse_labels, parse_fields):
        with pytest.raises(BadRequest):
            parse(text)


class Counted(str):
    """Text that counts how many of its characters were copied out of it."""

    copied = 0

    def __getitem__(self, at: Any) -> str:
        found = super().__getitem__(at)
        self.copied += len(found)
        return found


def test_linear() -> None:
    """A selector full of parentheses is looked at a few times, not once for each of them."""
    text = Counted("a" + "(" * 32_000)
    with pytest.raises(BadRequest):
        parse_fields(text)
    assert text.copied < 20 * len(text)


@pytest.mark.parametrize("parse", [parse_labels, parse_fields])
def test_bound(parse: object) -> None:
    """A selector beyond the bound is refused before it is read."""
    with pytest.raises(BadRequest, match="longer than"):
        parse("a" * (MAX_SELECTOR_CHARS + 1))  # type: ignore[operator]


@pytest.mark.parametrize(
    ("parse", "term", "limit"),
    [
        (parse_labels, "a!=b", MAX_TERMS),
        (parse_labels, "!a", MAX_TERMS),
        (parse_fields, "a!=b", MAX_TERMS),
        (parse_fields, "a in (b,c)", MAX_TERMS),
    ],
)
def test_terms_are_counted(parse: Any, term: str, limit: int) -> None:
    """So many terms are read, and one more is refused by a message that says how many."""
    assert len(parse(",".join([term] * limit))) == limit
    with pytest.raises(BadRequest, match=f"more than {limit} terms"):
        parse(",".join([term] * (limit + 1)))


@pytest.mark.parametrize("parse", [parse_labels, parse_fields])
def test_values_are_counted(parse: Any) -> None:
    """So many values stand in one set; of the same value many are as one, but are counted."""
    for values in ([str(n) for n in range(MAX_VALUES)], ["x"] * MAX_VALUES):
        assert len(parse(f"a in ({','.join(values)})")) == 1
        with pytest.raises(BadRequest, match=f"more than {MAX_VALUES} values"):
            parse(f"a in ({','.join([*values, 'y'])})")


@pytest.mark.parametrize(
    ("path", "readable"),
    [
        ("p" * MAX_PATH_CHARS, True),
        ("p" * (MAX_PATH_CHARS + 1), False),
        ("payload" + ".a" * MAX_PATH_DOTS, True),
        ("payload" + ".a" * (MAX_PATH_DOTS + 1), False),
        ("payload" + ".a" * 16_000, False),
        ("payload.é", True),
        *((f"payload.{control}", False) for control in ("\0", "a\0b", "\x1b", "\x7f", "a\x80b")),
    ],
)
@pytest.mark.parametrize("end", ["=x", "!=x", ">5", " in (x)"])
def test_field_paths_are_bounded(path: str, readable: bool, end: str) -> None:
    """A field path that is too long, too deep or no text is refused, and the limit is told."""
    if readable:
        assert parse_fields(path + end)[0].key == path
        return
    with pytest.raises(BadRequest, match=f"{MAX_PATH_CHARS} characters and {MAX_PATH_DOTS} dots"):
        parse_fields(path + end)


def test_dots_are_counted() -> None:
    """Many deep paths are refused, as one that is too deep is."""
    term = "payload" + ".a" * 10 + "!=x"
    assert len(parse_fields(",".join([term] * (MAX_DOTS // 10)))) == MAX_DOTS // 10
    with pytest.raises(BadRequest, match=f"more than {MAX_DOTS} dots"):
        parse_fields(",".join([term] * (MAX_DOTS // 10 + 1)))


@pytest.mark.parametrize("value", ["a\0b", "\0", "\x1b[31m", "a\tb", "a\nb"])
def test_control_characters_in_values(value: str) -> None:
    """A value is any text, alone or in a set."""
    assert parse_fields(f"a={value}") == (Requirement("a", IN, (value,)),)
    assert parse_fields(f"a in ({value},b)") == (Requirement("a", IN, (value, "b")),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("  ", ()),
        ("x in (b, a ,b)", (Requirement("x", IN, ("a", "b")),)),
        ("x in ()", (Requirement("x", IN, ("",)),)),
        ("x=", (Requirement("x", IN, ("",)),)),
        ("in in (in)", (Requirement("in", IN, ("in",)),)),
        ("!x , y", (Requirement("x", MISSING), Requirement("y", EXISTS))),
        ("x>-5", (Requirement("x", GREATER, ("-5",)),)),
    ],
)
def test_labels(text: str, expected: tuple[Requirement, ...]) -> None:
    """Labels are read as by apimachinery."""
    assert parse_labels(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *(",", "a,", "a,,b", "=a", "a=b c", "a in b", "a in (b", "a in (b))", "a in ((b))"),
        *("a>", "a>x", "a>1.5", "a>٣", "a>99999999999999999999", "a!", "!a=b", "!!a", "a===b"),
        *("-a=b", "a/b/c=d", "A.b/c=d", "/a", "a/", "a=-b", "a=b/c", "a" * 64, "a=" + "b" * 64),
        "a" * 254 + "/x",
        "a in (b,-c)",
    ],
)
def test_refused_labels(text: str) -> None:
    """What apimachinery refuses is refused."""
    with pytest.raises(BadRequest):
        parse_labels(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        (",,", ()),
        ("a=", (Requirement("a", IN, ("",)),)),
        ("a= b ", (Requirement("a", IN, (" b ",)),)),
        (" a =b", (Requirement("a", IN, ("b",)),)),
        (r"a=b\,c\=d\\", (Requirement("a", IN, ("b,c=d\\",)),)),
        ("a=f(x),b=c", (Requirement("a", IN, ("f(x)",)), Requirement("b", IN, ("c",)))),
        ("a>1,a<2", (Requirement("a", GREATER, ("1",)), Requirement("a", LESS, ("2",)))),
        (r"a in (b\,c, d)", (Requirement("a", IN, ("b,c", "d")),)),
    ],
)
def test_fields(text: str, expected: tuple[Requirement, ...]) -> None:
    """Fields are read as by apimachinery, and sets and comparisons beyond it."""
    assert parse_fields(text) == expected


@pytest.mark.parametrize("text", ["a", "=b", "a=b=c", r"a=\b", r"a=\\\b", "a=b\\", "a>=5", "a in"])
def test_refused_fields(text: str) -> None:
    """A term without a key or operator, a bare equals sign, an unknown escape."""
    with pytest.raises(BadRequest):
        parse_fields(text)


def test_message() -> None:
    """A message quotes the client's text bounded and without control characters."""
    with pytest.raises(BadRequest) as caught:
        parse_fields("a\x1b[31m" + "x" * 500)
    assert "\x1b" not in caught.value.message
    assert "x" * 101 not in caught.value.message


def test_requirement_text() -> None:
    """A requirement prints readably."""
    assert str(Requirement("a", IN, ("b", "c"))) == "a in (b,c)"
