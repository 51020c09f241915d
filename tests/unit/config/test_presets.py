"""The packaged presets."""

import pytest

from kjournal.config.load import load_config
from kjournal.config.mistakes import Mistakes
from kjournal.config.model import RESOURCES, APISettings
from kjournal.config.presets import DEFAULT_PRESETS, PRESETS, preset_text
from kjournal.kinds.registry import KINDS
from kjournal.query.selectors import parse_labels
from kjournal.resources import mapping_of, served


def apis_of(name: str) -> dict[str, APISettings]:
    mistakes = Mistakes()
    found = load_config(preset_text(name), name, {}, mistakes)
    mistakes.raise_any()
    assert found.elasticsearch is None
    assert found.embedded is None
    assert found.warnings == ()
    return {api.resource: api for api in found.apis}


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_serves_all_kinds_and_names_no_backend(name: str) -> None:
    apis = apis_of(name)
    assert sorted(apis) == sorted(RESOURCES)
    assert apis["auditevents"].timestamp_fields == ("stageTimestamp",)
    assert apis["auditevents"].filter == "kind=Event"
    assert apis["auditevents"].index == "audit-*"
    assert apis["events"].index == "events-*"
    assert "container-*" in apis["containerlogs"].index.split(",")
    whole = list(served(apis.values()))
    assert sorted(api.resource for api in whole) == sorted(KINDS)
    for api in whole:
        parse_labels(api.filter)
        mapping_of(api)


def test_no_preset_names_a_sub_field() -> None:
    """`.keyword` is no path into a document, so that the namespace would never be set."""
    assert not any(".keyword" in preset_text(name) for name in PRESETS)


def test_the_embedded_preset_is_that_of_fluent_bit() -> None:
    assert apis_of("embedded") == apis_of("elasticsearch-fluentbit-simple")


def test_defaults_are_presets() -> None:
    assert set(DEFAULT_PRESETS.values()) <= set(PRESETS)


def test_another_name_is_no_file() -> None:
    with pytest.raises(KeyError):
        preset_text("../model")
