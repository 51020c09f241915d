"""Names and identities as Kubernetes makes them, all out of one seeded source."""

from random import Random
from uuid import UUID

_SAFE = "bcdfghjklmnpqrstvwxz2456789"
"""Without vowels and look-alikes. Source: k8s.io/apimachinery/pkg/util/rand."""
_HASH = "456789bcdf"
"""What is left of the ten digits of a hash in that alphabet."""


def pod_suffix(rng: Random) -> str:
    """Return the five letters at the end of a pod's generated name."""
    return "".join(rng.choices(_SAFE, k=5))


def template_hash(rng: Random) -> str:
    """Return what names a ReplicaSet or a StatefulSet's revision."""
    return "".join(rng.choices(_HASH, k=rng.choice((9, 10, 10))))


def uid(rng: Random) -> str:
    """Return a random UUID."""
    return str(UUID(int=rng.getrandbits(128), version=4))


def hexadecimal(rng: Random, digits: int) -> str:
    """Return a number of so many hexadecimal digits, as trace and container ids are."""
    return f"{rng.getrandbits(4 * digits):0{digits}x}"


def next_version(rng: Random, version: str) -> str:
    """Return the version that is rolled out next."""
    major, minor, patch = version.split(".")
    if rng.random() < 0.2:
        return f"{major}.{int(minor) + 1}.0"
    return f"{major}.{minor}.{int(patch) + 1}"
