"""Two tenants and many: each answer is the model's, whatever documents hold and questions ask.

`make fuzz` asks 20,000 questions of 20,000 documents for each store; `make test` a few hundred. An
example has a label and tenants of its own, so that the store need not be emptied.
"""

import itertools
import os
import urllib.parse
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from kjournal.codec import dump_json, load_json
from tests.fuzz.model import Document, Question, Term, answers
from tests.fuzz.strategies import QUESTIONS, TENANTS, documents
from tests.integration.stories import Store, ask, path_of, running_gateway
from tests.rig_servers import Gateway

EXAMPLES = int(os.environ.get("KJOURNAL_FUZZ_EXAMPLES", "25"))
SEED = int(os.environ.get("KJOURNAL_FUZZ_SEED", "1"))
AT_ONCE = 20
INDEX = "container-fuzz"
MAPPINGS = {
    "kubernetes": {
        "properties": {
            "namespace_name": {"type": "keyword"},
            "labels": {"type": "flattened"},
        }
    },
    "level": {"type": "keyword"},
}


@attrs.define
class Fuzzed:
    """A gateway, its store, and how much was written and asked."""

    gateway: Gateway
    store: Store
    runs: Iterator[int] = attrs.field(factory=itertools.count)
    written: int = 0
    asked: int = 0
    shown: int = 0

    def write(self, run: int, batch: list[Document]) -> list[Document]:
        """Store what the store takes of a batch, and return that."""
        begin = datetime.now(UTC) - timedelta(hours=1)
        lines, kept = bytearray(), []
        for at, document in enumerate(batch):
            # Some at one moment, and none in the order of writing.
            moment = begin + timedelta(milliseconds=-(at // 3))
            whole = {**document, "@timestamp": moment.isoformat(), "id": f"{run}-{at}"}
            whole["kubernetes"] = {**document["kubernetes"], **_own_names(document, run)}
            if isinstance(document.get("kubernetes.namespace_name"), str):
                whole["kubernetes.namespace_name"] = _of_run(
                    document["kubernetes.namespace_name"], run
                )
            labels = document["kubernetes"].get("labels")
            whole["kubernetes"]["labels"] = {**(labels or {}), "run": f"r{run}"}
            lines += dump_json({"create": {"_index": INDEX}}) + b"\n" + dump_json(whole) + b"\n"
            kept.append(whole)
        headers = {"Content-Type": "application/x-ndjson"}
        answer = ask(
            self.store.url, "/_bulk?refresh=true", method="POST", body=bytes(lines), headers=headers
        )
        assert answer.status == 200
        taken = [item["create"]["status"] == 201 for item in answer.json["items"]]
        self.written += sum(taken)
        return [whole for whole, is_taken in zip(kept, taken, strict=True) if is_taken]

    def ids(self, question: Question) -> list[str]:
        """Return the ids that a list shows, page by page."""
        self.asked += 1
        found, token = [], ""
        while True:
            query = {
                "labelSelector": ",".join(term.text() for term in question.labels),
                "fieldSelector": ",".join(term.text() for term in question.fields),
                "limit": str(question.limit),
                "continue": token,
            }
            named = {name: value for name, value in query.items() if value and value != "0"}
            path = path_of("containerlogs", question.namespace or "")
            answer = ask(self.gateway.url, f"{path}?{urllib.parse.urlencode(named)}")
            assert answer.status == 200, (question, answer.body[:500])
            items = load_json(answer.body)
            for item in items["items"]:
                if question.namespace is not None:
                    assert item["metadata"]["namespace"] == question.namespace
                found.append(item["payload"]["id"])
            token = items["metadata"].get("continue", "")
            if not token:
                self.shown += len(found)
                return sorted(found)


def _of_run(name: str, run: int) -> str:
    """Return a tenant's name in one example: alike as before, and of no other example."""
    return f"{name}-{run}" if name in TENANTS else name and f"{name}{run}"


def _own_names(document: Document, run: int) -> dict[str, Any]:
    name = document["kubernetes"].get("namespace_name")
    return {"namespace_name": _of_run(name, run)} if isinstance(name, str) else {}


@pytest.fixture(scope="module", params=["embedded", "elasticsearch"])
def fuzzed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fuzzed]:
    """Yield a gateway before each store, and say in the end how much it was asked."""
    folder: Path = tmp_path_factory.mktemp(f"fuzz-{request.param}")
    if request.param == "embedded":
        store = Store.embedded(folder)
    else:
        store = Store.elasticsearch(request.getfixturevalue("elasticsearch_url"))
        body = dump_json({"mappings": {"properties": MAPPINGS}})
        headers = {"Content-Type": "application/json"}
        ask(store.url, f"/{INDEX}", method="DELETE")
        made = ask(store.url, f"/{INDEX}", method="PUT", body=body, headers=headers)
        assert made.status == 200, made.body
    preset = "embedded" if request.param == "embedded" else "elasticsearch-fluentbit-simple"
    with running_gateway(folder, *store.flags, f"--preset={preset}") as gateway:
        found = Fuzzed(gateway, store)
        yield found
    print(  # noqa: T201 - what was done
        f"{request.param}: {found.written} documents, {found.asked} questions, "
        f"{found.shown} lines shown, seed {SEED}"
    )
    store.forget(INDEX)


def test_every_answer_is_the_models(fuzzed: Fuzzed) -> None:
    """No foreign line, no line twice, none missing, and no error."""

    # Inside, as pytest-twisted wraps a parametrized test of hypothesis twice.
    @seed(SEED)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(
        batch=st.lists(documents(), min_size=AT_ONCE, max_size=AT_ONCE),
        questions=st.lists(QUESTIONS, min_size=AT_ONCE, max_size=AT_ONCE),
    )
    def check(batch: list[Document], questions: list[Question]) -> None:
        one_run(fuzzed, batch, questions)

    check()


def one_run(fuzzed: Fuzzed, batch: list[Document], questions: list[Question]) -> None:
    """Store a batch, ask the questions, and compare."""
    run = next(fuzzed.runs)
    written = fuzzed.write(run, batch)
    own = Term("run", "=", (f"r{run}",))
    for asked in questions:
        fields = tuple(
            attrs.evolve(term, values=tuple(_of_run(value, run) for value in term.values))
            if term.key == "metadata.namespace"
            else term
            for term in asked.fields
        )
        question = attrs.evolve(
            asked,
            namespace=None if asked.namespace is None else _of_run(asked.namespace, run),
            # In its own namespaces a run is alone; over all of them it asks for what is its own.
            labels=asked.labels if asked.namespace else (*asked.labels, own),
            fields=fields,
        )
        assert fuzzed.ids(question) == answers(question, written), question
