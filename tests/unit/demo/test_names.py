"""Names look like those that Kubernetes makes."""

import re
from random import Random
from uuid import UUID

from kjournal.demo.names import hexadecimal, next_version, pod_suffix, template_hash, uid


def test_names_have_the_alphabets_of_kubernetes() -> None:
    """No vowels, and of a hash only what ten digits become."""
    rng = Random(1)
    for _ in range(200):
        assert re.fullmatch("[bcdfghjklmnpqrstvwxz2456789]{5}", pod_suffix(rng))
        assert re.fullmatch("[456789bcdf]{9,10}", template_hash(rng))


def test_identities_are_well_formed() -> None:
    """A uid is a random UUID; hexadecimal ids keep their leading zeros."""
    rng = Random(1)
    assert UUID(uid(rng)).version == 4
    assert {len(hexadecimal(rng, 8)) for _ in range(200)} == {8}


def test_versions_go_up() -> None:
    """By a patch, now and then by a minor version."""
    rng = Random(1)
    assert {next_version(rng, "1.2.3") for _ in range(50)} == {"1.2.4", "1.3.0"}
