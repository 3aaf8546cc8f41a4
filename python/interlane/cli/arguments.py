"""The parser of the command line, and its commands: each is a module that is imported when it is asked for.

A command's module has `describe(parser)`, which adds its arguments, and `run(parser, given)`, which does what
they say and returns the exit code.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence


class Command(NamedTuple):
    """What follows `interlane`, what it is for, and the module that does it."""

    name: str
    purpose: str
    module: str
    takes_command: bool = False
    """Whether what is behind `--` is another program's command line."""


COMMANDS = (
    Command("map", "run a function over files, lines, blocks or records", "interlane.cli.options"),
    Command("doctor", "what this Python can do, and which packages load", "interlane.cli.doctor"),
    Command("bench", "this machine's figures, beside the alternatives'", "interlane.cli.bench"),
    Command(
        "top", "who shares what and who waits for whom in a program", "interlane.cli.top", takes_command=True
    ),
)


def run(argv: Sequence[str] | None) -> int:
    """Runs the command that the arguments name and returns its exit code.

    Exits with code 2 when they are wrong, 0 after --help and --version.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    parser = argparse.ArgumentParser(
        prog="interlane",
        description="Shares memory between isolated Python interpreters, and runs functions in them.",
        epilog="interlane COMMAND --help says more, with examples.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    parsers = {
        command.name: commands.add_parser(
            command.name, help=command.purpose, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        for command in COMMANDS
    }
    chosen = next((command for command in COMMANDS if argv[:1] == [command.name]), None)
    if chosen is None:
        # Help, version, or wrong.
        parser.parse_args(argv[:1])
        parser.error("no COMMAND given")
    module = import_module(chosen.module)
    parser = parsers[chosen.name]
    module.describe(parser)
    # A parser of commands cannot be asked to take options between paths, so the command's own does it.
    given, own = argparse.Namespace(), argv[1:]
    if chosen.takes_command:
        place = own.index("--") if "--" in own else None
        given.command = None if place is None else own[place + 1 :]
        own = own[:place]
    code: int = module.run(parser, parser.parse_intermixed_args(own, given))
    return code


def count(text: str) -> int:
    """Reads a number of at least 1."""
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number


def seconds(text: str) -> float:
    """Reads a duration above zero."""
    try:
        number = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds above 0")
    return number


def cpus() -> int:
    """Returns how many CPUs this process may use."""
    number: int | None
    if sys.version_info >= (3, 13):
        number = os.process_cpu_count()
    elif hasattr(os, "sched_getaffinity"):
        number = len(os.sched_getaffinity(0))
    else:
        number = os.cpu_count()
    return number or 1


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version

        print(f"interlane {version('interlane')}, Python {sys.version.split()[0]}")
        parser.exit()
