"""What probes are answered, to the letter of kube-apiserver's answers."""

import pytest
from twisted.logger import LogEvent, Logger, LogPublisher

from kjournal.api.health import LogCheck
from tests.unit.api.serving import Server

CHECKS = {"healthz": "ping log", "livez": "ping log", "readyz": "ping log trust shutdown"}


@pytest.fixture
def probed(api: Server) -> Server:
    """Return a gateway with a check of its own, which passes."""
    api.health.readiness["trust"] = str
    return api


def shown(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


@pytest.mark.parametrize("endpoint", CHECKS)
def test_all_is_well(probed: Server, endpoint: str) -> None:
    """It is `ok` without a newline, as a text that no browser takes for anything else."""
    found = probed.call(f"/{endpoint}")
    assert (found.status, found.body) == (200, b"ok")
    assert found.headers["content-type"] == "text/plain; charset=utf-8"
    assert found.headers["x-content-type-options"] == "nosniff"
    assert found.headers["cache-control"] == "no-cache, private"
    assert probed.call(f"/{endpoint}", "HEAD").body == b""


@pytest.mark.parametrize("endpoint", CHECKS)
@pytest.mark.parametrize("query", ["verbose", "verbose=", "verbose=false", "a=b&verbose=1"])
def test_verbose(probed: Server, endpoint: str, query: str) -> None:
    """Any `verbose`, whatever it says, shows each check in order, and the verdict."""
    lines = [f"[+]{name} ok" for name in CHECKS[endpoint].split()]
    found = probed.call(f"/{endpoint}?{query}")
    assert (found.status, found.body) == (200, shown(*lines, f"{endpoint} check passed"))


def test_notes(probed: Server) -> None:
    """What an operator should know is shown before the verdict, and fails nothing."""
    probed.health.notes = lambda: ["logs: followed by time"]
    found = probed.call("/readyz?verbose")
    assert (found.status, found.body.splitlines()[-2:]) == (
        200,
        [b"[i]logs: followed by time", b"readyz check passed"],
    )
    assert probed.call("/readyz").body == b"ok"


@pytest.mark.parametrize("query", ["", "?verbose"])
def test_failure(probed: Server, query: str) -> None:
    """A failure shows all checks without being asked, and keeps to itself why."""
    probed.health.readiness["trust"] = lambda: "a secret"
    found = probed.call(f"/readyz{query}")
    assert found.status == 500
    assert found.headers["content-type"] == "text/plain; charset=utf-8"
    assert found.headers["x-content-type-options"] == "nosniff"
    assert found.body == shown(
        "[+]ping ok",
        "[+]log ok",
        "[-]trust failed: reason withheld",
        "[+]shutdown ok",
        "readyz check failed",
    )


def test_one_check(probed: Server) -> None:
    """Its own path says why it fails; that is for whom may ask for the path."""
    probed.health.readiness["trust"] = lambda: "nobody is known"
    failed = probed.call("/readyz/trust")
    assert failed.status == 500
    assert failed.body == b"internal server error: nobody is known\n"
    for path in ("/readyz/ping", "/readyz/shutdown", "/livez/log", "/healthz/ping"):
        found = probed.call(path)
        assert (found.status, found.body) == (200, b"ok")


@pytest.mark.parametrize(
    "path", ["/readyz/none", "/livez/shutdown", "/healthz/trust", "/readyz/ping/x"]
)
def test_no_such_check(probed: Server, path: str) -> None:
    """A check that an endpoint has not is not found, excluded or not."""
    assert probed.call(path).status == 404
    assert probed.call(f"{path}?exclude={path.rpartition('/')[2]}").status == 404


def test_excluded(probed: Server) -> None:
    """Each `exclude` leaves a check out, as if it passed, and is shown."""
    probed.health.readiness["trust"] = lambda: "no"
    probed.health.stopping = True
    assert probed.call("/readyz?exclude=trust").status == 500
    assert probed.call("/readyz?exclude=trust&exclude=shutdown").body == b"ok"
    found = probed.call("/readyz?verbose&exclude=trust&exclude=shutdown")
    assert found.body == shown(
        "[+]ping ok",
        "[+]log ok",
        "[+]trust excluded: ok",
        "[+]shutdown excluded: ok",
        "readyz check passed",
    )


def test_an_excluded_check_is_not_made(probed: Server) -> None:
    """So one that hangs or breaks can be left out."""

    def broken() -> str:
        raise AssertionError

    probed.health.readiness["trust"] = broken
    assert probed.call("/readyz?exclude=trust").status == 200


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("exclude=etcd&exclude=b", '"b","etcd"'),
        ("exclude=etcd&exclude=etcd&exclude=ping", '"etcd"'),
        ("exclude=", '""'),
        ("exclude=%22%0A", r'"\"\n"'),
        ("exclude=%FF", None),
    ],
)
def test_excludes_that_do_not_exist(probed: Server, query: str, names: str | None) -> None:
    """They are warned of, in one line, and nothing else."""
    assert probed.call(f"/livez?{query}").status == (200 if names else 400)
    lines = probed.call(f"/livez?verbose&{query}").body.decode().splitlines()
    if names:
        warning = f"warn: some health checks cannot be excluded: no matches for {names}"
        assert lines[2:] == [warning, "livez check passed"]


def test_stopping(probed: Server) -> None:
    """Readyz fails at once, for what is shown; livez and healthz stay green."""
    probed.health.stopping = True
    assert probed.call("/readyz").body.splitlines()[-2:] == [
        b"[-]shutdown failed: reason withheld",
        b"readyz check failed",
    ]
    why = b"internal server error: process is shutting down\n"
    assert probed.call("/readyz/shutdown").body == why
    for path in ("/livez", "/healthz"):
        assert probed.call(path).body == b"ok"


class Disk:
    """An observer that writes, unless its disk is full."""

    full = False

    def __init__(self) -> None:
        self.written: list[str] = []

    def __call__(self, event: LogEvent) -> None:
        if self.full:
            raise OSError
        self.written.append(str(event["log_format"]))


@pytest.mark.parametrize("first", [False, True])
def test_log(probed: Server, first: bool) -> None:
    """It fails from what could not be logged until something can be; asking costs no line."""
    publisher, disk = LogPublisher(), Disk()
    check = probed.health.log = LogCheck(publisher)
    for observer in (check, disk) if first else (disk, check):
        publisher.addObserver(observer)
    log = Logger(observer=publisher)
    log.info("one")
    assert probed.call("/livez").body == b"ok"
    assert disk.written == ["one"]
    disk.full = True
    assert probed.call("/livez").body == b"ok"
    log.info("two")
    assert probed.call("/livez/log").body == b"internal server error: logging fails\n"
    for endpoint in CHECKS:
        assert b"[-]log failed: reason withheld\n" in probed.call(f"/{endpoint}").body
    disk.full = False
    assert probed.call("/livez").body == b"ok"
    assert len(disk.written) == 2


def test_a_failure_that_is_logged_is_no_failure_to_log() -> None:
    """A bug that the log tells of leaves the check green, and asks for no trial."""
    publisher, disk = LogPublisher(), Disk()
    check = LogCheck(publisher)
    for observer in (disk, check):
        publisher.addObserver(observer)
    try:
        raise ValueError
    except ValueError:
        Logger(observer=publisher).failure("a bug")
    assert check.why_not() == ""
    assert disk.written == ["a bug"]
