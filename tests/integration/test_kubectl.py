"""kubectl over every kind and store: straight at the gateway, and through a real kube-apiserver."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import attrs
import pytest
import yaml

from kjournal.codec import load_json
from tests.integration.cluster import kubectl_as, registered_gateway
from tests.integration.conftest import EMBEDDED, store_named
from tests.integration.stories import (
    INDEX_OF,
    KINDS,
    NAMESPACED,
    Kubectl,
    Store,
    ago,
    config_file,
    names_of,
    running_gateway,
)

STRAIGHT, PROXIED = "straight", "proxied"
DOORS = [
    pytest.param((EMBEDDED, STRAIGHT), id="embedded-straight"),
    pytest.param((EMBEDDED, PROXIED), id="embedded-proxied", marks=pytest.mark.kube),
    pytest.param(
        ("elasticsearch", STRAIGHT),
        id="elasticsearch-straight",
        marks=pytest.mark.elasticsearch,
    ),
    pytest.param(
        ("elasticsearch", PROXIED),
        id="elasticsearch-proxied",
        marks=[pytest.mark.elasticsearch, pytest.mark.kube],
    ),
]
# The other supported version serves the same client; its own matrix is the basic one.
EIGHT = pytest.param(
    ("elasticsearch8", STRAIGHT), id="elasticsearch8-straight", marks=pytest.mark.elasticsearch
)
# The columns of each kind that all people see, and those for -o wide.
COLUMNS = {
    "containerlogs": ("NAME POD CONTAINER MESSAGE AGE", "NODE STREAM TIME"),
    "events": ("LAST SEEN TYPE REASON OBJECT MESSAGE", "COUNT SOURCE NAME AGE TIME"),
    "auditevents": ("NAME VERB STATUS USER OBJECT AGE", "LEVEL STAGE AUDIT-ID TIME"),
    "logs": ("NAME HOST MESSAGE AGE", "TIME"),
}
# What a field selector may ask of each kind's documents here.
FIELD = {
    "containerlogs": "payload.level",
    "events": "reason",
    "auditevents": "verb",
    "logs": "payload.level",
}
APPS = ("web", "web", "db", "web", "db", "web")
VALUES = ("create", "delete", "create", "create", "delete", "create")
BOTH = [0, 3, 5]  # app=web and the value create
NAMESPACES = ("shop", "shop", "shop", "shop", "bank", "bank")


def document_of(kind: str, mark: str, seconds: float, **about: str) -> dict[str, Any]:
    """Return a document that shows a mark, in the shape that a shipper gives it."""
    time, labels = ago(seconds), {"app": about["app"]}
    namespace, value = about["namespace"], about["value"]
    if kind == "containerlogs":
        kubernetes = {
            "namespace_name": namespace,
            "pod_name": "pod-1",
            "container_name": "main",
            "labels": labels,
        }
        return {"@timestamp": time, "log": mark, "level": value, "kubernetes": kubernetes}
    if kind == "events":
        return {
            "metadata": {"namespace": namespace, "creationTimestamp": time, "labels": labels},
            "type": "Normal",
            "reason": value,
            "note": mark,
            "regarding": {"kind": "Pod", "namespace": namespace, "name": "pod-1"},
        }
    if kind == "auditevents":
        return {
            "kind": "Event",
            "metadata": {"labels": labels},
            "stage": "ResponseComplete",
            "stageTimestamp": time,
            "verb": value,
            "user": {"username": "alice"},
            "objectRef": {"resource": "pods", "namespace": namespace, "name": mark},
            "responseStatus": {"code": 200},
        }
    return {
        "@timestamp": time,
        "host": "node-1",
        "log": mark,
        "level": value,
        "metadata": {"labels": labels},
    }


def mark_of(kind: str, obj: dict[str, Any]) -> str:
    """Return the mark that an object shows."""
    if kind == "events":
        return str(obj["note"])
    if kind == "auditevents":
        return str(obj["objectRef"]["name"])
    return str(obj["payload"]["log"])


@attrs.define
class Door:
    """A way to six documents of each kind, and to those that a test adds."""

    kubectl: Kubectl
    store: Store
    way: str
    prefix: str
    marks: dict[str, list[tuple[str, str]]] = attrs.field(factory=dict)
    """Namespace and mark of all that was written, by kind, oldest first."""

    def write(self, kind: str, mark: str, seconds: float, **about: str) -> None:
        """Write one document."""
        document = document_of(kind, mark, seconds, **about)
        index = f"{self.prefix}-{INDEX_OF[kind]}-{len(self.marks.get(kind, ())) % 2}"
        self.store.write([(index, None, document)])
        self.marks.setdefault(kind, []).append((about["namespace"], mark))

    def fill(self) -> None:
        """Write the six documents of each kind, a minute apart, over two indices."""
        for kind in KINDS:
            for n, (namespace, app, value) in enumerate(zip(NAMESPACES, APPS, VALUES, strict=True)):
                self.write(
                    kind, f"{kind}-{n}", 60 * (9 - n), namespace=namespace, app=app, value=value
                )

    def expected(self, kind: str, namespace: str) -> list[str]:
        """Return the marks that a namespace shows; a kind of the cluster shows all."""
        written = self.marks[kind]
        return [mark for ns, mark in written if kind not in NAMESPACED or ns == namespace]

    def shown(self, kind: str, *args: str) -> list[str]:
        """Return the marks of a list, in its order."""
        return [
            mark_of(kind, item) for item in self.kubectl.json("get", full(kind), *args)["items"]
        ]


def full(kind: str) -> str:
    """Return a kind's name as it is told from others of its plural."""
    return f"{kind}.core.kjournal"


@pytest.fixture(scope="module")
def door(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, kubectl: Path
) -> Iterator[Door]:
    """Yield each way to each store; all tests of it share what is written at its begin."""
    store_name, way = request.param
    folder = tmp_path_factory.mktemp(f"{store_name}-{way}")
    store = store_named(store_name, request, folder)
    prefix = f"door{uuid4().hex[:8]}"
    flags = (f"--config={config_file(folder, prefix)}", *store.flags)
    with contextlib.ExitStack() as stack:
        if way == PROXIED:
            kube = request.getfixturevalue("kube")
            stack.enter_context(registered_gateway(kube, folder, *flags))
            client = kubectl_as(kube, "reader", "log-readers")
        else:
            gateway = stack.enter_context(running_gateway(folder, *flags))
            client = Kubectl.straight(kubectl, gateway.url, folder / "cache")
        door = Door(client, store, way, prefix)
        door.fill()
        yield door
    store.forget(f"{prefix}-*")


basic = pytest.mark.parametrize("door", [*DOORS, EIGHT], indirect=True, scope="module")
whole = pytest.mark.parametrize("door", DOORS, indirect=True, scope="module")
each_kind = pytest.mark.parametrize("kind", KINDS)


@basic
@each_kind
def test_list_is_a_table_oldest_first(door: Door, kind: str) -> None:
    """`kubectl get KIND -n shop` prints the kind's columns, and the namespace's lines by time."""
    lines = door.kubectl("get", full(kind), "-n", "shop").stdout.splitlines()
    assert lines[0].split() == COLUMNS[kind][0].split()
    expected = door.expected(kind, "shop")
    assert len(lines) == 1 + len(expected)
    for line, mark in zip(lines[1:], expected, strict=True):
        assert mark in line


@basic
@each_kind
def test_every_listed_name_can_be_got(door: Door, kind: str) -> None:
    """Each name of a list is the name of one object, which get shows as the list did."""
    items = door.kubectl.json("get", full(kind), "-n", "shop")["items"]
    assert [mark_of(kind, item) for item in items] == door.expected(kind, "shop")
    names = [item["metadata"]["name"] for item in items]
    assert len(set(names)) == len(names)
    for item, name in zip(items, names, strict=True):
        assert door.kubectl.json("get", full(kind), "-n", "shop", name) == item
    table = door.kubectl("get", full(kind), "-n", "shop", names[0]).stdout.splitlines()
    assert len(table) == 2


@basic
@each_kind
def test_an_unknown_name_is_not_found(door: Door, kind: str) -> None:
    """A name that nothing has, and one that no document could have, are NotFound."""
    (item, *_) = door.kubectl.json("get", full(kind), "-n", "shop")["items"]
    name = item["metadata"]["name"]
    for unknown in ("nothing", name[:-1] + ("a" if name[-1] != "a" else "b")):
        done = door.kubectl("get", full(kind), "-n", "shop", unknown, check=False)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("Error from server (NotFound): ")
        # Straight at the gateway kubectl asks for the namespace too, and shows that it is missing.
        if kind not in NAMESPACED or door.way == PROXIED:
            assert f'{full(kind)} "{unknown}" not found' in done.stderr
    if kind in NAMESPACED:
        done = door.kubectl("get", full(kind), "-n", "bank", name, check=False)
        assert "NotFound" in done.stderr


@basic
@each_kind
def test_watch_shows_what_is_there_and_what_arrives(door: Door, kind: str) -> None:
    """`kubectl get KIND -n shop -w` prints the list, then a document as it arrives, each once."""
    before = door.expected(kind, "shop")
    new = f"{kind}-w{len(door.marks[kind])}"
    with door.kubectl.follow("get", full(kind), "-n", "shop", "-w") as following:
        following.says(before[-1])
        about = {"app": "none", "value": "get"}
        if kind in NAMESPACED:
            door.write(kind, f"{new}-other", 2, namespace="bank", **about)
        door.write(kind, new, 1, namespace="shop", **about)
        following.says(new)
        door.write(kind, f"{new}-last", 0, namespace="shop", **about)
        following.says(f"{new}-last")
    shown = following.lines[1:]
    expected = [*before, new, f"{new}-last"]
    assert len(shown) == len(expected)
    for line, mark in zip(shown, expected, strict=True):
        assert mark in line.replace("/", " ").split()


@whole
@each_kind
def test_pages_are_the_list(door: Door, kind: str) -> None:
    """`--chunk-size=2` shows what one page shows, in its order; so do pages of tables."""
    args = ("get", full(kind), "-A")
    assert door.shown(kind, "-A", "--chunk-size=2") == door.shown(kind, "-A")
    whole_list = door.kubectl(*args, "-o", "name").stdout
    assert door.kubectl(*args, "-o", "name", "--chunk-size=2").stdout == whole_list
    rows = door.kubectl(*args, "--no-headers", "--chunk-size=2").stdout.splitlines()
    assert len(rows) == len(names_of(whole_list))


@whole
@each_kind
def test_both_selectors_must_hold(door: Door, kind: str) -> None:
    """`-l` and `--field-selector` at once show what satisfies both; each alone shows more."""
    label, field = ("-l", "app=web"), ("--field-selector", f"{FIELD[kind]}=create")
    ours = {f"{kind}-{n}" for n in BOTH}
    assert set(door.shown(kind, "-A", *label, *field)) == ours
    assert ours < set(door.shown(kind, "-A", *label))
    assert ours < set(door.shown(kind, "-A", *field))
    table = door.kubectl("get", full(kind), "-A", "--no-headers", *label, *field)
    assert len(table.stdout.splitlines()) == len(BOTH)


@whole
@each_kind
def test_selectors_hold_on_a_watch_too(door: Door, kind: str) -> None:
    """A watch with both selectors shows an arriving document only if it satisfies both."""
    selectors = ("-l", "app=s", "--field-selector", f"{FIELD[kind]}=seen")
    mark = f"{kind}-s{len(door.marks[kind])}"
    door.write(kind, f"{mark}-first", 9, namespace="bank", app="s", value="seen")
    with door.kubectl.follow("get", full(kind), "-A", "-w", *selectors) as seen:
        seen.says(f"{mark}-first")
        door.write(kind, f"{mark}-app", 2, namespace="bank", app="s", value="unseen")
        door.write(kind, f"{mark}-value", 1, namespace="bank", app="t", value="seen")
        door.write(kind, f"{mark}-both", 0, namespace="bank", app="s", value="seen")
        seen.says(f"{mark}-both")
    assert len(seen.lines) == 3, seen.lines


@whole
@each_kind
def test_all_namespaces_are_shown_with_their_names(door: Door, kind: str) -> None:
    """`-A` shows every namespace, in a column of its own for what has one."""
    lines = door.kubectl("get", full(kind), "-A").stdout.splitlines()
    assert len(lines) == 1 + len(door.marks[kind])
    for line, (namespace, mark) in zip(lines[1:], sorted_as_listed(door, kind), strict=True):
        assert mark in line
        if kind in NAMESPACED:
            assert line.split()[0] == namespace


def sorted_as_listed(door: Door, kind: str) -> list[tuple[str, str]]:
    """Return what `-A` shows in its order."""
    namespaces = {mark: namespace for namespace, mark in door.marks[kind]}
    marks = door.shown(kind, "-A")
    assert sorted(marks) == sorted(namespaces)
    return [(namespaces[mark], mark) for mark in marks]


@whole
@each_kind
def test_outputs(door: Door, kind: str) -> None:
    """`-o json`, `yaml`, `wide` and `name` show the same objects."""
    args = ("get", full(kind), "-n", "shop")
    listed = load_json(door.kubectl(*args, "-o", "json").stdout)["items"]
    assert yaml.safe_load(door.kubectl(*args, "-o", "yaml").stdout)["items"] == listed
    assert {item["apiVersion"] for item in listed} == {"core.kjournal/v1alpha1"}
    names = [item["metadata"]["name"] for item in listed]
    singular = full(kind).replace("s.", ".", 1)
    said = names_of(door.kubectl(*args, "-o", "name").stdout)
    assert said == [f"{singular}/{name}" for name in names]
    wide = door.kubectl(*args, "-o", "wide").stdout.splitlines()
    assert wide[0].split() == " ".join(COLUMNS[kind]).split()
    for line, name in zip(wide[1:], names, strict=True):
        assert name in line


@whole
def test_discovery(door: Door) -> None:
    """`kubectl api-resources` lists all kinds, and `kubectl explain` their fields."""
    listed = door.kubectl("api-resources", "--api-group=core.kjournal", "--no-headers").stdout
    rows = {line.split()[0]: line.split()[1:] for line in listed.splitlines()}
    assert {plural: row[-2:] for plural, row in rows.items()} == {
        "containerlogs": ["true", "ContainerLog"],
        "events": ["true", "Event"],
        "auditevents": ["false", "AuditEvent"],
        "localauditevents": ["true", "LocalAuditEvent"],
        "logs": ["false", "Log"],
    }
    explained = door.kubectl("explain", "containerlogs.pod").stdout
    assert "FIELD: pod <string>" in explained
    assert "Name of the pod." in explained
    assert "payload" in door.kubectl("explain", "containerlogs").stdout


@whole
def test_all_kinds_at_once(door: Door) -> None:
    """One command prints four tables, one of each kind, with names that say the kind."""
    kinds = "containerlogs,events.core.kjournal,auditevents,logs"
    tables = door.kubectl("get", kinds, "-A").stdout.strip().split("\n\n")
    assert len(tables) == len(KINDS)
    for kind, table in zip(KINDS, tables, strict=True):
        assert len(table.splitlines()) == 1 + len(door.marks[kind])
