"""Log: any other line, such as a node's journal."""

from kjournal.kinds.columns import AGE, MESSAGE, NAME, TIME, shown
from kjournal.kinds.model import Column, Kind, Row
from kjournal.kinds.shape import ANY, Field


def _host(row: Row) -> str:
    return shown(row.object["metadata"].get("annotations", {}).get("host", ""))


LOGS = Kind(
    kind="Log",
    plural="logs",
    singular="log",
    namespaced=False,
    doc="A line of a node or of anything else that is no container.",
    fields=(Field("payload", ANY, "What was written."),),
    columns=(
        NAME,
        Column(name="Host", doc="Where it was written.", cell=_host),
        MESSAGE,
        AGE,
        TIME,
    ),
)
