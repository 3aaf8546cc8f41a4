"""Measures one contender in one scenario, in this process; prints a line of JSON. `run.py` runs this.

A process of its own each time: nothing that one contender leaves behind bears on the next, and one that
hangs can be ended.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable

import contenders
from machine import MAIN, PEER, pin
from scenarios import SCENARIOS, Scenario

# Where as many as usual would take longer, fewer will do.
SECONDS = 1.0


def measure(scenario: Scenario, contender: contenders.Contender, quick: bool) -> list[float]:
    """Returns the values of one run."""
    values: list[float] = []
    with contender.open() as link:
        names = {
            **link.names,
            "seconds": 0.1 if quick else 2,
            "large": "x" * (2**20 if quick else 2**30) if scenario.name == "gigabyte" else "",
            "ten": {f"key {number}": number for number in range(10)},
        }
        exec(scenario.main_source(contender), names)
        loop, stop = names["measure"], names["stop"]
        with link.start(scenario.peer_source(contender, PEER)):
            count = scenario.quick if quick else scenario.count
            if count > 100:
                count = affordable(loop, count)
            loop(count, values)
            stop()
    return values


def affordable(loop: Callable[[int, list[float]], None], most: int) -> int:
    """Warms up, and returns how many there is time for."""
    count = each = 0
    loop(1, [])  # until the peer has started
    while count < most and count * each < SECONDS / 10:
        count = 4 * count or 1
        start = time.perf_counter()
        loop(count, [])
        each = (time.perf_counter() - start) / count
    return max(1, min(most, int(SECONDS / each)))


def main() -> None:
    """Measures what the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", choices=[scenario.name for scenario in SCENARIOS])
    parser.add_argument("contender")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    scenario = next(one for one in SCENARIOS if one.name == options.scenario)
    contender = next(one for one in scenario.contenders if one.name == options.contender)
    pin(MAIN)
    values = sorted(measure(scenario, contender, options.quick))
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
