"""What came of it: the runs of each contender in one scenario, as a table."""

import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

from interlane._bench.scenarios import Scenario


@dataclass
class Result:
    """One contender's runs in one scenario, or why there are none."""

    medians: list[float] = field(default_factory=list)
    p99s: list[float] = field(default_factory=list)
    # Values in all runs together.
    count: int = 0
    failure: str = ""

    def add(self, line: dict[str, float]) -> None:
        """Adds a run."""
        self.medians.append(line["median"])
        self.p99s.append(line["p99"])
        self.count += int(line["count"])

    @property
    def median(self) -> float:
        """The median of the runs' medians."""
        return statistics.median(self.medians)

    @property
    def p99(self) -> float:
        """The median of the runs' 99th percentiles."""
        return statistics.median(self.p99s)


# By contender.
type Results = dict[str, Result]


def table(scenario: Scenario, results: Results) -> Iterable[str]:
    """Yields the lines of a scenario's table. All are compared to the first contender, which is interlane."""
    first = next(iter(results.values()))
    # Where a run is one value or a few, it has no percentiles.
    has_tail = any(result.count > 20 * len(result.medians) for result in results.values())
    yield f"{scenario.title} [{scenario.unit}]"
    heads = ("median", "runs from", "to", "p99" if has_tail else "")
    yield f"  {'':36}{''.join(f'{head:>12}' for head in heads)}{'over interlane':>16}"
    for name, result in results.items():
        if result.medians:
            row = [result.median, min(result.medians), max(result.medians)]
            row += [result.p99] if has_tail else []
            cells = "".join(f"{_figure(value):>12}" for value in row)
            yield f"  {name:36}{cells:48}{_over(result, first):>16}"
        if result.failure:
            yield f"  {name:36} left out: {result.failure}"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.2f}"


def _over(result: Result, first: Result) -> str:
    if not first.medians or result is first or first.median <= 0:
        return ""
    factor = result.median / first.median
    return f"{factor:,.0f} x" if factor >= 100 else f"{factor:.2f} x"


def figure(value: float) -> str:
    """Returns a value with three digits, or those before its point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def figures(results: dict[str, Results]) -> dict[str, dict[str, object]]:
    """Returns all of it, by scenario and contender, for JSON."""
    return {
        scenario: {name: asdict(result) for name, result in rows.items()}
        for scenario, rows in results.items()
    }
