"""Section 2.5: resourceVersion and resourceVersionMatch, in lists and in gets."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from kjournal.codec import load_json
from tests.conformance.records import line, said
from tests.conformance.served import FUTURE, Served
from tests.conformance.statuses import causes_of, check_status, refused
from tests.integration.stories import Answer, path_of

PLACE = path_of("containerlogs", "shop")
EXACT, NOT_OLDER_THAN = "resourceVersionMatch=Exact", "resourceVersionMatch=NotOlderThan"
OTHER = "resourceVersionMatch=Other"
LIST, PINNED, GET = "list", "pinned list", "get"
FORBIDDEN, NOT_SUPPORTED = "FieldValueForbidden", "FieldValueNotSupported"


@pytest.fixture(scope="module")
def moments(served: Served) -> dict[str, str]:
    """Write one line and then another; return the versions before, between and after, and names."""
    before = served.version(PLACE)
    served.write(line(served, "first"))
    between = served.version(PLACE)
    served.write(line(served, "second"))
    document = served.json(PLACE)
    first, second = (item["metadata"]["name"] for item in document["items"])
    after = document["metadata"]["resourceVersion"]
    return {
        "BEFORE": before,
        "BETWEEN": between,
        "AFTER": after,
        "FIRST": first,
        "SECOND": second,
        "FUTURE": str(FUTURE),
    }


def filled(query: str, moments: dict[str, str]) -> str:
    for word, value in moments.items():
        query = query.replace(f"{{{word}}}", value)
    return query


def path_to(form: str, name: str) -> str:
    return {
        LIST: f"{PLACE}?",
        PINNED: f"{PLACE}?fieldSelector=metadata.name={name}&",
        GET: f"{PLACE}/{name}?",
    }[form]


@pytest.mark.paragraph("2.5", "The matrix: what each version shows with each match.")
@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", ["first", "second"]),
        ("resourceVersion=", ["first", "second"]),
        ("resourceVersion=0", ["first", "second"]),
        (f"resourceVersion=0&{NOT_OLDER_THAN}", ["first", "second"]),
        ("resourceVersion={BETWEEN}", ["first", "second"]),
        (f"resourceVersion={{BETWEEN}}&{NOT_OLDER_THAN}", ["first", "second"]),
        (f"resourceVersion={{BETWEEN}}&{NOT_OLDER_THAN}&limit=9", ["first", "second"]),
        (f"resourceVersion={{BEFORE}}&{EXACT}", []),
        (f"resourceVersion={{BETWEEN}}&{EXACT}", ["first"]),
        (f"resourceVersion={{BETWEEN}}&{EXACT}&limit=9", ["first"]),
        ("resourceVersion={BETWEEN}&limit=9", ["first"]),
        (f"resourceVersion={{AFTER}}&{EXACT}", ["first", "second"]),
        (f"resourceVersion=1&{NOT_OLDER_THAN}", ["first", "second"]),
        ("resourceVersion=1", ["first", "second"]),
    ],
)
def test_what_a_version_shows(
    served: Served, moments: dict[str, str], query: str, shown: list[str]
) -> None:
    document = served.json(f"{PLACE}?{filled(query, moments)}")
    assert said(document["items"]) == shown
    if "Exact" in query:
        asked = query.split("&")[0].partition("=")[2]
        assert document["metadata"]["resourceVersion"] == filled(asked, moments)


@pytest.mark.paragraph("2.4", "A limit beside resourceVersion=0 may be honoured, and is.")
@pytest.mark.usefixtures("moments")
def test_a_limit_at_any_version(served: Served) -> None:
    assert said(served.json(f"{PLACE}?limit=1&resourceVersion=0")["items"]) == ["first"]


@pytest.mark.paragraph("2.5", "The matrix holds for a list that a selector pins to one name.")
@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", ["second"]),
        ("resourceVersion=0", ["second"]),
        ("resourceVersion={BETWEEN}", ["second"]),
        (f"resourceVersion={{BETWEEN}}&{NOT_OLDER_THAN}", ["second"]),
        (f"resourceVersion={{BETWEEN}}&{EXACT}", []),
        ("resourceVersion={BETWEEN}&limit=1", []),
        (f"resourceVersion={{AFTER}}&{EXACT}", ["second"]),
        ("limit=1", ["second"]),
    ],
)
def test_what_a_version_shows_of_one_object(
    served: Served, moments: dict[str, str], query: str, shown: list[str]
) -> None:
    document = served.json(path_to(PINNED, moments["SECOND"]) + filled(query, moments))
    assert said(document["items"]) == shown
    assert "continue" not in document["metadata"]
    if "resourceVersion={BETWEEN}&limit" in query or "Exact" in query:
        asked = query.split("&")[0].partition("=")[2]
        assert document["metadata"]["resourceVersion"] == filled(asked, moments)


@pytest.mark.paragraph("2.5", "The matrix: what contradicts itself is 422, with its causes.")
@pytest.mark.parametrize("form", [LIST, PINNED])
@pytest.mark.parametrize(
    ("query", "cause"),
    [
        (NOT_OLDER_THAN, (FORBIDDEN, "resourceVersionMatch")),
        (EXACT, (FORBIDDEN, "resourceVersionMatch")),
        (OTHER, (NOT_SUPPORTED, "resourceVersionMatch")),
        (f"resourceVersion=0&{EXACT}", (FORBIDDEN, "resourceVersionMatch")),
        (f"resourceVersion=0&{OTHER}", (NOT_SUPPORTED, "resourceVersionMatch")),
        (f"resourceVersion={{AFTER}}&{OTHER}", (NOT_SUPPORTED, "resourceVersionMatch")),
        ("sendInitialEvents=true", (FORBIDDEN, "sendInitialEvents")),
        ("sendInitialEvents=false", (FORBIDDEN, "sendInitialEvents")),
        (
            f"sendInitialEvents=true&{NOT_OLDER_THAN}&resourceVersion=0",
            (FORBIDDEN, "sendInitialEvents"),
        ),
    ],
)
def test_what_contradicts_itself(
    served: Served, moments: dict[str, str], form: str, query: str, cause: tuple[str, str]
) -> None:
    path = path_to(form, moments["FIRST"]) + filled(query, moments)
    assert cause in causes_of(refused(served.ask(path), 422))


@pytest.mark.paragraph("2.5", "What is no canonical number is a bad request, in gets too.")
@pytest.mark.paragraph("4.1", "Signs, leading zeros and blanks are no resourceVersion.")
@pytest.mark.parametrize("form", [LIST, PINNED, GET])
@pytest.mark.parametrize("version", ["x", "-1", "%2B1", "01", "00", "1.0", "1e6", "%201", "0x1"])
def test_what_is_no_version(
    served: Served, moments: dict[str, str], form: str, version: str
) -> None:
    refused(served.ask(f"{path_to(form, moments['FIRST'])}resourceVersion={version}"), 400)


@pytest.mark.paragraph(
    "2.5", "A moment that is gone is 410 Expired, where it is asked for exactly."
)
@pytest.mark.parametrize("form", [LIST, PINNED])
@pytest.mark.parametrize(
    "query",
    [
        f"resourceVersion=1&{EXACT}",
        f"resourceVersion=1&{EXACT}&limit=1",
        "resourceVersion=1&limit=1",
    ],
)
def test_what_is_gone(served: Served, moments: dict[str, str], form: str, query: str) -> None:
    refused(served.ask(path_to(form, moments["FIRST"]) + query), 410)


@pytest.mark.paragraph("2.5", "Exactly another process's moment is 410 Expired, also a future one.")
def test_what_was_never_a_moment(served: Served, moments: dict[str, str]) -> None:
    for version in (int(moments["BETWEEN"]) + 1, FUTURE):
        refused(served.ask(f"{PLACE}?resourceVersion={version}&{EXACT}"), 410)


@pytest.mark.paragraph("2.9", "A get shows the latest object at any version that has been.")
@pytest.mark.parametrize(
    "query",
    [
        "",
        "resourceVersion=",
        "resourceVersion=0",
        "resourceVersion=1",
        "resourceVersion={BEFORE}",
        "resourceVersion={AFTER}",
    ],
)
def test_what_a_get_shows(served: Served, moments: dict[str, str], query: str) -> None:
    found = served.json(path_to(GET, moments["SECOND"]) + filled(query, moments))
    assert said([found]) == ["second"]


FUTURES = [
    (LIST, "resourceVersion={FUTURE}"),
    (LIST, f"resourceVersion={{FUTURE}}&{NOT_OLDER_THAN}"),
    (LIST, "resourceVersion={FUTURE}&limit=1"),
    (PINNED, "resourceVersion={FUTURE}"),
    (GET, "resourceVersion={FUTURE}"),
]
FUTURE_WATCH = (LIST, f"watch=true&resourceVersion={{FUTURE}}&{NOT_OLDER_THAN}&sendInitialEvents=1")


@pytest.fixture(scope="module")
def futures(served: Served, moments: dict[str, str]) -> dict[tuple[str, str], Answer]:
    """Ask for what is to come, in all ways at once: each is waited for."""
    cases = [*FUTURES, FUTURE_WATCH]

    def answer(case: tuple[str, str]) -> Answer:
        return served.ask(path_to(case[0], moments["FIRST"]) + filled(case[1], moments))

    with ThreadPoolExecutor(len(cases)) as pool:
        return dict(zip(cases, pool.map(answer, cases), strict=True))


def check_too_large(status: Any) -> None:
    """The words are those that old clients compare."""
    (cause,) = status["details"]["causes"]
    assert cause["reason"] == "ResourceVersionTooLarge"
    assert cause["message"] == "Too large resource version"
    assert status["details"]["retryAfterSeconds"] == 1


@pytest.mark.paragraph("2.5", "What is to come is waited for, and then told to be too large.")
@pytest.mark.paragraph("6", "504 of a version to come asks for a retry, in details and header.")
@pytest.mark.parametrize("case", FUTURES)
def test_what_is_to_come(futures: dict[tuple[str, str], Answer], case: tuple[str, str]) -> None:
    check_too_large(refused(futures[case], 504))


@pytest.mark.paragraph("3.3", "A version that is to come is waited for by initial events too.")
@pytest.mark.paragraph(
    "3.6", "It is told in the stream then, as 504 with the cause that is matched."
)
def test_what_is_to_come_to_a_watch(futures: dict[tuple[str, str], Answer]) -> None:
    answer = futures[FUTURE_WATCH]
    assert answer.status == 200
    (event,) = map(load_json, answer.body.splitlines())
    assert event["type"] == "ERROR"
    check_status(event["object"], 504)
    check_too_large(event["object"])
