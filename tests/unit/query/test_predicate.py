"""Predicates: what is shown."""

from typing import Any

import pytest

from kjournal.query.predicate import predicate_of
from kjournal.query.selectors import parse_fields, parse_labels
from kjournal.query.view import View

OBJECT = {
    "metadata": {"name": "n", "namespace": "prod", "labels": {"app": "web", "n": "5", "e": ""}},
    "payload": {
        "code": 404,
        "tags": ["a", 1, {"x": 1}],
        "when": "2024-01-01T00:00:00Z",
        "no": None,
    },
    "text": "b",
}


def holds(labels: str = "", fields: str = "", namespace: str | None = None, at_us: int = 5) -> bool:
    view = View(
        kind="k", namespace=namespace, labels=parse_labels(labels), fields=parse_fields(fields)
    )
    return predicate_of(view)(OBJECT, at_us)


@pytest.mark.parametrize(
    ("namespace", "expected"),
    [("prod", True), ("prod-eu", False), ("pro", False), ("PROD", False), (None, True)],
)
def test_namespace(namespace: str | None, expected: bool) -> None:
    """A namespace is equal as a whole."""
    assert holds(namespace=namespace) is expected


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        *(("app=web", True), ("app=we", False), ("app", True), ("!app", False), ("x", False)),
        *(("!x", True), ("x!=y", True), ("x notin (y)", True), ("app notin (web,b)", False)),
        *(("e=", True), ("x=", False), ("n>4", True), ("n>5", False), ("n<6", True)),
        *(("app>4", False), ("app<4", False), ("x>1", False), ("app in (a,web)", True)),
    ],
)
def test_labels(selector: str, expected: bool) -> None:
    """As apimachinery matches them: an absent label is unequal, only integers are ordered."""
    assert holds(labels=selector) is expected


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        *(("payload.code=404", True), ("payload.code>99", True), ("payload.code<1000", True)),
        *(("payload.tags=a", True), ("payload.tags=1", True), ("payload.tags!=a", False)),
        *(("payload.tags!=z", True), ("payload.x!=z", True), ("payload.x=", True)),
        *(("payload.x!=", False), ("payload.code=", False), ("payload.code!=", True)),
        *(("payload.x in (,a)", True), ("payload.x notin (,a)", False)),
        *(("payload.no=", False), ("payload.no!=x", True), ("payload=x", False)),
        *(("payload.when>2023-12-31T23:59:59+01:00", True), ("text>a", True), ("text<a", False)),
        *(("metadata.name=n", True), ("text in (a,b)", True), ("text notin (a,b)", False)),
    ],
)
def test_fields(selector: str, expected: bool) -> None:
    """Numbers are ordered as numbers, times as times, else as text; one element is enough.

    What is absent is empty.
    """
    assert holds(fields=selector) is expected


@pytest.mark.parametrize(
    ("selector", "expected"),
    [(">4", True), (">5", False), ("<6", True), ("=5", True), ("!=5", False)],
)
def test_time(selector: str, expected: bool) -> None:
    """The creation time is compared in microseconds, not as it is written."""
    assert holds(fields=f"metadata.creationTimestamp{selector}") is expected


def test_no_labels() -> None:
    """An object without labels or namespace is in no namespace and lacks every label."""
    bare: dict[str, Any] = {"metadata": {}}
    assert not predicate_of(View(kind="k", namespace="a"))(bare, 0)
    assert predicate_of(View(kind="k", labels=parse_labels("!a,b!=c")))(bare, 0)
