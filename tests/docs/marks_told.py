"""A plugin of pytest that prints the paragraphs that collected tests show."""

import pytest


def pytest_collection_finish(session: pytest.Session) -> None:
    """Print each mark once: file, function, paragraph and claim."""
    told = {
        f"paragraph\t{item.path.name}\t{item.originalname}\t{number}\t{claim}"
        for item in session.items
        if isinstance(item, pytest.Function)
        for number, claim in (mark.args for mark in item.iter_markers("paragraph"))
    }
    print(*sorted(told), sep="\n")  # noqa: T201 - read by tests/docs/test_conformance.py
