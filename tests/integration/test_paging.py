"""Pages over HTTP, where event times say nothing about the order."""

import http.client
import urllib.parse
from collections import Counter

from kjournal.codec import load_json
from tests.integration.stories import Site, ago, ask, container_line, path_of

MANY = 10_000
PAGE = 7


def test_ten_thousand_of_one_time_come_once_each(site: Site) -> None:
    """Pages of 7 show each of 10,000 documents with one timestamp once, at one resourceVersion."""
    time = ago(60)
    site.store.write(
        [
            (site.index("containerlogs", str(n % 3)), f"tied-{n}", tied)
            for n in range(MANY)
            for tied in (container_line(f"tied {n}", "tied", **{"@timestamp": time}),)
        ]
    )
    address = urllib.parse.urlsplit(site.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    seen: Counter[str] = Counter()
    versions, sizes, token = set(), Counter[int](), ""
    try:
        while True:
            follow = f"&continue={urllib.parse.quote(token)}" if token else ""
            path = f"{path_of('containerlogs', 'tied')}?limit={PAGE}{follow}"
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read()
            assert response.status == 200, body
            page = load_json(body)
            seen.update(item["metadata"]["name"] for item in page["items"])
            versions.add(page["metadata"]["resourceVersion"])
            sizes[len(page["items"])] += 1
            token = page["metadata"].get("continue", "")
            if not token:
                break
    finally:
        connection.close()
    assert len(seen) == MANY
    assert set(seen.values()) == {1}
    assert len(versions) == 1
    assert sizes == {PAGE: MANY // PAGE, MANY % PAGE: 1}


def test_a_list_without_a_limit_is_whole(site: Site) -> None:
    """Without a limit the same 10,000 come in one answer."""
    items = site.items("containerlogs", "tied")
    assert len({item["metadata"]["name"] for item in items}) == len(items) == MANY


def test_a_token_is_of_its_list_alone(site: Site) -> None:
    """A token of one namespace is refused in another, and with another selector."""
    first = ask(site.url, f"{path_of('containerlogs', 'tied')}?limit={PAGE}").json
    token = urllib.parse.quote(first["metadata"]["continue"])
    for path in (path_of("containerlogs", "other"), path_of("containerlogs"), path_of("events")):
        assert ask(site.url, f"{path}?limit={PAGE}&continue={token}").status == 400
    path = f"{path_of('containerlogs', 'tied')}?limit={PAGE}&continue={token}"
    assert ask(site.url, f"{path}&labelSelector=a%3Db").status == 400
    assert ask(site.url, path).status == 200
