"""What one list or watch sees: namespace and selectors, parsed once."""

import hashlib
from collections.abc import Iterable

import attrs

from kjournal.query.model import Operator
from kjournal.query.selectors import Requirement

NAME = "metadata.name"
NAMESPACE = "metadata.namespace"
TIME = "metadata.creationTimestamp"


@attrs.frozen(kw_only=True)
class View:
    """Namespace and selectors of one reader; hashable, and good to print.

    `namespace` None means all namespaces (or a cluster kind). Values of requirements on TIME are
    microseconds since the epoch, as text.
    """

    kind: str
    namespace: str | None = None
    fields: tuple[Requirement, ...] = ()
    labels: tuple[Requirement, ...] = ()

    @property
    def name(self) -> str | None:
        """The one name that the view can show, if a selector pins it."""
        return pinned_name(self.fields)

    def digest(self) -> str:
        """Return what binds a continue token to this view: 22 URL-safe characters."""
        text = repr((self.kind, self.namespace, self.fields, self.labels))
        return hashlib.sha256(text.encode()).hexdigest()[:22]


def pinned_name(fields: Iterable[Requirement]) -> str | None:
    """Return the one name that a field selector allows, if it pins one: the first that it pins."""
    for requirement in fields:
        pins = requirement.operator is Operator.IN and len(requirement.values) == 1
        if requirement.key == NAME and pins:
            return requirement.values[0]
    return None
