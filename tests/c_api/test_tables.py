"""Which table is used, and what is wrong with the others."""

import sys
from collections.abc import Callable
from typing import Any

import pytest

COMMON = """
import gc, sys, time
import interlane
from interlane import interpreters
import c_image, hostile

def exchange(item):
    send, recv = interlane.create_channel()
    with send, recv:
        send.send(item)
        return recv.recv()

def refusal(function, *args, error=interlane.NotShareableError):
    try:
        function(*args)
    except error as error:
        return str(error)
    raise AssertionError("nothing was raised")
"""


@pytest.fixture
def run(extension: Any, run_child: Any) -> Callable[..., Any]:
    path = f"{extension('hostile')}:{extension('c_image')}"

    def run(code: str, *args: str, **options: Any) -> Any:
        return run_child(COMMON + code, *args, env={"PYTHONPATH": path}, **options)

    return run


# --- which one


def test_a_python_subclass_arrives_as_what_its_base_says(run):
    run("""
class Picture(c_image.Image):
    def __init__(self, *size): self.title = "x"
assert type(exchange(Picture(4, 4))) is c_image.Image
""")


def test_a_subclass_that_knows_better_sets_the_attribute_to_none(run):
    run("""
class Picture(c_image.Image):
    __interlane_c_share__ = None
    def __share__(self): return (str, ("a picture",))
assert exchange(Picture(4, 4)) == "a picture"
class Plain(c_image.Image):
    __interlane_c_share__ = None
assert type(exchange(Plain(4, 4))) is memoryview  # as any other exporter of a buffer
""")


def test_the_table_goes_before_dunder_share_the_registry_and_the_buffer(run):
    run("""
class Picture(c_image.Image):
    def __share__(self): raise AssertionError
interlane.register(c_image.Image, lambda obj: 1 / 0)
assert type(exchange(Picture(4, 4))) is type(exchange(c_image.Image(4, 4))) is c_image.Image
send, recv = interlane.create_channel()
send.send_buffer(c_image.Image(4, 4))
assert type(recv.recv()) is memoryview
""")


def test_a_registered_type_needs_no_attribute(run):
    run("""
item = hostile.Immutable()
assert "can't be shared" in refusal(exchange, item)
hostile.register(hostile.Immutable)
assert type(exchange([item])[0]) is hostile.Immutable

# A borrower that has not registered it says so.
send, recv = interlane.create_channel()
other = interpreters.create()
other.prepare_main(recv=recv)
send.send(item)
send.send(item)
other.exec('''
try:
    recv.recv()
except SystemError as error:
    text = str(error)
    assert text == ("hostile.Immutable of interpreter 1 cannot rebuild what interpreter 0 shared: "
                    "it has no __interlane_c_share__"), text
else:
    raise AssertionError
import hostile
hostile.register(hostile.Immutable)
assert type(recv.recv()) is hostile.Immutable
''')
other.close()
interlane.wait_released(timeout=50)
assert hostile.counts() == (3, 3), hostile.counts()
""")


@pytest.mark.parametrize(
    ("what", "table", "message"),
    [
        ("hostile.Immutable", "too_old", "the table for <class 'hostile.Immutable'> is too old"),
        ("hostile.Immutable", "too_new", "the table for <class 'hostile.Immutable'> is too new"),
        ("hostile.Immutable", "no_rebuild", "has no rebuild"),
        ("hostile.Immutable", "null", "is NULL"),
        ("1", "nothing", "only a type can be registered"),
        ("None", "nothing", "only a type can be registered"),
    ],
)
def test_registering_nonsense_is_refused(run, what, table, message):
    out = run(f"print(refusal(hostile.register, {what}, '{table}', error=TypeError))")
    assert message in out


# --- what is wrong with it


REFUSED = {
    "too_old": "its table, __interlane_c_share__, is too old: it has version 0, this interlane knows 1",
    "too_new": "its table, __interlane_c_share__, is too new: it has version 2, this interlane knows 1",
    "too_small": "its table, __interlane_c_share__, has 8 bytes, not ",
    "too_large": "its table, __interlane_c_share__, has ",
    "no_name": "has no name",
    "bad_name": "has the name 'hostile.x', not 'package.module:Type'",
    "empty_name": "has the name 'hostile:', not 'package.module:Type'",
    "odd_name": "has the name 'hostile..x:y:z', not 'package.module:Type'",
    "flags": "has unknown flags: 0x6",
    "negative_areas": "says -1 areas; at most 4096 are possible",
    "endless_areas": "areas; at most 4096 are possible",
    "no_acquire": "has no acquire",
    "no_rebuild": "has no rebuild",
    "acquire_minus_one": "acquire returned -1 without an exception",
    "acquire_minus_seven": "acquire returned -7 without an exception",
    "too_many": "acquire returned 9 areas, the table says 1 at most",
    "very_many": "areas, the table says 1 at most",
    "negative_nbytes": "acquire gave area 0 -64 bytes",
    "null_data": "acquire gave area 0 64 bytes at NULL",
    "ndim_65": "acquire gave area 0 65 dimensions; at most 64 are possible",
    "ndim_negative": "acquire gave area 0 -1 dimensions",
    "wrong_shape": "acquire gave area 0 64 bytes, which the shape [3, 7] of items of 1 bytes does not fill",
    "negative_shape": "which the shape [-8, -8] of items of 1 bytes does not fill",
    "huge_shape": "of items of 1 bytes does not fill",
    "no_shape": "acquire gave area 0 no shape",
    "only_strides": "acquire gave area 0 no shape",
    "no_itemsize": "acquire gave area 0 items of 0 bytes in format 'd'",
    "small_items": "acquire gave area 0 items of 1 bytes in format 'd'",
    "odd_items": "which the shape [21] of items of 3 bytes does not fill",
    "bad_format": "acquire gave area 0 a format that is not printable ASCII",
    "empty_format": "acquire gave area 0 a format that is not printable ASCII",
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_table_that_breaks_the_rules_is_refused_by_the_sender(run, name):
    out = run(
        """
item = getattr(hostile, sys.argv[1])()
references = sys.getrefcount(item)
print(refusal(exchange, [1, {"k": item}]))
assert refusal(interlane.share, item).startswith(f"item: hostile.{sys.argv[1]} can't be shared: ")
assert not interlane.is_shareable(item) and interlane.explain(item)
assert sys.getrefcount(item) == references
acquired, released = hostile.counts()
assert acquired == released, (acquired, released)
assert interlane.stats().live == 0
""",
        name,
    )
    assert out.startswith(f"item[1]['k']: hostile.{name} can't be shared: ")
    assert REFUSED[name] in out


@pytest.mark.parametrize(("name", "text"), [("acquire_raises", "from"), ("acquire_raises_too", "beside an")])
def test_an_exception_of_acquire_comes_through_with_a_note(run, name, text):
    out = run(
        """
item = getattr(hostile, sys.argv[1])()
try:
    exchange([item])
except LookupError as error:
    print(error.args[0], error.__notes__)
else:
    raise AssertionError
acquired, released = hostile.counts()
assert acquired == released
""",
        name,
    )
    assert out.startswith(text)
    assert f"interlane was sharing item[0]: acquire of hostile.{name}" in out


BROKEN = {
    "rebuild_null": "SystemError: rebuild returned NULL without an exception",
    "rebuild_raises": "LookupError: from rebuild",
    "rebuild_other": "SystemError: rebuild returned str, which is another type",
    "rebuild_raises_too": "SystemError: rebuild returned an object with an exception set",
    "nowhere": "ImportError: interpreter 1 cannot import not_a_module.Type, which rebuilds what",
    "no_type": "SystemError: hostile.counts of interpreter 1 cannot rebuild what interpreter 0 shared: "
    "it is no type",
    "no_table": "SystemError: builtins.int of interpreter 1 cannot rebuild what interpreter 0 shared: "
    "it has no __interlane_c_share__",
    "other_table": "ImportError: interpreter 1 cannot import hostile.Thief",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_rebuild_that_breaks_the_rules_is_an_exception_of_the_receiver(run, name):
    out = run(
        """
item = getattr(hostile, sys.argv[1])()
send, recv = interlane.create_channel()
other = interpreters.create()
other.prepare_main(recv=recv)
send.send([item])
other.exec('''
try:
    recv.recv()
except Exception as error:
    print(f"{type(error).__name__}: {error}")
else:
    raise AssertionError
''')
deadline = time.monotonic() + 50
while hostile.counts() != (1, 1):
    assert time.monotonic() < deadline, hostile.counts()
    time.sleep(0.001)
other.close()
assert interlane.stats().live == 0
""",
        name,
    )
    assert out.startswith(BROKEN[name])


def test_an_exception_of_release_goes_to_the_unraisable_hook(run):
    run("""
seen = []
sys.unraisablehook = lambda event: seen.append((event.exc_type, event.object))
item = hostile.release_raises()
assert type(exchange(item)) is hostile.release_raises
interlane.wait_released(timeout=50)
assert seen == [(LookupError, item)], seen
with interlane.share(item): pass
assert len(seen) == 2
""")


@pytest.mark.parametrize("name", ["nothing", "no_areas", "no_release"])
def test_what_is_unusual_but_allowed_arrives(run, name):
    run(
        """
kind = getattr(hostile, sys.argv[1])
assert type(exchange([kind()])[0]) is kind
with interlane.share(kind()) as share:
    assert [area.nbytes for area in share.areas] == ([] if kind is hostile.no_areas else [share.nbytes])
    for area in share.areas:
        bytes(area)
area = None
interlane.wait_released(timeout=50)
assert kind is hostile.no_release or hostile.counts() == (2, 2), hostile.counts()
""",
        name,
    )


def test_what_rebuild_copies_is_the_borrowers_own_to_share(run):
    run("""
send, recv = interlane.create_channel()
send_on, recv_on = interlane.create_channel()
middle = interpreters.create()
middle.prepare_main(recv=recv, send_on=send_on)
send.send(hostile.good())
middle.exec("item = recv.recv(); send_on.send(item); del item")
item = recv_on.recv()
assert type(item) is hostile.good
(row,) = interlane.shares(middle.id)
assert row.holders == {0: 1}, row
del item
deadline = time.monotonic() + 50
while hostile.counts() != (2, 2):
    assert time.monotonic() < deadline, hostile.counts()
    time.sleep(0.001)
middle.close()
""")


def test_a_stolen_table_is_refused(run):
    run("""
import datetime
class Thief:
    __interlane_c_share__ = c_image.Image.__interlane_c_share__
text = refusal(exchange, Thief())
assert text.startswith("item: __main__.Thief can't be shared: its table, ")
assert text.endswith("is that of another type"), text
for other in (1, "x", datetime.datetime_CAPI):
    Thief.__interlane_c_share__ = other
    text = refusal(exchange, Thief())
    assert f"must be a capsule 'interlane.c_share', not {type(other).__name__}" in text, text
# In the borrower, too: there the type has to be the one that the name in the table leads to.
hostile.Thief = Thief
Thief.__interlane_c_share__ = hostile.other_table.__interlane_c_share__
text = refusal(exchange, hostile.other_table(), error=SystemError)
assert text.endswith("its table is that of another type"), text
""")


def test_pickle_as_fallback_takes_what_the_table_cannot(run):
    run("""
class Picklable(hostile.too_old):
    def __reduce__(self): return (str, ("pickled",))
send, recv = interlane.create_channel(fallback="pickle")
send.send([Picklable()])
assert recv.recv() == ["pickled"]
""")


@pytest.mark.skipif(
    not hasattr(sys, "gettotalrefcount"), reason="only a debug build of CPython counts references"
)
def test_no_failure_leaves_references_behind(run):
    out = run(
        """
sys.unraisablehook = lambda event: None
kinds = [kind for kind in vars(hostile).values() if isinstance(kind, type)] + [c_image.Image]

def one(kind, *size):
    item = kind(*size)
    for use in (exchange, interlane.share):
        try:
            use(item)
        except Exception:
            pass
    try:
        hostile.register(hostile.Immutable, kind.__name__)
    except TypeError:
        pass

def grown(kind, rounds):
    before = sys.gettotalrefcount()
    for _ in range(rounds):
        one(kind, *([4, 4] if kind is c_image.Image else []))
    interlane.collect()
    gc.collect()
    return sys.gettotalrefcount() - before

for kind in kinds:
    grown(kind, 20)
    growth = min(grown(kind, 100) for _ in range(3))
    assert growth < 50, (kind, growth)
print(len(kinds))
""",
        timeout=110,
    )
    assert int(out) > 30
