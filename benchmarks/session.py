"""What a benchmark begins and ends with: the arguments that most have, the machine, the targets, the JSON."""

import argparse
import json
from collections.abc import Iterable
from pathlib import Path

from interlane._bench.machine import describe
from interlane._bench.results import Results, figures
from targets import Target, table


def arguments(description: str | None, *, short: str = "less of each") -> argparse.ArgumentParser:
    """Returns a parser for the arguments `--quick`, `--short` and `--json`."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="see that it works; the figures mean nothing")
    parser.add_argument("--short", action="store_true", help=short)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE too")
    return parser


def begin() -> dict[str, object]:
    """Prints what machine this is, and returns it."""
    machine: dict[str, object] = {**describe()}
    print(", ".join(f"{name}: {value}" for name, value in machine.items()), flush=True)
    return machine


def end(
    machine: dict[str, object],
    results: dict[str, Results],
    targets: Iterable[Target],
    file: Path | None,
    **more: object,
) -> None:
    """Prints what became of the targets, and writes all figures to the file, if there is one."""
    print("\n" + "\n".join(table(results, targets)))
    if file is not None:
        report = {"machine": machine, **more, "results": figures(results)}
        file.write_text(json.dumps(report, indent=1) + "\n")
