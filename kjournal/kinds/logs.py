"""Log: any other line, such as a node's journal."""

from kjournal.kinds.columns import AGE, MESSAGE, NAME, TIME, field
from kjournal.kinds.model import Column, Kind
from kjournal.kinds.shape import ANY, Field

LOGS = Kind(
    kind="Log",
    plural="logs",
    singular="log",
    namespaced=False,
    doc="A line of a node or of anything else that is no container.",
    fields=(Field("payload", ANY, "What was written."),),
    columns=(
        NAME,
        Column(name="Host", doc="Where it was written.", cell=field("metadata.annotations.host")),
        MESSAGE,
        AGE,
        TIME,
    ),
)
