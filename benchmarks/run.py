"""interlane beside the alternatives, in one run: who waits how long, and how much goes through.

Prints a table for each scenario, then the targets. `make bench` runs it. Each contender has a process of its
own for each repetition, and all take turns, so that whatever else the machine does is spread over all.
"""

import argparse
import json
import os
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import targets
from interlane._bench.contenders import INTERLANE
from interlane._bench.machine import describe
from interlane._bench.results import Results, figures, table
from interlane._bench.scenarios import SCENARIOS, Scenario
from interlane._bench.turns import Command, commands, take

# The program of crates/bench.
RUST = os.environ.get("INTERLANE_RUST_BENCH", "")
NO_RUST = "crates/bench is not built, see ci/bench.sh"
# Seconds for one repetition of one contender: usually, in the short form, and for the main job.
PATIENCE, SHORT_PATIENCE, MAIN_PATIENCE = 60, 15, 240

MAIN_JOB = Scenario(
    name="main-job",
    title="The main job, `python -m interlane.demo`, in two interpreters: its speed over serial",
    unit="x",
    peer="",
    main="",
    contenders=(INTERLANE,),
    count=1,
    quick=1,
    is_rate=True,
)


def turns(scenario: Scenario, chosen: list[str], form: str) -> Iterator[tuple[str, Command]]:
    """Yields the name and the command of each who takes part, in one of the forms of `measure`."""
    quick = form == "quick"
    if scenario is MAIN_JOB:
        folder = [str(Path(sysconfig.get_paths()["stdlib"], "json"))] if quick else []
        everybody = [(INTERLANE.name, [sys.executable, "-m", "interlane.demo", "--jobs", "2", *folder])]
    else:
        everybody = list(commands(scenario, form))
    for name in scenario.rust:
        # What is seconds each is cut short in the same way.
        few = ["20"] if quick else [str(scenario.short)] if form == "short" and scenario.count < 100 else []
        command = [RUST, scenario.name, name, *few]
        everybody.append((name, command if RUST else NO_RUST))
    yield from (one for one in everybody if not chosen or one[0] in chosen)


def measure(scenario: Scenario, chosen: list[str], repetitions: int, form: str) -> Results:
    """Lets the contenders of a scenario take turns."""
    results: Results = {}
    patience = MAIN_PATIENCE if scenario is MAIN_JOB else SHORT_PATIENCE if form == "short" else PATIENCE
    for _ in range(repetitions):
        for _ in take(results, turns(scenario, chosen, form), patience):
            pass
    return results


def main() -> None:
    """Measures and prints what the arguments ask for."""
    scenarios = [*SCENARIOS, MAIN_JOB]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to FILE too")
    parser.add_argument("--quick", action="store_true", help="see that it works; the figures mean nothing")
    parser.add_argument("--short", action="store_true", help="one turn each, and less of each")
    parser.add_argument(
        "--only",
        action="append",
        choices=[one.name for one in scenarios],
        help="only this scenario; repeatable",
    )
    parser.add_argument(
        "--contender", action="append", default=[], metavar="NAME", help="only this one; repeatable"
    )
    parser.add_argument("--repetitions", type=int, default=3, metavar="N", help="default: %(default)s")
    options = parser.parse_args()

    machine = describe()
    print(", ".join(f"{name}: {value}" for name, value in machine.items()), flush=True)
    results: dict[str, Results] = {}
    for scenario in scenarios:
        if options.only and scenario.name not in options.only:
            continue
        form = "quick" if options.quick else "short" if options.short else ""
        if form and not (scenario.quick if options.quick else scenario.short or scenario is MAIN_JOB):
            continue
        repetitions = 1 if form else options.repetitions
        results[scenario.name] = measure(scenario, options.contender, repetitions, form)
        print("\n" + "\n".join(table(scenario, results[scenario.name])), flush=True)
    print("\n" + "\n".join(targets.table(results)))
    if options.json:
        report = {"machine": machine, "results": figures(results)}
        options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
