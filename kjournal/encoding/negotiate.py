"""From Accept to what is sent: which media type, as an object, a Table or metadata only.

Source: kubernetes.io/docs/reference/using-api/api-concepts/#alternate-representations-of-resources
"""

import attrs

from kjournal.errors import NotAcceptable

JSON = "application/json"
_ANY = frozenset({"*/*", "application/*", JSON})
_META_GROUP = "meta.k8s.io"
_DISCOVERY_GROUP = "apidiscovery.k8s.io"
# Which transformations a request of each sort allows.
_TRANSFORMS = {
    "get": ("Table", "PartialObjectMetadata"),
    "list": ("Table", "PartialObjectMetadataList"),
    "watch": ("Table", "PartialObjectMetadata"),
}


@attrs.frozen
class Representation:
    """How objects are sent: `transform` is "" (whole), Table or PartialObjectMetadata(List)."""

    transform: str = ""
    version: str = "v1"

    @property
    def is_table(self) -> bool:
        """True for a Table."""
        return self.transform == "Table"

    @property
    def is_partial(self) -> bool:
        """True for metadata only."""
        return self.transform.startswith("PartialObjectMetadata")


@attrs.frozen
class Clause:
    """One part of Accept: a media type with its parameters, keys in lower case."""

    media: str
    params: dict[str, str]


def accept_clauses(accept: str) -> list[Clause]:
    """Return the clauses with a quality above 0, best first, then as written."""
    found: list[tuple[float, Clause]] = []
    for part in accept.split(","):
        media, *rest = (piece.strip() for piece in part.split(";"))
        if not media:
            continue
        params = {}
        for piece in rest:
            key, _, value = piece.partition("=")
            params[key.strip().lower()] = value.strip().strip('"')
        try:
            quality = float(params.pop("q", "1"))
        except ValueError:
            quality = 0.0
        if quality > 0:
            found.append((quality, Clause(media.lower(), params)))
    return [clause for _, clause in sorted(found, key=lambda pair: -pair[0])]


def representation_of(accept: str, verb: str) -> Representation:
    """Return the first representation that the client accepts and the verb can give.

    Raises: NotAcceptable if there is none.
    """
    for clause in accept_clauses(accept or "*/*"):
        if clause.media not in _ANY or clause.params.get("stream", "watch") != "watch":
            continue
        transform = clause.params.get("as")
        if transform is None:
            if "g" not in clause.params and "v" not in clause.params:
                return Representation()
            continue
        if (
            transform in _TRANSFORMS[verb]
            and clause.params.get("g") == _META_GROUP
            and clause.params.get("v") in ("v1", "v1beta1")
        ):
            return Representation(transform, clause.params["v"])
    allowed = ", ".join(f"{JSON};as={name};v=v1;g={_META_GROUP}" for name in _TRANSFORMS[verb])
    raise NotAcceptable(f"only the following media types are accepted: {JSON}, {allowed}")


def aggregated_discovery_version(accept: str) -> str | None:
    """Return v2 or v2beta1 if the client prefers aggregated discovery, None for the legacy form.

    Raises: NotAcceptable if it accepts neither.
    """
    for clause in accept_clauses(accept or "*/*"):
        if clause.media not in _ANY:
            continue
        if "as" not in clause.params:
            return None
        version = clause.params.get("v")
        if (
            clause.params["as"] == "APIGroupDiscoveryList"
            and clause.params.get("g") == _DISCOVERY_GROUP
            and version in ("v2", "v2beta1")
        ):
            return version
    raise NotAcceptable(f"only {JSON} is served, also as APIGroupDiscoveryList of v2")
