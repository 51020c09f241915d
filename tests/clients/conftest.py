"""The client-go program, built once and kept beside the servers of the rig."""

import pytest

from tests.clients.programs import GO_RECIPE
from tests.rig_fixtures import Teller, build


@pytest.fixture(scope="session")
def clients_built(teller: Teller) -> None:
    """Build the client-go program, or skip."""
    build(GO_RECIPE, "client-go", teller)
