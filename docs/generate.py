"""Write the generated pages; tests/docs compares them with a fresh run.

Run: python docs/generate.py
"""

from pathlib import Path

from kjournal.config import reference

PAGES = {"reference/settings.md": reference.render}


def main() -> None:
    """Write every page."""
    for path, render in PAGES.items():
        (Path(__file__).parent / path).write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main()
