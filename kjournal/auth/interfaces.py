"""What the gate needs to know: who asks, and whether they may."""

import attrs
from cryptography import x509
from twisted.web.http_headers import Headers
from zope.interface import Interface

from kjournal.auth.user import User
from kjournal.query.selectors import Requirement


@attrs.frozen
class Credentials:
    """What a request shows of who sends it.

    `peer_chain` is what the client presented in the handshake, leaf first, verified by nobody.
    """

    peer_chain: tuple[x509.Certificate, ...]
    headers: Headers


@attrs.frozen(kw_only=True)
class Attributes:
    """What is asked, in the words of a SubjectAccessReview.

    A path that is no resource's has `path` and the method as lower-case verb, and nothing else.
    Requirements narrow what is asked, so that one that a review cannot say may be left out.
    """

    verb: str
    path: str = ""
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    field_requirements: tuple[Requirement, ...] = ()
    label_requirements: tuple[Requirement, ...] = ()


class IAuthenticator(Interface):
    """One way to say who asks."""

    async def authenticate(credentials: Credentials) -> User | None:
        """Return the user, or None where the credentials are of another kind.

        Raises: Unauthorized if there are such credentials and they are bad; the message is for
        kjournal's own log. ServiceUnavailable if that cannot be told yet.
        """


class IAccess(Interface):
    """Decides whether a user may do something."""

    async def authorize(user: User, attributes: Attributes) -> None:
        """Return if the user may.

        Raises: Forbidden if not, InternalError if it cannot be found out.
        """
