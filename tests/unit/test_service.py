"""The wiring: what settings come to in tails and tokens."""

from pathlib import Path

import pytest
from twisted.internet.task import Clock

from kjournal.config.model import APISettings, WatchSettings
from kjournal.errors import ConfigError
from kjournal.query.resource_version import STEP
from kjournal.resources import limits_of, resource_of
from kjournal.service import token_key_of
from kjournal.tail.figures import TailLimits
from kjournal.tail.tail import Tail
from tests.fakes.memory_store import MemoryBackend
from tests.results import success

SECRET = "0123456789abcdef" * 4


def test_limits() -> None:
    """Settings and tails agree on what nobody has set, and on what somebody has."""
    assert limits_of(WatchSettings()) == TailLimits()
    found = WatchSettings(resume_window_s=3600, resume_overlap_s=2.5, cache_bytes=64 << 20)
    assert limits_of(found) == TailLimits(
        resume_window_s=3600, resume_overlap_s=2.5, window_bytes=64 << 20
    )


def test_a_shared_key_is_the_same_in_all_processes() -> None:
    """And one that is not shared is nobody else's."""
    shared = WatchSettings(continue_token_key=SECRET)
    assert token_key_of(shared) == token_key_of(WatchSettings(continue_token_key=SECRET))
    assert token_key_of(shared) != token_key_of(WatchSettings(continue_token_key=SECRET + "x"))
    assert len(token_key_of(shared)) == 32
    assert token_key_of(WatchSettings()) != token_key_of(WatchSettings())
    assert len(token_key_of(WatchSettings())) == 32


def test_limits_reach_the_tail() -> None:
    """A kind's tail is bounded as the settings say."""
    clock = Clock()
    clock.rightNow = 1_700_000_000.0
    watch = WatchSettings(resume_window_s=60, cache_bytes=5 << 20)
    api = APISettings(resource="logs", refresh_rate_s=7.0)
    tail: Tail = resource_of(api, MemoryBackend(), clock, watch).tail
    assert tail.hub.window.max_bytes == 5 << 20
    version = success(tail.checkpoint()).resource_version
    assert version - int(clock.seconds() * 1e6) < 2 * STEP
    assert tail.checkpoint_at(version).resource_version == version
    success(tail.stop())


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """It is a mistake in the settings, told at the start."""
    api = APISettings(resource="logs")
    watch = WatchSettings(state_dir=str(tmp_path / "missing"))
    with pytest.raises(ConfigError, match="--state-dir"):
        resource_of(api, MemoryBackend(), Clock(), watch)
