"""What goes on whatever the pods do: the control plane's requests, people's, and node chatter."""

from kjournal.demo.audit import CONTROLLERS, DEPLOYER, INTERN, JANE, SCRAPER, Call, node_account
from kjournal.demo.cast import NODES
from kjournal.demo.chronicle import Chronicle

_NAMESPACES = ("shop", "billing", "platform")
_WATCH = "allowWatchBookmarks=true&resourceVersion=184467&timeoutSeconds=487&watch=true"
_LIST = "limit=500&resourceVersion=0"


class Traffic:
    """Begins it all; the agenda keeps it going."""

    def __init__(self, chronicle: Chronicle) -> None:
        self._chronicle = chronicle
        self._rng = chronicle.rng
        repeat = chronicle.agenda.repeat
        repeat(4.0, 18.0, self._system_request)
        repeat(40.0, 240.0, self._human_request)
        repeat(150.0, 600.0, self._denied_request)
        repeat(5.0, 25.0, self._kubelet_line)
        repeat(12.0, 60.0, self._runtime_line)
        repeat(30.0, 180.0, self._kernel_line)

    def _system_request(self) -> bool:
        node = node_account(self._rng.choice(NODES))
        namespace = self._rng.choice(_NAMESPACES)
        calls = (
            Call(account=CONTROLLERS, verb="list", resource="pods", query=_LIST),
            Call(account=CONTROLLERS, verb="watch", resource="nodes", query=_WATCH),
            Call(
                account=CONTROLLERS,
                verb="watch",
                resource="replicasets",
                group="apps",
                query=_WATCH,
            ),
            Call(account=SCRAPER, verb="list", resource="endpoints", query=_LIST),
            Call(
                account=DEPLOYER, verb="get", resource="configmaps", namespace=namespace, name="env"
            ),
            Call(account=node, verb="watch", resource="secrets", namespace=namespace, query=_WATCH),
            Call(
                account=node,
                verb="update",
                group="coordination.k8s.io",
                resource="leases",
                namespace="kube-node-lease",
                name=node.username.rpartition(":")[2],
            ),
        )
        self._chronicle.call(self._rng.choice(calls))
        return True

    def _human_request(self) -> bool:
        namespace = self._rng.choice(_NAMESPACES)
        calls = (
            Call(account=JANE, verb="list", resource="pods", namespace="shop", query="limit=500"),
            Call(account=JANE, verb="list", resource="deployments", group="apps", namespace="shop"),
            Call(account=JANE, verb="get", resource="services", namespace="shop", name="web"),
            Call(account=INTERN, verb="list", resource="events", namespace=namespace),
            Call(
                account=INTERN,
                verb="get",
                resource="services",
                namespace="shop",
                name="wbe",
                code=404,
            ),
        )
        self._chronicle.call(self._rng.choice(calls))
        return True

    def _denied_request(self) -> bool:
        calls = (
            Call(account=INTERN, verb="list", resource="secrets", namespace="billing", code=403),
            Call(
                account=INTERN,
                verb="delete",
                resource="pods",
                namespace="shop",
                name="redis-0",
                code=403,
            ),
            Call(account=JANE, verb="list", resource="nodes", code=403),
            Call(
                account=SCRAPER,
                verb="get",
                resource="secrets",
                namespace="billing",
                name="tls",
                code=403,
            ),
        )
        self._chronicle.call(self._rng.choice(calls))
        return True

    def _kubelet_line(self) -> bool:
        node, took = self._rng.choice(NODES), self._rng.randrange(2, 90)
        messages = (
            f'"Probe succeeded" probeType="Readiness" duration="{took}ms"',
            f'"SyncLoop (PLEG): event for pod" duration="{took}ms"',
            '"Eviction manager: no eviction needed"',
            '"Container garbage collection succeeded"',
        )
        self._chronicle.kubelet(node, self._rng.choice(messages))
        if self._rng.random() < 0.05:
            why = '"Failed to update lease" err="context deadline exceeded"'
            self._chronicle.kubelet(node, why, error=True)
        return True

    def _runtime_line(self) -> bool:
        image = self._rng.choice(("envoyproxy/envoy:1.31.2", "redis:7.2.4", "postgres:16.4.0"))
        messages = (f'ImageUpdate event name:"{image}"', "garbage collected content in 12ms")
        self._chronicle.runtime(self._rng.choice(NODES), self._rng.choice(messages))
        return True

    def _kernel_line(self) -> bool:
        veth = f"veth{self._rng.randrange(16**6):06x}"
        messages = (
            (f"cni0: port 7({veth}) entered forwarding state", 6),
            (f"IPv6: ADDRCONF(NETDEV_CHANGE): {veth}: link becomes ready", 6),
            ("TCP: request_sock_TCP: Possible SYN flooding on port 8080. Sending cookies.", 4),
            ("Memory cgroup out of memory: Killed process 20417 (java) total-vm:2416172kB", 3),
        )
        message, priority = self._rng.choice(messages)
        self._chronicle.node_line(self._rng.choice(NODES), "kernel", message, priority=priority)
        return True
