"""An APIServerConfig, as the first kjournal had it: text -> settings, with every mistake noted."""

from collections.abc import Mapping
from functools import partial

import attrs

from kjournal.config.element import Element, read_yaml
from kjournal.config.expand import expand
from kjournal.config.mistakes import Mistakes
from kjournal.config.model import RESOURCES, APISettings, ElasticsearchSettings, EmbeddedSettings
from kjournal.config.schema import (
    API_KEYS,
    API_VERSION,
    BACKENDS,
    ELASTICSEARCH_KEYS,
    EMBEDDED_KEYS,
    IGNORED_SOURCE_KEYS,
    KIND,
    SOURCE_KEYS,
    TLS_KEYS,
    names_of,
    values_of,
)


@attrs.frozen(kw_only=True)
class FileSettings:
    """What a file says; a backend that it does not name is None."""

    elasticsearch: ElasticsearchSettings | None = None
    embedded: EmbeddedSettings | None = None
    apis: tuple[APISettings, ...] = ()
    warnings: tuple[str, ...] = ()


@attrs.define
class _Reading:
    """One file being read; `chosen` is the backend in use, `by_flag` whether a flag named it."""

    chosen: str
    by_flag: bool
    warnings: list[str] = attrs.field(factory=list)


def load_config(
    text: str, file: str, environ: Mapping[str, str], mistakes: Mistakes, chosen: str = ""
) -> FileSettings:
    """Return what the text of a file says; incomplete if there were mistakes.

    `chosen` is `elasticsearch` or `embedded` where a flag names the backend. A kind's keys under
    that backend count, or those under the other one where only they stand there.
    """
    top = read_yaml(expand(text, environ, file, mistakes), file, mistakes)
    if top is None:
        return FileSettings()
    try:
        return _settings(top, _Reading(chosen, bool(chosen)))
    except RecursionError:
        top.refuse("lists or mappings nested too deep", "one YAML document")
        return FileSettings()


def _settings(top: Element, reading: _Reading) -> FileSettings:
    entries = top.entries(("apiVersion", "kind", "backend", "apis"))
    if not top.is_mapping:
        return FileSettings()
    for name, value in (("apiVersion", API_VERSION), ("kind", KIND)):
        if name in entries:
            entries[name].parsed(partial(_parse_constant, value))
        else:
            top.refuse(f"no {name}", f"{name}: {value}")
    backends = entries["backend"].entries(BACKENDS) if "backend" in entries else {}
    if len(backends) > 1:
        entries["backend"].refuse("both", f"one of {', '.join(BACKENDS)}")
    reading.chosen = reading.chosen or next(iter(backends), "embedded")
    elasticsearch, embedded = backends.get("elasticsearch"), backends.get("embedded")
    return FileSettings(
        elasticsearch=_elasticsearch(elasticsearch, reading) if elasticsearch else None,
        embedded=_embedded(embedded) if embedded else None,
        apis=_apis(top, entries.get("apis"), reading),
        warnings=tuple(reading.warnings),
    )


def _parse_constant(value: str, text: str) -> str:
    if text != value:
        raise ValueError(value)
    return text


def _elasticsearch(element: Element, reading: _Reading) -> ElasticsearchSettings:
    entries = element.entries([*names_of(ELASTICSEARCH_KEYS), "tls"])
    if "url" not in entries and not reading.by_flag:
        element.refuse("no url", "url: a list of URLs")
    values = values_of(entries, ELASTICSEARCH_KEYS)
    if "tls" in entries:
        values |= values_of(entries["tls"].entries(names_of(TLS_KEYS)), TLS_KEYS)
    return ElasticsearchSettings(**{"urls": (), **values})


def _embedded(element: Element) -> EmbeddedSettings:
    return EmbeddedSettings(**values_of(element.entries(names_of(EMBEDDED_KEYS)), EMBEDDED_KEYS))


def _apis(top: Element, element: Element | None, reading: _Reading) -> tuple[APISettings, ...]:
    allowed = f"a list with an entry for each kind to serve: {', '.join(RESOURCES)}"
    if element is None:
        top.refuse("no apis", f"apis: {allowed}")
        return ()
    apis: dict[str, APISettings] = {}
    for one in element.items(allowed):
        api = _api(one, reading)
        if api.resource in apis:
            one.refuse(f"{api.resource} twice", "each kind once")
        if api.resource:
            apis[api.resource] = api
    return tuple(apis.values())


def _api(element: Element, reading: _Reading) -> APISettings:
    entries = element.entries([*names_of(API_KEYS), "backend"])
    if element.is_mapping and "resource" not in entries:
        element.refuse("no resource", f"resource: one of {', '.join(RESOURCES)}")
    values = values_of(entries, API_KEYS)
    blocks = entries["backend"].entries(BACKENDS) if "backend" in entries else {}
    sources = {name: _source(block, reading) for name, block in blocks.items()}
    if sources:
        values |= sources[reading.chosen if reading.chosen in sources else next(iter(sources))]
    return APISettings(**{"resource": "", **values})


def _source(block: Element, reading: _Reading) -> dict[str, object]:
    entries = block.entries([*names_of(SOURCE_KEYS), *IGNORED_SOURCE_KEYS])
    for name in IGNORED_SOURCE_KEYS:
        if name in entries:
            reading.warnings.append(f"{entries[name].where} has no effect")
    return values_of(entries, SOURCE_KEYS)
