"""What kjournal should answer, in plain Python: written from the Kubernetes documents, not from it.

Sources: kubernetes.io/docs/concepts/overview/working-with-objects/labels and field-selectors, and
docs/guides/selectors.md for what arrays and absent fields are to a selector.
"""

from collections.abc import Callable, Iterable
from typing import Any

import attrs

Document = dict[str, Any]


@attrs.frozen
class Term:
    """One term of a selector: `operator` is =, !=, in, notin, exists or !."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def text(self) -> str:
        """Return it as a client writes it."""
        if self.operator in ("in", "notin"):
            return f"{self.key} {self.operator} ({','.join(self.values)})"
        if self.operator == "exists":
            return self.key
        if self.operator == "!":
            return f"!{self.key}"
        return f"{self.key}{self.operator}{self.values[0]}"

    def holds(self, found: list[str]) -> bool:
        """Return whether it holds for the values of a field: none, one, or those of an array."""
        tests: dict[str, Callable[[], bool]] = {
            "exists": lambda: bool(found),
            "!": lambda: not found,
            "=": lambda: any(value in self.values for value in found),
            "in": lambda: any(value in self.values for value in found),
            "!=": lambda: not any(value in self.values for value in found),
            "notin": lambda: not any(value in self.values for value in found),
        }
        return tests[self.operator]()


@attrs.frozen(kw_only=True)
class Question:
    """One list, of a namespace or (None) of all."""

    namespace: str | None
    labels: tuple[Term, ...] = ()
    fields: tuple[Term, ...] = ()
    limit: int = 0


def namespace_of(document: Document) -> str | None:
    """Return the namespace, if it is one text, and the same wherever it is spelled."""
    kubernetes = document.get("kubernetes")
    spelled = []
    if isinstance(kubernetes, dict):
        spelled.append(kubernetes.get("namespace_name"))
    spelled.append(document.get("kubernetes.namespace_name"))
    said = [value for value in spelled if value is not None]
    if not said or any(value != said[0] for value in said):
        return None
    return said[0] if isinstance(said[0], str) and said[0] else None


def text(value: Any) -> list[str]:
    """Return a scalar as it is compared; nothing for what is none."""
    if isinstance(value, bool):
        return ["true" if value else "false"]
    return [str(value)] if isinstance(value, str | int) else []


def labels_of(document: Document) -> dict[str, str]:
    """Return the labels: text by name, where what is nested is joined by dots."""
    kubernetes = document.get("kubernetes")
    labels = kubernetes.get("labels") if isinstance(kubernetes, dict) else None
    return dict(_flat(labels, "")) if isinstance(labels, dict) else {}


def _flat(labels: dict[str, Any], prefix: str) -> Iterable[tuple[str, str]]:
    for key, value in labels.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        for found in text(value):
            yield prefix + key, found


def field_of(document: Document, key: str) -> list[str]:
    """Return the values of a field that the questions name."""
    kubernetes = document.get("kubernetes")
    inner = kubernetes if isinstance(kubernetes, dict) else {}
    if key == "pod":
        return text(inner.get("pod_name"))
    if key == "metadata.namespace":
        return text(namespace_of(document))
    value = document.get(key.removeprefix("payload."))
    elements = value if isinstance(value, list) else [value]
    return [found for element in elements for found in text(element)]


def answers(question: Question, documents: Iterable[Document]) -> list[str]:
    """Return the ids of the documents that a list shows, sorted."""
    found = []
    for document in documents:
        namespace = namespace_of(document)
        if namespace is None or question.namespace not in (None, namespace):
            continue
        labels = labels_of(document)
        by_label = all(
            term.holds([labels[term.key]] if term.key in labels else []) for term in question.labels
        )
        if by_label and all(term.holds(field_of(document, term.key)) for term in question.fields):
            found.append(document["id"])
    return sorted(found)
