"""A tail for each test."""

import pytest

from tests.unit.tail.tailing import Rig, rig_of


@pytest.fixture
def rig() -> Rig:
    """Return a tail that has not begun."""
    return rig_of()
