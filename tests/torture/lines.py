"""The documents of the torture test: all that a view can ask of one follows from its number."""

import random
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import attrs

from kjournal.codec import MICROSECONDS, format_micros

WRITERS = 8
_NAMESPACES, _APPS, _PODS, _LEVELS = 4, 5, 12, ("info", "warn", "error")
_HOUR_S = 3600.0
_BIG_BYTES = 50_000


def _mixed(number: int) -> int:
    """Return a number in which every digit depends on all of `number`."""
    value = (number * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
    return (value ^ (value >> 29)) >> 8


@attrs.frozen
class Traits:
    """What views select by."""

    namespace: str
    app: str
    pod: str
    level: str
    writer: str


@lru_cache(maxsize=1 << 19)
def traits_of(number: int) -> Traits:
    """Return the traits of a document."""
    mixed = _mixed(number)
    return Traits(
        namespace=f"ns-{mixed % _NAMESPACES}",
        app=f"app-{mixed // 7 % _APPS}",
        pod=f"pod-{mixed // 61 % _PODS}",
        level=_LEVELS[mixed // 977 % len(_LEVELS)],
        writer=str(number % WRITERS),
    )


@attrs.frozen(kw_only=True)
class Mix:
    """What a scenario's documents are like, as parts of all."""

    late: float = 0.0
    early: float = 0.0
    big: float = 0.0


def document(
    number: int, revision: int, now_s: float, mix: Mix, dice: random.Random
) -> dict[str, Any]:
    """Return a document as fluent-bit writes it; `revision` counts its writings, from 0."""
    traits = traits_of(number)
    kind, time_s = dice.random(), now_s
    if kind < mix.late:
        time_s -= _HOUR_S
    elif kind < mix.late + mix.early:
        time_s += _HOUR_S
    text = f"line {number}"
    if dice.random() < mix.big:
        text += " " + dice.randbytes(_BIG_BYTES // 2).hex()
    return {
        "@timestamp": format_micros(int(time_s * MICROSECONDS)),
        "log": text,
        "stream": "stdout",
        "level": traits.level,
        "n": number,
        "v": revision,
        "w": int(traits.writer),
        "kubernetes": {
            "namespace_name": traits.namespace,
            "pod_name": traits.pod,
            "container_name": "main",
            "host": f"worker-{traits.writer}",
            "labels": {"app": traits.app},
        },
    }


@attrs.frozen(kw_only=True)
class LineView:
    """What a watcher asks for."""

    namespace: str = ""
    label: str = ""
    field: str = ""

    @property
    def parameters(self) -> dict[str, str]:
        """The query parameters that say it."""
        pairs = {"labelSelector": self.label, "fieldSelector": self.field}
        return {name: value for name, value in pairs.items() if value}

    def compiled(self) -> Callable[[int], bool]:
        """Return what tells whether a document is in the view; not by the gateway's reading."""
        parts = [part for part in (self.label, *self.field.split(",")) if part]
        wanted = [_wanted(part) for part in parts]
        if self.namespace:
            wanted.append(("namespace", frozenset({self.namespace}), True))

        def holds(number: int) -> bool:
            traits = traits_of(number)
            return all((getattr(traits, name) in values) is met for name, values, met in wanted)

        return holds


_TRAIT = {
    "app": "app",
    "pod": "pod",
    "payload.level": "level",
    "payload.w": "writer",
    "metadata.namespace": "namespace",
}


def _wanted(requirement: str) -> tuple[str, frozenset[str], bool]:
    """Return a trait, values, and whether it must be one of them."""
    for sign, met in (("!=", False), ("=", True)):
        name, found, value = requirement.partition(sign)
        if found:
            return _TRAIT[name], frozenset({value}), met
    name, _, rest = requirement.partition(" in ")
    return _TRAIT[name], frozenset(rest.strip("()").split(",")), True


def random_view(dice: random.Random) -> LineView:
    """Return a view of all, or of some."""
    namespace = f"ns-{dice.randrange(_NAMESPACES)}"
    app, pod = f"app-{dice.randrange(_APPS)}", f"pod-{dice.randrange(_PODS)}"
    level = dice.choice(_LEVELS)
    views = (
        LineView(),
        LineView(),
        LineView(namespace=namespace),
        LineView(namespace=namespace),
        LineView(label=f"app={app}"),
        LineView(label=f"app in (app-0,{app})"),
        LineView(label=f"app!={app}"),
        LineView(field=f"pod={pod}"),
        LineView(field=f"payload.level={level}"),
        LineView(field=f"payload.w={dice.randrange(WRITERS)}"),
        LineView(field=f"metadata.namespace={namespace},payload.level!={level}"),
        LineView(namespace=namespace, label=f"app={app}"),
        LineView(namespace=namespace, field=f"payload.level={level}"),
    )
    return dice.choice(views)
