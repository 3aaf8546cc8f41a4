"""Lets the contenders of a scenario take turns, each in a process of its own."""

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator

from interlane._bench.results import Result, Results
from interlane._bench.scenarios import Scenario

type Command = str | list[str]
"""What to run, or why there is nothing to run."""


def commands(scenario: Scenario, form: str) -> Iterator[tuple[str, Command]]:
    """Yields each contender's name and its command, in a form that `measure` knows."""
    measure = [sys.executable, "-m", "interlane._bench.measure", f"--form={form}", scenario.name]
    for one in scenario.contenders:
        command = [*measure, one.name]
        yield one.name, one.missing or command


def take(results: Results, turns: Iterable[tuple[str, Command]], patience: float) -> Iterator[str]:
    """Gives each one turn of at most that many seconds and adds what comes of it. Yields the names."""
    for name, command in turns:
        result = results.setdefault(name, Result())
        if isinstance(command, str):
            result.failure = command
        elif not result.failure:
            yield name
            try:
                result.add(_figures(command, patience))
            except subprocess.TimeoutExpired:
                result.failure = f"not done after {patience:g} s"
            except subprocess.CalledProcessError as error:
                last = error.stderr.strip().splitlines()[-1:] or [""]
                result.failure = f"exit code {error.returncode}: {last[0]}"


def _figures(command: list[str], patience: float) -> dict[str, float]:
    """Runs a command and returns the figures that it prints."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=patience, check=True)
    if factor := re.search(r"^times serial .* ([\d.]+)$", done.stdout, re.MULTILINE):
        return {"median": float(factor[1]), "p99": float(factor[1]), "count": 1}
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures
