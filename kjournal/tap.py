"""What twistd loads: the command line, and the service that it comes to. A reader starts here."""

import os
import sys

from twisted.application.service import Service
from twisted.python.usage import UsageError

from kjournal.config.options import KjournalOptions, settings_of
from kjournal.errors import ConfigError, StoreError
from kjournal.service import Gateway


class Options(KjournalOptions):
    """The flags of `twistd kjournal`."""


def makeService(options: Options) -> Service:
    """Return the gateway that the flags and the file describe.

    Bad settings end the process with status 1 and every mistake on standard error, as does a store
    that cannot be opened.
    """
    from twisted.internet import reactor

    try:
        settings = settings_of(options, os.environ)
        return Gateway(settings, reactor, os.environ, _tell)
    except (ConfigError, StoreError, UsageError) as error:
        # twistd would print a traceback for anything but SystemExit.
        sys.stderr.write(f"kjournal: {error}\n")
        raise SystemExit(1) from error


def _tell(text: str) -> None:
    """Write past twistd, which turns standard output into log lines."""
    if sys.__stdout__ is not None:
        sys.__stdout__.write(text)
        sys.__stdout__.flush()
