"""A gateway whose figures go by the test's clock, and how tests read them."""

from typing import Any

from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

from kjournal.api.metrics import Metrics
from kjournal.api.routes import Routes, Surface
from tests.unit.api.serving import Server, Step


def observed(api: Server, guard: Any = None) -> Metrics:
    """Count by the test's clock, and return what counts."""

    async def admit(_: object) -> None:
        """Let everything pass."""

    metrics = Metrics(api.clock.seconds)
    surface = Surface(
        resources=api.resources, token_key=b"k" * 32, health=api.health, metrics=metrics
    )
    routes = Routes(surface).app.resource()
    api.guarded_by(guard or Step(admit), routes, metrics)
    return metrics


def families(metrics: Metrics) -> dict[str, Metric]:
    """Return what Prometheus reads, by the name that the family is shown under."""
    text = metrics.render().decode()
    shown = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    return dict(zip(shown, text_string_to_metric_families(text), strict=True))


def value(metrics: Metrics, name: str, **labels: str) -> float:
    """Return the sum of the samples of that name whose labels are so, 0 if there is none.

    The name of each counter ends in _total here, as the parser sees to that.
    """
    every = (sample for family in families(metrics).values() for sample in family.samples)
    return sum(
        sample.value
        for sample in every
        if sample.name == name and labels.items() <= sample.labels.items()
    )
