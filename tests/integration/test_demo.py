"""The five-minute story: `twistd -n kjournal --demo`, and the commands that it prints."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.stories import Following, Kubectl, ask, running_gateway, until
from tests.rig_servers import Gateway

KINDS = "containerlogs,events.core.kjournal,auditevents,logs"
COLUMNS = (("POD", "CONTAINER"), ("REASON", "OBJECT"), ("VERB", "USER"), ("HOST", "MESSAGE"))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Yield a gateway that shows the demo."""
    folder = tmp_path_factory.mktemp("demo")
    with running_gateway(folder, "--demo", f"--store={folder / 'demo.db'}") as gateway:
        until("it says what to type", lambda: "kjournal is ready" in gateway.log())
        yield gateway


@pytest.fixture
def client(demo: Gateway, kubectl: Path, tmp_path: Path) -> Kubectl:
    """Return kubectl at the demo."""
    return Kubectl.straight(kubectl, demo.url, tmp_path / "cache")


def test_one_command_prints_four_tables(client: Kubectl) -> None:
    """All kinds at once print four tables, each with a past to show."""

    def tables() -> list[str]:
        return client("get", KINDS, "-A").stdout.strip().split("\n\n")

    until("every kind has a past", lambda: len(tables()) == 4)
    shown = tables()
    for table, columns in zip(shown, COLUMNS, strict=True):
        head, *rows = table.splitlines()
        assert [name for name in columns if name not in head.split()] == []
        assert len(rows) > 10


def test_what_it_prints_works(demo: Gateway, client: Kubectl) -> None:
    """Every command of its welcome, typed as it stands, shows something."""
    commands = [
        line.split()
        for line in demo.log().splitlines()
        if line.startswith("  kubectl ") and f"-s {demo.url} " in line
    ]
    assert len(commands) == 4
    for command in commands:
        args = command[command.index(demo.url) + 1 :]
        if "-w" in args:
            with client.follow(*args) as following:
                following.says("shop" if "-A" in args else "web")
        else:
            assert len(client(*args).stdout.splitlines()) > 1, args
    (curl,) = (line for line in demo.log().splitlines() if line.startswith("  curl "))
    with Following(["curl", "-sN", curl.split("'")[1]]) as following:
        following.says('"type":"ADDED"')


def test_it_goes_on_writing(demo: Gateway, client: Kubectl) -> None:
    """New lines come while somebody watches."""
    with client.follow("get", "containerlogs", "-A", "--watch-only") as following:
        following.says("", times=5)
    assert ask(demo.url, "/readyz").status == 200
