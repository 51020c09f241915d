"""A store that fails is told as a failure, never as an empty list, and heals without a restart."""

import http.client
import tempfile
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import attrs
import pytest

from tests.fakes import faulty_elasticsearch as fake
from tests.fakes.faulty_elasticsearch import Exchange, Fault, FaultyElasticsearch
from tests.integration.stories import (
    API,
    Answer,
    Following,
    Kubectl,
    Site,
    Store,
    ask,
    config_file,
    container_line,
    path_of,
    running_gateway,
    until,
)
from tests.rig_fixtures import ELASTICSEARCH_VERSION, Teller, build
from tests.rig_servers import Elasticsearch, elasticsearch_recipe

SECRET = "hunter2-hunter2"
HTML = b"<html><body>Bad Gateway at http://10.0.0.7:9200</body></html>"

# By name: the fault, and the codes that a client may be told.
FAULTS: dict[str, tuple[Fault | None, set[int]]] = {
    "refused": (None, {503}),
    "reset": (Exchange.reset, {503}),
    "closed": (Exchange.leave, {503}),
    "hanging": (Exchange.hang, {504}),
    "stuck in its body": (fake.stuck, {504}),
    "401": (fake.refusal(401, "security_exception", f"wrong {SECRET}"), {500}),
    "403": (fake.refusal(403, "security_exception", f"no right for {SECRET}"), {500}),
    "404": (fake.refusal(404, "index_not_found_exception"), {500, 503}),
    "404 of a stranger": (fake.whole(404, HTML, type="text/html", product=False), {503}),
    "429": (fake.refusal(429, "es_rejected_execution_exception"), {429}),
    "500": (fake.refusal(500, "null_pointer_exception"), {503}),
    "502": (fake.whole(502, HTML, type="text/html", product=False), {503}),
    "503": (fake.refusal(503, "cluster_block_exception"), {503}),
    "garbage": (fake.whole(200, b"\x00\xff{]garbage"), {503}),
    "another type": (fake.whole(200, HTML, type="text/html"), {503}),
    "an empty body": (fake.whole(200, b""), {503}),
    "an empty object": (fake.whole(200, b"{}"), {503}),
    "a list": (fake.whole(200, b"[]"), {503}),
    "cut off": (fake.cut_off, {503}),
    "cut-off JSON": (fake.half, {503}),
    "failed shards": (fake.changed(fake.fail_a_shard), {503}),
    "timed out": (fake.changed(fake.time_out), {504}),
}
EVERYWHERE, LISTS = "", "/_search"
"""Which requests fail: all, or only those for the pages of a list, which name no index."""
# kubectl repeats a call ten times where it is asked for patience.
PATIENT = {"429"}


@attrs.frozen
class Failing:
    """A gateway before a node that can fail, and the way round it to the real store."""

    node: FaultyElasticsearch
    site: Site
    kubectl: Kubectl
    name: str
    """A line that is there."""

    def get(self, path: str) -> Answer:
        """Ask the gateway."""
        return ask(self.site.url, path)


@pytest.fixture(scope="module")
def failing(
    elasticsearch_url: str, kubectl: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Failing]:
    """Yield it, with a line that is there all the time."""
    folder, prefix = tmp_path_factory.mktemp("failing"), f"fails{uuid4().hex[:8]}"
    password = folder / "password"
    password.write_text(SECRET)
    node = FaultyElasticsearch(elasticsearch_url)
    flags = (
        f"--config={config_file(folder, prefix)}",
        f"--es-url=http://127.0.0.1:{node.port}",
        "--es-username=elastic",
        f"--es-password-file={password}",
        "--es-request-timeout=1",
    )
    try:
        with running_gateway(folder, *flags) as gateway:
            site = Site(Store.elasticsearch(elasticsearch_url), gateway, prefix)
            index = site.index("containerlogs")
            site.store.write([(index, f"there-{n}", container_line("there")) for n in range(20)])
            site.store.write([(site.index("logs"), None, container_line("there"))])
            client = Kubectl.straight(kubectl, gateway.url, folder / "cache")
            name = site.items("containerlogs", "shop")[0]["metadata"]["name"]
            client("get", "containerlogs", "-n", "shop")
            yield Failing(node, site, client, name)
            site.store.forget(f"{prefix}-*")
        assert SECRET not in gateway.log()
    finally:
        node.close()


def assert_told(answer: Answer, codes: set[int], node: FaultyElasticsearch) -> None:
    """Assert that an answer is a Status of one of the codes that gives nothing away."""
    assert answer.status in codes, answer.body
    status = answer.json
    assert (status["kind"], status["status"], status["code"]) == (
        "Status",
        "Failure",
        answer.status,
    )
    assert status["reason"]
    assert status["message"]
    text = answer.body.decode()
    for secret in (SECRET, "elastic:", str(node.port), "127.0.0.1", "10.0.0.7", "://", "html"):
        assert secret not in text


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_told(failing: Failing, name: str) -> None:
    """Lists, gets, further pages and new watches get a Status; discovery answers as ever.

    Afterwards all is as before, and a running watch has missed nothing.
    """
    fault, codes = FAULTS[name]
    lines = f"{path_of('containerlogs', 'shop')}?limit=5"
    page = failing.get(lines).json["metadata"]
    follow = f"{path_of('containerlogs', 'shop')}?watch=1&resourceVersion={page['resourceVersion']}"
    with Following(["curl", "-sSN", failing.site.url + follow]) as watching:
        with failing.node.failing(fault, only=EVERYWHERE):
            meanwhile = f"meanwhile {uuid4().hex}"
            index = failing.site.index("containerlogs")
            failing.site.store.write([(index, None, container_line(meanwhile, "shop"))])
            asked = (
                path_of("containerlogs", "shop"),
                f"{path_of('containerlogs', 'shop')}/{failing.name}",
                f"{path_of('containerlogs', 'shop')}?watch=1",
                path_of("logs"),
            )
            for path in asked:
                assert_told(failing.get(path), codes, failing.node)
            follow_page = failing.get(f"{lines}&continue={urllib.parse.quote(page['continue'])}")
            assert_told(follow_page, codes | {410}, failing.node)
            for path in ("/readyz", "/livez", "/version", "/apis", API, "/openapi/v2", "/metrics"):
                assert failing.get(path).status == 200, path
            if name not in PATIENT:
                done = failing.kubectl("get", "containerlogs", "-n", "shop", check=False)
                assert (done.returncode, done.stdout) == (1, "")
                assert done.stderr.startswith(("Error from server", "Unable to connect"))
        until("it heals", lambda: failing.get(path_of("logs")).status == 200)
        items = failing.site.items("containerlogs", "shop")
        assert meanwhile in [item["payload"]["log"] for item in items]
        watching.says(meanwhile)
    assert len(watching.said(meanwhile)) == 1


@pytest.mark.parametrize("name", [name for name in FAULTS if name != "refused"])
def test_a_fault_of_the_lists_alone_is_told(failing: Failing, name: str) -> None:
    """Where only the search for a page fails, the list is no shorter list: it is a Status."""
    fault, codes = FAULTS[name]
    with failing.node.failing(fault, only=LISTS):
        answer = failing.get(path_of("containerlogs", "shop"))
        assert failing.node.faults > 0
        # A point in time that is gone, and a missing index, look alike.
        assert_told(answer, codes | ({410} if name == "404" else set()), failing.node)
    assert len(failing.site.items("containerlogs", "shop")) >= 20


def test_another_product_is_told(elasticsearch_url: str, tmp_path: Path) -> None:
    """What does not say that it is Elasticsearch is not believed.

    The gateway starts all the same, and serves once it is.
    """
    node = FaultyElasticsearch(elasticsearch_url)
    flags = (
        f"--config={config_file(tmp_path, 'other-product')}",
        f"--es-url=http://127.0.0.1:{node.port}",
    )
    try:
        with node.failing(fake.unnamed), running_gateway(tmp_path, *flags) as gateway:
            for kind in ("containerlogs", "events"):
                answer = ask(gateway.url, path_of(kind))
                assert_told(answer, {503}, node)
                assert "not Elasticsearch" in answer.json["message"]
            assert ask(gateway.url, API).status == 200
            node.heal()
            until("it serves", lambda: ask(gateway.url, path_of("events")).status == 200)
    finally:
        node.close()


def test_an_overloaded_store_asks_for_patience(failing: Failing) -> None:
    """429 of the store is 429 of ours, with a Retry-After that clients heed."""
    fault, _ = FAULTS["429"]
    with failing.node.failing(fault):
        answer = failing.get(path_of("containerlogs", "shop"))
    assert (answer.status, answer.headers["Retry-After"]) == (429, "1")
    with failing.kubectl.follow("get", "containerlogs", "-n", "shop") as waiting:
        assert waiting.ended() == 0
        assert waiting.said("there")


def test_a_fault_amid_a_long_list_cuts_it(failing: Failing) -> None:
    """A list that fails after its first bytes lacks its end: no client takes it for whole."""
    index = failing.site.index("containerlogs", "long")
    failing.site.store.write(
        [(index, None, container_line(f"long {n}", "long")) for n in range(2500)]
    )
    assert len(failing.site.items("containerlogs", "long")) == 2500
    fault, _ = FAULTS["500"]
    with (
        failing.node.failing(fault, only=LISTS, spared=2),
        pytest.raises((http.client.IncompleteRead, ConnectionError)),
    ):
        failing.get(path_of("containerlogs", "long"))
    with failing.node.failing(fault, only=LISTS, spared=2):
        done = failing.kubectl(
            "get", "containerlogs", "-n", "long", "--chunk-size=0", "-o", "name", check=False
        )
    assert done.returncode == 1
    assert len(failing.site.items("containerlogs", "long")) == 2500


def named(folder: Path, prefix: str, index: str) -> Path:
    """Return a config that has containerlogs in one named index or pattern."""
    path = config_file(folder, prefix)
    path.write_text(path.read_text().replace(f"{prefix}-container-*", index))
    return path


def test_a_named_index_that_is_missing_is_told(
    elasticsearch_url: str, kubectl: Path, tmp_path: Path
) -> None:
    """A configured name without an index is an operator's mistake: 500 with the name.

    Once the index is made, all is well.
    """
    name = f"named-{uuid4().hex[:8]}"
    config = named(tmp_path, "named", name)
    store = Store.elasticsearch(elasticsearch_url)
    with running_gateway(tmp_path, f"--config={config}", *store.flags) as gateway:
        client = Kubectl.straight(kubectl, gateway.url, tmp_path / "cache")
        done = client("get", "containerlogs", "-A", check=False)
        assert (done.returncode, done.stdout) == (1, "")
        assert f'the index "{name}" is missing' in done.stderr
        for path in (path_of("containerlogs"), f"{path_of('containerlogs', 'shop')}/pa-bbbbbb"):
            assert ask(gateway.url, path).status == 500
        store.write([(name, None, container_line("made"))])
        until(
            "the index is there",
            lambda: "made" in client("get", "containerlogs", "-A", check=False).stdout,
        )
        store.forget(name)


@pytest.mark.parametrize("store", ["embedded", "elasticsearch"], indirect=True, scope="module")
def test_a_pattern_without_an_index_is_an_empty_list_with_a_warning(
    store: Store, kubectl: Path, tmp_path: Path
) -> None:
    """No index at all is no error: an empty list, with a Warning that names the pattern.

    A watch of it shows the first line, once its index is made.
    """
    prefix = f"none{uuid4().hex[:8]}"
    flags = (f"--config={config_file(tmp_path, prefix)}", *store.flags)
    with running_gateway(tmp_path, *flags) as gateway:
        answer = ask(gateway.url, path_of("containerlogs"))
        assert (answer.status, answer.json["items"]) == (200, [])
        warning = answer.headers["Warning"]
        assert warning.startswith("299 ")
        assert f"{prefix}-container-*" in warning
        client = Kubectl.straight(kubectl, gateway.url, tmp_path / "cache")
        done = client("get", "containerlogs", "-n", "shop")
        assert "Warning: " in done.stderr
        assert f"{prefix}-container-*" in done.stderr
        assert "No resources found" in done.stderr
        with client.follow("get", "containerlogs", "-n", "shop", "-w") as watching:
            until("it watches", lambda: "Warning: " in "".join(watching.errors))
            store.write([(f"{prefix}-container-a", None, container_line("the first"))])
            watching.says("the first")
        assert "Warning" not in ask(gateway.url, path_of("containerlogs")).headers
    store.forget(f"{prefix}-*")


def test_a_watch_outlives_a_restart_of_elasticsearch(
    teller: Teller, kubectl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Elasticsearch stops and starts under a watch: no line is lost, and none is shown twice.

    Lists fail meanwhile.
    """
    what = f"a real Elasticsearch {ELASTICSEARCH_VERSION}"
    build(elasticsearch_recipe(ELASTICSEARCH_VERSION), what, teller)
    monkeypatch.setenv("KJOURNAL_RIG_ES_JAVA_OPTS", "-XX:TieredStopAtLevel=1")  # starts sooner
    with tempfile.TemporaryDirectory(prefix="kjournal-es-") as directory:
        server = Elasticsearch(Path(directory), ELASTICSEARCH_VERSION)
        try:
            outlives(server, kubectl, tmp_path)
        finally:
            server.down()


def outlives(server: Elasticsearch, kubectl: Path, folder: Path) -> None:
    store = Store.elasticsearch(server.up())
    index = "restart-container-a"
    sent = 0

    def write() -> None:
        nonlocal sent
        lines = range(sent, sent + 50)
        store.write([(index, None, container_line(f"line {n}.")) for n in lines])
        sent += 50

    config = config_file(folder, "restart")
    with running_gateway(folder, f"--config={config}", *store.flags) as gateway:
        write()
        client = Kubectl.straight(kubectl, gateway.url, folder / "cache")
        with client.follow("get", "containerlogs", "-n", "shop", "-w") as watching:
            watching.says("line 49.")
            write()
            server.down()
            done = client("get", "containerlogs", "-n", "shop", check=False)
            assert (done.returncode, done.stdout) == (1, "")
            assert "(ServiceUnavailable)" in done.stderr
            assert ask(gateway.url, "/readyz").status == 200
            server.up()
            write()
            watching.says(f"line {sent - 1}.")
            shown = Counter(line.split("line ")[1].split(".")[0] for line in watching.said("line "))
        assert shown == Counter(str(n) for n in range(sent))
        items = ask(gateway.url, path_of("containerlogs")).json["items"]
        listed = Counter(item["payload"]["log"] for item in items)
        assert listed == Counter(f"line {n}." for n in range(sent))
