"""Objects, lists and metadata-only objects as wire documents."""

from typing import Any

from kjournal.encoding.negotiate import Representation
from kjournal.encoding.table import IncludeObject, table_row
from kjournal.kinds.model import GROUP_VERSION, Kind, Object


def partial_of(obj: Object, version: str) -> Object:
    """Return an object's metadata as PartialObjectMetadata."""
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": obj["metadata"],
    }


def item_of(
    kind: Kind, obj: Object, time_us: int, now_us: int, form: tuple[Representation, IncludeObject]
) -> Object:
    """Return what a list of this representation holds for an object: itself, or a Table's row."""
    representation, include = form
    if representation.is_table:
        return table_row(kind, obj, (time_us, now_us), (representation.version, include))
    if representation.is_partial:
        return partial_of(obj, representation.version)
    return obj


def list_head(kind: Kind, representation: Representation) -> Object:
    """Return kind and apiVersion of a list; its items' key is items_key's."""
    if representation.is_partial:
        return {
            "kind": "PartialObjectMetadataList",
            "apiVersion": f"meta.k8s.io/{representation.version}",
        }
    return {"kind": kind.list_kind, "apiVersion": GROUP_VERSION}


def list_metadata(
    resource_version: int, continue_token: str = "", remaining: int | None = None
) -> dict[str, Any]:
    """Return a list's metadata; `remaining` is how many objects the following pages hold."""
    metadata: dict[str, Any] = {"resourceVersion": str(resource_version)}
    if continue_token:
        metadata["continue"] = continue_token
    if remaining is not None:
        metadata["remainingItemCount"] = remaining
    return metadata
