"""What came of a run: what may not be, and a table of the rest."""

from collections.abc import Sequence

import attrs

from tests.clients.tally import Tally, lag_s

SHOWN = 5
HEADS = (
    "client",
    "documents",
    "lost",
    "repeated",
    "listed again",
    "new resourceVersion",
    "lists",
    "watches",
    "410",
    "other refusals",
    "lag s, median / greatest",
    "seconds",
)


@attrs.frozen(kw_only=True)
class Plan:
    """What is run."""

    seconds: float
    """How long is written; the restart comes at half of it."""
    rate: float = 100
    """Documents a second."""
    crash: bool = False
    """Whether the gateway is killed rather than asked to end."""
    backlog: int = 600
    """Documents that are there before any client is: more than one page of kubectl's."""


@attrs.frozen(kw_only=True)
class Row:
    """What became of one client."""

    client: str
    written_s: dict[int, float]
    """When each number of its namespace was acknowledged."""
    foreign: set[int]
    """The numbers of another namespace."""
    tally: Tally
    repeated_early: int = 0
    """What was repeated before the restart."""
    seconds: float
    """From its start until it had everything, or was given up."""
    errors: str = ""
    """The end of its stderr."""

    @property
    def lost(self) -> list[int]:
        """The numbers that it was never told."""
        return sorted(set(self.written_s) - self.tally.numbers())

    def mistakes(self) -> list[str]:
        """Return what may not be, each with examples."""
        found: dict[str, Sequence[object]] = {
            "lost": self.lost,
            "of another namespace": sorted(self.tally.numbers() & self.foreign),
            "under two uids": range(self.tally.twice()),
            "renamed": self.tally.renamed,
            "deleted": self.tally.taken,
            "repeated before the restart": range(self.repeated_early),
        }
        return [
            f"{self.client}: {len(values)} {what}: {list(values[:SHOWN])}"
            for what, values in found.items()
            if values
        ]

    def cells(self) -> tuple[object, ...]:
        """Return its line of the table."""
        tally = self.tally
        median_s, greatest_s = lag_s(self.written_s, tally.first_s)
        return (
            *(self.client, len(self.written_s), len(self.lost), tally.repeated, tally.again),
            *(tally.versions, tally.lists, tally.watches or "-", tally.expired, tally.refused),
            *(f"{median_s:.1f} / {greatest_s:.1f}", f"{self.seconds:.0f}"),
        )


@attrs.frozen(kw_only=True)
class Outcome:
    """What became of all, and how long the gateway was away."""

    plan: Plan
    down_s: float
    rows: tuple[Row, ...]

    def mistakes(self) -> list[str]:
        """Return what may not be, and the stderr of whom it happened to."""
        found = [(row, row.mistakes()) for row in self.rows]
        return [
            line for row, mistakes in found if mistakes for line in (*mistakes, row.errors) if line
        ]

    def table(self) -> str:
        """Return it as Markdown."""
        how = "SIGKILL" if self.plan.crash else "SIGTERM"
        head = (
            f"{self.plan.rate:g} documents/s for {self.plan.seconds:g} s, gateway restarted by "
            f"{how} at half time ({self.down_s:.1f} s away)"
        )
        lines = [HEADS, ("---",) * len(HEADS), *(row.cells() for row in self.rows)]
        table = "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)
        return f"{head}\n\n{table}"
