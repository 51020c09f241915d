"""Sections 7.4 to 7.6: how much is let in."""

import pytest

from tests.conformance.records import LINES, sample
from tests.conformance.served import Served
from tests.conformance.statuses import refused
from tests.conformance.ways import direct_only
from tests.integration.stories import path_of, until


@pytest.mark.paragraph("7.4", "A URL that is too long is 414.")
def test_a_long_url(served: Served) -> None:
    assert served.ask(f"{LINES}?fieldSelector={'x' * 300_000}").status == 414


@pytest.mark.paragraph("7.4", "Headers that are too many or too long are 431.")
@pytest.mark.parametrize(
    "headers",
    [{"X-Long": "x" * 300_000}, {f"X-Many-{at}": "x" * 1000 for at in range(300)}],
    ids=["long", "many"],
)
@direct_only
def test_long_headers(served: Served, headers: dict[str, str]) -> None:
    assert served.ask(LINES, headers=headers).status == 431


@pytest.mark.paragraph("7.4", "A selector that would take too long to test is a bad request.")
@pytest.mark.parametrize(
    "selector",
    [
        f"labelSelector={'a,' * 101}a",
        f"labelSelector=a%20in%20({'b,' * 1001}b)",
        f"labelSelector=a%20in%20({'b' * 60}{(',' + 'b' * 60) * 600})",
        f"fieldSelector={'pod=a,' * 101}pod=a",
        f"fieldSelector=pod%20in%20({'b,' * 1001}b)",
        f"fieldSelector=pod={'x' * 33_000}",
        f"fieldSelector=payload{'.a' * 17}=x",
        f"fieldSelector=payload.{'a' * 257}=x",
    ],
    ids=[
        "label terms",
        "label values",
        "label length",
        "field terms",
        "field values",
        "field length",
        "field dots",
        "field path",
    ],
)
@pytest.mark.parametrize("watch", ["", "&watch=true"])
def test_selectors_have_bounds(served: Served, selector: str, watch: str) -> None:
    refused(served.ask(f"{LINES}?{selector}{watch}"), 400)


@pytest.mark.paragraph("7.5", "A Warning is quoted, of one line, and where there is cause only.")
def test_warnings(served: Served) -> None:
    """The cause is that no index is there, until a record is."""
    place = path_of("auditevents")
    warning = served.ask(place).headers["Warning"]
    assert warning.startswith('299 - "')
    assert warning.endswith('"')
    assert warning.isprintable()
    assert len(warning) < 4096
    served.write(sample(served, "auditevents"))
    until("the warning is gone", lambda: "Warning" not in served.ask(place).headers)


@pytest.mark.paragraph("7.6", "There is no /debug.")
@direct_only
def test_there_is_no_debug(served: Served) -> None:
    refused(served.ask("/debug/pprof/"), 404)


@pytest.mark.paragraph("7.6", "An inbound id that cannot be one is not echoed.")
@direct_only
def test_odd_audit_ids(served: Served) -> None:
    for odd in ("x" * 65, "\u00e4"):
        answer = served.ask(LINES, headers={"Audit-ID": odd})
        assert answer.headers["Audit-Id"] != odd
        assert answer.headers["Audit-Id"]
