"""What both ports need of Twisted's request: it must not fail on bytes that are no text."""

from twisted.web.server import Request


class TolerantRequest(Request):
    """A request whose headers can be read whatever they hold."""

    def header(self, name: str) -> str:
        """Return a header's values as one text; bytes that are no UTF-8 are replaced in it."""
        values = self.requestHeaders.getRawHeaders(name.encode(), [])
        return b",".join(values).decode(errors="replace")

    def getRequestHostname(self) -> bytes:
        """Return one name for all hosts: Klein binds its routes to it, and fails for odd ones."""
        return b"kjournal"
