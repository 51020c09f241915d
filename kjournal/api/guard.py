"""The two guards: of the secure port, which asks who and whether, and of the loopback one."""

import re
from collections.abc import Callable

from kjournal.api.request import APIRequest
from kjournal.api.requestinfo import RequestInfo
from kjournal.api.tls import peer_chain_of
from kjournal.auth.authenticator import Authenticator
from kjournal.auth.interfaces import Attributes, Credentials, IAccess
from kjournal.auth.user import INSECURE
from kjournal.errors import BadRequest, Forbidden
from kjournal.kinds.model import GROUP, VERSION
from kjournal.query.selectors import Requirement, parse_fields, parse_labels
from kjournal.query.view import pinned_name

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
_SELECTING = frozenset({"list", "watch", "deletecollection"})
_PORT = re.compile(r":[0-9]*$")


class SecureGuard:
    """Authenticates and authorizes every request, before it is routed."""

    def __init__(self, authenticator: Authenticator, access: IAccess) -> None:
        self._authenticator, self._access = authenticator, access

    async def authenticate(self, request: APIRequest) -> None:
        """Set the identity. Raises: APIError if there is none."""
        credentials = Credentials(peer_chain_of(request.transport), request.requestHeaders)
        request.identity = await self._authenticator.authenticate(credentials)

    async def authorize(self, request: APIRequest) -> None:
        """Return if the identity may do what it asks for. Raises: APIError if not."""
        parameters = request.parameters
        fields, labels = parameters.get("fieldSelector", ""), parameters.get("labelSelector", "")
        await self._access.authorize(request.identity, attributes_of(request.info, fields, labels))


class LoopbackGuard:
    """Lets everybody pass, as one user: whoever reaches the loopback is on the machine already."""

    async def authenticate(self, request: APIRequest) -> None:
        """Set the identity.

        Raises: Forbidden for another host's name, and for pages of another origin: a browser on
        this machine could otherwise be made to read everything, by a name that resolves to the
        loopback or over a WebSocket.
        """
        host = (request.header("Host") or "localhost").lower()
        if _PORT.sub("", host) not in _LOOPBACK_NAMES:
            raise Forbidden("this port serves 127.0.0.1 and localhost only, not other host names")
        origin = request.header("Origin").lower()
        if origin and _PORT.sub("", origin.partition("://")[2]) not in _LOOPBACK_NAMES:
            raise Forbidden("this port serves no pages of other origins")
        request.identity = INSECURE

    async def authorize(self, request: APIRequest) -> None:
        """Let it pass."""


def attributes_of(info: RequestInfo, field_selector: str, label_selector: str = "") -> Attributes:
    """Return what to authorize, as kube-apiserver asks it: a pinned name is the request's name.

    A selector that cannot be read narrows nothing: the verb answers 400 to whom may ask for all.
    Source: apiserver pkg/endpoints/request/requestinfo.go, filters/authorization.go.
    """
    if info.kind is None:
        return Attributes(verb=info.verb, path=info.path)
    fields = _read(parse_fields, field_selector)
    selects = info.verb in _SELECTING
    return Attributes(
        verb=info.verb,
        path=info.path,
        group=GROUP,
        version=VERSION,
        resource=info.kind.plural,
        namespace=info.namespace,
        name=info.name or pinned_name(fields) or "",
        field_requirements=fields if selects else (),
        label_requirements=_read(parse_labels, label_selector) if selects else (),
    )


def _read(
    parse: Callable[[str], tuple[Requirement, ...]], selector: str
) -> tuple[Requirement, ...]:
    try:
        return parse(selector)
    except BadRequest:
        return ()
