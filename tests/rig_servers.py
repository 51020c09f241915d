"""The real servers of tests/rig as objects: built, started, asked and stopped."""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import attrs

RIG = Path(__file__).parent / "rig"
ROOT = RIG.parent.parent
CACHE = Path(os.environ.get("KJOURNAL_RIG_CACHE", Path.home() / ".cache" / "kjournal-rig"))
TRACEBACKS = ("Traceback (most recent call last)", "Unhandled error in Deferred", "Unhandled Error")

Say = Callable[[str], None]


class NotBuilt(Exception):
    """A server cannot be had here; `tools_present` says that this machine should have managed."""

    def __init__(self, why: str, *, tools_present: bool = False) -> None:
        super().__init__(why)
        self.tools_present = tools_present


@attrs.frozen(kw_only=True)
class Recipe:
    """How one server is built: the script, what it needs, and the file that shows it was done."""

    script: Path
    done: Path
    tools: tuple[str, ...]
    env: dict[str, str] = attrs.field(factory=dict)
    args: tuple[str, ...] = ()

    def build(self, say: Say) -> None:
        """Build unless the cache has it, and say something every 15 seconds.

        Raises: NotBuilt.
        """
        absent = [tool for tool in self.tools if shutil.which(tool) is None]
        if absent and not self.done.exists():
            raise NotBuilt(
                f"{' and '.join(absent)} {'is' if len(absent) == 1 else 'are'} not installed"
            )
        CACHE.mkdir(parents=True, exist_ok=True)
        with (CACHE / f"{self.script.parent.name}-{os.getpid()}.log").open("w+") as log:
            try:
                status = self._watch(log.name, log.fileno(), say)
                tail = Path(log.name).read_text().strip().splitlines()[-1:]
            finally:
                Path(log.name).unlink()
        if status != 0:
            why = f"{self.script.relative_to(ROOT)} ended with {status}: {' '.join(tail)}"
            raise NotBuilt(why, tools_present=True)

    def _watch(self, log: str, output: int, say: Say) -> int:
        begun, shown = time.monotonic(), 0
        with subprocess.Popen(
            [self.script, *self.args],
            env={**os.environ, **self.env},
            stdout=output,
            stderr=output,
        ) as process:
            while True:
                try:
                    return process.wait(timeout=15)
                except subprocess.TimeoutExpired:
                    lines = Path(log).read_text().splitlines()
                    spent = f"{self.script.parent.name}: building, {time.monotonic() - begun:.0f} s"
                    say("\n".join([*lines[shown:], spent]))
                    shown = len(lines)


def elasticsearch_recipe(version: str) -> Recipe:
    """Return how one version of Elasticsearch is built."""
    return Recipe(
        script=RIG / "es" / "build.sh",
        done=CACHE / f"es-{version}" / ".complete",
        tools=("mvn", "java", "pip"),
        env={"KJOURNAL_RIG_ES_VERSION": version},
    )


KUBE_RECIPE = Recipe(
    script=RIG / "kube" / "build.sh",
    done=CACHE / "bin" / "kube-apiserver",
    tools=("go", "openssl", "flock", "ps"),
)
CONTROLLERS_RECIPE = Recipe(
    script=RIG / "kube" / "build.sh",
    args=("kube-controller-manager",),
    done=CACHE / "bin" / "kube-controller-manager",
    tools=("go", "flock"),
)


def kubectl_recipe(version: str) -> Recipe:
    """Return how kubectl of a version is built; `done` is the program."""
    return Recipe(
        script=RIG / "kube" / "build.sh",
        args=(f"kubectl@{version}",),
        done=CACHE / "bin" / f"kubectl-{version}",
        tools=("go", "flock"),
    )


def run(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    input: str | None = None,
    check: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run a command and return its output; unless told otherwise it must succeed."""
    done = subprocess.run(
        [str(word) for word in command],
        env={**os.environ, **(env or {})},
        input=input,
        capture_output=True,
        text=True,
        check=False,
    )
    said = f"{' '.join(str(word) for word in command)}\n{done.stdout}{done.stderr}"
    assert done.returncode == 0 or not check, f"status {done.returncode} of {said}"
    return done


@attrs.frozen
class Elasticsearch:
    """One cluster of Elasticsearch with its data in `dir`."""

    dir: Path
    version: str

    def up(self, *, password: str = "") -> str:
        """Start it, or start it again, and return its URL, which stays the same.

        With a password, the first time, it knows one user, `elastic`, and refuses others.
        """
        env = {"KJOURNAL_RIG_ES_VERSION": self.version, "KJOURNAL_RIG_ES_SECURITY": password}
        return run([RIG / "es" / "up.sh", self.dir], env=env).stdout.strip()

    def down(self, *, crash: bool = False) -> None:
        """Stop it; the data stays."""
        run([RIG / "es" / "down.sh", *(["-9"] if crash else []), self.dir])


@attrs.frozen
class Kube:
    """A kube-apiserver with API aggregation, and its etcd, with all state in `dir`."""

    dir: Path
    env: dict[str, str]
    """What `dir/env` says: KUBECONFIG, KUBE_APISERVER_URL, FRONT_PROXY_CA and so on."""

    @classmethod
    def start(cls, directory: Path) -> "Kube":
        """Start it, or start it again with the same address and data."""
        run([RIG / "kube" / "up.sh", directory])
        lines = (directory / "env").read_text().splitlines()
        return cls(directory, dict(line.split("=", 1) for line in lines))

    def down(self, *names: str, crash: bool = False) -> None:
        """Stop `etcd` or `kube-apiserver`, or both."""
        env = {"SIGNAL": "KILL"} if crash else {}
        run([RIG / "kube" / "down.sh", self.dir, *names], env=env)

    def start_controllers(self) -> None:
        """Start kube-controller-manager; `down("kube-controller-manager")` stops it."""
        run([RIG / "kube" / "controllers.sh", self.dir])

    @property
    def audit_log(self) -> Path:
        """The file that kube-apiserver writes its audit events to, one JSON document a line."""
        return Path(self.env["AUDIT_LOG"])

    def kubectl_command(self, *args: str, kubeconfig: Path | None = None) -> list[str]:
        """Return the command line of kubectl, for a test that wants to hold on to the process."""
        config = kubeconfig or self.env["KUBECONFIG"]
        cache = f"--cache-dir={self.dir}/kubectl-cache"
        return [self.env["KUBECTL"], f"--kubeconfig={config}", cache, *args]

    def kubectl(
        self,
        *args: str,
        kubeconfig: Path | None = None,
        input: str | None = None,
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl, as the administrator unless a kubeconfig names somebody else."""
        command = self.kubectl_command(*args, kubeconfig=kubeconfig)
        return run(command, input=input, check=check)

    def user(self, name: str, *groups: str) -> Path:
        """Return the kubeconfig of any user in any groups."""
        return Path(run([RIG / "kube" / "user.sh", self.dir, name, *groups]).stdout.strip())

    def serving(self, name: str, *sans: str) -> tuple[Path, Path]:
        """Return a serving certificate (its CA is `env["KUBE_CA"]`) and its key.

        A SAN is `DNS:name` or `IP:address`.
        """
        done = run([RIG / "kube" / "serving.sh", self.dir, name, *sans])
        certificate, key = done.stdout.split()
        return Path(certificate), Path(key)

    def register(self, address: str, ca_file: Path | str) -> None:
        """Make the server at `127.0.0.1:PORT` serve core.kjournal/v1alpha1; return once it does.

        Its certificate must hold `DNS:kjournal.kjournal-system.svc`.
        """
        script = RIG / "kube" / "apiservice.sh"
        run([script, self.dir, "core.kjournal", "v1alpha1", address, str(ca_file)])


def free_port() -> int:
    """Return a port nobody listens on, below those that the kernel gives to clients."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def answers(url: str) -> bool:
    """Tell whether a GET is answered with success."""
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except urllib.error.HTTPError as error:
        error.close()
        return False
    except OSError:
        return False


class Gateway:
    """`twistd -n kjournal ARGS` as a process of its own."""

    def __init__(self, args: Sequence[str], log: Path, env: Mapping[str, str]) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.command = [
            str(Path(sys.executable).with_name("twistd")),
            *("-n", "--pidfile=", "kjournal", f"--insecure-port={self.port}"),
            *args,
        ]
        self._log, self._env = log, {**os.environ, **env}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, ready_s: float = 60) -> None:
        """Start the process, or start it again, and return once /readyz says so."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                env=self._env,
                cwd=ROOT,
                stdout=log,
                stderr=log,
                # Started in the background of a shell, children would ignore SIGINT.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
        deadline = time.monotonic() + ready_s
        while not answers(f"{self.url}/readyz"):
            assert self._process.poll() is None, f"ended before it was ready:\n{self.log()}"
            assert time.monotonic() < deadline, f"not ready:\n{self.log()}"
            time.sleep(0.05)

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def log(self) -> str:
        """Return all that the process has written."""
        return self._log.read_text(errors="replace")

    def tracebacks(self) -> list[str]:
        """Return the lines of the log that show a bug."""
        return [
            line for line in self.log().splitlines() if any(mark in line for mark in TRACEBACKS)
        ]

    def stop(self, *, within_s: float = 60) -> int:
        """Ask the process to end and return its exit status."""
        return self._end(signal.SIGTERM, within_s)

    def kill(self) -> None:
        """End the process as a crash would."""
        self._end(signal.SIGKILL, 60)

    def _end(self, how: signal.Signals, within_s: float) -> int:
        assert self._process is not None
        self._process.send_signal(how)
        try:
            return self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"did not end within {within_s:g} s:\n{self.log()}") from None


def omelasticsearch() -> Path | None:
    """Return rsyslogd, if it is installed with its output to Elasticsearch."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    found = shutil.which("rsyslogd", path=path)
    modules = [*Path("/usr/lib").glob("*/rsyslog/omelasticsearch.so")]
    modules += Path("/usr/lib64/rsyslog").glob("omelasticsearch.so")
    return Path(found) if found and modules else None
