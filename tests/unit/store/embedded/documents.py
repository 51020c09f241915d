"""Documents and clauses as hypothesis draws them: few keys, so that paths meet."""

from hypothesis import strategies as st

from kjournal.query.model import Clause, Operator

KEYS = ("a", "b", "a.b", "b.a", "", 'q"')
TEXTS = ("x", "y", "x y", "", "1", "1.0", "true", "null", "ü", 'q"\\', "\n", "1e2", "100", "nan")

scalars = st.one_of(
    st.sampled_from(TEXTS),
    st.integers(-2, 2),
    st.sampled_from([0.5, 1.0, 100.0, 1e16, 12345678901234567890]),
    st.booleans(),
    st.none(),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=3)
    ),
    max_leaves=6,
)
documents = st.dictionaries(st.sampled_from(KEYS), values, max_size=4)

paths = st.lists(
    st.sampled_from(["a", "b", "a.b", "a.b.a", "b.a", ".", 'q"', "a.", "z"]), min_size=1, max_size=3
)


@st.composite
def clauses(draw: st.DrawFn) -> Clause:
    """Return a clause that may hold for such documents."""
    operator = draw(st.sampled_from(Operator))
    where = tuple(draw(paths))
    if operator in (Operator.EXISTS, Operator.MISSING):
        return Clause(where, operator)
    if operator in (Operator.GREATER, Operator.LESS):
        return Clause(where, operator, (draw(st.sampled_from(("0", "1", "x", "-5"))),))
    texts = st.sampled_from((*TEXTS, "0", "-1", "0.5", "12345678901234567890", "1e+16"))
    return Clause(where, operator, tuple(draw(st.lists(texts, min_size=1, max_size=3))))
