"""What a scenario came to, and tables of it."""

from collections.abc import Mapping, Sequence

import attrs

_COLUMNS = (
    "scenario",
    "documents",
    "watchers",
    "shown",
    "connections",
    "lost",
    "repeated in one process",
    "repeated across processes",
    "repeated after a break",
    "expired",
    "wrong",
    "seconds",
)

_SHOWN = 4000


@attrs.frozen(kw_only=True)
class Outcome:
    """The counts of one scenario, summed over its watchers."""

    scenario: str
    documents: int
    watchers: int
    shown: int = 0
    connections: int = 0
    lost: int = 0
    repeated: int = 0
    across: int = 0
    broken: int = 0
    expired: int = 0
    wrong: int = 0
    gone: int = 0
    """Acknowledged by the store, and not in it any more."""
    seconds: float = 0.0
    exact: bool = True
    counts: Mapping[str, int] = attrs.field(factory=dict)
    """All counts of the watchers."""
    phases: Mapping[str, float] = attrs.field(factory=dict)
    """How long each took, in seconds."""
    details: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Nothing lost, and nothing twice where that is promised."""
        return not self.lost and not self.wrong and not (self.exact and self.repeated)

    def row(self) -> list[str]:
        """Return the columns as text."""
        counts = (self.documents, self.watchers, self.shown, self.connections, self.lost)
        more = (self.repeated, self.across, self.broken, self.expired, self.wrong)
        return [self.scenario, *(f"{count:,}" for count in counts + more), f"{self.seconds:.0f}"]


def table(outcomes: Sequence[Outcome]) -> str:
    """Return a table for a terminal."""
    rows = [list(_COLUMNS), *(outcome.row() for outcome in outcomes)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(_COLUMNS))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def markdown(outcomes: Sequence[Outcome]) -> str:
    """Return the same as Markdown."""
    lines = ["| " + " | ".join(_COLUMNS) + " |", "|---" + "|---:" * (len(_COLUMNS) - 1) + "|"]
    lines += ["| " + " | ".join(outcome.row()) + " |" for outcome in outcomes]
    return "\n".join(lines) + "\n"


def details(outcome: Outcome) -> str:
    """Return what is known of what went wrong."""
    counts = ", ".join(f"{count:,} {name}" for name, count in sorted(outcome.counts.items()))
    phases = ", ".join(f"{name} {spent_s:.1f} s" for name, spent_s in outcome.phases.items())
    head = [f"{outcome.scenario}: {outcome.gone} gone from the store; {counts}", phases]
    return "\n  ".join([*head, *outcome.details])


def around(log: str, line: str) -> str:
    """Return a line of a log, and what follows it."""
    at = log.find(line)
    return log[at : at + _SHOWN]
