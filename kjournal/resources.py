"""From the settings of a kind to the kind as it is served: source, store, mapping and tail."""

import hashlib
import os
from collections.abc import Iterable, Iterator

import attrs
from twisted.internet.interfaces import IReactorTime

from kjournal.api.resource import Resource
from kjournal.codec import MICROSECONDS
from kjournal.config.model import APISettings, WatchSettings
from kjournal.errors import BadRequest, ConfigError, ConfigMistake
from kjournal.kinds.auditevents import AUDITEVENTS, LOCALAUDITEVENTS
from kjournal.kinds.mapping import Mapping, field_map_of
from kjournal.kinds.omission import SENSITIVE_RESOURCES, Omission, Omit
from kjournal.kinds.registry import KINDS
from kjournal.query.daterange import ALLOWED, parse_moment_us
from kjournal.query.model import Clause
from kjournal.query.selectors import parse_labels
from kjournal.store.interfaces import IBackend, Source
from kjournal.tail.figures import TailLimits
from kjournal.tail.state import StateFiles
from kjournal.tail.tail import Tail


def filter_clauses(settings: APISettings) -> tuple[Clause, ...]:
    """Return a kind's static filter: label grammar, over stored paths or mapped API fields.

    Raises: ConfigError.
    """
    mapped = settings.field_map
    try:
        return tuple(
            Clause(mapped.get(term.key, (term.key,)), term.operator, term.values)
            for term in parse_labels(settings.filter)
        )
    except BadRequest as error:
        where = f'apis[resource="{settings.resource}"].filter'
        raise ConfigError([ConfigMistake(where, str(error), "label selector grammar")]) from error


def _check_range(settings: APISettings, reactor: IReactorTime) -> None:
    try:
        parse_moment_us(settings.default_time_range, int(reactor.seconds() * MICROSECONDS))
    except ValueError as error:
        where = f'apis[resource="{settings.resource}"].defaultTimeRange'
        mistake = ConfigMistake(where, f'"{settings.default_time_range}"', ALLOWED)
        raise ConfigError([mistake]) from error


def limits_of(settings: WatchSettings) -> TailLimits:
    """Return what the settings say of all tails."""
    return TailLimits(
        resume_window_s=settings.resume_window_s,
        resume_overlap_s=settings.resume_overlap_s,
        window_bytes=settings.cache_bytes,
    )


def state_of(settings: WatchSettings, source: Source) -> StateFiles | None:
    """Return where a kind's positions are kept, if anywhere: apart from those of other sources.

    Raises: ConfigError if the folder cannot be written.
    """
    folder = settings.state_dir
    if not folder:
        return None
    if not (os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK)):
        allowed = "a folder that exists and can be written"
        raise ConfigError([ConfigMistake("--state-dir", f'"{folder}"', allowed)])
    digest = hashlib.sha256(repr(source).encode()).hexdigest()[:12]
    name = f"{source.kind}-{digest}"
    return StateFiles(folder, name, settings.resume_window_s)


def served(apis: Iterable[APISettings]) -> Iterator[APISettings]:
    """Yield the settings of all that is served: local audit events are those of `auditevents`."""
    for api in apis:
        yield api
        if api.resource == AUDITEVENTS.plural:
            yield attrs.evolve(api, resource=LOCALAUDITEVENTS.plural)


def mapping_of(settings: APISettings) -> Mapping:
    """Return how a kind's records become objects."""
    kind = KINDS[settings.resource]
    fields, omission = field_map_of(kind, settings.field_map), None
    rules = SENSITIVE_RESOURCES + settings.sensitive_resources
    if kind is AUDITEVENTS:
        omission = Omission(Omit(settings.omit_bodies), rules)
    elif kind is LOCALAUDITEVENTS:
        omission = Omission(Omit(settings.omit_local_bodies), rules)
        own = {"metadata.namespace": fields.stored_paths("objectRef.namespace")}
        fields = attrs.evolve(fields, entries={**fields.entries, **own})
    return Mapping.compile(kind, fields, settings.drop_fields, omission)


def resource_of(
    settings: APISettings, backend: IBackend, reactor: IReactorTime, watch: WatchSettings
) -> Resource:
    """Return one kind as the settings want it served. Does no I/O."""
    kind = KINDS[settings.resource]
    _check_range(settings, reactor)
    mapping = mapping_of(settings)
    source = Source(
        kind=kind.plural,
        index=settings.index,
        timestamp_fields=settings.timestamp_fields,
        filter=filter_clauses(settings),
        max_page=settings.bulk_size,
        lookups=mapping.lookups(),
    )
    store = backend.open_store(source)
    tail = Tail(
        store,
        mapping,
        reactor,
        interval_s=settings.refresh_rate_s,
        limits=limits_of(watch),
        state=state_of(watch, source),
    )
    return Resource(
        kind=kind, store=store, mapping=mapping, tail=tail, settings=settings, clock=reactor
    )
