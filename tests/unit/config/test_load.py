"""An APIServerConfig becomes settings, or all its mistakes."""

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kjournal.config import schema
from kjournal.config.load import FileSettings, load_config
from kjournal.config.mistakes import Mistakes
from kjournal.config.model import RESOURCES, ElasticsearchSettings, EmbeddedSettings
from kjournal.errors import ConfigError
from tests.unit.config import originals

ENVIRON = {"ELASTICSEARCH_URI": "http://elasticsearch-master:9200"}
HEAD = "apiVersion: config.kjournal/v1alpha1\nkind: APIServerConfig\n"


def load(text: str, chosen: str = "", **environ: str) -> FileSettings:
    mistakes = Mistakes()
    found = load_config(text, "c.yaml", environ, mistakes, chosen)
    mistakes.raise_any()
    return found


def mistakes_of(text: str, **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(text, **environ)
    return [str(one) for one in caught.value.mistakes]


@pytest.mark.parametrize("text", [originals.STRUCTURED, originals.FLUENTBIT, originals.FILEBEAT])
def test_configs_of_the_first_kjournal_load_unchanged(text: str) -> None:
    found = load(text, **ENVIRON)
    assert found.elasticsearch == ElasticsearchSettings(urls=("http://elasticsearch-master:9200",))
    assert found.embedded is None
    assert [api.resource for api in found.apis] == list(RESOURCES)
    assert {api.index for api in found.apis} == {"*"}
    assert found.apis[2].timestamp_fields == ("stageTimestamp",)
    assert found.apis[3].field_map["payload"] == (".",)
    assert {api.default_time_range for api in found.apis} == {"now-24h"}
    assert {api.refresh_rate_s for api in found.apis} == {0.5}
    assert {api.bulk_size for api in found.apis} == {1000}


def test_uid_fields_have_no_effect_and_are_warned_of() -> None:
    (warning,) = load(originals.STRUCTURED, **ENVIRON).warnings
    assert "apis[0].backend.elasticsearch.uidFields has no effect" in warning
    assert load(originals.FLUENTBIT, **ENVIRON).warnings == ()


def test_every_key() -> None:
    found = load(f"""{HEAD}
backend:
  elasticsearch:
    url: https://es:9200/
    username: kjournal
    password: 012
    apiKey: key
    bearerToken: token
    requestTimeout: 1m
    tls:
      allowInsecure: true
      caCert: /ca.pem
      serverName: es
      clientCert: /c.pem
      clientKey: /k.pem
apis:
- resource: events
  fieldMap: {{reason: why, note: [message, msg]}}
  dropFields: series
  filter: kind=Event
  defaultTimeRange: now-7d/d
  backend:
    elasticsearch:
      index: a-*,b
      refreshRate: 2s
      timestampFields: lastTimestamp
      bulkSize: 50
""")
    assert found.elasticsearch == ElasticsearchSettings(
        urls=("https://es:9200",),
        username="kjournal",
        password="012",
        api_key="key",
        bearer_token="token",
        request_timeout_s=60,
        allow_insecure=True,
        ca_cert="/ca.pem",
        server_name="es",
        client_cert="/c.pem",
        client_key="/k.pem",
    )
    (api,) = found.apis
    assert api.field_map == {"reason": ("why",), "note": ("message", "msg")}
    assert (api.drop_fields, api.filter) == (("series",), "kind=Event")
    assert (api.default_time_range, api.index, api.refresh_rate_s) == ("now-7d/d", "a-*,b", 2)
    assert (api.timestamp_fields, api.bulk_size) == (("lastTimestamp",), 50)


def test_the_embedded_store() -> None:
    found = load(
        f"{HEAD}backend: {{embedded: {{path: /x.db, maxSize: 2Gi, maxAge: 30d}}}}\n"
        "apis: [{resource: logs, backend: {embedded: {index: logs-*}}}]"
    )
    assert found.embedded == EmbeddedSettings(
        path="/x.db", max_bytes=2 << 30, max_age_s=30 * 86_400
    )
    assert found.apis[0].index == "logs-*"


@pytest.mark.parametrize(
    ("chosen", "index"), [("", "in-es"), ("elasticsearch", "in-es"), ("embedded", "in-file")]
)
def test_the_keys_of_the_backend_in_use_count(chosen: str, index: str) -> None:
    text = (
        f"{HEAD}backend: {{elasticsearch: {{url: http://es}}}}\n"
        "apis: [{resource: logs, backend: {embedded: {index: in-file}, "
        "elasticsearch: {index: in-es}}}]"
    )
    assert load(text, chosen).apis[0].index == index


def test_the_keys_of_the_other_backend_count_where_only_they_stand() -> None:
    text = f"{HEAD}apis: [{{resource: logs, backend: {{elasticsearch: {{index: a}}}}}}]"
    assert load(text).apis[0].index == "a"


def test_keys_without_a_value_are_absent() -> None:
    found = load(f"{HEAD}backend:\napis: [{{resource: logs, filter: , fieldMap: ~}}]")
    assert found.apis[0].filter == ""
    assert found.apis[0].field_map == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("apis: [{resource: logs}]", ["no apiVersion", "no kind"]),
        (f"{HEAD}", ["no apis"]),
        (f"{HEAD}apis: []", ["c.yaml:3: apis: found an empty list"]),
        (f"{HEAD}apis: {{}}", ["c.yaml:3: apis: found a mapping"]),
        (f"{HEAD}apis: [5]", ["apis[0]: found a single value; allowed: a mapping"]),
        (f"{HEAD}apis: [{{}}]", ["apis[0]: found no resource"]),
        (f"{HEAD}apis: [{{resource: pods}}]", ['apis[0].resource: found "pods"; allowed: cont']),
        (
            f"{HEAD}apis: [{{resource: logs}}, {{resource: events}}, {{resource: logs}}]",
            ["apis[2]: found logs twice"],
        ),
        ("- a", ["c.yaml:1: (top): found a list; allowed: a mapping"]),
        ("text", ["c.yaml:1: (top): found a text"]),
        (
            f"{HEAD}api: []\napis: [{{resource: logs}}]",
            ['c.yaml:3: (top): found the key "api"; allowed: apiVersion, kind, backend, apis'],
        ),
        (
            f"{HEAD}apis: [{{resource: logs, backend: {{elasticsearch: {{indexes: a}}}}}}]",
            ['apis[0].backend.elasticsearch: found the key "indexes"'],
        ),
        (
            f"{HEAD}backend: {{elasticsearch: {{}}}}\napis: [{{resource: logs}}]",
            ["backend.elasticsearch: found no url"],
        ),
        (
            f"{HEAD}backend: {{elasticsearch: {{url: []}}}}\napis: [{{resource: logs}}]",
            ["backend.elasticsearch.url: found an empty list"],
        ),
        (
            f"{HEAD}backend: {{elasticsearch: {{url: http://a}}, embedded: {{path: b}}}}\n"
            "apis: [{resource: logs}]",
            ["backend: found both"],
        ),
        (
            HEAD + 'apis: [{resource: logs, fieldMap: {"pod": [], "a b": [""], c: , d: {}}}]',
            [
                'apis[0].fieldMap["pod"]: found an empty list',
                'apis[0].fieldMap["a b"][0]: found ""',
                'apis[0].fieldMap["c"]: found nothing',
                'apis[0].fieldMap["d"]: found a mapping; allowed: a text, or a list of texts',
            ],
        ),
        (
            f"{HEAD}apis: [{{resource: logs, resource: events}}]",
            ['apis[0]: found the key "resource" twice'],
        ),
    ],
)
def test_mistakes_have_line_path_found_and_allowed(text: str, expected: list[str]) -> None:
    found = mistakes_of(text)
    assert len(found) == len(expected), found
    for line, part in zip(found, expected, strict=True):
        assert line.startswith("c.yaml:")
        assert part in line


def test_all_mistakes_are_told_at_once_and_an_unset_variable_once() -> None:
    found = mistakes_of(
        f"""{HEAD}
backend: {{elasticsearch: {{url: ["${{NOPE}}", "ftp://x"], tls: {{allowInsecure: $NOPE2}}}}}}
apis:
- resource: logs
  defaultTimeRange: yesterday
  backend: {{elasticsearch: {{refreshRate: 500, bulkSize: 0, timestampFields: [""]}}}}
"""
    )
    assert len(found) == 7
    assert sum("NOPE" in line for line in found) == 2


@pytest.mark.parametrize("key", ["url", "password", "apiKey", "bearerToken"])
@pytest.mark.parametrize(
    "value",
    [
        "http://u:hunter2@:x",
        "[{hunter2: hunter2}]",
        "!hunter2",
        "{hunter2: 1}",
        "*hunter2",
        '"http://u:hunter2 @es"',
        "'u:hunter2@es'",
        "[ftp://u:hunter2@es, hunter2",
    ],
)
def test_no_secret_is_shown(key: str, value: str) -> None:
    text = f"{HEAD}backend: {{elasticsearch: {{{key}: $X}}}}\napis: [{{resource: logs}}]"
    try:
        load(text, chosen="elasticsearch", X=value)
    except ConfigError as error:
        assert "hunter2" not in str(error)  # noqa: PT017 - some are fit for a password


def test_settings_hide_secrets() -> None:
    text = (
        f"{HEAD}backend: {{elasticsearch: {{url: http://es, username: u, password: hunter2}}}}\n"
        "apis: [{resource: logs}]"
    )
    assert "hunter2" not in repr(load(text))


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
SECTIONS = (
    schema.ELASTICSEARCH_KEYS,
    schema.TLS_KEYS,
    schema.EMBEDDED_KEYS,
    schema.API_KEYS,
    schema.SOURCE_KEYS,
)
KNOWN = ["apiVersion", "kind", "backend", "apis", "elasticsearch", "embedded", "tls", "<<"]
KEYS = st.sampled_from([*KNOWN, *schema.names_of(*SECTIONS)]) | st.text(max_size=4)
TREES = st.recursive(
    SCALARS | st.sampled_from([*RESOURCES, "now-1h", "10s", "1Gi", "http://es"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)


@settings(deadline=None)
@given(TREES)
def test_any_yaml_gives_settings_or_mistakes(tree: Any) -> None:
    try:
        load(yaml.safe_dump(tree, allow_unicode=True))
    except ConfigError as error:
        assert error.mistakes  # noqa: PT017 - both outcomes are right


@settings(deadline=None)
@given(st.dictionaries(KEYS, TREES, max_size=4), st.lists(TREES, max_size=3))
def test_any_tree_below_the_right_head_gives_settings_or_mistakes(
    backend: dict[str, Any], apis: list[Any]
) -> None:
    tree = {"apiVersion": "config.kjournal/v1alpha1", "kind": "APIServerConfig"}
    try:
        load(yaml.safe_dump({**tree, "backend": backend, "apis": apis}, allow_unicode=True))
    except ConfigError as error:
        assert error.mistakes  # noqa: PT017 - both outcomes are right


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("ab:-{}[]&*!|>'\"%@`#?,<$\\Ux \n\t0") | st.characters()))
def test_any_text_gives_settings_or_mistakes(text: str) -> None:
    try:
        load(text)
    except ConfigError as error:
        assert error.mistakes  # noqa: PT017 - both outcomes are right
