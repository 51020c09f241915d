"""filter_path."""

from typing import Any

import pytest

from kjournal.ingest.filter_path import filtered

BODY = {
    "took": 1,
    "errors": True,
    "items": [
        {"index": {"_id": "a", "status": 201}},
        {"index": {"_id": "b", "status": 400, "error": {"type": "t", "reason": "r"}}},
    ],
}


@pytest.mark.parametrize(
    ("filter_path", "expected"),
    [
        ("took", {"took": 1}),
        ("errors,took", {"took": 1, "errors": True}),
        ("items.*.status", {"items": [{"index": {"status": 201}}, {"index": {"status": 400}}]}),
        (
            "errors,items.*.error,items.*.status",
            {
                "errors": True,
                "items": [
                    {"index": {"status": 201}},
                    {"index": {"status": 400, "error": {"type": "t", "reason": "r"}}},
                ],
            },
        ),
        ("items.*.error.type", {"items": [{"index": {"error": {"type": "t"}}}]}),
        ("**.type", {"items": [{"index": {"error": {"type": "t"}}}]}),
        ("items.ind*._id", {"items": [{"index": {"_id": "a"}}, {"index": {"_id": "b"}}]}),
        ("-items", {"took": 1, "errors": True}),
        (
            "items,-items.index.error,-**._id",
            {"items": [{"index": {"status": 201}}, {"index": {"status": 400}}]},
        ),
        ("nothing", {}),
        ("took.deeper", {}),
        ("", BODY),
        (" , ", BODY),
        ("**", BODY),
    ],
)
def test_filtered(filter_path: str, expected: Any) -> None:
    assert filtered(BODY, filter_path) == expected
