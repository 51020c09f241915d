"""Sections 7.4 to 7.6: how much is let in."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conformance.records import LINES, sample
from tests.conformance.served import FUTURE, Served
from tests.conformance.statuses import awaited, refused
from tests.conformance.ways import direct_only
from tests.integration.cluster import registered_gateway
from tests.integration.stories import Store, ask, bulk, config_file, path_of, until
from tests.rig_fixtures import Kube, StartGateway

AT_ONCE = 2
SLOW = f"{LINES}?resourceVersion={FUTURE}"
"""A list that is in flight for three seconds, since what it asks for is waited for."""


@pytest.fixture(scope="module")
def narrow(kube: Kube, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Yield a gateway behind kube-apiserver that serves two requests at once."""
    folder = tmp_path_factory.mktemp("narrow")
    store = Store.embedded(folder)
    flags = (f"--config={config_file(folder, 'narrow')}", *store.flags)
    limit = f"--max-requests-inflight={AT_ONCE}"
    with registered_gateway(kube, folder, *flags, limit) as (gateway, _):
        user = kube.user("crowd", "log-readers")
        yield Served(True, store, gateway, "narrow", user)


@pytest.mark.paragraph("7.4", "Beyond the most requests in flight it is 429, for a second.")
@pytest.mark.paragraph("7.4", "Watches are no part of it, nor are probes and system:masters.")
def test_requests_in_flight(narrow: Served, kube: Kube) -> None:
    admin = Served(True, narrow.store, narrow.gateway, "narrow", Path(kube.env["KUBECONFIG"]))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        held = [pool.submit(narrow.ask, SLOW) for _ in range(AT_ONCE)]
        answer = awaited("it is full", lambda: narrow.ask(LINES), 429)
        assert answer.headers["Retry-After"] == "1"
        assert answer.body
        with narrow.watch(f"{LINES}?sendInitialEvents=false&resourceVersionMatch=NotOlderThan") as (
            stream
        ):
            assert stream.response.status == 200
        assert admin.ask(LINES).status == 200
        assert ask(narrow.gateway.url, "/readyz").status == 200
        assert not any(each.done() for each in held)
        assert {each.result().status for each in held} == {504}
    assert narrow.ask(LINES).status == 200


@pytest.mark.paragraph("7.4", "A URL that is too long is 414.")
def test_a_long_url(served: Served) -> None:
    assert served.ask(f"{LINES}?fieldSelector={'x' * 300_000}").status == 414


@pytest.mark.paragraph("7.4", "Headers that are too many or too long are 431.")
@pytest.mark.parametrize(
    "headers",
    [{"X-Long": "x" * 300_000}, {f"X-Many-{at}": "x" * 1000 for at in range(300)}],
    ids=["long", "many"],
)
@direct_only
def test_long_headers(served: Served, headers: dict[str, str]) -> None:
    assert served.ask(LINES, headers=headers).status == 431


@pytest.mark.paragraph("7.4", "A selector that would take too long to test is a bad request.")
@pytest.mark.parametrize(
    "selector",
    [
        f"labelSelector={'a,' * 101}a",
        f"labelSelector=a%20in%20({'b,' * 1001}b)",
        f"labelSelector=a%20in%20({'b' * 60}{(',' + 'b' * 60) * 600})",
        f"fieldSelector={'pod=a,' * 101}pod=a",
        f"fieldSelector=pod%20in%20({'b,' * 1001}b)",
        f"fieldSelector=pod={'x' * 33_000}",
        f"fieldSelector=payload{'.a' * 17}=x",
        f"fieldSelector=payload.{'a' * 257}=x",
    ],
    ids=[
        "label terms",
        "label values",
        "label length",
        "field terms",
        "field values",
        "field length",
        "field dots",
        "field path",
    ],
)
@pytest.mark.parametrize("watch", ["", "&watch=true"])
def test_selectors_have_bounds(served: Served, selector: str, watch: str) -> None:
    refused(served.ask(f"{LINES}?{selector}{watch}"), 400)


@pytest.mark.paragraph("7.5", "A Warning is quoted, of one line, and where there is cause only.")
def test_warnings(served: Served) -> None:
    """The cause is that no index is there, until a record is."""
    place = path_of("auditevents")
    warning = served.ask(place).headers["Warning"]
    assert warning.startswith('299 - "')
    assert warning.endswith('"')
    assert warning.isprintable()
    assert len(warning) < 4096
    served.write(sample(served, "auditevents"))
    until("the warning is gone", lambda: "Warning" not in served.ask(place).headers)


@pytest.mark.paragraph("7.6", "There is no /debug.")
@direct_only
def test_there_is_no_debug(served: Served) -> None:
    refused(served.ask("/debug/pprof/"), 404)


@pytest.mark.paragraph("7.6", "An inbound id that cannot be one is not echoed.")
@direct_only
def test_odd_audit_ids(served: Served) -> None:
    for odd in ("x" * 65, "\u00e4"):
        answer = served.ask(LINES, headers={"Audit-ID": odd})
        assert answer.headers["Audit-Id"] != odd
        assert answer.headers["Audit-Id"]


@pytest.mark.paragraph("2.4", "A token whose process is gone is 410 Expired.")
def test_an_expired_token(gateway: StartGateway, tmp_path: Path) -> None:
    store = Store.embedded(tmp_path)
    server = gateway(f"--config={config_file(tmp_path, 'expiry')}", *store.flags)
    documents = [
        ("expiry-logs-a", None, {"@timestamp": f"2026-01-02T03:04:0{at}Z", "log": "x"})
        for at in range(3)
    ]
    bulk(store.url, documents)
    everything = "fieldSelector=metadata.creationTimestamp%3E2000-01-01T00:00:00Z"
    path = f"{path_of('logs')}?limit=1&{everything}"
    token = ask(server.url, path).json["metadata"]["continue"]
    server.stop()
    server.start()
    refused(ask(server.url, f"{path}&continue={token}"), 410)
