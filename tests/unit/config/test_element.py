"""A place in a YAML file: lines, paths, and no secrets."""

import pytest

from kjournal.config.element import Element, read_yaml
from kjournal.config.mistakes import Mistakes
from kjournal.errors import ConfigError


def top_of(text: str) -> Element:
    mistakes = Mistakes()
    top = read_yaml(text, "c.yaml", mistakes)
    mistakes.raise_any()
    assert top is not None
    return top


def mistakes_of(text: str) -> list[tuple[str, str]]:
    with pytest.raises(ConfigError) as caught:
        top_of(text)
    return [(one.where, one.found) for one in caught.value.mistakes]


@pytest.mark.parametrize(
    ("text", "where", "found"),
    [
        ("a: 1\nb: [", "c.yaml:2", "no YAML"),
        ("a: b: c", "c.yaml:1", "mapping values are not allowed here"),
        ("a\n\t- b: c", "c.yaml:2", "no YAML"),
        ("a: 1\n---\nb: 2", "c.yaml:2", "but found another document"),
        ("", "c.yaml", "nothing"),
        ("# only a comment", "c.yaml", "nothing"),
        ("a: \x00", "c.yaml", "a character that YAML does not allow"),
        ('a: "\\Uffffffff"', "c.yaml", "an escape that is no character"),
        ("[" * 5000, "c.yaml", "nested too deep"),
    ],
)
def test_no_yaml_is_told_with_its_line(text: str, where: str, found: str) -> None:
    ((told_where, told_found),) = mistakes_of(text)
    assert told_where == where
    assert found in told_found


@pytest.mark.parametrize(
    "text", ["a: *hunter2", "a: !hunter2!x b", 'a: "hunter2', "a: 'x' hunter2"]
)
def test_a_syntax_error_quotes_nothing(text: str) -> None:
    """The text may be an expanded password."""
    assert "hunter2" not in str(mistakes_of(text))


def test_scalars_stay_texts() -> None:
    """YAML's numbers, times and truths are texts where a text is wanted."""
    top = top_of("a: 0123\nb: 2026-01-31T12:00:00Z\nc: yes\nd: 1_0:30")
    found = {name: one.parsed(str) for name, one in top.entries(("a", "b", "c", "d")).items()}
    assert found == {"a": "0123", "b": "2026-01-31T12:00:00Z", "c": "yes", "d": "1_0:30"}


def test_a_key_twice_is_a_mistake() -> None:
    top = top_of("a: 1\nb: 2\na: 3")
    top.entries(("a", "b"))
    with pytest.raises(ConfigError, match='the key "a" twice') as caught:
        top.mistakes.raise_any()
    assert caught.value.mistakes[0].where == "c.yaml:3: (top)"


def test_merged_mappings_stand_behind_the_own_keys() -> None:
    top = top_of("x: &x {a: 1, b: 2}\ny:\n  <<: [*x]\n  b: 3")
    y = top.entries(("x", "y"))["y"].entries(("a", "b"))
    top.mistakes.raise_any()
    assert {name: one.parsed(str) for name, one in y.items()} == {"a": "1", "b": "3"}


@pytest.mark.parametrize("text", ["&x\n<<: *x\na: 1", "<<: 5", "? [a]\n: 1", "? {}\n: 1"])
def test_mappings_that_are_none(text: str) -> None:
    top = top_of(text)
    top.entries(("a",))
    with pytest.raises(ConfigError):
        top.mistakes.raise_any()


def test_a_tag_is_no_part_of_a_text() -> None:
    """An unquoted password that begins with `!` would lose its beginning."""
    top = top_of("a: !abc def")
    assert top.entries(("a",))["a"].parsed(str) is None
    with pytest.raises(ConfigError, match="a YAML tag") as caught:
        top.mistakes.raise_any()
    assert "abc" not in str(caught.value)


@pytest.mark.parametrize("text", ["maybe", "1", '"true"', "[true]", "{}"])
def test_truth_is_true_or_false(text: str) -> None:
    top = top_of(f"a: {text}")
    assert top.entries(("a",))["a"].truth() is None
    with pytest.raises(ConfigError, match="true or false"):
        top.mistakes.raise_any()
