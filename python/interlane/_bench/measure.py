"""Measures one contender in one scenario, in this process; prints a line of JSON. `turns` runs this.

A process of its own each time: nothing that one contender leaves behind bears on the next, and one that
hangs can be ended.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

from interlane._bench import contenders
from interlane._bench.machine import MAIN, PEER, pin
from interlane._bench.scenarios import SCENARIOS, Scenario

# Where as many as usual would take longer, fewer will do.
SECONDS = {"": 1.0, "short": 0.4, "quick": 1.0}


def measure(scenario: Scenario, contender: contenders.Contender, form: str) -> list[float]:
    """Returns the values of one run, in the usual form, the short one or for a quick look."""
    count = {"": scenario.count, "short": scenario.short, "quick": scenario.quick}[form]
    values: list[float] = []
    with contender.open() as link:
        names: dict[str, Any] = {
            **link.names,
            "seconds": 0.1 if form == "quick" else 2,
            "large": "x" * min(scenario.large, 2**20 if form == "quick" else scenario.large),
            "ten": {f"key {number}": number for number in range(10)},
        }
        exec(scenario.main_source(contender), names)
        loop, stop = names["measure"], names["stop"]
        with link.start(scenario.peer_source(contender, PEER)):
            if count > 100:
                count = affordable(loop, count, SECONDS[form])
            loop(count, values)
            stop()
    return values


def affordable(loop: Callable[[int, list[float]], None], most: int, seconds: float) -> int:
    """Warms up, and returns how many there is time for."""
    count, each = 0, 0.0
    loop(1, [])  # until the peer has started
    while count < most and count * each < seconds / 10:
        count = 4 * count or 1
        start = time.perf_counter()
        loop(count, [])
        each = (time.perf_counter() - start) / count
    return max(1, min(most, int(seconds / each)))


def main() -> None:
    """Measures what the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", choices=[scenario.name for scenario in SCENARIOS])
    parser.add_argument("contender")
    parser.add_argument("--form", choices=SECONDS, default="")
    options = parser.parse_args()
    scenario = next(one for one in SCENARIOS if one.name == options.scenario)
    contender = next(one for one in scenario.contenders if one.name == options.contender)
    pin(MAIN)
    values = sorted(measure(scenario, contender, options.form))
    line = {
        "contender": contender.name,
        "scenario": scenario.name,
        "count": len(values),
        "median": statistics.median(values),
        "p99": values[int((len(values) - 1) * 0.99)],
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
