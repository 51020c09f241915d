"""Neither what is locked nor the lowest version that is allowed has an advisory that we know of.

Without the network; `make audit` asks it.
"""

import tomllib
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
ADVISORIES = tomllib.loads((Path(__file__).parent / "advisories.toml").read_text())["advisory"]
IDS = [f"{each['package']}-{each['id']}" for each in ADVISORIES]


def locked() -> dict[str, Version]:
    """Return the version of each package in the lock."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [Requirement(line) for line in lines if "==" in line and not line.startswith((" ", "#"))]
    return {canonicalize_name(pin.name): Version(next(iter(pin.specifier)).version) for pin in pins}


def lowest() -> dict[str, Version]:
    """Return the lowest version that each requirement at run time allows."""
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    lines = config["options"]["install_requires"].split("\n")
    needs = [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]
    return {
        canonicalize_name(need.name): Version(each.version)
        for need in needs
        for each in need.specifier
        if each.operator == ">="
    }


@pytest.mark.parametrize("advisory", ADVISORIES, ids=IDS)
def test_no_known_advisory_concerns_us(advisory: dict[str, Any]) -> None:
    package, fixed = canonicalize_name(advisory["package"]), Version(advisory["fixed"])
    assert locked()[package] >= fixed
    assert lowest()[package] >= fixed


def test_all_that_is_needed_at_run_time_is_locked() -> None:
    """The image and `make run` install by the lock, so that nobody else decides what comes."""
    assert set(lowest()) <= set(locked())
