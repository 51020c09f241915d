"""The four ways to ask: each store, directly and through kube-apiserver."""

import pytest

from tests.integration.conftest import EMBEDDED

DIRECT, PROXIED = "direct", "proxied"


def _way(way: str, store: str) -> object:
    marks = [pytest.mark.kube] if way == PROXIED else []
    if store != EMBEDDED:
        marks.append(pytest.mark.elasticsearch)
    return pytest.param((way, store), id=f"{way}-{store}", marks=marks)


WAYS = [_way(way, store) for way in (DIRECT, PROXIED) for store in (EMBEDDED, "elasticsearch")]
# What kube-apiserver answers itself cannot be asked through it, and where there is no
# kube-apiserver nothing can be asked through it.
direct_only = pytest.mark.parametrize("served", WAYS[:2], indirect=True)
proxied_only = pytest.mark.parametrize("served", WAYS[2:], indirect=True)
