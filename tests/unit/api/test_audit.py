"""kjournal's own audit log: who asked for what, and how it was answered."""

from pathlib import Path
from typing import Any

import pytest
from twisted.logger import LogEvent, globalLogPublisher

from kjournal.api.audit import AuditLog, opened
from kjournal.auth.user import User
from kjournal.codec import load_json
from kjournal.config.model import APISettings, AuditLogSettings
from kjournal.errors import ConfigError, Forbidden, Unauthorized
from kjournal.query.model import Record
from kjournal.resources import mapping_of
from tests.unit.api.serving import ROOT, Server, Step
from tests.unit.api.verbs import LINES
from tests.unit.config.test_options import mistakes_of, settings

ALICE = User("alice", uid="7", groups=("team-a",), extra=(("scopes", ("v",)),))


class Lines:
    """What was written; or a disk that is full."""

    def __init__(self) -> None:
        self.text, self.full = "", False

    def write(self, data: str) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        self.text += data

    def flush(self) -> None:
        pass

    @property
    def events(self) -> list[dict[str, Any]]:
        return [load_json(line) for line in self.text.splitlines()]


class Audited:
    """A gateway whose requests are written down."""

    def __init__(
        self, api: Server, *, refusal: Exception | None = None, late: bool = False
    ) -> None:
        self.api, self.lines, self.told = api, Lines(), []
        self.refusal = refusal
        log = AuditLog(self.lines, api.clock, self.told.append)
        api.guarded_by(Step(self._look, authorizes=late), audit=log)

    async def _look(self, request: Any) -> None:
        if self.refusal is not None:
            raise self.refusal
        request.identity = ALICE

    @property
    def event(self) -> dict[str, Any]:
        (event,) = self.lines.events
        return event


def test_a_list(api: Server) -> None:
    audited = Audited(api)
    target = f"{LINES}?labelSelector=app%3Dweb"
    call = api.get(target, User_Agent="kubectl", X_Forwarded_For="10.0.0.9, 10.0.0.8")
    event = audited.event
    now = event.pop("requestReceivedTimestamp"), event.pop("stageTimestamp")
    assert all(len(time) == len("2026-01-01T00:00:00.000000Z") for time in now)
    assert event.pop("sourceIPs")[:2] == ["10.0.0.9", "10.0.0.8"]
    assert event == {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": call.headers["audit-id"],
        "stage": "ResponseComplete",
        "requestURI": ROOT + target,
        "verb": "list",
        "user": {"username": "alice", "uid": "7", "groups": ["team-a"], "extra": {"scopes": ["v"]}},
        "userAgent": "kubectl",
        "objectRef": {
            "resource": "containerlogs",
            "namespace": "a",
            "apiGroup": "core.kjournal",
            "apiVersion": "v1alpha1",
        },
        "responseStatus": {"metadata": {}, "code": 200},
        "annotations": {"authorization.k8s.io/decision": "allow"},
    }
    assert audited.told == [True]


def test_a_watch_is_told_when_it_begins_and_when_it_ends(api: Server) -> None:
    audited = Audited(api)
    watch = api.get(f"{LINES}?watch=1")
    assert audited.event["stage"] == "RequestReceived"
    assert "responseStatus" not in audited.event
    watch.leave()
    begun, ended = audited.lines.events
    assert (ended["stage"], ended["responseStatus"]["code"]) == ("ResponseComplete", 200)
    assert begun["auditID"] == ended["auditID"]


@pytest.mark.parametrize(
    ("refusal", "late", "code", "decision"),
    [
        (Unauthorized("Unauthorized"), False, 401, None),
        (Forbidden("no"), True, 403, "forbid"),
        (RuntimeError("a bug"), True, 500, None),
    ],
)
def test_who_is_refused_is_written_too(
    api: Server,
    refusal: Exception,
    late: bool,
    code: int,
    decision: str | None,
    logged_failures: Any,
) -> None:
    audited = Audited(api, refusal=refusal, late=late)
    api.get(LINES)
    logged_failures.clear()
    assert audited.event["responseStatus"]["code"] == code
    found = audited.event.get("annotations", {}).get("authorization.k8s.io/decision")
    assert found == decision


@pytest.mark.parametrize(
    ("target", "code"), [(f"{ROOT}/nothing", 404), (f"{ROOT}/a%2Fb", 400), ("/metrics", 200)]
)
def test_other_paths(api: Server, target: str, code: int) -> None:
    audited = Audited(api)
    api.call(target)
    assert (audited.event["requestURI"], audited.event["verb"]) == (target, "get")
    assert audited.event["responseStatus"]["code"] == code
    assert "objectRef" not in audited.event


@pytest.mark.parametrize("target", ["/livez", "/readyz", "/readyz/ping", "/healthz?verbose"])
def test_probes_are_left_out(api: Server, target: str) -> None:
    audited = Audited(api)
    api.call(target)
    assert audited.lines.events == []


def test_a_client_cannot_write_a_line_of_its_own(api: Server) -> None:
    """Whatever a header or a URL holds, an event is one line."""
    audited = Audited(api)
    api.get("/logs?x=%0A{}", User_Agent='x"}{"kind":"Event"\x1b[2J\u2028')
    assert audited.lines.text.count("\n") == 1
    assert "\x1b" not in audited.lines.text
    assert audited.event["verb"] == "list"


def test_a_full_disk_is_told_and_stops_nobody(api: Server) -> None:
    audited = Audited(api)
    audited.lines.full = True
    said: list[LogEvent] = []
    globalLogPublisher.addObserver(said.append)
    try:
        assert [api.get(LINES).status for _ in range(3)] == [200] * 3
    finally:
        globalLogPublisher.removeObserver(said.append)
    assert audited.told == [False] * 3
    assert len([event for event in said if event.get("why") == "No space left on device"]) == 1
    audited.lines.full = False
    api.get(LINES)
    assert len(audited.lines.events) == 1


def test_our_own_kind_reads_it(api: Server) -> None:
    """Shipped to the store, it is an audit event like kube-apiserver's."""
    audited = Audited(api)
    api.get(LINES)
    record = Record(index="audit", id="1", time_us=1, document=audited.event)
    obj = mapping_of(APISettings(resource="auditevents")).object_of(record, 7)
    local = mapping_of(APISettings(resource="localauditevents")).object_of(record, 7)
    assert obj is not None
    assert local is not None
    for key in ("user", "objectRef", "requestReceivedTimestamp", "verb", "responseStatus"):
        assert obj[key] == audited.event[key]
    assert local["metadata"]["namespace"] == "a"


def test_a_file_is_rotated_by_size_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    log = opened(AuditLogSettings(path=str(path), max_size_bytes=100, max_backup=2))
    for _ in range(9):
        log.write("x" * 60 + "\n")
        log.flush()
    log.close()
    assert {each.name for each in tmp_path.iterdir()} == {
        "audit.log",
        "audit.log.1",
        "audit.log.2",
    }
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_cannot_be_written_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--audit-log-path"):
        opened(AuditLogSettings(path=str(tmp_path / "nowhere" / "audit.log")))


def test_the_flags() -> None:
    found = settings(
        "--audit-log-path=-", "--audit-log-maxage=0", "--audit-log-maxbackup=0"
    ).audit_log
    assert found == AuditLogSettings(path="-")
    sized = settings("--audit-log-path=/a", "--audit-log-maxsize=5", "--audit-log-maxbackup=3")
    assert sized.audit_log == AuditLogSettings(path="/a", max_size_bytes=5 << 20, max_backup=3)
    (mistake,) = mistakes_of("--audit-log-path=-", "--audit-log-maxage=30")
    assert mistake.startswith("--audit-log-maxage: ")
    warnings = settings("--audit-log-maxsize=5").warnings
    assert warnings == ("--audit-log-maxsize has no effect without --audit-log-path",)
