"""What can be asked, for both versions of OpenAPI: paths, parameters, statuses, media types.

Names are Kubernetes' own, by which generators name their functions.
Source: apiserver pkg/endpoints/installer.go and openapi/openapi.go.
"""

from collections.abc import Iterable, Iterator

import attrs

from kjournal.encoding.schemas import DISCOVERY, list_struct, object_struct
from kjournal.encoding.table import IncludeObject
from kjournal.kinds.model import GROUP, GROUP_VERSION, VERSION, Kind

_ROOT = f"/apis/{GROUP_VERSION}"
OBJECT_MEDIA = ("application/json", "application/yaml")
STREAM_MEDIA = ("application/json", "application/json;stream=watch")
LIST_MEDIA = (*OBJECT_MEDIA, STREAM_MEDIA[1])
STATUSES = {
    400: "Bad Request: the request cannot be read",
    401: "Unauthorized: nobody vouches for who asks",
    403: "Forbidden: who asks may not",
    404: "Not Found: there is no such object or resource",
    405: "Method Not Allowed: there is nothing but reading",
    406: "Not Acceptable: none of the media types asked for is served",
    410: "Gone: the resourceVersion or the continue token is too old",
    413: "Content Too Large: the body is too long, and none is needed",
    414: "URI Too Long: the URL is longer than any that is read",
    422: "Unprocessable Content: the options contradict one another",
    426: "Upgrade Required: a watch by WebSocket needs another version of it",
    429: "Too Many Requests: the same may pass a little later",
    431: "Request Header Fields Too Large: the headers are longer than any that are read",
    500: "Internal Server Error: a fault of the server or of its configuration",
    503: "Service Unavailable: the server or its store cannot answer now",
    504: "Gateway Timeout: the answer did not come in time, ask for less",
}
_CAMEL = "".join(part.capitalize() for part in GROUP.split("."))
_VERSION = VERSION.capitalize()
_TAG = _CAMEL[0].lower() + _CAMEL[1:]


@attrs.frozen
class Parameter:
    """One parameter of a path or of the query."""

    name: str
    type: str
    doc: str
    place: str = "query"
    allowed: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Operation:
    """One GET: `answer` is the name of the schema of what comes back."""

    path: str
    id: str
    doc: str
    tag: str
    answer: str
    media: tuple[str, ...]
    action: str = ""
    kind: str = ""
    parameters: tuple[Parameter, ...] = ()


_PRETTY = Parameter(
    "pretty",
    "string",
    "Whether JSON is indented. By default it is for browsers, curl and Wget alone.",
)
_INCLUDE = Parameter(
    "includeObject",
    "string",
    "What a row of a Table holds of its object: nothing, its metadata (the default) or all.",
    allowed=tuple(policy.value for policy in IncludeObject),
)
_NOT_OLDER = Parameter(
    "resourceVersion", "string", "The answer is not older than this resourceVersion."
)
_TIMEOUT = Parameter(
    "timeout",
    "string",
    "How long the answer may take, such as 30s; a watch takes timeoutSeconds instead.",
)
_QUERY = (
    Parameter(
        "allowWatchBookmarks",
        "boolean",
        "Whether a watch sends BOOKMARK events, from whose resourceVersion it may go on.",
    ),
    Parameter(
        "continue",
        "string",
        "Where a list goes on: the token that the page before ended with. It works with the same "
        "selectors only, and for some minutes.",
    ),
    Parameter(
        "fieldSelector",
        "string",
        "Restricts to objects by their fields: terms with =, ==, !=, >, <, in (…) or notin (…), "
        "separated by commas.",
    ),
    _INCLUDE,
    Parameter("labelSelector", "string", "Restricts to objects by their labels."),
    Parameter("limit", "integer", "At most so many objects in a page of a list; 0 is no limit."),
    _PRETTY,
    Parameter(
        "resourceVersion",
        "string",
        "A list is not older than this, or exactly of this moment, as resourceVersionMatch says. "
        "A watch goes on from here.",
    ),
    Parameter(
        "resourceVersionMatch",
        "string",
        "How resourceVersion is meant: Exact or NotOlderThan.",
    ),
    Parameter(
        "sendInitialEvents",
        "boolean",
        "Whether a watch begins with what is there, and tells its end by a BOOKMARK. It needs "
        "resourceVersionMatch=NotOlderThan.",
    ),
    _TIMEOUT,
    Parameter("timeoutSeconds", "integer", "After how many seconds a watch ends."),
    Parameter("watch", "boolean", "Whether to follow what is new instead of listing."),
)


def operations(kinds: Iterable[Kind]) -> list[Operation]:
    """Return what can be asked below the group version: its resources, and each kind."""
    document = ("APIResources", "get available resources", "APIResourceList")
    found = [_document(f"{_ROOT}/", f"{_TAG}_{VERSION}", f"get{_CAMEL}{_VERSION}", *document)]
    for kind in kinds:
        found += _of_kind(kind)
    return found


def operations_above() -> list[Operation]:
    """Return what can be asked above the group version, and beside it."""
    group = ("APIGroup", "get information of a group", "APIGroup")
    code = ("CodeVersion", "get the version information for this server", "Info")
    return [
        _document(
            "/apis/", "apis", "get", "APIVersions", "get available API versions", "APIGroupList"
        ),
        _document(f"/apis/{GROUP}/", _TAG, f"get{_CAMEL}", *group),
        _document("/version/", "version", "get", *code),
    ]


def _document(path: str, tag: str, verb: str, name: str, doc: str, answer: str) -> Operation:
    return Operation(
        path=path,
        id=verb + name,
        doc=doc,
        tag=tag,
        answer=DISCOVERY[answer].name,
        media=OBJECT_MEDIA[:1],
    )


def _of_kind(kind: Kind) -> Iterator[Operation]:
    name = Parameter("name", "string", f"name of the {kind.kind}", place="path")
    namespace = Parameter("namespace", "string", "name of the namespace", place="path")
    if not kind.namespaced:
        yield from _of_list(kind, "", kind.kind, "", ())
        yield from _of_one(kind, "", kind.kind, (name,))
        return
    yield from _of_list(kind, "", kind.kind, "ForAllNamespaces", ())
    below, named = "/namespaces/{namespace}", f"Namespaced{kind.kind}"
    yield from _of_list(kind, below, named, "", (namespace,))
    yield from _of_one(kind, below, named, (name, namespace))


def _of_list(
    kind: Kind, below: str, name: str, scope: str, parameters: tuple[Parameter, ...]
) -> Iterator[Operation]:
    """Yield a list, and the watch of it in its older way."""
    whole = Operation(
        path=f"{_ROOT}{below}/{kind.plural}",
        id=f"list{_CAMEL}{_VERSION}{name}{scope}",
        doc=f"list or watch objects of kind {kind.kind}",
        tag=f"{_TAG}_{VERSION}",
        answer=list_struct(kind).name,
        media=LIST_MEDIA,
        action="list",
        kind=kind.kind,
        parameters=(*parameters, *_QUERY),
    )
    yield whole
    yield attrs.evolve(
        whole,
        path=f"{_ROOT}/watch{below}/{kind.plural}",
        id=f"watch{_CAMEL}{_VERSION}{name}List{scope}",
        doc=f"watch individual changes to a list of {kind.kind}. deprecated: use the 'watch' "
        "parameter with a list operation instead.",
        answer=DISCOVERY["WatchEvent"].name,
        media=STREAM_MEDIA,
        action="watchlist",
    )


def _of_one(
    kind: Kind, below: str, name: str, parameters: tuple[Parameter, ...]
) -> Iterator[Operation]:
    """Yield the reading of an object, and the watch of it."""
    one = Operation(
        path=f"{_ROOT}{below}/{kind.plural}/{{name}}",
        id=f"read{_CAMEL}{_VERSION}{name}",
        doc=f"read the specified {kind.kind}",
        tag=f"{_TAG}_{VERSION}",
        answer=object_struct(kind).name,
        media=OBJECT_MEDIA,
        action="get",
        kind=kind.kind,
        parameters=(*parameters, _INCLUDE, _PRETTY, _NOT_OLDER, _TIMEOUT),
    )
    yield one
    yield attrs.evolve(
        one,
        path=f"{_ROOT}/watch{below}/{kind.plural}/{{name}}",
        id=f"watch{_CAMEL}{_VERSION}{name}",
        doc=f"watch changes to an object of kind {kind.kind}. deprecated: use the 'watch' "
        "parameter with a list operation instead, filtered to a single item with the "
        "'fieldSelector' parameter.",
        answer=DISCOVERY["WatchEvent"].name,
        media=STREAM_MEDIA,
        action="watch",
        parameters=(*parameters, *_QUERY),
    )
