"""Which client certificates chain to a bundle."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from kjournal.auth.chain import CABundle, common_name, load_bundle, parse_bundle
from kjournal.errors import ConfigError, Unauthorized
from tests.unit.auth.certificates import NOW, SERVER_AUTH, Pair, authority, issue

CA = authority("ca")
# cryptography does not sign with SHA-1; `openssl x509 -req -CA ca.crt -CAkey ca.key -sha1` does.
SHA1_CA = b"""\
-----BEGIN CERTIFICATE-----
MIIBcDCCARegAwIBAgIUXmpJhm2CDBtkkf8JA9oAdzowkqQwCgYIKoZIzj0EAwIw
DTELMAkGA1UEAwwCY2EwIBcNMjYxMTI0MTMyMTMzWhgPMjEyNjEwMzExMzIxMzNa
MA0xCzAJBgNVBAMMAmNhMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE6X4iEOLv
nlDH4uTyAESS9mXrweM1lZDgV/nARh+2EZZuDnEv13W560YqtUnZgMZR+NLYWPtH
bdK5helrwCGP66NTMFEwHQYDVR0OBBYEFEZ5YRxb3PLLhvVF7kSuEBrsxzmPMB8G
A1UdIwQYMBaAFEZ5YRxb3PLLhvVF7kSuEBrsxzmPMA8GA1UdEwEB/wQFMAMBAf8w
CgYIKoZIzj0EAwIDRwAwRAIgD0pR0iM/Zyf2BMNxVQbeyN5qCyx1RKm9O/7ZvlLv
JYkCIDielLnVctN2JmvA65Vw50bAnkgAcGGUy8RBb6+xH897
-----END CERTIFICATE-----
"""
SHA1_LEAF = b"""\
-----BEGIN CERTIFICATE-----
MIIBFzCBvwIUZZMJEfy4a7Kz1x9EQRhvzPDS/cQwCQYHKoZIzj0EATANMQswCQYD
VQQDDAJjYTAgFw0yNjExMjQxMzIxMzNaGA8yMTI2MDcyMzEzMjEzM1owEDEOMAwG
A1UEAwwFYWxpY2UwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAT84Mln29yRNAx/
DleppHHMMMDXC0fuPN3tinWYJgkq8gf44+CreCfkthlIuvvufWCjp7qIn9y8CgCb
C1Di8eTXMAkGByqGSM49BAEDSAAwRQIhAK0Zd2lJYDgKTpGtI+Buk12ZLCypytdE
2Yefb80nJAz0AiAG72RpJjcV+0dLHz8SWuzShoSUZQfz5aUv1N9BRJ+nVg==
-----END CERTIFICATE-----
"""
BUNDLE = CABundle((CA.certificate,))


def verify(*presented: Pair, bundle: CABundle = BUNDLE) -> None:
    bundle.verify([each.certificate for each in presented], NOW)


def test_a_client_certificate_of_the_ca_verifies() -> None:
    verify(issue(CA, "alice"))


@pytest.mark.parametrize(
    "usages",
    [
        None,
        [SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH],
        [ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE],
    ],
)
def test_no_usage_or_any_usage_allows_clients_as_in_go(usages: list[object] | None) -> None:
    verify(issue(CA, "alice", usages=usages))


def test_a_server_certificate_is_refused() -> None:
    with pytest.raises(Unauthorized, match="not meant for clients"):
        verify(issue(CA, "alice", usages=[SERVER_AUTH]))


def test_another_ca_of_the_same_name_is_refused() -> None:
    with pytest.raises(Unauthorized, match="does not verify"):
        verify(issue(authority("ca"), "alice"))


def test_a_certificate_that_signed_itself_is_refused() -> None:
    with pytest.raises(Unauthorized, match="does not verify"):
        verify(issue(None, "alice"))


@pytest.mark.parametrize("days", [-2, 1])
def test_an_expired_or_future_certificate_is_refused(days: int) -> None:
    since = NOW + timedelta(days=days)
    with pytest.raises(Unauthorized, match="does not verify"):
        verify(issue(CA, "alice", since=since, until=since + timedelta(days=1)))


def test_an_expired_ca_is_refused() -> None:
    old = issue(None, "old", ca=True, usages=None, until=NOW - timedelta(hours=1))
    with pytest.raises(Unauthorized, match="does not verify"):
        verify(issue(old, "alice"), bundle=CABundle((old.certificate,)))


def test_presented_intermediates_complete_the_chain() -> None:
    middle = authority("middle", CA)
    leaf = issue(middle, "alice")
    verify(leaf, middle)
    with pytest.raises(Unauthorized):
        verify(leaf)


def test_an_intermediate_in_the_bundle_is_an_anchor_as_in_go() -> None:
    middle = authority("middle", CA)
    verify(issue(middle, "alice"), bundle=CABundle((middle.certificate,)))


def test_a_leaf_cannot_issue() -> None:
    alice = issue(CA, "alice")
    with pytest.raises(Unauthorized):
        verify(issue(alice, "system:admin"), alice)


def test_an_intermediate_for_servers_alone_is_refused() -> None:
    middle = issue(CA, "middle", ca=True, usages=[SERVER_AUTH])
    with pytest.raises(Unauthorized, match="not meant for clients"):
        verify(issue(middle, "alice"), middle)


def test_sha1_is_refused() -> None:
    leaf = x509.load_pem_x509_certificate(SHA1_LEAF)
    with pytest.raises(Unauthorized, match=r"sha1|does not verify"):
        parse_bundle(SHA1_CA).verify([leaf], datetime(2030, 1, 1, tzinfo=UTC))


def test_an_empty_bundle_trusts_nobody() -> None:
    with pytest.raises(Unauthorized, match="no CA"):
        verify(issue(CA, "alice"), bundle=CABundle())


def test_a_bundle_of_two_takes_either() -> None:
    other = authority("other")
    bundle = parse_bundle(CA.pem + other.pem)
    verify(issue(CA, "alice"), bundle=bundle)
    verify(issue(other, "alice"), bundle=bundle)


def test_no_text_and_no_path_is_an_empty_bundle() -> None:
    assert not parse_bundle(b" \n")
    assert not load_bundle("", "client-ca-file")


@pytest.mark.parametrize("content", [None, b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAA"])
def test_a_file_without_certificates_is_a_mistake(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "ca.crt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match="client-ca-file: found"):
        load_bundle(str(path), "client-ca-file")


def test_a_certificate_may_have_no_common_name() -> None:
    assert common_name(issue(CA, "", organizations=["team"]).certificate) == ""
