"""Requests made from our own OpenAPI: what comes back is what it says."""

import collections
import urllib.parse
import zlib
from collections.abc import Iterator
from typing import Any, TypeAlias

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from kjournal.codec import load_json
from kjournal.kinds.registry import KINDS as SERVED
from tests.conformance.records import KIND_OF, sample_path, samples
from tests.conformance.served import Served
from tests.conformance.ways import direct_only
from tests.integration.stories import API, KINDS, path_of

Operation: TypeAlias = APIOperation[Any, Any, Any, Any]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES, WATCHES = 120, 6
ACCEPTED = ["application/json", "*/*", "application/yaml", "application/json;stream=watch"]
REFUSED = ["application/vnd.kubernetes.protobuf", "text/html", ""]
# What is only now and then found by chance, and what is never.
QUERY = {
    "fieldSelector": ["metadata.name=x", "metadata.creationTimestamp>now-1h", "reason==x", "a=b"],
    "labelSelector": ["app=web", "app in (a,b),!c", "app"],
    "limit": ["1", "0", "-1", "9223372036854775807"],
    "continue": ["x", ""],
    "resourceVersion": ["0", "1"],
    "resourceVersionMatch": ["Exact", "NotOlderThan", "x"],
    "sendInitialEvents": ["true", "false"],
    "includeObject": ["Object", "None", "x"],
    "pretty": ["true", "0"],
    "timeoutSeconds": ["1"],
    "timeout": ["30s", "x"],
}


def bounded(examples: int) -> settings:
    """Return settings by which a seed gives the same requests on every machine."""
    return settings(
        max_examples=examples,
        derandomize=False,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def ok_operations(document: Any) -> Iterator[Operation]:
    """Yield all operations of a document; each of them can be understood."""
    for result in schemathesis.openapi.from_dict(document).get_all_operations():
        assert isinstance(result, Ok)
        yield result.ok()


def group_version(served: Served) -> Any:
    """Return the OpenAPI document of the group version, as its index leads to it."""
    paths = served.json("/openapi/v3")["paths"]
    return served.json(paths[API[1:]]["serverRelativeURL"])


def known(served: Served, operation: Operation) -> list[dict[str, Any]]:
    """Return what the parameters of the path are of records that are there."""
    names = operation.path_parameters
    if not len(names):
        return [{}]
    kind = next(kind for kind in SERVED.values() if f"/{kind.plural}" in operation.path)
    items = served.json(path_of(kind.plural, "shop" if kind.namespaced else ""))["items"]
    assert items
    return [{name.name: item["metadata"][name.name] for name in names} for item in items]


def cases(served: Served, operation: Operation) -> st.SearchStrategy[Any]:
    """Return requests: as the document says and as it does not, and of records that are there."""
    paths = known(served, operation)
    strategies = [
        operation.as_strategy(GenerationMode.POSITIVE, path_parameters=path) for path in paths
    ]
    if len(operation.query):
        strategies.append(operation.as_strategy(GenerationMode.POSITIVE))
        strategies.append(operation.as_strategy(GenerationMode.NEGATIVE))
    return st.one_of(strategies)


def queries(operation: Operation) -> st.SearchStrategy[dict[str, str]]:
    """Return a few parameters at a time: with many there is always one that is refused."""
    named = sorted({parameter.name for parameter in operation.query} & QUERY.keys())
    pairs = [(name, value) for name in named for value in QUERY[name]]
    return st.lists(st.sampled_from(pairs), max_size=3).map(dict) if pairs else st.just({})


def statuses(served: Served, operation: Operation, examples: int) -> collections.Counter[int]:
    """Ask as an operation allows and does not, check each answer, and count their statuses."""
    seen: collections.Counter[int] = collections.Counter()

    @seed(zlib.crc32(operation.path.encode()))
    @bounded(examples)
    @given(
        cases(served, operation),
        queries(operation),
        st.sampled_from(ACCEPTED + REFUSED),
        st.booleans(),
    )
    def ask(case: Any, query: dict[str, str], accept: str, plain: bool) -> None:
        case.query = {**({} if plain else case.query or {}), **query}
        case.query.pop("watch", None)
        response = case.call(base_url=served.gateway.url, headers={"Accept": accept})
        case.validate_response(response, checks=CHECKS)
        seen[response.status_code] += 1

    ask()
    return seen


@pytest.fixture(scope="module", autouse=True)
def records(served: Served) -> None:
    """There are records of every kind, two of each."""
    served.write(samples(served))


@direct_only
@pytest.mark.paragraph("1.7", "lists, gets and discovery answer as OpenAPI v3 says")
def test_answers(served: Served) -> None:
    """Whatever is asked: no 5xx; status, media type and schema are those of the document."""
    for operation in ok_operations(group_version(served)):
        if "/watch/" in operation.path:
            continue
        seen = statuses(served, operation, EXAMPLES)
        assert min(seen[200], seen.total() - seen[200]) > 5, (operation.path, seen)


@direct_only
@pytest.mark.paragraph("1.6", "what is above the group version answers as OpenAPI v2 says")
def test_answers_above(served: Served) -> None:
    """Also the documents that are in OpenAPI v2 alone are as it says."""
    above = [
        operation
        for operation in ok_operations(served.json("/openapi/v2"))
        if not operation.path.startswith(API)
    ]
    assert {operation.path for operation in above} == {
        "/apis/",
        "/apis/core.kjournal/",
        "/version/",
    }
    for operation in above:
        seen = statuses(served, operation, 20)
        assert seen.keys() == {200, 406}


def first_frame(served: Served, path: str, query: dict[str, str]) -> tuple[int, str, Any]:
    """Return status, type and first frame of a watch, None for none before it ends."""
    connection = served.connection()
    try:
        connection.request("GET", f"{path}?{urllib.parse.urlencode(query)}")
        response = connection.getresponse()
        line = response.readline() if response.status == 200 else response.read()
        return response.status, response.headers["Content-Type"], load_json(line) if line else None
    finally:
        connection.close()


def check_frame(document: Any, kind: str, frame: Any) -> None:
    """Check a frame against the schemas of watch events, of the kind, and of Status."""

    def fits(name: str, value: Any) -> None:
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        jsonschema_rs.Draft7Validator(schema, validate_formats=True).validate(value)

    meta = "io.k8s.apimachinery.pkg.apis.meta.v1"
    fits(f"{meta}.WatchEvent", frame)
    if frame["type"] == "ERROR":
        fits(f"{meta}.Status", frame["object"])
        return
    fits(f"kjournal.core.v1alpha1.{KIND_OF[kind]}", frame["object"])
    assert frame["type"] == "BOOKMARK" or frame["object"]["metadata"]["uid"]


@direct_only
@pytest.mark.paragraph("3.1", "watches answer as OpenAPI v3 says, by either way to ask for them")
@pytest.mark.parametrize("older", [False, True], ids=["watch", "older"])
@pytest.mark.parametrize("kind", KINDS)
def test_watches(served: Served, kind: str, older: bool) -> None:
    """Whatever is asked, a watch is refused by a Status, or its frames fit their schemas."""
    document = group_version(served)
    path = sample_path(kind)
    if older:
        path = path.replace(API, f"{API}/watch")
    operation = {
        each.path.replace("{namespace}", "shop"): each for each in ok_operations(document)
    }[path]
    seen: collections.Counter[tuple[int, str]] = collections.Counter()

    def look(query: dict[str, str]) -> None:
        status, content_type, frame = first_frame(
            served, path, {"watch": "1", **query, "timeoutSeconds": "1"}
        )
        assert str(status) in operation.definition.raw["responses"]
        assert content_type.startswith("application/json")
        if status != 200:
            check_frame(document, kind, {"type": "ERROR", "object": frame})
        elif frame is not None:
            check_frame(document, kind, frame)
        seen[status, frame["type"] if status == 200 and frame else ""] += 1

    @seed(zlib.crc32(path.encode()))
    @bounded(WATCHES)
    @given(queries(operation))
    def ask(query: dict[str, str]) -> None:
        look(query)

    look({})
    look({"resourceVersion": "1"})
    look({"sendInitialEvents": "true"})
    ask()
    assert {(200, "ADDED"), (200, "ERROR"), (422, "")} <= seen.keys()
