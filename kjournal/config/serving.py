"""From the flags that kube-apiserver has too to the ports and to whom is believed."""

import re
from typing import Any

from kjournal.config.flags import CERTIFICATES, PRIVATE_KEY, Flags
from kjournal.config.model import ServingSettings, SNICertificate
from kjournal.config.units import parse_address, parse_count, parse_delay_s, parse_port

DEFAULT_INSECURE_PORT = 8080
_HEADERS = (
    "requestheader-username-headers",
    "requestheader-uid-headers",
    "requestheader-group-headers",
    "requestheader-extra-headers-prefix",
)
_COUNTS = (
    "max-requests-inflight",
    "max-requests-inflight-per-user",
    "max-watches",
    "max-watches-per-user",
)
_KUBECONFIGS = ("kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig")
_TTLS = {
    "authentication-token-webhook-cache-ttl": "token_cache_ttl_s",
    "authorization-webhook-cache-authorized-ttl": "authorized_ttl_s",
    "authorization-webhook-cache-unauthorized-ttl": "unauthorized_ttl_s",
}
_MODES = ("Webhook", "AlwaysDeny")
_ONLY_SECURE = (
    "bind-address",
    "tls-cert-file",
    "tls-private-key-file",
    "cert-dir",
    "tls-sni-cert-key",
    "client-ca-file",
    "requestheader-client-ca-file",
    "requestheader-allowed-names",
    *_HEADERS,
    *_KUBECONFIGS,
    "authentication-skip-lookup",
    "authorization-mode",
    "authorization-always-allow-paths",
    *_TTLS,
)
# Source: RFC 9110 section 5.6.2, token.
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def serving_of(flags: Flags, warnings: list[str]) -> ServingSettings:
    """Return how to serve, with the mistakes noted in `flags` and what has no effect in warnings.

    Source: kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver
    """
    values: dict[str, Any] = _ports(flags)
    if values["secure_port"]:
        _check_certificate(flags)
    else:
        warnings += [
            f"--{name} has no effect without --secure-port" for name in flags.given(*_ONLY_SECURE)
        ]
    for name in ("client-ca-file", "requestheader-client-ca-file", "tls-cert-file"):
        values[_attribute(name)] = flags.path(name, CERTIFICATES)
    values["tls_private_key_file"] = flags.path("tls-private-key-file", PRIVATE_KEY)
    values["cert_dir"] = flags.text("cert-dir")
    values["sni_certificates"] = flags.all_parsed("tls-sni-cert-key", _parse_sni)
    for pair in values["sni_certificates"]:
        flags.files.check(pair.chain_file, "--tls-sni-cert-key", CERTIFICATES)
        flags.files.check(pair.key_file, "--tls-sni-cert-key", PRIVATE_KEY)
    values["bind_address"] = flags.parsed("bind-address", parse_address)
    for name in _KUBECONFIGS:
        values[_attribute(name)] = flags.path(name)
    for name in _HEADERS:
        values[_attribute(name)] = flags.all_parsed(name, _parse_header)
    for name in _COUNTS:
        values[_attribute(name)] = flags.parsed(name, parse_count)
    values["shutdown_delay_s"] = flags.parsed("shutdown-delay-duration", parse_delay_s)
    for name, setting in _TTLS.items():
        values[setting] = flags.parsed(name, parse_delay_s)
    values["authentication_skip_lookup"] = bool(flags.given("authentication-skip-lookup"))
    values["authorization_mode"] = flags.parsed("authorization-mode", _parse_mode)
    values["authorization_always_allow_paths"] = flags.all_parsed(
        "authorization-always-allow-paths", _parse_path
    )
    values["requestheader_allowed_names"] = tuple(flags.values("requestheader-allowed-names"))
    return ServingSettings(
        **{name: value for name, value in values.items() if value not in (None, "", ())}
    )


def _ports(flags: Flags) -> dict[str, Any]:
    secure = flags.parsed("secure-port", parse_port)
    insecure = flags.parsed("insecure-port", parse_port)
    if not flags.given("insecure-port"):
        insecure = 0 if secure else DEFAULT_INSECURE_PORT
    if insecure == 0 and (secure == 0 or not flags.given("secure-port")):
        flags.refuse("insecure-port", "0, and --secure-port is off", "one of the two ports on")
    return {"secure_port": secure or 0, "insecure_port": insecure or 0}


def _check_certificate(flags: Flags) -> None:
    pair = ("tls-cert-file", "tls-private-key-file")
    given = flags.given(*pair)
    if len(given) == 1:
        (missing,) = set(pair) - set(given)
        flags.refuse(given[0], f"no --{missing}", "both, or --cert-dir alone")
    elif not given and not flags.given("cert-dir"):
        allowed = "--tls-cert-file with --tls-private-key-file, or --cert-dir"
        flags.refuse("secure-port", "no certificate", allowed)


def _parse_header(text: str) -> str:
    if not _TOKEN.fullmatch(text):
        raise ValueError("a name of an HTTP header, or several joined by commas")
    return text


def _parse_sni(text: str) -> SNICertificate:
    pair, _, patterns = text.partition(":")
    chain_file, comma, key_file = pair.partition(",")
    named = tuple(each.strip() for each in patterns.split(",") if each.strip())
    if not chain_file or not comma or not key_file or "," in key_file:
        raise ValueError("CERTIFICATE,KEY or CERTIFICATE,KEY:name,*.name")
    return SNICertificate(chain_file=chain_file, key_file=key_file, patterns=named)


def _parse_mode(text: str) -> str:
    if text == "AlwaysAllow":
        raise ValueError(
            "Webhook or AlwaysDeny; all is allowed on the loopback only, by --insecure-port"
        )
    if text not in _MODES:
        raise ValueError(" or ".join(_MODES))
    return text


def _parse_path(text: str) -> str:
    if not text.startswith("/"):
        raise ValueError("a path that begins with /, or several joined by commas")
    return text


def _attribute(name: str) -> str:
    return name.replace("-", "_")
