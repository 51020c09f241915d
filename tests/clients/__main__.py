"""`python -m tests.clients --minutes 10`: the long form, with servers of its own."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.clients.programs import GO_RECIPE
from tests.clients.report import Outcome, Plan
from tests.clients.story import told
from tests.rig_fixtures import ELASTICSEARCH_VERSION
from tests.rig_servers import KUBE_RECIPE, Elasticsearch, Kube, elasticsearch_recipe


def say(text: str) -> None:
    """Print to the person at the terminal."""
    sys.stderr.write(text + "\n")


def show(table: str) -> None:
    """Print a table to stdout."""
    sys.stdout.write(f"{table}\n\n")
    sys.stdout.flush()


def run(plans: list[Plan], folder: Path) -> list[Outcome]:
    """Run one plan after another on one Elasticsearch and one kube-apiserver."""
    for recipe in (GO_RECIPE, KUBE_RECIPE, elasticsearch_recipe(ELASTICSEARCH_VERSION)):
        recipe.build(say)
    places = [folder / name for name in ("es", "kube", "run")]
    for place in places:
        place.mkdir()
    elasticsearch, kube = Elasticsearch(places[0], ELASTICSEARCH_VERSION), Kube(places[1], {})
    outcomes = []
    try:
        url, kube = elasticsearch.up(), Kube.start(places[1])
        for number, plan in enumerate(plans):
            place = places[2] / str(number)
            place.mkdir()
            outcomes.append(told(kube, url, place, plan, show))
    finally:
        kube.down()
        elasticsearch.down()
    return outcomes


def main() -> int:
    """Return 0 where nothing was lost."""
    parser = argparse.ArgumentParser(prog="python -m tests.clients", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="how long each run writes")
    parser.add_argument("--rate", type=float, default=100, help="documents a second")
    parser.add_argument(
        "--how", choices=["term", "kill", "both"], default="both", help="how the gateway ends"
    )
    args = parser.parse_args()
    plans = [
        Plan(seconds=args.minutes * 60, rate=args.rate, crash=how == "kill")
        for how in ("term", "kill")
        if args.how in (how, "both")
    ]
    with tempfile.TemporaryDirectory(prefix="kjournal-clients-") as folder:
        outcomes = run(plans, Path(folder))
    mistakes = [mistake for outcome in outcomes for mistake in outcome.mistakes()]
    for mistake in mistakes:
        say(mistake)
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
