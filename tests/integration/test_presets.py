"""Each preset, and the first kjournal's config files, over documents that they are for."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from kjournal.codec import load_json
from tests.integration.conftest import store_named
from tests.integration.stories import Documents, Kubectl, running_gateway
from tests.unit.config.originals import FILEBEAT, FLUENTBIT, STRUCTURED

DATA = Path(__file__).parent.parent / "data"
NEWEST = datetime(2023, 7, 24, 10, 15, 43, 500_000, tzinfo=UTC)
_TIME = re.compile(r"(2023-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?Z")
ORIGINALS = {
    "fluentbit-simple": FLUENTBIT,
    "filebeat-simple": FILEBEAT,
    "kjournal-structured": STRUCTURED,
}
# What each kind's rows say, oldest first; all three sets of documents tell the same story.
SHOP = [
    ("web-7d4b9c8f6d-x2lkq", "web", "GET /cart HTTP/1.1"),
    ("web-7d4b9c8f6d-x2lkq", "web", "cannot reach the bank"),
]
BANK = [("ledger-0", "ledger", "ledger closed")]
EVENTS = [
    ("Normal", "Pulled", "pod/web-7d4b9c8f6d-x2lkq", "Container image"),
    ("Warning", "BackOff", "pod/web-7d4b9c8f6d-x2lkq", "Back-off restarting"),
]
AUDIT = [
    ("patch", "200", "alice@example.com", "shop/deployments/web"),
    ("get", "403", "system:serviceaccount:shop:web", "bank/secrets/vault"),
]
LOGS = [("worker-1", "RemoveContainer"), ("worker-2", "Killed process 4711")]


def recorded(name: str) -> Documents:
    """Return documents as they were stored, as if it were just now."""
    moved = datetime.fromtimestamp(time.time(), UTC) - NEWEST - timedelta(seconds=5)

    def now(found: re.Match[str]) -> str:
        moment = datetime.fromisoformat(f"{found[1]}+00:00") + moved
        return f"{moment:%Y-%m-%dT%H:%M:%S}{found[2] or ''}Z"

    lines = (DATA / f"{name}.ndjson").read_text().splitlines()
    entries = [load_json(_TIME.sub(now, line)) for line in lines]
    return [(entry["index"], None, entry["document"]) for entry in entries]


@attrs.frozen
class Served:
    """A gateway over recorded documents."""

    kubectl: Kubectl
    shape: str
    everything: bool
    """Whether each kind reads all indices, so that other documents of the shape are shown too."""

    def rows(self, *args: str) -> list[str]:
        """Return the rows of a table."""
        return self.kubectl("get", "--no-headers", *args).stdout.splitlines()

    def expect(self, expected: list[tuple[str, ...]], *args: str) -> None:
        """Assert that a table has these rows in this order, and no others if it has its own."""
        rows = self.rows(*args)
        at = [
            next((n for n, row in enumerate(rows) if all(word in row for word in words)), None)
            for words in expected
        ]
        found = [n for n in at if n is not None]
        assert len(found) == len(expected), rows
        assert found == sorted(found), rows
        assert self.everything or len(rows) == len(expected), rows


def cases() -> list[Any]:
    """Return each preset and each original config."""
    found = [pytest.param(("embedded", "fluentbit-simple", "embedded"), id="embedded")]
    for shape in ORIGINALS:
        for config in (f"elasticsearch-{shape}", "original"):
            case = ("elasticsearch", shape, config)
            id = f"{shape}-{'original' if config == 'original' else 'preset'}"
            found.append(pytest.param(case, id=id, marks=pytest.mark.elasticsearch))
    return found


@pytest.fixture(scope="module", params=cases())
def served(
    request: pytest.FixtureRequest, kubectl: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """Yield each preset and each original config over documents of its shape."""
    store_name, shape, config = request.param
    folder = tmp_path_factory.mktemp("presets")
    store = store_named(store_name, request, folder)
    original = config == "original"
    if original:
        path = folder / "original.yaml"
        path.write_text(ORIGINALS[shape])
        flags, env = [f"--config={path}"], {"ELASTICSEARCH_URI": store.url}
    else:
        flags, env = [f"--preset={config}", *store.flags], {}
    if store.name == "elasticsearch":
        store.forget("container-*,filebeat-*,events-*,audit-*,logs-*")
        store.write(recorded(shape))
    with running_gateway(folder, *flags, env=env) as gateway:
        if store.name == "embedded":
            store.write(recorded(shape))
        client = Kubectl.straight(kubectl, gateway.url, folder / "cache")
        # Also the structured preset takes any index for logs.
        yield Served(client, shape, original)
    store.forget("container-*,filebeat-*,events-*,audit-*,logs-*")


def test_containerlogs(served: Served) -> None:
    """Lines are in their pod's namespace, with pod, container and message."""
    served.expect(SHOP, "containerlogs", "-n", "shop")
    served.expect(BANK, "containerlogs", "-n", "bank")
    assert served.rows("containerlogs", "-n", "sho") == []
    served.expect([*SHOP, *BANK], "containerlogs", "-A")


def test_containerlogs_by_selectors(served: Served) -> None:
    """Labels of the pod, the pod's name and fields of the payload select lines."""
    selectors = (
        (SHOP, ("-l", "app=web")),
        (BANK, ("-l", "app in (ledger)", "--field-selector", "pod=ledger-0")),
        (SHOP[1:], ("--field-selector", "payload.level=error")),
        (SHOP[1:], ("-l", "app=web", "--field-selector", "payload.attempt>2")),
    )
    for expected, args in selectors:
        served.expect(expected, "containerlogs", "-A", *args)
    assert served.rows("containerlogs", "-A", "-l", "app=nobody") == []


def test_a_container_line_as_json(served: Served) -> None:
    """Labels and annotations are the pod's; the payload is without what stands elsewhere."""
    selector = ("--field-selector", "payload.level=error")
    (item,) = served.kubectl.json("get", "containerlogs", "-n", "shop", *selector)["items"]
    assert item["metadata"]["labels"] == {"app": "web", "pod-template-hash": "7d4b9c8f6d"}
    annotations = item["metadata"]["annotations"]
    assert annotations["host"] == "worker-1"
    assert annotations["pod_id"] == "5f4cbd5e-2f7e-4f8c-9a37-6f0f6b1c2a01"
    assert item["payload"]["attempt"] == 3
    assert not {"kubernetes", "@timestamp"} & item["payload"].keys()
    name = item["metadata"]["name"]
    assert served.kubectl.json("get", "containerlogs", "-n", "shop", name) == item


def test_events(served: Served) -> None:
    """Events of core/v1 are shown as events.k8s.io/v1 has them."""
    served.expect(EVENTS, "events", "-n", "shop")
    served.expect(EVENTS[1:], "events", "-A", "--field-selector", "type=Warning")
    selector = ("--field-selector", "reason=BackOff")
    (item,) = served.kubectl.json("get", "events", "-n", "shop", *selector)["items"]
    assert item["regarding"]["fieldPath"] == "spec.containers{web}"
    assert item["deprecatedCount"] == 3
    assert item["deprecatedSource"] == {"component": "kubelet", "host": "worker-1"}


def test_auditevents(served: Served) -> None:
    """Audit events say who did what to what, and how it was answered."""
    served.expect(AUDIT, "auditevents")
    selector = ("--field-selector", "verb=patch,user.username=alice@example.com")
    served.expect(AUDIT[:1], "auditevents", *selector)
    served.expect(AUDIT[1:], "auditevents", "--field-selector", "responseStatus.code=403")


def test_logs(served: Served) -> None:
    """Lines of nodes show message and host, which the first kjournal's configs do not map."""
    rows = [words[1:] for words in LOGS] if served.everything else LOGS
    if served.shape == "kjournal-structured":
        served = attrs.evolve(served, everything=True)  # any index is theirs
    served.expect(rows, "logs")
