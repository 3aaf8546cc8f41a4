"""The arguments of the command line."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from interlane.cli.function import KINDS
from interlane.cli.pools import BACKENDS

if TYPE_CHECKING:
    from collections.abc import Sequence

_DESCRIPTION = """\
Runs a Python function over files, lines or blocks of files, in parallel isolated interpreters.

The function gets one argument: the text (or, by its annotation or --as, bytes or a memoryview of the mapped
file). What it returns is printed, None is not; a generator gives several results. The module is imported by
each worker, with the current directory first on sys.path.
"""

_EPILOG = """\
examples:
  interlane map words:count book.txt notes/            one call per file, directories are walked
  interlane map --glob '*.log' --by line log:parse .   one call per line of all log files below
  interlane map --format jsonl --output out.jsonl words:count '**/*.txt'

exit code: 0, or 1 when an item failed, 2 for wrong usage, 130 after Ctrl-C
"""

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


@dataclass(frozen=True, slots=True)
class Options:
    """What `interlane map` was asked to do."""

    function: str
    paths: Sequence[str]
    by: str
    takes: str | None
    block_size: int
    jobs: int
    backend: str
    output: str | None
    format: str
    ordered: bool
    keep_going: bool
    patterns: Sequence[str]
    quiet: bool
    parser: argparse.ArgumentParser

    def fail(self, message: str) -> NoReturn:
        """Ends the program as a usage error."""
        self.parser.error(message)


def parse(argv: Sequence[str] | None) -> Options:
    """Parses the arguments; exits with code 2 when they are wrong, 0 after --help and --version."""
    argv = sys.argv[1:] if argv is None else list(argv)
    parser = argparse.ArgumentParser(
        prog="interlane",
        description="Shares memory between isolated Python interpreters, and runs functions in them.",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    command = commands.add_parser(
        "map",
        help="run a function over files, lines or blocks",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _describe(command)
    if argv[:1] != ["map"]:
        # Help, version, or wrong.
        parser.parse_args(argv[:1])
    # A subparser cannot be asked to take options between paths.
    given = command.parse_intermixed_args(argv[1:])
    if not given.paths:
        command.error("no PATH given: name files, directories or globs (standard input is not supported yet)")
    return Options(**vars(given), parser=command)


def _describe(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("function", metavar="MODULE:FUNCTION", help="what to call: an importable function of one argument")
    add("paths", metavar="PATH", nargs="*", help="files, directories (walked) and globs ('**/*.txt')")
    add("--by", choices=("file", "line", "block"), default="file", help="what one call gets (default: file)")
    add("--as", dest="takes", choices=KINDS, help="type of the argument (default: as annotated, else str)")
    add(
        "--block-size",
        type=_size,
        default=1 << 20,
        metavar="N",
        help="least bytes of a block, as 64K or 4M (default: 1M)",
    )
    add("--jobs", "-j", type=_count, default=cpus(), metavar="N", help="workers (default: CPUs, %(default)s)")
    add(
        "--backend",
        choices=BACKENDS,
        default="interpreters",
        help="where workers run (default: interpreters)",
    )
    add("--output", "-o", metavar="FILE", help="write results to FILE, which appears when it is complete")
    add(
        "--format",
        choices=("text", "jsonl"),
        default="text",
        help="a result per line, by str() or as JSON records",
    )
    order = command.add_mutually_exclusive_group()
    order.add_argument(
        "--ordered", action="store_true", default=True, help="results in the order of the input (default)"
    )
    order.add_argument("--unordered", dest="ordered", action="store_false", help="results as they come")
    add("--keep-going", "-k", action="store_true", help="go on after a failure (default: stop)")
    add(
        "--glob",
        dest="patterns",
        action="append",
        default=[],
        metavar="PATTERN",
        help="in directories, take files named so",
    )
    add("--quiet", "-q", action="store_true", help="no progress, no summary")


def _size(text: str) -> int:
    number = text.strip().lower().removesuffix("ib").removesuffix("b")
    unit = number[-1:] if number[-1:] in _UNITS else ""
    return _count(number.removesuffix(unit)) * _UNITS[unit]


def _count(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number


def cpus() -> int:
    """Returns how many CPUs this process may use."""
    count: int | None
    if sys.version_info >= (3, 13):
        count = os.process_cpu_count()
    elif hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count()
    return count or 1


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version

        print(f"interlane {version('interlane')}, Python {sys.version.split()[0]}")
        parser.exit()
