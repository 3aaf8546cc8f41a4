"""What interlane is meant to reach. A target that is missed is news, not a failure."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from interlane._bench.contenders import (
    ASYNCIO,
    BATCHES,
    BOCPY,
    BOCPY_TIMED,
    INTERLANE,
    INTERLANE_TIMED,
    SELECTED,
    SELECTED_TIMED,
    STANDARD,
    THREADS,
    WATCHED,
    Contender,
)
from interlane._bench.results import Result, Results
from interlane._bench.scenarios import RUST_SELECTING, RUST_WAITING

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


def least_of(scenario: str, *names: str, pick: Pick = _median) -> Figure:
    """Returns what finds the least figure that any of the names has; NaN without any."""

    def find(results: dict[str, Results]) -> float:
        found = (results.get(scenario, {}).get(name) for name in names)
        return min((pick(result) for result in found if result and result.medians), default=math.nan)

    return find


def over(above: Figure, below: Figure) -> Figure:
    """Returns what finds how many times one figure the other one is."""
    return lambda results: above(results) / below(results)


def beyond(above: Figure, below: Figure) -> Figure:
    """Returns what finds by how much one figure is more than the other one."""
    return lambda results: above(results) - below(results)


def _rate(scenario: str, contender: Contender) -> Figure:
    return least_of(scenario, contender.name)


_TRIP = least_of("int-round-trip", INTERLANE.name)

TARGETS = (
    Target("an int there and back, median", _TRIP, "us", at_most=1.0),
    Target(
        "an int there and back, p99", least_of("int-round-trip", INTERLANE.name, pick=_p99), "us", at_most=3
    ),
    Target(
        "an int there and back, over bocpy's best run",
        over(_TRIP, least_of("int-round-trip", BOCPY.name, BOCPY_TIMED.name, pick=_best)),
        "x",
        at_most=1,
    ),
    Target(
        "the standard library's queue, over that",
        over(least_of("int-round-trip", STANDARD.name), _TRIP),
        "x",
        at_least=5000,
    ),
    *(
        Target(
            f"wake-up after a second, over {rust}",
            over(least_of("wake-up", INTERLANE.name), least_of("wake-up", rust)),
            "x",
            at_most=1.2,
        )
        for rust in RUST_WAITING
    ),
    *(
        Target(
            f"the same with a timeout, over {rust}",
            over(least_of("wake-up-timed", INTERLANE_TIMED.name), least_of("wake-up-timed", rust)),
            "x",
            at_most=1.2,
        )
        for rust in RUST_WAITING
    ),
    *(
        Target(
            f"the same{timed}, selected over {WATCHED}, over {rust}",
            over(least_of(scenario, contender.name), least_of(scenario, rust)),
            "x",
            at_most=1.2,
        )
        for timed, scenario, contender in (
            ("", "wake-up", SELECTED),
            (" with a timeout", "wake-up-timed", SELECTED_TIMED),
        )
        for rust in RUST_SELECTING
    ),
    *(
        Target(
            f"the same in asyncio, over {rust}",
            over(least_of("wake-up", ASYNCIO.name), least_of("wake-up", rust)),
            "x",
            at_most=2,
        )
        for rust in RUST_WAITING
    ),
    Target("int one way", _rate("int-one-way", INTERLANE), "thousand/s", at_least=8_000),
    Target("int one way, 1000 at once", _rate("int-one-way", BATCHES), "thousand/s", at_least=40_000),
    Target("a dict of ten items one way", _rate("dict-one-way", INTERLANE), "thousand/s", at_least=2_000),
    Target(
        "int one way, over the standard library's queue",
        over(least_of("int-one-way", INTERLANE.name), least_of("int-one-way", STANDARD.name)),
        "x",
        at_least=4,
    ),
    Target("a str of 1 GiB, over an int", least_of("gigabyte", INTERLANE.name), "us", at_most=10),
    # A ten thousandth of a processor is about what can be told apart.
    Target(
        "processor time of an idle receiver in a second, beyond SimpleQueue's",
        beyond(least_of("idle", INTERLANE.name), least_of("idle", THREADS.name)),
        "us",
        at_most=100,
    ),
    Target(
        "the main job in two interpreters, over serial",
        least_of("main-job", INTERLANE.name),
        "x",
        at_least=1.85,
    ),
)


def table(results: dict[str, Results], targets: Iterable[Target] = TARGETS) -> Iterable[str]:
    """Yields a line for each target that there are figures for."""
    yield f"{'Targets':74}{'target':>26}{'measured':>24}"
    for target in targets:
        figure = target.figure(results)
        if math.isnan(figure):
            continue
        bounded = math.isfinite(target.at_most)
        limit = f"at most {target.at_most:g}" if bounded else f"at least {target.at_least:g}"
        met = "met" if target.at_least <= figure <= target.at_most else "MISSED"
        yield f"  {target.what:72}{limit:>15} {target.unit:10}{figure:>13,.2f} {target.unit:10}{met:>8}"
