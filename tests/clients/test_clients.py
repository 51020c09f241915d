"""Real clients through a real kube-apiserver lose nothing, though the gateway is restarted.

KJOURNAL_CLIENTS_MINUTES=10 makes each run that long; `python -m tests.clients` does without pytest.
"""

import os
from pathlib import Path

import pytest

from tests.clients.report import Plan
from tests.clients.story import told
from tests.rig_fixtures import Kube, Teller

SHORT_S = 16.0
MINUTES = float(os.environ.get("KJOURNAL_CLIENTS_MINUTES", "0"))


@pytest.mark.usefixtures("clients_built")
@pytest.mark.parametrize("crash", [False, True], ids=["SIGTERM", "SIGKILL"])
def test_no_client_loses_anything(
    kube: Kube, elasticsearch_url: str, teller: Teller, tmp_path: Path, crash: bool
) -> None:
    """kubectl, informers, RetryWatcher and Python see each document of their namespace."""
    plan = Plan(seconds=MINUTES * 60 or SHORT_S, crash=crash)
    outcome = told(kube, elasticsearch_url, tmp_path, plan, teller)
    assert not outcome.mistakes(), f"{outcome.mistakes()}\n{outcome.table()}"
