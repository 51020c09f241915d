"""The flags as they were given, read like the keys of the file: a mistake is noted, not raised."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import attrs

from kjournal.config.element import shown
from kjournal.config.mistakes import Mistakes

_T = TypeVar("_T")
Read = Callable[[str], bytes]
"""Returns what a file holds, or raises OSError."""

CERTIFICATES = re.compile(rb"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----")
PRIVATE_KEY = re.compile(rb"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----")
# As kube-apiserver is often started: an empty list of names allows any.
_MAY_BE_EMPTY = "requestheader-allowed-names"
_PEM = {CERTIFICATES: "a certificate", PRIVATE_KEY: "a private key"}


def read_file(path: str) -> bytes:
    """Return what a file holds."""
    return Path(path).read_bytes()


@attrs.frozen
class Files:
    """Reads the files that settings name."""

    read: Read
    mistakes: Mistakes

    def content(self, path: str, where: str) -> bytes | None:
        """Return what a file holds, or None after a mistake."""
        try:
            return self.read(path)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "no path"
            # A secret is easily given where its file is asked for; a path mostly begins like this.
            name = (
                shown(path) if path.startswith(("/", "./", "../")) else "a name that is not shown"
            )
            self.mistakes.add(where, f"{name} ({reason})", "a file that can be read")
            return None

    def check(self, path: str, where: str, pem: re.Pattern[bytes] | None = None) -> None:
        """Note a mistake if a file cannot be read, or holds no PEM of the kind."""
        content = self.content(path, where)
        if content is not None and pem is not None and not pem.search(content):
            self.mistakes.add(where, f"{shown(path)} without one", f"{_PEM[pem]} in PEM")


@attrs.frozen
class Flags:
    """What stands on the command line."""

    options: Mapping[str, Any]
    files: Files
    mistakes: Mistakes

    def given(self, *names: str) -> list[str]:
        """Return those of the flags that were given."""
        return [name for name in names if self.options.get(name)]

    def refuse_empty(self) -> None:
        """Note a mistake at each flag with an empty value, as of a shell variable that is unset."""
        for name, value in self.options.items():
            if name != _MAY_BE_EMPTY and (value == "" or (isinstance(value, list) and "" in value)):
                self.refuse(name, "an empty text", "a value, or no such flag")

    def text(self, name: str) -> str:
        """Return a value, empty where the flag is absent."""
        return str(self.options[name]) if self.given(name) else ""

    def values(self, name: str) -> list[str]:
        """Return the values of a flag that may be repeated, or of a comma list."""
        return [value for value in self.options.get(name) or [] if value]

    def parsed(self, name: str, parse: Callable[[str], _T], *, secret: bool = False) -> _T | None:
        """Return what `parse` makes of a value, or None: the flag is absent, or it is a mistake."""
        return self._parsed(name, self.text(name), parse, secret) if self.given(name) else None

    def all_parsed(
        self, name: str, parse: Callable[[str], _T], *, secret: bool = False
    ) -> tuple[_T, ...]:
        """Return what `parse` makes of each value; those that are mistakes are left out."""
        found = [self._parsed(name, text, parse, secret) for text in self.values(name)]
        return tuple(value for value in found if value is not None)

    def path(self, name: str, pem: re.Pattern[bytes] | None = None) -> str:
        """Return the path of a file that can be read and holds such PEM, empty where absent."""
        path = self.text(name)
        if path:
            self.files.check(path, f"--{name}", pem)
        return path

    def secret(self, name: str) -> str:
        """Return the one line that a file holds, empty where the flag is absent."""
        content = self.files.content(self.text(name), f"--{name}") if self.given(name) else None
        if content is None:
            return ""
        try:
            text = content.decode().strip()
        except ValueError:
            text = ""
        if not text or not text.isprintable():
            self.refuse(name, "a file that holds no secret", "a file with one line of text")
            return ""
        return text

    def refuse(self, name: str, found: str, allowed: str) -> None:
        """Note a mistake at a flag."""
        self.mistakes.add(f"--{name}", found, allowed)

    def _parsed(self, name: str, text: str, parse: Callable[[str], _T], secret: bool) -> _T | None:
        try:
            return parse(text)
        except ValueError as error:
            self.refuse(name, "a text that is not shown" if secret else shown(text), str(error))
            return None
