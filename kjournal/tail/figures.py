"""What an operator can set of a tail, and what it tells of itself."""

from collections import Counter

import attrs


@attrs.frozen(kw_only=True)
class TailLimits:
    """How far back watches resume, in seconds, and how many bytes of events are kept for them.

    `resume_overlap_s`: what another process published shortly before is given again, since what
    each has seen at a moment differs by as much: by the refresh of copies, by clocks.
    """

    resume_window_s: float = 15 * 60.0
    resume_overlap_s: float = 10.0
    window_bytes: int = 256 * 1024 * 1024


@attrs.define
class Figures:
    """Counts and gauges of one tail, for /metrics.

    `caught_up_s` is when the latest poll began that left nothing to be had. `unsettled` records
    are above the settled marks of their shards; `inexact` indices are followed by time.
    `resumes` counts watches that came with a resourceVersion, by how they were served.
    """

    unplaced: int = 0
    starts: int = 0
    polls: int = 0
    slow_closes: int = 0
    unsettled: int = 0
    inexact: int = 0
    caught_up_s: float | None = None
    failing_since_s: float | None = None
    resumes: Counter[str] = attrs.field(factory=Counter)
