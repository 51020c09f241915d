"""Which bodies of audit events are shown to nobody: the ones that hold secrets, or all.

An audit event may hold what was sent and answered. Who may read audit events may not therefore read
secrets. A body that is withheld is absent, cannot be selected by, and an annotation says so.
"""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

import attrs

from kjournal.kinds.model import Object
from kjournal.query.fieldmap import FieldMap
from kjournal.query.paths import WHOLE

BODIES = ("requestObject", "responseObject")
OMITTED_ANNOTATION = "kjournal/omitted"
SENSITIVE_RESOURCES = (
    "secrets",
    "configmaps",
    "serviceaccounts/token",
    "tokenreviews",
    "tokenrequests",
    "auditevents",
    "localauditevents",
    "containerlogs",
    "logs",
)
"""Of these no setting shows a body in a namespace: credentials, and what holds other bodies."""


class Omit(Enum):
    """Of which audit events bodies are withheld."""

    ALWAYS = "Always"
    SENSITIVE = "Sensitive"
    NEVER = "Never"


@attrs.frozen
class Omission:
    """When bodies are withheld; `rules` are resources whose bodies are sensitive.

    A rule without a subresource stands for all of them, one without a group for every group.
    """

    omit: Omit
    rules: tuple[str, ...] = SENSITIVE_RESOURCES

    def apply(self, obj: Object) -> None:
        """Take the bodies away that are not to be shown, and say which."""
        withheld = [field for field in BODIES if field in obj]
        if not withheld or not self._withholds(obj.get("objectRef")):
            return
        for field in withheld:
            del obj[field]
        obj["metadata"]["annotations"][OMITTED_ANNOTATION] = ",".join(withheld)

    def _withholds(self, reference: object) -> bool:
        if self.omit is not Omit.SENSITIVE:
            return self.omit is Omit.ALWAYS
        resource = reference.get("resource") if isinstance(reference, dict) else None
        if not isinstance(reference, dict) or not isinstance(resource, str) or not resource:
            return True  # what it is about cannot be read, so that it may be a secret
        return any(_covers(rule, reference, resource) for rule in self.rules)

    def fields_of(self, fields: FieldMap) -> FieldMap:
        """Return the map without the paths by which a body would come into another field."""
        if self.omit is Omit.NEVER:
            return fields
        bodies = [path for field in BODIES for path in fields.stored_paths(field)]
        entries = {
            field: paths if _is_body(field) or field == WHOLE else _outside(paths, bodies)
            for field, paths in fields.entries.items()
        }
        return attrs.evolve(fields, entries=entries)


def _covers(rule: str, reference: Mapping[str, Any], resource: str) -> bool:
    names, _, group = rule.partition(".")
    name, _, subresource = names.partition("/")
    return (
        name == resource.lower()
        and (not subresource or subresource == str(reference.get("subresource", "")).lower())
        and (not group or group == str(reference.get("apiGroup", "")).lower())
    )


def _is_body(field: str) -> bool:
    return field.partition(".")[0] in BODIES


def _outside(paths: Iterable[str], bodies: Iterable[str]) -> tuple[str, ...]:
    return tuple(path for path in paths if not any(_overlap(path, body) for body in bodies))


def _overlap(path: str, body: str) -> bool:
    return path == WHOLE or f"{path}.".startswith(f"{body}.") or f"{body}.".startswith(f"{path}.")
