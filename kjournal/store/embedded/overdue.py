"""Records that are older than the retention when they arrive: acknowledged, and gone at once."""

from collections.abc import Sequence

from twisted.logger import Logger

from kjournal.codec import MICROSECONDS

TOLD_EVERY_US = 60 * MICROSECONDS


class Overdue:
    """Counts such records as they are removed, and tells the operator, once a minute at most.

    A record whose age time is before the bound of an earlier sweep was not there then. Until the
    first sweep is over nobody knows: the process may have been down for long.
    """

    _log = Logger()

    def __init__(self, file_name: str) -> None:
        self._file_name = file_name
        self._swept_us: int | None = None
        self._count = 0
        self._told_us: int | None = None

    def removed(self, ages_us: Sequence[int]) -> None:
        """Count, of records that a sweep removes, those that it had removed before."""
        swept_us = self._swept_us
        if swept_us is not None:
            self._count += sum(age_us < swept_us for age_us in ages_us)

    def swept(self, before_us: int) -> None:
        """Know that nothing older than this is left."""
        self._swept_us = before_us

    def tell(self, now_us: int) -> None:
        """Tell the operator, if there is something to tell and it is time."""
        waits = self._told_us is not None and now_us < self._told_us + TOLD_EVERY_US
        if not self._count or waits:
            return
        self._log.warn(
            "{file}: {count} records were older than maxAge when they arrived, and were removed; "
            "see the clocks of their senders, and the timestampFields",
            file=self._file_name,
            count=self._count,
        )
        self._count, self._told_us = 0, now_us
