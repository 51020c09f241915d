"""Who plays in the imaginary cluster: namespaces, workloads, their pods and containers."""

from random import Random

import attrs

from kjournal.demo.names import hexadecimal, uid

NODES = ("worker-1", "worker-2", "worker-3")


@attrs.frozen
class Container:
    """One container of a pod template: what it says (a name in `lines.VOICES`) and how often."""

    name: str
    repository: str
    voice: str
    mean_s: float


@attrs.frozen
class Workload:
    """A Deployment or a StatefulSet as it was first applied."""

    namespace: str
    name: str
    kind: str
    replicas: int
    version: str
    containers: tuple[Container, ...]


@attrs.define(eq=False)
class Pod:
    """One pod. `docker_ids` has the containers that have been started; `gone` ends it."""

    workload: Workload
    name: str
    uid: str
    node: str
    ip: str
    version: str
    labels: dict[str, str]
    docker_ids: dict[str, str] = attrs.field(factory=dict)
    gone: bool = False

    def image(self, container: Container) -> str:
        """Return what the container was made of."""
        tag = self.version if container is self.workload.containers[0] else "1.31.2"
        return f"{container.repository}:{tag}"

    def reference(self, container: Container | None = None) -> dict[str, str]:
        """Return the core/v1 ObjectReference to the pod, or to one of its containers."""
        reference = {
            "kind": "Pod",
            "namespace": self.workload.namespace,
            "name": self.name,
            "uid": self.uid,
            "apiVersion": "v1",
        }
        if container is not None:
            reference["fieldPath"] = f"spec.containers{{{container.name}}}"
        return reference


def make_pod(rng: Random, workload: Workload, name: str, version: str, revision: str) -> Pod:
    """Return a new pod of a workload on some node; nothing of it runs yet."""
    labels = {
        "app": workload.name,
        "app.kubernetes.io/name": workload.name,
        "app.kubernetes.io/part-of": workload.namespace,
        "version": version,
    }
    if workload.kind == "StatefulSet":
        labels["controller-revision-hash"] = f"{workload.name}-{revision}"
        labels["statefulset.kubernetes.io/pod-name"] = name
    else:
        labels["pod-template-hash"] = revision
    node = rng.randrange(len(NODES))
    ip = f"10.244.{node + 1}.{rng.randrange(2, 250)}"
    return Pod(workload, name, uid(rng), NODES[node], ip, version, labels)


def start_container(rng: Random, pod: Pod, container: Container) -> str:
    """Give the container a new run, and return the id of it."""
    docker_id = hexadecimal(rng, 64)
    pod.docker_ids[container.name] = docker_id
    return docker_id


_SIDECAR = Container("sidecar", "envoyproxy/envoy", "envoy", 9.0)

WORKLOADS = (
    Workload(
        "shop",
        "web",
        "Deployment",
        3,
        "2.14.3",
        (Container("web", "registry.example/shop/web", "requests", 3.0), _SIDECAR),
    ),
    Workload(
        "shop",
        "cart",
        "Deployment",
        2,
        "1.9.0",
        (Container("cart", "registry.example/shop/cart", "console", 6.0),),
    ),
    Workload(
        "shop",
        "checkout",
        "Deployment",
        1,
        "5.2.1",
        (Container("checkout", "registry.example/shop/checkout", "java", 6.0), _SIDECAR),
    ),
    Workload(
        "shop", "redis", "StatefulSet", 1, "7.2.4", (Container("redis", "redis", "redis", 25),)
    ),
    Workload(
        "billing",
        "invoices",
        "Deployment",
        1,
        "0.23.0",
        (Container("invoices", "registry.example/billing/invoices", "python", 8.0),),
    ),
    Workload(
        "billing",
        "payments",
        "Deployment",
        2,
        "3.0.7",
        (Container("payments", "registry.example/billing/payments", "requests", 6.0), _SIDECAR),
    ),
    Workload(
        "billing",
        "postgres",
        "StatefulSet",
        1,
        "16.4.0",
        (Container("postgres", "postgres", "postgres", 20.0),),
    ),
    Workload(
        "platform",
        "gateway",
        "Deployment",
        2,
        "1.12.1",
        (Container("gateway", "registry.example/platform/gateway", "nginx", 4.0),),
    ),
    Workload(
        "platform",
        "metrics",
        "StatefulSet",
        1,
        "2.55.1",
        (Container("metrics", "prom/prometheus", "logfmt", 25.0),),
    ),
)
