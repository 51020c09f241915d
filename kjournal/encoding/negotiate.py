"""From Accept to what is sent: which media type, as an object, a Table or metadata only.

Source: kubernetes.io/docs/reference/using-api/api-concepts/#alternate-representations-of-resources
"""

import attrs

from kjournal.errors import NotAcceptable

JSON = "application/json"
YAML = "application/yaml"
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
    """How objects are sent: `transform` is "" (whole), Table or PartialObjectMetadata(List).

    `pretty` is whether the media type asks for indented JSON; other reasons are the request's.
    """

    transform: str = ""
    version: str = "v1"
    media: str = JSON
    pretty: bool = False

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
    """Return the clauses with a quality above 0, best first.

    Among equals the more specific come first, then as written (goautoneg, which Go servers use).
    """
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
    return [clause for _, clause in sorted(found, key=_rank)]


def _rank(found: tuple[float, Clause]) -> tuple[float, bool, bool]:
    quality, clause = found
    return -quality, clause.media.startswith("*"), clause.media.endswith("*")


def representation_of(accept: str, verb: str) -> Representation:
    """Return the first representation that the client accepts and the verb can give.

    Raises: NotAcceptable if there is none.
    """
    for clause in accept_clauses(accept or "*/*"):
        media = _media_of(clause, verb)
        if media is None:
            continue
        pretty = clause.params.get("pretty") == "1" and verb != "watch"
        transform = clause.params.get("as")
        if transform is None:
            if "g" not in clause.params and "v" not in clause.params:
                return Representation(media=media, pretty=pretty)
            continue
        if (
            transform in _TRANSFORMS[verb]
            and clause.params.get("g") == _META_GROUP
            and clause.params.get("v") in ("v1", "v1beta1")
        ):
            return Representation(transform, clause.params["v"], media, pretty)
    served = [JSON] if verb == "watch" else [JSON, YAML]
    served += [f"{JSON};as={name};v=v1;g={_META_GROUP}" for name in _TRANSFORMS[verb]]
    raise NotAcceptable(f"only the following media types are accepted: {', '.join(served)}")


def _media_of(clause: Clause, verb: str) -> str | None:
    """Return the media type that is sent for a clause, or None where it cannot be.

    Source: apiserver pkg/endpoints/handlers/negotiation/negotiate.go, acceptMediaTypeOptions; YAML
    has no form for streams.
    """
    stream = clause.params.get("stream", "")
    if clause.media == YAML:
        return None if stream or verb == "watch" else YAML
    return JSON if clause.media in _ANY and stream in ("", "watch") else None


def accepts_json(accept: str) -> bool:
    """Return whether JSON of any sort will do."""
    return any(clause.media in _ANY for clause in accept_clauses(accept or "*/*"))


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
