"""TLS of the secure port: certificates, and handshakes in memory with any kind of client."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs
import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import globalLogPublisher
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from zope.interface.verify import verifyObject

from kjournal.api.certificates import (
    CA_VALID_FOR,
    RENEW_BEFORE,
    VALID_FOR,
    serving_certificate,
    serving_certificates,
)
from kjournal.api.tls import (
    LOOK_S,
    Authorities,
    CertificateFiles,
    ServingContextFactory,
    peer_chain_of,
)
from kjournal.config.model import ServingSettings, SNICertificate
from kjournal.errors import ConfigError
from tests.results import success
from tests.unit.auth.certificates import NOW, Pair, authority, issue

CA = authority("client-ca")
PROXY_CA = authority("front-proxy-ca")
FILES = {"kjournal.crt", "kjournal.key", "ca.crt", "ca.key"}
Configure = Callable[[SSL.Context], None]


def factory(authorities: tuple[x509.Certificate, ...] = ()) -> ServingContextFactory:
    return factory_of(ServingSettings(), lambda: authorities)


def factory_of(
    settings: ServingSettings, authorities: Authorities = tuple
) -> ServingContextFactory:
    made = serving_certificates(settings, NOW)
    return ServingContextFactory(lambda: made, authorities)


class Handshake:
    """A client of pyOpenSSL and a server of Twisted, joined in memory."""

    def __init__(
        self,
        server: ServingContextFactory,
        configure: Configure = lambda _: None,
        context: SSL.Context | None = None,
    ) -> None:
        if context is None:
            context = SSL.Context(SSL.TLS_METHOD)
            configure(context)
        self.client = SSL.Connection(context, None)
        self.client.set_connect_state()
        tls = TLSMemoryBIOFactory(server, False, Factory.forProtocol(Protocol), clock=Clock())
        self.server = tls.buildProtocol(None)
        assert isinstance(self.server, TLSMemoryBIOProtocol)
        self._wire = StringTransport()
        self.server.makeConnection(self._wire)

    def run(self) -> "Handshake":
        """Exchange bytes until the handshake is done. Raises: SSL.Error on the client's side."""
        for _ in range(8):
            with suppress(SSL.WantReadError):
                self.client.do_handshake()
            self._move()
        self.client.do_handshake()
        return self

    def _move(self) -> None:
        with suppress(SSL.WantReadError):
            self.server.dataReceived(self.client.bio_read(1 << 16))
        sent = self._wire.value()
        self._wire.clear()
        if sent:
            self.client.bio_write(sent)


def showing(*pairs: Pair) -> Configure:
    def configure(context: SSL.Context) -> None:
        context.use_certificate(pairs[0].certificate)
        context.use_privatekey(pairs[0].key)
        for issuer in pairs[1:]:
            context.add_extra_chain_cert(issuer.certificate)

    return configure


def test_it_provides_twisteds_interface() -> None:
    verifyObject(IOpenSSLServerConnectionCreator, factory())


def test_a_client_without_a_certificate_gets_in() -> None:
    assert peer_chain_of(Handshake(factory()).run().server) == ()


def test_no_tls_means_no_chain() -> None:
    assert peer_chain_of(StringTransport()) == ()


@pytest.mark.parametrize("version", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION])
@pytest.mark.parametrize(
    "pair",
    [
        pytest.param(issue(CA, "alice"), id="good"),
        pytest.param(issue(None, "mallory"), id="self-signed"),
        pytest.param(issue(CA, "late", until=NOW - timedelta(hours=1)), id="expired"),
    ],
)
def test_any_client_certificate_gets_in_and_is_told(version: int, pair: Pair) -> None:
    def configure(context: SSL.Context) -> None:
        context.set_min_proto_version(version)
        context.set_max_proto_version(version)
        showing(pair)(context)

    server = factory((CA.certificate, PROXY_CA.certificate))
    handshake = Handshake(server, configure).run()
    assert peer_chain_of(handshake.server) == (pair.certificate,)


def test_presented_intermediates_come_after_the_leaf() -> None:
    middle = authority("middle", CA)
    leaf = issue(middle, "alice")
    handshake = Handshake(factory((CA.certificate,)), showing(leaf, middle)).run()
    assert peer_chain_of(handshake.server) == (leaf.certificate, middle.certificate)


def test_both_kinds_of_ca_are_advertised_each_name_once() -> None:
    again = authority("client-ca")
    server = factory((CA.certificate, again.certificate, PROXY_CA.certificate))
    handshake = Handshake(server).run()
    names = handshake.client.get_client_ca_list(as_cryptography=True)
    assert names == [CA.certificate.subject, PROXY_CA.certificate.subject]


def test_a_ca_that_becomes_known_is_advertised_to_the_next_client() -> None:
    known: list[x509.Certificate] = []
    server = factory_of(ServingSettings(), lambda: known)
    assert Handshake(server).run().client.get_client_ca_list(as_cryptography=True) == []
    known.append(CA.certificate)
    names = Handshake(server).run().client.get_client_ca_list(as_cryptography=True)
    assert names == [CA.certificate.subject]


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [([b"h2", b"http/1.1"], b"http/1.1"), ([b"h2"], b""), ([], b"")],
)
def test_http_1_1_is_spoken_and_nothing_else(offered: list[bytes], chosen: bytes) -> None:
    def configure(context: SSL.Context) -> None:
        if offered:
            context.set_alpn_protos(offered)

    handshake = Handshake(factory(), configure).run()
    assert handshake.client.get_alpn_proto_negotiated() == chosen


def test_tls_1_1_is_refused() -> None:
    def configure(context: SSL.Context) -> None:
        context.set_cipher_list(b"ALL:@SECLEVEL=0")
        context.set_max_proto_version(SSL.TLS1_1_VERSION)

    with pytest.raises(SSL.Error):
        Handshake(factory(), configure).run()


@pytest.mark.parametrize("cipher", [b"AES128-GCM-SHA256", b"ECDHE-ECDSA-AES128-SHA256"])
def test_ciphers_without_forward_secrecy_or_authentication_are_refused(cipher: bytes) -> None:
    def configure(context: SSL.Context) -> None:
        context.set_max_proto_version(SSL.TLS1_2_VERSION)
        context.set_cipher_list(cipher)

    with pytest.raises(SSL.Error):
        Handshake(factory(), configure).run()


@pytest.mark.parametrize("version", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION])
def test_a_session_offered_again_still_brings_the_issuers(version: int) -> None:
    """A resumed session would bring the leaf alone."""
    middle = authority("middle", CA)
    leaf = issue(middle, "alice")
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_max_proto_version(version)
    showing(leaf, middle)(context)
    server = factory((CA.certificate,))
    first = Handshake(server, context=context).run()
    with suppress(SSL.WantReadError):
        first.client.recv(1)
    second = Handshake(server, context=context)
    session = first.client.get_session()
    if session is not None:
        second.client.set_session(session)
    second.run()
    assert peer_chain_of(second.server) == (leaf.certificate, middle.certificate)


def self_made(folder: Path, now: datetime = NOW) -> tuple[x509.Certificate, ...]:
    return serving_certificate(ServingSettings(cert_dir=str(folder)), now).chain


def test_a_certificate_is_made_once_and_kept(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "here"
    first = self_made(folder)
    assert self_made(folder, NOW + timedelta(days=1)) == first
    assert {path.name for path in folder.iterdir()} == FILES
    for name in ("kjournal.key", "ca.key"):
        assert (folder / name).stat().st_mode & 0o777 == 0o600


def test_the_made_certificate_is_signed_by_its_ca_for_all_our_names(tmp_path: Path) -> None:
    (leaf,) = self_made(tmp_path)
    ca = x509.load_pem_x509_certificate((tmp_path / "ca.crt").read_bytes())
    leaf.verify_directly_issued_by(ca)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [
        "localhost",
        "kjournal.kjournal-system.svc",
        "kjournal.kjournal-system.svc.cluster.local",
    ]
    addresses = [str(each) for each in names.get_values_for_type(x509.IPAddress)]
    assert addresses == ["127.0.0.1", "::1"]
    assert leaf.not_valid_before_utc < NOW < leaf.not_valid_after_utc


def test_the_made_certificate_verifies_with_a_strict_client(tmp_path: Path) -> None:
    settings = ServingSettings(cert_dir=str(tmp_path))
    made = serving_certificates(settings, datetime.now(UTC))
    server = ServingContextFactory(lambda: made, tuple)

    def configure(context: SSL.Context) -> None:
        context.load_verify_locations(str(tmp_path / "ca.crt"))
        context.set_verify(SSL.VERIFY_PEER)

    Handshake(server, configure).run()


def test_without_a_folder_the_certificate_lives_in_memory() -> None:
    first, second = (serving_certificate(ServingSettings(), NOW).chain[0] for _ in range(2))
    assert first != second


def test_a_folder_that_cannot_be_written_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="--cert-dir"):
        self_made(tmp_path / "file" / "below")


def test_a_made_certificate_without_its_key_is_a_mistake(tmp_path: Path) -> None:
    self_made(tmp_path)
    (tmp_path / "kjournal.key").unlink()
    with pytest.raises(ConfigError, match="key"):
        self_made(tmp_path)


def named(certificate: Path | str, key: Path | str) -> ServingSettings:
    return ServingSettings(tls_cert_file=str(certificate), tls_private_key_file=str(key))


def test_named_files_are_served_with_their_chain(tmp_path: Path) -> None:
    middle = authority("middle", CA)
    leaf = issue(middle, "kjournal")
    certificate, key = leaf.write(tmp_path, "serving")
    certificate.write_bytes(leaf.pem + middle.pem)
    server = factory_of(named(certificate, key))
    shown = Handshake(server).run().client.get_peer_cert_chain(as_cryptography=True)
    assert shown == [leaf.certificate, middle.certificate]


def test_files_that_are_missing_broken_or_of_two_pairs_are_mistakes(tmp_path: Path) -> None:
    one, one_key = issue(CA, "one").write(tmp_path, "one")
    _, other_key = issue(CA, "other").write(tmp_path, "other")
    broken = tmp_path / "broken"
    broken.write_text("nonsense")
    for certificate, key, found in (
        (one, other_key, "another key"),
        (tmp_path / "nowhere", one_key, "nowhere"),
        (one, tmp_path / "nowhere", "nowhere"),
        (broken, one_key, "tls-cert-file"),
        (one, broken, "tls-private-key-file"),
        (one, "", "both or none"),
        ("", one_key, "both or none"),
    ):
        with pytest.raises(ConfigError, match=found):
            serving_certificate(named(certificate, key), NOW)


def test_a_made_certificate_is_renewed_by_the_same_ca(tmp_path: Path) -> None:
    """The caBundle in the cluster stays good."""
    (first,) = self_made(tmp_path)
    ca = (tmp_path / "ca.crt").read_bytes()
    assert self_made(tmp_path, NOW + VALID_FOR - RENEW_BEFORE - timedelta(days=1)) == (first,)
    (second,) = self_made(tmp_path, NOW + VALID_FOR - RENEW_BEFORE + timedelta(days=1))
    assert second != first
    assert (tmp_path / "ca.crt").read_bytes() == ca
    second.verify_directly_issued_by(x509.load_pem_x509_certificate(ca))


def test_a_ca_that_ends_is_made_anew(tmp_path: Path) -> None:
    self_made(tmp_path)
    ca = (tmp_path / "ca.crt").read_bytes()
    (leaf,) = self_made(tmp_path, NOW + CA_VALID_FOR)
    renewed = x509.load_pem_x509_certificate((tmp_path / "ca.crt").read_bytes())
    assert (tmp_path / "ca.crt").read_bytes() != ca
    leaf.verify_directly_issued_by(renewed)


def shown_to(server: ServingContextFactory, name: str = "") -> x509.Certificate:
    handshake = Handshake(server)
    if name:
        handshake.client.set_tlsext_host_name(name.encode())
    shown = handshake.run().client.get_peer_certificate(as_cryptography=True)
    assert shown is not None
    return shown


def sni(folder: Path, name: str, *patterns: str) -> SNICertificate:
    alternative = [x509.DNSName(f"{name}.example"), x509.DNSName(f"*.{name}.example")]
    files = issue(CA, name, names=alternative).write(folder, name)
    chain_file, key_file = (str(each) for each in files)
    return SNICertificate(chain_file=chain_file, key_file=key_file, patterns=patterns)


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("", "default"),
        ("elsewhere.example", "default"),
        ("one.example", "one"),
        ("ONE.example", "one"),
        ("a.one.example", "one"),
        ("a.b.one.example", "default"),
        ("two.example", "two"),
        ("both.example", "two"),
        ("x.both.example", "two"),
        ("a.two.example", "default"),
    ],
)
def test_the_certificate_is_that_of_the_name_asked_for(
    tmp_path: Path, asked: str, shown: str
) -> None:
    """A pattern counts before a name that a certificate holds; given ones replace its names."""
    pairs = (
        sni(tmp_path, "both"),
        sni(tmp_path, "one"),
        sni(tmp_path, "two", "two.example", "both.example", "*.both.example"),
    )
    files = issue(CA, "default").write(tmp_path, "default")
    server = factory_of(attrs.evolve(named(*files), sni_certificates=pairs))
    (name,) = shown_to(server, asked).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert name.value == shown


class Rotating:
    """Files that are looked at, and who is served by them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock = folder, Clock()
        self.clock.rightNow = NOW.timestamp()
        self.first = self.write(issue(CA, "first"))
        self.files = CertificateFiles(
            named(folder / "serving.crt", folder / "serving.key"), self.clock
        )
        self.files.startService()
        self.server = ServingContextFactory(lambda: self.files.current, tuple)

    def write(self, pair: Pair) -> x509.Certificate:
        pair.write(self.folder, "serving")
        return pair.certificate

    def shown(self) -> x509.Certificate:
        self.clock.advance(LOOK_S)
        return shown_to(self.server)


def test_a_new_pair_is_served_to_new_connections_only(tmp_path: Path) -> None:
    rotating = Rotating(tmp_path)
    before = Handshake(rotating.server).run()
    second = rotating.write(issue(CA, "second"))
    assert rotating.shown() == second
    assert before.client.get_peer_certificate(as_cryptography=True) == rotating.first
    success(rotating.files.stopService())
    assert rotating.clock.getDelayedCalls() == []


@pytest.mark.parametrize("broken", ["serving.crt", "serving.key"])
def test_half_of_a_new_pair_changes_nothing_and_is_told_once(tmp_path: Path, broken: str) -> None:
    rotating, told = Rotating(tmp_path), []
    second = issue(CA, "second")
    whole = {"serving.crt": second.pem, "serving.key": second.key_pem}
    observer = told.append
    globalLogPublisher.addObserver(observer)
    try:
        for content in (b"", whole[broken][:40], whole[broken]):
            (tmp_path / broken).write_bytes(content)
            assert rotating.shown() == rotating.first
            assert rotating.shown() == rotating.first
    finally:
        globalLogPublisher.removeObserver(observer)
    assert len([event for event in told if "complaint" in event]) == 2
    rotating.write(second)
    assert rotating.shown() == second.certificate
