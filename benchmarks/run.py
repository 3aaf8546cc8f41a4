"""Round trips, one-way throughput and big strings: interlane beside the standard library, in one run.

Prints medians, and each alternative's time as a multiple of interlane's. Run by `make bench`.
"""

import multiprocessing
import platform
import statistics
import sys
import threading
import time
from collections.abc import Callable

import interlane
from interlane import interpreters

ECHO = """
import interlane
with interlane.SendChannel.from_id({send}) as send, interlane.RecvChannel.from_id({recv}) as recv:
    for item in recv:
        send.send(len(item) if isinstance(item, str) else item)
"""
STANDARD_ECHO = """
while (item := there.get()) is not None:
    back.put(item)
"""


def echo_process(there: "multiprocessing.Queue[object]", back: "multiprocessing.Queue[object]") -> None:
    while (item := there.get()) is not None:
        back.put(item)


def timed(trip: Callable[[], object], times: int) -> list[float]:
    for _ in range(max(times // 10, 1)):
        trip()
    results = []
    for _ in range(times):
        start = time.perf_counter()
        trip()
        results.append((time.perf_counter() - start) * 1e6)
    return sorted(results)


def show(name: str, times: list[float], unit: float | None) -> float:
    median = statistics.median(times)
    p99 = times[int(len(times) * 0.99)]
    ratio = "" if unit is None else f"{median / unit:10.1f} x"
    print(f"{name:44}{median:12.2f} us median {p99:12.2f} us p99 {ratio}", flush=True)
    return median


def main() -> None:
    print(f"Python {platform.python_version()}, {platform.machine()}, {time.strftime('%Y-%m-%d')}")
    there, recv = interlane.create_channel()
    send, back = interlane.create_channel()
    interp = interpreters.create()
    code = ECHO.format(send=send.id, recv=recv.id)
    thread = threading.Thread(target=interp.exec, args=(code,))
    thread.start()

    def ours(item: object) -> Callable[[], object]:
        return lambda: (there.send(item), back.recv())

    unit = show("interlane, int, there and back", timed(ours(1), 50_000), None)
    gigabyte = "x" * 2**30
    show("interlane, 1 GiB str there, its length back", timed(ours(gigabyte), 2_000), unit)

    def after_a_second() -> float:
        time.sleep(1)
        start = time.perf_counter()
        ours(1)()
        return (time.perf_counter() - start) * 1e6

    show("interlane, int, after a second of idling", sorted(after_a_second() for _ in range(5)), unit)
    there.close()
    thread.join()
    interp.close()

    if sys.version_info >= (3, 14):
        there_q, back_q = interpreters.create_queue(), interpreters.create_queue()
        interp = interpreters.create()
        interp.prepare_main(there=there_q, back=back_q)
        thread = threading.Thread(target=interp.exec, args=(STANDARD_ECHO,))
        thread.start()
        trip = lambda: (there_q.put(1), back_q.get())  # noqa: E731
        show("concurrent.interpreters.Queue, int", timed(trip, 100), unit)
        there_q.put(None)
        thread.join()
        interp.close()

    context = multiprocessing.get_context("spawn")
    there_m, back_m = context.Queue(), context.Queue()
    process = context.Process(target=echo_process, args=(there_m, back_m))
    process.start()
    show("multiprocessing.Queue, int", timed(lambda: (there_m.put(1), back_m.get()), 2_000), unit)
    there_m.put(None)
    process.join()


if __name__ == "__main__":
    main()
