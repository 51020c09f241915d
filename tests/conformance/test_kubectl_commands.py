"""Commands of kubectl other than get, of two versions: describe, explain, wait, and writes."""

from pathlib import Path
from subprocess import CompletedProcess

import pytest

from kjournal.codec import dump_json, load_json
from kjournal.kinds.registry import KINDS as SERVED
from tests.conformance.ledger import SHOP, Ledger, filled, ledger, programs, rows
from tests.conformance.ways import proxied_only
from tests.integration.stories import until
from tests.rig_fixtures import Kube

__all__ = ["filled", "ledger", "programs"]

SHOP_N = ("-n", "shop")
READ_ONLY = "can only be read"


@pytest.mark.paragraph("2.9", "describe by name")
def test_describe(ledger: Ledger) -> None:
    """`kubectl describe` shows an object's identity, labels and every field."""
    name = ledger.names()[1]
    said = ledger("describe", "containerlogs", *SHOP_N, name).stdout
    told = dict(row.strip().split(":", 1) for row in said.splitlines() if ":" in row)
    told = {field: value.strip() for field, value in told.items()}
    assert (told["Name"], told["Namespace"], told["Labels"]) == (name, "shop", "app=db")
    assert (told["API Version"], told["Kind"]) == ("core.kjournal/v1alpha1", "ContainerLog")
    assert (told["Level"], told["Log"], told["Took"], told["Pod"]) == (
        "error",
        "line-1",
        "4",
        "db-1",
    )


@pytest.mark.paragraph("2.9", "describe by prefix")
def test_describe_by_prefix(ledger: Ledger) -> None:
    """`kubectl describe` of the begin of names, or of no name, describes all of them."""
    names = ledger.names()
    begin = names[0][:2]
    for some, expected in (
        ((begin,), [name for name in names if name.startswith(begin)]),
        ((names[2][:-2],), names[2:]),
        ((), names),
        (("-l", "app=db"), names[1:2]),
    ):
        said = ledger("describe", "containerlogs", *SHOP_N, *some).stdout
        found = [row.split()[1] for row in said.splitlines() if row.startswith("Name:")]
        assert found == expected
    done = ledger("describe", "containerlogs", *SHOP_N, "nothing", check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error from server (NotFound): ")


@pytest.mark.paragraph("1.8", "explain")
def test_explain(ledger: Ledger) -> None:
    """`kubectl explain` shows a kind, a field of a field, and the tree of all fields."""
    # kube-apiserver takes over the schema of what is registered some time later.
    asked = ("explain", "containerlogs")
    whole = until("the schema is known", lambda: ledger(*asked, check=False).stdout)
    assert rows(whole)[:3] == [
        ["GROUP:", "core.kjournal"],
        ["KIND:", "ContainerLog"],
        ["VERSION:", "v1alpha1"],
    ]
    assert "A line that a container wrote." in whole
    # events.core.kjournal.regarding would be a field of core's Event to kubectl.
    ours = "--api-version=core.kjournal/v1alpha1"
    field = ledger("explain", "events.regarding.fieldPath", ours).stdout
    assert ["FIELD:", "fieldPath", "<string>"] in rows(field)
    assert "Part of the object" in field
    tree = ledger("explain", "containerlogs", "--recursive").stdout.partition("FIELDS:\n")[2]
    own = [row.split()[0] for row in tree.splitlines() if row[:2] == "  " and row[2:3] != " "]
    assert own == ["apiVersion", "container", "kind", "metadata", "payload", "pod"]
    assert {"creationTimestamp", "labels", "resourceVersion"} < {
        row[0] for row in rows(tree) if row
    }
    done = ledger("explain", "containerlogs.nothing", check=False)
    assert (done.returncode, 'field "nothing" does not exist' in done.stderr) == (1, True)


@pytest.mark.paragraph("1.6", "explain by OpenAPI v2")
def test_explain_by_openapi_v2(ledger: Ledger) -> None:
    """`--output=plaintext-openapiv2` works where kube-apiserver gives protobuf.

    Directly it is refused in words that say why: protobuf is not served.
    """
    args = ("explain", "containerlogs.pod", "--output=plaintext-openapiv2")
    done = ledger(*args, check=False)
    if ledger.served.proxied:
        until("the schema is known", lambda: ledger(*args, check=False).stdout)
        done = ledger(*args)
        assert ["FIELD:", "pod", "<string>"] in rows(done.stdout)
        assert "Name of the pod." in done.stdout
    else:
        assert done.stdout == ""
        assert done.stderr.startswith("Error from server (NotAcceptable): ")


@pytest.mark.paragraph("1.1", "api-resources and api-versions")
def test_api_resources(ledger: Ledger) -> None:
    """`kubectl api-resources` shows scope, kind, verbs and category, without any error."""
    wide = ("api-resources", "--api-group=core.kjournal", "-o", "wide", "--no-headers")
    done = ledger(*wide)
    version, verbs = "core.kjournal/v1alpha1", "get,list,watch"
    assert (rows(done.stdout), done.stderr) == (
        [
            ["auditevents", version, "false", "AuditEvent", verbs, "kjournal"],
            ["containerlogs", version, "true", "ContainerLog", verbs, "kjournal"],
            ["events", version, "true", "Event", verbs, "kjournal"],
            ["localauditevents", version, "true", "LocalAuditEvent", verbs, "kjournal"],
            ["logs", version, "false", "Log", verbs, "kjournal"],
        ],
        "",
    )
    names = ("api-resources", "--api-group=core.kjournal", "-o", "name")
    assert len(ledger(*names, "--verbs=list,watch,get").stdout.split()) == len(SERVED)
    assert ledger(*names, "--verbs=delete").stdout == ""
    cluster = {"auditevents.core.kjournal", "logs.core.kjournal"}
    assert set(ledger(*names, "--namespaced=false").stdout.split()) == cluster
    assert len(ledger(*names, "--categories=kjournal").stdout.split()) == len(SERVED)
    versions = ledger("api-versions").stdout.split()
    assert versions.count(version) == 1


@pytest.mark.paragraph("3.4", "kubectl wait")
def test_wait(ledger: Ledger) -> None:
    """`kubectl wait` sees what is so already, by name and by label."""
    names = ledger.names()
    met = [f"containerlog.core.kjournal/{name} condition met" for name in names]
    level = "--for=jsonpath={.payload.level}"
    one = ledger("wait", *SHOP_N, f"containerlogs/{names[1]}", f"{level}=error", "--timeout=30s")
    assert one.stdout.splitlines() == met[1:2]
    pods = ("wait", *SHOP_N, "containerlogs", "-l", "app=web", "--for=jsonpath={.container}=main")
    assert ledger(*pods, "--timeout=30s").stdout.splitlines() == [met[0], met[2]]


@pytest.mark.paragraph("3.8", "kubectl wait that ends")
def test_wait_times_out(ledger: Ledger) -> None:
    """What will never be ends at the time that kubectl was given, with kubectl's own words."""
    name = ledger.names()[0]
    args = ("wait", *SHOP_N, f"containerlogs/{name}", "--timeout=1s")
    conditions = ("delete", "jsonpath={.payload.level}=none", "condition=Ready")
    for waiting in [ledger.follow(*args, f"--for={condition}") for condition in conditions]:
        assert (waiting.ended(), waiting.lines) == (1, [])
        said = f"error: timed out waiting for the condition on containerlogs/{name}"
        assert waiting.errors[-1] == said


@pytest.fixture
def writer(ledger: Ledger, request: pytest.FixtureRequest) -> Ledger:
    """Return the same kubectl as a user whom kube-apiserver forbids nothing."""
    if not ledger.served.proxied:
        return ledger
    kube: Kube = request.getfixturevalue("kube")
    return ledger.of(Path(ledger.command[0]), Path(kube.env["KUBECONFIG"]))


WRITES = {
    "delete": ("delete", "containerlogs/NAME"),
    "annotate": ("annotate", "containerlogs/NAME", "a=b"),
    "label": ("label", "containerlogs/NAME", "a=b"),
    "patch": ("patch", "containerlogs/NAME", "--type=merge", '-p={"pod":"none"}'),
    "edit": ("edit", "containerlogs/NAME", "--validate=false"),
    "create": ("create", "-f", "FILE", "--validate=false"),
    "apply": ("apply", "-f", "FILE", "--validate=false"),
    "apply of ours": ("apply", "-f", "OURS", "--validate=false"),
    "server-side": ("apply", "--server-side", "-f", "FILE", "--validate=false"),
    "replace": ("replace", "-f", "OURS", "--validate=false"),
}


def written(writer: Ledger, command: str, folder: Path) -> CompletedProcess[str]:
    """Run a command that writes: on an object that is there, or with one of a file."""
    ours = writer.objects("containerlogs", "shop")[0]
    name = ours["metadata"]["name"]
    other = {**ours, "metadata": {"name": "none", "namespace": "shop"}}
    for file, document in (("FILE", other), ("OURS", {**ours, "pod": "none"})):
        (folder / file).write_bytes(dump_json(document))
    args = [word.replace("NAME", name) for word in WRITES[command]]
    args = [str(folder / word) if word in ("FILE", "OURS") else word for word in args]
    # The editor of `edit` changes a field; kubectl leaves a copy in TMPDIR.
    env = {"KUBE_EDITOR": "sed -i s/info/warn/", "TMPDIR": str(folder)}
    return writer(*SHOP_N, *args, check=False, env=env)


@pytest.mark.paragraph("2.1", "whatever writes is told that nothing can be written")
@pytest.mark.parametrize("command", WRITES)
def test_writes_are_not_allowed(writer: Ledger, command: str, tmp_path: Path) -> None:
    """Every command that writes is MethodNotAllowed, in words of ours, and changes nothing."""
    before = writer.objects("containerlogs", "shop")
    done = written(writer, command, tmp_path)
    assert (done.returncode, READ_ONLY in done.stderr) == (1, True), done.stderr
    if command != "edit":
        assert "(MethodNotAllowed)" in done.stderr
    assert not done.stdout
    assert writer.objects("containerlogs", "shop") == before


@pytest.mark.paragraph("2.1", "deleting all")
def test_all_of_a_namespace_stay(writer: Ledger) -> None:
    """`kubectl delete --all` fails for each object; nothing goes."""
    done = writer("delete", "containerlogs", *SHOP_N, "--all", "--wait=false", check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("Error from server (MethodNotAllowed): ") == len(SHOP)


@proxied_only
@pytest.mark.paragraph("5.6", "auth can-i")
def test_can_i(ledger: Ledger) -> None:
    """A reader may get, list and watch every kind, and do nothing else, in can-i's words."""
    asked = ledger("auth", "can-i", "delete", "containerlogs", *SHOP_N, check=False)
    assert (asked.returncode, asked.stdout) == (1, "no\n")
    asked = ledger("auth", "can-i", "list", "auditevents", *SHOP_N)
    said = "resource 'auditevents' is not namespace scoped in group 'core.kjournal'"
    assert (asked.stdout, said in asked.stderr) == ("yes\n", True)
    listed = rows(ledger("auth", "can-i", "--list", *SHOP_N).stdout)
    ours = [row for row in listed if row and row[0].endswith(".core.kjournal")]
    assert sorted(row[0] for row in ours) == sorted(f"{kind}.core.kjournal" for kind in SERVED)
    assert {" ".join(row[-3:]) for row in ours} == {"[get list watch]"}


@pytest.mark.paragraph("1.9", "kubectl version and cluster-info")
def test_version(writer: Ledger) -> None:
    """`kubectl version` shows the server's: kjournal's own directly, else kube-apiserver's."""
    told = load_json(writer("version", "-o", "json").stdout)
    version = load_json(writer("get", "--raw", "/version").stdout)
    assert told["serverVersion"].items() <= version.items()
    assert version["major"] == ("1" if writer.served.proxied else "0")
    assert told["clientVersion"]["gitVersion"] in writer.command[0]
    info = writer("cluster-info", check=False)
    # Without services in the API there is nothing to show, and kubectl says so.
    if not writer.served.proxied:
        assert info.stderr == 'error: the server doesn\'t have a resource type "services"\n'
    else:
        assert (info.returncode, "control plane" in info.stdout) == (0, True)
