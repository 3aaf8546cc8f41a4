"""`interlane bench`: this machine's figures, beside the alternatives'."""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from interlane._bench import chart, machine
from interlane._bench.contenders import UNTIMED
from interlane._bench.results import Result, Results, figure, figures
from interlane._bench.scenarios import SCENARIOS, Scenario
from interlane._bench.turns import commands, take
from interlane.cli.progress import Line
from interlane.cli.table import Cell, Look, table

if TYPE_CHECKING:
    from collections.abc import Iterator

_DESCRIPTION = """\
Measures interlane on this machine, beside what else is installed: the standard library's queues and bocpy.
Each measurement has a process of its own, bound to two processors, and all take turns. It takes less than two
minutes; the project's own `make bench` takes longer and says more.
"""

_EPILOG = """\
Times are medians. Compare them with each other, not with those of other machines or other hours. A loop that
is always the same is timed in between: its spread says how far this machine can be trusted.

exit code: 0, or 1 when something of interlane's could not be measured, 2 for wrong usage, 130 after Ctrl-C
"""

_SHORT = [scenario for scenario in SCENARIOS if scenario.short]

# How often each takes its turn, while there is time.
_TURNS = 3
_BUDGET = 80.0
# For one measurement. Who takes longer has none.
_PATIENCE = 60.0
_LOOPS = 10
_QUIET, _NOISY = 0.03, 0.15
_BAR = 24
_INTERRUPTED = 130


def describe(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `interlane bench`."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    add = parser.add_argument
    names = [scenario.name for scenario in _SHORT]
    add(
        "--only",
        action="append",
        choices=names,
        metavar="SCENARIO",
        help=f"measure only this; repeatable; one of {', '.join(names)}",
    )
    add(
        "--contender",
        action="append",
        default=[],
        metavar="NAME",
        help=f"let only this one take part; repeatable; as {', '.join(repr(one.name) for one in UNTIMED)}",
    )
    add("--json", metavar="FILE", help="write all figures to FILE too; - is standard output, without tables")
    add("--chart", type=_chart, metavar="FILE", help="draw FILE, a .png or .svg; needs matplotlib")
    add("--quick", action="store_true", help="see that it works; the figures mean nothing")
    add("--quiet", "-q", action="store_true", help="no progress")


def _chart(text: str) -> Path:
    path = Path(text)
    if path.suffix not in chart.FORMATS:
        raise argparse.ArgumentTypeError(f"{text!r} does not end in {' or '.join(chart.FORMATS)}")
    if not chart.IS_THERE:
        raise argparse.ArgumentTypeError("matplotlib is not installed: pip install 'interlane[bench]'")
    if not path.absolute().parent.is_dir():
        raise argparse.ArgumentTypeError(f"{str(path.parent)!r} is not a directory")
    return path


def run(parser: argparse.ArgumentParser, given: argparse.Namespace) -> int:
    """Does what `interlane bench` was asked to do and returns the exit code."""
    chosen = [scenario for scenario in _SHORT if not given.only or scenario.name in given.only]
    known = {one.name for scenario in chosen for one in scenario.contenders}
    if unknown := [name for name in given.contender if name not in known]:
        parser.error(f"no contender {unknown[0]!r}: there are {', '.join(map(repr, sorted(known)))}")
    session = _Session(chosen, given.contender, quick=given.quick, quiet=given.quiet)
    try:
        session.measure()
    except KeyboardInterrupt:
        sys.stderr.write("interlane: interrupted\n")
        return _INTERRUPTED
    report = {"machine": session.machine, "noise": session.noise, "results": figures(session.results)}
    if given.json == "-":
        print(json.dumps(report, indent=1))
    else:
        print("\n".join(_tables(session, Look.of(sys.stdout))))
    try:
        if given.json not in (None, "-"):
            Path(given.json).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        if given.chart is not None:
            title = f"interlane {_version()}, Python {session.machine['python']}, {session.machine['cpu']}"
            chart.draw(given.chart, f"{title}\n{_noise(session.noise)}", chosen, session.results)
    except OSError as error:
        sys.stderr.write(f"interlane: cannot write {error.filename!r}: {(error.strerror or '').lower()}\n")
        return 1
    ours = [result for rows in session.results.values() for name, result in rows.items() if _is_ours(name)]
    return int(any(not result.medians for result in ours))


class _Session:
    """What is measured, and what came of it."""

    def __init__(self, scenarios: list[Scenario], contenders: list[str], *, quick: bool, quiet: bool) -> None:
        self.scenarios = scenarios
        self.machine = machine.describe()
        self.noise: dict[str, float] = {}
        self.results: dict[str, Results] = {scenario.name: {} for scenario in scenarios}
        self._contenders = contenders
        self._quick = quick
        self._line = Line(sys.stderr, enabled=not quiet)

    def measure(self) -> None:
        """Gives everybody a turn, and further ones while there is time."""
        start = time.monotonic()
        loops: list[float] = []
        turn = 0.0
        try:
            for number in range(1 if self._quick else _TURNS):
                began = time.monotonic()
                if number and began - start + turn > _BUDGET:
                    break
                done = 0
                for scenario in self.scenarios:
                    loops += [machine.calibrate() for _ in range(_LOOPS)]
                    for name in self._turn(scenario):
                        left = turn - (time.monotonic() - began)
                        what = f"{scenario.name}: {name}"
                        self._line.put(done, self._size(), what, max(left, 0.0) if turn else None)
                        done += 1
                turn = time.monotonic() - began
        finally:
            self._line.clear()
        self.noise = machine.noise(loops)

    def _turn(self, scenario: Scenario) -> Iterator[str]:
        turns = commands(scenario, "quick" if self._quick and scenario.quick else "short")
        chosen = [one for one in turns if not self._contenders or one[0] in self._contenders]
        return take(self.results[scenario.name], chosen, _PATIENCE)

    def _size(self) -> int:
        return sum(
            not one.missing and (not self._contenders or one.name in self._contenders)
            for scenario in self.scenarios
            for one in scenario.contenders
        )


def _tables(session: _Session, look: Look) -> Iterator[str]:
    about = session.machine
    yield look.paint(f"interlane {_version()}, Python {about['python']}, {about['cpu']}", "head")
    yield f"  {about['system']}, {about['cores']} CPUs, load {about['load']}, {about['date']}"
    yield f"  {_noise(session.noise)}"
    for scenario in session.scenarios:
        results = session.results[scenario.name]
        found = {name: result for name, result in results.items() if result.medians}
        if not found:
            continue
        yield ""
        better = "more is better" if scenario.is_rate else "less is better"
        yield f"{look.paint(scenario.title, 'head')} [{scenario.unit}, {better}]"
        # Nothing is wrapped: a bar would not be one any more.
        yield from table(*_rows(found, is_rate=scenario.is_rate), look._replace(width=None), right=(1, 2))
    yield from _left_out(session.results)


def _rows(found: dict[str, Result], *, is_rate: bool) -> tuple[tuple[str, ...], list[list[str | Cell]]]:
    """Returns the heads and the rows of a scenario's table."""
    first = next(iter(found))
    longest = _lengths(found)
    rows: list[list[str | Cell]] = []
    for name, result in found.items():
        style = "good" if _is_ours(name) else ""
        over = "" if name == first else _over(result, found[first], is_rate=is_rate)
        rows.append(
            [Cell(name, style), figure(result.median), over, Cell("#" * longest[name], style or "dim")]
        )
        if len(result.medians) > 1:
            rows[-1].append(f"{figure(min(result.medians))} to {figure(max(result.medians))}")
    heads = ("", "median", f"{first} is", "", "turns from")
    columns = max(map(len, rows))
    return heads[:columns], [row + [""] * (columns - len(row)) for row in rows]


def _left_out(results: dict[str, Results]) -> Iterator[str]:
    """Says who is missing and why, once for each reason."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for scenario, rows in results.items():
        for name, result in rows.items():
            if result.failure:
                key = (name.removesuffix(", timed"), result.failure)
                reasons.setdefault(key, []).append(scenario)
    if reasons:
        yield ""
    for (name, failure), scenarios in reasons.items():
        where = "" if len(set(scenarios)) > 2 else f" in {', '.join(dict.fromkeys(scenarios))}"
        yield f"  left out{where}: {name}: {failure}"


def _noise(noise: dict[str, float]) -> str:
    spread = noise["spread"]
    if spread <= _QUIET:
        verdict = "quiet"
    elif spread < _NOISY:
        verdict = "a little noisy"
    else:
        verdict = "noisy, trust factors of two"
    return (
        f"the same loop took {noise['median']:.2f} ms ({noise['least']:.2f} to {noise['most']:.2f}, "
        f"spread {spread:.0%}): {verdict}"
    )


def _lengths(found: dict[str, Result]) -> dict[str, int]:
    """Returns the lengths of bars, which are logarithms."""
    logs = {name: math.log10(max(result.median, 1e-3)) for name, result in found.items()}
    low = min(logs.values()) - 0.3
    span = max(logs.values()) - low
    return {name: max(1, round((log - low) / span * _BAR)) for name, log in logs.items()}


def _over(result: Result, first: Result, *, is_rate: bool) -> str:
    if result.median <= 0 or first.median <= 0:
        return ""
    factor = first.median / result.median if is_rate else result.median / first.median
    if factor < 1:
        return f"{figure(1 / factor)} x slower"
    return f"{figure(factor)} x faster"


def _is_ours(name: str) -> bool:
    return name.startswith("interlane")


def _version() -> str:
    from importlib.metadata import version

    return version("interlane")
