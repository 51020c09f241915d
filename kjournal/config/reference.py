"""The settings reference in Markdown, made from the flags, the schema and the presets."""

from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from kjournal.config.model import APISettings, ElasticsearchSettings, EmbeddedSettings
from kjournal.config.options import KjournalOptions
from kjournal.config.presets import DEFAULT_PRESETS, PRESETS, preset_text
from kjournal.config.schema import (
    API_KEYS,
    API_VERSION,
    ELASTICSEARCH_KEYS,
    EMBEDDED_KEYS,
    IGNORED_SOURCE_KEYS,
    KIND,
    SOURCE_KEYS,
    TLS_KEYS,
    Key,
)

_HEAD = """# Settings

<!-- Made by docs/generate.py from kjournal/config; do not edit. -->

kjournal is told what to do by flags and by one file; a flag counts before the file. All mistakes
are told at once, each with its place, what was found and what is allowed; then nothing is started.

## Flags

`twistd -n kjournal FLAGS`
"""

_FILE = f"""## File

`--config FILE` names one YAML document with `apiVersion: {API_VERSION}` and
`kind: {KIND}`, as the first kjournal had it. A key that is not listed here is a mistake,
and so is a key that stands twice. `{", ".join(IGNORED_SOURCE_KEYS)}`, which old files have, has no
effect and is warned of. A file without `backend` means the embedded store.

`$NAME` and `${{NAME}}` are replaced from the environment before the YAML is read; an unset variable
is a mistake, and `$$` is a literal `$`. Lines that are comments are left alone. A secret that holds
characters of YAML's own (`#`, `: `, a leading `!` or `*`) is better put in a file and named by a
flag such as `--es-password-file`.

A duration is written as in Go (`500ms`, `10s`, `1h30m`); `d` and `w` are taken too. A quantity is
written as in Kubernetes (`500M`, `1Gi`). Where a list of texts is asked for, one text will do.
"""

_APIS = """A kind that has no entry is not served. What is asked of a store stands below the
backend's name; an entry that has it only below the other name is taken from there.
"""


def render() -> str:
    """Return the whole page."""
    blocks = [
        _HEAD,
        _flags(),
        _FILE,
        _section("backend.elasticsearch", ELASTICSEARCH_KEYS, ElasticsearchSettings),
        _section("backend.elasticsearch.tls", TLS_KEYS, ElasticsearchSettings),
        _section("backend.embedded", EMBEDDED_KEYS, EmbeddedSettings),
        _section("apis[]", API_KEYS, APISettings),
        _APIS,
        _section("apis[].backend.elasticsearch, apis[].backend.embedded", SOURCE_KEYS, APISettings),
        *_presets(),
    ]
    return "\n\n".join(block.strip("\n") for block in blocks) + "\n"


def flag_docs(options: KjournalOptions) -> dict[str, str]:
    """Return each flag, with `=` where it takes a value, and its help text."""
    return {
        name: " ".join((options.docs.get(name.rstrip("=")) or "").split())
        for name in sorted(options.longOpt)
    }


def _flags() -> str:
    rows = (f"| `--{name}` | {_cell(doc)} |" for name, doc in flag_docs(KjournalOptions()).items())
    return "\n".join(("| Flag | Meaning |", "|---|---|", *rows))


def _section(title: str, keys: Sequence[Key], settings: Any) -> str:
    fields = attrs.fields_dict(settings)
    rows = [f"### {title}", "", "| Key | Value | Default | Meaning |", "|---|---|---|---|"]
    for key in keys:
        field = fields[key.setting]
        default = _default(key.setting, field.default)
        rows.append(f"| `{key.name}` | {key.form} | {default} | {_cell(field.metadata['doc'])} |")
    return "\n".join(rows)


def _presets() -> Iterator[str]:
    defaults = ", ".join(f"`{preset}` for {name}" for name, preset in DEFAULT_PRESETS.items())
    yield "## Presets"
    yield f"`--preset NAME` stands in for a file's `apis`. With neither it is {defaults}."
    for name, doc in PRESETS.items():
        yield f"### {name}\n\n{doc}\n\n```yaml\n{preset_text(name)}```"


def _default(setting: str, value: Any) -> str:
    if value is attrs.NOTHING:
        return "required"
    if isinstance(value, attrs.Factory) or value in ("", ()):  # type: ignore[arg-type]
        return ""
    return f"`{_written(setting, value)}`"


def _written(setting: str, value: Any) -> str:
    """Return a default as it is written in the file."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(value)}]"
    if setting.endswith("_bytes"):
        return f"{value >> 30}Gi"
    if setting.endswith("_s"):
        return _duration(value)
    return str(value)


def _duration(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:g}{unit}"
    return f"{seconds * 1000:g}ms"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
