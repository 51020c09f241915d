"""A place in a YAML file, read in the shape that is expected there; else it is a mistake.

Read from YAML's nodes and not from Python values: a line number is at hand, a time stays the text
that it is, a password of digits is a text, and a key that stands twice is seen.
"""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

import attrs
import yaml

from kjournal.config.expand import UNSET
from kjournal.config.mistakes import Mistakes

_T = TypeVar("_T")
_YAML = "tag:yaml.org,2002:"
_MAX_SHOWN = 60
_USERINFO = re.compile(r":[^@]*@|//[^@]*@")
_NULL = _YAML + "null"
_MERGE = _YAML + "merge"
_TAGS = frozenset(
    _YAML + name
    for name in ("null", "bool", "int", "float", "str", "timestamp", "value", "merge", "map", "seq")
)


@attrs.frozen
class Element:
    """One node of a file, with the path that leads to it."""

    node: yaml.Node
    file: str
    path: str
    mistakes: Mistakes

    def entries(self, known: Sequence[str]) -> dict[str, "Element"]:
        """Return what stands under the known keys of a mapping; another key is a mistake.

        A key without a value (YAML's null) is as if it were absent.
        """
        found = self.pairs()
        for name, element in found.items():
            if name not in known:
                self.refuse(f"the key {shown(name)}", ", ".join(known), element.node)
        return {
            name: attrs.evolve(element, path=f"{self.path}.{name}".removeprefix("."))
            for name, element in found.items()
            if name in known and element.node.tag != _NULL
        }

    def pairs(self) -> dict[str, "Element"]:
        """Return what stands under each key of a mapping."""
        return self._pairs(self.node, [])

    def _pairs(self, node: yaml.Node, inside: list[yaml.Node]) -> dict[str, "Element"]:
        """Return all pairs, those of merged mappings (`<<`) behind the mapping's own."""
        if not isinstance(node, yaml.MappingNode) or any(node is outer for outer in inside):
            self.refuse(self.shape, "a mapping", node)
            return {}
        own: dict[str, Element] = {}
        merged: dict[str, Element] = {}
        for key, value in node.value:
            if key.tag == _MERGE:
                several = value.value if isinstance(value, yaml.SequenceNode) else [value]
                for one in several:
                    merged = self._pairs(one, [*inside, node]) | merged
                continue
            if not isinstance(key, yaml.ScalarNode) or not key.value:
                self.refuse("a key that is no text", "keys that are texts", key)
                continue
            if key.value in own:
                self.refuse(f"the key {shown(key.value)} twice", "each key once", key)
            path = f"{self.path}[{shown(key.value)}]"
            own[key.value] = attrs.evolve(self, node=value, path=path)
        return merged | own

    def items(self, allowed: str = "a list") -> list["Element"]:
        """Return the elements of a list that is not empty."""
        if not isinstance(self.node, yaml.SequenceNode):
            self.refuse(self.shape, allowed)
            return []
        if not self.node.value:
            self.refuse("an empty list", allowed)
        return [
            attrs.evolve(self, node=node, path=f"{self.path}[{n}]")
            for n, node in enumerate(self.node.value)
        ]

    def one_or_more(self) -> list["Element"]:
        """Return the elements of a list, or the single text that stands for a list of one."""
        if isinstance(self.node, yaml.ScalarNode) and self.node.tag != _NULL:
            return [self]
        return self.items("a text, or a list of texts")

    def parsed(self, parse: Callable[[str], _T], *, secret: bool = False) -> _T | None:
        """Return what `parse` makes of a scalar, or None after a mistake.

        `parse` raises ValueError with what is allowed; a secret is never shown.
        """
        if not isinstance(self.node, yaml.ScalarNode) or self.node.tag == _NULL:
            self.refuse(self.shape, "a text")
            return None
        text = str(self.node.value)
        if UNSET in text:
            return None
        if self.node.tag not in _TAGS:
            self.refuse("a YAML tag", 'a text; put one that begins with "!" in quotes')
            return None
        try:
            return parse(text)
        except ValueError as error:
            self.refuse("a text that is not shown" if secret else shown(text), str(error))
            return None

    def truth(self) -> bool | None:
        """Return true or false, or None after a mistake."""
        if self.node.tag == _YAML + "bool":
            return str(self.node.value).lower() in ("true", "yes", "on")
        if not (isinstance(self.node, yaml.ScalarNode) and UNSET in self.node.value):
            self.refuse(self.shape, "true or false")
        return None

    def refuse(self, found: str, allowed: str, node: yaml.Node | None = None) -> None:
        """Note a mistake here, or at a node within."""
        at = self if node is None else attrs.evolve(self, node=node)
        self.mistakes.add(at.where, found, allowed)

    @property
    def where(self) -> str:
        """File, line and path."""
        return f"{self.file}:{self.node.start_mark.line + 1}: {self.path or '(top)'}"

    @property
    def is_mapping(self) -> bool:
        """Whether keys can stand here."""
        return isinstance(self.node, yaml.MappingNode)

    @property
    def shape(self) -> str:
        """What stands here, in words that give nothing away."""
        if self.node.tag == _NULL:
            return "nothing"
        if isinstance(self.node, yaml.ScalarNode):
            return "a text" if self.node.tag == _YAML + "str" else "a single value"
        return "a list" if isinstance(self.node, yaml.SequenceNode) else "a mapping"


def read_yaml(text: str, file: str, mistakes: Mistakes) -> Element | None:
    """Return the top of a file that holds one document, or None after a mistake."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{file}:{mark.line + 1}" if mark else file
        mistakes.add(where, f"no YAML ({_problem(error)})", "one YAML document")
        return None
    except yaml.YAMLError:
        mistakes.add(file, "a character that YAML does not allow", "one YAML document")
        return None
    except (ValueError, OverflowError):
        mistakes.add(file, "an escape that is no character", "one YAML document")
        return None
    except RecursionError:
        mistakes.add(file, "lists or mappings nested too deep", "one YAML document")
        return None
    if node is None:
        mistakes.add(file, "nothing", "one YAML document")
        return None
    return Element(node, file, "", mistakes)


def _problem(error: yaml.MarkedYAMLError) -> str:
    """Return PyYAML's sentence up to a quotation, which may be of an expanded password."""
    sentence = error.problem or error.context or "syntax"
    return re.split(r"\s*['\"](?!<)", sentence, maxsplit=1)[0]


def shown(text: str) -> str:
    """Return a text as a message shows it: bounded, in one line, and none with URL userinfo."""
    if _USERINFO.search(text):
        return "a text that is not shown"
    cut = text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…"
    return f'"{"".join(char if char.isprintable() else "?" for char in cut)}"'
