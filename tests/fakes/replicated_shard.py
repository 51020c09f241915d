"""One shard with its copies, as Elasticsearch keeps them: for the arithmetic of tails.

An operation gets its number from the primary, reaches each copy in its own time, and is visible
there after that copy's next refresh. The global checkpoint is the number up to which every copy
has everything.
"""

from collections.abc import Callable

import attrs

from kjournal.store.elasticsearch.position import Reading

Operation = tuple[str, str, int]
"""Id of the document (empty: none is left of it), label of this version of it, and term."""


@attrs.define
class Copy:
    """What one copy has processed, and what of it is visible: (label, term) by number."""

    processed: dict[int, Operation] = attrs.field(factory=dict)
    visible: dict[int, tuple[str, int]] = attrs.field(factory=dict)

    def refresh(self) -> None:
        """Make visible what is left of what was processed."""
        newest: dict[str, int] = {}
        for number, (id, _, _) in self.processed.items():
            newest[id] = max(newest.get(id, -1), number)
        self.visible = {
            number: (label, term)
            for number, (id, label, term) in self.processed.items()
            if label and newest[id] == number
        }


@attrs.define
class ReplicatedShard:
    """The copies of a shard; the first is the primary."""

    copies: list[Copy]
    term: int = 1
    log: dict[int, Operation] = attrs.field(factory=dict)

    def write(self, id: str, label: str) -> None:
        """Give a document its number; no copy has it yet. Without a label it is deleted."""
        self.log[len(self.log)] = id, label, self.term

    def spread(self, reaches: Callable[[int, int], bool]) -> None:
        """Let operations reach copies, by index of the copy and number; replicas only follow."""
        for at, copy in enumerate(self.copies):
            for number, operation in self.log.items():
                first = at == 0 or number in self.copies[0].processed
                if number not in copy.processed and first and reaches(at, number):
                    copy.processed[number] = operation

    @property
    def reading(self) -> Reading:
        """What the primary says of itself."""
        checkpoint = -1
        while all(checkpoint + 1 in copy.processed for copy in self.copies):
            checkpoint += 1
        return Reading(checkpoint, len(self.log) - 1)

    def fail_over(self, successor: int) -> None:
        """Have another copy be the primary: what it lacks is lost, its numbers are given again.

        Numbers that it lacks below its highest become no-ops.
        """
        copies = self.copies
        copies[0], copies[successor] = copies[successor], copies[0]
        kept = copies[0].processed
        self.term += 1
        top = max(kept, default=-1)
        self.log = {
            number: kept.get(number, (f"noop-{self.term}-{number}", "", self.term))
            for number in range(top + 1)
        }
        copies[0].processed = dict(self.log)
        for copy in copies[1:]:
            gone = {
                number
                for number, operation in copy.processed.items()
                if self.log.get(number) != operation
            }
            copy.processed = {n: o for n, o in copy.processed.items() if n not in gone}
            # It starts its search anew from what it has.
            copy.refresh()
