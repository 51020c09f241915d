"""The mistakes found so far, so that all of them are told at once."""

import attrs

from kjournal.errors import ConfigError, ConfigMistake


@attrs.define
class Mistakes:
    """Collects mistakes while the settings are read to their end."""

    _found: list[ConfigMistake] = attrs.field(factory=list)

    def add(self, where: str, found: str, allowed: str) -> None:
        """Note one; `found` holds no secret."""
        mistake = ConfigMistake(where, found, allowed)
        if mistake not in self._found:
            self._found.append(mistake)

    def raise_any(self) -> None:
        """Raise ConfigError with all of them, if there is any."""
        if self._found:
            raise ConfigError(self._found)
