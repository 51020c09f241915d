"""What every test shares: a logged Failure that nobody expected fails the test that caused it."""

from collections.abc import Iterator

import pytest
from twisted.logger import LogEvent, globalLogPublisher

pytest_plugins = ["tests.rig_fixtures"]


class LoggedFailures:
    """The failures logged during a test; `clear` says that they were expected."""

    def __init__(self) -> None:
        self.events: list[LogEvent] = []

    def __call__(self, event: LogEvent) -> None:
        if event.get("log_failure") is not None:
            self.events.append(event)

    def clear(self) -> None:
        """The failures so far were expected."""
        self.events.clear()


@pytest.fixture(autouse=True)
def logged_failures() -> Iterator[LoggedFailures]:
    """Collect logged failures, and fail the test if any is left at its end."""
    seen = LoggedFailures()
    globalLogPublisher.addObserver(seen)
    try:
        yield seen
    finally:
        globalLogPublisher.removeObserver(seen)
    left = [event["log_failure"].getTraceback() for event in seen.events]
    assert not left, "logged and not expected:\n" + "\n".join(left)
