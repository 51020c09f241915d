"""Whether a user may do something: a SubjectAccessReview, save for what every apiserver allows.

Source: apiserver pkg/server/options/authorization.go, pkg/authorization/path/path.go,
plugin/pkg/authorizer/webhook/webhook.go, pkg/endpoints/filters/authorization.go,
pkg/endpoints/handlers/responsewriters/errors.go
"""

from typing import Any

import attrs
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from kjournal.auth.interfaces import Attributes, IAccess
from kjournal.auth.review import KEEP_S, Reviews, Told, post_review, tell_nobody
from kjournal.auth.user import MASTERS_GROUP, User
from kjournal.client.connection import KubeAPIError, KubeConnection
from kjournal.codec import dump_json
from kjournal.errors import Forbidden, InternalError
from kjournal.query.model import Operator
from kjournal.query.selectors import Requirement

REVIEW_PATH = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
_NOT_IN_REVIEWS = ("path", "field_requirements", "label_requirements")
_OF_FIELDS = frozenset({Operator.IN, Operator.NOT_IN})
_OF_LABELS = {
    Operator.IN: "In",
    Operator.NOT_IN: "NotIn",
    Operator.EXISTS: "Exists",
    Operator.MISSING: "DoesNotExist",
}
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


@attrs.frozen(kw_only=True)
class Rules:
    """What is decided without a review, and for how many seconds a review holds.

    A path with a trailing `*` stands for all that begin so.
    """

    always_deny: bool = False
    public_paths: tuple[str, ...] = ("/healthz", "/readyz", "/livez")
    authorized_ttl_s: float = KEEP_S
    unauthorized_ttl_s: float = KEEP_S

    def is_public(self, attributes: Attributes) -> bool:
        """Return whether anybody may."""
        if attributes.resource:
            return False
        path = attributes.path
        return any(
            path.startswith(each[:-1]) if each.endswith("*") else path == each
            for each in self.public_paths
        )

    def ttl_s(self, decision: Decision) -> float:
        """Return how long a decision holds."""
        return self.authorized_ttl_s if decision.allowed else self.unauthorized_ttl_s


DEFAULT_RULES = Rules()


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
        rules: Rules = DEFAULT_RULES,
    ) -> None:
        self._connection, self._clock, self._rules = connection, clock, rules
        self._told, self._reviewed = told, reviewed
        self._reviews: Reviews[tuple[User, Attributes], Decision] = Reviews(clock, rules.ttl_s)

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
        if self._rules.is_public(attributes):
            return Decision(True)
        if self._rules.always_deny:
            return Decision(False, "kjournal is set to deny everything (--authorization-mode)")
        if MASTERS_GROUP in user.groups:
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

        asked_chars = len(repr(attributes)) + len(repr(user.extra))
        try:
            return await self._reviews.answer(
                (user, attributes), ask, keep=asked_chars <= MAX_KEPT_CHARS
            )
        except KubeAPIError as error:
            self._log.warn("SubjectAccessReview failed: {error}", error=str(error))
            raise InternalError(
                "internal error: kjournal cannot find out whether the request is allowed"
            ) from error


def _review_of(user: User, attributes: Attributes) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "user": user.name,
        "uid": user.uid,
        "groups": user.groups,
        "extra": dict(user.extra),
    }
    if attributes.resource:
        named = attrs.asdict(attributes, filter=attrs.filters.exclude(*_NOT_IN_REVIEWS))
        named |= _selectors_of(attributes)
        spec["resourceAttributes"] = {key: value for key, value in named.items() if value}
    else:
        spec["nonResourceAttributes"] = {"path": attributes.path, "verb": attributes.verb}
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {key: value for key, value in spec.items() if value},
    }


def _selectors_of(attributes: Attributes) -> dict[str, Any]:
    fields = [_said(each) for each in attributes.field_requirements if each.operator in _OF_FIELDS]
    labels = [_said(each) for each in attributes.label_requirements if each.operator in _OF_LABELS]
    selectors = {"fieldSelector": fields, "labelSelector": labels}
    return {name: {"requirements": found} for name, found in selectors.items() if found}


def _said(requirement: Requirement) -> dict[str, Any]:
    said = {"key": requirement.key, "operator": _OF_LABELS[requirement.operator]}
    return {**said, "values": requirement.values} if requirement.values else said


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
