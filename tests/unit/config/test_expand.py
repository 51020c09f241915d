"""Variables of the environment in the text of a config."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kjournal.config.expand import UNSET, expand
from kjournal.config.mistakes import Mistakes
from kjournal.errors import ConfigError

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)


def expanded(text: str, **environ: str) -> str:
    mistakes = Mistakes()
    found = expand(text, environ, "c.yaml", mistakes)
    mistakes.raise_any()
    return found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("$A", "1"),
        ("${A}", "1"),
        ("x${A}y$A.z", "x1y1.z"),
        ("$$A", "$A"),
        ("$$$A", "$1"),
        ("$$$$", "$$"),
        ("$", "$"),
        ("a$ b", "a$ b"),
        ("p$5w0rd$", "p$5w0rd$"),
        ("$-$*$#", "$-$*$#"),
        ("# $UNSET ${\n  # ${UNSET}\n$A", "# $UNSET ${\n  # ${UNSET}\n1"),
        ("${EMPTY}", ""),
        ("$DOLLAR", "$A"),
    ],
)
def test_names_are_replaced_and_other_dollars_stay(text: str, found: str) -> None:
    assert expanded(text, A="1", EMPTY="", DOLLAR="$A") == found


def test_an_unset_variable_is_named_with_its_line() -> None:
    """The first kjournal read it as the empty text."""
    with pytest.raises(ConfigError) as caught:
        expanded("a: 1\nb: ${NOPE}\nc: $ALSO_NOT")
    assert [(one.where, one.found) for one in caught.value.mistakes] == [
        ("c.yaml:2", "the variable NOPE, which is unset"),
        ("c.yaml:3", "the variable ALSO_NOT, which is unset"),
    ]


@pytest.mark.parametrize("text", ["${", "${}", "${A", "${A-b}", "${A:-x}", "${1}", "${ A }"])
def test_a_brace_needs_a_name(text: str) -> None:
    with pytest.raises(ConfigError, match="without a name"):
        expanded(text, A="1")


@given(st.text())
def test_doubling_dollars_keeps_any_text(text: str) -> None:
    assert expanded(text.replace("$", "$$")) == "\n".join(
        line.replace("$", "$$") if line.lstrip().startswith("#") else line
        for line in text.split("\n")
    )


@given(NAMES, st.text(), st.text(alphabet=string.ascii_letters + " :\n"))
def test_a_value_is_taken_as_it_is(name: str, value: str, around: str) -> None:
    """What a variable holds is not expanded again."""
    assert expanded(f"{around}${{{name}}}{around}", **{name: value}) == around + value + around


@given(st.text(), st.dictionaries(NAMES, st.text()))
def test_only_mistakes_come_of_any_text(text: str, environ: dict[str, str]) -> None:
    mistakes = Mistakes()
    found = expand(text, environ, "c.yaml", mistakes)
    if UNSET in found and UNSET not in text + "".join(environ.values()):
        with pytest.raises(ConfigError):
            mistakes.raise_any()
