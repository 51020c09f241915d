"""ContainerLog: one line of a container."""

from kjournal.kinds.columns import AGE, MESSAGE, NAME, TIME, field
from kjournal.kinds.model import Column, Kind
from kjournal.kinds.shape import ANY, TEXT, Field

CONTAINERLOGS = Kind(
    kind="ContainerLog",
    plural="containerlogs",
    singular="containerlog",
    namespaced=True,
    doc="A line that a container wrote.",
    fields=(
        Field("pod", TEXT, "Name of the pod."),
        Field("container", TEXT, "Name of the container."),
        Field("payload", ANY, "What was written: the text, or the document that it is part of."),
    ),
    columns=(
        NAME,
        Column(name="Pod", doc="Name of the pod.", cell=field("pod")),
        Column(name="Container", doc="Name of the container.", cell=field("container")),
        MESSAGE,
        AGE,
        Column(
            name="Node",
            doc="Where the pod ran.",
            cell=field("metadata.annotations.host"),
            wide=True,
        ),
        Column(name="Stream", doc="stdout or stderr.", cell=field("payload.stream"), wide=True),
        TIME,
    ),
)
