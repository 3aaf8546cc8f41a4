"""Everything public, called with anything, in several interpreters at once: no crash, hang or leak."""

from typing import Any

import pytest

PROGRAM = r"""
import array, gc, random, sys, threading, time, types, warnings
import interlane

warnings.simplefilter("ignore")
seed, steps = int(sys.argv[1]), int(sys.argv[2])

SCENARIO = '''
import array, random, warnings
import interlane

warnings.simplefilter("ignore")

class Fickle:
    def __init__(self, rng):
        self.rng = rng
    def __index__(self):
        return self.rng.choice([0, 1, -1, 3, 2**70])
    def __float__(self):
        return self.rng.choice([0.0, -1.0, 0.001])
    def __iter__(self):
        return iter([1, self, 2])
    def __eq__(self, other):
        return self.rng.random() < 0.5
    def __hash__(self):
        return self.rng.randrange(3)
    def __share__(self):
        return self.rng.choice([(int, ()), None, (int, (self,)), 3, (list, ([1],))])

def fail(*args):
    raise KeyError(args)

NAMES = "__getattr__ __index__ __share__ __eq__ __hash__ __iter__ __float__".split()
Failing = type("Failing", (), dict.fromkeys(NAMES, fail))

# How those are called that would wait: how many arguments of any kind, and those that keep it short.
SHORT = {
    "send": (1, dict(timeout=0.001)), "send_buffer": (1, dict(timeout=0)), "send_many": (1, dict(timeout=0)),
    "recv": (0, dict(timeout=0.001)), "recv_many": (1, dict(timeout=0)), "select": (2, dict(timeout=0.001)),
    "wait_released": (0, dict(timeout=0)), "wait_for": (1, dict(timeout=0.001)),
    "acquire": (0, dict(blocking=False)), "wait": (0, dict(timeout=0.001)),
    "reading": (0, dict(timeout=0)), "writing": (0, dict(timeout=0)),
}
LEFT_OUT = set(
    "serve_inspection interpreters InterpreterPoolExecutor inspect Inspection get_include "
    "set_share_threshold".split()
)
# Waits without a timeout, or makes something as large as its argument says.
NEVER = set("acquire_async wait_async wait_for_async ljust rjust center zfill expandtabs to_bytes".split())
DUNDERS = (
    "__iter__ __len__ __getitem__ __setitem__ __eq__ __hash__ __repr__ __reduce__ __lt__ "
    "__contains__ __copy__".split()
)

SIZED = ("SharedBuffer", "SharedBytes", "cast", "reshape", "create_channel", "create_buffer_channel")
DULL = (int, float, str, bool, type(None), type(NotImplemented))

def perform(seed, steps, ids):
    rng = random.Random(seed)
    odd = [
        None, True, 0, 1, -1, 3, -0.5, float("nan"), float("inf"), "", "x" * 5000,
        "\\ud800", "\\u20ac" * 3000, b"", b"y" * 5000, fail, int, 2**70,
        bytearray(60), array.array("d", [1, 2]), memoryview(bytes(24)).cast("B", (4, 6)),
        memoryview(bytearray(16))[::2],
        (), [], {}, [1, [2]], {"a": {"b": [1]}}, {1, 2}, slice(0, 2), slice(None, None, -1), ..., object(),
        Fickle, Fickle(rng), Failing(), ValueError("x"), "i", "3s", (2, 3), (0,), [4], -(2**70), 2**63,
    ]
    mine = list(interlane.create_channel(4))
    for end in (interlane.SendChannel, interlane.RecvChannel):
        mine += [end.from_id(number) for number in ids]
    names = [name for name in interlane.__all__ if not name.endswith(("Error", "Channel"))]
    names = [name for name in names if name not in LEFT_OUT]
    for _ in range(steps):
        subject = interlane if rng.random() < 0.3 else rng.choice(mine)
        try:
            if subject is interlane:
                name = rng.choice(names)
            else:
                public = [n for n in dir(subject) if not n.startswith("_") and n not in NEVER]
                name = rng.choice(public + DUNDERS)
            function = getattr(subject, name)
            count, keywords = SHORT.get(name, (rng.randrange(4), {}))
            arguments = [rng.choice(mine if rng.random() < 0.5 else odd) for _ in range(count)]
            if name not in ("send", "send_nowait", "select", "share"):  # they may be iterated over
                arguments = [each for each in arguments if type(each) is not interlane.RecvChannel]
            if name in SIZED:
                arguments = [a for a in arguments if type(a) is not Fickle]
                arguments = [a for a in arguments if type(a) is not int or a in (0, 1, 3)]
            if name == "__iter__" and type(subject) is interlane.RecvChannel:
                continue
            made = function(*arguments, **keywords) if callable(function) else function
        except Exception:
            continue
        if type(made).__name__ == "coroutine":
            made.close()
            continue
        kept = made if type(made) is tuple else (made,)
        mine += [each for each in kept if type(each) not in DULL]
        while len(mine) > 100:
            del mine[rng.randrange(len(mine))]
    for each in mine:
        if type(each) in (interlane.SendChannel, interlane.RecvChannel, interlane.Share):
            each.close()
'''
space = {"__name__": "nowhere"}
exec(SCENARIO, space)
channels = [interlane.create_channel(capacity) for capacity in (None, 0, 2)]
ids = [send.id for send, _ in channels]

def in_another(number):
    interp = interlane.interpreters.create()
    interp.exec(f"{SCENARIO}\nperform({seed * 10 + number}, {steps}, {ids})")
    interp.close()

threads = [threading.Thread(target=in_another, args=(number,)) for number in range(3)]
threads += [
    threading.Thread(target=space["perform"], args=(seed * 10 + number, steps, ids)) for number in (3, 4)
]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
for ends in channels:
    for end in ends:
        end.close()
space.clear()
del channels, ends, end
deadline = time.monotonic() + 60
while (stats := interlane.stats()).live or stats.pending:
    assert time.monotonic() < deadline, interlane.shares()
    gc.collect()
    interlane.collect()
    time.sleep(0.01)
print("done", stats)
"""


@pytest.mark.parametrize("seed", range(2))
def test_odd_calls_crash_nothing_and_leave_nothing(run_child: Any, seed: int) -> None:
    out = run_child(PROGRAM, str(seed), "300", timeout=115)
    assert out.startswith("done")
    assert not out.stderr, out.stderr
