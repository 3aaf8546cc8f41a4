"""The machine: what it is, and which of its processors a thread runs on."""

import contextlib
import datetime as dt
import os
import platform
import statistics
import time
from pathlib import Path

CPUS = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []

# The measuring thread runs on one processor, its peer on the other; without two, wherever they like.
MAIN, PEER = (CPUS[0], CPUS[-1]) if len(CPUS) > 1 else (None, None)


def pin(cpu: int | None) -> None:
    """Keeps the calling thread, and those that it starts from now on, on one processor."""
    if cpu is not None:
        os.sched_setaffinity(0, {cpu})


def describe() -> dict[str, object]:
    """Returns what figures depend on."""
    return {
        "python": platform.python_version(),
        "cpu": _model(),
        "cores": len(CPUS) or os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "date": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "load": round(os.getloadavg()[0], 2),
    }


def calibrate() -> float:
    """Returns how many milliseconds a loop takes that is always the same."""
    start = time.perf_counter()
    total = 0
    for number in range(100_000):
        total += number
    return (time.perf_counter() - start) * 1e3


def noise(loops: list[float]) -> dict[str, float]:
    """Returns how steady the machine was, by such loops: `spread` is between quartiles, over the median."""
    low, middle, high = statistics.quantiles(loops, n=4, method="inclusive")
    return {
        "loops": len(loops),
        "median": round(middle, 3),
        "least": round(min(loops), 3),
        "most": round(max(loops), 3),
        "spread": round((high - low) / middle, 4),
    }


def _model() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
