"""Has threads, interpreters or processes begin at the same moment, however long each took to get there."""

import time
from pathlib import Path

# For those who begin: `gate(folder)` returns when all do, and tells when that is.
SOURCE = """
def gate(folder):
    from pathlib import Path
    from time import perf_counter, sleep
    with Path(folder, "ready").open("a") as file:
        file.write("x")
    while not Path(folder, "begin").exists():
        sleep(0.001)
    begin = float(Path(folder, "begin").read_text())
    sleep(max(0, begin - perf_counter()))
    return begin
"""


def release(folder: str, count: int, patience: float = 60) -> float:
    """Waits until so many are at the gate, lets them go, and tells when they begin."""
    ready, end = Path(folder, "ready"), time.perf_counter() + patience
    while not ready.exists() or ready.stat().st_size < count:
        if time.perf_counter() > end:
            raise TimeoutError(f"not all of {count} have started")
        time.sleep(0.001)
    begin = time.perf_counter() + 0.02
    written = Path(folder, "written")
    written.write_text(repr(begin))
    written.rename(Path(folder, "begin"))
    return begin
