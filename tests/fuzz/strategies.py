"""Documents and questions of tenants whose names are alike, and of odd shapes."""

from typing import Any

from hypothesis import strategies as st

from tests.fuzz.model import Question, Term

# Analysis, normalizers, prefixes and wildcards would take one of these for another.
TENANTS = ("team", "team-b", "my-team", "tea", "teams", "team-c")
ODD = (
    "TEAM",
    "Team",
    "team b",
    "team.b",
    "team*",
    "",
    " team",
    "t\u00e9am",
    "\uff54\uff45\uff41\uff4d",
)
NAMESPACES = st.one_of(
    st.sampled_from(TENANTS),
    st.sampled_from(TENANTS),
    st.sampled_from(TENANTS),
    st.sampled_from(ODD),
    st.sampled_from([None, 5, True, ["team"], ["team", "team-b"], []]),
)
VALUES = st.sampled_from(["a", "b", "ab", "a-b", "A", "", "1", "true"])
LABEL_VALUES = VALUES | st.sampled_from([1, True, None])
SCALARS = VALUES | st.integers(-3, 3) | st.booleans() | st.none()
LABELS = st.dictionaries(st.sampled_from(["app", "tier", "app.kubernetes.io/name"]), LABEL_VALUES)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Return a line; its `id` and time are the test's."""
    kubernetes = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "namespace_name": NAMESPACES,
                "pod_name": VALUES,
                "labels": LABELS,
            },
        )
    )
    document = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "level": SCALARS | st.lists(VALUES, max_size=3),
                "log": VALUES,
                "kubernetes.namespace_name": NAMESPACES,
            },
        )
    )
    if draw(st.integers(0, 9)) > 1:
        document.pop("kubernetes.namespace_name", None)
    return {**document, "kubernetes": kubernetes}


WANTED = st.sampled_from(["a", "b", "ab", "a-b", "A", "1", "true"])
SETS = st.lists(WANTED, min_size=1, max_size=3, unique=True).map(tuple)


def terms(keys: list[str], operators: list[str]) -> st.SearchStrategy[Term]:
    """Return terms over some keys."""
    return st.builds(_term, st.sampled_from(keys), st.sampled_from(operators), SETS)


def _term(key: str, operator: str, values: tuple[str, ...]) -> Term:
    if operator in ("exists", "!"):
        return Term(key, operator)
    return Term(key, operator, values if "in" in operator else values[:1])


LABEL_TERMS = terms(
    ["app", "tier", "app.kubernetes.io/name"], ["=", "!=", "in", "notin", "exists", "!"]
)
FIELD_TERMS = terms(
    ["pod", "payload.level", "payload.log"], ["=", "!=", "in", "notin"]
) | st.builds(
    lambda name, operator: Term("metadata.namespace", operator, (name,)),
    st.sampled_from(TENANTS),
    st.sampled_from(["=", "!="]),
)
QUESTIONS = st.builds(
    Question,
    namespace=st.sampled_from([*TENANTS, "nobody"]) | st.none(),
    labels=st.lists(LABEL_TERMS, max_size=2).map(tuple),
    fields=st.lists(FIELD_TERMS, max_size=2).map(tuple),
    limit=st.sampled_from([0, 0, 1, 3, 7]),
)
