"""The query parameters of a list, get or watch: decoded, defaulted, then validated.

Source: apimachinery pkg/apis/meta/internalversion/{defaults.go,validation/validation.go}.
"""

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

import attrs

from kjournal.api.requestinfo import RequestInfo
from kjournal.config.units import parse_duration_s
from kjournal.encoding.table import IncludeObject, parse_include_object
from kjournal.errors import BadRequest, Cause, Invalid
from kjournal.kinds.model import Kind
from kjournal.query import daterange
from kjournal.query.model import Operator
from kjournal.query.resource_version import parse_resource_version
from kjournal.query.selectors import Requirement, parse_fields, parse_labels
from kjournal.query.view import NAME, TIME, View

Parameters = Mapping[str, str]
_INT64 = 2**63
_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,40}")


@attrs.frozen(kw_only=True)
class Options:
    """What a request asks for beside its path. `limit` 0 is none; `timeout_s` 0 is the default.

    `now_us` is what `now` means in times relative to it, on all pages of a list.
    """

    view: View
    now_us: int
    limit: int = 0
    continue_token: str = ""
    resource_version: int | None = None
    match: str = ""
    bookmarks: bool = False
    send_initial_events: bool | None = None
    timeout_s: int = 0
    include: IncludeObject = IncludeObject.METADATA


def parse_parameters(query: bytes) -> dict[str, str]:
    """Return the parameters of a query string; of a repeated one the first.

    Raises: BadRequest for what is no UTF-8.
    """
    try:
        pairs = parse_qsl(
            query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100
        )
    except ValueError as error:
        raise BadRequest("the query string cannot be read") from error
    found: dict[str, str] = {}
    for key, value in pairs:
        found.setdefault(key, value)
    return found


def truthy(parameters: Parameters, name: str) -> bool:
    """Return a boolean parameter: false only if absent, `0` or `false` in any case."""
    return name in parameters and parameters[name].lower() not in ("0", "false")


def parse_options(info: RequestInfo, parameters: Parameters, now_us: int) -> Options:
    """Return the options of a resource request.

    Raises: BadRequest for what cannot be read, Invalid for what contradicts itself.
    """
    kind = info.kind
    if kind is None:
        raise BadRequest("options belong to a resource")
    if info.verb == "get":
        return _get_options(info, kind, parameters, now_us)
    watch = info.verb == "watch"
    send_initial = None
    if "sendInitialEvents" in parameters:
        send_initial = truthy(parameters, "sendInitialEvents")
    options = Options(
        view=_view(info, kind, parameters, now_us),
        now_us=now_us,
        limit=max(0, _integer(parameters, "limit")),
        continue_token=parameters.get("continue", ""),
        resource_version=parse_resource_version(parameters.get("resourceVersion", "")),
        match=parameters.get("resourceVersionMatch", ""),
        bookmarks=truthy(parameters, "allowWatchBookmarks"),
        send_initial_events=send_initial,
        timeout_s=max(0, _integer(parameters, "timeoutSeconds")),
        include=parse_include_object(parameters.get("includeObject", "")),
    )
    if watch:
        options = _watch_defaults(options)
    _validate(options, watch)
    return options


def _get_options(info: RequestInfo, kind: Kind, parameters: Parameters, now_us: int) -> Options:
    """Return the options of a get, which has a name for a selector, and few others.

    Source: apimachinery pkg/apis/meta/v1/types.go, GetOptions
    """
    _named(info, parse_fields(parameters.get("fieldSelector", "")))
    name = Requirement(NAME, Operator.IN, (info.name,))
    return Options(
        view=View(kind=kind.plural, namespace=info.namespace or None, fields=(name,)),
        now_us=now_us,
        resource_version=parse_resource_version(parameters.get("resourceVersion", "")),
        include=parse_include_object(parameters.get("includeObject", "")),
    )


def deadline_s(parameters: Parameters, most_s: float) -> float:
    """Return how long a request that is no watch may take: as it says by `timeout`, up to most_s.

    Raises: BadRequest for what is no duration.
    Source: apiserver pkg/endpoints/filters/request_deadline.go
    """
    text = parameters.get("timeout", "")
    if text in ("", "0"):
        return most_s
    try:
        return min(parse_duration_s(text), most_s) or most_s
    except ValueError as error:
        raise BadRequest("timeout: allowed is a duration with its unit, such as 30s") from error


def _named(info: RequestInfo, fields: tuple[Requirement, ...]) -> None:
    """Refuse a selector by name that is not of the name in the path."""
    for requirement in fields:
        if requirement.key == NAME and info.name and info.name not in requirement.values:
            raise BadRequest("fieldSelector metadata.name does not match the requested name")


def _integer(parameters: Parameters, name: str) -> int:
    text = parameters.get(name, "0")
    if not _WHOLE_NUMBER.fullmatch(text) or not -_INT64 <= int(text) < _INT64:
        raise BadRequest(f"{name}: allowed is a whole number of 64 bits")
    return int(text)


def _view(info: RequestInfo, kind: Kind, parameters: Parameters, now_us: int) -> View:
    fields = tuple(
        _checked(kind, requirement, now_us)
        for requirement in parse_fields(parameters.get("fieldSelector", ""))
    )
    _named(info, fields)
    if info.name:
        fields = (Requirement(NAME, Operator.IN, (info.name,)), *fields)
    return View(
        kind=kind.plural,
        namespace=info.namespace or None,
        fields=fields,
        labels=parse_labels(parameters.get("labelSelector", "")),
    )


def _checked(kind: Kind, requirement: Requirement, now_us: int) -> Requirement:
    key = requirement.key
    if not kind.selectable(key):
        allowed = ", ".join(kind.selectable_fields())
        raise BadRequest(
            f'field label not supported for {kind.plural}: "{key[:100]}"; allowed are {allowed}'
        )
    if key != TIME:
        return requirement
    try:
        values = tuple(
            str(daterange.parse_moment_us(value, now_us)) for value in requirement.values
        )
    except ValueError as error:
        raise BadRequest(f"fieldSelector {TIME}: allowed are {daterange.ALLOWED}") from error
    return attrs.evolve(requirement, values=values)


def _watch_defaults(options: Options) -> Options:
    if (
        options.resource_version in (None, 0)
        and options.send_initial_events is None
        and not options.match
    ):
        return attrs.evolve(options, send_initial_events=True, match="NotOlderThan")
    return options


def _validate(options: Options, watch: bool) -> None:
    causes = _watch_causes(options) if watch else _list_causes(options)
    if causes:
        text = ", ".join(f"{cause.field}: {cause.message}" for cause in causes)
        raise Invalid(f'ListOptions.meta.k8s.io "" is invalid: {text}', causes)
    if not watch and options.continue_token and options.resource_version:
        raise BadRequest("specifying resource version is not allowed when using continue")


def _forbidden(field: str, why: str) -> Cause:
    return Cause("FieldValueForbidden", f"Forbidden: {why}", field)


def _watch_causes(options: Options) -> list[Cause]:
    causes = []
    if options.send_initial_events is not None and options.match != "NotOlderThan":
        causes.append(
            _forbidden(
                "resourceVersionMatch",
                "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
            )
        )
    if options.match and options.send_initial_events is None:
        causes.append(
            _forbidden(
                "resourceVersionMatch",
                "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
            )
        )
    if options.match and options.match != "NotOlderThan":
        allowed = 'Unsupported value: supported values: "NotOlderThan"'
        causes.append(Cause("FieldValueNotSupported", allowed, "resourceVersionMatch"))
    if options.match and options.continue_token:
        causes.append(
            _forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden with continue")
        )
    return causes


def _list_causes(options: Options) -> list[Cause]:
    causes = []
    field = "resourceVersionMatch"
    if options.send_initial_events is not None:
        causes.append(_forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"))
    if not options.match:
        return causes
    if options.continue_token:
        causes.append(_forbidden(field, "resourceVersionMatch is forbidden with continue"))
    if options.match not in ("Exact", "NotOlderThan"):
        allowed = 'supported values: "Exact", "NotOlderThan"'
        causes.append(Cause("FieldValueNotSupported", f"Unsupported value: {allowed}", field))
    elif options.resource_version is None:
        why = "resourceVersionMatch is forbidden unless resourceVersion is provided"
        causes.append(_forbidden(field, why))
    elif options.match == "Exact" and options.resource_version == 0:
        why = 'resourceVersionMatch "Exact" is forbidden for resourceVersion "0"'
        causes.append(_forbidden(field, why))
    return causes
