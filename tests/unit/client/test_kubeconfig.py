"""What a kubeconfig says, and what kjournal refuses of it."""

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml

from kjournal.client.kubeconfig import ClusterConfig, cluster_config, load_kubeconfig
from kjournal.errors import ConfigError
from tests.unit.auth.certificates import authority, issue

CA = authority("kubernetes")
CLIENT = issue(CA, "kjournal")
OTHER = issue(CA, "other")


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def written(
    folder: Path, *, cluster: dict[str, Any] | None = None, user: dict[str, Any] | None = None
) -> Path:
    path = folder / "kubeconfig"
    document = {
        "current-context": "main",
        "contexts": [
            {"name": "other", "context": {"cluster": "nowhere", "user": "nobody"}},
            {"name": "main", "context": {"cluster": "c", "user": "u", "namespace": "shop"}},
        ],
        "clusters": [
            {"name": "c", "cluster": {"server": "https://10.0.0.1:6443/", **(cluster or {})}}
        ],
        "users": [{"name": "u", "user": user or {}}],
    }
    path.write_text(yaml.safe_dump(document))
    return path


def test_inline_credentials_are_read(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        cluster={"certificate-authority-data": encoded(CA.pem), "tls-server-name": "kubernetes"},
        user={
            "client-certificate-data": encoded(CLIENT.pem),
            "client-key-data": encoded(CLIENT.key_pem),
        },
    )
    config = load_kubeconfig(path)
    assert (config.server, config.server_name) == ("https://10.0.0.1:6443", "kubernetes")
    assert config.cas == (CA.certificate,)
    assert config.identity is not None
    assert config.identity.chain == (CLIENT.certificate,)
    assert config.token() == ""


def test_files_are_relative_to_the_kubeconfig(tmp_path: Path) -> None:
    CLIENT.write(tmp_path, "client")
    CA.write(tmp_path, "ca")
    path = written(
        tmp_path,
        cluster={"certificate-authority": "ca.crt"},
        user={"client-certificate": "client.crt", "client-key": str(tmp_path / "client.key")},
    )
    config = load_kubeconfig(path)
    assert config.identity is not None
    assert config.cas == (CA.certificate,)


def test_a_token_is_read_from_its_file_each_time(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("first\n")
    config = load_kubeconfig(written(tmp_path, user={"tokenFile": "token"}))
    assert config.token() == "first"
    (tmp_path / "token").write_text("second\n")
    assert config.token() == "second"


def test_an_inline_token_comes_before_its_file(tmp_path: Path) -> None:
    path = written(tmp_path, user={"token": "inline", "tokenFile": "/nowhere"})
    assert load_kubeconfig(path).token() == "inline"


def test_secrets_do_not_show() -> None:
    assert "s3cret" not in repr(ClusterConfig(server="https://x", fixed_token="s3cret"))


@pytest.mark.parametrize(
    ("cluster", "user", "found"),
    [
        ({"server": "http://10.0.0.1"}, {}, "https"),
        ({"server": None}, {}, "https"),
        ({"insecure-skip-tls-verify": True}, {}, "insecure-skip-tls-verify"),
        ({"proxy-url": "http://proxy"}, {}, "proxy-url"),
        ({"certificate-authority": "nowhere"}, {}, "nowhere"),
        ({"certificate-authority-data": "%"}, {}, "base64"),
        ({"certificate-authority-data": encoded(b"text")}, {}, "PEM"),
        ({}, {"exec": {"command": "aws"}}, "user.exec is not supported"),
        ({}, {"auth-provider": {"name": "oidc"}}, "user.auth-provider"),
        ({}, {"username": "admin", "password": "s3cret"}, "user.username"),
        ({}, {"as": "admin"}, "user.as"),
        ({}, {"client-certificate-data": encoded(CLIENT.pem)}, "go together"),
        ({}, {"client-key-data": encoded(CLIENT.key_pem)}, "go together"),
        (
            {},
            {
                "client-certificate-data": encoded(CLIENT.pem),
                "client-key-data": encoded(OTHER.key_pem),
            },
            "is not the key of",
        ),
    ],
)
def test_what_is_not_supported_or_wrong_is_a_mistake(
    tmp_path: Path, cluster: dict[str, Any], user: dict[str, Any], found: str
) -> None:
    with pytest.raises(ConfigError, match=found) as caught:
        load_kubeconfig(written(tmp_path, cluster=cluster, user=user))
    assert str(tmp_path / "kubeconfig") in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- a",
        "token: s3cret: s3cret",
        "current-context: main",
        "current-context: a\ncontexts: [{name: a, context: {cluster: x}}]",
        "current-context: a\ncontexts: [{name: a, context: {cluster: x}}]\n"
        "clusters: [{name: x, cluster: [1]}]",
    ],
)
def test_a_broken_file_is_a_mistake_that_shows_none_of_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(text)
    with pytest.raises(ConfigError, match="kubeconfig") as caught:
        load_kubeconfig(path)
    assert "s3cret" not in str(caught.value)


def test_a_missing_file_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match="/nowhere"):
        cluster_config("/nowhere", {})


@pytest.mark.parametrize(
    ("host", "server"),
    [("10.0.0.1", "https://10.0.0.1:443"), ("fd00::1", "https://[fd00::1]:443")],
)
def test_in_a_pod_the_service_account_is_used(tmp_path: Path, host: str, server: str) -> None:
    (tmp_path / "token").write_text("mounted")
    (tmp_path / "ca.crt").write_bytes(CA.pem)
    environ = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": "443"}
    config = cluster_config("", environ, tmp_path)
    assert config is not None
    assert (config.server, config.token(), config.cas) == (server, "mounted", (CA.certificate,))


def test_outside_a_pod_and_without_a_file_there_is_no_cluster(tmp_path: Path) -> None:
    assert cluster_config("", {}, tmp_path) is None
    environ = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}
    assert cluster_config("", environ, tmp_path) is None


def test_a_service_account_without_a_ca_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("mounted")
    environ = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}
    with pytest.raises(ConfigError, match=r"ca\.crt"):
        cluster_config("", environ, tmp_path)
