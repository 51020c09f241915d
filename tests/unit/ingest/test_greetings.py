"""What is remembered of templates and policies."""

from kjournal.ingest.greetings import MAX_REMEMBERED, Settings


def test_memory_is_bounded() -> None:
    """The oldest names are forgotten first."""
    settings = Settings()
    for number in range(MAX_REMEMBERED + 1):
        settings.put("_template", str(number))
    assert settings.found("_template", "0") is None
    assert settings.found("_template", "1") == {"1": {}}
    assert settings.found("_data_stream", "1") is None
