"""The serving certificates: from files, or self-made, with the CA that an APIService names.

Source: apiserver pkg/server/options/serving.go, pkg/server/dynamiccertificates
"""

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import attrs
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kjournal.config.model import ServingSettings, SNICertificate
from kjournal.errors import ConfigError, ConfigMistake

CERTIFICATE_FILE, KEY_FILE = "kjournal.crt", "kjournal.key"
CA_FILE, CA_KEY_FILE = "ca.crt", "ca.key"
_SERVICE = "kjournal.kjournal-system.svc"
_DNS_NAMES = ("localhost", _SERVICE, f"{_SERVICE}.cluster.local")
_ADDRESSES = ("127.0.0.1", "::1")
CA_VALID_FOR = timedelta(days=3650)
VALID_FOR = timedelta(days=365)
# A self-made certificate is made anew when no more than this is left of it.
RENEW_BEFORE = timedelta(days=90)
# For clients whose clock is late.
_VALID_SINCE = timedelta(hours=1)
ServingKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


@attrs.frozen(kw_only=True)
class ServingCertificate:
    """What the server shows: its certificate, the ones that issued it, and the key."""

    chain: tuple[x509.Certificate, ...]
    key: ServingKey = attrs.field(repr=False)


@attrs.frozen
class ServingCertificates:
    """What is shown to whom: by the name that a client asks for, and to all others.

    `named` holds lower-case patterns in their order of precedence.
    """

    default: ServingCertificate
    named: tuple[tuple[str, ServingCertificate], ...] = ()

    def shown_to(self, server_name: str) -> ServingCertificate:
        """Return the certificate for a name; an exact pattern counts before one with a `*`."""
        name = server_name.lower().rstrip(".")
        _, dot, parent = name.partition(".")
        for wanted in (name, f"*{dot}{parent}"):
            for pattern, certificate in self.named:
                if pattern == wanted:
                    return certificate
        return self.default


def serving_certificates(settings: ServingSettings, now: datetime) -> ServingCertificates:
    """Return all certificates of the settings as their files hold them now.

    Raises: ConfigError.
    """
    return ServingCertificates(
        serving_certificate(settings, now), tuple(_named(settings.sni_certificates))
    )


def _named(pairs: tuple[SNICertificate, ...]) -> Iterator[tuple[str, ServingCertificate]]:
    """Patterns that were given come before names that certificates hold."""
    loaded = [(each, _loaded(Path(each.chain_file), Path(each.key_file))) for each in pairs]
    for each, certificate in loaded:
        yield from ((pattern.lower(), certificate) for pattern in each.patterns)
    for each, certificate in loaded:
        if not each.patterns:
            yield from ((name.lower(), certificate) for name in _names_of(certificate.chain[0]))


def _names_of(leaf: x509.Certificate) -> list[str]:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    addresses = [str(each) for each in names.get_values_for_type(x509.IPAddress)]
    return [*names.get_values_for_type(x509.DNSName), *addresses]


def serving_certificate(settings: ServingSettings, now: datetime) -> ServingCertificate:
    """Return the certificate of the settings, or a self-made one.

    Raises: ConfigError.
    """
    chain_file, key_file = settings.tls_cert_file, settings.tls_private_key_file
    if bool(chain_file) != bool(key_file):
        found = "one of the two"
        raise ConfigError([_mistake("tls-cert-file, tls-private-key-file", found, "both or none")])
    if chain_file:
        return _loaded(Path(chain_file), Path(key_file))
    if not settings.cert_dir:
        return _made(_made_ca(now), now)
    folder = Path(settings.cert_dir)
    if not (folder / CERTIFICATE_FILE).exists():
        _keep(_made_ca(now), folder, now)
    kept = _loaded(folder / CERTIFICATE_FILE, folder / KEY_FILE)
    if kept.chain[0].not_valid_after_utc - now > RENEW_BEFORE:
        return kept
    _keep(_kept_ca(folder, now) or _made_ca(now), folder, now)
    return _loaded(folder / CERTIFICATE_FILE, folder / KEY_FILE)


def _kept_ca(folder: Path, now: datetime) -> ServingCertificate | None:
    """Return the CA of before, so that the caBundle in the cluster stays good; None if it ends."""
    if not (folder / CA_KEY_FILE).exists():
        return None
    ca = _loaded(folder / CA_FILE, folder / CA_KEY_FILE)
    return ca if ca.chain[0].not_valid_after_utc - now > RENEW_BEFORE else None


def _loaded(chain_file: Path, key_file: Path) -> ServingCertificate:
    try:
        chain = tuple(x509.load_pem_x509_certificates(chain_file.read_bytes()))
    except (OSError, ValueError) as error:
        found = f"{chain_file}: {error}"
        raise ConfigError([_mistake("tls-cert-file", found, "PEM certificates")]) from error
    try:
        key = load_pem_private_key(key_file.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        found = f"{key_file}: {error}"
        raise ConfigError([_mistake("tls-private-key-file", found, "a PEM key")]) from error
    if not isinstance(key, ServingKey):
        found = f"{key_file}: {type(key).__name__}"
        raise ConfigError([_mistake("tls-private-key-file", found, "an EC, Ed25519 or RSA key")])
    if key.public_key() != chain[0].public_key():
        found = f"{key_file}: another key"
        allowed = f"the key of {chain_file}"
        raise ConfigError([_mistake("tls-private-key-file", found, allowed)])
    return ServingCertificate(chain=chain, key=key)


def _made_ca(now: datetime) -> ServingCertificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _common_name("kjournal self-made CA")
    own_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    ca = (
        _builder(name, name, key.public_key(), now, CA_VALID_FOR)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(own_id, critical=False)
        .sign(key, SHA256())
    )
    return ServingCertificate(chain=(ca,), key=key)


def _made(issuer: ServingCertificate, now: datetime) -> ServingCertificate:
    """Return a certificate that a CA signed, followed by that CA."""
    ca, key = issuer.chain[0], ec.generate_private_key(ec.SECP256R1())
    own_id = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    issuer_id = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own_id)
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in _DNS_NAMES]
    names += [x509.IPAddress(ip_address(address)) for address in _ADDRESSES]
    leaf = (
        _builder(_common_name(_SERVICE), ca.subject, key.public_key(), now, VALID_FOR)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(issuer_id, critical=False)
        .sign(issuer.key, None if isinstance(issuer.key, ed25519.Ed25519PrivateKey) else SHA256())
    )
    return ServingCertificate(chain=(leaf, ca), key=key)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now: datetime,
    valid_for: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _VALID_SINCE)
        .not_valid_after(now + valid_for)
    )


def _usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _common_name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _keep(ca: ServingCertificate, folder: Path, now: datetime) -> None:
    """Write a CA and a new certificate; its own file comes last, as it says the others are there.

    Who reads the folder with kjournal's own rights could make certificates that the cluster takes
    for kjournal's; the CA's key is kept for renewals all the same, as the caBundle must stay good.
    """
    made = _made(ca, now)
    try:
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        _write(folder / CA_KEY_FILE, _pem_of(ca.key), 0o600)
        _write(folder / CA_FILE, ca.chain[0].public_bytes(Encoding.PEM), 0o644)
        _write(folder / KEY_FILE, _pem_of(made.key), 0o600)
        leaf = made.chain[0].public_bytes(Encoding.PEM)
        _write(folder / CERTIFICATE_FILE, leaf, 0o644)
    except OSError as error:
        found = f"{folder}: {error.strerror}"
        raise ConfigError([_mistake("cert-dir", found, "a folder to write to")]) from error


def _pem_of(key: ServingKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(path: Path, content: bytes, mode: int) -> None:
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    new.replace(path)


def _mistake(where: str, found: str, allowed: str) -> ConfigMistake:
    return ConfigMistake(f"--{where}", found, allowed)
