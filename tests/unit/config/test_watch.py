"""How far back lists and watches go on: flags, defaults, and a key that cannot be guessed."""

import pytest

from kjournal.config.model import WatchSettings
from kjournal.errors import ConfigError
from tests.unit.config.command_line import settings_from

SECRET = "0123456789abcdef" * 4
FILES = {
    "/key": f"{SECRET}\n".encode(),
    "/least": b"k" * 32,
    "/short": b"k" * 31 + b"\n",
    "/empty": b"\n",
    "/lines": b"k" * 40 + b"\n" + b"k" * 40,
    "/bytes": b"\xff" * 64,
}
KEY_FLAG = "--continue-token-key-file"

settings = settings_from(FILES, {})


def mistakes_of(*arguments: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        settings(*arguments)
    return [str(one) for one in caught.value.mistakes]


def test_defaults() -> None:
    """A quarter of an hour, ten seconds, 256 MiB, and no shared key."""
    found = settings().watch
    assert found == WatchSettings()
    assert (found.resume_window_s, found.resume_overlap_s) == (900, 10)
    assert (found.cache_bytes, found.continue_token_key) == (256 << 20, "")


def test_values() -> None:
    """Each flag is parsed into its setting."""
    found = settings(
        "--resume-window=1h",
        "--resume-overlap=2.5",
        "--watch-cache-size=64Mi",
        f"{KEY_FLAG}=/key",
    ).watch
    assert found == WatchSettings(
        resume_window_s=3600,
        resume_overlap_s=2.5,
        cache_bytes=64 << 20,
        continue_token_key=SECRET,
    )


def test_time_overlap() -> None:
    """How late lines may come is the backend's, by flag or by file."""
    backend = settings("--es-url=http://es", "--es-time-overlap=90").backend
    assert getattr(backend, "time_overlap_s", None) == 90
    default = settings("--es-url=http://es").backend
    assert getattr(default, "time_overlap_s", None) == 60


def test_time_overlap_in_the_file() -> None:
    """The flag counts before the file."""
    FILES["/config"] = (
        b"apiVersion: config.kjournal/v1alpha1\nkind: APIServerConfig\n"
        b"backend: {elasticsearch: {url: http://es, timeOverlap: 2m}}\napis: [{resource: logs}]\n"
    )
    backend = settings("--config=/config").backend
    assert getattr(backend, "time_overlap_s", None) == 120
    backend = settings("--config=/config", "--es-time-overlap=5").backend
    assert getattr(backend, "time_overlap_s", None) == 5


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("--resume-window=0s", '--resume-window: found "0s"; allowed: a duration of at least'),
        ("--shutdown-delay-duration=soon", '--shutdown-delay-duration: found "soon"; allowed: a'),
        ("--shutdown-delay-duration=2h", '--shutdown-delay-duration: found "2h"; allowed: a'),
        ("--shutdown-delay-duration=10", '--shutdown-delay-duration: found "10"; allowed: a dur'),
        ("--max-requests-inflight=-1", '--max-requests-inflight: found "-1"; allowed: an integer'),
        ("--max-requests-inflight=many", '--max-requests-inflight: found "many"'),
        ("--resume-window=soon", '--resume-window: found "soon"'),
        ("--resume-window=", "--resume-window: found an empty text"),
        ("--resume-overlap=0", '--resume-overlap: found "0"; allowed: seconds above 0'),
        ("--resume-overlap=-3", '--resume-overlap: found "-3"'),
        ("--watch-cache-size=1", '--watch-cache-size: found "1"; allowed: bytes, at least 1Mi'),
        ("--watch-cache-size=many", '--watch-cache-size: found "many"'),
        (f"{KEY_FLAG}=/none", f'{KEY_FLAG}: found "/none" (No such file or directory)'),
        (f"{KEY_FLAG}=/short", f"{KEY_FLAG}: found a key of 31 characters; allowed: a line of"),
        (f"{KEY_FLAG}=/empty", f"{KEY_FLAG}: found a file that holds no secret"),
        (f"{KEY_FLAG}=/lines", f"{KEY_FLAG}: found a file that holds no secret"),
        (f"{KEY_FLAG}=/bytes", f"{KEY_FLAG}: found a file that holds no secret"),
        ("--es-time-overlap=60", "--es-time-overlap: found no Elasticsearch"),
    ],
)
def test_mistakes(argument: str, expected: str) -> None:
    """What cannot be is refused, with what could be."""
    (found,) = mistakes_of(argument)
    assert found.startswith(expected)


def test_the_least_key() -> None:
    """So long a key is taken."""
    assert settings(f"{KEY_FLAG}=/least").watch.continue_token_key == "k" * 32


def test_the_key_is_not_shown() -> None:
    """Neither whole in what is printed of settings, nor in a mistake."""
    assert SECRET not in repr(settings(f"{KEY_FLAG}=/key"))
    assert "kkk" not in "".join(mistakes_of(f"{KEY_FLAG}=/short"))


@pytest.mark.parametrize(
    ("given", "most", "delay_s"),
    [
        ((), 400, 0.0),
        (("--max-requests-inflight=0", "--shutdown-delay-duration=0"), 0, 0.0),
        (("--max-requests-inflight=7", "--shutdown-delay-duration=1m30s"), 7, 90.0),
    ],
)
def test_how_much_and_how_long(given: tuple[str, ...], most: int, delay_s: float) -> None:
    """So many requests are served at once, and so long after a signal to end."""
    serving = settings(*given).serving
    assert (serving.max_requests_inflight, serving.shutdown_delay_s) == (most, delay_s)
