"""What kubectl is asked about: a few lines and events of two namespaces, and many of a third."""

from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import attrs
import pytest

from tests.conformance.served import Served
from tests.integration.stories import API, Following, ago
from tests.rig_fixtures import Teller, build
from tests.rig_servers import kubectl_recipe, run

# Older than the newest by eight minor versions, and the newest.
OLD, NEW = "v1.29.6", "v1.37.2"
MANY = 1250
LINES = (
    # Namespace, app, level and duration of each, oldest first.
    ("shop", "web", "info", 30),
    ("shop", "db", "error", 4),
    ("bank", "web", "warn", 200),
    ("shop", "web", "debug", 7),
)
SHOP = ["line-0", "line-1", "line-3"]


def line(number: int) -> dict[str, Any]:
    """Return one of the lines as fluent-bit writes it."""
    namespace, app, level, took = LINES[number]
    return {
        "@timestamp": ago(60 - number),
        "log": f"line-{number}",
        "level": level,
        "took": took,
        "kubernetes": {
            "namespace_name": namespace,
            "pod_name": f"{app}-{number}",
            "container_name": "main",
            "labels": {"app": app, "tier": "x"},
        },
    }


def event(number: int) -> dict[str, Any]:
    """Return an event about the pod of one of the lines."""
    namespace, app, _, _ = LINES[number]
    return {
        "metadata": {"namespace": namespace, "creationTimestamp": ago(60 - number)},
        "type": "Normal",
        "reason": "Created",
        "note": f"event-{number}",
        "regarding": {"kind": "Pod", "namespace": namespace, "name": f"{app}-{number}"},
    }


def one_of_many(number: int, namespace: str = "many") -> dict[str, Any]:
    """Return one of many lines; the higher its number, the older it is."""
    kubernetes = {"namespace_name": namespace, "pod_name": "pod", "container_name": "main"}
    return {
        "@timestamp": ago(100 + number / 10),
        "log": f"many-{number}",
        "number": number,
        "kubernetes": kubernetes,
    }


@attrs.define
class Ledger:
    """A gateway with all of it, and kubectl of some version before it."""

    served: Served
    command: tuple[str, ...] = ()

    def fill(self) -> None:
        """Write all of it."""
        lines, events = self.served.index("containerlogs"), self.served.index("events")
        documents = [(lines, None, line(n)) for n in range(len(LINES))]
        documents += [(events, None, event(n)) for n in range(len(LINES))]
        documents += [(lines, None, one_of_many(n)) for n in range(MANY)]
        documents.append(
            (self.served.index("logs"), None, {"@timestamp": ago(5), "host": "a", "log": "syslog"})
        )
        self.served.write(documents)

    def __call__(self, *args: str, check: bool = True, **more: Any) -> CompletedProcess[str]:
        """Run kubectl to its end; unless told otherwise it must succeed."""
        return run([*self.command, *args], check=check, **more)

    def follow(self, *args: str) -> Following:
        """Start kubectl, and read as it prints."""
        return Following([*self.command, *args])

    def of(self, program: Path, kubeconfig: Path) -> "Ledger":
        """Return the same with a version of kubectl, as the user of a kubeconfig."""
        cache = self.served.kubeconfig.parent / f"cache-of-{program.name}"
        command = (program, f"--kubeconfig={kubeconfig}", f"--cache-dir={cache}")
        return Ledger(self.served, tuple(str(word) for word in command))

    def write(self, mark: str, namespace: str) -> None:
        """Write a line of a text in a namespace, where nobody looks but who asks for it."""
        kubernetes = {"namespace_name": namespace, "pod_name": "pod", "container_name": "main"}
        document = {"@timestamp": ago(0), "log": mark, "kubernetes": kubernetes}
        self.served.write([(self.served.index("containerlogs"), None, document)])

    def objects(self, kind: str, namespace: str) -> list[dict[str, Any]]:
        """Return the objects of a namespace, in the order of the list, without kubectl."""
        found = self.served.json(f"{API}/namespaces/{namespace}/{kind}")["items"]
        assert isinstance(found, list)
        return found

    def names(self, kind: str = "containerlogs", namespace: str = "shop") -> list[str]:
        """Return their names."""
        return [item["metadata"]["name"] for item in self.objects(kind, namespace)]


def rows(output: str) -> list[list[str]]:
    """Return the words of each line of a table."""
    return [row.split() for row in output.splitlines()]


@pytest.fixture(scope="session")
def programs(teller: Teller) -> dict[str, Path]:
    """Return kubectl of each version."""
    recipes = {version: kubectl_recipe(version) for version in (OLD, NEW)}
    for version, recipe in recipes.items():
        build(recipe, f"kubectl {version}", teller)
    return {version: recipe.done for version, recipe in recipes.items()}


@pytest.fixture(scope="module")
def filled(served: Served) -> Ledger:
    """Return the gateway with all that is asked about."""
    ledger = Ledger(served)
    ledger.fill()
    return ledger


@pytest.fixture(params=[OLD, NEW])
def ledger(request: pytest.FixtureRequest, filled: Ledger, programs: dict[str, Path]) -> Ledger:
    """Return kubectl of each version as a user who may read all."""
    return filled.of(programs[request.param], filled.served.kubeconfig)
