"""Whom to believe: files, or the cluster's ConfigMap, read until that succeeds."""

from pathlib import Path
from typing import Any

import pytest

from kjournal.auth.chain import CABundle
from kjournal.auth.front_proxy import FrontProxyTrust
from kjournal.auth.trust import CONFIG_MAP, Trust, TrustSource, parse_config_map, trust_of
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
