"""Label and field selectors: text to requirements.

Labels follow apimachinery's labels/selector.go to the letter. Fields follow fields/selector.go, and
take more: `>`, `<`, `in (…)`, `notin (…)`, as the first kjournal's users write them.

A selector is tested on every record, so that its length, terms, values and paths are bounded.
"""

import re
from collections.abc import Iterator

import attrs

from kjournal.errors import BadRequest
from kjournal.query.model import Operator

MAX_SELECTOR_CHARS = 32_768
MAX_TERMS = 100
MAX_VALUES = 1000
MAX_PATH_CHARS = 256
MAX_PATH_DOTS = 16
MAX_DOTS = 200
"""In all paths of a selector: each is a look into each record."""
_NAME = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)")
_PREFIX = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_SET_WORD = re.compile(r"\s(in|notin)\Z")
_SET_WORD_CHARS = 6
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# Possessive: a selector of nothing but blanks is refused in linear time.
_LABEL_TERM = re.compile(
    r"\s*+(?:(?P<missing>!)\s*+(?P<absent>[^\s!=<>(),]++)"
    r"|(?P<key>[^\s!=<>(),]++)\s*+"
    r"(?:(?P<op>==|=|!=|<|>)\s*+(?P<value>[^\s!=<>(),]*+)"
    r"|(?P<set>\b(?:in|notin)\b)\s*+\((?P<values>[^()]*+)\))?)\s*+(?:,|$)"
)
_SET_TERM = re.compile(
    r"\s*(?P<key>[^\s!=<>(),]+)\s+(?P<set>in|notin)\s*\((?P<values>.*)\)\s*", re.DOTALL
)
_SPLIT = {"==": Operator.IN, "!=": Operator.NOT_IN, "=": Operator.IN}
_COMPARE = {">": Operator.GREATER, "<": Operator.LESS}
_SETS = {"in": Operator.IN, "notin": Operator.NOT_IN}


@attrs.frozen
class Requirement:
    """One term of a selector. For labels `key` is the label, for fields the API path."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.key} {self.operator.value} ({','.join(self.values)})"


def parse_labels(text: str) -> tuple[Requirement, ...]:
    """Return the requirements of a labelSelector, all of which must hold; none for blank text.

    Raises: BadRequest that quotes the part it cannot read.
    Source: apimachinery labels/selector.go, Parse.
    """
    _bound(text, "labelSelector")
    if not text.strip():
        return ()
    found, at = [], 0
    while at < len(text) or text[at - 1] == ",":
        term = _LABEL_TERM.match(text, at)
        if term is None or term.end() == at:
            raise BadRequest(
                f'unable to parse labelSelector "{_shown(text)}": cannot read '
                f'"{_shown(text[at:])}"; '
                "allowed are key, !key, key=value, key!=value, key in (a,b), key notin (a,b), "
                "key>number and key<number, separated by commas"
            )
        found.append(_label_requirement(term))
        _bound_terms(len(found), "labelSelector")
        at = term.end()
    return tuple(found)


def _label_requirement(term: re.Match[str]) -> Requirement:
    if term["missing"]:
        return Requirement(_label_key(term["absent"]), Operator.MISSING)
    key = _label_key(term["key"])
    if term["set"]:
        members = term["values"].split(",")
        _bound_values(len(members), "labelSelector")
        values = tuple(sorted({value.strip() for value in members}))
        return Requirement(key, _SETS[term["set"]], tuple(_label_value(key, v) for v in values))
    if term["op"] is None:
        return Requirement(key, Operator.EXISTS)
    if term["op"] in _COMPARE:
        if not _INTEGER.fullmatch(term["value"]):
            raise BadRequest(
                f'labelSelector: "{_shown(key)}{term["op"]}" needs an integer, '
                f'found "{_shown(term["value"])}"'
            )
        return Requirement(key, _COMPARE[term["op"]], (term["value"],))
    return Requirement(key, _SPLIT[term["op"]], (_label_value(key, term["value"]),))


def _label_key(key: str) -> str:
    prefix, slash, name = key.rpartition("/")
    if not _NAME.fullmatch(name) or (
        slash and (len(prefix) > 253 or not _PREFIX.fullmatch(prefix))
    ):
        raise BadRequest(
            f'labelSelector: "{_shown(key)}" is no label key; allowed is [DNS-subdomain/]name, '
            "the name of up to 63 letters, digits, '-', '_' and '.'"
        )
    return key


def _label_value(key: str, value: str) -> str:
    if not _VALUE.fullmatch(value):
        raise BadRequest(
            f'labelSelector: "{_shown(value)}" is no value for the label "{_shown(key)}"; allowed '
            "are up to 63 letters, digits, '-', '_' and '.'"
        )
    return value


def parse_fields(text: str) -> tuple[Requirement, ...]:
    r"""Return the requirements of a fieldSelector, all of which must hold; none for empty text.

    Terms are separated by commas outside parentheses; `\\`, `\,` and `\=` stand for a backslash, a
    comma and an equals sign in a value. Keys are not checked here.
    Raises: BadRequest that quotes the part it cannot read.
    Source: apimachinery fields/selector.go, ParseSelector.
    """
    _bound(text, "fieldSelector")
    terms = [term for term in _field_terms(text) if term.strip()]
    _bound_terms(len(terms), "fieldSelector")
    found = tuple(map(_field_requirement, terms))
    if sum(requirement.key.count(".") for requirement in found) > MAX_DOTS:
        raise BadRequest(f"fieldSelector has more than {MAX_DOTS} dots in its fields")
    return found


def _field_terms(text: str) -> Iterator[str]:
    start, depth, at = 0, 0, 0
    word_end = 0  # after the last character that is no blank
    while at < len(text):
        char = text[at]
        if char == "\\":
            at += 1
        elif char == "(" and (depth or _opens_set(text, start, word_end)):
            depth += 1
        elif char == ")" and depth:
            depth -= 1
        elif char == "," and not depth:
            yield text[start:at]
            start = at + 1
        at += 1
        if not char.isspace():
            word_end = at
    yield text[start:]


def _opens_set(text: str, start: int, word_end: int) -> bool:
    word = text[max(start, word_end - _SET_WORD_CHARS) : word_end]
    return _SET_WORD.search(word) is not None


def _field_requirement(term: str) -> Requirement:
    in_set = _SET_TERM.fullmatch(term)
    if in_set is not None:
        members = list(_field_terms(in_set["values"]))
        _bound_values(len(members), "fieldSelector")
        values = tuple(_unescaped(term, value.strip()) for value in members)
        return Requirement(_field_key(in_set["key"]), _SETS[in_set["set"]], values)
    split = re.search(r"!=|==|=|>|<", term)
    key = term[: split.start()].strip() if split else ""
    if split is None or not key:
        raise BadRequest(
            f'invalid field selector "{_shown(term)}": allowed are field=value, field!=value, '
            "field>value, field<value, field in (a,b) and field notin (a,b), separated by commas"
        )
    value = _unescaped(term, term[split.end() :])
    operator = _COMPARE.get(split.group()) or _SPLIT[split.group()]
    return Requirement(_field_key(key), operator, (value,))


def _field_key(key: str) -> str:
    if len(key) > MAX_PATH_CHARS or key.count(".") > MAX_PATH_DOTS or _CONTROL.search(key):
        raise BadRequest(
            f'fieldSelector: "{_shown(key)}" is no field; allowed are {MAX_PATH_CHARS} characters '
            f"and {MAX_PATH_DOTS} dots at most, and no control characters"
        )
    return key


def _unescaped(term: str, value: str) -> str:
    if "\\" not in value and "=" not in value:
        return value
    if re.search(r"(?<!\\)(?:\\\\)*=", value):
        raise BadRequest(
            f'invalid field selector "{_shown(term)}": write \\= for an equals sign in a value'
        )
    if re.search(r"(?<!\\)(?:\\\\)*\\(?![\\,=])", value):
        raise BadRequest(
            f'invalid field selector "{_shown(term)}": only \\\\, \\, and \\= are escapes'
        )
    return re.sub(r"\\([\\,=])", r"\1", value)


def _bound(text: str, name: str) -> None:
    if len(text) > MAX_SELECTOR_CHARS:
        raise BadRequest(f"{name} is longer than {MAX_SELECTOR_CHARS} characters")


def _bound_terms(count: int, name: str) -> None:
    if count > MAX_TERMS:
        raise BadRequest(f"{name} has more than {MAX_TERMS} terms")


def _bound_values(count: int, name: str) -> None:
    if count > MAX_VALUES:
        raise BadRequest(f"{name} has a set of more than {MAX_VALUES} values")


def _shown(text: str) -> str:
    """A client's text inside a message: bounded, without control characters."""
    printable = "".join(char if char.isprintable() else "?" for char in text[:100])
    return printable + ("…" if len(text) > 100 else "")
