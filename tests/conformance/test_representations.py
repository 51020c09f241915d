"""Sections 2.9 and 2.10: gets, media types, indentation, compression and headers."""

import gzip
from typing import Any

import pytest
import yaml

from kjournal.codec import load_json
from tests.conformance.records import KIND_OF, LINES, lines, said, sample_path, samples
from tests.conformance.served import Served
from tests.conformance.statuses import refused
from tests.integration.stories import KINDS, Answer, container_line, path_of

JSON, YAML = "application/json", "application/yaml"
PROTOBUF = "application/vnd.kubernetes.protobuf"
TABLE = ";as=Table;v=v1;g=meta.k8s.io"
BIG = path_of("containerlogs", "big")
SMALL = path_of("containerlogs", "shop")
BIG_NAME = path_of("containerlogs", "bulky")
THRESHOLD = 128 * 1024


@pytest.fixture(scope="module", autouse=True)
def written(served: Served) -> None:
    """Write samples, a list of more than 128 KiB, and one object of as much."""
    bulky = container_line("bulky", namespace="bulky", text=["x" * 1000] * 200)
    served.write(
        [
            *samples(served),
            *lines(served, 700, namespace="big", filling="y" * 200),
            (served.index("containerlogs"), None, bulky),
        ]
    )


def get(served: Served, path: str, **headers: str) -> Answer:
    return served.ask(path, headers={key.replace("_", "-"): to for key, to in headers.items()})


def one(served: Served, place: str = LINES) -> str:
    """Return the path of the first object of a list."""
    name = served.json(f"{place}?limit=1")["items"][0]["metadata"]["name"]
    return f"{place}/{name}"


@pytest.mark.paragraph("2.9", "A get is the object as its list shows it.")
@pytest.mark.parametrize("kind", KINDS)
def test_a_get(served: Served, kind: str) -> None:
    for item in served.json(sample_path(kind))["items"]:
        assert (item["kind"], item["apiVersion"]) == (KIND_OF[kind], "core.kjournal/v1alpha1")
        assert served.json(f"{sample_path(kind)}/{item['metadata']['name']}") == item


@pytest.mark.paragraph("2.9", "A missing object is not found, by name, group and resource.")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["no-such-name", "a", "%20", "%C3%A4", "x" * 253])
def test_a_missing_object(served: Served, kind: str, name: str) -> None:
    status = refused(served.ask(f"{sample_path(kind)}/{name}"), 404)
    details = status["details"]
    assert (details["group"], details["kind"]) == ("core.kjournal", kind)
    assert details["name"]


@pytest.mark.paragraph("2.10", "JSON is what everybody gets who does not exclude it.")
@pytest.mark.parametrize(
    "accept",
    [
        "",
        "*/*",
        "application/*",
        JSON,
        f"{JSON}, */*",
        f"{JSON};q=0.9,application/cbor;q=1",
        f"{PROTOBUF},{JSON}",
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        f"{JSON};charset=utf-8",
        f"{JSON};stream=watch",
        f"{YAML};q=0.3,{JSON};q=0.8",
        f"{JSON};q=0.5,{YAML};q=0.5",
        "APPLICATION/JSON",
    ],
)
def test_who_gets_json(served: Served, accept: str) -> None:
    for path, kind in ((LINES, "ContainerLogList"), (one(served), "ContainerLog")):
        answer = get(served, path, Accept=accept)
        assert answer.headers["Content-Type"] == JSON
        assert answer.json["kind"] == kind


@pytest.mark.paragraph("2.10", "Without any Accept it is JSON too.")
def test_no_accept(served: Served) -> None:
    assert served.ask(LINES).headers["Content-Type"] == JSON


@pytest.mark.paragraph("2.10", "YAML is served, and says the same.")
@pytest.mark.parametrize(
    "accept", [YAML, f"{YAML},{JSON}", f"{JSON};q=0.1,{YAML}", f"{PROTOBUF},{YAML}"]
)
def test_yaml(served: Served, accept: str) -> None:
    """The lists' resourceVersions are those of two moments."""
    for path in (LINES, one(served)):
        answer = get(served, path, Accept=accept)
        assert answer.headers["Content-Type"] == YAML
        as_yaml, as_json = yaml.safe_load(answer.body), served.json(path)
        if "items" in as_yaml:
            assert int(as_yaml["metadata"].pop("resourceVersion")) > 0
            as_json["metadata"].pop("resourceVersion")
        assert as_yaml == as_json


@pytest.mark.paragraph("2.10", "A Table can be YAML, and metadata as well.")
def test_yaml_of_other_forms(served: Served) -> None:
    for form, kind in (
        (TABLE, "Table"),
        (";as=PartialObjectMetadataList;v=v1;g=meta.k8s.io", "PartialObjectMetadataList"),
    ):
        answer = get(served, LINES, Accept=f"{YAML}{form}")
        assert answer.headers["Content-Type"] == YAML
        assert yaml.safe_load(answer.body)["kind"] == kind


@pytest.mark.paragraph("2.10", "A long list is YAML too.")
def test_yaml_of_a_long_list(served: Served) -> None:
    document = yaml.load(get(served, BIG, Accept=YAML).body, yaml.CSafeLoader)
    assert len(document["items"]) == 700


@pytest.mark.paragraph("2.10", "A Status comes in the form that was accepted, or as JSON.")
def test_the_form_of_a_status(served: Served) -> None:
    answer = get(served, f"{LINES}/no-such-name", Accept=YAML)
    assert answer.status == 404
    assert yaml.safe_load(answer.body)["reason"] == "NotFound"


@pytest.mark.paragraph("2.10", "Nothing acceptable is a 406, as JSON.")
@pytest.mark.parametrize(
    "accept",
    [
        PROTOBUF,
        "application/cbor",
        "text/html",
        f"{JSON};stream=other",
        f"{JSON};q=0",
        "image/*",
        f"{JSON};as=Table;v=v1;g=nothing",
    ],
)
def test_nothing_acceptable(served: Served, accept: str) -> None:
    name = one(served)
    for path in (LINES, name, f"{LINES}?watch=true"):
        refused(get(served, path, Accept=accept), 406)


@pytest.mark.paragraph("2.10", "A watch is JSON: YAML alone is a 406, and passed over beside JSON.")
@pytest.mark.paragraph("3.1", "A watch that accepts YAML only is refused before it begins.")
def test_a_watch_is_json(served: Served) -> None:
    answer = get(served, f"{LINES}?watch=true", Accept=YAML)
    assert (answer.status, yaml.safe_load(answer.body)["reason"]) == (406, "NotAcceptable")
    with served.watch(f"{LINES}?x=y", f"{YAML},{JSON}") as stream:
        assert stream.next()["type"] == "ADDED"


def is_indented(body: bytes) -> bool:
    return body.startswith(b'{\n  "')


CURL, FIREFOX = "curl/8.9.1", "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"
PRETTY = [
    ("?pretty=1", "", True),
    ("?pretty=t", "", True),
    ("?pretty=T", "", True),
    ("?pretty=true", "", True),
    ("?pretty=TRUE", "", True),
    ("?pretty=True", "", True),
    ("?pretty=tRUE", "", False),
    ("?pretty=yes", "", False),
    ("?pretty=0", "", False),
    ("?pretty=false", "", False),
    ("?pretty=", "", False),
    ("?pretty", "", False),
    ("", "", False),
    ("", "kubectl/v1.36.0", False),
    ("", CURL, True),
    ("", "Wget/1.24", True),
    ("", FIREFOX, True),
    ("", "Mozilla/4.0", False),
    ("", "my curl/8", False),
    ("?pretty=0", CURL, False),
    ("?pretty=no", CURL, False),
    ("?pretty=", CURL, True),
    ("?pretty", FIREFOX, True),
    ("?pretty=true", "kubectl/v1.36.0", True),
]


@pytest.mark.paragraph(
    "2.10", "JSON is indented if `pretty` is true, or for curl, Wget, a browser."
)
@pytest.mark.parametrize(("query", "agent", "indented"), PRETTY)
def test_who_gets_it_indented(served: Served, query: str, agent: str, indented: bool) -> None:
    headers = {"User-Agent": agent} if agent else {}
    for path in (LINES, one(served)):
        answer = served.ask(f"{path}{query}", headers=headers)
        assert is_indented(answer.body) == indented, answer.body[:80]
        assert answer.json


@pytest.mark.paragraph("2.10", "A long list is indented as well, and so are Tables.")
def test_a_long_list_is_indented(served: Served) -> None:
    for accept, key in ((JSON, "items"), (f"{JSON}{TABLE}", "rows")):
        answer = get(served, f"{BIG}?pretty=true", Accept=accept)
        assert is_indented(answer.body)
        assert len(answer.json[key]) == 700
        assert all(len(text) < 3000 for text in answer.body.splitlines())


@pytest.mark.paragraph("2.10", "A watch is never indented.")
def test_a_watch_is_not_indented(served: Served) -> None:
    with served.stream(f"{LINES}?watch=true&pretty=true", {"User-Agent": CURL}) as stream:
        assert [stream.next()["type"] for _ in range(2)] == ["ADDED", "ADDED"]


def unpacked(answer: Answer) -> Any:
    return load_json(gzip.decompress(answer.body))


@pytest.mark.paragraph(
    "2.10", "Gets and lists of more than 128 KiB are compressed for whom accepts it."
)
@pytest.mark.parametrize("accepts", ["gzip", "deflate, gzip", "gzip, deflate, br", "br,gzip"])
def test_what_is_compressed(served: Served, accepts: str) -> None:
    for path in (BIG, f"{BIG}?limit=600", one(served, BIG_NAME)):
        answer = get(served, path, Accept_Encoding=accepts)
        assert answer.headers["Content-Encoding"] == "gzip"
        assert "Accept-Encoding" in answer.headers["Vary"]
        plain = get(served, path, Accept_Encoding="identity")
        assert len(plain.body) > THRESHOLD
        assert unpacked(answer).get("items") == plain.json.get("items")


@pytest.mark.paragraph("2.10", "A Table, YAML and indented JSON are compressed alike.")
def test_every_form_is_compressed(served: Served) -> None:
    for path, accept in ((BIG, f"{JSON}{TABLE}"), (f"{BIG}?pretty=1", JSON), (BIG, YAML)):
        answer = get(served, path, Accept=accept, Accept_Encoding="gzip")
        assert answer.headers["Content-Encoding"] == "gzip"
        assert len(gzip.decompress(answer.body)) > THRESHOLD


@pytest.mark.paragraph("2.10", "Only a bare `gzip` counts, and only for what is long.")
@pytest.mark.parametrize(
    ("path", "accepts"),
    [
        (BIG, "identity"),
        (BIG, "gzip;q=1"),
        (BIG, "*"),
        (BIG, "br"),
        (BIG, "x-gzip"),
        (SMALL, "gzip"),
        (f"{BIG}?limit=10", "gzip"),
    ],
)
def test_what_is_not_compressed(served: Served, path: str, accepts: str) -> None:
    answer = get(served, path, Accept_Encoding=accepts)
    assert "Content-Encoding" not in answer.headers
    assert answer.json["items"]


@pytest.mark.paragraph("2.10", "A watch is never compressed, however long.")
@pytest.mark.paragraph("0.11", "A watch whose client would unpack it comes plain.")
def test_a_watch_is_not_compressed(served: Served) -> None:
    with served.stream(f"{BIG}?watch=true", {"Accept-Encoding": "gzip"}) as stream:
        assert "Content-Encoding" not in stream.response.headers
        events = [stream.next() for _ in range(700)]
    assert said([event["object"] for event in events]) == [f"line-{at:04}" for at in range(700)]


@pytest.mark.paragraph("2.10", "No answer may be kept by a cache.")
@pytest.mark.parametrize("path", [LINES, f"{LINES}/no-such-name", f"{LINES}?limit=x", BIG])
def test_nothing_is_cached(served: Served, path: str) -> None:
    assert served.ask(path).headers["Cache-Control"] == "no-cache, private"


@pytest.mark.paragraph("2.10", "The audit id comes back, and there always is one.")
@pytest.mark.paragraph("7.6", "An inbound Audit-ID is the answer's, on errors too.")
@pytest.mark.parametrize("path", [LINES, f"{LINES}/no-such-name"])
def test_the_audit_id(served: Served, path: str) -> None:
    given = "11111111-2222-4333-8444-555555555555"
    assert get(served, path, Audit_ID=given).headers["Audit-Id"] == given
    first, second = (served.ask(path).headers["Audit-Id"] for _ in range(2))
    assert first
    assert second
    assert first != second


@pytest.mark.paragraph("2.10", "What is sent has a type that no browser guesses at.")
def test_nothing_is_sniffed(served: Served) -> None:
    assert served.ask(one(served)).headers["X-Content-Type-Options"] == "nosniff"
