"""Section 2.6: field and label selectors, in lists and watches."""

from urllib.parse import quote

import pytest

from tests.conformance.records import LINES, said, samples
from tests.conformance.served import Served
from tests.conformance.statuses import refused
from tests.integration.stories import Documents, ago, container_line, path_of

ALL = ["one", "two", "three", "four"]
ODD = "a=b,c\\d"


def labelled(served: Served, words: str, at: int, payload: str, **labels: str) -> Documents:
    document = container_line(words, level=payload)
    document["@timestamp"] = ago(60 - at)
    document["kubernetes"]["labels"] = labels
    return [(served.index("containerlogs"), None, document)]


@pytest.fixture(scope="module", autouse=True)
def written(served: Served) -> None:
    """Write four lines with labels and levels, one without, elsewhere, and samples."""
    served.write(
        [
            *labelled(served, "one", 1, "info", app="web", tier="4"),
            *labelled(served, "two", 2, "error", app="web", tier="10", **{"x.io/y": "z"}),
            *labelled(served, "three", 3, ODD, app="db", empty=""),
            *labelled(served, "four", 4, "info"),
            (served.index("containerlogs"), None, container_line("elsewhere", namespace="bank")),
            *samples(served)[2:],
        ]
    )


def found(served: Served, path: str = LINES, **selectors: str) -> list[str]:
    query = "&".join(f"{name}={quote(text, safe='')}" for name, text in selectors.items())
    return said(served.json(f"{path}?{query}")["items"])


FIELDS = [
    ("", ALL),
    (",,", ALL),
    ("payload.level=error", ["two"]),
    ("payload.level==error", ["two"]),
    ("payload.level!=error", ["one", "three", "four"]),
    ("payload.level!=info,payload.level!=error", ["three"]),
    ("payload.level=info,,container=main", ["one", "four"]),
    ("payload.level=a\\=b\\,c\\\\d", ["three"]),
    ("payload.level=", []),
    ("payload.level= error", []),
    ("pod=pod-1", ALL),
    ("pod=pod", []),
    ("metadata.namespace=shop", ALL),
    ("metadata.namespace=bank", []),
    ("metadata.namespace!=bank", ALL),
    ("metadata.name=some-name", []),
    ("metadata.name!=some-name", ALL),
]


@pytest.mark.paragraph("2.6", "Field selectors: =, ==, !=, commas, escapes, and no trimming.")
@pytest.mark.parametrize(("selector", "names"), FIELDS)
def test_fields(served: Served, selector: str, names: list[str]) -> None:
    assert found(served, fieldSelector=selector) == names


@pytest.mark.paragraph("2.6", "More than Kubernetes takes: >, <, in and notin, as kjournal began.")
@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("payload.level in (error,warn)", ["two"]),
        ("payload.level notin (error, info)", ["three"]),
        ("metadata.creationTimestamp>1690000000000", ALL),
        ("metadata.creationTimestamp<1690000000000", []),
    ],
)
def test_more_of_fields(served: Served, selector: str, names: list[str]) -> None:
    assert found(served, fieldSelector=selector) == names


@pytest.mark.paragraph("2.6", "What is no field selector is a bad request.")
@pytest.mark.parametrize(
    "selector",
    ["pod", "=web", "pod=a=b", "pod=a\\b", "pod=a\\", "!pod", "pod in", "pod=a,container"],
)
@pytest.mark.parametrize("watch", ["", "&watch=true"])
def test_bad_fields(served: Served, selector: str, watch: str) -> None:
    refused(served.ask(f"{LINES}?fieldSelector={quote(selector)}{watch}"), 400)


@pytest.mark.paragraph(
    "2.6", "A field that is not supported is a bad request that names those that are."
)
@pytest.mark.parametrize("kind", ["containerlogs", "events", "auditevents", "logs"])
def test_unsupported_fields(served: Served, kind: str) -> None:
    status = refused(served.ask(f"{path_of(kind)}?fieldSelector=spec.nodeName=x"), 400)
    for words in ("spec.nodeName", "metadata.name", "metadata.namespace"):
        assert words in status["message"]


LABELS = [
    ("", ALL),
    (" ", ALL),
    ("app", ["one", "two", "three"]),
    ("!app", ["four"]),
    ("app=web", ["one", "two"]),
    ("app==web", ["one", "two"]),
    ("app!=web", ["three", "four"]),
    ("app in (web,db)", ["one", "two", "three"]),
    ("app in ( db )", ["three"]),
    ("app notin (web)", ["three", "four"]),
    (" app = web , tier > 4 ", ["two"]),
    ("tier>4", ["two"]),
    ("tier<10", ["one"]),
    ("app>1", []),
    ("x.io/y=z", ["two"]),
    ("empty=", ["three"]),
    ("app=", []),
    ("app in ()", []),
    ("app,!tier", ["three"]),
    ("app=web,app=db", []),
]


@pytest.mark.paragraph(
    "2.6", "Label selectors: sets, numbers, absence; != and notin take the absent."
)
@pytest.mark.parametrize(("selector", "names"), LABELS)
def test_labels(served: Served, selector: str, names: list[str]) -> None:
    assert found(served, labelSelector=selector) == names


@pytest.mark.paragraph("2.6", "What is no label selector is a bad request.")
@pytest.mark.parametrize(
    "selector",
    [
        "=web",
        "app=we b",
        "app in web",
        "app in (web",
        "app~web",
        "app>x",
        "app>1.5",
        "a/b/c",
        "-app",
        f"{'a' * 64}",
        f"app={'a' * 64}",
        "app=_",
        "UPPER.io/",
        "!app=web",
        "app,,tier",
    ],
)
@pytest.mark.parametrize("watch", ["", "&watch=true"])
def test_bad_labels(served: Served, selector: str, watch: str) -> None:
    refused(served.ask(f"{LINES}?labelSelector={quote(selector)}{watch}"), 400)


@pytest.mark.paragraph("2.6", "A field selector leaves a label selector alone.")
def test_both_selectors(served: Served) -> None:
    both = {"fieldSelector": "payload.level=info", "labelSelector": "app=web"}
    assert found(served, **both) == ["one"]


@pytest.mark.paragraph("2.6", "Of all namespaces a field selector shows one.")
def test_a_namespace_as_a_field(served: Served) -> None:
    everywhere = path_of("containerlogs")
    assert found(served, everywhere, fieldSelector="metadata.namespace=bank") == ["elsewhere"]


@pytest.mark.paragraph("2.6", "metadata.name and metadata.namespace are fields of every kind.")
@pytest.mark.parametrize("kind", ["events", "auditevents", "logs"])
def test_the_fields_of_every_kind(served: Served, kind: str) -> None:
    everywhere = path_of(kind)
    items = served.json(everywhere)["items"]
    name = items[0]["metadata"]["name"]
    namespace = items[0]["metadata"].get("namespace", "")

    def count(selector: str) -> int:
        return len(served.json(f"{everywhere}?fieldSelector={selector}")["items"])

    assert count(f"metadata.name={name}") == 1
    assert count(f"metadata.name!={name}") == len(items) - 1
    assert count(f"metadata.namespace={namespace}") == len(items)
    assert count(f"metadata.namespace!={namespace}") == 0
    assert count("metadata.namespace=nowhere") == 0


@pytest.mark.paragraph("2.6", "A name that contradicts the selector's is a bad request.")
def test_two_names(served: Served) -> None:
    name = served.json(LINES)["items"][0]["metadata"]["name"]
    agreeing = f"{LINES}/{name}?fieldSelector=metadata.name={name}"
    assert served.json(agreeing)["metadata"]["name"] == name
    other = f"{LINES}/{name}?fieldSelector=metadata.name=other"
    refused(served.ask(other), 400)
    refused(served.ask(f"{other}&watch=true"), 400)


@pytest.mark.paragraph("2.6", "A watch shows what its list shows.")
@pytest.mark.parametrize(
    "query",
    [
        "fieldSelector=payload.level=info",
        "fieldSelector=payload.level!=info",
        "labelSelector=app!=web",
        "labelSelector=tier%3E4",
    ],
)
def test_selectors_of_watches(served: Served, query: str) -> None:
    listed = said(served.json(f"{LINES}?{query}")["items"])
    initial = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    with served.watch(f"{LINES}?{query}&{initial}") as stream:
        *events, _ = stream.until(lambda event: event["type"] == "BOOKMARK")
    assert said([event["object"] for event in events]) == listed
