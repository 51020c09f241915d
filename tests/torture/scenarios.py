"""The scenarios by name."""

from tests.torture import actions
from tests.torture.lines import Mix
from tests.torture.stage import DAYS, Scenario

_ASYNC = {"translog.durability": "async", "translog.sync_interval": "5s"}

_ONE_NODE = [
    Scenario(name="steady", doc="Nothing happens."),
    Scenario(
        name="late-lines",
        doc="Event times of one hour ago, and of the next hour.",
        mix=Mix(late=0.2, early=0.2),
    ),
    Scenario(
        name="big-lines",
        doc="Lines of 50 KB among small ones.",
        mix=Mix(big=0.02),
        rate=800,
        documents=50_000,
    ),
    Scenario(
        name="multi-shard",
        doc="Indices of three and of five shards, and one of one.",
        indices={
            "three": {"number_of_shards": 3},
            "five": {"number_of_shards": 5},
            "one": {},
        },
        short=True,
    ),
    Scenario(
        name="rollover",
        doc="An alias and a data stream roll over, daily indices come.",
        prepare=actions.prepare_rollover,
        act=actions.roll_over,
        indices={actions.FIRST: {}},
        targets=("alias", "stream"),
        later={"2026.11.23": 0.3, "2026.11.24": 0.6},
        short=True,
    ),
    Scenario(
        name="index-deleted",
        doc="Indices are deleted, and made again under their names.",
        act=actions.delete_and_make_again,
        short=True,
    ),
    Scenario(
        name="index-closed",
        doc="An index is closed, and opened again.",
        act=actions.close_and_open,
        # It comes again as a whole: whoever listed meanwhile has nothing of it.
        exact=False,
        documents=50_000,
    ),
    Scenario(
        name="updates",
        doc="Documents are updated and deleted.",
        updates=0.2,
        deletes=0.05,
        own_ids=1.0,
        short=True,
    ),
    Scenario(
        name="refresh-100ms", doc="Refreshes come fast.", settings={"refresh_interval": "100ms"}
    ),
    Scenario(name="refresh-1s", doc="As is usual.", settings={"refresh_interval": "1s"}),
    Scenario(name="refresh-5s", doc="Refreshes are rare.", settings={"refresh_interval": "5s"}),
    Scenario(
        name="refresh-explicit",
        doc="Only who asks refreshes.",
        settings={"refresh_interval": "-1"},
        act=actions.refresh_now_and_then,
    ),
    Scenario(
        name="all-nodes-killed",
        doc="The only node is killed, durability async: acknowledged documents are lost.",
        settings=_ASYNC,
        act=actions.kill_all_nodes,
        durable=False,
        short=True,
    ),
    Scenario(
        name="gateway-killed",
        doc="The gateway is killed and started again.",
        gateways=1,
        act=actions.restart_the_gateway,
        short=True,
    ),
    Scenario(
        name="two-gateways",
        doc="Watchers move between two replicas.",
        gateways=2,
        stay_s=6.0,
        rate=1000,
        short=True,
    ),
    Scenario(
        name="small-cache",
        doc="The gateway keeps so few events that most watches resume from the store.",
        flags=("--watch-cache-size=1Mi",),
        stay_s=6.0,
        rate=1000,
        documents=50_000,
    ),
    Scenario(
        name="short-window",
        doc="Watches resume for five seconds only, and list again later.",
        flags=("--resume-window=5s",),
        documents=50_000,
    ),
    Scenario(
        name="network-stall",
        doc="Nothing passes between gateway and store for 20 s.",
        proxied=True,
        act=actions.stall_the_network,
    ),
    Scenario(
        name="network-cut",
        doc="Connections between gateway and store are cut.",
        proxied=True,
        act=actions.cut_the_network,
    ),
    Scenario(
        name="client-stops-reading",
        doc="One watcher in five stops reading for a while, with big lines.",
        mix=Mix(big=0.05),
        lazy=0.2,
        rate=500,
        documents=25_000,
        short=True,
    ),
    Scenario(
        name="no-sequence-numbers",
        doc="One index has no sequence numbers, and is followed by time.",
        indices={**DAYS, "numberless": {"disable_sequence_numbers": True}},
        exact=False,
    ),
]

_THREE_NODES = [
    Scenario(name="one-replica", doc="Three nodes, one replica.", nodes=3),
    Scenario(
        name="two-replicas",
        doc="Three nodes, two replicas.",
        nodes=3,
        settings={"number_of_replicas": 2},
        short=True,
    ),
    Scenario(
        name="two-gateways-replicas",
        doc="Watchers move between two replicas of the gateway, which read different copies.",
        nodes=3,
        settings={"number_of_replicas": 2, "refresh_interval": "1s"},
        gateways=2,
        stay_s=2.0,
        rate=1000,
        documents=50_000,
    ),
    Scenario(
        name="replicas-come-and-go",
        doc="Replicas are taken away and made again.",
        nodes=3,
        act=actions.move_shards,
    ),
    Scenario(
        name="replica-stalled",
        doc="A node with a replica stands still for 10 s, twice.",
        nodes=3,
        act=actions.stall_a_replica,
    ),
    Scenario(
        name="primary-killed",
        doc="A node with a primary is killed and comes back, durability request.",
        nodes=3,
        act=actions.kill_a_primary,
        short=True,
    ),
    Scenario(
        name="primary-killed-async",
        doc="The same, durability async.",
        nodes=3,
        settings=_ASYNC,
        act=actions.kill_a_primary,
        durable=False,
    ),
    Scenario(
        name="all-nodes-killed-replicas",
        doc="All three nodes are killed, two replicas, durability async.",
        nodes=3,
        settings={"number_of_replicas": 2, **_ASYNC},
        act=actions.kill_all_nodes,
        durable=False,
    ),
]

SCENARIOS = {scenario.name: scenario for scenario in _ONE_NODE + _THREE_NODES}
