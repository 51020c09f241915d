"""Write docs/conformance.md from the suite; docs/generate.py does so too.

Run: python -m tests.conformance.page
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import attrs

from tests.conformance.paragraphs import DIFFERENCES, PARAGRAPHS, SECTIONS, Difference, Paragraph

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "conformance.md"
SUITES = ("conformance", "security")

_HEAD = """# Conformance

<!-- Made by tests/conformance/page.py from tests/conformance; do not edit. -->

kjournal answers as kube-apiserver does. What that means is written down in numbered paragraphs,
read from the sources of the servers and clients of Kubernetes. This page says which test shows each
of them, and where kjournal differs on purpose.

The suite asks kjournal in four ways: directly and through a real kube-apiserver, over the embedded
store and over a real Elasticsearch. What kube-apiserver answers itself is asked directly only. The
clients that people use are part of it: kubectl, client-go, controller-runtime and those of Python.
Who is let in (section 5) is shown by `tests/security`, on a real kube-apiserver too.

`.venv/bin/python -m pytest tests/conformance` runs it, and with `-k direct-embedded` what needs no
other server.
"""


@attrs.frozen(order=True)
class Claim:
    """What one test shows of one paragraph."""

    suite: str
    file: str
    line: int
    test: str
    number: str
    text: str

    @property
    def link(self) -> str:
        """The test, with a link to its file."""
        return link(self.suite, self.file, self.test)


def link(suite: str, file: str, test: str) -> str:
    """Return a test's name as a link to its file."""
    return f"[`{file.removesuffix('.py')}`: {test}](../tests/{suite}/{file})"


def claims() -> list[Claim]:
    """Return what the suites' marks say, by suite, file and line.

    The files are read and not imported, so that no server is needed.
    Raises: ValueError for a mark whose words are not literal.
    """
    paths = [path for suite in SUITES for path in sorted((TESTS / suite).glob("test_*.py"))]
    return [found for path in paths for found in sorted(_claims_of(path))]


def _claims_of(path: Path) -> Iterator[Claim]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for mark in _marks(node.decorator_list):
                number, text = (ast.literal_eval(word) for word in mark.args)
                yield Claim(path.parent.name, path.name, mark.lineno, node.name, number, text)


def _marks(decorators: list[ast.expr]) -> Iterator[ast.Call]:
    for decorator in decorators:
        for node in ast.walk(decorator):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.paragraph":
                yield node


def render() -> str:
    """Return the page."""
    found = claims()
    blocks = [_HEAD, "## What is deliberately different", "\n".join(_differences(DIFFERENCES))]
    for section, title in SECTIONS.items():
        blocks.append(f"## {section} {title}")
        within = [each for each in PARAGRAPHS if each.section == section]
        blocks.append("\n".join(_table(within, found)))
    return "\n\n".join(block.strip("\n") for block in blocks) + "\n"


def _differences(differences: tuple[Difference, ...]) -> Iterator[str]:
    yield "| Paragraph | Kubernetes | kjournal | Why | Test |"
    yield "|---|---|---|---|---|"
    for each in differences:
        words = (each.number, each.kubernetes, each.kjournal, each.why)
        file, _, test = each.test.partition("::")
        yield _row(*words, link("conformance", file, test))


def _table(paragraphs: list[Paragraph], found: list[Claim]) -> Iterator[str]:
    yield "| Paragraph | What is shown | Test |"
    yield "|---|---|---|"
    for paragraph in paragraphs:
        name = f"**{paragraph.number}** {paragraph.title}"
        for claim in found:
            if claim.number == paragraph.number:
                yield _row(name, claim.text, claim.link)
                name = ""
        if name:
            path = paragraph.elsewhere
            yield _row(name, "", f"[`{path}`](../{path})")


def _row(*cells: str) -> str:
    escaped = (cell.replace("|", "\\|").replace("<", "&lt;") for cell in cells)
    return f"| {' | '.join(escaped)} |"


def main() -> None:
    """Write the page."""
    PAGE.write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main()
