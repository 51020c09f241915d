"""Clauses of a view: a superset of it, whatever was stored. This is what keeps lines from loss."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kjournal.kinds.mapping import Mapping, field_map_of
from kjournal.kinds.model import Kind
from kjournal.kinds.registry import KINDS
from kjournal.query.clause import clause_admits
from kjournal.query.clauses import query_of
from kjournal.query.fieldmap import FieldMap
from kjournal.query.model import Clause, Operator, Query, Record
from kjournal.query.predicate import predicate_of
from kjournal.query.selectors import Requirement, parse_fields, parse_labels
from kjournal.query.view import TIME, View

# Few words, so that documents, maps and selectors meet.
WORDS = ("a", "b", "c")
TEXTS = ("x", "y", "5", "5.0", "05", "true", "", "2024-01-01T00:00:00Z", "1704067200000")
scalars = st.sampled_from(TEXTS) | st.sampled_from(
    [None, True, False, 5, 5.0, 1704067200000, 7.5, -3]
)
values = scalars | st.lists(scalars, max_size=3)
trees = st.recursive(
    values,
    lambda inner: st.dictionaries(st.sampled_from((*WORDS, "a.b", "b.c")), inner, max_size=3),
    max_leaves=6,
)
# Stored names that some API fields have by themselves, or are mapped from.
ROOTS = {
    "containerlogs": ["pod", "container", "payload", "metadata"],
    "events": [
        *("reason", "note", "message", "regarding", "involvedObject", "series", "count"),
        *("deprecatedCount", "eventTime", "lastTimestamp", "type", "source", "metadata"),
    ],
    "auditevents": [
        *("verb", "user", "objectRef", "responseStatus", "annotations", "metadata"),
        *("stageTimestamp", "sourceIPs", "requestObject"),
    ],
    "logs": ["payload", "metadata"],
}
ROOTS["localauditevents"] = ROOTS["auditevents"]
MEMBERS = ("name", "namespace", "kind", "count", "username", "groups", "code", "labels")
MEMBERS += ("annotations", "component", "lastObservedTime")


@st.composite
def documents(draw: st.DrawFn, kind: Kind) -> dict[str, Any]:
    below = st.dictionaries(st.sampled_from(MEMBERS + WORDS), trees, max_size=4)
    names = st.sampled_from([*ROOTS[kind.plural], *WORDS])
    nested = draw(st.dictionaries(names, below | trees, max_size=6))
    # Somebody may write the same path a second time, as one key with a dot in it.
    dotted = st.builds("{}.{}".format, names, st.sampled_from(MEMBERS + WORDS))
    return {**nested, **draw(st.dictionaries(dotted, trees, max_size=3))}


@st.composite
def mappings(draw: st.DrawFn, kind: Kind) -> Mapping:
    stored = st.sampled_from([*WORDS, "a.b", "a.c", "b.a", ".", "metadata.labels", "a.keyword"])
    api = [field.name for field in kind.fields]
    api += [f"{name}.{word}" for name in api for word in (*WORDS, "name", "count")]
    api += ["metadata.labels", "metadata.labels.a", "metadata.annotations"]
    api += ["metadata.annotations.a", "metadata.annotations.a.b", "metadata.namespace", "."]
    configured = draw(
        st.dictionaries(
            st.sampled_from(api), st.lists(stored, min_size=1, max_size=2).map(tuple), max_size=4
        )
    )
    dropped = draw(st.lists(st.sampled_from(["payload.a", "user", "reason"]), max_size=1))
    return Mapping.compile(kind, field_map_of(kind, configured), tuple(dropped))


@st.composite
def requirements(draw: st.DrawFn, keys: list[str], *, label: bool) -> Requirement:
    operators = list(Operator)
    if not label:
        operators = [op for op in operators if op not in (Operator.EXISTS, Operator.MISSING)]
    operator = draw(st.sampled_from(operators))
    texts = draw(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=2))
    if operator in (Operator.EXISTS, Operator.MISSING):
        texts = []
    if operator in (Operator.GREATER, Operator.LESS):
        texts = texts[:1]
    return Requirement(draw(st.sampled_from(keys)), operator, tuple(texts))


def selectable(kind: Kind) -> list[str]:
    found = [path for path in kind.selectable_fields() if not path.endswith("*")]
    free = [path[:-1] for path in kind.selectable_fields() if path.endswith("*")]
    found += [prefix + rest for prefix in free for rest in ("a", "b", "a.b", "name", "labels.a")]
    found += ["metadata.annotations.kjournal/es-index", "metadata.namespace"]
    return [path for path in found if path != TIME]


@st.composite
def views(draw: st.DrawFn, kind: Kind) -> View:
    labels = draw(st.lists(requirements(["a", "b", "a.b", "a.c"], label=True), max_size=1))
    fields = draw(st.lists(requirements(selectable(kind), label=False), max_size=2))
    namespace = draw(st.sampled_from([None, "x"])) if kind.namespaced else None
    return View(kind=kind.plural, namespace=namespace, fields=tuple(fields), labels=tuple(labels))


def assert_superset(mapping: Mapping, view: View, document: dict[str, Any]) -> bool:
    """Assert the property for one document; return whether the view shows it."""
    record = Record(index="i", id="1", time_us=1, document=document)
    obj = mapping.object_of(record, 1)
    if obj is None or not predicate_of(view)(obj, 1):
        return False
    for clause in query_of(view, mapping.fields, None).clauses:
        assert clause_admits(document, clause), (clause, obj)
    return True


# Not parametrized: pytest-twisted wraps a hypothesis test once for each parameter, one in another.
@settings(max_examples=600, deadline=None)
@given(st.sampled_from(list(KINDS.values())), st.data())
def test_superset(kind: Kind, data: st.DataObject) -> None:
    """Whoever is shown a record would also have been given it by an exact store."""
    mapping, document = data.draw(mappings(kind)), data.draw(documents(kind))
    for view in data.draw(st.lists(views(kind), min_size=1, max_size=4)):
        assert_superset(mapping, view, document)


def mapping_of(plural: str, configured: dict[str, tuple[str, ...]], *drop: str) -> Mapping:
    kind = KINDS[plural]
    return Mapping.compile(kind, field_map_of(kind, configured), drop)


@pytest.mark.parametrize(
    ("plural", "configured", "selector", "document"),
    [
        ("events", {}, "deprecatedCount=7", {"count": "007"}),
        ("events", {}, "series.count>5", {"series": {"count": "6.0"}, "count": 1}),
        (
            "events",
            {},
            "deprecatedLastTimestamp=2024-01-01T00:00:00Z",
            {"lastTimestamp": "2024-01-01T01:00:00.123+01:00"},
        ),
        ("events", {}, "regarding.name!=x", {"regarding": {"kind": "Pod"}, "involvedObject": {}}),
        (
            "events",
            {},
            "regarding.name!=x",
            {"regarding": {"kind": "Pod"}, "involvedObject": {"name": "x"}},
        ),
        (
            "containerlogs",
            {"payload.level": ("lvl",)},
            "payload.level=x",
            {"payload": {"level": "x"}},
        ),
        ("logs", {}, "metadata.annotations.kjournal/es-index=i", {}),
        ("auditevents", {}, "verb!=get", {"verb": ["get", "x"]}),
        ("auditevents", {}, "metadata.namespace!=x", {"metadata": {"namespace": "x"}}),
    ],
)
def test_once_lost(
    plural: str, configured: dict[str, tuple[str, ...]], selector: str, document: dict[str, Any]
) -> None:
    """Reshaped values, fallbacks, made annotations and lists for texts stay in the view."""
    if KINDS[plural].namespaced:
        document = {"metadata": {"namespace": "n"}, **document}
    view = View(kind=plural, fields=parse_fields(selector))
    if selector.startswith("series"):
        document["series"]["count"] = 6
    mapping = mapping_of(plural, configured)
    obj = mapping.object_of(Record(index="i", id="1", time_us=1, document=document), 1)
    assert obj is not None
    assert predicate_of(view)(obj, 1)
    assert assert_superset(mapping, view, document)


@pytest.mark.parametrize(
    ("configured", "document"),
    [
        ({"payload": ("log",)}, {"log": {"x": 2}, "log.x": 1}),
        ({"payload": ("k.log",)}, {"k": {"log.x": 5}, "k.log": {"x": 2}}),
        ({"payload": ("log", "message")}, {"log.x": 9, "message": {"x": 2}}),
        ({"payload": ("log", "message")}, {"log": None, "log.x": 9, "message": {"x": 2}}),
    ],
)
def test_spelled_twice(configured: dict[str, tuple[str, ...]], document: dict[str, Any]) -> None:
    """A second spelling of a path, in a document, hides nothing that is shown of it."""
    document = {"metadata": {"namespace": "n"}, **document}
    view = View(kind="containerlogs", fields=parse_fields("payload.x=2"))
    assert assert_superset(mapping_of("containerlogs", configured), view, document)


def test_narrowing() -> None:
    """Namespace, labels and fields narrow where they say the same of document and object."""
    fields = FieldMap({"metadata.labels": ("kubernetes.labels",), "pod": ("k.pod",)})
    view = View(
        kind="containerlogs",
        namespace="n",
        labels=parse_labels("app=web,tier,!x,y!=z"),
        fields=parse_fields("pod in (a,b),payload.level!=debug,metadata.name=q"),
    )
    assert query_of(view, fields, 9) == Query(
        clauses=(
            Clause(("metadata.namespace",), Operator.IN, ("n",)),
            Clause(("kubernetes.labels.app",), Operator.IN, ("web",)),
            Clause(("kubernetes.labels.tier",), Operator.EXISTS),
            Clause(("k.pod",), Operator.IN, ("a", "b")),
        ),
        since_us=9,
    )


@pytest.mark.parametrize(
    ("selector", "since_us", "until_us"),
    [
        ("", 100, None),
        (">5", 5, None),
        ("<5", None, 5),
        ("=5", 5, 6),
        (" in (5,9)", 5, 10),
        ("!=5", 100, None),
    ],
)
def test_time(selector: str, since_us: int | None, until_us: int | None) -> None:
    """A selector on the time replaces the default range, and never cuts what it allows."""
    text = f"{TIME}{selector}" if selector else ""
    query = query_of(View(kind="logs", fields=parse_fields(text)), FieldMap({}), 100)
    assert (query.since_us, query.until_us) == (since_us, until_us)


@given(st.lists(st.tuples(st.sampled_from("><"), st.integers(0, 20)), min_size=1, max_size=4))
def test_time_superset(terms: list[tuple[str, int]]) -> None:
    """Every event time that all terms allow is in the range that is asked for."""
    text = ",".join(f"{TIME}{sign}{value}" for sign, value in terms)
    view = View(kind="logs", fields=parse_fields(text))
    query, holds = query_of(view, FieldMap({}), None), predicate_of(view)
    for time_us in range(22):
        if holds({"metadata": {}}, time_us):
            assert query.since_us is None or time_us >= query.since_us
            assert query.until_us is None or time_us < query.until_us
