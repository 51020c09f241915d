"""Whom to believe: files, or the cluster's ConfigMap, read until that succeeds."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.task import Clock

from kjournal.auth.chain import CABundle
from kjournal.auth.front_proxy import FrontProxyTrust
from kjournal.auth.trust import (
    CONFIG_MAP,
    CONFIG_MAPS,
    FIRST_WAIT_S,
    LONGEST_WAIT_S,
    RECHECK_S,
    Trust,
    TrustSource,
    parse_config_map,
    trust_of,
)
from kjournal.config.model import ServingSettings
from kjournal.errors import ConfigError, ServiceUnavailable
from tests.results import success
from tests.unit.auth.certificates import authority
from tests.unit.client.kube import HELD, FakeKube

CLIENT_CA, PROXY_CA = authority("client-ca"), authority("front-proxy-ca")
DATA = {
    "client-ca-file": CLIENT_CA.pem.decode(),
    "requestheader-client-ca-file": PROXY_CA.pem.decode(),
    "requestheader-allowed-names": '["front-proxy-client"]',
    "requestheader-username-headers": '["X-Remote-User"]',
    "requestheader-uid-headers": '["X-Remote-Uid"]',
    "requestheader-group-headers": '["X-Remote-Group"]',
    "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
}
TOLD = Trust(
    CABundle((CLIENT_CA.certificate,)),
    FrontProxyTrust(
        cas=CABundle((PROXY_CA.certificate,)),
        allowed_names=("front-proxy-client",),
        username_headers=("X-Remote-User",),
        uid_headers=("X-Remote-Uid",),
        group_headers=("X-Remote-Group",),
        extra_prefixes=("X-Remote-Extra-",),
    ),
)


def test_files_and_settings_make_a_trust(tmp_path: Path) -> None:
    for name, pair in (("client", CLIENT_CA), ("proxy", PROXY_CA)):
        (tmp_path / name).write_bytes(pair.pem)
    settings = ServingSettings(
        client_ca_file=str(tmp_path / "client"),
        requestheader_client_ca_file=str(tmp_path / "proxy"),
        requestheader_allowed_names=("front-proxy-client",),
    )
    trust = trust_of(settings)
    assert trust == TOLD
    assert trust.authorities == (CLIENT_CA.certificate, PROXY_CA.certificate)


def test_a_missing_file_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match="requestheader-client-ca-file"):
        trust_of(ServingSettings(requestheader_client_ca_file="/nowhere"))


def test_the_config_map_is_read_whole() -> None:
    assert parse_config_map({"data": DATA}) == TOLD


@pytest.mark.parametrize("document", [{}, {"data": None}, {"data": {}}])
def test_absent_keys_trust_nobody_and_name_no_header(document: dict[str, Any]) -> None:
    assert parse_config_map(document) == Trust(CABundle(), FrontProxyTrust())


@pytest.mark.parametrize(
    "data",
    [
        "text",
        {"client-ca-file": "no PEM"},
        {"client-ca-file": 7},
        {"requestheader-allowed-names": "front-proxy-client"},
        {"requestheader-allowed-names": '{"a": 1}'},
        {"requestheader-allowed-names": "[1]"},
    ],
)
def test_what_cannot_be_understood_is_no_trust(data: object) -> None:
    with pytest.raises(
        ValueError, match=r"data is no object|client-ca-file|requestheader-allowed-names"
    ):
        parse_config_map({"data": data})


def test_files_are_known_at_once() -> None:
    fake = FakeKube(lambda _: HELD)
    source = TrustSource(TOLD, fake.clock, fake.connection())
    source.startService()
    assert (source.known, source.trust, fake.asked) == (True, TOLD, [])
    success(source.stopService())


def test_the_cluster_is_asked_with_growing_patience_until_it_tells() -> None:
    answers = iter([(403, {}), (200, {"data": {"client-ca-file": "?"}}), (200, {"data": DATA})])
    fake = FakeKube(lambda _: next(answers))
    source = TrustSource(trust_of(ServingSettings()), fake.clock, fake.connection())
    source.startService()
    for wait_s in (1, 2):
        assert not source.known
        with pytest.raises(ServiceUnavailable):
            _ = source.trust
        fake.clock.advance(wait_s)
    assert source.trust == TOLD
    assert [each.path for each in fake.asked] == [CONFIG_MAP] * 3
    success(source.stopService())


def test_a_client_ca_file_comes_before_the_clusters(tmp_path: Path) -> None:
    own = authority("own-ca")
    (tmp_path / "own").write_bytes(own.pem)
    fake = FakeKube(lambda _: (200, {"data": DATA}))
    files = trust_of(ServingSettings(client_ca_file=str(tmp_path / "own")))
    source = TrustSource(files, fake.clock, fake.connection())
    source.startService()
    assert source.trust == Trust(CABundle((own.certificate,)), TOLD.front_proxy)


@pytest.mark.parametrize("answer", [(500, {}), HELD])
def test_stopping_ends_the_asking(answer: object) -> None:
    fake = FakeKube(lambda _: answer)
    source = TrustSource(trust_of(ServingSettings()), fake.clock, fake.connection())
    source.startService()
    success(source.stopService())
    fake.clock.advance(60)
    assert len(fake.asked) == 1
    assert fake.clock.getDelayedCalls() == []


OTHER_CA = authority("other-ca")
CHANGED = {**DATA, "requestheader-client-ca-file": OTHER_CA.pem.decode()}


class Told:
    """A cluster that holds each watch, and tells the ConfigMap that stands in `data`."""

    def __init__(self) -> None:
        self.answer: Any = (200, {"data": DATA, "metadata": {"resourceVersion": "5"}})
        self.fake = FakeKube(lambda asked: HELD if "watch=true" in asked.path else self.answer)
        files = trust_of(ServingSettings())
        self.source = TrustSource(files, self.fake.clock, self.fake.connection())
        self.source.startService()

    def tell(self, data: object) -> None:
        self.answer = (200, {"data": data, "metadata": {"resourceVersion": "6"}})


@pytest.fixture
def told() -> Iterator[Told]:
    """Return a cluster that has told once, and stop asking it at the end."""
    found = Told()
    yield found
    success(found.source.stopService())
    assert found.fake.clock.getDelayedCalls() == []


def proxy_cas(source: TrustSource) -> CABundle:
    return source.trust.front_proxy.cas


def test_a_change_is_read_as_soon_as_the_watch_tells_of_it(told: Told) -> None:
    watch = told.fake.asked[-1].path
    assert watch.startswith(CONFIG_MAPS + "?")
    assert "fieldSelector=metadata.name%3Dextension-apiserver-authentication" in watch
    assert "resourceVersion=5" in watch
    told.tell(CHANGED)
    told.fake.release(200, b'{"type":"MODIFIED"}\n')
    told.fake.clock.advance(FIRST_WAIT_S)
    assert proxy_cas(told.source) == CABundle((OTHER_CA.certificate,))


def test_a_change_that_no_watch_tells_of_is_read_within_a_minute(told: Told) -> None:
    told.tell(CHANGED)
    told.fake.clock.pump([RECHECK_S, FIRST_WAIT_S])
    assert proxy_cas(told.source) == CABundle((OTHER_CA.certificate,))


@pytest.mark.parametrize(
    "bad",
    [
        (500, {}),
        (404, {}),
        (200, {"data": {}}),
        (200, {"data": {**DATA, "requestheader-client-ca-file": "garbage"}}),
        (200, {"data": {**DATA, "requestheader-allowed-names": "x"}}),
        (200, b"no JSON"),
    ],
)
def test_the_last_good_trust_stays(told: Told, bad: Any) -> None:
    told.answer = bad
    told.fake.clock.pump([RECHECK_S, FIRST_WAIT_S, RECHECK_S])
    assert told.source.trust == TOLD
    told.tell(CHANGED)
    told.fake.clock.pump([LONGEST_WAIT_S, LONGEST_WAIT_S])
    assert proxy_cas(told.source) == CABundle((OTHER_CA.certificate,))


def test_a_watch_that_ends_at_once_is_not_asked_for_without_a_pause(told: Told) -> None:
    before = len(told.fake.asked)
    told.fake.release(410, {})
    assert len(told.fake.asked) == before


def test_files_are_read_again_each_minute(tmp_path: Path) -> None:
    path, clock = tmp_path / "ca", Clock()
    path.write_bytes(PROXY_CA.pem)
    settings = ServingSettings(requestheader_client_ca_file=str(path))
    source = TrustSource(trust_of(settings), clock, None, lambda: trust_of(settings))
    source.startService()
    path.write_bytes(b"half a f")
    clock.advance(RECHECK_S)
    assert proxy_cas(source) == CABundle((PROXY_CA.certificate,))
    path.write_bytes(OTHER_CA.pem)
    clock.advance(RECHECK_S)
    assert proxy_cas(source) == CABundle((OTHER_CA.certificate,))
    success(source.stopService())
