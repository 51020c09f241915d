"""`twistd -n kjournal` as an operator meets it: the command line, restarts and the end."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kjournal.codec import load_json
from tests.integration.stories import (
    Following,
    Kubectl,
    Store,
    ask,
    bulk,
    config_file,
    container_line,
    path_of,
    running_gateway,
    until,
)
from tests.rig_servers import free_port, run

TWISTD = Path(sys.executable).with_name("twistd")


def started(*flags: str) -> subprocess.CompletedProcess[str]:
    """Return how `twistd -n kjournal FLAGS` ended."""
    command = [TWISTD, "-n", "--pidfile=", "kjournal", *flags]
    return run(command, check=False)


def test_help_lists_kjournal() -> None:
    """`twistd --help` lists kjournal as one of its services."""
    (line,) = (
        line
        for line in run([TWISTD, "--help"]).stdout.splitlines()
        if line.split()[:1] == ["kjournal"]
    )
    assert "Kubernetes" in line
    assert "--es-url" in run([TWISTD, "kjournal", "--help"]).stdout


def test_bad_settings_are_all_told_at_once(tmp_path: Path) -> None:
    """Mistakes in flags and file end it with 1, and one message that names each."""
    config = tmp_path / "bad.yaml"
    config.write_text(
        "apiVersion: config.kjournal/v1alpha1\n"
        "kind: APIServerConfig\n"
        "backend: {elasticsearch: {url: 'not a url', requestTimeout: soon}}\n"
        "apis:\n"
        "- resource: pods\n"
        "- resource: logs\n"
        "  fieldMapping: {}\n"
        "  backend: {elasticsearch: {refreshRate: -1s}}\n"
    )
    done = started(f"--config={config}", "--insecure-port=99999", "--secure-port=x")
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    for mistake in (
        "insecure-port",
        "secure-port",
        "url",
        "requestTimeout",
        "pods",
        "fieldMapping",
        "refreshRate",
    ):
        assert mistake in done.stderr, done.stderr
    assert done.stderr.count("kjournal: ") == 1


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--nonsense",), "nonsense"),
        (("--preset=nonsense",), "--preset"),
        (("--config=/nowhere.yaml",), "/nowhere.yaml"),
        (("--store=/nowhere/k.db",), "k.db cannot be opened"),
    ],
)
def test_what_cannot_be_started_is_not(flags: tuple[str, ...], said: str) -> None:
    """A flag, preset, file or folder that is not there ends it with 1, with its name."""
    done = started(f"--insecure-port={free_port()}", *flags)
    assert done.returncode == 1
    output = done.stdout + done.stderr
    assert said in output
    assert "Traceback" not in output


def test_secrets_of_a_refused_config_are_not_shown(tmp_path: Path) -> None:
    """A mistake beside a password does not print it."""
    config = tmp_path / "secret.yaml"
    config.write_text(
        "apiVersion: config.kjournal/v1alpha1\n"
        "kind: APIServerConfig\n"
        "backend: {elasticsearch: {url: 'htp://elastic:hunter2@es:9200', password: hunter2}}\n"
        "apis: [{resource: pods}]\n"
    )
    done = started(f"--config={config}")
    assert done.returncode == 1
    assert "hunter2" not in done.stdout + done.stderr


def test_a_taken_port_is_told_in_a_line(tmp_path: Path) -> None:
    """A port that somebody has ends it with an exit status and one line."""
    with running_gateway(tmp_path, f"--store={tmp_path / 'a.db'}") as gateway:
        done = started(f"--insecure-port={gateway.port}", f"--store={tmp_path / 'b.db'}")
    assert done.returncode == 1
    assert str(gateway.port) in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_a_restart_keeps_the_data(tmp_path: Path) -> None:
    """After SIGTERM, and after SIGKILL, the same file shows the same objects by the same names."""
    store = Store.embedded(tmp_path)
    with running_gateway(tmp_path, *store.flags) as gateway:
        shown = []
        for n, end in enumerate((gateway.stop, gateway.kill, None)):
            index = "container-2026.01.01"
            store.write([(index, None, container_line(f"line {n}-{k}")) for k in range(100)])
            items = ask(gateway.url, path_of("containerlogs")).json["items"]
            assert [i["payload"]["log"] for i in items[len(shown) :]] == [
                f"line {n}-{k}" for k in range(100)
            ]
            assert items[: len(shown)] == shown
            shown = items
            if end is not None:
                end()
                gateway.start()


def test_one_file_has_one_gateway(tmp_path: Path) -> None:
    """A second gateway on the same file ends at once, with its name; the first goes on."""
    store = Store.embedded(tmp_path)
    with running_gateway(tmp_path, *store.flags) as gateway:
        done = started(store.flags[0], f"--insecure-port={free_port()}")
        assert done.returncode == 1
        assert "kjournal.db" in done.stderr
        assert ask(gateway.url, "/readyz").status == 200


def test_the_end_ends_watches_cleanly(tmp_path: Path, kubectl: Path) -> None:
    """SIGTERM ends each watch with its terminating chunk: curl and kubectl exit with 0."""
    store = Store.embedded(tmp_path)
    with running_gateway(tmp_path, *store.flags) as gateway:
        bulk(store.url, [("container-a", None, container_line("before"))])
        path = f"{gateway.url}{path_of('containerlogs')}?watch=true"
        client = Kubectl.straight(kubectl, gateway.url, tmp_path / "cache")
        with (
            Following(["curl", "-sSN", path]) as curl,
            client.follow("get", "containerlogs", "-n", "shop", "-w") as watching,
        ):
            curl.says("before")
            watching.says("before")
            bulk(store.url, [("container-a", None, container_line("after"))])
            curl.says("after")
            watching.says("after")
            assert gateway.stop() == -signal.SIGTERM  # as twistd ends
            assert (curl.ended(), curl.errors) == (0, [])
            assert (watching.ended(), watching.errors) == (0, [])
    assert [load_json(line)["type"] for line in curl.lines] == ["ADDED", "ADDED"]


def test_a_user_who_leaves_leaves_nothing(tmp_path: Path) -> None:
    """A watch whose client goes is not counted any more."""
    store = Store.embedded(tmp_path)
    with running_gateway(tmp_path, *store.flags) as gateway:
        path = f"{gateway.url}{path_of('logs')}?watch=true"

        def open_watches() -> str:
            text = ask(gateway.url, "/metrics").body.decode()
            (line,) = (
                x for x in text.splitlines() if x.startswith('kjournal_watches{resource="logs"')
            )
            return line.split()[-1]

        with Following(["curl", "-sN", path]):
            until("it is counted", lambda: open_watches() == "1.0")
        until("it is not counted any more", lambda: open_watches() == "0.0")


def test_ctrl_c_ends_it(tmp_path: Path) -> None:
    """SIGINT ends it as SIGTERM does."""
    with running_gateway(tmp_path, f"--store={tmp_path / 'a.db'}") as gateway:
        os.kill(gateway.pid, signal.SIGINT)
        until("it ended", lambda: not gateway.running)
        assert "Server Shut Down" in gateway.log()


def test_a_second_ctrl_c_waits_no_longer(tmp_path: Path) -> None:
    """The first begins an hour of draining; the second ends that, without a traceback."""
    store = f"--store={tmp_path / 'a.db'}"
    with running_gateway(tmp_path, store, "--shutdown-delay-duration=1h") as gateway:
        os.kill(gateway.pid, signal.SIGINT)
        until("it drains", lambda: ask(gateway.url, "/readyz").status == 500)
        assert ask(gateway.url, path_of("logs")).status == 200
        os.kill(gateway.pid, signal.SIGINT)
        until("it ended", lambda: not gateway.running)
        assert "Server Shut Down" in gateway.log()


def test_the_end_waits_for_slow_readers(tmp_path: Path) -> None:
    """An answer that was begun before SIGTERM comes whole, however slowly it is read."""
    store = Store.embedded(tmp_path)
    config = f"--config={config_file(tmp_path, 'slow')}"
    with running_gateway(tmp_path, config, *store.flags) as gateway:
        store.write([("slow-container-a", "1", container_line("x" * 6_000_000))])
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port)
        connection.sock = socket.create_connection(("127.0.0.1", gateway.port))
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        connection.request("GET", path_of("containerlogs", "shop"))
        response = connection.getresponse()
        body = response.read(100_000)
        os.kill(gateway.pid, signal.SIGTERM)
        until("it refuses", lambda: ask(gateway.url, path_of("logs")).status == 503)
        while piece := response.read(100_000):
            body += piece
            time.sleep(0.1)  # the pace of the reader: what is written last waits behind the rest
        connection.close()
        assert len(load_json(body)["items"][0]["payload"]["log"]) == 6_000_000
        until("it ended", lambda: not gateway.running)
