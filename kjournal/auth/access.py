"""Whether a user may do something: a SubjectAccessReview, save for what every apiserver allows.

Source: apiserver pkg/server/options/authorization.go, plugin/pkg/authorizer/webhook/webhook.go,
pkg/endpoints/handlers/responsewriters/errors.go
"""

from typing import Any

import attrs
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from kjournal.auth.interfaces import Attributes, IAccess
from kjournal.auth.review import Reviews, Told, post_review, tell_nobody
from kjournal.auth.user import MASTERS_GROUP, User
from kjournal.client.connection import KubeAPIError, KubeConnection
from kjournal.codec import dump_json
from kjournal.errors import Forbidden, InternalError

REVIEW_PATH = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
PUBLIC_PATHS = frozenset({"/healthz", "/readyz", "/livez"})
# Who asks for longer names than this is not let into the memory.
MAX_KEPT_CHARS = 10_000


@attrs.frozen
class Decision:
    """What the kube-apiserver decided, and why if it says so."""

    allowed: bool
    reason: str = ""
    denied: bool = False

    @property
    def result(self) -> str:
        """How kube-apiserver calls it in its metrics."""
        return "allowed" if self.allowed else "denied" if self.denied else "no-opinion"


@implementer(IAccess)
class Access:
    """Asks the kube-apiserver; without one, nothing is allowed but to masters and probes.

    `told` hears of each result, `reviewed` of each review that is sent.
    """

    _log = Logger()

    def __init__(
        self,
        connection: KubeConnection | None,
        clock: IReactorTime,
        told: Told = tell_nobody,
        reviewed: Told = tell_nobody,
    ) -> None:
        self._connection, self._clock = connection, clock
        self._told, self._reviewed = told, reviewed
        self._reviews: Reviews[tuple[User, Attributes], Decision] = Reviews(clock)

    async def authorize(self, user: User, attributes: Attributes) -> None:
        """Return if the user may. Raises: Forbidden; InternalError if it cannot be found out."""
        began_s, result = self._clock.seconds(), "error"
        try:
            decision = await self._decide(user, attributes)
            result = decision.result
        finally:
            self._told(result, self._clock.seconds() - began_s)
        if not decision.allowed:
            raise _forbidden(user, attributes, decision.reason)

    async def _decide(self, user: User, attributes: Attributes) -> Decision:
        if MASTERS_GROUP in user.groups or _is_public(attributes):
            return Decision(True)
        if self._connection is None:
            return Decision(
                False, "kjournal has no kube-apiserver to ask: set --authorization-kubeconfig"
            )
        return await self._ask(self._connection, user, attributes)

    async def _ask(
        self, connection: KubeConnection, user: User, attributes: Attributes
    ) -> Decision:
        async def ask() -> Decision:
            body = _review_of(user, attributes)
            return _decision_of(
                await post_review(connection, REVIEW_PATH, body, self._clock, self._reviewed)
            )

        asked_chars = sum(len(value) for value in attrs.astuple(attributes))
        try:
            return await self._reviews.answer(
                (user, attributes), ask, keep=asked_chars <= MAX_KEPT_CHARS
            )
        except KubeAPIError as error:
            self._log.warn("SubjectAccessReview failed: {error}", error=str(error))
            raise InternalError(
                "internal error: kjournal cannot find out whether the request is allowed"
            ) from error


def _is_public(attributes: Attributes) -> bool:
    return not attributes.resource and attributes.path in PUBLIC_PATHS


def _review_of(user: User, attributes: Attributes) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "user": user.name,
        "uid": user.uid,
        "groups": user.groups,
        "extra": dict(user.extra),
    }
    if attributes.resource:
        named = attrs.asdict(attributes, filter=attrs.filters.exclude("path"))
        spec["resourceAttributes"] = {key: value for key, value in named.items() if value}
    else:
        spec["nonResourceAttributes"] = {"path": attributes.path, "verb": attributes.verb}
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {key: value for key, value in spec.items() if value},
    }


def _decision_of(status: Any) -> Decision:
    reason = status.get("reason")
    denied = bool(status.get("denied"))
    allowed = status.get("allowed") is True and not denied
    return Decision(allowed, reason if isinstance(reason, str) else "", denied)


def _forbidden(user: User, attributes: Attributes, reason: str) -> Forbidden:
    """Return the refusal in kube-apiserver's words, which clients and people know."""
    what = _refusal(user, attributes)
    if reason:
        what = f"{what}: {reason}"
    what = what.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    group, resource, name = attributes.group, attributes.resource, attributes.name
    if not resource:
        return Forbidden(f"forbidden: {what}")
    subject = f"{resource}.{group}" if group else resource
    if name:
        subject = f"{subject} {_quoted(name)}"
    return Forbidden(f"{subject} is forbidden: {what}", group=group, kind=resource, name=name)


def _refusal(user: User, attributes: Attributes) -> str:
    who, verb = _quoted(user.name), attributes.verb
    if not attributes.resource:
        return f"User {who} cannot {verb} path {_quoted(attributes.path)}"
    resource = attributes.resource
    if attributes.subresource:
        resource = f"{resource}/{attributes.subresource}"
    scope = "at the cluster scope"
    if attributes.namespace:
        scope = f"in the namespace {_quoted(attributes.namespace)}"
    group = _quoted(attributes.group)
    return f"User {who} cannot {verb} resource {_quoted(resource)} in API group {group} {scope}"


def _quoted(text: str) -> str:
    return dump_json(text).decode()
