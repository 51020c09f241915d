"""Sections 2.1 to 2.4: paths, parameters, lists and their pages."""

import re
from typing import Any

import pytest

from tests.conformance.records import EMPTY, KIND_OF, LINES, lines, said, sample_path, samples
from tests.conformance.served import Served
from tests.conformance.statuses import causes_of, refused
from tests.conformance.ways import direct_only, proxied_only
from tests.integration.stories import API, KINDS, path_of

PAGES = path_of("containerlogs", "pages")
COUNT = 7
COUNTED = 10_000
WRITES = ("POST", "PUT", "PATCH", "DELETE")


@pytest.fixture(scope="module", autouse=True)
def written(served: Served) -> None:
    """Write samples of every kind, and seven lines to page through."""
    served.write([*samples(served), *lines(served, COUNT, namespace="pages")])


def first_name(served: Served, kind: str) -> str:
    return str(served.json(sample_path(kind))["items"][0]["metadata"]["name"])


@pytest.mark.paragraph("2.1", "Each kind is at its paths, also with a slash at the end.")
@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("kind", KINDS)
def test_where_kinds_are(served: Served, kind: str, slash: str) -> None:
    everywhere = served.json(f"{path_of(kind)}{slash}")
    there = served.json(f"{sample_path(kind)}{slash}")
    assert len(there["items"]) == 2
    names = [item["metadata"]["name"] for item in everywhere["items"]]
    assert {item["metadata"]["name"] for item in there["items"]} <= set(names)
    name = first_name(served, kind)
    assert served.json(f"{sample_path(kind)}/{name}{slash}")["metadata"]["name"] == name


@pytest.mark.paragraph("2.1", "What is at no such path is not found.")
@pytest.mark.parametrize(
    "path",
    [
        "/containerlogs/some-name",
        "/namespaces/shop/auditevents",
        "/namespaces/shop/logs/some-name",
    ],
)
def test_where_nothing_is(served: Served, path: str) -> None:
    status = refused(served.ask(f"{API}{path}"), 404)
    assert status["details"] == {}


@pytest.mark.paragraph("2.1", "What is no resource is not found either, where one may ask for it.")
@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/namespaces/shop",
        "/namespaces/shop/containerlogs/some-name/log",
        "/logs/some-name/status",
    ],
)
def test_what_is_no_resource(served: Served, path: str) -> None:
    """A reader of the four kinds may not, says kube-apiserver."""
    refused(served.ask(f"{API}{path}"), 403 if served.proxied else 404)


@pytest.mark.paragraph("2.1", "The deprecated watch prefix is a watch.")
@pytest.mark.parametrize("place", ["containerlogs", "namespaces/shop/containerlogs"])
def test_the_watch_prefix(served: Served, place: str) -> None:
    with served.watch(f"{API}/watch/{place}?x=y") as stream:
        assert stream.next()["type"] == "ADDED"


@pytest.mark.paragraph("2.1", "Writes are not allowed, and what is is named.")
@pytest.mark.parametrize("path", [LINES, f"{LINES}/some-name", path_of("logs")])
@pytest.mark.parametrize("method", WRITES)
@direct_only
def test_writes_are_not_allowed(served: Served, method: str, path: str) -> None:
    answer = served.ask(path, method=method, body=b"{}")
    refused(answer, 405)
    assert "GET" in answer.headers["Allow"].split(", ")


@pytest.mark.paragraph("2.1", "Who may not write is told so first.")
@pytest.mark.parametrize("method", WRITES)
@proxied_only
def test_writes_are_forbidden(served: Served, method: str) -> None:
    refused(served.ask(f"{LINES}/some-name", method=method, body=b"{}"), 403)


@pytest.mark.paragraph("2.2", "A boolean is false only if absent, `0` or `false` in any case.")
@pytest.mark.parametrize("value", ["=0", "=false", "=False", "=FALSE"])
def test_what_is_false(served: Served, value: str) -> None:
    assert served.json(f"{LINES}?watch{value}")["kind"] == "ContainerLogList"


@pytest.mark.paragraph("2.2", "Anything else is true.")
@pytest.mark.parametrize("value", ["", "=", "=1", "=true", "=yes", "=00"])
def test_what_is_true(served: Served, value: str) -> None:
    with served.stream(f"{LINES}?watch{value}") as stream:
        assert stream.next()["type"] == "ADDED"


@pytest.mark.paragraph("2.2", "Of a repeated parameter the first counts.")
def test_the_first_value_counts(served: Served) -> None:
    assert len(served.json(f"{PAGES}?limit=1&limit=5")["items"]) == 1
    assert len(served.json(f"{LINES}?watch=0&watch=1")["items"]) == 2


@pytest.mark.paragraph("2.2", "What is no integer of 64 bits is a bad request.")
@pytest.mark.parametrize("parameter", ["limit", "timeoutSeconds"])
@pytest.mark.parametrize("value", ["x", "", "1.5", "0x1", "1e3", "%201", "9223372036854775808"])
def test_bad_integers(served: Served, parameter: str, value: str) -> None:
    refused(served.ask(f"{LINES}?{parameter}={value}"), 400)


@pytest.mark.paragraph("2.2", "A limit of 0 or less is none.")
@pytest.mark.parametrize("limit", ["0", "-1", "-9223372036854775808"])
def test_no_limit(served: Served, limit: str) -> None:
    document = served.json(f"{PAGES}?limit={limit}")
    assert len(document["items"]) == COUNT
    assert "continue" not in document["metadata"]


@pytest.mark.paragraph("2.2", "A timeout is a Go duration, clamped to what the server has.")
@pytest.mark.parametrize("timeout", ["32s", "1m30s", "0", "0s", "1.5h", "1000h", "900000us"])
def test_timeouts(served: Served, timeout: str) -> None:
    assert len(served.json(f"{PAGES}?timeout={timeout}")["items"]) == COUNT


@pytest.mark.paragraph("2.2", "A timeout that is none is a bad request.")
@pytest.mark.parametrize("timeout", ["x", "5", "5parsecs", "s"])
@pytest.mark.parametrize("path", [PAGES, f"{PAGES}/some-name"])
def test_bad_timeouts(served: Served, path: str, timeout: str) -> None:
    assert served.ask(f"{path}?timeout={timeout}").status == 400


@pytest.mark.paragraph("2.3", "A list has its kind, a resourceVersion, and items with theirs.")
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_list_is(served: Served, kind: str) -> None:
    document = served.json(sample_path(kind))
    assert document["kind"] == f"{KIND_OF[kind]}List"
    assert document["apiVersion"] == "core.kjournal/v1alpha1"
    assert int(document["metadata"]["resourceVersion"]) > 0
    for item in document["items"]:
        assert (item["kind"], item["apiVersion"]) == (KIND_OF[kind], "core.kjournal/v1alpha1")


@pytest.mark.paragraph("2.3", "An empty list has no items, which is not null, and a version.")
def test_an_empty_list(served: Served) -> None:
    document = served.json(EMPTY)
    assert document["items"] == []
    assert int(document["metadata"]["resourceVersion"]) > 0


@pytest.mark.paragraph("2.3", "Items come in the order of their times, each time.")
def test_the_order_of_items(served: Served) -> None:
    first, second = served.json(PAGES)["items"], served.json(PAGES)["items"]
    assert first == second
    assert said(first) == [f"line-{at:04}" for at in range(COUNT)]


def pages(served: Served, path: str, limit: int) -> list[Any]:
    """Return all pages of a list."""
    query = f"{path}?limit={limit}"
    found = [served.json(query)]
    while token := found[-1]["metadata"].get("continue"):
        found.append(served.json(f"{query}&continue={token}"))
    return found


@pytest.mark.paragraph("2.4", "Pages hold everything once, and no page more than its limit.")
@pytest.mark.parametrize("limit", [1, 3, 6, 100])
def test_pages(served: Served, limit: int) -> None:
    found = pages(served, PAGES, limit)
    assert all(len(page["items"]) <= limit for page in found)
    items = [item for page in found for item in page["items"]]
    assert items == served.json(PAGES)["items"]


@pytest.mark.paragraph("2.4", "There is no token where nothing more may come.")
@pytest.mark.parametrize("query", ["", f"?limit={COUNT}", f"?limit={COUNT + 1}", "?limit=0"])
def test_no_token_at_the_end(served: Served, query: str) -> None:
    document = served.json(f"{PAGES}{query}")
    assert len(document["items"]) == COUNT
    assert not document["metadata"].get("continue")


@pytest.mark.paragraph("2.4", "The resourceVersion is the same on every page, whatever is written.")
def test_pages_are_of_one_moment(served: Served) -> None:
    place = path_of("containerlogs", "moment")
    served.write(lines(served, 3, namespace="moment"))
    first = served.json(f"{place}?limit=1")
    served.write(lines(served, 2, namespace="moment"))
    token = first["metadata"]["continue"]
    rest = served.json(f"{place}?continue={token}")
    assert rest["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    assert said(first["items"] + rest["items"]) == ["line-0000", "line-0001", "line-0002"]


@pytest.mark.paragraph(
    "2.4", "The rest is counted where no selector is, and where there is a rest."
)
def test_the_remaining_item_count(served: Served) -> None:
    counts = [page["metadata"].get("remainingItemCount") for page in pages(served, PAGES, 3)]
    assert counts == [COUNT - 3, COUNT - 6, None]
    for kind in KINDS:
        everywhere = path_of(kind)
        count = len(served.json(everywhere)["items"])
        metadata = served.json(f"{everywhere}?limit=1")["metadata"]
        assert metadata["remainingItemCount"] == count - 1


@pytest.mark.paragraph("2.4", "More than ten thousand are not counted.")
@direct_only
def test_what_is_not_counted(served: Served) -> None:
    served.write(lines(served, COUNTED + 2, namespace="countless"))
    metadata = served.json(f"{path_of('containerlogs', 'countless')}?limit=1")["metadata"]
    assert set(metadata) == {"resourceVersion", "continue"}


@pytest.mark.paragraph("2.4", "With a selector nothing is counted, and without a limit neither.")
@pytest.mark.parametrize(
    "query", ["limit=3&fieldSelector=pod=pod-1", "limit=3&labelSelector=!absent", "limit=0"]
)
def test_no_remaining_item_count(served: Served, query: str) -> None:
    assert "remainingItemCount" not in served.json(f"{PAGES}?{query}")["metadata"]


def token_of(served: Served, query: str = "") -> str:
    return str(served.json(f"{PAGES}?limit=2{query}")["metadata"]["continue"])


@pytest.mark.paragraph("2.4", "A token can stand in a URL as it is.")
def test_tokens_are_safe_in_urls(served: Served) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]+", token_of(served))


@pytest.mark.paragraph("2.4", "A token is good for its own list only.")
@pytest.mark.parametrize(
    "path",
    [
        path_of("containerlogs"),
        path_of("containerlogs", "shop"),
        path_of("events", "pages"),
        f"{PAGES}?fieldSelector=pod=pod-1",
        f"{PAGES}?labelSelector=app=web",
        f"{PAGES}?fieldSelector=metadata.name=some-name",
    ],
)
def test_tokens_are_bound(served: Served, path: str) -> None:
    glue = "&" if "?" in path else "?"
    refused(served.ask(f"{path}{glue}limit=2&continue={token_of(served)}"), 400)


@pytest.mark.paragraph("2.4", "What is no token is a bad request.")
@pytest.mark.parametrize("token", ["x", "bm90LWEtdG9rZW4", "%20", "....", "e30"])
def test_bad_tokens(served: Served, token: str) -> None:
    refused(served.ask(f"{PAGES}?limit=2&continue={token}"), 400)


@pytest.mark.paragraph("2.4", "A token that was changed is refused.")
def test_changed_tokens(served: Served) -> None:
    token = token_of(served)
    changed = token[:-6] + ("A" if token[-6] != "A" else "B") + token[-5:]
    refused(served.ask(f"{PAGES}?limit=2&continue={changed}"), 400)


@pytest.mark.paragraph("2.4", "A token has its resourceVersion: another beside it is refused.")
@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("&resourceVersion=", 200),
        ("&resourceVersion=0", 200),
        ("&resourceVersion=5", 400),
        ("&resourceVersionMatch=Exact", 422),
        ("&resourceVersionMatch=NotOlderThan&resourceVersion=0", 422),
    ],
)
def test_tokens_beside_versions(served: Served, query: str, code: int) -> None:
    answer = served.ask(f"{PAGES}?limit=2&continue={token_of(served)}{query}")
    assert answer.status == code
    if code == 422:
        assert ("FieldValueForbidden", "resourceVersionMatch") in causes_of(answer.json)


@pytest.mark.paragraph("2.4", "Without a limit everything comes, in one answer.")
def test_unlimited_lists_are_whole(served: Served) -> None:
    count = 1200
    served.write(lines(served, count, namespace="many"))
    document = served.json(path_of("containerlogs", "many"))
    assert said(document["items"]) == [f"line-{at:04}" for at in range(count)]
    assert "continue" not in document["metadata"]
    paged = pages(served, path_of("containerlogs", "many"), 500)
    assert [len(page["items"]) for page in paged] == [500, 500, 200]
