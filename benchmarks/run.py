"""interlane beside the alternatives, in one run: who waits how long, and how much goes through.

Prints a table for each scenario, then the targets. `make bench` runs it. Each contender has a process of its
own for each repetition, and all take turns, so that whatever else the machine does is spread over all.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import targets
from contenders import INTERLANE
from machine import describe
from results import Result, Results, table
from scenarios import SCENARIOS, Scenario

HERE = Path(__file__).parent
# The program of crates/bench.
RUST = os.environ.get("INTERLANE_RUST_BENCH", "")
NO_RUST = "crates/bench is not built, see ci/bench.sh"
# Seconds for one repetition of one contender.
PATIENCE = 60

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


def commands(scenario: Scenario, quick: bool) -> Iterator[tuple[str, str | list[str]]]:
    """Yields each contender's name and command, or why it has none."""
    if scenario is MAIN_JOB:
        folder = [str(Path(sysconfig.get_paths()["stdlib"], "json"))] if quick else []
        yield INTERLANE.name, [sys.executable, "-m", "interlane.demo", "--jobs", "2", *folder]
        return
    for one in scenario.contenders:
        command = [sys.executable, str(HERE / "measure.py"), scenario.name, one.name]
        yield one.name, one.missing or [*command, *(["--quick"] if quick else [])]
    for name in scenario.rust:
        command = [RUST, scenario.name, name, *(["20"] if quick else [])]
        yield name, command if RUST else NO_RUST


def repetition(command: list[str]) -> dict[str, float]:
    """Runs a command and returns the figures that it prints."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)
    if factor := re.search(r"^times serial .* ([\d.]+)$", done.stdout, re.MULTILINE):
        return {"median": float(factor[1]), "p99": float(factor[1]), "count": 1}
    return json.loads(done.stdout.splitlines()[-1])


def measure(scenario: Scenario, chosen: list[str], repetitions: int, quick: bool) -> Results:
    """Lets the contenders of a scenario take turns."""
    results: Results = {}
    for _ in range(repetitions):
        for name, command in commands(scenario, quick):
            if chosen and name not in chosen:
                continue
            result = results.setdefault(name, Result())
            if isinstance(command, str):
                result.failure = command
            elif not result.failure:
                try:
                    result.add(repetition(command))
                except subprocess.TimeoutExpired:
                    result.failure = f"not done after {PATIENCE} s"
                except subprocess.CalledProcessError as error:
                    last = error.stderr.strip().splitlines()[-1:] or [""]
                    result.failure = f"exit code {error.returncode}: {last[0]}"
    return results


def main() -> None:
    """Measures and prints what the arguments ask for."""
    scenarios = [*SCENARIOS, MAIN_JOB]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to FILE too")
    parser.add_argument("--quick", action="store_true", help="see that it works; the figures mean nothing")
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
        if options.quick and not scenario.quick:
            continue
        repetitions = 1 if options.quick else options.repetitions
        results[scenario.name] = measure(scenario, options.contender, repetitions, options.quick)
        print("\n" + "\n".join(table(scenario, results[scenario.name])), flush=True)
    print("\n" + "\n".join(targets.table(results)))
    if options.json:
        figures = {
            scenario: {name: asdict(result) for name, result in rows.items()}
            for scenario, rows in results.items()
        }
        options.json.write_text(json.dumps({"machine": machine, "results": figures}, indent=1) + "\n")


if __name__ == "__main__":
    main()
