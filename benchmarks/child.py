"""Measures in a process of its own: nothing that one contender leaves behind bears on the next."""

import json
import subprocess
import sys
from typing import Any

from interlane._bench.results import Result


def figures(script: str, *args: str, patience: float = 120) -> Any:
    """Runs a benchmark with these arguments and returns the JSON in the last line that it prints."""
    return _last_line([sys.executable, script, *args], patience)


def add(result: Result, command: list[str], patience: float = 120) -> None:
    """Adds what a command measures, or why it has measured nothing."""
    if result.failure:
        return
    try:
        result.add(_last_line(command, patience))
    except subprocess.TimeoutExpired:
        result.failure = f"not done after {patience:g} s"
    except subprocess.CalledProcessError as error:
        last = error.stderr.strip().splitlines()[-1:] or [""]
        result.failure = f"exit code {error.returncode}: {last[0]}"


def _last_line(command: list[str], patience: float) -> Any:
    done = subprocess.run(command, capture_output=True, text=True, timeout=patience, check=True)
    return json.loads(done.stdout.splitlines()[-1])
