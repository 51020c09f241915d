"""`$NAME` and `${NAME}` in the text of a config, from the environment.

As Go's os.ExpandEnv, which the first kjournal used, save for three things: an unset variable is a
mistake and not the empty text, `$$` is a literal `$`, and a `$` before anything but a name or `{`
stays. Lines that are comments are left alone.
"""

import re
from collections.abc import Mapping

from kjournal.config.mistakes import Mistakes

UNSET = "\ufdd0"
"""Stands for a variable that is unset, so that what is read from it is not a second mistake.

A Unicode noncharacter: YAML's own texts and the environment cannot need it.
"""

_REFERENCE = re.compile(
    r"\$(?:(?P<dollar>\$)|(?P<bare>[A-Za-z_][A-Za-z0-9_]*)|(?P<brace>\{)(?P<braced>[^}\n]*)(?P<end>\}?))"
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def expand(text: str, environ: Mapping[str, str], file: str, mistakes: Mistakes) -> str:
    """Return the text with each variable replaced; what a variable holds is not expanded again."""
    return "\n".join(
        line if line.lstrip().startswith("#") else _expanded(line, environ, f"{file}:{n}", mistakes)
        for n, line in enumerate(text.split("\n"), start=1)
    )


def _expanded(line: str, environ: Mapping[str, str], where: str, mistakes: Mistakes) -> str:
    def value(found: re.Match[str]) -> str:
        if found["dollar"]:
            return "$"
        name = found["bare"] or found["braced"]
        if found["brace"] and not (found["end"] and _NAME.fullmatch(name)):
            mistakes.add(where, "`${` without a name and `}`", "${NAME}, or $$ for a literal $")
            return UNSET
        if name not in environ:
            allowed = "a variable that is set, or $$ for a literal $"
            mistakes.add(where, f"the variable {name}, which is unset", allowed)
            return UNSET
        return environ[name]

    return _REFERENCE.sub(value, line)
