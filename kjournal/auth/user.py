"""Who asks, as kube-apiserver would name them."""

import attrs

AUTHENTICATED_GROUP = "system:authenticated"
UNAUTHENTICATED_GROUP = "system:unauthenticated"
MASTERS_GROUP = "system:masters"


@attrs.frozen
class User:
    """A name with its groups; `extra` holds pairs of a key and its values."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def with_authenticated_group(self) -> "User":
        """Return the same user in `system:authenticated`, where RBAC expects whoever is known.

        Source: apiserver pkg/authentication/group/authenticated_group_adder.go
        """
        decided = {AUTHENTICATED_GROUP, UNAUTHENTICATED_GROUP} & set(self.groups)
        if decided or self.name == ANONYMOUS.name:
            return self
        return attrs.evolve(self, groups=(*self.groups, AUTHENTICATED_GROUP))


ANONYMOUS = User("system:anonymous", groups=(UNAUTHENTICATED_GROUP,))
# Whoever reaches the loopback port, which asks nobody.
INSECURE = User("system:insecure", groups=(AUTHENTICATED_GROUP,))
