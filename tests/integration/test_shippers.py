"""A real shipper: rsyslog with its output to Elasticsearch, into Elasticsearch and into ours."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import pytest

from kjournal.codec import load_json
from tests.integration.stories import Following, Kubectl, Site, until
from tests.rig_servers import free_port

# Container files are named POD_NAMESPACE_CONTAINER.log, as the kubelet's links are.
CONFIG = r"""
global(workDirectory="{folder}")
module(load="imudp")
module(load="imfile")
module(load="omelasticsearch")
template(name="node" type="list" option.jsonf="on") {{
  property(outname="@timestamp" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="host" name="hostname" format="jsonf")
  property(outname="program" name="programname" format="jsonf")
  property(outname="message" name="msg" format="jsonf")
}}
template(name="container" type="list") {{
  constant(value="{{")
  property(outname="@timestamp" name="timegenerated" dateFormat="rfc3339" format="jsonf")
  constant(value=",")
  property(outname="log" name="msg" format="jsonf")
  constant(value=",\"kubernetes\":")
  property(name="$!kubernetes")
  constant(value="}}")
}}
ruleset(name="nodes") {{
  action(type="omelasticsearch" server="127.0.0.1" serverport="{port}" searchIndex="{logs}"
    searchType="" template="node" bulkmode="on" errorfile="{folder}/errors"
    action.resumeRetryCount="-1" action.resumeInterval="1")
}}
ruleset(name="containers") {{
  set $.path = $!metadata!filename;
  set $!kubernetes!pod_name = re_extract($.path, "([^/_]+)_([^_]+)_([^/_]+)\\.log", 0, 1, "");
  set $!kubernetes!namespace_name = re_extract($.path, "([^/_]+)_([^_]+)_([^/_]+)\\.log", 0, 2, "");
  set $!kubernetes!container_name = re_extract($.path, "([^/_]+)_([^_]+)_([^/_]+)\\.log", 0, 3, "");
  action(type="omelasticsearch" server="127.0.0.1" serverport="{port}" searchIndex="{container}"
    searchType="" template="container" bulkmode="on" errorfile="{folder}/errors"
    action.resumeRetryCount="-1" action.resumeInterval="1")
}}
input(type="imudp" address="127.0.0.1" port="{udp}" ruleset="nodes")
input(type="imfile" file="{folder}/*_*_*.log" tag="container" ruleset="containers" addMetadata="on")
"""
LINES = 200
QUOTED = 'she said "hé\\llo"	{"a": [1]}'


@attrs.frozen
class Shipper:
    """rsyslogd, with a folder of container files and a UDP port for the syslog of nodes."""

    folder: Path
    udp: int

    def write(self, pod: str, namespace: str, container: str, *lines: str) -> None:
        """Append to a container's file."""
        with (self.folder / f"{pod}_{namespace}_{container}.log").open("a") as file:
            file.writelines(f"{line}\n" for line in lines)

    def send(self, host: str, text: str) -> None:
        """Send one message of RFC 5424, as a node does."""
        message = f"<30>1 {datetime.now(UTC).isoformat()} {host} kubelet - - - {text}"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as to:
            to.sendto(message.encode(), ("127.0.0.1", self.udp))

    def errors(self) -> str:
        """Return what rsyslog says that the store refused."""
        path = self.folder / "errors"
        return path.read_text() if path.exists() else ""


@pytest.fixture
def shipper(site: Site, rsyslogd: Path, tmp_path: Path) -> Iterator[Shipper]:
    """Yield an rsyslog that writes into the site's store; it may have had nothing refused."""
    shipper = Shipper(tmp_path, free_port())
    config = tmp_path / "rsyslog.conf"
    config.write_text(
        CONFIG.format(
            folder=tmp_path,
            port=site.store.url.rpartition(":")[2],
            udp=shipper.udp,
            logs=site.index("logs", "rsyslog"),
            container=site.index("containerlogs", "rsyslog"),
        )
    )
    with Following([rsyslogd, "-n", "-f", config, "-i", tmp_path / "pid"]) as running:
        until("rsyslog runs", (tmp_path / "pid").exists)
        yield shipper
    assert shipper.errors() == ""
    assert not [line for line in running.errors if "error" in line], running.errors


def listed(straight: Kubectl, *args: str) -> list[Any]:
    """Return the objects of a list; none while a new index cannot be searched yet, which is 503."""
    done = straight("get", *args, "-o", "json", check=False)
    return load_json(done.stdout)["items"] if done.returncode == 0 else []


def test_lines_of_containers(site: Site, shipper: Shipper, straight: Kubectl) -> None:
    """Lines of two pods' files are listed once each, whole, in their pod's namespace."""
    written = [f"line {n} {QUOTED}" for n in range(LINES)]
    shipper.write("web-1", "files", "main", *written)
    shipper.write("db-1", "files-b", "main", "of the other namespace")

    def shown() -> list[str]:
        items = listed(straight, "containerlogs", "-n", "files")
        return [item["payload"]["log"] for item in items]

    until("all lines are there", lambda: len(shown()) >= LINES)
    assert sorted(shown()) == sorted(written)
    (item, *_) = straight.json("get", "containerlogs", "-n", "files")["items"]
    assert (item["pod"], item["container"]) == ("web-1", "main")
    until(
        "the other namespace's line is there",
        lambda: (
            "of the other namespace"
            in straight("get", "containerlogs", "-n", "files-b", check=False).stdout
        ),
    )
    assert "of the other namespace" not in straight("get", "containerlogs", "-n", "files").stdout


def test_a_watch_shows_what_is_shipped(site: Site, shipper: Shipper, straight: Kubectl) -> None:
    """A line appended to a file is seen by `kubectl get -w`, once."""
    shipper.write("web-2", "watched", "main", "the first")
    until(
        "it is there",
        lambda: "the first" in straight("get", "containerlogs", "-A", check=False).stdout,
    )
    with straight.follow("get", "containerlogs", "-n", "watched", "-w") as following:
        following.says("the first")
        shipper.write("web-2", "watched", "main", *(f"line-{n}-" for n in range(50)))
        for n in range(50):
            following.says(f"line-{n}-")
    assert len(following.lines) == 2 + 50


def test_syslog_of_nodes(site: Site, shipper: Shipper, straight: Kubectl) -> None:
    """Messages of nodes are logs, with their host, and can be selected by it."""
    shipper.send("node-1", f"one {QUOTED}")
    shipper.send("node-2", "two")

    def shown() -> list[dict[str, str]]:
        return [item["payload"] for item in listed(straight, "logs")]

    until("both are there", lambda: len(shown()) == 2)
    assert sorted((one["host"], one["message"]) for one in shown()) == [
        ("node-1", f"one {QUOTED}".replace("\t", "#011")),
        ("node-2", "two"),
    ]
    selected = straight("get", "logs", "--field-selector", "payload.host=node-2").stdout
    assert ("two" in selected, "one" in selected) == (True, False)


@pytest.mark.parametrize("store", ["embedded"], indirect=True, scope="module")
def test_what_is_shipped_while_the_store_is_down_arrives_later(
    site: Site, shipper: Shipper, straight: Kubectl
) -> None:
    """The embedded store's gateway may restart: rsyslog keeps what it could not send."""
    shipper.write("web-3", "kept", "main", "before")
    until("it is there", lambda: "before" in straight("get", "containerlogs", "-n", "kept").stdout)
    site.gateway.stop()
    shipper.write("web-3", "kept", "main", "meanwhile")
    site.gateway.start()
    until(
        "it is there too",
        lambda: "meanwhile" in straight("get", "containerlogs", "-n", "kept").stdout,
    )
    assert straight("get", "containerlogs", "-n", "kept").stdout.count("before") == 1
