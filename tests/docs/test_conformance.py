"""The page of conformance is that of the suite, and leaves no paragraph out."""

import subprocess
import sys
from collections import Counter

import pytest

from tests.conformance import page
from tests.conformance.paragraphs import DIFFERENCES, PARAGRAPHS, Difference, Paragraph
from tests.docs.pages import ROOT

CLAIMS = page.claims()
NUMBERS = {paragraph.number for paragraph in PARAGRAPHS}


def test_the_page_is_equal_to_a_fresh_run() -> None:
    """If not: python docs/generate.py."""
    assert page.PAGE.read_text(encoding="utf-8") == page.render()


def test_the_page_finds_the_marks_that_pytest_finds() -> None:
    """The page reads them without a run; a mark that is made otherwise would be missed."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q"]
    command += [f"tests/{suite}" for suite in page.SUITES]
    command += ["-p", "tests.docs.marks_told"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    told = {line for line in done.stdout.splitlines() if line.startswith("paragraph\t")}
    assert told == {
        f"paragraph\t{claim.file}\t{claim.test}\t{claim.number}\t{claim.text}" for claim in CLAIMS
    }


@pytest.mark.parametrize("paragraph", PARAGRAPHS, ids=lambda paragraph: paragraph.number)
def test_every_paragraph_is_shown(paragraph: Paragraph) -> None:
    """By this suite, or by what it names."""
    shown = any(claim.number == paragraph.number for claim in CLAIMS)
    assert shown or (ROOT / paragraph.elsewhere).is_file()


def test_every_mark_names_a_paragraph() -> None:
    assert not [claim for claim in CLAIMS if claim.number not in NUMBERS]


def test_no_claim_is_made_twice() -> None:
    counts = Counter((claim.number, claim.text) for claim in CLAIMS)
    assert not [claim for claim, count in counts.items() if count > 1]


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda difference: difference.test)
def test_every_difference_is_shown(difference: Difference) -> None:
    """By a test of its paragraph."""
    marks = {(f"{claim.file}::{claim.test}", claim.number) for claim in CLAIMS}
    assert (difference.test, difference.number) in marks
