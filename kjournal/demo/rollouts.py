"""What the controllers of Deployments and StatefulSets do: roll out, scale, delete, restore."""

from collections.abc import Callable
from functools import partial
from typing import Any

from kjournal.demo.audit import DEPLOYER, JANE, Account, Call
from kjournal.demo.cast import Pod, Workload, make_pod
from kjournal.demo.chronicle import Chronicle
from kjournal.demo.names import next_version, pod_suffix, template_hash, uid
from kjournal.demo.pods import Pods

_STEP_S = 6.0


class Rollout:
    """One workload as it is now: its version, its pods, and how many are wanted.

    One change at a time: while `busy`, others are left out.
    """

    def __init__(self, workload: Workload, chronicle: Chronicle, pods: Pods) -> None:
        self.workload = workload
        self.busy = False
        self.pods: list[Pod] = []
        self._chronicle = chronicle
        self._rng = chronicle.rng
        self._life = pods
        self._version = workload.version
        self._revision = template_hash(self._rng)
        self._uid = uid(self._rng)
        for place in range(workload.replicas):
            pod = self._make_pod(place)
            self.pods.append(pod)
            pods.adopt(pod)

    @property
    def deployment(self) -> bool:
        """Whether it is a Deployment: its pods have names of their own."""
        return self.workload.kind == "Deployment"

    def roll(self) -> None:
        """Replace all pods by those of the next version, one by one."""
        if self.busy:
            return
        self._version = next_version(self._rng, self._version)
        image = f"{self.workload.containers[0].repository}:{self._version}"
        container = {"name": self.workload.containers[0].name, "image": image}
        body = {"spec": {"template": {"spec": {"containers": [container]}}}}
        self._call(DEPLOYER, "patch", body=body)
        self._revision = template_hash(self._rng)
        old = list(self.pods)
        for step, pod in enumerate(old):
            self._after(step * _STEP_S, partial(self._replace, pod, step, len(old)))
        self._rest(len(old) * _STEP_S)

    def scale(self) -> None:
        """Add a pod, and take it away again some minutes later."""
        if self.busy or not self.deployment:
            return
        count = len(self.pods)
        self._call(JANE, "patch", "scale", body={"spec": {"replicas": count + 1}})
        self._scaled("up", self._revision, count, count + 1)
        self._add(count)
        self._rest(_STEP_S)
        self._after(180, self._scale_back)

    def remove(self, account: Account) -> None:
        """Let somebody delete it, all its pods with it; two minutes later it is applied again."""
        if self.busy:
            return
        self._call(account, "delete")
        for pod in self.pods:
            self._life.delete(pod)
        self.pods.clear()
        self._after(120, self._restore)
        self._rest(120 + _STEP_S)

    def _restore(self) -> None:
        self._call(DEPLOYER, "create", code=201)
        self._scaled("up", self._revision, 0, self.workload.replicas)
        for place in range(self.workload.replicas):
            self._add(place)

    def _scale_back(self) -> None:
        count = len(self.pods)
        if self.busy:
            self._after(60, self._scale_back)
            return
        if count <= self.workload.replicas:
            return
        self._call(JANE, "patch", "scale", body={"spec": {"replicas": count - 1}})
        self._scaled("down", self._revision, count, count - 1)
        self._drop(self.pods[-1])

    def _replace(self, old: Pod, step: int, count: int) -> None:
        if self.deployment:
            self._scaled("up", self._revision, step, step + 1)
            self._add(step)
            self._after(_STEP_S / 2, partial(self._retire, old, count - step))
        else:
            self._drop(old)
            self._after(_STEP_S / 2, partial(self._add, step))

    def _retire(self, old: Pod, left: int) -> None:
        self._scaled("down", old.labels["pod-template-hash"], left, left - 1)
        self._drop(old)

    def _add(self, place: int) -> None:
        pod = self._make_pod(place)
        self.pods.append(pod)
        self._controlled(pod, "SuccessfulCreate", f"Created pod: {pod.name}")
        self._life.create(pod)

    def _drop(self, pod: Pod) -> None:
        self.pods.remove(pod)
        self._controlled(pod, "SuccessfulDelete", f"Deleted pod: {pod.name}")
        self._life.delete(pod)

    def _make_pod(self, place: int) -> Pod:
        name = f"{self.workload.name}-{place}"
        if self.deployment:
            name = f"{self.workload.name}-{self._revision}-{pod_suffix(self._rng)}"
        return make_pod(self._rng, self.workload, name, self._version, self._revision)

    def _scaled(self, direction: str, revision: str, old: int, new: int) -> None:
        replica_set = f"{self.workload.name}-{revision}"
        message = f"Scaled {direction} replica set {replica_set} from {old} to {new}"
        regarding = self._reference(self.workload.kind, self.workload.name)
        self._chronicle.controller_event(
            "deployment-controller", regarding, "ScalingReplicaSet", message
        )

    def _controlled(self, pod: Pod, reason: str, message: str) -> None:
        if self.deployment:
            name = f"{self.workload.name}-{pod.labels['pod-template-hash']}"
            regarding = self._reference("ReplicaSet", name)
            self._chronicle.controller_event("replicaset-controller", regarding, reason, message)
        else:
            regarding = self._reference("StatefulSet", self.workload.name)
            self._chronicle.controller_event("statefulset-controller", regarding, reason, message)

    def _reference(self, kind: str, name: str) -> dict[str, str]:
        return {
            "kind": kind,
            "namespace": self.workload.namespace,
            "name": name,
            "uid": self._uid,
            "apiVersion": "apps/v1",
        }

    def _call(
        self,
        account: Account,
        verb: str,
        subresource: str = "",
        *,
        code: int = 200,
        body: dict[str, Any] | None = None,
    ) -> None:
        self._chronicle.call(
            Call(
                account=account,
                verb=verb,
                group="apps",
                resource=f"{self.workload.kind.lower()}s",
                namespace=self.workload.namespace,
                name=self.workload.name,
                subresource=subresource,
                code=code,
                body=body,
            )
        )

    def _after(self, delay_s: float, action: Callable[[], None]) -> None:
        self._chronicle.agenda.after(delay_s, action)

    def _rest(self, seconds: float) -> None:
        self.busy = True
        self._after(seconds, partial(setattr, self, "busy", False))
