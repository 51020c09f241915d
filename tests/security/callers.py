"""Callers that show any certificate and any header, on connections that stay open."""

import http.client
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kjournal.codec import load_json
from tests.security.stage import ROOT, Running
from tests.unit.auth.certificates import Pair, issue

Header = tuple[str, bytes]
SINCE, UNTIL = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
FORGED: tuple[Header, ...] = (("X-Remote-User", b"admin"), ("X-Remote-Group", b"system:masters"))


def lasting(issuer: Pair | None, common_name: str, **wanted: Any) -> Pair:
    """Return a certificate that is valid today, unless it is wanted otherwise."""
    return issue(issuer, common_name, **{"since": SINCE, "until": UNTIL, **wanted})


def lasting_authority(common_name: str) -> Pair:
    """Return a CA that is valid today."""
    return lasting(None, common_name, ca=True, usages=None)


class Caller:
    """One connection to a server, with the certificates that it presents."""

    def __init__(self, running: Running, folder: Path, presented: Sequence[Pair] = ()) -> None:
        context = ssl.create_default_context(cafile=running.ca_file)
        if presented:
            certificate, key = presented[0].write(folder, "caller")
            certificate.write_bytes(b"".join(each.pem for each in presented))
            context.load_cert_chain(certificate, key)
        self._connection = http.client.HTTPSConnection(
            "127.0.0.1", running.port, context=context, timeout=30
        )

    def ask(self, headers: Sequence[Header] = ()) -> tuple[int, str]:
        """Return the status, and the name of the user whom the server takes us for, or ""."""
        self._connection.putrequest("GET", ROOT)
        for name, value in headers:
            self._connection.putheader(name, value)
        self._connection.endheaders()
        answer = self._connection.getresponse()
        document = load_json(answer.read())
        return answer.status, document.get("name", "")

    def close(self) -> None:
        """Hang up."""
        self._connection.close()
