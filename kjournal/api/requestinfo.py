"""From method, path and query to what is asked: the only reading of a path.

Source: apiserver pkg/endpoints/request/requestinfo.go.
"""

import re
from urllib.parse import unquote_to_bytes

import attrs

from kjournal.errors import BadRequest, NotFound
from kjournal.kinds.model import GROUP_VERSION, Kind
from kjournal.kinds.registry import KINDS

ROOT = f"/apis/{GROUP_VERSION}"
_ENCODED_SLASH = re.compile(rb"%(2[fF]|5[cC]|00)")
_WRITES = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@attrs.frozen(kw_only=True)
class RequestInfo:
    """What is asked. For a path that is no resource's, `kind` is None and `verb` the method's.

    `namespace` and `name` are "" where the path has none.
    """

    verb: str
    path: str
    kind: Kind | None = None
    namespace: str = ""
    name: str = ""


def parse_request_info(method: str, raw_path: bytes, watch: bool) -> RequestInfo:
    """Return what is asked by a method and a path as sent, still percent-encoded.

    Raises: BadRequest for an encoded slash, a dot segment, an empty segment, or text that is no
    UTF-8; NotFound for a path below the group that names no resource.
    """
    path = _decoded(raw_path)
    if path != ROOT and not path.startswith(f"{ROOT}/"):
        return RequestInfo(verb=method.lower(), path=path)
    segments = path[len(ROOT) + 1 :].rstrip("/").split("/")
    if segments == [""]:
        return RequestInfo(verb=method.lower(), path=path)
    if segments[0] == "watch":
        segments, watch = segments[1:], True
    namespace = ""
    if len(segments) > 2 and segments[0] == "namespaces":
        namespace, segments = segments[1], segments[2:]
    kind = KINDS.get(segments[0]) if segments else None
    if kind is None or len(segments) > 2 or (namespace and not kind.namespaced):
        raise NotFound("the server could not find the requested resource")
    name = segments[1] if len(segments) == 2 else ""
    if name and kind.namespaced and not namespace:
        raise NotFound("the server could not find the requested resource")
    return RequestInfo(
        verb=_verb(method, name, watch), path=path, kind=kind, namespace=namespace, name=name
    )


def _verb(method: str, name: str, watch: bool) -> str:
    if method in ("GET", "HEAD"):
        return "watch" if watch else "get" if name else "list"
    if method == "DELETE" and not name:
        return "deletecollection"
    return _WRITES.get(method, method.lower())


def _decoded(raw_path: bytes) -> str:
    if _ENCODED_SLASH.search(raw_path):
        raise BadRequest("the path holds an encoded slash, backslash or NUL")
    try:
        path = unquote_to_bytes(raw_path).decode()
    except UnicodeDecodeError as error:
        raise BadRequest("the path is not UTF-8") from error
    inner = path[1:].rstrip("/").split("/")
    if path != "/" and any(segment in ("", ".", "..") for segment in inner):
        raise BadRequest("the path holds an empty segment or a dot segment")
    return path
