"""`interlane doctor`: what this Python can do, and what loads in an isolated interpreter.

`capabilities` looks at Python and the system, `distributions` finds what is installed, `probing` imports it
in child processes (which run `child`), `advice` says what to do about what does not load.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from interlane.cli.arguments import count, cpus, seconds

if TYPE_CHECKING:
    import argparse

    from interlane.cli.doctor.capabilities import Part
    from interlane.cli.doctor.probing import Verdict
    from interlane.cli.table import Look

_DESCRIPTION = """\
Says what this Python can do for interlane, and what each installed distribution does when its modules are
imported in an isolated interpreter. Each import has a process of its own.

With MODULE (or the name of a distribution), only these are tried.
"""

_EPILOG = """\
what a module does:
  loads    it can be imported in an isolated interpreter
  refuses  it cannot, but in the main interpreter it can
  crashes  the process was ended by a signal, at the import or when the interpreter was closed
  slow     it was not done after --timeout seconds
  fails    it cannot be imported in the main interpreter either

examples:
  interlane doctor                 this Python and all that is installed for it
  interlane doctor numpy mypackage
  interlane doctor --json > report.json

exit code: 0, or 1 when a MODULE does not load, 2 for wrong usage, 130 after Ctrl-C
"""

_STYLES = {"loads": "good", "refuses": "odd", "crashes": "bad", "slow": "odd", "fails": "bad"}
_INTERRUPTED = 130


def describe(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `interlane doctor`."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    add = parser.add_argument
    add("modules", metavar="MODULE", nargs="*", help="a module to try instead of all that is installed")
    add("--json", action="store_true", help="print one JSON object instead of tables")
    add(
        "--jobs",
        "-j",
        type=count,
        default=cpus(),
        metavar="N",
        help="imports at a time (default: CPUs, %(default)s)",
    )
    add("--timeout", type=seconds, default=30.0, metavar="S", help="seconds for one import (default: 30)")
    add("--quiet", "-q", action="store_true", help="no progress")


def run(_: argparse.ArgumentParser, given: argparse.Namespace) -> int:
    """Does what `interlane doctor` was asked to do and returns the exit code."""
    from interlane.cli.doctor import advice, capabilities, distributions, probing
    from interlane.cli.table import Look

    try:
        python, parts = capabilities.python(), capabilities.parts()
        wanted = distributions.named(given.modules) if given.modules else distributions.installed()
        if not given.json:
            print("\n".join(_python(python, parts, Look.of(sys.stdout))), flush=True)
        verdicts = probing.probe(wanted, given.jobs, given.timeout, quiet=given.quiet)
    except KeyboardInterrupt:
        sys.stderr.write("interlane: interrupted\n")
        return _INTERRUPTED
    advised = {verdict.distribution: advice.for_one(verdict) for verdict in verdicts}
    if given.json:
        report = {
            "python": python,
            "parts": [part._asdict() for part in parts],
            "distributions": [
                verdict.record() | {"advice": advised[verdict.distribution]} for verdict in verdicts
            ],
        }
        print(json.dumps(report, indent=2))
    else:
        print("\n".join(_verdicts(verdicts, advised, Look.of(sys.stdout))))
    return int(bool(given.modules) and any(verdict.status != "loads" for verdict in verdicts))


def _python(python: dict[str, object], parts: list[Part], look: Look) -> list[str]:
    from interlane.cli.table import Cell, table

    lines = [look.paint("This Python", "head")]
    lines += [f"  {name:12}{value}" for name, value in python.items()]
    rows = [
        (part.name, Cell("yes", "good") if part.works else Cell("no", "odd"), part.detail) for part in parts
    ]
    return [*lines, "", *table(("what interlane can use", "there", ""), rows, look), ""]


def _verdicts(verdicts: list[Verdict], advised: dict[str, str | None], look: Look) -> list[str]:
    from collections import Counter

    from interlane.cli.table import Cell, table

    rows = [
        (
            verdict.distribution,
            verdict.version or "",
            Cell(verdict.status, "odd" if verdict.is_partial else _STYLES[verdict.status]),
            "" if verdict.seconds is None else f"{verdict.seconds * 1e3:.0f} ms",
            verdict.reason or "",
        )
        for verdict in verdicts
    ]
    heads = ("distribution", "version", "isolated", "import", "why")
    lines = table(heads, rows, look, right=(3,)) if rows else ["  nothing is installed"]
    counts = Counter(verdict.status for verdict in verdicts)
    lines += ["", "  " + ", ".join(f"{status} {counts[status]}" for status in _STYLES if counts[status])]
    by_advice: dict[str, list[str]] = {}
    for name, text in advised.items():
        if text is not None:
            by_advice.setdefault(text, []).append(name)
    if by_advice:
        lines += ["", look.paint("What to do", "head")]
    for text, names in by_advice.items():
        lines += _wrapped(f"{', '.join(names)}: {text}", look)
    return lines


def _wrapped(text: str, look: Look) -> list[str]:
    import textwrap

    width = min(look.width or 100, 100)
    return textwrap.wrap(text, width, initial_indent="  ", subsequent_indent="    ")
