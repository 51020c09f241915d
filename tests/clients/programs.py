"""The clients as processes: what is started, how its output is read, and when it is begun again."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import attrs

from kjournal.codec import load_json
from tests.clients.tally import Tally
from tests.clients.writer import NAMESPACE
from tests.rig_fixtures import Kube
from tests.rig_servers import CACHE, ROOT, Recipe

GO = Path(__file__).parent / "go"
GO_RECIPE = Recipe(
    script=GO / "build.sh", done=CACHE / "bin" / "clients", tools=("go", "flock", "sha256sum")
)
KUBECTL_PAUSE_S = 0.5
USER, GROUP = "follower", "log-readers"

Lines = Callable[[Iterable[str]], Iterator[dict[str, Any]]]


def lines_of_json(output: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield one document for each line, as go/ and python_loop.py print."""
    for line in output:
        yield load_json(line.encode())


def lines_of_kubectl(output: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield what `--output-watch-events -o json` says; the first that comes is of a list.

    A list of one page comes as its objects; each of several pages comes as one ADDED of a list.
    """
    listed = False
    for line in output:
        event = load_json(line.encode())
        found = event["object"]
        if event["type"] == "ERROR":
            # Where its stream breaks, kubectl prints a Status of its own, which has no kind.
            yield {"type": "ERROR", "code": found["code"], "reason": found["reason"]}
            continue
        if not listed:
            listed = True
            yield {"type": "LIST"}
        for item in found.get("items", [found]):
            metadata = item["metadata"]
            yield {
                "type": event["type"],
                "name": metadata["name"],
                "uid": metadata["uid"],
                "resourceVersion": metadata["resourceVersion"],
                "number": item["payload"]["number"],
            }


@attrs.frozen(kw_only=True)
class Program:
    """One client: its command, and how its output is read."""

    name: str
    command: tuple[str, ...]
    lines: Lines = lines_of_json
    env: dict[str, str] = attrs.field(factory=dict)
    again: bool = False
    """Whether it is begun again when it ends, as users of kubectl do."""


def programs(kube: Kube) -> tuple[Program, ...]:
    """Return every client, all as one user who may read logs."""
    kubeconfig = kube.user(USER, GROUP)
    follow = ("get", "containerlogs", "-n", NAMESPACE, "-w", "--output-watch-events", "-o", "json")
    go = (str(GO_RECIPE.done), f"--kubeconfig={kubeconfig}", f"--namespace={NAMESPACE}")
    python = (sys.executable, "-m", "tests.clients.python_loop", str(kubeconfig), NAMESPACE)
    return (
        Program(
            name="kubectl get -w, in a loop",
            command=tuple(kube.kubectl_command(*follow, kubeconfig=kubeconfig)),
            lines=lines_of_kubectl,
            again=True,
        ),
        Program(
            name="informer, WatchList",
            command=go,
            env={"KUBE_FEATURE_WatchListClient": "true"},
        ),
        Program(
            name="informer, list and watch",
            command=go,
            env={"KUBE_FEATURE_WatchListClient": "false"},
        ),
        Program(name="RetryWatcher", command=(*go, "--mode=retrywatcher")),
        Program(name="Python Watch", command=python),
    )


class Running:
    """A client that runs, and what it has been told."""

    def __init__(self, program: Program, folder: Path) -> None:
        self.program, self.tally = program, Tally()
        self._errors = folder / f"{program.name.replace(' ', '-').replace(',', '')}.stderr"
        self._ending = threading.Event()
        self._failure: list[BaseException] = []
        self._process = self._start()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _start(self) -> subprocess.Popen[str]:
        with self._errors.open("a") as errors:
            return subprocess.Popen(
                self.program.command,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=ROOT,
                env={**os.environ, **self.program.env},
            )

    def _run(self) -> None:
        try:
            while True:
                output = self._process.stdout
                assert output is not None
                self._read(output)
                self._process.wait()
                # A client that loops waits before it asks again, as a shell's `sleep` would.
                if not self.program.again or self._ending.wait(KUBECTL_PAUSE_S):
                    return
                self._process = self._start()
                if self._ending.is_set():
                    # stop() may have looked at the process before this one.
                    self._process.terminate()
        except BaseException as failure:
            self._failure.append(failure)

    def _read(self, output: IO[str]) -> None:
        with output:
            for line in self.program.lines(output):
                self.tally.add(line, time.monotonic())

    def check(self) -> None:
        """Raise where the client has ended, or could not be understood."""
        for failure in self._failure:
            raise failure
        ended = not self._thread.is_alive() and not self._ending.is_set()
        assert not ended, f"{self.program.name} ended:\n{self.errors()}"

    def stop(self) -> None:
        """End it."""
        self._ending.set()
        if self._process.poll() is None:
            self._process.terminate()
        self._thread.join(60)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def errors(self) -> str:
        """Return the end of what it wrote to stderr."""
        return self._errors.read_text(errors="replace")[-4000:]
