"""What interlane is meant to reach. A target that is missed is news, not a failure."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from contenders import BOCPY, BOCPY_TIMED, INTERLANE, INTERLANE_TIMED, STANDARD, THREADS
from results import Result, Results
from scenarios import RUST_WAITING

type Pick = Callable[[Result], float]
type Figure = Callable[[dict[str, Results]], float]


@dataclass(frozen=True)
class Target:
    """A figure that is made of the results, and its limit."""

    what: str
    figure: Figure
    unit: str
    at_most: float = math.inf
    at_least: float = -math.inf


def _median(result: Result) -> float:
    return result.median


def _p99(result: Result) -> float:
    return result.p99


def _best(result: Result) -> float:
    return min(result.medians)


def _of(scenario: str, *names: str, pick: Pick = _median) -> Figure:
    """Returns what finds the least figure that any of the names has; NaN without any."""

    def find(results: dict[str, Results]) -> float:
        found = (results.get(scenario, {}).get(name) for name in names)
        return min((pick(result) for result in found if result and result.medians), default=math.nan)

    return find


def _over(above: Figure, below: Figure) -> Figure:
    return lambda results: above(results) / below(results)


def _beyond(above: Figure, below: Figure) -> Figure:
    return lambda results: above(results) - below(results)


_TRIP = _of("int-round-trip", INTERLANE.name)

TARGETS = (
    Target("an int there and back, median", _TRIP, "us", at_most=1.3),
    Target("an int there and back, p99", _of("int-round-trip", INTERLANE.name, pick=_p99), "us", at_most=5),
    Target(
        "an int there and back, over bocpy's best run",
        _over(_TRIP, _of("int-round-trip", BOCPY.name, BOCPY_TIMED.name, pick=_best)),
        "x",
        at_most=1,
    ),
    Target(
        "the standard library's queue, over that",
        _over(_of("int-round-trip", STANDARD.name), _TRIP),
        "x",
        at_least=5000,
    ),
    *(
        Target(
            f"wake-up after a second, over {rust}",
            _over(_of("wake-up", INTERLANE.name), _of("wake-up", rust)),
            "x",
            at_most=1.4,
        )
        for rust in RUST_WAITING
    ),
    *(
        Target(
            f"the same with a timeout, over {rust}",
            _over(_of("wake-up-timed", INTERLANE_TIMED.name), _of("wake-up-timed", rust)),
            "x",
            at_most=1.4,
        )
        for rust in RUST_WAITING
    ),
    Target(
        "int one way, over the standard library's queue",
        _over(_of("int-one-way", INTERLANE.name), _of("int-one-way", STANDARD.name)),
        "x",
        at_least=4,
    ),
    Target("a str of 1 GiB, over an int", _of("gigabyte", INTERLANE.name), "us", at_most=10),
    # A ten thousandth of a processor is about what can be told apart.
    Target(
        "processor time of an idle receiver in a second, beyond SimpleQueue's",
        _beyond(_of("idle", INTERLANE.name), _of("idle", THREADS.name)),
        "us",
        at_most=100,
    ),
    Target(
        "the main job in two interpreters, over serial", _of("main-job", INTERLANE.name), "x", at_least=1.85
    ),
)


def table(results: dict[str, Results]) -> Iterable[str]:
    """Yields a line for each target that there are figures for."""
    yield f"{'Targets':74}{'target':>18}{'measured':>16}"
    for target in TARGETS:
        figure = target.figure(results)
        if math.isnan(figure):
            continue
        bounded = math.isfinite(target.at_most)
        limit = f"at most {target.at_most:g}" if bounded else f"at least {target.at_least:g}"
        met = "met" if target.at_least <= figure <= target.at_most else "MISSED"
        yield f"  {target.what:72}{limit:>15} {target.unit:2}{figure:>13,.2f} {target.unit:2}{met:>8}"
