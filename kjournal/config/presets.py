"""Presets: a packaged APIServerConfig without a backend, one for each way to ship logs."""

from importlib import resources

PRESETS = {
    "elasticsearch-kjournal-structured": "Documents that are already in the shape of the API.",
    "elasticsearch-fluentbit-simple": "Documents of fluent-bit with its kubernetes filter.",
    "elasticsearch-filebeat-simple": "Documents of Filebeat with add_kubernetes_metadata.",
    "embedded": "Documents of fluent-bit in the embedded store.",
}
"""Names, each with what the preset is for."""

DEFAULT_PRESETS = {"elasticsearch": "elasticsearch-fluentbit-simple", "embedded": "embedded"}
"""What is served where neither a config nor a preset is named, by backend."""


def preset_text(name: str) -> str:
    """Return the text of a preset.

    Raises: KeyError for a name that is none.
    """
    if name not in PRESETS:
        raise KeyError(name)
    folder = resources.files("kjournal.config") / "presets"
    return (folder / f"{name}.yaml").read_text(encoding="utf-8")
