"""From flags to how far back lists and watches go on."""

from typing import Any

from kjournal.config.flags import Flags
from kjournal.config.model import WatchSettings
from kjournal.config.units import parse_age_s, parse_seconds, parse_size_bytes

# Shorter ones can be guessed, and with them the views of other users be listed.
_LEAST_KEY = 32


def watch_of(flags: Flags) -> WatchSettings:
    """Return the settings of watches and continue tokens, with mistakes noted in `flags`."""
    key = flags.secret("continue-token-key-file")
    if key and len(key) < _LEAST_KEY:
        allowed = f"a line of at least {_LEAST_KEY} characters, such as `openssl rand -hex 32` says"
        flags.refuse("continue-token-key-file", f"a key of {len(key)} characters", allowed)
    values: dict[str, Any] = {
        "resume_window_s": flags.parsed("resume-window", parse_age_s),
        "resume_overlap_s": flags.parsed("resume-overlap", parse_seconds),
        "cache_bytes": flags.parsed("watch-cache-size", parse_size_bytes),
        "state_dir": flags.text("state-dir"),
        "continue_token_key": key,
    }
    return WatchSettings(**{name: value for name, value in values.items() if value})
