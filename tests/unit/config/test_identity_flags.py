"""The flags of who is believed, who may, and how much one user may take."""

import pytest

from kjournal.config.model import ServingSettings, SNICertificate
from tests.unit.config.test_options import SECURE, mistakes_of, settings


def test_without_flags() -> None:
    """What is safe: reviews decide and hold for ten seconds, trust is looked up."""
    serving = settings(*SECURE).serving
    assert (serving.authorization_mode, serving.authentication_skip_lookup) == ("Webhook", False)
    ttls = (serving.token_cache_ttl_s, serving.authorized_ttl_s, serving.unauthorized_ttl_s)
    assert ttls == (10.0, 10.0, 10.0)
    assert serving.authorization_always_allow_paths == ("/healthz", "/readyz", "/livez")


def test_all_of_them() -> None:
    serving = settings(
        *SECURE,
        "--authentication-skip-lookup",
        "--authentication-token-webhook-cache-ttl=0s",
        "--authorization-webhook-cache-authorized-ttl=1m",
        "--authorization-webhook-cache-unauthorized-ttl=5s",
        "--authorization-mode=AlwaysDeny",
        "--authorization-always-allow-paths=/livez,/version/*",
        "--max-watches=0",
        "--max-watches-per-user=7",
        "--max-requests-inflight-per-user=8",
    ).serving
    assert serving.authentication_skip_lookup
    ttls = (serving.token_cache_ttl_s, serving.authorized_ttl_s, serving.unauthorized_ttl_s)
    assert ttls == (0.0, 60.0, 5.0)
    assert serving.authorization_mode == "AlwaysDeny"
    assert serving.authorization_always_allow_paths == ("/livez", "/version/*")
    assert (serving.max_watches, serving.max_watches_per_user) == (0, 7)
    assert serving.max_requests_inflight_per_user == 8


@pytest.mark.parametrize("mode", ["AlwaysAllow", "RBAC", "webhook"])
def test_nothing_lets_everybody_in_on_the_secure_port(mode: str) -> None:
    (mistake,) = mistakes_of(*SECURE, f"--authorization-mode={mode}")
    assert mistake.startswith("--authorization-mode: ")
    assert "Webhook or AlwaysDeny" in mistake
    assert ("--insecure-port" in mistake) == (mode == "AlwaysAllow")


def test_the_insecure_port_has_no_address() -> None:
    """It listens on the loopback, and no flag says otherwise."""
    assert not [name for name in dir(ServingSettings()) if name.startswith("insecure_bind")]


def test_certificates_by_name() -> None:
    serving = settings(
        *SECURE,
        "--tls-sni-cert-key=/cert,/key",
        "--tls-sni-cert-key=/cert,/key:a.example, *.a.example",
    ).serving
    assert serving.sni_certificates == (
        SNICertificate(chain_file="/cert", key_file="/key"),
        SNICertificate(chain_file="/cert", key_file="/key", patterns=("a.example", "*.a.example")),
    )


@pytest.mark.parametrize("pair", ["/cert", "/cert,", ",/key", "/cert,/key,/more", "/key,/cert"])
def test_certificates_that_are_no_pairs(pair: str) -> None:
    found = mistakes_of(*SECURE, f"--tls-sni-cert-key={pair}")
    assert found
    assert all(mistake.startswith("--tls-sni-cert-key: ") for mistake in found)


def test_paths_begin_with_a_slash() -> None:
    (mistake,) = mistakes_of(*SECURE, "--authorization-always-allow-paths=livez")
    assert mistake.startswith("--authorization-always-allow-paths: ")
