"""The keys of an APIServerConfig: which setting each fills, and what may be written there."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import attrs

from kjournal.config import units
from kjournal.config.element import Element
from kjournal.config.model import RESOURCES

_T = TypeVar("_T")
API_VERSION = "config.kjournal/v1alpha1"
KIND = "APIServerConfig"
BACKENDS = ("elasticsearch", "embedded")


@attrs.frozen
class Key:
    """A key of the file; `setting` is the attribute in `config/model.py` that it fills."""

    name: str
    setting: str
    form: str
    read: Callable[[Element], Any]


def values_of(entries: dict[str, Element], keys: Sequence[Key]) -> dict[str, Any]:
    """Return the settings that stand in a mapping; what was a mistake is left out."""
    found = {key.setting: key.read(entries[key.name]) for key in keys if key.name in entries}
    return {setting: value for setting, value in found.items() if value is not None}


def names_of(*sections: Sequence[Key]) -> list[str]:
    """Return the names of keys."""
    return [key.name for section in sections for key in section]


def _scalar(parse: Callable[[str], _T]) -> Callable[[Element], _T | None]:
    return lambda element: element.parsed(parse)


def _secret(element: Element) -> str | None:
    return element.parsed(units.parse_text, secret=True)


def _texts(element: Element) -> tuple[str, ...]:
    found = [one.parsed(units.parse_text) for one in element.one_or_more()]
    return tuple(text for text in found if text is not None)


def _urls(element: Element) -> tuple[str, ...]:
    found = [one.parsed(units.parse_url, secret=True) for one in element.one_or_more()]
    return tuple(url for url in found if url is not None)


def _field_map(element: Element) -> dict[str, tuple[str, ...]]:
    return {field: _texts(paths) for field, paths in element.pairs().items()}


def _filter(element: Element) -> str | None:
    return element.parsed(str.strip)


def parse_resource(text: str) -> str:
    """Return the plural of a kind that is served."""
    if text not in RESOURCES:
        raise ValueError(", ".join(RESOURCES))
    return text


def _omit(*allowed: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(" or ".join(allowed))
        return text

    return parse


def _resources(element: Element) -> tuple[str, ...]:
    found = [one.parsed(units.parse_group_resource) for one in element.one_or_more()]
    return tuple(text for text in found if text is not None)


ELASTICSEARCH_KEYS = (
    Key("url", "urls", "URL, or list of URLs", _urls),
    Key("username", "username", "text", _scalar(units.parse_text)),
    Key("password", "password", "text", _secret),
    Key("apiKey", "api_key", "text", _secret),
    Key("bearerToken", "bearer_token", "text", _secret),
    Key("requestTimeout", "request_timeout_s", "duration", _scalar(units.parse_timeout_s)),
    Key("timeOverlap", "time_overlap_s", "duration", _scalar(units.parse_age_s)),
)
TLS_KEYS = (
    Key("allowInsecure", "allow_insecure", "true or false", Element.truth),
    Key("caCert", "ca_cert", "path", _scalar(str)),
    Key("serverName", "server_name", "text", _scalar(str)),
    Key("clientCert", "client_cert", "path", _scalar(str)),
    Key("clientKey", "client_key", "path", _scalar(str)),
)
EMBEDDED_KEYS = (
    Key("path", "path", "path", _scalar(units.parse_text)),
    Key("maxSize", "max_bytes", "bytes or quantity", _scalar(units.parse_size_bytes)),
    Key("maxAge", "max_age_s", "duration", _scalar(units.parse_age_s)),
)
API_KEYS = (
    Key("resource", "resource", "text", _scalar(parse_resource)),
    Key("fieldMap", "field_map", "mapping of text to list of texts", _field_map),
    Key("dropFields", "drop_fields", "list of texts", _texts),
    Key("filter", "filter", "label selector", _filter),
    Key("omitBodies", "omit_bodies", "text", _scalar(_omit("Always", "Sensitive", "Never"))),
    Key("omitLocalBodies", "omit_local_bodies", "text", _scalar(_omit("Always", "Sensitive"))),
    Key("sensitiveResources", "sensitive_resources", "list of texts", _resources),
    Key(
        "defaultTimeRange",
        "default_time_range",
        "date math or RFC 3339",
        _scalar(units.parse_time_range),
    ),
)
SOURCE_KEYS = (
    Key("index", "index", "text", _scalar(units.parse_text)),
    Key("refreshRate", "refresh_rate_s", "duration", _scalar(units.parse_refresh_s)),
    Key("timestampFields", "timestamp_fields", "list of texts", _texts),
    Key("bulkSize", "bulk_size", "integer", _scalar(units.parse_bulk_size)),
)
# In configs of the first kjournal, which did not read them either.
IGNORED_SOURCE_KEYS = ("uidFields",)
