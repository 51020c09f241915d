"""Write the generated pages; tests/docs compares them with a fresh run.

Run: python docs/generate.py
"""

from collections.abc import Iterator
from pathlib import Path

from kjournal.config import reference
from kjournal.kinds.model import GROUP_VERSION, Kind
from kjournal.kinds.registry import KINDS
from kjournal.kinds.shape import Field
from tests.conformance import page

_KINDS_HEAD = f"""# Kinds

<!-- Made by docs/generate.py from kjournal/kinds; do not edit. -->

The API group is `{GROUP_VERSION}`. All kinds can be read (`get`, `list`, `watch`) and none can be
written. `events` is also the name of a core Kubernetes resource, so say `events.core.kjournal`
where both are there.

Where a field is read from is the kind's own default; a preset or a `fieldMap` replaces it, see
[settings](settings.md). A record that lacks a field has an object that lacks it too. A stored value
that has not the field's type is left out, never an error.

## Metadata of every kind

| Field | Meaning |
|---|---|
| `metadata.name` | Packs the record's index and id, so that `get` finds it by one keyed read. |
| `metadata.namespace` | As stored, whole; of namespaced kinds only. |
| `metadata.uid` | A UUID drawn from index and id: the same in every answer of every replica. |
| `metadata.resourceVersion` | In lists the event time in microseconds; in watches see below. |
| `metadata.creationTimestamp` | The event time, in seconds as Kubernetes has it, if known. |
| `metadata.labels` | As stored; nested keys are joined by dots. |
| `metadata.annotations` | As stored, or as the field map says, and two of kjournal's own: |
| `kjournal/es-index` | The index of the record. |
| `kjournal/timestamp` | The event time, with microseconds. |

A record of a namespaced kind whose namespace cannot be read is shown to nobody. The resourceVersion
of an object in a list or a get is never above the list's own; in a watch event it is the number of
the publication, from which a watch may go on.
"""


def render_kinds() -> str:
    """Return the page of kinds."""
    blocks = [_KINDS_HEAD, *(_kind(kind) for kind in KINDS.values())]
    return "\n\n".join(block.strip("\n") for block in blocks) + "\n"


def _kind(kind: Kind) -> str:
    scope = "namespaced" if kind.namespaced else "cluster-scoped"
    selectable = ", ".join(f"`{path}`" for path in kind.selectable_fields())
    return "\n".join(
        (
            f"## {kind.plural}",
            "",
            f"`{kind.kind}`, {scope}. {kind.doc}",
            "",
            "| Field | Type | Meaning | Read from |",
            "|---|---|---|---|",
            *_fields(kind.fields, ""),
            "",
            "| Column | Meaning |",
            "|---|---|",
            *(
                f"| {column.name.upper()}{' (wide)' if column.wide else ''} | {column.doc} |"
                for column in kind.columns
            ),
            "",
            f"Field selectors may name: {selectable}. `*` stands for any path below.",
        )
    )


def _fields(fields: tuple[Field, ...], prefix: str) -> Iterator[str]:
    for field in fields:
        path = f"{prefix}{field.name}"
        sources = ", ".join(f"`{source}`" for source in field.sources or (field.name,))
        yield f"| `{path}` | {_type(field)} | {field.doc} | {'' if prefix else sources} |"
        yield from _fields(field.fields, f"{path}.")


def _type(field: Field) -> str:
    schema = field.shape.schema
    if schema.get("format") == "date-time":
        return "time"
    if schema.get("type") == "array":
        return "list of objects" if field.struct else "list of texts"
    if "additionalProperties" in schema:
        of_texts = schema["additionalProperties"]["type"] == "array"
        return f"map of text to {'texts' if of_texts else 'text'}"
    return {"string": "text", None: "any"}.get(schema.get("type"), str(schema.get("type")))


PAGES = {
    "reference/settings.md": reference.render,
    "reference/kinds.md": render_kinds,
    "conformance.md": page.render,
}


def main() -> None:
    """Write every page."""
    for path, render in PAGES.items():
        (Path(__file__).parent / path).write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main()
