"""`interlane top`: who shares what and who waits for whom, in a program that runs.

`finding` knows which programs there are, `reaching` gets a snapshot out of one, `program` starts one, `view`
makes text of a snapshot, and `live` shows it again and again.
"""

from __future__ import annotations

import json
import socket
import sys
from typing import TYPE_CHECKING

from interlane.cli.arguments import count, seconds

if TYPE_CHECKING:
    import argparse

    from interlane.cli.top.finding import Program

_DESCRIPTION = """\
Shows the interpreters, shares, channels and locks of a running program, who waits for whom, and deadlocks.

Without PID it lists the programs that can be looked at. A program lets itself be looked at with
INTERLANE_TOP=1 in its environment, or by calling interlane.serve_inspection(). From Python 3.14 on others can
be reached too (sys.remote_exec), by the same user or root, while they run Python code.
"""

_EPILOG = """\
keys: q or Ctrl-C ends it, space holds it

examples:
  interlane top                          which programs there are
  interlane top 4711
  interlane top --once 4711 > now.txt
  interlane top --json --interval 10 4711 >> log.jsonl
  interlane top -- python server.py      starts the program, and shows it

exit code: 0, or 1 when the program cannot be reached or has ended, 2 for wrong usage, 130 after Ctrl-C in a
program that it started; else, with --, the exit code of the program
"""


def describe(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `interlane top`."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.usage = "interlane top [options] [PID | -- COMMAND [ARG...]]"
    add = parser.add_argument
    add("pid", metavar="PID", nargs="?", type=count, help="the program; without, a list of programs")
    add("--once", action="store_true", help="show it once and end")
    add("--json", action="store_true", help="print a JSON object a line instead of text")
    add(
        "--interval",
        "-i",
        type=seconds,
        default=1.0,
        metavar="S",
        help="seconds between two looks (default: 1)",
    )


def run(parser: argparse.ArgumentParser, given: argparse.Namespace) -> int:
    """Does what `interlane top` was asked to do and returns the exit code."""
    from interlane.cli.top import finding, reaching
    from interlane.cli.top.live import Show

    command: list[str] = given.command or []
    if command and (given.pid is not None or given.once):
        parser.error("a command behind -- goes with neither a PID nor --once")
    if given.command == []:
        parser.error("no COMMAND behind --")
    show = Show(given.interval, once=given.once, as_json=given.json)
    if not hasattr(socket, "AF_UNIX"):
        sys.stderr.write("interlane: this system has no Unix sockets, by which programs are looked at\n")
        return 1
    try:
        if command:
            from interlane.cli.top import program

            return program.Program(command).watch(show)
        if given.pid is None:
            return _list(finding.programs(), as_json=given.json)
        return show.run(reaching.reach(given.pid))
    except reaching.ReachError as error:
        sys.stderr.write(f"interlane: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 0
    except BrokenPipeError:
        from interlane.cli.output import forget_standard_output

        forget_standard_output()
        return 0


def _list(programs: list[Program], *, as_json: bool) -> int:
    from interlane.cli.table import Cell, Look, table

    if as_json:
        for program in programs:
            print(json.dumps(program._asdict()))
        return 0
    if not programs:
        print(f"no program lets itself be looked at: start one with INTERLANE_TOP=1 {_OR}")
        return 0
    ways = {
        "socket": Cell("yes", "good"),
        "remote_exec": Cell("while it runs Python code", "odd"),
        "no": Cell(f"no: start it with INTERLANE_TOP=1 {_OR}", "dim"),
    }
    rows = [(str(it.pid), ways[it.how], it.command) for it in programs]
    look = Look.of(sys.stdout)
    print("\n".join(table(("PID", "can be looked at", "command"), rows, look, right=(0,))))
    return 0


_OR = "or interlane.serve_inspection()"
