"""Flags, file and environment come to settings, or to all their mistakes."""

import attrs
import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.python import usage

from kjournal.config.model import ElasticsearchSettings, EmbeddedSettings
from kjournal.config.options import KjournalOptions
from kjournal.errors import ConfigError
from tests.unit.config import originals
from tests.unit.config.command_line import settings_from

CERT = b"-----BEGIN CERTIFICATE-----\n"
KEY = b"-----BEGIN EC PRIVATE KEY-----\n"
CONFIG = b"""apiVersion: config.kjournal/v1alpha1
kind: APIServerConfig
backend: {elasticsearch: {url: [$ES], username: file, password: of-the-file}}
apis: [{resource: logs}]
"""
FILES = {
    "/cert": CERT,
    "/key": KEY,
    "/secret": b"hunter2\n",
    "/empty": b"\n",
    "/kubeconfig": b"{}",
    "/config": CONFIG,
    "/fluentbit": originals.FLUENTBIT.encode(),
    "/embedded": b"apiVersion: config.kjournal/v1alpha1\nkind: APIServerConfig\n"
    b"backend: {embedded: {path: in-file.db, maxAge: 1d}}\napis: [{resource: logs}]\n",
    "/latin1": b"\xe9",
    "/ca-missing": b"apiVersion: config.kjournal/v1alpha1\nkind: APIServerConfig\n"
    b"backend: {elasticsearch: {url: https://es, tls: {caCert: /none, clientCert: /key}}}\n"
    b"apis: [{resource: logs}]\n",
}
ENVIRON = {"ES": "http://from-file:9200", "ELASTICSEARCH_URI": "http://elasticsearch-master:9200"}
SECURE = ("--secure-port=8443", "--cert-dir=/certs")

settings = settings_from(FILES, ENVIRON)


def elasticsearch(*arguments: str) -> ElasticsearchSettings:
    backend = settings(*arguments).backend
    assert isinstance(backend, ElasticsearchSettings)
    return backend


def mistakes_of(*arguments: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        settings(*arguments)
    return [str(one) for one in caught.value.mistakes]


def test_without_a_flag_the_embedded_store_is_served_on_the_loopback() -> None:
    found = settings()
    assert found.backend == EmbeddedSettings(path="kjournal.db")
    assert [api.index for api in found.apis] == ["container-*", "events-*", "audit-*", "logs-*"]
    assert (found.serving.insecure_port, found.serving.secure_port) == (8080, 0)
    assert (found.bulk_port, found.bulk_address, found.demo) == (0, "127.0.0.1", False)
    assert found.warnings == ()


def test_a_config_of_the_first_kjournal() -> None:
    found = settings("--config=/fluentbit")
    assert found.backend == ElasticsearchSettings(urls=("http://elasticsearch-master:9200",))
    assert [api.index for api in found.apis] == ["*"] * 4


def test_flags_count_before_the_file() -> None:
    found = settings(
        "--config=/config", "--es-url=http://a", "--es-url=http://b", "--es-request-timeout=2.5"
    )
    assert found.backend == ElasticsearchSettings(
        urls=("http://a", "http://b"),
        username="file",
        password="of-the-file",
        request_timeout_s=2.5,
    )
    assert [api.resource for api in found.apis] == ["logs"]


def test_a_store_counts_before_the_elasticsearch_of_the_file() -> None:
    assert settings("--config=/config", "--store=/x.db").backend == EmbeddedSettings(path="/x.db")


def test_a_store_keeps_what_else_the_file_says() -> None:
    found = settings("--config=/embedded", "--store=/x.db").backend
    assert found == EmbeddedSettings(path="/x.db", max_age_s=86_400)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (("--es-username=flag",), ("flag", "of-the-file", "", "")),
        (("--es-password-file=/secret",), ("file", "hunter2", "", "")),
        (("--es-api-key-file=/secret",), ("", "", "hunter2", "")),
        (("--es-bearer-token-file=/secret",), ("", "", "", "hunter2")),
    ],
)
def test_a_credential_in_a_flag_sets_aside_those_of_the_file(
    flags: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    found = elasticsearch("--config=/config", *flags)
    assert (found.username, found.password, found.api_key, found.bearer_token) == expected


def test_all_flags_of_elasticsearch() -> None:
    found = elasticsearch(
        "--es-url=https://es",
        "--es-ca-file=/cert",
        "--es-client-cert-file=/cert",
        "--es-client-key-file=/key",
        "--es-insecure-skip-tls-verify",
    )
    assert found == ElasticsearchSettings(
        urls=("https://es",),
        ca_cert="/cert",
        client_cert="/cert",
        client_key="/key",
        allow_insecure=True,
    )


def test_an_unverified_certificate_is_warned_of() -> None:
    found = settings("--es-url=https://es", "--es-insecure-skip-tls-verify")
    assert found.warnings == ("the certificate of Elasticsearch is not verified",)


def test_elasticsearch_without_a_preset_is_fed_by_fluent_bit() -> None:
    assert settings("--es-url=http://es").apis == settings().apis


def test_a_preset_gives_apis_and_nothing_else() -> None:
    found = settings("--es-url=http://es", "--preset=elasticsearch-filebeat-simple")
    assert found.apis[0].field_map["metadata.namespace"] == ("kubernetes.namespace",)
    assert settings("--preset=elasticsearch-filebeat-simple").backend == EmbeddedSettings()


def test_serving_securely() -> None:
    found = settings(
        "--secure-port=8443",
        "--bind-address=::",
        "--tls-cert-file=/cert",
        "--tls-private-key-file=/key",
        "--client-ca-file=/cert",
        "--requestheader-client-ca-file=/cert",
        "--requestheader-allowed-names=front-proxy-client, aggregator",
        "--requestheader-allowed-names=third",
        "--requestheader-username-headers=X-User",
        "--requestheader-group-headers=X-Group,X-Team",
        "--kubeconfig=/kubeconfig",
    )
    serving = found.serving
    assert (serving.secure_port, serving.insecure_port) == (8443, 0)
    assert (serving.bind_address, serving.tls_cert_file) == ("::", "/cert")
    assert serving.tls_private_key_file == "/key"
    assert serving.client_ca_file == serving.requestheader_client_ca_file == "/cert"
    assert serving.requestheader_allowed_names == ("front-proxy-client", "aggregator", "third")
    assert serving.requestheader_username_headers == ("X-User",)
    assert serving.requestheader_group_headers == ("X-Group", "X-Team")
    assert serving.requestheader_uid_headers == ("X-Remote-Uid",)
    assert serving.requestheader_extra_headers_prefix == ("X-Remote-Extra-",)
    assert (serving.kubeconfig, serving.authorization_kubeconfig) == ("/kubeconfig", "")
    assert found.warnings == ()


def test_both_ports_where_both_are_asked_for() -> None:
    serving = settings(*SECURE, "--insecure-port=8001").serving
    assert (serving.secure_port, serving.insecure_port) == (8443, 8001)
    assert serving.cert_dir == "/certs"


def test_an_empty_list_of_front_proxy_names_allows_any() -> None:
    """As kube-apiserver is often started."""
    serving = settings(*SECURE, "--requestheader-allowed-names=").serving
    assert serving.requestheader_allowed_names == ()


def test_flags_without_effect_are_warned_of() -> None:
    found = settings("--tls-cert-file=/cert", "--bulk-api-key-file=/secret")
    assert found.warnings == (
        "--tls-cert-file has no effect without --secure-port",
        "--bulk-api-key-file has no effect without --bulk-port",
    )


def test_the_bulk_port() -> None:
    found = settings(
        "--bulk-port=9200", "--bulk-bind-address=0.0.0.0", "--bulk-api-key-file=/secret", "--demo"
    )
    assert (found.bulk_port, found.bulk_address, found.bulk_api_key) == (
        9200,
        "0.0.0.0",
        "hunter2",
    )
    assert found.demo


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--demo", "--es-url=http://es"), ["--demo: found Elasticsearch"]),
        (("--demo", "--config=/fluentbit"), ["--demo: found Elasticsearch"]),
        (("--store=a", "--es-url=http://es"), ["--store: found --es-url beside it"]),
        (("--config=/config", "--preset=embedded"), ["--preset: found --config beside it"]),
        (("--preset=x",), ['--preset: found "x"; allowed: elasticsearch-kjournal-structured']),
        (("--config=/none",), ['--config: found "/none" (No such file or directory)']),
        (
            ("--es-url=http://es", "--es-api-key-file=hunter2"),
            ["--es-api-key-file: found a name that is not shown (No such file"],
        ),
        (("--config=/latin1",), ["--config: found a file that is not UTF-8"]),
        (("--es-url=es:9200",), ["--es-url: found a text that is not shown"]),
        (("--es-url=",), ["--es-url: found an empty text"]),
        (("--config=",), ["--config: found an empty text"]),
        (("--es-username=a",), ["--es-username: found no Elasticsearch"]),
        (("--es-insecure-skip-tls-verify",), ["--es-insecure-skip-tls-verify: found no Elast"]),
        (("--es-url=http://es", "--es-username=a"), ["found a user without a password"]),
        (
            ("--es-url=http://es", "--es-password-file=/secret"),
            ["found a password without a user"],
        ),
        (
            ("--es-url=http://u:p@es", "--es-api-key-file=/secret"),
            ["found an API key and a credential in the URL; allowed: one of them"],
        ),
        (("--es-url=http://es", "--es-client-key-file=/key"), ["only one of certificate and key"]),
        (
            ("--es-url=http://es", "--es-request-timeout=0"),
            ['--es-request-timeout: found "0"; allowed: seconds'],
        ),
        (("--es-url=http://es", "--es-ca-file=/key"), ['--es-ca-file: found "/key" without one']),
        (
            ("--config=/ca-missing",),
            [
                "/ca-missing: backend.elasticsearch.tls.caCert: found",
                'tls.clientCert: found "/key" without one; allowed: a certificate in PEM',
                "only one of certificate and key",
            ],
        ),
        (("--secure-port=8443",), ["--secure-port: found no certificate"]),
        (("--secure-port=8443", "--tls-cert-file=/cert"), ["--tls-cert-file: found no --tls-pr"]),
        (("--secure-port=x",), ['--secure-port: found "x"; allowed: an integer']),
        (("--insecure-port=0",), ["--insecure-port: found 0, and --secure-port is off"]),
        (
            ("--insecure-port=0", "--secure-port=0"),
            ["--insecure-port: found 0, and --secure-port is off"],
        ),
        ((*SECURE, "--insecure-port=8443"), ["--secure-port: found 8443 twice"]),
        ((*SECURE, "--bind-address=localhost"), ['--bind-address: found "localhost"']),
        ((*SECURE, "--client-ca-file=/none"), ["--client-ca-file: found"]),
        ((*SECURE, "--kubeconfig=/none"), ["--kubeconfig: found"]),
        (
            (*SECURE, "--requestheader-uid-headers=X Y"),
            ['--requestheader-uid-headers: found "X Y"; allowed: a name of an HTTP header'],
        ),
        (("--bulk-port=8080",), ["--bulk-port: found 8080, the insecure port"]),
        (("--bulk-port=1", "--es-url=http://es"), ["--bulk-port: found Elasticsearch"]),
        (
            ("--bulk-port=1", "--bulk-bind-address=0.0.0.0"),
            ["--bulk-bind-address: found 0.0.0.0; allowed: a loopback address, or --bulk-api-key"],
        ),
        (
            ("--bulk-port=1", "--bulk-api-key-file=/empty"),
            ["--bulk-api-key-file: found a file that holds no secret"],
        ),
    ],
)
def test_mistakes_name_the_flag(arguments: tuple[str, ...], expected: list[str]) -> None:
    found = mistakes_of(*arguments)
    assert len(found) == len(expected), found
    for line, part in zip(found, expected, strict=True):
        assert part in line


def test_all_mistakes_are_told_at_once() -> None:
    found = mistakes_of(
        "--config=/none", "--preset=x", "--secure-port=x", "--bulk-port=y", "--insecure-port=0"
    )
    assert [line.partition(":")[0] for line in found] == [
        "--preset",
        "--config",
        "--secure-port",
        "--preset",
        "--bulk-port",
    ]


@hypothesis.settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(KjournalOptions().longOpt)).filter(
                lambda name: name not in ("help", "version")
            ),
            st.sampled_from(
                [*FILES, "", "0", "8080", "http://u:hunter2@es", "u:hunter2@es", "::1", "embedded"]
            )
            | st.text(max_size=5),
        ),
        max_size=6,
    )
)
def test_any_flags_give_settings_or_mistakes_without_secrets(
    flags: list[tuple[str, str]],
) -> None:
    arguments = [f"--{name}{value}" if name[-1] == "=" else f"--{name}" for name, value in flags]
    try:
        settings(*arguments)
    except ConfigError as error:
        assert error.mistakes  # noqa: PT017 - both outcomes are right
        assert "hunter2" not in str(error)  # noqa: PT017 - as above


def test_another_flag_is_a_usage_error() -> None:
    with pytest.raises(usage.UsageError):
        settings("--nope")


def test_settings_are_frozen_and_hide_secrets() -> None:
    found = settings("--bulk-port=1", "--bulk-api-key-file=/secret")
    assert "hunter2" not in repr(found)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        found.demo = True  # type: ignore[misc]
