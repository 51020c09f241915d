"""How much of the gateway one user may take, so that the others are served.

Source: apiserver pkg/server/filters/maxinflight.go for requests; kube-apiserver has nothing like it
for watches, as API priority and fairness lets them go at once.
"""

from collections import Counter

import attrs

from kjournal.api.request import APIRequest
from kjournal.auth.user import ANONYMOUS, INSECURE, MASTERS_GROUP, User
from kjournal.errors import TooManyRequests


@attrs.frozen(kw_only=True)
class Limits:
    """How many requests may be in flight at once; 0 is any number.

    A watch is no request here: it has limits of its own, as it lasts for hours.
    """

    requests: int = 400
    requests_per_user: int = 100
    watches: int = 10_000
    watches_per_user: int = 1000


class Quota:
    """Counts what is in flight, of one sort, in all and by user; who has nothing open is forgotten.

    The anonymous are counted by their address. On the loopback port everybody is one user, who has
    no limit but that of all.
    """

    def __init__(self, what: str, most: int, most_per_user: int) -> None:
        self._what, self._most, self._most_per_user = what, most, most_per_user
        self._by_user: Counter[str] = Counter()
        self.total = 0

    def take(self, request: APIRequest) -> None:
        """Count a request until it ends. Raises: TooManyRequests beyond a limit."""
        user: User = request.identity
        if MASTERS_GROUP in user.groups:
            return
        if self._most and self.total >= self._most:
            raise TooManyRequests(
                f"too many {self._what} at once, please try again later", retry_after_s=1
            )
        whose = _whose(user, request)
        limited = self._most_per_user and user is not INSECURE
        if limited and self._by_user[whose] >= self._most_per_user:
            raise TooManyRequests(
                f"too many {self._what} of one user at once (at most {self._most_per_user}), "
                "please try again later",
                retry_after_s=1,
            )
        self.total += 1
        self._by_user[whose] += 1
        request.notifyFinish().addBoth(lambda _: self._give_back(whose))

    def _give_back(self, whose: str) -> None:
        self.total -= 1
        self._by_user[whose] -= 1
        if not self._by_user[whose]:
            del self._by_user[whose]

    @property
    def users(self) -> int:
        """How many users have something open."""
        return len(self._by_user)


def _whose(user: User, request: APIRequest) -> str:
    if user.name != ANONYMOUS.name:
        return user.name
    return f"{user.name} at {getattr(request.getClientAddress(), 'host', '')}"
