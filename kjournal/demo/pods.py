"""What scheduler, kubelet and runtime do with a pod, and when its containers speak."""

from functools import partial

from kjournal.demo.audit import REPLICAS, SCHEDULER, Account, Call, node_account
from kjournal.demo.cast import Container, Pod, start_container
from kjournal.demo.chronicle import Chronicle
from kjournal.demo.events import Happening
from kjournal.demo.lines import VOICES, crash_line, first_line, last_line

QUIET = 14
"""So many times longer are the pauses of a container while the cluster is quiet."""

_MAX_BACK_OFF_S = 80.0
_PROBE_S = 10.0
_GRACE_S = 2.0


class Pods:
    """Lets pods live; `scheduled` are those that have a node and are not gone."""

    def __init__(self, chronicle: Chronicle) -> None:
        self._chronicle = chronicle
        self._after = chronicle.agenda.after
        self._rng = chronicle.rng
        self.scheduled: list[Pod] = []

    def adopt(self, pod: Pod) -> None:
        """Let a pod go on that was started long ago."""
        self.scheduled.append(pod)
        for container in pod.workload.containers:
            start_container(self._rng, pod, container)
            self._talk(pod, container)

    def create(self, pod: Pod) -> None:
        """Let a pod be created, scheduled and started; now and then there is no room at first."""
        self._chronicle.call(_call(pod, "create", REPLICAS, code=201))
        if self._rng.random() > 0.08:
            self._after(self._rng.uniform(0.02, 0.2), partial(self._schedule, pod))
            return
        why = "0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are available"
        unfit = self._chronicle.pod_event(pod, "FailedScheduling", why, warning=True)
        self._after(12, partial(self._repeat_event, pod, unfit))
        self._after(self._rng.uniform(15, 30), partial(self._schedule, pod))

    def delete(self, pod: Pod) -> None:
        """Let a pod end: it says its last words, and is gone two seconds later."""
        for container in pod.workload.containers:
            message = f"Stopping container {container.name}"
            self._chronicle.pod_event(pod, "Killing", message, container)
            self._chronicle.say(pod, container, last_line())
        self._chronicle.kubelet(pod.node, f'"SyncLoop DELETE" source="api" pods=["{_key(pod)}"]')
        self._after(_GRACE_S, partial(self._end, pod))

    def crash(self, pod: Pod) -> None:
        """Let the pod's first container die, be held back, and be started again."""
        container = pod.workload.containers[0]
        docker_id = pod.docker_ids.get(container.name)
        if docker_id is None:
            return
        self._chronicle.say(pod, container, crash_line(self._rng, container.voice))
        self._chronicle.runtime(pod.node, f"received exit event container_id:{docker_id}")
        del pod.docker_ids[container.name]
        why = f"Back-off restarting failed container {container.name} in pod {_key(pod)}"
        held = self._chronicle.pod_event(pod, "BackOff", why, container, warning=True)
        self._after(_PROBE_S, partial(self._hold_back, pod, container, held, _PROBE_S))

    def fail_probe(self, pod: Pod) -> None:
        """Let the pod's readiness probe fail a few times."""
        container = pod.workload.containers[0]
        why = "Readiness probe failed: HTTP probe failed with statuscode: 503"
        unready = self._chronicle.pod_event(pod, "Unhealthy", why, container, warning=True)
        self._after(_PROBE_S, partial(self._repeat_event, pod, unready, self._rng.randrange(3)))

    def _repeat_event(self, pod: Pod, seen: Happening, times: int = 0) -> None:
        if pod.gone:
            return
        again = self._chronicle.event_again(seen)
        if times > 0:
            self._after(_PROBE_S, partial(self._repeat_event, pod, again, times - 1))

    def _schedule(self, pod: Pod) -> None:
        if pod.gone:
            return
        self.scheduled.append(pod)
        self._chronicle.call(_call(pod, "create", SCHEDULER, subresource="binding", code=201))
        message = f"Successfully assigned {_key(pod)} to {pod.node}"
        self._chronicle.pod_event(pod, "Scheduled", message)
        self._chronicle.kubelet(pod.node, f'"SyncLoop ADD" source="api" pods=["{_key(pod)}"]')
        for place, container in enumerate(pod.workload.containers):
            self._after(0.7 + place * 0.4, partial(self._start, pod, container))

    def _start(self, pod: Pod, container: Container) -> None:
        if pod.gone:
            return
        image = pod.image(container)
        docker_id = start_container(self._rng, pod, container)
        pulled = f'Container image "{image}" already present on machine'
        for reason, message in (
            ("Pulled", pulled),
            ("Created", f"Container created: {container.name}"),
            ("Started", f"Container started: {container.name}"),
        ):
            self._chronicle.pod_event(pod, reason, message, container)
        self._chronicle.runtime(pod.node, f'StartContainer for "{docker_id}" returns successfully')
        self._chronicle.call(_call(pod, "patch", node_account(pod.node), subresource="status"))
        self._chronicle.say(pod, container, first_line(image.rpartition(":")[2]))
        self._talk(pod, container)

    def _hold_back(self, pod: Pod, container: Container, held: Happening, wait_s: float) -> None:
        if pod.gone:
            return
        again = self._chronicle.event_again(held)
        why = f'"Error syncing pod, skipping" err="CrashLoopBackOff" pod="{_key(pod)}"'
        self._chronicle.kubelet(pod.node, why, error=True)
        if wait_s < _MAX_BACK_OFF_S and self._rng.random() < 0.6:
            wait_s *= 2
            self._after(wait_s, partial(self._hold_back, pod, container, again, wait_s))
        else:
            self._after(wait_s, partial(self._start, pod, container))

    def _end(self, pod: Pod) -> None:
        pod.gone = True
        if pod in self.scheduled:
            self.scheduled.remove(pod)
        self._chronicle.call(_call(pod, "delete", node_account(pod.node)))

    def _talk(self, pod: Pod, container: Container) -> None:
        """Let a container speak, with a burst now and then, until this run of it ends."""
        docker_id = pod.docker_ids[container.name]
        voice = VOICES[container.voice]

        def speak() -> None:
            line = voice(self._rng, self._chronicle.agenda.now_us)
            self._chronicle.say(pod, container, line)

        def go_on() -> bool:
            if pod.gone or pod.docker_ids.get(container.name) != docker_id:
                return False
            speak()
            if self._rng.random() < 0.04:
                for _ in range(self._rng.randrange(4, 20)):
                    self._after(self._rng.uniform(0, 1.5), speak)
            return True

        self._chronicle.agenda.repeat(container.mean_s, container.mean_s * QUIET, go_on)


def _key(pod: Pod) -> str:
    return f"{pod.workload.namespace}/{pod.name}"


def _call(pod: Pod, verb: str, account: Account, *, subresource: str = "", code: int = 200) -> Call:
    return Call(
        account=account,
        verb=verb,
        resource="pods",
        namespace=pod.workload.namespace,
        name=pod.name,
        subresource=subresource,
        code=code,
    )
