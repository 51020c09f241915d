"""A gateway for each test."""

import pytest

from tests.unit.api.serving import Server, server


@pytest.fixture
def api() -> Server:
    """Return an empty gateway."""
    return server()
