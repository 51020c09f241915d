"""One namespace never shows another's lines, however its field is indexed."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from kjournal.codec import dump_json, load_json
from tests.integration.stories import API, Following, Site, ask, container_line, path_of

# Analysed text breaks these into the token `team`, or is blind to the case.
OTHERS = ("team-b", "my-team", "TEAM", "Team", "team.b", "team b", "teams")
MAPPINGS = {
    "keyword": {"type": "keyword"},
    "text": {"type": "text"},
    "text-with-keyword": {"type": "text", "fields": {"keyword": {"type": "keyword"}}},
}


@pytest.fixture(scope="module", params=MAPPINGS)
def index(request: pytest.FixtureRequest, site: Site) -> str:
    """Return an index with the namespace mapped so; the embedded store has no mappings."""
    name = site.index("containerlogs", request.param)
    if site.store.name == "elasticsearch":
        kubernetes = {"properties": {"namespace_name": MAPPINGS[request.param]}}
        body = dump_json({"mappings": {"properties": {"kubernetes": kubernetes}}})
        headers = {"Content-Type": "application/json"}
        made = ask(site.store.url, f"/{name}", method="PUT", body=body, headers=headers)
        assert made.status == 200, made.body
    site.store.write([(name, None, line("team", request.param))])
    site.store.write([(name, None, line(other, request.param)) for other in OTHERS])
    for odd in (["team"], ["team", "team-b"], {"name": "team"}, None, ""):
        with contextlib.suppress(AssertionError):  # a mapping may refuse what is no text
            site.store.write([(name, None, line(odd, request.param))])
    return name


def line(namespace: Any, how: str) -> dict[str, Any]:
    """Return a line that says of what namespace it is."""
    return container_line(f"{how} of {namespace}", namespace)


def logs_of(items: list[dict[str, Any]], how: str) -> list[str]:
    return [i["payload"]["log"] for i in items if i["payload"]["log"].startswith(f"{how} of ")]


def test_a_list_is_of_the_namespace_alone(site: Site, index: str) -> None:
    """A list of `team` shows nothing of names that begin, end or sound like it."""
    how = index.rpartition("container-")[2]
    assert logs_of(site.items("containerlogs", "team"), how) == [f"{how} of team"]
    for other in ("team-b", "my-team", "teams"):
        assert logs_of(site.items("containerlogs", other), how) == [f"{how} of {other}"]
    assert logs_of(site.items("containerlogs", "tea"), how) == []


def test_all_namespaces_show_what_each_shows(site: Site, index: str) -> None:
    """What has no one namespace is shown to nobody, with `-A` either."""
    how = index.rpartition("container-")[2]
    shown = logs_of(site.items("containerlogs"), how)
    assert sorted(shown) == sorted(f"{how} of {name}" for name in ("team", *OTHERS))


def test_a_field_selector_is_as_exact(site: Site, index: str) -> None:
    """`metadata.namespace=team` means the whole name too, and so does a name in another's path."""
    how = index.rpartition("container-")[2]
    query = "?fieldSelector=metadata.namespace%3Dteam"
    assert logs_of(site.items("containerlogs", "", query), how) == [f"{how} of team"]
    for item in site.items("containerlogs", "team-b"):
        name = item["metadata"]["name"]
        assert ask(site.url, f"{API}/namespaces/team/containerlogs/{name}").status == 404
        assert ask(site.url, f"{API}/namespaces/team-b/containerlogs/{name}").status == 200


@pytest.fixture
def watching(site: Site) -> Iterator[Following]:
    """Yield a watch of the namespace `team` from now on."""
    version = ask(site.url, path_of("containerlogs", "team")).json["metadata"]["resourceVersion"]
    path = f"{path_of('containerlogs', 'team')}?watch=true&resourceVersion={version}"
    with Following(["curl", "-sN", f"{site.url}{path}"]) as following:
        yield following


def test_a_watch_is_of_the_namespace_alone(site: Site, index: str, watching: Following) -> None:
    """A watch of `team` shows an arriving line of `team`, and none of the others before it."""
    how = index.rpartition("container-")[2]
    site.store.write([(index, None, line(other, f"{how}-w")) for other in OTHERS])
    site.store.write([(index, None, line("team", f"{how}-w"))])
    watching.says(f"{how}-w of team")
    events = [load_json(one) for one in watching.lines]
    assert [event["object"]["payload"]["log"] for event in events] == [f"{how}-w of team"]
