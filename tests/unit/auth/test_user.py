"""Users and the group of those who are known."""

import pytest

from kjournal.auth.user import ANONYMOUS, User


def test_a_known_user_is_authenticated() -> None:
    user = User("alice", groups=("team-a",)).with_authenticated_group()
    assert user == User("alice", groups=("team-a", "system:authenticated"))


@pytest.mark.parametrize(
    "user",
    [
        ANONYMOUS,
        User("system:anonymous"),
        User("alice", groups=("system:authenticated", "team-a")),
        User("alice", groups=("system:unauthenticated",)),
    ],
)
def test_nobody_is_authenticated_twice_or_against_their_groups(user: User) -> None:
    assert user.with_authenticated_group() is user
