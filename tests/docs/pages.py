"""The pages of the documentation, and what stands in them."""

import re
from collections.abc import Iterator
from pathlib import Path

import attrs

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
_BLOCK = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@attrs.frozen
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{name_of(self.page)}:{self.line}"


@attrs.frozen
class Command:
    """A command of a `console` block, with the output that the page shows for it."""

    block: Block
    line: int
    text: str
    output: tuple[str, ...]

    def __str__(self) -> str:
        return f"{name_of(self.block.page)}:{self.line}"


def name_of(page: Path) -> str:
    """Return a page's path below the root."""
    return str(page.relative_to(ROOT))


def blocks(language: str) -> Iterator[Block]:
    """Yield the blocks of a language, of all pages."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for found in _BLOCK.finditer(text):
            if found["language"] == language:
                line = text.count("\n", 0, found.start()) + 1
                yield Block(page, line, language, found["text"])


def commands() -> Iterator[Command]:
    """Yield the lines that begin with `$ ` of all `console` blocks."""
    for block in blocks("console"):
        lines = block.text.splitlines()
        begins = [at for at, line in enumerate(lines) if line.startswith("$ ")]
        for begin, end in zip(begins, [*begins[1:], len(lines)], strict=True):
            output = tuple(lines[begin + 1 : end])
            yield Command(block, block.line + 1 + begin, lines[begin][2:], output)


def unfenced(text: str) -> str:
    """Return a page without its fenced blocks."""
    return _BLOCK.sub("", text)
