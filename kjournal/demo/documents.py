"""Documents in the shape that fluent-bit gives them, in indices by day."""

from random import Random
from typing import Any

from kjournal.codec import format_micros, format_seconds
from kjournal.demo.cast import Container, Pod
from kjournal.demo.lines import Line
from kjournal.store.interfaces import NewDocument


def format_nanos(rng: Random, time_us: int) -> str:
    """Return RFC 3339 with nine fractional digits, as container runtimes write it."""
    return f"{format_micros(time_us)[:-1]}{rng.randrange(1000):03d}Z"


def indexed(
    prefix: str, time_us: int, document: dict[str, Any], id: str | None = None
) -> NewDocument:
    """Return the document for the index `prefix-YYYY.MM.DD` of the event's day (UTC)."""
    day = format_seconds(time_us)[:10].replace("-", ".")
    return NewDocument(index=f"{prefix}-{day}", document=document, id=id)


def container_document(
    rng: Random, time_us: int, pod: Pod, container: Container, line: Line
) -> NewDocument:
    """Return a container's line as fluent-bit stores it, with `Merge_Log On`.

    Source: docs.fluentbit.io/manual/pipeline/filters/kubernetes
    """
    time = format_nanos(rng, time_us)
    document = {
        **line.fields,
        "@timestamp": time,
        "time": time,
        "stream": line.stream,
        "log": line.text,
        "kubernetes": {
            "namespace_name": pod.workload.namespace,
            "pod_name": pod.name,
            "container_name": container.name,
            "pod_id": pod.uid,
            "host": pod.node,
            "docker_id": pod.docker_ids[container.name],
            "labels": pod.labels,
            "container_image": pod.image(container),
        },
    }
    return indexed("container", time_us, document)


def node_document(
    rng: Random, time_us: int, node: str, identifier: str, message: str, *, priority: int = 6
) -> NewDocument:
    """Return a line of a node's journal as fluent-bit's systemd input stores it.

    `priority` is syslog's: 3 is an error, 4 a warning, 6 is informational.
    """
    document = {
        "@timestamp": format_nanos(rng, time_us),
        "MESSAGE": message,
        "PRIORITY": str(priority),
        "SYSLOG_IDENTIFIER": identifier,
        "_HOSTNAME": node,
        "_TRANSPORT": "kernel" if identifier == "kernel" else "stdout",
    }
    if identifier != "kernel":
        document["_SYSTEMD_UNIT"] = f"{identifier}.service"
    return indexed("logs", time_us, document)
