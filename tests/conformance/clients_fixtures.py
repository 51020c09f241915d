"""The programs of go/, go-old/ and programs/: built, run, and read line by line."""

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any
from uuid import uuid4

import pytest

from tests.conformance.served import Served
from tests.integration.stories import container_line, path_of
from tests.rig_fixtures import Kube, Teller, build
from tests.rig_servers import CACHE, ROOT, Recipe, run

PATIENCE_S = 90
Found = dict[str, Any]


def recipe_of(module: str) -> Recipe:
    """Return how the program of a Go module beside this file is built."""
    return Recipe(
        script=Path(__file__).parent / "go" / "build.sh",
        done=CACHE / "bin" / f"conformance-{module}",
        tools=("go", "flock", "sha256sum"),
        env={"KJOURNAL_CONFORMANCE_MODULE": module},
    )


class Program:
    """A program that runs, and prints one JSON document for each step."""

    def __init__(self, command: Sequence[str | Path], env: dict[str, str] | None = None) -> None:
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - as long as the process
        self._process = subprocess.Popen(
            [str(word) for word in command],
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            cwd=ROOT,
            env={**os.environ, **(env or {})},
        )
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def step(self, name: str) -> Found:
        """Wait for the next line of a step, and return it."""
        while True:
            try:
                line = self._lines.get(timeout=PATIENCE_S)
            except queue.Empty:
                raise AssertionError(f"never said {name}: {self.errors()}") from None
            assert line is not None, f"ended before {name}: {self.errors()}"
            found: Found = json.loads(line)
            if found["step"] == name:
                return found

    def said(self) -> list[Found]:
        """Return what it has said since the last step, without waiting."""
        found = []
        while not self._lines.empty():
            if (line := self._lines.get()) is not None:
                found.append(json.loads(line))
        return found

    def ends(self) -> int:
        """Wait for its end, and return its status."""
        return self._process.wait(PATIENCE_S)

    def errors(self) -> str:
        """Return the end of what it wrote to stderr."""
        self._errors.seek(0)
        return self._errors.read()[-6000:]

    def __enter__(self) -> "Program":
        return self

    def __exit__(
        self, type: type[BaseException] | None, value: BaseException | None, _: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._thread.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._errors.close()


class GoClient:
    """A Go program, each of whose checks is a command of its own."""

    def __init__(self, program: Path) -> None:
        self._program = program

    def command(self, check: str, served: Served, **flags: str | int) -> list[str]:
        """Return the command of a check as the user of a gateway who may read all."""
        flags = {"kubeconfig": str(served.kubeconfig), **flags}
        words = [f"--{name}={value}" for name, value in flags.items()]
        # The old program takes its check last, the other first.
        ordered = [*words, check] if "old" in self._program.name else [check, *words]
        return [str(self._program), *ordered]

    def ask(self, check: str, served: Served, **flags: str | int) -> Found:
        """Return what a check of one step finds."""
        found: Found = json.loads(run(self.command(check, served, **flags)).stdout)
        return found

    def start(
        self, check: str, served: Served, env: dict[str, str] | None = None, **flags: str | int
    ) -> Program:
        """Start a check of several steps."""
        return Program(self.command(check, served, **flags), env)


@pytest.fixture(scope="session")
def go(teller: Teller) -> GoClient:
    """Build the program of the recent libraries, or skip."""
    recipe = recipe_of("go")
    build(recipe, "client-go and controller-runtime", teller)
    return GoClient(recipe.done)


@pytest.fixture(scope="session")
def go_old(teller: Teller) -> GoClient:
    """Build the program of client-go 0.26, or skip."""
    recipe = recipe_of("go-old")
    build(recipe, "client-go 0.26", teller)
    return GoClient(recipe.done)


@pytest.fixture
def namespace() -> str:
    """Return a namespace that no other test writes to."""
    return f"ns-{uuid4().hex[:12]}"


def python_program(name: str, *words: str | Path, env: dict[str, str] | None = None) -> Program:
    """Start a program of programs/."""
    module = f"tests.conformance.programs.{name}"
    return Program([sys.executable, "-m", module, *words], env)


def write_lines(
    served: Served, namespace: str, *logs: str, labels: dict[str, str] | None = None
) -> None:
    """Write containers' lines, and make them visible; the pod of each is named by its log."""
    documents = []
    for log in logs:
        line = container_line(log, namespace)
        line["kubernetes"] |= {"pod_name": f"pod-{log}", "labels": labels or {}}
        documents.append((served.index("containerlogs"), f"{namespace}-{log}", line))
    served.write(documents)


def listed(served: Served, kind: str, namespace: str = "") -> list[Found]:
    """Return the objects that the server lists."""
    answer = served.ask(path_of(kind, namespace))
    assert answer.status == 200, answer.body
    items: list[Found] = answer.json["items"]
    return items


def unversioned(items: Sequence[Found]) -> list[Found]:
    """Return objects without resourceVersions, in the order of their names."""
    bare = [
        {
            **item,
            "metadata": {k: v for k, v in item["metadata"].items() if k != "resourceVersion"},
        }
        for item in items
    ]
    return sorted(bare, key=lambda item: str(item["metadata"]["name"]))


def metadata_of(items: list[Found]) -> list[Found]:
    """Return objects without what is not metadata; client-go hides kinds that it has read."""
    return [{"metadata": item["metadata"]} for item in items]


@pytest.fixture
def omnipotent(served: Served, request: pytest.FixtureRequest) -> str:
    """Return the kubeconfig of who may do all: others are told 403 before 405."""
    if served.proxied:
        kube: Kube = request.getfixturevalue("kube")
        return kube.env["KUBECONFIG"]
    return str(served.kubeconfig)
