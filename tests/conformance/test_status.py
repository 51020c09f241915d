"""Section 6: every Status that there is, and what it holds."""

import re
from typing import Any

import pytest

from tests.conformance.records import LINES, samples
from tests.conformance.served import Served
from tests.conformance.statuses import refused
from tests.conformance.stream import types_of
from tests.conformance.ways import direct_only, proxied_only
from tests.integration.stories import API, ask, path_of
from tests.rig_fixtures import StartGateway

GROUP = "core.kjournal"
ADDRESS = re.compile(r"https?://|127\.0\.0\.1|:9200|Traceback|elastic_transport", re.IGNORECASE)


@pytest.fixture
def sampled(served: Served) -> Served:
    """Return a gateway with samples of every kind, written once."""
    if not served.json(LINES)["items"]:
        served.write(samples(served))
    return served


CASES: list[tuple[str, dict[str, str], int, Any]] = [
    (f"{LINES}?limit=x", {}, 400, None),
    (f"{LINES}?fieldSelector=a.b=c", {}, 400, None),
    (f"{LINES}?labelSelector=a=b=c", {}, 400, None),
    (f"{LINES}?continue=x", {}, 400, None),
    (f"{LINES}?resourceVersion=x", {}, 400, None),
    (
        f"{LINES}/no-such-name",
        {},
        404,
        {"name": "no-such-name", "group": GROUP, "kind": "containerlogs"},
    ),
    (
        f"{path_of('logs')}/no-such-name",
        {},
        404,
        {"name": "no-such-name", "group": GROUP, "kind": "logs"},
    ),
    (f"{API}/namespaces/shop/logs", {}, 404, {}),
    (LINES, {"Accept": "text/html"}, 406, None),
    (f"{LINES}?resourceVersion=1&resourceVersionMatch=Exact", {}, 410, None),
]


@pytest.mark.paragraph("6", "Each failure is a whole Status, with its details and no others.")
@pytest.mark.parametrize(("path", "headers", "code", "details"), CASES)
def test_a_status(
    served: Served, path: str, headers: dict[str, str], code: int, details: Any
) -> None:
    status = refused(served.ask(path, headers=headers), code)
    assert status.get("details") == details


@pytest.mark.paragraph("6", "403 names what was asked for, through kube-apiserver.")
@proxied_only
def test_forbidden(served: Served) -> None:
    status = refused(served.ask(f"{LINES}/some-name", method="DELETE"), 403)
    details = {"name": "some-name", "group": GROUP, "kind": "containerlogs"}
    assert status["details"] == details


@pytest.mark.paragraph("6", "405 names the resource.")
@direct_only
def test_method_not_allowed(served: Served) -> None:
    status = refused(served.ask(f"{LINES}/some-name", method="DELETE"), 405)
    assert status["details"] == {"group": GROUP, "kind": "containerlogs"}


@pytest.mark.paragraph("6", "422 has a cause for each contradiction, with field and reason.")
def test_invalid(served: Served) -> None:
    query = "resourceVersionMatch=Other&sendInitialEvents=true"
    status = refused(served.ask(f"{LINES}?{query}"), 422)
    assert status["details"]["group"] == "meta.k8s.io"
    assert status["details"]["kind"] == "ListOptions"
    causes = status["details"]["causes"]
    assert {cause["field"] for cause in causes} == {"resourceVersionMatch", "sendInitialEvents"}
    for cause in causes:
        assert cause["reason"] in ("FieldValueForbidden", "FieldValueNotSupported")
        assert cause["message"]


@pytest.mark.paragraph("6", "An ERROR event holds such a Status too.")
@pytest.mark.paragraph("3.6", "An ERROR's Status has code, reason, message, status and metadata.")
def test_a_status_in_a_stream(sampled: Served) -> None:
    events = sampled.events(f"{LINES}?resourceVersion=1")
    assert types_of(events) == ["ERROR"]
    status = events[0]["object"]
    assert {**status, "message": ""} == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "",
        "reason": "Expired",
        "code": 410,
    }


@pytest.mark.paragraph("6", "A body that is too long is refused before it is read.")
@direct_only
def test_a_long_body(served: Served) -> None:
    answer = served.ask(LINES, method="POST", headers={"Content-Length": str(2 << 20)}, body=b"x")
    refused(answer, 413)


@pytest.mark.paragraph(
    "6", "A store out of reach is 503, names nothing of it, and asks for no retry."
)
def test_a_store_out_of_reach(gateway: StartGateway) -> None:
    """client-go would repeat ten times in silence what has a Retry-After."""
    url = gateway("--es-url=http://127.0.0.1:1").url
    for path in (LINES, f"{LINES}?watch=true", f"{LINES}/pabc-aaaaaa"):
        answer = ask(url, path)
        status = refused(answer, 503)
        assert not ADDRESS.search(status["message"])
        assert answer.headers["Retry-After"] is None


@pytest.mark.paragraph(
    "6", "A message quotes a client's text with its controls taken out, and cut."
)
def test_messages_are_tame(served: Served) -> None:
    path = f"{LINES}?fieldSelector=a.b%0A%1B%5B31m{'x' * 5000}=c"
    answer = served.ask(path)
    message = refused(answer, 400)["message"]
    assert message.isprintable()
    assert len(message) < 3000
    assert not ADDRESS.search(message)
