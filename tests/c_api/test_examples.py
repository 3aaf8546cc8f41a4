"""The example extensions, from interpreter to interpreter."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

# The first of them may have to wait for cargo, which compiles one of the extensions.
pytestmark = pytest.mark.timeout(175)

COMMON = """
import gc, sys, time
import interlane
from interlane import interpreters

def wait_until(condition):
    deadline = time.monotonic() + 50
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.001)

def create(**names):
    interp = interpreters.create()
    interp.exec("import interlane")
    interp.prepare_main(**names)
    return interp

SOURCE
"""


class Example(NamedTuple):
    """A type: how to make an object, what is true of it everywhere, how its owner sees that it is free."""

    name: str
    make: str
    check: str
    is_free: str
    areas: list[tuple[str, tuple[int, ...]]]


EXAMPLES = [
    Example(
        "c_image",
        """
def make():
    image = c_image.Image(64, 48)
    image.set(0, 3, 2, 77)
    image.set(2, 31, 23, 9)
    return image
""",
        """
def check(image):
    assert type(image) is c_image.Image, type(image)
    assert image.size == (64, 48), image.size
    assert (image.get(0, 3, 2), image.get(0, 2, 3), image.get(2, 31, 23)) == (77, 0, 9)
    view = memoryview(image)
    assert view.shape == (48, 64) and view[2, 3] == 77
""",
        "def is_free(image): return image.shares == 0",
        [("B", (48, 64)), ("B", (24, 32)), ("B", (24, 32))],
    ),
    Example(
        "cpp_vector",
        "def make(): return cpp_vector.Vector(range(1000))",
        """
def check(vector):
    assert type(vector) is cpp_vector.Vector, type(vector)
    assert len(vector) == 1000 and vector.sum() == 499500, vector.sum()
    view = memoryview(vector)
    assert view.format == "d" and view[999] == 999.0 and view.readonly
""",
        """
def is_free(vector):
    try:
        vector.append(0)
    except BufferError:
        return False
    return True
""",
        [("d", (1000,))],
    ),
    Example(
        "rust_type",
        "def make(): return rust_type.Signal(48000.0, [0.5, -0.25] * 500)",
        """
def check(signal):
    assert type(signal) is rust_type.Signal, type(signal)
    assert signal.rate == 48000.0 and len(signal) == 1000
    assert (signal[998], signal[999]) == (0.5, -0.25)
    assert memoryview(signal).cast("f").tolist() == [0.5, -0.25] * 500
""",
        "def is_free(signal): return signal.shares == 0",
        [("f", (1000,)), ("d", (1,))],
    ),
]

Run = Callable[..., Any]


@pytest.fixture(params=EXAMPLES, ids=lambda example: example.name)
def example(request: pytest.FixtureRequest) -> Example:
    return request.param


@pytest.fixture
def run(example: Example, extension: Any, run_child: Any) -> Run:
    """Runs code in a child that can import the example; `make`, `check` and `is_free` are in `source` too."""
    source = f"import {example.name}\n{example.make}\n{example.check}\n{example.is_free}"
    common = COMMON.replace("SOURCE", f"{source}\nsource = {source!r}")

    def run(code: str, **options: Any) -> Any:
        return run_child(common + code, env={"PYTHONPATH": str(extension(example.name))}, **options)

    return run


def test_from_main_to_isolated_and_back_to_the_owner(run):
    run("""
item = make()
assert is_free(item) and interlane.is_shareable(item) and interlane.explain(item) is None
assert is_free(item)
item = make()
send, recv = interlane.create_channel()
other = create(recv=recv)
send.send(item)
assert not is_free(item)
# It imports the extension by the name in the table.
other.exec("import sys; assert not {'c_image', 'cpp_vector', 'rust_type'} & set(sys.modules)")
other.exec("item = recv.recv()")
other.exec(source)
other.exec("check(item)")
check(item)
assert not is_free(item)
other.exec("del item")
wait_until(lambda: is_free(item))
other.close()
""")


def test_from_isolated_to_main(run):
    run("""
send, recv = interlane.create_channel()
other = create(send=send)
other.exec(source)
other.exec("item = make(); send.send(item); assert not is_free(item)")
item = recv.recv()
check(item)
del item
wait_until(lambda: interlane.stats().live == 0)
other.exec("interlane.collect(); assert is_free(item)")
other.close()
""")


def test_between_two_isolated_interpreters_and_on_to_a_third(run):
    run("""
send, recv = interlane.create_channel()
send_on, recv_on = interlane.create_channel()
first, second, third = create(send=send), create(recv=recv, send_on=send_on), create(recv_on=recv_on)
for interp in (first, second, third):
    interp.exec(source)
first.exec("item = make(); send.send(item)")
second.exec("item = recv.recv(); check(item); send_on.send(item); del item")
third.exec("item = recv_on.recv(); check(item)")
time.sleep(0.05)
first.exec("interlane.collect(); assert not is_free(item)")
third.exec("check(item); del item")
wait_until(lambda: interlane.stats().live == 0)
first.exec("assert is_free(item)")
for interp in (first, second, third):
    interp.close()
""")


def test_what_was_received_goes_on_without_the_interpreter_in_between(run):
    run("""
item = make()
send, recv = interlane.create_channel()
send_on, recv_on = interlane.create_channel()
middle, last = create(recv=recv, send_on=send_on), create(recv_on=recv_on)
middle.exec(source)
last.exec(source)
send.send(item)
middle.exec("item = recv.recv(); send_on.send(item); send_on.send([interlane.share(item)])")
assert [row.owner for row in interlane.shares() if row.nbytes and row.type != "Share"] == [0, middle.id]
middle.close()
last.exec("item = recv_on.recv(); again = recv_on.recv()[0].get(); check(item); check(again)")
assert not is_free(item)
last.exec("del item, again")
wait_until(lambda: is_free(item))  # nothing of it was left in the interpreter that has ended
last.close()
assert interlane.stats().live == 0
""")


def test_inside_containers_it_arrives_once(run):
    run("""
item = make()
send, recv = interlane.create_channel()
send.send({"a": [item, (item,)], "text": "x"})
got = recv.recv()
assert got["a"][0] is got["a"][1][0] and got["a"][0] is not item
check(got["a"][0])
del got
wait_until(lambda: is_free(item))
""")


def test_a_share_has_its_areas_and_tells_of_its_release(run, example):
    out = run("""
item = make()
released = []
share = interlane.share(item, on_release=lambda obj: released.append((obj is item, is_free(obj))))
other = create(share=share, send=None)
for area in share.areas:
    print(repr((area.format, area.shape)))
    assert area.readonly
assert share.nbytes == sum(area.nbytes for area in share.areas)
assert share.get() is item
area = None
other.exec(source)
other.exec("item = share.get(); share.close(); check(item)")
(row,) = interlane.shares(0)
assert row.holders == {0: 1, other.id: 1}, row
share.close()
time.sleep(0.05)
interlane.collect()
assert released == [] and not is_free(item)
other.exec("check(item); del item")
wait_until(lambda: released)
assert released == [(True, True)], released
other.close()
""")
    assert out.splitlines() == [repr(area) for area in example.areas]


def test_an_owner_that_dies_leaves_the_memory_to_borrowers(run):
    run("""
send, recv = interlane.create_channel()
owner = create(send=send)
owner.exec(source)
owner.exec("for _ in range(3): send.send(make()); send.send(interlane.share(make()))")
items = [recv.recv() for _ in range(4)]
items = [item.get() if isinstance(item, interlane.Share) else item for item in items]
before = interlane.stats().orphaned
owner.close()
assert interlane.stats().orphaned == before + 6
filler = [bytes([n % 256]) * 4096 for n in range(10_000)]
items += [recv.recv(), recv.recv().get()]
for item in items:
    check(item)
del items, item
gc.collect()
assert interlane.stats().live == 0
""")


def test_an_owner_can_wait_for_its_borrowers(run):
    run("""
item = make()
send, recv = interlane.create_channel()
other = create(recv=recv)
send.send(item)
other.exec("item = recv.recv()")
try:
    interlane.wait_released(timeout=0.02)
except TimeoutError:
    pass
else:
    raise AssertionError
other.exec("del item")
interlane.wait_released(timeout=50)
assert is_free(item)
other.close()
""")


def test_a_borrower_that_cannot_import_it_names_type_and_owner(run, example):
    out = run("""
send, recv = interlane.create_channel()
other = create(recv=recv)
item = make()
send.send(item)
other.exec('''
import sys
sys.path[:] = [path for path in sys.path if "NAME" not in path]
try:
    recv.recv()
except ImportError as error:
    assert isinstance(error.__cause__, ModuleNotFoundError), error.__cause__
    print(error)
else:
    raise AssertionError
'''.replace("NAME", make.__code__.co_names[0]))
wait_until(lambda: is_free(item))
other.close()
""")
    kind = {"c_image": "Image", "cpp_vector": "Vector", "rust_type": "Signal"}[example.name]
    assert f"cannot import {example.name}.{kind}" in out
    assert "interpreter 0" in out
    assert "interpreter 1" in out


def test_thousands_of_shares_leave_nothing_behind(run):
    run("""
item = make()
send, recv = interlane.create_channel()
for _ in range(3000):
    send.send(item)
    recv.recv()
interlane.wait_released(timeout=50)
references = sys.getrefcount(item)
for _ in range(3000):
    send.send([item])
    recv.recv()
interlane.wait_released(timeout=50)
assert is_free(item) and sys.getrefcount(item) == references
assert interlane.stats().live == 0
""")


def test_borrowers_see_the_owners_memory_and_write_when_they_may(extension, run_child):
    run_child(
        COMMON.replace("SOURCE", "import c_image")
        + """
image = c_image.Image(8, 8)
send, recv = interlane.create_channel()
other = create(recv=recv)
with interlane.share(image, writable=True) as share:
    other.prepare_main(share=share)
    other.exec("mine = share.get(); mine.set(1, 2, 3, 40); share.close()")
    assert image.get(1, 2, 3) == 40
    image.set(1, 2, 3, 50)
    other.exec("assert mine.get(1, 2, 3) == 50; del mine")
wait_until(lambda: image.shares == 0)
send.send(image)
other.exec('''
mine = recv.recv()
try:
    mine.set(1, 2, 3, 60)
except TypeError:
    pass
else:
    raise AssertionError
assert memoryview(mine).readonly
del mine
''')
other.close()
""",
        env={"PYTHONPATH": str(extension("c_image"))},
    )


def test_writable_needs_a_writable_area(extension, run_child):
    run_child(
        COMMON.replace("SOURCE", "import cpp_vector")
        + """
vector = cpp_vector.Vector([1, 2])
try:
    interlane.share(vector, writable=True)
except BufferError as error:
    assert "no area of cpp_vector.Vector is writable" in str(error), error
else:
    raise AssertionError
vector.append(3)
""",
        env={"PYTHONPATH": str(extension("cpp_vector"))},
    )


def test_interpreters_that_send_and_drop_at_once_lose_nothing(run):
    run(
        """
import threading
ROUNDS = 300
send, recv = interlane.create_channel(16)
send_on, recv_on = interlane.create_channel(16)
work = '''
def push():
    item = make()
    for n in range(ROUNDS):
        send.send(item if n % 2 else {"n": n, "item": make()})
def pass_on():
    for _ in range(ROUNDS):
        send_on.send(recv.recv())
def take():
    for _ in range(ROUNDS):
        item = recv_on.recv()
        check(item["item"] if isinstance(item, dict) else item)
'''.replace("ROUNDS", str(ROUNDS))
ends = dict(send=send, recv=recv, send_on=send_on, recv_on=recv_on)
threads = []
for role in ("push", "pass_on", "take") * 2:
    interp = create(**ends)
    interp.exec(source)
    interp.exec(work)
    threads.append((threading.Thread(target=interp.exec, args=(f"{role}()",)), interp))
for thread, _ in threads:
    thread.start()
for thread, interp in threads:
    thread.join(90)
    assert not thread.is_alive()
for _, interp in threads:
    interp.close()
stats = interlane.stats()
assert stats.live == stats.orphaned == stats.pending == 0, stats
""",
        timeout=100,
    )


@pytest.mark.parametrize("how", ["", "sys.exit(0)", "import os; os._exit(0)"])
def test_the_process_ends_quietly_with_shares_out(run, how):
    out = run(f"""
send, recv = interlane.create_channel()
send_back, recv_back = interlane.create_channel()
other = create(recv=recv, send_back=send_back)
other.exec(source)
item = make()
send.send(item)
other.exec("held = recv.recv(); send_back.send(make()); send_back.send([held])")
mine = recv_back.recv()
kept = interlane.share(item)
other.close()
print("done", flush=True)
{how}
""")
    assert out == "done\n"
    assert out.stderr == ""
