"""A gateway without one mechanism: `python -m tests.torture.mutated NAME -n kjournal ...`."""

import sys

from twisted.scripts.twistd import run

from tests.torture.mutants import MUTANTS

if __name__ == "__main__":
    name, *arguments = sys.argv[1:]
    MUTANTS[name].patch()
    sys.argv = ["twistd", *arguments]
    run()
