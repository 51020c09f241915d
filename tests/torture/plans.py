"""What the processes of a scenario are told, as JSON on a command line."""

from typing import Any, TypeVar

import attrs

from kjournal.codec import dump_json, load_json
from tests.torture.lines import Mix

Plan = TypeVar("Plan", "WritePlan", "WatchPlan")


@attrs.frozen(kw_only=True)
class WritePlan:
    """What the writers do: `documents` in all, at `rate` a second, into `targets`."""

    urls: tuple[str, ...]
    targets: tuple[str, ...]
    acks: str
    documents: int
    rate: float
    seed: int
    mix: Mix = attrs.field(factory=Mix)
    later: dict[str, float] = attrs.field(factory=dict)
    """Further targets, once so much of all is written."""
    own_ids: float = 0.5
    updates: float = 0.0
    deletes: float = 0.0


@attrs.frozen(kw_only=True)
class WatchPlan:
    """What the watchers do, at gateways of which they choose one for each connection."""

    urls: tuple[str, ...]
    watchers: int
    numbers: int
    seed: int
    within_s: float
    """In this time all watchers begin; half of them at once."""
    stay_s: float = 3.0
    """How long a connection is kept, on average."""
    lazy: float = 0.0
    """How many of the watchers stop reading now and then."""
    updates: bool = False
    patience_s: float = 30.0
    """So long after the last news the watchers wait for what is missing."""


def encode(plan: WritePlan | WatchPlan) -> str:
    """Return a plan as an argument."""
    return dump_json(attrs.asdict(plan)).decode()


def decode(kind: type[Plan], text: str) -> Plan:
    """Return the plan that an argument says."""
    values: dict[str, Any] = load_json(text)
    if "mix" in values:
        values["mix"] = Mix(**values["mix"])
    for name in ("urls", "targets"):
        if name in values:
            values[name] = tuple(values[name])
    return kind(**values)
