"""The clients of Python see each line once, by their own loops, over the end of a stream."""

from collections import Counter

import pytest

from tests.conformance.clients_fixtures import namespace, python_program, write_lines
from tests.conformance.served import Served
from tests.conformance.ways import proxied_only
from tests.integration.stories import path_of

__all__ = ["namespace"]

BEFORE = ["a", "b", "c"]
LATER = ["d", "e", "last"]
ADDED = "ADDED"


def other_streams_end(served: Served, namespace: str) -> None:
    """Return when a stream of two seconds has ended: those of one second ended before it."""
    answer = served.ask(f"{path_of('containerlogs', namespace)}?watch=1&timeoutSeconds=2")
    assert answer.status == 200, answer.body


@pytest.mark.paragraph("3.8", "the Python client's Watch goes on after a stream's end, without gap")
def test_the_python_client_sees_each_line_once(served: Served, namespace: str) -> None:
    """It lists all, and its Watch gives each later line once, over the ends of streams."""
    write_lines(served, namespace, *BEFORE)
    with python_program("python_client", served.kubeconfig, namespace) as program:
        dynamic = program.step("dynamic")
        assert sorted(dynamic["logs"]) == BEFORE
        assert sorted(dynamic["events"]) == [[ADDED, log] for log in BEFORE]
        assert sorted(program.step("listed")["logs"]) == BEFORE
        program.step("watch")
        write_lines(served, namespace, "d")
        program.step("watch")
        write_lines(served, namespace, "e")
        program.step("watch")
        write_lines(served, namespace, "last")
        assert program.step("ended")["events"] == [[ADDED, log] for log in LATER]
        assert program.ends() == 0


@pytest.mark.paragraph("3.8", "lightkube's watch goes on after a stream's end, without gap")
def test_lightkube_sees_each_line_once(served: Served, namespace: str) -> None:
    """It lists page after page, gets by name, and its loop gives each later line once."""
    write_lines(served, namespace, *BEFORE)
    with python_program("lightkube_loop", served.kubeconfig, namespace) as program:
        assert sorted(program.step("listed")["logs"]) == BEFORE
        assert sorted(program.step("got")["logs"]) == BEFORE
        write_lines(served, namespace, "d")
        other_streams_end(served, namespace)
        write_lines(served, namespace, "e")
        other_streams_end(served, namespace)
        write_lines(served, namespace, "last")
        assert program.step("ended")["events"] == [[ADDED, log] for log in LATER]
        assert program.ends() == 0


@pytest.mark.paragraph("3.8", "a kopf operator sees each line once, over the ends of its streams")
@pytest.mark.parametrize("begin", ["list", "stream"])
@proxied_only
def test_an_operator_sees_each_line_once(served: Served, namespace: str, begin: str) -> None:
    """What was there comes without a type, what comes later is ADDED, and nothing twice.

    kopf cannot do without GET /api, which extension API servers do not have.
    """
    write_lines(served, namespace, *BEFORE)
    env = {"KUBECONFIG": str(served.kubeconfig)}
    with python_program("operator", namespace, begin, env=env) as program:
        seen = [program.step("event") for _ in BEFORE]
        write_lines(served, namespace, "d")
        seen.append(program.step("event"))
        other_streams_end(served, namespace)
        write_lines(served, namespace, "e", "last")
        seen += [program.step("event") for _ in "el"]
        other_streams_end(served, namespace)
        seen += program.said()
    assert Counter((event["type"], event["log"]) for event in seen) == Counter(
        [*((None, log) for log in BEFORE), *((ADDED, log) for log in LATER)]
    )
