"""The command line: `python -m tests.torture --help`."""

import argparse
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import attrs

from tests.torture.mutants import MUTANTS, Mutant
from tests.torture.report import Outcome, details, markdown, table
from tests.torture.runs import Clusters, run_scenario
from tests.torture.scenarios import SCENARIOS
from tests.torture.stage import SHORT, Scale, Scenario

_TRIES = 3


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.torture",
        description="Loses a gateway lines, or does it repeat some? Status 1 if so.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="scenarios, or mutants; all")
    parser.add_argument("--list", action="store_true", help="say what there is")
    parser.add_argument("--short", action="store_true", help="the short form, as `make test` does")
    parser.add_argument("--seconds", type=float, help="write for so long, not a number of lines")
    parser.add_argument("--watchers", type=int, default=50)
    parser.add_argument("--seed", type=int, help="repeat what a run has said of itself")
    parser.add_argument("--mutants", action="store_true", help="switch mechanisms off, one by one")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there too")
    parser.add_argument("--clusters", type=Path, metavar="DIR", help="keep Elasticsearch's data")
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run what is asked for, and return the status."""
    options = _parser().parse_args(arguments)
    if options.list:
        _list()
        return 0
    # What was started is stopped then too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    seed = {} if options.seed is None else {"seed": options.seed}
    scale = Scale(seconds=options.seconds, watchers=options.watchers, **seed)
    if options.short:
        scale = attrs.evolve(SHORT, **seed)
    with tempfile.TemporaryDirectory(prefix="kjournal-torture-") as directory:
        clusters = Clusters(options.clusters or Path(directory))
        try:
            if options.mutants:
                return _run_mutants(options.names, scale, clusters)
            outcomes = _run_scenarios(_chosen(options.names, options.short), scale, clusters)
        finally:
            clusters.close()
    _say(f"\n{table(outcomes)}")
    if options.markdown:
        options.markdown.write_text(markdown(outcomes))
    return 0 if all(outcome.good for outcome in outcomes) else 1


def _list() -> None:
    for scenario in SCENARIOS.values():
        form = "short" if scenario.short else "long"
        _say(f"{scenario.name:28} {scenario.nodes} {form:6} {scenario.doc}")
    for mutant in MUTANTS.values():
        _say(f"mutant {mutant.name:21} {mutant.scenario:24} {mutant.doc}")


def _chosen(names: Sequence[str], short: bool) -> list[Scenario]:
    if names:
        return [SCENARIOS[name] for name in names]
    return [one for one in SCENARIOS.values() if one.short or not short]


def _run_scenarios(chosen: Sequence[Scenario], scale: Scale, clusters: Clusters) -> list[Outcome]:
    outcomes = []
    for scenario in chosen:
        _say(f"--- {scenario.name} (seed {scale.seed}): {scenario.doc}")
        try:
            outcome = run_scenario(scenario, scale, clusters)
        except (AssertionError, OSError) as error:
            broken = f"{type(error).__name__}: {error}"
            outcome = Outcome(scenario=scenario.name, documents=0, watchers=0, details=(broken,))
            outcome = attrs.evolve(outcome, wrong=1)
        _say(table([outcome]))
        _say(details(outcome))
        outcomes.append(outcome)
    return outcomes


def _run_mutants(names: Sequence[str], scale: Scale, clusters: Clusters) -> int:
    """Run each mutant's scenario, some times if need be: 1 if one stays green."""
    rows = [f"{'mechanism switched off':56} scenario              lost  repeated  wrong  tries"]
    green = 0
    for name in names or MUTANTS:
        mutant = MUTANTS[name]
        for tried in range(1, _TRIES + 1):
            outcome = _mutated(mutant, attrs.evolve(scale, seed=scale.seed + tried), clusters)
            _say(f"--- {name}\n{table([outcome])}\n{details(outcome)[:3000]}")
            if not outcome.good:
                break
        green += outcome.good
        counts = f"{outcome.lost:6} {outcome.repeated:9} {outcome.wrong:6} {tried:6}"
        rows.append(
            f"{mutant.doc:56} {mutant.scenario:19} {counts}{'  GREEN' if outcome.good else ''}"
        )
    _say("\n" + "\n".join(rows))
    return 1 if green else 0


def _mutated(mutant: Mutant, scale: Scale, clusters: Clusters) -> Outcome:
    launcher = [sys.executable, "-m", "tests.torture.mutated", mutant.name]
    scenario = SCENARIOS[mutant.scenario]
    return run_scenario(scenario, scale, clusters, launcher)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
