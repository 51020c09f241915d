"""Continue tokens: for the same view and key, unchanged, or not at all."""

import string

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kjournal.errors import BadRequest, Expired
from kjournal.query.model import Operator, PageStart
from kjournal.query.selectors import Requirement
from kjournal.query.token import ContinueToken, begun_us
from kjournal.query.view import View

KEY = b"k" * 32
VIEW = View(kind="logs", namespace="a", fields=(Requirement("payload", Operator.IN, ("x",)),))
BASE64 = string.ascii_letters + string.digits + "-_"
scalars = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(alphabet="abü", max_size=9)
)
tokens = st.builds(
    lambda version, now_us, snapshot, after: ContinueToken(
        resource_version=version,
        now_us=now_us,
        start=PageStart(snapshot=snapshot, after=tuple(after)),
    ),
    st.integers(1, 2**53),
    st.integers(0, 2**53),
    st.text(alphabet="abcé/+", max_size=40),
    st.lists(scalars, max_size=3),
)


@given(tokens)
def test_round_trip(token: ContinueToken) -> None:
    """A token reads back for the view and key that made it, and tells when its list began."""
    text = token.encode(VIEW, KEY)
    assert set(text) <= set(BASE64)
    assert ContinueToken.decode(text, VIEW, KEY) == token
    assert begun_us(text, KEY) == token.now_us


@given(tokens, st.data())
def test_tampered(token: ContinueToken, data: st.DataObject) -> None:
    """One other character anywhere, even one that decodes to the same bytes, is refused.

    In the head it may look like a token of another key.
    """
    text = token.encode(VIEW, KEY)
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(BASE64 + "+/=é").filter(lambda char: char != text[at]))
    changed = text[:at] + other + text[at + 1 :]
    refusals = (BadRequest, Expired) if at < 12 else BadRequest
    with pytest.raises(refusals):
        ContinueToken.decode(changed, VIEW, KEY)
    with pytest.raises(refusals):
        begun_us(changed, KEY)


OTHERS = [
    attrs.evolve(VIEW, namespace="b"),
    attrs.evolve(VIEW, namespace=None),
    attrs.evolve(VIEW, kind="events"),
    attrs.evolve(VIEW, fields=()),
    attrs.evolve(VIEW, fields=(), labels=VIEW.fields),
    attrs.evolve(VIEW, fields=(Requirement("payload", Operator.NOT_IN, ("x",)),)),
]
TOKEN = ContinueToken(resource_version=7, now_us=8, start=PageStart(snapshot="s", after=(1, "a")))


@pytest.mark.parametrize("other", OTHERS, ids=str)
def test_other_view(other: View) -> None:
    """It works for no other namespace, kind or selector."""
    with pytest.raises(BadRequest):
        ContinueToken.decode(TOKEN.encode(VIEW, KEY), other, KEY)


def test_other_key() -> None:
    """At another process it is expired, not wrong: clients list again after a 410 only."""
    with pytest.raises(Expired):
        ContinueToken.decode(TOKEN.encode(VIEW, KEY), VIEW, b"other")


@given(st.text(max_size=60))
def test_any_text(text: str) -> None:
    """Text that nobody made is a BadRequest."""
    with pytest.raises(BadRequest):
        ContinueToken.decode(text, VIEW, KEY)


def test_truncated() -> None:
    """No beginning of a token is a token."""
    text = TOKEN.encode(VIEW, KEY)
    for end in range(len(text)):
        with pytest.raises(BadRequest):
            ContinueToken.decode(text[:end], VIEW, KEY)


def test_without_a_snapshot() -> None:
    """A token of a 410 says where to go on, and leaves the moment open; it is bound alike."""
    start = PageStart(snapshot="", after=(1, "a"))
    token = ContinueToken(resource_version=0, now_us=8, start=start)
    text = token.encode(VIEW, KEY)
    assert ContinueToken.decode(text, VIEW, KEY) == token
    with pytest.raises(BadRequest):
        ContinueToken.decode(text, OTHERS[0], KEY)
