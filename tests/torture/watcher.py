"""One watcher: it lists, watches, leaves at random moments, and goes on where it was."""

import random
from typing import Any

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import AlreadyCalled, AlreadyCancelled
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import deferLater

from kjournal.codec import load_json
from kjournal.query.resource_version import STEP
from tests.torture.client import Frames, Requests, path_of
from tests.torture.ledger import Ledger

LISTED = "LISTED"
_AGAIN_S = 0.3
_LIMITS = (0, 150, 500, 1000)
_STOPPED_S = 8.0


class Refused(Exception):
    """The gateway did not give what was asked for, and may later."""


class Expired(Exception):
    """The gateway does not know the resourceVersion any more."""


@attrs.define
class Gateways:
    """Where watchers connect to: URLs, and which life of each process is the present one."""

    urls: tuple[str, ...]
    lives: list[int]
    residues: dict[str, int] = attrs.field(factory=dict)
    calm: bool = False
    """Nobody leaves by chance any more."""

    def life(self, at: int) -> str:
        """Return the name of a process."""
        return f"gateway {at}.{self.lives[at]}"


@attrs.define
class Watcher:
    """Its place in the stream is `version`, given by the process `version_of`."""

    ledger: Ledger
    gateways: Gateways
    requests: Requests
    clock: IReactorTime
    dice: random.Random
    stay_s: float
    lazy: bool
    initial: bool = False
    """It asks for initial events in place of a list."""
    version: int = 0
    version_of: str = ""
    connections: int = 0
    over: bool = False
    closing: Deferred[None] | None = None
    _frames: Frames | None = None
    _initial_over: bool = True
    _timers: list[IDelayedCall] = attrs.field(factory=list)
    _latest: int = 0
    _fault: Exception | None = None
    _life: str = ""

    async def run(self, wait_s: float) -> None:
        """Watch until it is over."""
        await deferLater(self.clock, wait_s, lambda: None)
        while not self.over:
            try:
                if self.version or self.initial:
                    await self._watch()
                else:
                    await self._list()
            except Expired as error:
                self.ledger.counts["expired"] += 1
                self._begin_again(f"expired: {error}")
            except CancelledError:
                raise
            except Exception as error:
                self.ledger.counts["refused"] += 1
                self.ledger.note(f"refused: {type(error).__name__} {str(error)[:200]}")
                await deferLater(self.clock, _AGAIN_S, lambda: None)

    def _begin_again(self, why: str) -> None:
        self.ledger.note(why)
        self.ledger.forget()
        self.version = 0

    def close(self) -> Deferred[None]:
        """Make one more connection, which the gateway ends; it has shown all by then."""
        self.closing = Deferred()
        self.leave()
        return self.closing

    def leave(self) -> None:
        """Leave the present connection, if there is one."""
        if self._frames is not None:
            self._frames.leave()

    def _choose(self) -> tuple[str, str]:
        at = self.dice.randrange(len(self.gateways.urls))
        return self.gateways.urls[at], self.gateways.life(at)

    async def _list(self) -> None:
        """Read all pages of a list; only a whole one counts."""
        url, life = self._choose()
        limit, token, version = self.dice.choice(_LIMITS), "", 0
        shown: list[tuple[int, int]] = []
        while True:
            parameters = {"limit": str(limit)} if limit else {}
            if token:
                parameters["continue"] = token
            page = await self._page(url + path_of(self.ledger.view, parameters))
            found = int(page["metadata"]["resourceVersion"])
            if version and found != version:
                self.ledger.wrong(f"pages of {version} and of {found}")
            version = found
            shown += [_line_of(item) for item in page["items"]]
            token = page["metadata"].get("continue", "")
            if not token:
                break
        self.gateways.residues[life] = version % STEP
        self.ledger.connected(life, exact=True)
        self.ledger.note(f"listed {len(shown)} at {version} from {life}")
        for number, revision in shown:
            self.ledger.saw(LISTED, number, revision)
        self.version, self.version_of = version, life

    async def _page(self, url: str) -> Any:
        response = await self.requests.begin(url)
        answer = await self.requests.whole(response)
        if response.code == 410:
            raise Expired(answer["message"])
        if response.code != 200:
            raise Refused(f"{response.code} {answer.get('message')}")
        return answer

    async def _watch(self) -> None:
        """Make one connection, and stay for a while."""
        url, self._life = self._choose()
        closing = self.closing if self.version else None
        parameters = {"watch": "1", "allowWatchBookmarks": "true"}
        if self.version:
            parameters["resourceVersion"] = str(self.version)
        else:
            parameters |= {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
        if closing:
            parameters["timeoutSeconds"] = "1"
        elif self.dice.random() < 0.3:
            parameters["timeoutSeconds"] = str(1 + int(self.dice.expovariate(1 / self.stay_s)))
        response = await self.requests.begin(url + path_of(self.ledger.view, parameters))
        if response.code != 200:
            answer = await self.requests.whole(response)
            raise (Expired if response.code == 410 else Refused)(
                f"{response.code} {answer.get('message')}"
            )
        await self._read(response, closing)

    async def _read(self, response: Any, closing: "Deferred[None] | None") -> None:
        life = self._life
        residue = self.gateways.residues.get(life, -1)
        exact = self.version_of == life and self.version % STEP == residue
        self.ledger.connected(life, exact=exact)
        self.ledger.note(f"watches {life} from {self.version}{' exactly' if exact else ''}")
        self._initial_over, self._latest, self._fault = bool(self.version), 0, None
        self.connections += 1
        frames = self._frames = Frames(self._line, self.dice)
        if not self.gateways.calm and not closing:
            self._set_timers(frames)
        response.deliverBody(frames)
        if self.over:
            frames.leave()
        try:
            await frames.ended
        finally:
            self._frames = None
            self._clear_timers()
        self.ledger.note(f"left at {self.version}")
        if self._fault is not None:
            raise self._fault
        if not self.version:
            self._begin_again("the initial events were not whole")
        if closing and not closing.called:
            closing.callback(None)

    def _set_timers(self, frames: Frames) -> None:
        later = self.clock.callLater
        end = self.dice.choice((frames.cut, frames.leave))
        self._timers.append(later(self.dice.expovariate(1 / self.stay_s), end))
        if self.lazy and self.version:
            self._clear_timers()
            stop_s = self.dice.uniform(0.1, 1.0)
            self._timers = [
                later(stop_s, frames.stop_reading),
                later(stop_s + _STOPPED_S, frames.read_on),
                later(stop_s + _STOPPED_S + 2 * self.stay_s, end),
            ]

    def _clear_timers(self) -> None:
        for timer in self._timers:
            try:
                timer.cancel()
            except (AlreadyCalled, AlreadyCancelled):
                continue
        self._timers.clear()

    def _line(self, line: bytes) -> None:
        try:
            event = load_json(line)
            type, obj = event["type"], event["object"]
            if type == "ERROR":
                self._failed(obj)
                return
            version = int(obj["metadata"]["resourceVersion"])
            if type == "BOOKMARK":
                self._bookmark(obj, version)
                return
            number, revision = _line_of(obj)
        except (ValueError, KeyError, TypeError) as error:
            self.ledger.wrong(f"{error!r} in {line[:200]!r}")
            return
        if type == "DELETED":
            self.ledger.counts["deleted"] += 1
        else:
            self.ledger.saw(type, number, revision)
        if self._initial_over:
            self._advance(version)

    def _failed(self, status: Any) -> None:
        kind = Expired if status["code"] == 410 else Refused
        self._fault = kind(f"{status['code']} {status.get('message')}")

    def _bookmark(self, obj: Any, version: int) -> None:
        annotations = obj["metadata"].get("annotations", {})
        if annotations.get("k8s.io/initial-events-end") == "true":
            self._initial_over = True
            self.gateways.residues[self._life] = version % STEP
            self.ledger.note(f"initial events end at {version}")
        if self._initial_over:
            self._advance(version)

    def _advance(self, version: int) -> None:
        if version < self._latest:
            self.ledger.wrong(f"resourceVersion {version} after {self._latest}")
        self._latest = version
        self.version, self.version_of = version, self._life


def _line_of(obj: Any) -> tuple[int, int]:
    payload = obj["payload"]
    return int(payload["n"]), int(payload["v"])
