"""Writes down what happens now: container lines, Events, audit events and the nodes' journals."""

from kjournal.codec import format_seconds
from kjournal.demo.agenda import Agenda
from kjournal.demo.audit import Call, audit_document
from kjournal.demo.cast import Container, Pod
from kjournal.demo.documents import container_document, node_document
from kjournal.demo.events import SCHEDULER, Happening, event_document, happening
from kjournal.demo.lines import Line


class Chronicle:
    """One method for each source of documents; the time is the agenda's."""

    def __init__(self, agenda: Agenda) -> None:
        self.agenda = agenda
        self.rng = agenda.rng

    def say(self, pod: Pod, container: Container, line: Line) -> None:
        """A container writes a line, if it runs."""
        if not pod.gone and container.name in pod.docker_ids:
            now_us = self.agenda.now_us
            self.agenda.put(container_document(self.rng, now_us, pod, container, line))

    def pod_event(
        self,
        pod: Pod,
        reason: str,
        message: str,
        container: Container | None = None,
        *,
        warning: bool = False,
    ) -> Happening:
        """The scheduler or the kubelet reports something about a pod."""
        scheduling = reason in ("Scheduled", "FailedScheduling")
        return self._event(
            happening(
                self.rng,
                self.agenda.now_us,
                pod.reference(container),
                reason,
                message,
                component=SCHEDULER if scheduling else "kubelet",
                host="" if scheduling else pod.node,
                warning=warning,
            )
        )

    def controller_event(
        self, component: str, regarding: dict[str, str], reason: str, message: str
    ) -> None:
        """A controller reports something about what it controls."""
        now_us = self.agenda.now_us
        self._event(happening(self.rng, now_us, regarding, reason, message, component=component))

    def event_again(self, seen: Happening) -> Happening:
        """Something is reported once more."""
        return self._event(seen.again(self.agenda.now_us))

    def call(self, call: Call) -> None:
        """Somebody has asked the API server, and is answered."""
        self.agenda.put(audit_document(self.rng, self.agenda.now_us, call))

    def kubelet(self, node: str, message: str, *, error: bool = False) -> None:
        """A kubelet writes to its node's journal."""
        time = format_seconds(self.agenda.now_us)
        head = f"{'E' if error else 'I'}{time[5:7]}{time[8:10]} {time[11:19]} 1021 kubelet.go:2412]"
        self.node_line(node, "kubelet", f"{head} {message}", priority=3 if error else 6)

    def runtime(self, node: str, message: str) -> None:
        """A container runtime writes to its node's journal."""
        time, text = format_seconds(self.agenda.now_us), message.replace('"', '\\"')
        self.node_line(node, "containerd", f'time="{time}" level=info msg="{text}"')

    def node_line(self, node: str, identifier: str, message: str, *, priority: int = 6) -> None:
        """Something writes to a node's journal, with syslog's priority."""
        now_us = self.agenda.now_us
        self.agenda.put(
            node_document(self.rng, now_us, node, identifier, message, priority=priority)
        )

    def _event(self, seen: Happening) -> Happening:
        self.agenda.put(event_document(seen))
        return seen
