"""What is installed: packages that do nothing when imported, and a plugin that twistd finds."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = sorted(
    {path.parent for path in (ROOT / "kjournal").rglob("*.py")},
    key=str,
)


def python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_an_init_is_only_a_docstring(package: Path) -> None:
    """Importing a room runs none of it."""
    module = ast.parse((package / "__init__.py").read_text())
    assert ast.get_docstring(module)
    assert len(module.body) == 1


def test_the_plugin_folder_is_no_package() -> None:
    """An __init__.py there would hide the plugins of everybody else."""
    assert [path.name for path in (ROOT / "twisted").rglob("*.py")] == ["kjournal_plugin.py"]


def test_twistd_lists_kjournal() -> None:
    """The description is that of the plugin."""
    twistd = Path(sys.executable).with_name("twistd")
    done = subprocess.run([twistd, "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.split()[:1] == ["kjournal"]]
    assert "Serve long-term Kubernetes logs" in line


def test_the_plugin_installs_no_reactor() -> None:
    """`twistd --reactor` chooses after plugins are imported."""
    code = (
        "import sys, twisted.plugins.kjournal_plugin as plugin;"
        "assert plugin.kjournal.tapname == 'kjournal';"
        "print(sorted({'twisted.internet.reactor', 'kjournal.tap'} & set(sys.modules)))"
    )
    assert python(code).strip() == "[]"
