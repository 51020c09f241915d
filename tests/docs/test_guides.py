"""What README and guides tell people to type works, and what they name exists."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from docs import generate
from kjournal.config.load import load_config
from kjournal.config.mistakes import Mistakes
from kjournal.config.options import KjournalOptions
from kjournal.config.presets import PRESETS
from kjournal.kinds.registry import KINDS
from tests.docs.pages import PAGES, ROOT, Block, Command, blocks, commands, name_of, unfenced
from tests.rig_fixtures import Gateway, StartGateway, free_port
from tests.rig_servers import CACHE

COMMANDS = list(commands())
SCRIPTS = [block for block in blocks("sh") if block.text.startswith(("curl ", "kubectl -s "))]
ENDLESS_S = 4.0
"""How long a command that watches is let run; something must have come by then."""

FOREIGN_FLAGS = {
    "--audit-log-path",
    "--audit-policy-file",
    "--cert",
    "--chunk-size",
    "--clusterrole",
    "--data-binary",
    "--data-urlencode",
    "--field-selector",
    "--for",
    "--from-file",
    "--group",
    "--key",
    "--output-watch-events",
    "--pidfile",
    "--raw",
    "--show-labels",
    "--sort-by",
    "--watch-only",
}
"""Flags of kubectl, curl, kube-apiserver, twistd and uv that the pages name."""


def kubectl() -> Path | None:
    """Return the rig's kubectl, or the one on the PATH."""
    built = CACHE / "bin" / "kubectl"
    found = str(built) if built.exists() else shutil.which("kubectl")
    return Path(found) if found else None


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Yield what replaces the addresses of the pages: one demo for all commands."""
    folder, bulk_port = tmp_path_factory.mktemp("demo"), free_port()
    args = ("--demo", f"--store={folder}/demo.db", f"--bulk-port={bulk_port}")
    server = Gateway(args, folder / "log", {})
    server.start()
    try:
        path = f"{server.url}/apis/core.kjournal/v1alpha1/containerlogs"
        run(f"until curl -sf '{path}?limit=1' | grep -q creationTimestamp; do sleep 0.1; done", {})
        yield {
            "127.0.0.1:8080": f"127.0.0.1:{server.port}",
            "127.0.0.1:9200": f"127.0.0.1:{bulk_port}",
        }
    finally:
        server.stop()
    assert not server.tracebacks(), server.log()


def run(text: str, addresses: dict[str, str], *, endless: bool = False) -> str:
    """Run a piece of shell against the demo, and return its output; it must succeed."""
    program = kubectl()
    if "kubectl" in text and program is None:
        pytest.skip("needs kubectl: it is not installed")
    for shown, real in addresses.items():
        text = text.replace(shown, real)
    script = f'set -euo pipefail\nkubectl() {{ "{program}" "$@"; }}\n{text}'
    process = subprocess.Popen(
        ["bash", "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(timeout=ENDLESS_S if endless else 60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, errors = process.communicate()
        assert endless, f"does not end: {text}\n{output}{errors}"
        return output
    assert process.returncode == 0, f"{text}\n{output}{errors}"
    return output


def is_endless(text: str) -> bool:
    return "watch=true" in text or text.endswith(" -w")


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl: it is not installed")
@pytest.mark.parametrize("script", SCRIPTS, ids=str)
def test_a_script_runs(script: Block, demo: dict[str, str]) -> None:
    """Before the commands, as one of them reads what a script has written."""
    assert "error" not in run(script.text, demo).replace('"errors":false', "")


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl: it is not installed")
@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_a_command_works(command: Command, demo: dict[str, str]) -> None:
    """It prints something, and a table has the columns that the page shows."""
    assert command.text.startswith(("kubectl -s http://127.0.0.1:8080 ", "curl "))
    output = run(command.text, demo, endless=is_endless(command.text))
    assert output.strip()
    assert '"kind": "Status"' not in output
    if command.output:
        assert output.splitlines()[0].split() == command.output[0].split()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", unfenced(page.read_text(encoding="utf-8"))):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), target
        if anchor:
            titles = re.findall(r"^#+ (.+)$", linked.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
            assert anchor in anchors, target


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_flags_exist(page: Path) -> None:
    """And so do presets."""
    text = page.read_text(encoding="utf-8")
    flags = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", text))
    own = {f"--{name.rstrip('=')}" for name in KjournalOptions().longOpt}
    assert flags <= own | FOREIGN_FLAGS
    assert set(re.findall(r"(?:elasticsearch|embedded)-[a-z]+-[a-z]+", text)) <= set(PRESETS)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_nothing_of_one_machine(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"/home/|/root/|/work/|/tmp/|\.cache\b", text)


@pytest.mark.parametrize("block", list(blocks("yaml")), ids=str)
def test_yaml_is_what_it_says(block: Block) -> None:
    """A config of ours is loaded, any other document is parsed."""
    for document in yaml.safe_load_all(block.text):
        assert isinstance(document, dict)
    if "APIServerConfig" in block.text:
        mistakes = Mistakes()
        backend = "elasticsearch" if "elasticsearch:" in block.text else "embedded"
        load_config(block.text, "config", {}, mistakes, backend)
        mistakes.raise_any()


def test_the_kinds_page_is_equal_to_a_fresh_run() -> None:
    """If not: python docs/generate.py."""
    page = ROOT / "docs" / "reference" / "kinds.md"
    assert page.read_text(encoding="utf-8") == generate.render_kinds()


@pytest.mark.parametrize("plural", KINDS)
def test_every_column_and_field_is_documented(plural: str) -> None:
    page = (ROOT / "docs" / "reference" / "kinds.md").read_text(encoding="utf-8")
    section = page.partition(f"## {plural}\n")[2].partition("\n## ")[0]
    kind = KINDS[plural]
    for column in kind.columns:
        assert f"| {column.name.upper()}" in section
    for field in kind.fields:
        assert f"| `{field.name}` |" in section


def test_the_rsyslog_example(gateway: StartGateway, rsyslogd: Path, tmp_path: Path) -> None:
    """A line of a file comes out as a Log with host, program and message."""
    (block,) = blocks("rsyslog")
    port = free_port()
    server = gateway(f"--store={tmp_path}/kjournal.db", f"--bulk-port={port}")
    lines, config = tmp_path / "lines.log", tmp_path / "rsyslog.conf"
    lines.write_text("")
    config.write_text(
        f'global(workDirectory="{tmp_path}")\nmodule(load="imfile")\n'
        f'input(type="imfile" File="{lines}" Tag="kubelet:" Severity="warning")\n'
        + block.text.replace('serverport="9200"', f'serverport="{port}"')
    )
    with (tmp_path / "rsyslogd.log").open("wb") as log:
        process = subprocess.Popen(
            [rsyslogd, "-n", "-f", config, "-i", tmp_path / "rsyslogd.pid"], stdout=log, stderr=log
        )
    try:
        lines.write_text('a "quoted" line\n')
        url = f"{server.url}/apis/core.kjournal/v1alpha1/logs"
        found = run(
            f"for n in $(seq 100); do curl -sf '{url}' | grep -q quoted && break; sleep 0.1; done;"
            f" curl -sf '{url}'",
            {},
        )
    finally:
        process.terminate()
        process.wait(20)
    assert 'a \\"quoted\\" line' in found, (tmp_path / "rsyslogd.log").read_text()
    assert '"program": "kubelet"' in found
    assert '"severity": "warning"' in found
    assert '"kjournal/es-index": "logs-20' in found
