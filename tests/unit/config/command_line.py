"""Settings of a command line, with files and an environment of the test's own."""

from collections.abc import Callable, Mapping

from kjournal.config.model import Settings
from kjournal.config.options import KjournalOptions, settings_of


def settings_from(
    files: Mapping[str, bytes], environ: Mapping[str, str]
) -> Callable[..., Settings]:
    """Return what turns arguments into settings, where only these files can be read."""

    def read(path: str) -> bytes:
        if path not in files:
            raise FileNotFoundError(2, "No such file or directory")
        return files[path]

    def settings(*arguments: str) -> Settings:
        options = KjournalOptions()
        options.parseOptions(list(arguments))
        return settings_of(options, environ, read)

    return settings
