"""Where the kube-apiserver is, and with which credentials to ask it.

Source: kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig and
client-go tools/clientcmd/api/v1/types.go, rest/config.go.
"""

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from kjournal.errors import ConfigError, ConfigMistake

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_REFUSED_USER_FIELDS = ("exec", "auth-provider", "username", "as", "as-uid", "as-groups")


@attrs.frozen(kw_only=True)
class ClientIdentity:
    """A client certificate with its issuers, and its key."""

    chain: tuple[x509.Certificate, ...]
    key: PrivateKeyTypes = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class ClusterConfig:
    """One kube-apiserver and one way to show who we are.

    `cas` is empty where the system's CAs are trusted. A token in a file may change at any time.
    """

    server: str
    cas: tuple[x509.Certificate, ...] = attrs.field(default=(), repr=False)
    server_name: str = ""
    identity: ClientIdentity | None = None
    fixed_token: str = attrs.field(default="", repr=False)
    token_file: Path | None = None

    def token(self) -> str:
        """Return the bearer token as of now, or "". Raises: OSError if its file is gone."""
        if self.token_file is not None:
            return self.token_file.read_text().strip()
        return self.fixed_token


def cluster_config(
    path: str, environ: Mapping[str, str], folder: Path = SERVICE_ACCOUNT
) -> ClusterConfig | None:
    """Return the kubeconfig at `path`; without one, that of the pod we run in; else None.

    Raises: ConfigError.
    """
    if path:
        return load_kubeconfig(Path(path))
    host, port = environ.get("KUBERNETES_SERVICE_HOST"), environ.get("KUBERNETES_SERVICE_PORT")
    token_file = folder / "token"
    if not host or not port or not token_file.exists():
        return None
    with _mistakes_in(folder / "ca.crt", "a PEM file"):
        cas = tuple(x509.load_pem_x509_certificates((folder / "ca.crt").read_bytes()))
    host = f"[{host}]" if ":" in host else host
    return ClusterConfig(server=f"https://{host}:{port}", cas=cas, token_file=token_file)


def load_kubeconfig(path: Path) -> ClusterConfig:
    """Return what the current context of a kubeconfig file says.

    Raises: ConfigError, also for what kjournal does not do: exec plugins, passwords, servers that
    are not verified.
    """
    with _mistakes_in(path, "a kubeconfig"):
        document = yaml.safe_load(path.read_bytes())
        if not isinstance(document, dict):
            raise ValueError("no object")
        context = _named(document, "context", document.get("current-context"))
        cluster = _named(document, "cluster", context.get("cluster"))
        user = _named(document, "user", context["user"]) if context.get("user") else {}
        return _config_of(cluster, user, path.parent)


def _config_of(cluster: Mapping[str, Any], user: Mapping[str, Any], folder: Path) -> ClusterConfig:
    server = cluster.get("server")
    if not isinstance(server, str) or urlsplit(server).scheme != "https":
        raise ValueError("cluster.server is no https:// URL")
    if cluster.get("insecure-skip-tls-verify"):
        raise ValueError("cluster.insecure-skip-tls-verify: an unverified server decides nothing")
    if cluster.get("proxy-url"):
        raise ValueError("cluster.proxy-url is not supported")
    for field in _REFUSED_USER_FIELDS:
        if user.get(field):
            raise ValueError(f"user.{field} is not supported: use a certificate or a token")
    ca_pem = _content(cluster, "certificate-authority", folder)
    token_file = user.get("tokenFile")
    return ClusterConfig(
        server=server.rstrip("/"),
        cas=tuple(x509.load_pem_x509_certificates(ca_pem)) if ca_pem else (),
        server_name=str(cluster.get("tls-server-name") or ""),
        identity=_identity_of(user, folder),
        fixed_token=str(user.get("token") or ""),
        token_file=folder / token_file if token_file and not user.get("token") else None,
    )


def _identity_of(user: Mapping[str, Any], folder: Path) -> ClientIdentity | None:
    chain_pem = _content(user, "client-certificate", folder)
    key_pem = _content(user, "client-key", folder)
    if chain_pem is None and key_pem is None:
        return None
    if chain_pem is None or key_pem is None:
        raise ValueError("user.client-certificate and user.client-key go together")
    chain = tuple(x509.load_pem_x509_certificates(chain_pem))
    key = load_pem_private_key(key_pem, None)
    if chain[0].public_key() != key.public_key():
        raise ValueError("user.client-key is not the key of user.client-certificate")
    return ClientIdentity(chain=chain, key=key)


def _content(holder: Mapping[str, Any], field: str, folder: Path) -> bytes | None:
    """Return the bytes of a field: `field-data` in base64, else the file that `field` names."""
    inline = holder.get(f"{field}-data")
    if inline:
        return base64.b64decode(str(inline), validate=True)
    path = holder.get(field)
    return (folder / str(path)).read_bytes() if path else None


def _named(document: Mapping[str, Any], what: str, name: object) -> Mapping[str, Any]:
    for entry in document.get(f"{what}s") or []:
        if isinstance(entry, dict) and entry.get("name") == name:
            found = entry.get(what)
            return found if isinstance(found, dict) else {}
    raise ValueError(f"{what} {name!r} is not there")


@contextmanager
def _mistakes_in(path: Path, allowed: str) -> Iterator[None]:
    try:
        yield
    except yaml.YAMLError as error:
        # Its text would quote the file, which holds credentials.
        raise ConfigError([ConfigMistake(str(path), "no YAML", allowed)]) from error
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError([ConfigMistake(str(path), str(error), allowed)]) from error
