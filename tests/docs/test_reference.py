"""The settings reference is that of the code."""

from pathlib import Path

import attrs
import pytest

from kjournal.config import reference, schema
from kjournal.config.model import APISettings, ElasticsearchSettings, EmbeddedSettings
from kjournal.config.options import KjournalOptions

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"


def test_the_page_is_equal_to_a_fresh_run() -> None:
    """If not: python docs/generate.py."""
    assert PAGE.read_text(encoding="utf-8") == reference.render()


@pytest.mark.parametrize("name", sorted(KjournalOptions().longOpt))
def test_every_flag_has_a_help_text(name: str) -> None:
    doc = reference.flag_docs(KjournalOptions())[name]
    assert doc.endswith(".")
    assert f"| `--{name}` | {doc} |" in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("settings", "sections"),
    [
        (ElasticsearchSettings, (schema.ELASTICSEARCH_KEYS, schema.TLS_KEYS)),
        (EmbeddedSettings, (schema.EMBEDDED_KEYS,)),
        (APISettings, (schema.API_KEYS, schema.SOURCE_KEYS)),
    ],
)
def test_every_setting_has_a_key(settings: type, sections: tuple[tuple[schema.Key, ...]]) -> None:
    """Save `max_retries`, which nobody has asked to change."""
    keys = {key.setting for section in sections for key in section}
    assert keys == set(attrs.fields_dict(settings)) - {"max_retries"}
