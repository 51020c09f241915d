"""Sections 2.7 and 2.8: Tables, and metadata only."""

from typing import Any

import pytest

from kjournal.kinds.registry import KINDS as SERVED_KINDS
from tests.conformance.records import EMPTY, LINES, lines, sample_path, samples
from tests.conformance.served import Served
from tests.conformance.statuses import refused
from tests.integration.stories import KINDS, path_of

TABLE = "application/json;as=Table;v={};g=meta.k8s.io"
PARTIAL = "application/json;as=PartialObjectMetadata;v={};g=meta.k8s.io"
PARTIALS = "application/json;as=PartialObjectMetadataList;v={};g=meta.k8s.io"
V1 = TABLE.format("v1")
VERSIONS = ("v1", "v1beta1")
KUBECTL = f"{V1},{TABLE.format('v1beta1')},application/json"


@pytest.fixture(scope="module", autouse=True)
def written(served: Served) -> None:
    """Write samples of every kind, and five lines to page through."""
    served.write([*samples(served), *lines(served, 5, namespace="wide")])


@pytest.mark.paragraph("2.7", "A Table is JSON with columns, rows, and a list's metadata.")
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_table_is(served: Served, kind: str, version: str) -> None:
    answer = served.ask(sample_path(kind), headers={"Accept": TABLE.format(version)})
    assert answer.headers["Content-Type"] == "application/json"
    table = answer.json
    assert (table["kind"], table["apiVersion"]) == ("Table", f"meta.k8s.io/{version}")
    assert int(table["metadata"]["resourceVersion"]) > 0
    columns = table["columnDefinitions"]
    for column in columns:
        assert set(column) == {"name", "type", "format", "description", "priority"}
        assert column["type"] in ("string", "integer", "number", "boolean")
        assert column["description"]
        assert isinstance(column["priority"], int)
    assert len(table["rows"]) == 2
    for row in table["rows"]:
        assert len(row["cells"]) == len(columns)


@pytest.mark.paragraph("2.7", "One column has the format `name`, and it holds the object's name.")
@pytest.mark.parametrize("kind", KINDS)
def test_the_name_column(served: Served, kind: str) -> None:
    table = served.json(sample_path(kind), V1)
    (at,) = [
        at for at, column in enumerate(table["columnDefinitions"]) if column["format"] == "name"
    ]
    assert table["columnDefinitions"][at]["type"] == "string"
    for row in table["rows"]:
        assert row["cells"][at] == row["object"]["metadata"]["name"]


@pytest.mark.paragraph("2.7", "Cells have their column's type, and ages are ages.")
@pytest.mark.parametrize("kind", KINDS)
def test_cells(served: Served, kind: str) -> None:
    table = served.json(sample_path(kind), V1)
    for row in table["rows"]:
        for cell, column in zip(row["cells"], table["columnDefinitions"], strict=True):
            assert isinstance(cell, int if column["type"] == "integer" else str), column
            if column["name"] in ("Age", "Last Seen"):
                assert str(cell).endswith("s"), cell


@pytest.mark.paragraph("2.7", "What shows with -o wide only has a priority above 0.")
@pytest.mark.parametrize("kind", KINDS)
def test_wide_columns(served: Served, kind: str) -> None:
    columns = served.json(sample_path(kind), V1)["columnDefinitions"]
    wide = {column.name for column in SERVED_KINDS[kind].columns if column.wide}
    assert {column["name"] for column in columns if column["priority"] > 0} == wide


@pytest.mark.paragraph("2.7", "A row carries its object's metadata, whole.")
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("query", ["", "?includeObject=", "?includeObject=Metadata"])
def test_rows_with_metadata(served: Served, query: str, version: str) -> None:
    objects = served.json(LINES)["items"]
    rows = served.json(f"{LINES}{query}", TABLE.format(version))["rows"]
    partial = {"kind": "PartialObjectMetadata", "apiVersion": f"meta.k8s.io/{version}"}
    assert [row["object"] for row in rows] == [
        {**partial, "metadata": each["metadata"]} for each in objects
    ]


@pytest.mark.paragraph("2.7", "Or the whole object, with its kind, or nothing.")
@pytest.mark.parametrize("kind", KINDS)
def test_rows_with_objects(served: Served, kind: str) -> None:
    path = sample_path(kind)
    rows = served.json(f"{path}?includeObject=Object", V1)["rows"]
    assert [row["object"] for row in rows] == served.json(path)["items"]
    for row in served.json(f"{path}?includeObject=None", V1)["rows"]:
        assert row.get("object") is None


@pytest.mark.paragraph("2.7", "Another includeObject is a bad request.")
@pytest.mark.parametrize("value", ["object", "All", "none", "Metadata,Object"])
def test_unknown_rows(served: Served, value: str) -> None:
    refused(served.ask(f"{LINES}?includeObject={value}", headers={"Accept": V1}), 400)


@pytest.mark.paragraph("2.7", "A Table has pages like any list, and its metadata says so.")
def test_pages_of_a_table(served: Served) -> None:
    everywhere = path_of("containerlogs")
    names = [item["metadata"]["name"] for item in served.json(everywhere)["items"]]
    first = served.json(f"{everywhere}?limit=3", V1)
    assert first["metadata"]["remainingItemCount"] == len(names) - 3
    rest = served.json(f"{everywhere}?limit=9&continue={first['metadata']['continue']}", V1)
    assert rest["metadata"] == {"resourceVersion": first["metadata"]["resourceVersion"]}
    rows = first["rows"] + rest["rows"]
    assert [row["object"]["metadata"]["name"] for row in rows] == names


@pytest.mark.paragraph("2.7", "An empty Table has its columns, and rows that are not null.")
def test_an_empty_table(served: Served) -> None:
    table = served.json(EMPTY, V1)
    assert table["rows"] == []
    assert table["columnDefinitions"]
    assert int(table["metadata"]["resourceVersion"]) > 0


@pytest.mark.paragraph("2.7", "A get as a Table has one row, and the version of its object.")
@pytest.mark.parametrize("kind", KINDS)
def test_a_table_of_one_object(served: Served, kind: str) -> None:
    path = sample_path(kind)
    found = served.json(path)["items"][0]
    table = served.json(f"{path}/{found['metadata']['name']}?includeObject=Object", V1)
    assert table["kind"] == "Table"
    (row,) = table["rows"]
    assert row["object"] == found
    assert len(row["cells"]) == len(table["columnDefinitions"])
    assert table["metadata"]["resourceVersion"] == found["metadata"]["resourceVersion"]


@pytest.mark.paragraph("2.7", "The first form that can be had is taken: kubectl's and k9s' Accept.")
@pytest.mark.parametrize(
    ("accept", "version"),
    [
        (KUBECTL, "v1"),
        (f"{V1}, application/json", "v1"),
        (f"{TABLE.format('v1beta1')},{V1}", "v1beta1"),
        (f"{TABLE.format('v7')},{V1}", "v1"),
        (f"{V1};q=0.5,{TABLE.format('v1beta1')};q=0.9", "v1beta1"),
        ("application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io," + V1, "v1"),
    ],
)
def test_which_table(served: Served, accept: str, version: str) -> None:
    assert served.json(LINES, accept)["apiVersion"] == f"meta.k8s.io/{version}"


@pytest.mark.paragraph("2.7", "A form that is not known is passed over; alone, it is a 406.")
@pytest.mark.parametrize(
    "form",
    [
        TABLE.format("v7"),
        "application/json;as=Table;v=v1;g=other.io",
        "application/json;as=Chair;v=v1;g=meta.k8s.io",
        "application/json;as=Table;v=v1",
    ],
)
def test_unknown_tables(served: Served, form: str) -> None:
    assert served.json(LINES, f"{form},application/json")["kind"] == "ContainerLogList"
    refused(served.ask(LINES, headers={"Accept": form}), 406)


@pytest.mark.paragraph("2.8", "A list of metadata keeps the list's metadata, and its pages.")
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_lists_of_metadata(served: Served, kind: str, version: str) -> None:
    path = f"{sample_path(kind)}?limit=1"
    whole, partial = served.json(path), served.json(path, PARTIALS.format(version))
    assert partial["kind"] == "PartialObjectMetadataList"
    assert partial["apiVersion"] == f"meta.k8s.io/{version}"
    assert set(partial["metadata"]) == set(whole["metadata"])
    check_partials(partial["items"], whole["items"], version)
    rest = f"{path}&continue={partial['metadata']['continue']}"
    assert len(served.json(rest, PARTIALS.format(version))["items"]) == 1


@pytest.mark.paragraph("2.8", "A get of metadata has that of the object, whole.")
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_metadata_of_one_object(served: Served, kind: str, version: str) -> None:
    whole = served.json(sample_path(kind))["items"][0]
    path = f"{sample_path(kind)}/{whole['metadata']['name']}"
    check_partials([served.json(path, PARTIAL.format(version))], [whole], version)


def check_partials(partials: list[Any], wholes: list[Any], version: str) -> None:
    kind = {"kind": "PartialObjectMetadata", "apiVersion": f"meta.k8s.io/{version}"}
    assert partials == [{**kind, "metadata": whole["metadata"]} for whole in wholes]
    for partial in partials:
        assert partial["metadata"]["uid"]
        assert partial["metadata"]["name"]
        assert partial["metadata"]["creationTimestamp"]


@pytest.mark.paragraph("2.8", "The metadata client's protobuf is passed over, its JSON is taken.")
def test_what_the_metadata_client_accepts(served: Served) -> None:
    protobuf = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    accept = f"{protobuf},{PARTIALS.format('v1')},application/json"
    assert served.json(LINES, accept)["kind"] == "PartialObjectMetadataList"


@pytest.mark.paragraph("2.8", "Metadata of one where there is a list, and the reverse, is a 406.")
def test_the_wrong_number(served: Served) -> None:
    name = served.json(LINES)["items"][0]["metadata"]["name"]
    one, many = PARTIAL.format("v1"), PARTIALS.format("v1")
    refused(served.ask(LINES, headers={"Accept": one}), 406)
    refused(served.ask(f"{LINES}/{name}", headers={"Accept": many}), 406)
    refused(served.ask(f"{LINES}?watch=true", headers={"Accept": many}), 406)
    assert served.json(LINES, f"{one},application/json")["kind"] == "ContainerLogList"
