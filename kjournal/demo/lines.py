"""What containers say: JSON, plain text, text of many lines, colours, and many scripts."""

from collections.abc import Callable
from random import Random
from typing import Any

import attrs

from kjournal.codec import dump_json, format_millis
from kjournal.demo import traces
from kjournal.demo.names import hexadecimal


@attrs.frozen
class Line:
    """One line of a container; `fields` is what its JSON says, where it is JSON."""

    text: str
    stream: str = "stdout"
    fields: dict[str, Any] = attrs.field(factory=dict)


Voice = Callable[[Random, int], Line]
"""Makes the next line; the integer is the time in microseconds."""

_PATHS = (
    "/",
    "/api/v1/items",
    "/api/v1/items/4711",
    "/api/v1/cart",
    "/api/v1/search?q=caf%C3%A9",
    "/static/app.css",
    "/login",
)
_METHODS = ("GET", "GET", "GET", "GET", "POST", "PUT", "DELETE")
_STATUSES = (200, 200, 200, 200, 200, 200, 200, 201, 204, 304, 400, 404, 404, 500, 503)
_CUSTOMERS = ("Zoë Brontë", "Müller & Söhne", "山田太郎", "Łukasz Żak", "שלום בע״מ", "Ana 🚀 Souza")
_GREETINGS = (
    "Bestellung versandt 📦",
    "注文を受け付けました",
    "Commande expédiée à Besançon",
    "заказ собран",
)


def _json(rng: Random, time_us: int, level: str, msg: str, **more: Any) -> Line:
    fields = {
        "ts": format_millis(time_us),
        "level": level,
        "msg": msg,
        **more,
        "trace_id": hexadecimal(rng, 32),
    }
    stream = "stderr" if level == "error" else "stdout"
    return Line(dump_json(fields).decode(), stream, fields)


def _level_of(status: int) -> str:
    if status >= 500:
        return "error"
    return "warn" if status >= 400 else "info"


def _requests(rng: Random, time_us: int) -> Line:
    status = rng.choice(_STATUSES)
    return _json(
        rng,
        time_us,
        _level_of(status),
        "request",
        method=rng.choice(_METHODS),
        path=rng.choice(_PATHS),
        status=status,
        duration_ms=round(rng.lognormvariate(3, 1), 2),
        bytes=rng.randrange(64, 65536),
    )


def _console(rng: Random, time_us: int) -> Line:
    cart = rng.randrange(1000, 9999)
    if rng.random() < 0.15:
        return Line(f"\x1b[33mwarn\x1b[39m:  cart \x1b[1m{cart}\x1b[22m expired, items released")
    if rng.random() < 0.1:
        return Line(f"\x1b[31merror\x1b[39m: redis: ECONNRESET (cart {cart})", "stderr")
    return Line(f"\x1b[32minfo\x1b[39m:  cart \x1b[1m{cart}\x1b[22m: {rng.choice(_GREETINGS)}")


def _java(rng: Random, time_us: int) -> Line:
    time = format_millis(time_us)[:-1].replace("T", " ")
    thread = f"[nio-8080-exec-{rng.randrange(1, 11)}]"
    if rng.random() < 0.06:
        head = f"{time} ERROR 1 --- {thread} e.shop.checkout.OrderService : order failed"
        return Line(f"{head}\n{rng.choice(traces.JAVA)}", "stderr")
    order = rng.randrange(10**5, 10**6)
    amount = rng.randrange(500, 50000) / 100
    return Line(
        f"{time}  INFO 1 --- {thread} e.shop.checkout.OrderService : {order}: € {amount:.2f}"
    )


def _python(rng: Random, time_us: int) -> Line:
    if rng.random() < 0.06:
        return Line(rng.choice(traces.PYTHON), "stderr")
    invoice = f"INV-{rng.randrange(10**4, 10**5)}"
    more = {"invoice": invoice, "customer": rng.choice(_CUSTOMERS)}
    return _json(rng, time_us, "info", "invoice sent", duration_ms=rng.randrange(20, 900), **more)


def _nginx(rng: Random, time_us: int) -> Line:
    client = f"203.0.113.{rng.randrange(1, 255)}"
    time = format_millis(time_us)[:-5]
    request = f"{rng.choice(_METHODS)} {rng.choice(_PATHS)} HTTP/2.0"
    size = rng.randrange(100, 40000)
    if rng.random() < 0.03:
        why = "upstream timed out (110: Connection timed out) while reading response header"
        return Line(f'{time} [error] 31#31: *{size} {why}, client: {client}, "{request}"', "stderr")
    status = rng.choice(_STATUSES)
    return Line(f'{client} - - [{time}] "{request}" {status} {size} "-" "Mozilla/5.0"')


def _envoy(rng: Random, time_us: int) -> Line:
    request = f"{rng.choice(_METHODS)} {rng.choice(_PATHS)} HTTP/1.1"
    status, took = rng.choice(_STATUSES), rng.randrange(1, 400)
    trace = hexadecimal(rng, 32)
    return Line(f'[{format_millis(time_us)}] "{request}" {status} - 0 {took} {took - 1} "{trace}"')


def _redis(rng: Random, time_us: int) -> Line:
    time = format_millis(time_us)[:-1].replace("T", " ")
    said = (
        f"{rng.randrange(100, 1000)} changes in 300 seconds. Saving...",
        f"Background saving started by pid {rng.randrange(20, 900)}",
        "DB saved on disk",
        "Background saving terminated with success",
    )
    return Line(f"1:M {time} * {rng.choice(said)}")


def _postgres(rng: Random, time_us: int) -> Line:
    time = format_millis(time_us)[:-1].replace("T", " ")
    pid = rng.randrange(40, 900)
    if rng.random() < 0.25:
        statement = traces.SQL.format(duration_ms=rng.randrange(1000, 9000))
        return Line(f"{time} UTC [{pid}] {statement}", "stderr")
    buffers = rng.randrange(10, 900)
    return Line(f"{time} UTC [27] LOG:  checkpoint complete: wrote {buffers} buffers", "stderr")


def _logfmt(rng: Random, time_us: int) -> Line:
    took = rng.randrange(200, 2000)
    message = rng.choice(("write block", "Head GC completed", "Creating checkpoint"))
    time = format_millis(time_us)
    return Line(
        f'ts={time} caller=head.go:1294 level=info msg="{message}" duration={took}ms', "stderr"
    )


VOICES: dict[str, Voice] = {
    "requests": _requests,
    "console": _console,
    "java": _java,
    "python": _python,
    "nginx": _nginx,
    "envoy": _envoy,
    "redis": _redis,
    "postgres": _postgres,
    "logfmt": _logfmt,
}
"""By name, the ways in which containers speak."""


def first_line(version: str) -> Line:
    """Return what a container says when it starts."""
    return Line(f"starting version={version} pid=1")


def last_line() -> Line:
    """Return what a container says when it is asked to end."""
    return Line("received SIGTERM, finishing requests in flight")


def crash_line(rng: Random, voice: str) -> Line:
    """Return what a container says when it dies."""
    of_voice = {"java": traces.JAVA, "python": traces.PYTHON}
    return Line(rng.choice(of_voice.get(voice, (traces.GO,))), "stderr")
