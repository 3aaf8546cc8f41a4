"""`interlane map`: its arguments."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from interlane.cli.arguments import count, cpus
from interlane.cli.function import KINDS
from interlane.cli.pools import BACKENDS

if TYPE_CHECKING:
    from collections.abc import Sequence

_DESCRIPTION = """\
Runs a Python function over files, or lines, blocks or records of files, in parallel isolated interpreters.

The function gets one argument: the text (or, by its annotation or --as, bytes or a memoryview of the mapped
file). What it returns is printed, None is not; a generator gives several results. The module is imported by
each worker, with the current directory first on sys.path. Files named *.gz, *.bz2, *.xz and (from Python 3.14
on) *.zst are decompressed.
"""

_EPILOG = """\
examples:
  interlane map words:count book.txt notes/            one call per file, directories are walked
  interlane map --glob '*.log' --by line log:parse .   one call per line of all log files below
  interlane map --format jsonl --output out.jsonl words:count '**/*.txt'
  interlane map --delimiter '\\n\\n' packages:parse /var/lib/dpkg/status
  zcat events.gz | interlane map --json events:check -

exit code: 0, or 1 when an item failed, 2 for wrong usage, 130 after Ctrl-C
"""

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}

_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|(.)|$)", re.DOTALL)
_ESCAPED = {"0": b"\0", "n": b"\n", "r": b"\r", "t": b"\t", "f": b"\f", "v": b"\v", "\\": b"\\"}


@dataclass(frozen=True, slots=True)
class Options:
    """What `interlane map` was asked to do."""

    function: str
    paths: Sequence[str]
    by: str
    delimiter: bytes
    json: bool
    takes: str | None
    block_size: int
    jobs: int
    backend: str
    output: str | None
    resume: str | None
    format: str
    ordered: bool
    keep_going: bool
    patterns: Sequence[str]
    decompress: bool
    quiet: bool
    parser: argparse.ArgumentParser

    def fail(self, message: str) -> NoReturn:
        """Ends the program as a usage error."""
        self.parser.error(message)


def run(parser: argparse.ArgumentParser, given: argparse.Namespace) -> int:
    """Does what `interlane map` was asked to do and returns the exit code."""
    from interlane.cli.mapping import run

    return run(_checked(parser, given))


def _checked(parser: argparse.ArgumentParser, given: argparse.Namespace) -> Options:
    if not given.paths:
        parser.error("no PATH given: name files, directories or globs, or - for standard input")
    by_record = given.delimiter is not None or given.json
    if given.by is None:
        given.by = "record" if by_record else "file"
    elif by_record and given.by != "record":
        parser.error(f"--delimiter and --json are for --by record, not --by {given.by}")
    if given.by == "record" and not by_record:
        parser.error("--by record needs --delimiter TEXT or --json")
    if given.paths.count("-") > 1:
        parser.error("standard input (-) can be read once")
    if given.resume is not None and "-" in given.paths:
        parser.error("--resume cannot go on with standard input: it cannot be read again")
    if given.delimiter is None:
        given.delimiter = b"\n"
    return Options(**vars(given), parser=parser)


def describe(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `interlane map`."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    add = parser.add_argument
    add("function", metavar="MODULE:FUNCTION", help="what to call: an importable function of one argument")
    add(
        "paths",
        metavar="PATH",
        nargs="*",
        help="files, directories (walked), globs ('**/*.txt'), - (stdin)",
    )
    add(
        "--by",
        choices=("file", "line", "block", "record"),
        help="what one call gets (default: file; record with --delimiter or --json)",
    )
    record = parser.add_mutually_exclusive_group()
    record.add_argument(
        "--delimiter",
        type=_delimiter,
        metavar="TEXT",
        help=r"what separates records; \n, \t, \r, \0, \x1e and \\ are understood",
    )
    record.add_argument(
        "--json",
        action="store_true",
        help="records are JSON values: lines, elements of an array, or one after the other; "
        "the function gets the parsed value unless it is annotated with str or bytes",
    )
    add("--as", dest="takes", choices=KINDS, help="type of the argument (default: as annotated, else str)")
    add(
        "--block-size",
        type=_size,
        default=1 << 20,
        metavar="N",
        help="least bytes of a block, as 64K or 4M (default: 1M)",
    )
    add("--jobs", "-j", type=count, default=cpus(), metavar="N", help="workers (default: CPUs, %(default)s)")
    add(
        "--backend",
        choices=BACKENDS,
        default="interpreters",
        help="where workers run (default: interpreters)",
    )
    add("--output", "-o", metavar="FILE", help="write results to FILE, which appears when it is complete")
    add(
        "--resume",
        metavar="FILE",
        help="note in FILE what is done; when FILE is there, go on where that run was stopped",
    )
    add(
        "--format",
        choices=("text", "jsonl"),
        default="text",
        help="a result per line, by str() or as JSON records",
    )
    order = parser.add_mutually_exclusive_group()
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
    add(
        "--no-decompress",
        dest="decompress",
        action="store_false",
        help="take compressed files as they are",
    )
    add("--quiet", "-q", action="store_true", help="no progress, no summary")


def _size(text: str) -> int:
    number = text.strip().lower().removesuffix("ib").removesuffix("b")
    unit = number[-1:] if number[-1:] in _UNITS else ""
    return count(number.removesuffix(unit)) * _UNITS[unit]


def _delimiter(text: str) -> bytes:
    """Reads what separates records, escapes included."""
    pieces: list[bytes] = []
    end = 0
    for match in _ESCAPE.finditer(text):
        pieces.append(text[end : match.start()].encode("utf-8", "surrogateescape"))
        code, letter = match.groups()
        if code is None and letter not in _ESCAPED:
            raise argparse.ArgumentTypeError(f"{text!r} has an escape that is not known: {match[0]!r}")
        pieces.append(bytes.fromhex(code) if code is not None else _ESCAPED[letter])
        end = match.end()
    pieces.append(text[end:].encode("utf-8", "surrogateescape"))
    delimiter = b"".join(pieces)
    if not delimiter:
        raise argparse.ArgumentTypeError("a delimiter cannot be empty")
    return delimiter
