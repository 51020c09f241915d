"""Fixtures for real servers: each starts at the first test that asks for it, and stops at the end.

Where one cannot be had, its tests are skipped, and the last lines of the run say which and why.
"""

import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from tests.rig_servers import (
    CONTROLLERS_RECIPE,
    KUBE_RECIPE,
    Elasticsearch,
    Gateway,
    Kube,
    NotBuilt,
    Recipe,
    elasticsearch_recipe,
    free_port,
    omelasticsearch,
)

__all__ = ["Gateway", "Kube", "StartGateway", "free_port"]

ELASTICSEARCH_VERSION = "9.5.3"
ELASTICSEARCH8_VERSION = "8.19.21"

MARKERS = {
    "elasticsearch_url": "elasticsearch",
    "elasticsearch8_url": "elasticsearch",
    "kube": "kube",
    "kubectl": "kube",
    "rsyslogd": "shipper",
}
_NEEDS = "Skipped: needs "


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by the servers it asks for, so that `-m "not kube"` works."""
    for item in items:
        for fixture, marker in MARKERS.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(marker)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line for each missing server what was not tested."""
    reasons: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
        if reason.startswith(_NEEDS):
            reasons[reason.removeprefix(_NEEDS)] += 1
    for reason, count in reasons.items():
        tests = "1 test needs" if count == 1 else f"{count} tests need"
        terminalreporter.write_line(f"NOT TESTED: {tests} {reason}", red=True, bold=True)


class Teller:
    """Prints to the terminal, past pytest's capture."""

    def __init__(self, config: pytest.Config) -> None:
        self._capture = config.pluginmanager.getplugin("capturemanager")
        self._terminal = config.pluginmanager.getplugin("terminalreporter")

    def __call__(self, text: str) -> None:
        if self._capture is None:
            self._write(text)
            return
        with self._capture.global_and_fixture_disabled():
            self._write(text)

    def _write(self, text: str) -> None:
        if self._terminal is not None:
            self._terminal.ensure_newline()
            self._terminal.write_line(text)
            self._terminal.flush()


@pytest.fixture(scope="session")
def teller(pytestconfig: pytest.Config) -> Teller:
    """Return what tells the person at the terminal that something takes long."""
    return Teller(pytestconfig)


def build(recipe: Recipe, what: str, teller: Teller) -> None:
    """Build a server, or skip the test that wants it; in CI, fail where it should have worked."""
    try:
        recipe.build(teller)
    except NotBuilt as error:
        if error.tools_present and os.environ.get("CI") == "true":
            pytest.fail(f"cannot build {what}: {error}", pytrace=False)
        pytest.skip(f"needs {what}: {error}")


def running_elasticsearch(version: str, given: str | None, teller: Teller) -> Iterator[str]:
    """Yield the URL of an Elasticsearch: the one given, or one started for this run."""
    if given:
        yield given
        return
    build(elasticsearch_recipe(version), f"a real Elasticsearch {version}", teller)
    with tempfile.TemporaryDirectory(prefix="kjournal-es-") as directory:
        server = Elasticsearch(Path(directory), version)
        try:
            yield server.up()
        finally:
            server.down()


@pytest.fixture(scope="session")
def elasticsearch_url(teller: Teller) -> Iterator[str]:
    """Yield the URL of one node of Elasticsearch 9, or KJOURNAL_TEST_ES_URL."""
    given = os.environ.get("KJOURNAL_TEST_ES_URL")
    yield from running_elasticsearch(ELASTICSEARCH_VERSION, given, teller)


@pytest.fixture(scope="session")
def elasticsearch8_url(teller: Teller) -> Iterator[str]:
    """Yield the URL of one node of Elasticsearch 8, or KJOURNAL_TEST_ES8_URL."""
    given = os.environ.get("KJOURNAL_TEST_ES8_URL")
    yield from running_elasticsearch(ELASTICSEARCH8_VERSION, given, teller)


@pytest.fixture(scope="session")
def kube(teller: Teller) -> Iterator[Kube]:
    """Yield a real kube-apiserver with API aggregation."""
    build(KUBE_RECIPE, "a real kube-apiserver", teller)
    with tempfile.TemporaryDirectory(prefix="kjournal-kube-") as directory:
        stopped = Kube(Path(directory), {})
        try:
            yield Kube.start(Path(directory))
        finally:
            stopped.down()


@pytest.fixture(scope="session")
def control_plane(kube: Kube, teller: Teller) -> Kube:
    """Return the kube-apiserver, with a kube-controller-manager that can be started on it."""
    build(CONTROLLERS_RECIPE, "kube-controller-manager", teller)
    return kube


@pytest.fixture(scope="session")
def rsyslogd() -> Path:
    """Return rsyslogd with its output to Elasticsearch."""
    found = omelasticsearch()
    if found is None:
        pytest.skip("needs rsyslogd: the package rsyslog-elasticsearch is not installed")
    return found


class StartGateway(Protocol):
    """Starts a gateway and returns it once it is ready."""

    def __call__(
        self, *args: str, env: dict[str, str] | None = None, tracebacks: bool = False
    ) -> Gateway:
        """Start `twistd -n kjournal --insecure-port=FREE ARGS`.

        With `tracebacks` the log may hold some at the end.
        """


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[StartGateway]:
    """Yield what starts gateways; at the end they are stopped and no log may hold a traceback."""
    started: list[tuple[Gateway, bool]] = []

    def start(*args: str, env: dict[str, str] | None = None, tracebacks: bool = False) -> Gateway:
        log = tmp_path / f"gateway-{len(started)}.log"
        server = Gateway(args, log, env or {})
        started.append((server, tracebacks))
        server.start()
        return server

    try:
        yield start
    finally:
        for server, _ in started:
            if server.running:
                server.stop()
    for server, allowed in started:
        assert allowed or not server.tracebacks(), server.log()
