"""Accept to representation."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kjournal.encoding.negotiate import (
    Representation,
    accept_clauses,
    aggregated_discovery_version,
    representation_of,
)
from kjournal.errors import NotAcceptable

JSON = "application/json"
TABLE = f"{JSON};as=Table;v=v1;g=meta.k8s.io"
META = f"{JSON};as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
META_LIST = f"{JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1beta1"
YAML = "application/yaml"
PROTOBUF = "application/vnd.kubernetes.protobuf"


@pytest.mark.parametrize(
    ("accept", "verb", "expected"),
    [
        *(("", "list", ("", "v1")), ("*/*", "get", ("", "v1")), (JSON, "watch", ("", "v1"))),
        (f"{TABLE},{TABLE.replace('v=v1', 'v=v1beta1')},{JSON}", "list", ("Table", "v1")),
        (f"{TABLE.replace('v=v1', 'v=v1beta1')},{JSON}", "get", ("Table", "v1beta1")),
        (f"{JSON}; as=Table; v=v1; g=meta.k8s.io", "watch", ("Table", "v1")),
        (f"{PROTOBUF};as=Table,{JSON}", "list", ("", "v1")),
        (f"{JSON};q=0.5,{TABLE};q=0.9", "list", ("Table", "v1")),
        (f"{JSON};q=0.9,application/cbor;q=1", "list", ("", "v1")),
        (META, "get", ("PartialObjectMetadata", "v1")),
        (META, "watch", ("PartialObjectMetadata", "v1")),
        (f"{META},{JSON}", "list", ("", "v1")),
        (META_LIST, "list", ("PartialObjectMetadataList", "v1beta1")),
        (f"{JSON};stream=watch", "watch", ("", "v1")),
        (f"{JSON};charset=utf-8;pretty=1", "list", ("", "v1", JSON, True)),
        (f"{JSON};pretty=1", "watch", ("", "v1")),
        (f"{JSON};pretty=true", "list", ("", "v1")),
        (f"{JSON};stream=", "list", ("", "v1")),
        (YAML, "list", ("", "v1", YAML)),
        (f"*/*,{YAML}", "get", ("", "v1", YAML)),
        (f"{JSON},{YAML}", "get", ("", "v1", JSON)),
        (f"{JSON};q=0.3,{YAML};q=0.4", "get", ("", "v1", YAML)),
        (f"{YAML};as=Table;v=v1;g=meta.k8s.io", "list", ("Table", "v1", YAML)),
        (f"{YAML},{JSON}", "watch", ("", "v1", JSON)),
        (f"{YAML};stream=watch,{JSON}", "list", ("", "v1", JSON)),
        ("APPLICATION/JSON", "list", ("", "v1")),
    ],
)
def test_representation(accept: str, verb: str, expected: tuple[Any, ...]) -> None:
    """The best clause that can be given decides."""
    assert representation_of(accept, verb) == Representation(*expected)


@pytest.mark.parametrize(
    ("accept", "verb"),
    [
        *((PROTOBUF, "list"), ("text/html", "get"), (META, "list"), (META_LIST, "get")),
        *((f"{JSON};as=Table;v=v2;g=meta.k8s.io", "list"), (f"{JSON};as=Table", "list")),
        *((f"{JSON};q=0", "list"), (f"{JSON};q=x", "list"), (f"{JSON};stream=x", "watch")),
        (f"{JSON};g=meta.k8s.io", "list"),
    ],
)
def test_not_acceptable(accept: str, verb: str) -> None:
    """Nothing left is 406, which names what is served."""
    with pytest.raises(NotAcceptable, match="application/json"):
        representation_of(accept, verb)


@given(st.text(alphabet="aj/*;,=q01. \"'v", max_size=60) | st.text(max_size=60))
def test_total(accept: str) -> None:
    """Any header is read, or is not acceptable."""
    accept_clauses(accept)
    for read in (lambda text: representation_of(text, "list"), aggregated_discovery_version):
        try:
            read(accept)
        except NotAcceptable:
            continue
