"""`kubectl get` of two versions: what it prints, of what, in which order, and what it follows."""

from uuid import uuid4

import pytest
import yaml

from kjournal.codec import load_json
from tests.conformance.ledger import (
    LINES,
    MANY,
    SHOP,
    Ledger,
    event,
    filled,
    ledger,
    one_of_many,
    programs,
    rows,
)
from tests.integration.stories import API, until

__all__ = ["filled", "ledger", "programs"]

EVENTS = "events.core.kjournal"
GET = ("get", "containerlogs", "-n", "shop")
HEAD = "NAMESPACE NAME POD CONTAINER MESSAGE AGE APP NONE LABELS"
LOGS = 'jsonpath={range .items[*]}{.payload.log}{"\\n"}{end}'


def logs(ledger: Ledger, *args: str) -> list[str]:
    """Return the texts of the lines that a list shows, in its order."""
    return ledger("get", "containerlogs", *args, "-o", LOGS).stdout.split()


@pytest.mark.paragraph("2.7", "-A, -L and --show-labels")
def test_labels_and_namespaces_are_columns(ledger: Ledger) -> None:
    """`-A` begins with the namespace; `-L` and `--show-labels` end with what labels say."""
    asked = ("get", "containerlogs", "-A", "-l", "app", "-L", "app,none", "--show-labels")
    head, *lines = rows(ledger(*asked).stdout)
    assert head == HEAD.split()
    expected = [
        [namespace, f"{app}-{n}", "main", level, f"line-{n}", app, f"app={app},tier=x"]
        for n, (namespace, app, level, _) in enumerate(LINES)
    ]
    # Names and ages are of now; a label that is not there is an empty cell.
    assert [[row[0], *row[2:6], *row[7:]] for row in lines] == expected
    assert [row[1] for row in lines if row[0] == "shop"] == ledger.names()


@pytest.mark.paragraph("2.6", "selectors of kubectl")
@pytest.mark.parametrize(
    ("selectors", "found"),
    [
        (["-l", "app in (web),tier=x"], ["line-0", "line-3"]),
        (["-l", "app!=web"], ["line-1"]),
        (["-l", "!app"], []),
        (["--field-selector", "payload.level=error"], ["line-1"]),
        (["--field-selector", "pod!=web-0,payload.level!=debug"], ["line-1"]),
        (["--field-selector", "metadata.namespace=bank"], []),
        (["-l", "app=web", "--field-selector", "payload.log=line-3"], ["line-3"]),
    ],
)
def test_selectors(ledger: Ledger, selectors: list[str], found: list[str]) -> None:
    """What kubectl sends for selectors selects exactly what satisfies them."""
    assert logs(ledger, "-n", "shop", *selectors) == found


@pytest.mark.paragraph("2.9", "objects by name")
def test_names_on_the_command_line(ledger: Ledger) -> None:
    """Names are shown in the order in which they are asked, in every form of asking."""
    first, second, _ = ledger.names()
    names = ["-o", "jsonpath={.items[*].metadata.name}"]
    assert ledger(*GET, second, first, *names).stdout.split() == [second, first]
    by_path = [f"containerlogs/{first}", f"containerlog.v1alpha1.core.kjournal/{second}"]
    assert ledger("get", "-n", "shop", *by_path, *names).stdout.split() == [first, second]
    selected = ("--field-selector", f"metadata.name={second}")
    assert logs(ledger, "-n", "shop", *selected) == ["line-1"]


@pytest.mark.paragraph("2.9", "a missing object beside one that is there")
def test_what_is_there_is_shown_beside_an_error(ledger: Ledger) -> None:
    """A name that nothing has is an error of its own; the others are shown."""
    name = ledger.names()[0]
    done = ledger(*GET, name, "nothing", "-o", "name", check=False)
    assert (done.returncode, done.stdout) == (1, f"containerlog.core.kjournal/{name}\n")
    assert done.stderr.startswith("Error from server (NotFound): ")
    assert done.stderr.count("\n") == 1


@pytest.mark.paragraph("2.3", "-o json and -o yaml")
def test_json_and_yaml_are_what_the_server_sends(ledger: Ledger) -> None:
    """`-o json` and `-o yaml` of a list and of one object show what the API answers."""
    objects = ledger.objects("containerlogs", "shop")
    name = objects[1]["metadata"]["name"]
    assert load_json(ledger(*GET, "-o", "json").stdout)["items"] == objects
    assert yaml.safe_load(ledger(*GET, "-o", "yaml").stdout)["items"] == objects
    assert load_json(ledger(*GET, name, "-o", "json").stdout) == objects[1]
    assert yaml.safe_load(ledger(*GET, name, "-o", "yaml").stdout) == objects[1]


@pytest.mark.paragraph("2.3", "-o jsonpath and -o custom-columns")
def test_templates(ledger: Ledger) -> None:
    """Templates reach every field, compare numbers, and show what is missing as such."""
    long = "jsonpath={.items[?(@.payload.took>5)].payload.log}"
    assert ledger(*GET, "-o", long).stdout == "line-0 line-3"
    labels = "jsonpath={range .items[*]}{.metadata.labels.app}:{.payload.took} {end}"
    assert ledger(*GET, "-o", labels).stdout == "web:30 db:4 web:7 "
    columns = "custom-columns=LOG:.payload.log,TOOK:.payload.took,NONE:.payload.none"
    assert rows(ledger(*GET, "-o", columns).stdout) == [
        ["LOG", "TOOK", "NONE"],
        ["line-0", "30", "<none>"],
        ["line-1", "4", "<none>"],
        ["line-3", "7", "<none>"],
    ]
    template = "go-template={{range .items}}{{.pod}},{{end}}"
    assert ledger(*GET, "-o", template).stdout == "web-0,db-1,web-3,"


@pytest.mark.paragraph("2.7", "--sort-by")
@pytest.mark.parametrize(
    ("field", "order"),
    [
        (".payload.took", ["line-1", "line-3", "line-0"]),
        (".payload.level", ["line-3", "line-1", "line-0"]),
        (".pod", ["line-1", "line-0", "line-3"]),
        (".metadata.creationTimestamp", SHOP),
    ],
)
def test_sorting(ledger: Ledger, field: str, order: list[str]) -> None:
    """`--sort-by` sorts numbers as numbers, texts as texts, in tables as elsewhere."""
    assert logs(ledger, "-n", "shop", f"--sort-by={field}") == order
    table = ledger(*GET, "--no-headers", f"--sort-by={field}").stdout
    assert [row[4] for row in rows(table)] == order


@pytest.mark.paragraph("2.7", "--sort-by of many")
def test_sorting_of_many(ledger: Ledger) -> None:
    """`--sort-by` sees the whole list: it asks for no pages."""
    table = ledger(
        "get", "containerlogs", "-n", "many", "--no-headers", "--sort-by=.payload.number"
    )
    assert [row[3] for row in rows(table.stdout)] == [f"many-{n}" for n in range(MANY)]


@pytest.mark.paragraph("2.7", "several kinds")
def test_several_kinds(ledger: Ledger) -> None:
    """Several kinds are shown in their order, each name with its kind; so are their objects."""
    both = f"{EVENTS},containerlogs"
    expected = [f"event.core.kjournal/{name}" for name in ledger.names("events")]
    expected += [f"containerlog.core.kjournal/{name}" for name in ledger.names()]
    assert ledger("get", both, "-n", "shop", "-o", "name").stdout.split() == expected
    tables = ledger("get", both, "-n", "shop", "-o", "wide", "--no-headers").stdout
    shown = [word for row in rows(tables) for word in row if "core.kjournal/" in word]
    assert shown == expected
    alone = ledger("get", "containerlogs", "-n", "shop", "--show-kind", "--no-headers").stdout
    assert [row[0] for row in rows(alone)] == expected[3:]
    some = [expected[0], expected[-1]]
    assert ledger("get", "-n", "shop", *some, "-o", "name").stdout.split() == some


@pytest.mark.paragraph("1.1", "the category")
def test_the_category_names_all_kinds(ledger: Ledger) -> None:
    """`kubectl get kjournal` shows all four kinds; `kubectl get all` none of them."""
    shown = ledger("get", "kjournal", "-n", "shop", "-o", "name").stdout.split()
    kinds = [name.partition(".")[0] for name in shown]
    assert kinds == sorted(kinds)
    counted = {kind: kinds.count(kind) for kind in kinds}
    assert counted == {"containerlog": 3, "event": 3, "log": 1}
    done = ledger("get", "all", "-n", "shop", "-o", "name", check=False)
    assert "core.kjournal" not in done.stdout


@pytest.mark.paragraph("2.4", "pages of 500")
def test_many_come_in_pages(ledger: Ledger) -> None:
    """1,250 objects come in three pages unless asked otherwise, each once, oldest first."""
    many = ("get", "containerlogs", "-n", "many")
    texts = [f"many-{n}" for n in reversed(range(MANY))]
    done = ledger(*many, "--no-headers", "-v=6")
    assert [row[3] for row in rows(done.stdout)] == texts
    asked = [said for said in done.stderr.splitlines() if "limit=500" in said]
    assert len([said for said in asked if "200 OK" in said or 'status="200 OK"' in said]) == 3
    assert ["continue=" in said for said in asked].count(True) == 2
    assert logs(ledger, "-n", "many", "--chunk-size=0") == texts


@pytest.mark.paragraph("2.4", "one resourceVersion on every page")
def test_a_watch_of_many_shows_each_once(ledger: Ledger) -> None:
    """A watch that begins with pages goes on from them: nothing is shown twice."""
    mark = 10_000 + int(uuid4().hex[:6], 16)
    namespace = f"followed-{mark}"
    index = ledger.served.index("containerlogs")
    first = [one_of_many(n, namespace) for n in range(501)]
    ledger.served.write([(index, None, document) for document in first])
    with ledger.follow("get", "containerlogs", "-n", namespace, "-w", "--no-headers") as following:
        following.says("many-0 ")
        ledger.served.write([(index, None, one_of_many(mark, namespace))])
        following.says(f"many-{mark}")
    shown = [row[3] for row in rows("\n".join(following.lines))]
    assert shown == [*(f"many-{n}" for n in reversed(range(501))), f"many-{mark}"]


@pytest.mark.paragraph("3.7", "--output-watch-events")
def test_watch_events_in_a_table(ledger: Ledger) -> None:
    """`-w --output-watch-events` shows what is there as ADDED, and each arrival as ADDED."""
    mark = f"w{uuid4().hex[:8]}"
    index = ledger.served.index("events")
    args = ("get", EVENTS, "-n", "bank", "-w", "--output-watch-events")
    with ledger.follow(*args) as following:
        following.says("event-2")
        there = len(following.lines)
        ledger.served.write([(index, None, {**event(2), "note": mark})])
        following.says(mark)
    assert following.lines[0].split()[0] == "EVENT"
    assert {row[0] for row in rows("\n".join(following.lines[1:]))} == {"ADDED"}
    assert len(following.lines) == there + 1


@pytest.mark.paragraph("3.3", "--watch-only")
def test_watch_only_shows_what_arrives(ledger: Ledger) -> None:
    """`--watch-only -o json` shows whole objects that arrive, and none that was there."""
    namespace = f"w{uuid4().hex[:8]}"
    ledger.write("before", namespace)
    args = ("get", "containerlogs", "-n", namespace, "--watch-only", "--output-watch-events")
    with ledger.follow(*args, "-o", "json") as following:

        def begun() -> bool:
            # Only a line that arrives shows that the watch has begun.
            ledger.write("after", namespace)
            return bool(following.lines)

        until("the watch has begun", begun)
    told = [load_json(text) for text in following.lines]
    assert {(one["type"], one["object"]["kind"]) for one in told} == {("ADDED", "ContainerLog")}
    assert {one["object"]["payload"]["log"] for one in told} == {"after"}


@pytest.mark.paragraph("3.3", "a watch of one name")
@pytest.mark.parametrize("how", [(), ("--output-watch-events",)], ids=["objects", "events"])
def test_a_watch_of_one_name(ledger: Ledger, how: tuple[str, ...]) -> None:
    """`get NAME -w` shows that object once, and nothing else that arrives."""
    namespace = f"w{uuid4().hex[:8]}"
    for mark in ("one", "two"):
        ledger.write(mark, namespace)
    shown = ledger.objects("containerlogs", namespace)
    (name,) = [one["metadata"]["name"] for one in shown if one["payload"]["log"] == "two"]
    get = ("get", "containerlogs", "-n", namespace, "-w", "-o")
    with (
        ledger.follow(
            *get, "jsonpath={.type}{.object.payload.log}{.payload.log}\n", name, *how
        ) as one,
        ledger.follow(*get, "jsonpath={.payload.log}\n") as everything,
    ):
        everything.says("two")
        one.says("two")
        ledger.write("three", namespace)
        everything.says("three")
    assert one.lines == ["ADDEDtwo" if how else "two"]


@pytest.mark.paragraph("2.6", "selectors that are refused")
@pytest.mark.parametrize(
    ("selector", "said"),
    [
        ("--field-selector=nope=1", 'field label not supported for containerlogs: "nope"'),
        ("--selector=app=(", 'unable to parse labelSelector "app=("'),
    ],
)
def test_bad_selectors_are_told(ledger: Ledger, selector: str, said: str) -> None:
    """A selector that cannot be is BadRequest in words that name it, and shows nothing."""
    done = ledger(*GET, selector, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error from server (BadRequest): Unable to find")
    assert said in done.stderr


@pytest.mark.paragraph("2.3", "nothing found")
def test_nothing_found(ledger: Ledger) -> None:
    """An empty list is no error: kubectl says so on stderr, and prints an empty list."""
    none = ("get", "containerlogs", "-n", "nowhere")
    done = ledger(*none)
    assert (done.stdout, done.stderr) == ("", "No resources found in nowhere namespace.\n")
    done = ledger("get", "containerlogs", "-A", "-l", "app=none")
    assert (done.stdout, done.stderr) == ("", "No resources found\n")
    assert load_json(ledger(*none, "-o", "json").stdout)["items"] == []
    assert ledger(*none, "-o", "name").stdout == ""


@pytest.mark.paragraph("2.1", "get --raw")
def test_raw_paths(ledger: Ledger) -> None:
    """`get --raw` prints the API's own answers, and its errors as kubectl words them."""
    path = f"{API}/namespaces/shop/containerlogs"
    raw = load_json(ledger("get", "--raw", f"{path}?labelSelector=app%3Ddb").stdout)
    assert raw["kind"] == "ContainerLogList"
    assert [item["payload"]["log"] for item in raw["items"]] == ["line-1"]
    done = ledger("get", "--raw", f"{path}/nothing", check=False)
    assert (done.returncode, done.stdout) == (1, "")
    said = 'containerlogs.core.kjournal "nothing" not found'
    assert done.stderr == f"Error from server (NotFound): {said}\n"
