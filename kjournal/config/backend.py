"""Which backend is meant, and how to reach it: the flags over the file."""

from typing import Any

import attrs

from kjournal.config.flags import CERTIFICATES, PRIVATE_KEY, Flags
from kjournal.config.load import FileSettings
from kjournal.config.model import ElasticsearchSettings, EmbeddedSettings
from kjournal.config.units import has_userinfo, parse_seconds, parse_url

_BASIC = ("es-username", "es-password-file")
_CREDENTIALS = (*_BASIC, "es-api-key-file", "es-bearer-token-file")
ELASTICSEARCH_FLAGS = (
    *_CREDENTIALS,
    "es-ca-file",
    "es-client-cert-file",
    "es-client-key-file",
    "es-insecure-skip-tls-verify",
    "es-request-timeout",
    "es-time-overlap",
)


def chosen_by(flags: Flags) -> str:
    """Return the backend that the flags name, or empty."""
    if flags.given("es-url"):
        if flags.given("store"):
            flags.refuse("store", "--es-url beside it", "one backend")
        return "elasticsearch"
    return "embedded" if flags.given("store") else ""


def backend_of(
    flags: Flags, file: FileSettings, file_name: str, warnings: list[str]
) -> ElasticsearchSettings | EmbeddedSettings:
    """Return how to reach the backend; the embedded store where none is named."""
    named = chosen_by(flags) or ("elasticsearch" if file.elasticsearch else "embedded")
    if named == "elasticsearch":
        return _elasticsearch(flags, file, file_name, warnings)
    for name in flags.given(*ELASTICSEARCH_FLAGS):
        flags.refuse(name, "no Elasticsearch", "beside --es-url or a config with elasticsearch")
    settings = file.embedded or EmbeddedSettings()
    return attrs.evolve(settings, path=flags.text("store") or settings.path)


def _elasticsearch(
    flags: Flags, file: FileSettings, file_name: str, warnings: list[str]
) -> ElasticsearchSettings:
    settings = file.elasticsearch or ElasticsearchSettings(urls=())
    _check_files(flags, settings, file_name)
    settings = attrs.evolve(settings, **_elasticsearch_flags(flags))
    _check_credentials(flags, settings)
    if settings.allow_insecure:
        warnings.append("the certificate of Elasticsearch is not verified")
    return settings


def _elasticsearch_flags(flags: Flags) -> dict[str, Any]:
    """Return what flags set; a credential there sets aside those of other sorts in the file."""
    values: dict[str, Any] = {
        "urls": flags.all_parsed("es-url", parse_url, secret=True),
        "username": flags.text("es-username"),
        "password": flags.secret("es-password-file"),
        "api_key": flags.secret("es-api-key-file"),
        "bearer_token": flags.secret("es-bearer-token-file"),
        "ca_cert": flags.path("es-ca-file", CERTIFICATES),
        "client_cert": flags.path("es-client-cert-file", CERTIFICATES),
        "client_key": flags.path("es-client-key-file", PRIVATE_KEY),
        "allow_insecure": bool(flags.given("es-insecure-skip-tls-verify")),
        "request_timeout_s": flags.parsed("es-request-timeout", parse_seconds),
        "time_overlap_s": flags.parsed("es-time-overlap", parse_seconds),
    }
    values = {name: value for name, value in values.items() if value}
    if not flags.given(*_CREDENTIALS):
        return values
    kept = ("username", "password") if flags.given(*_BASIC) else ()
    others = {"username", "password", "api_key", "bearer_token"} - set(kept)
    return dict.fromkeys(others, "") | values


def _check_files(flags: Flags, settings: ElasticsearchSettings, file_name: str) -> None:
    """Look at the files that the config names, save those that a flag replaces."""
    for key, flag, path, pem in (
        ("caCert", "es-ca-file", settings.ca_cert, CERTIFICATES),
        ("clientCert", "es-client-cert-file", settings.client_cert, CERTIFICATES),
        ("clientKey", "es-client-key-file", settings.client_key, PRIVATE_KEY),
    ):
        if path and not flags.given(flag):
            flags.files.check(path, f"{file_name}: backend.elasticsearch.tls.{key}", pem)


def _check_credentials(flags: Flags, settings: ElasticsearchSettings) -> None:
    where = "credentials of Elasticsearch"
    sorts = {
        "a password": settings.username or settings.password,
        "an API key": settings.api_key,
        "a bearer token": settings.bearer_token,
        "a credential in the URL": any(has_userinfo(url) for url in settings.urls),
    }
    found = [sort for sort, given in sorts.items() if given]
    if len(found) > 1:
        flags.mistakes.add(where, " and ".join(found), "one of them")
    if settings.password and not settings.username:
        flags.mistakes.add(where, "a password without a user", "both")
    if settings.username and not settings.password and not flags.given("es-password-file"):
        flags.mistakes.add(where, "a user without a password", "both")
    if bool(settings.client_cert) != bool(settings.client_key):
        where = "client certificate of Elasticsearch"
        flags.mistakes.add(where, "only one of certificate and key", "both")
