"""Whatever is sent arrives equal, of the promised type, and leaves nothing pinned: by kind of thing."""

import array
import builtins
import copy
import ctypes
import datetime as dt
import decimal
import enum
import fractions
import gc
import mmap
import pathlib
import struct
import time
import uuid
from collections import namedtuple
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import interlane
import pytest
from interlane import SharedBuffer, SharedBytes, SharedStr

hypothesis = pytest.importorskip("hypothesis", reason="hypothesis cannot be had for this Python")
from hypothesis import given, settings, strategies as st  # noqa: E402

PROFILE = settings(max_examples=50)
THRESHOLD = interlane.get_share_threshold()
# Short, just below and above the threshold, and far above: by repeating.
TIMES = st.sampled_from([1, 7, 1000, 5000])
ANY_TEXT = st.text(alphabet=st.characters(codec=None, categories=None), max_size=20)


@pytest.fixture(autouse=True)
def nothing_is_left() -> Any:
    interlane.collect()
    before = interlane.stats().live
    yield
    end = time.monotonic() + 30
    gc.collect()
    interlane.collect()
    while interlane.stats().live > before and time.monotonic() < end:
        time.sleep(0.001)
        interlane.collect()
    assert interlane.stats().live <= before, interlane.shares()


def arrive(item: Any) -> Any:
    send, recv = interlane.create_channel()
    with send, recv:
        send.send(item)
        return recv.recv()


def check(item: Any, kind: type | None = None) -> Any:
    """Sends it alone and in a container."""
    alone = arrive(item)
    assert type(alone) is (kind or type(item))
    inside, again = arrive({"deep": [(item, item)]})["deep"][0]
    assert type(inside) is type(alone)
    # Nobody can tell equal values without identity apart.
    assert inside is again or type(item) in (bool, int, float, str, bytes, complex)
    return alone


class Colour(enum.Enum):
    RED = 1
    GREEN = "g"


class Access(enum.IntFlag):
    READ = 1
    WRITE = 2
    RUN = 4


class Point(NamedTuple):
    x: Any
    y: Any


Old = namedtuple("Old", "a b")  # noqa: PYI024  # people have them


@dataclass
class Node:
    value: Any
    children: list[Any] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Frozen:
    value: Any


SINGLES = st.one_of(
    st.none(),
    st.booleans(),
    st.just(...),
    st.just(NotImplemented),
    st.integers(),
    st.integers(min_value=-(2**70), max_value=2**70),
    st.floats(),
    st.complex_numbers(),
)


@PROFILE
@given(SINGLES)
def test_single_values(value: Any) -> None:
    # By their text: NaN is not equal to itself, and -0.0 is equal to 0.0.
    assert repr(check(value)) == repr(value)


@PROFILE
@given(ANY_TEXT, TIMES)
def test_text_and_what_it_becomes_from_the_threshold_on(seed: str, times: int) -> None:
    text = seed * times
    # CPython has single characters of Latin-1 once, and they are never copied.
    size = len(text) * (1 if max(text, default="") < "\x80" else 4)
    got = check(text, type(arrive(text)))
    assert got == text
    assert hash(got) == hash(text)
    assert isinstance(got, str)
    if size < THRESHOLD:
        assert type(got) is str
    if len(text) >= THRESHOLD:
        assert type(got) is SharedStr


@PROFILE
@given(st.binary(max_size=20), TIMES)
def test_bytes(seed: bytes, times: int) -> None:
    data = seed * times
    assert check(data) == data


@PROFILE
@given(st.binary(max_size=20), TIMES)
def test_shared_types(seed: bytes, times: int) -> None:
    data = seed * times
    assert check(SharedBytes(data)) == data
    assert check(SharedStr(data.decode("latin-1"))) == data.decode("latin-1")
    assert check(SharedBuffer.copy_of(data)) == data
    if data:
        part = check(SharedBuffer.copy_of(data)[::-2])
        assert part.tobytes() == data[::-2]


@PROFILE
@given(
    st.sampled_from("bBhHiIlLqQfd"),
    st.lists(st.integers(min_value=0, max_value=100), min_size=1, max_size=40),
    st.integers(min_value=0, max_value=2),
    st.sampled_from([1, 2, -1, -3]),
)
def test_buffers_arrive_as_views_of_the_same_memory(
    code: str, values: list[int], start: int, step: int
) -> None:
    source = array.array(code, values)
    whole = check(source, memoryview)
    part = memoryview(source)[start::step]
    got = check(part, memoryview)
    for view, expected in ((whole, memoryview(source)), (got, part)):
        assert view.readonly
        assert (view.format, view.shape, view.strides) == (
            expected.format,
            expected.shape,
            expected.strides,
        )
        assert view.tolist() == expected.tolist()
    source[0] = 101
    assert whole[0] == 101, "the same memory"


@PROFILE
@given(st.binary(min_size=1, max_size=200))
def test_bytearray_mmap_and_ctypes_arrays(data: bytes) -> None:
    with mmap.mmap(-1, len(data)) as mapped:
        mapped[:] = data
        for source in (bytearray(data), mapped, (ctypes.c_ubyte * len(data)).from_buffer_copy(data)):
            got = check(source, memoryview)
            assert bytes(got) == data
            assert got.readonly
            del got, source
            interlane.collect()


KEYS = st.one_of(st.integers(), st.text(max_size=5), st.binary(max_size=5), st.none(), st.booleans())
DEEP = st.recursive(
    st.one_of(KEYS, st.floats(allow_nan=False)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(KEYS, inner, max_size=4),
        st.sets(KEYS, max_size=4),
        st.frozensets(KEYS, max_size=4),
        st.builds(Point, inner, inner),
        st.builds(Old, inner, inner),
        st.builds(Node, inner, st.lists(inner, max_size=2)),
        st.builds(Frozen, inner),
    ),
    max_leaves=20,
)


def alike(one: Any, other: Any) -> bool:
    """Equal, and of equal types all the way down."""
    if type(one) is not type(other) or one != other:
        return False
    if isinstance(one, dict):
        return all(map(alike, one.values(), other.values())) and list(map(repr, one)) == list(
            map(repr, other)
        )
    if isinstance(one, list | tuple):
        return all(map(alike, one, other))
    if isinstance(one, Node):
        return alike(one.value, other.value) and alike(one.children, other.children)
    return alike(one.value, other.value) if isinstance(one, Frozen) else True


@PROFILE
@given(DEEP)
def test_containers_named_tuples_and_data_classes(value: Any) -> None:
    before = copy.deepcopy(value)
    assert alike(arrive(value), value)
    assert alike(arrive([value, {"k": value}])[1]["k"], value)
    assert alike(before, value), "what is sent stays as it is"


@PROFILE
@given(st.lists(st.integers(min_value=0, max_value=9), max_size=12))
def test_cycles_and_what_is_met_twice(links: list[int]) -> None:
    nodes = [Node(place, [None]) for place in range(10)]
    for place, link in enumerate(links):
        nodes[place % 10].children.append(nodes[link])
    got = arrive(nodes)
    for node, arrived in zip(nodes, got, strict=True):
        assert arrived.value == node.value
        places = [child.value for child in arrived.children[1:]]
        assert places == [child.value for child in node.children[1:]]
        assert all(child is got[child.value] for child in arrived.children[1:])
    for node in (*nodes, *got):
        node.children.clear()


SPAN = st.integers(min_value=-(2**40), max_value=2**40)
PLAIN = st.one_of(
    st.dates(),
    st.times(),
    st.datetimes(),
    st.datetimes(timezones=st.just(dt.UTC)),
    st.timedeltas(),
    st.builds(dt.timezone, st.timedeltas(dt.timedelta(hours=-23), dt.timedelta(hours=23))),
    st.decimals(allow_nan=False),
    st.fractions(),
    st.uuids(),
    st.builds(pathlib.PurePosixPath, st.text(alphabet="abc/.", max_size=8)),
    st.builds(pathlib.Path, st.text(alphabet="abc/.", max_size=8)),
    st.builds(slice, st.none() | SPAN, st.none() | SPAN, st.none() | SPAN),
    st.builds(range, SPAN, SPAN, SPAN.filter(bool)),
    st.builds(bytes.fromhex, st.just("00ff")),
)


@PROFILE
@given(PLAIN)
def test_values_of_the_standard_library(value: Any) -> None:
    got = check(value)
    assert got == value
    assert repr(got) == repr(value)


def test_these_are_all_of_them() -> None:
    kinds = (decimal.Decimal, fractions.Fraction, uuid.UUID, pathlib.Path, dt.datetime)
    for value in map(
        arrive,
        (decimal.Decimal("NaN"), fractions.Fraction(1, 3), uuid.uuid4(), pathlib.Path(), dt.datetime.now()),  # noqa: DTZ005
    ):
        assert isinstance(value, kinds)


@PROFILE
@given(st.sampled_from(Colour), st.lists(st.sampled_from(Access)).map(lambda parts: Access(sum(set(parts)))))
def test_members_of_enumerations_arrive_as_the_members(colour: Colour, access: Access) -> None:
    assert arrive([colour])[0] is colour
    assert arrive(access) is access


CLASSES = [ValueError, KeyError, OSError, ZeroDivisionError, StopIteration, ExceptionGroup]


@PROFILE
@given(
    st.sampled_from(CLASSES), st.text(max_size=20), st.lists(st.text(max_size=10), max_size=3), st.booleans()
)
def test_exceptions_with_their_chain_and_notes(
    kind: type[Exception], text: str, notes: list[str], from_another: bool
) -> None:
    arguments: tuple[Any, ...] = (text, [ValueError(1)]) if kind is ExceptionGroup else (text,)
    error = kind(*arguments)
    for note in notes:
        error.add_note(note)
    try:
        try:
            raise IndexError("first")
        except IndexError as first:
            raise error from (first if from_another else None)
    except Exception as caught:
        got = arrive([caught])[0]
    assert type(got) is kind
    assert str(got) == str(error)
    assert [note for note in getattr(got, "__notes__", []) if note in notes] == notes
    assert got.__suppress_context__ == error.__suppress_context__
    assert (type(got.__cause__) is IndexError) == from_another
    assert type(got.__context__) is IndexError
    error.__traceback__ = error.__context__ = error.__cause__ = None


def double(number: int) -> int:
    """Found by its name."""
    return 2 * number


@PROFILE
@given(st.sampled_from([len, struct.pack, double, Point, Colour, dict, Exception]))
def test_functions_and_classes_are_found_by_name(thing: Any) -> None:
    assert check(thing, type(thing)) is thing


@PROFILE
@given(st.integers())
def test_functions_without_a_name_go_by_their_code(number: int) -> None:
    code = compile(f"def function(x=1):\n    return x + {number}", "<made up>", "exec")
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(code, names)
    function = names.pop("function")
    if not interlane.is_shareable(function):
        pytest.skip("by import only")
    assert arrive(function)(3) == 3 + number


def test_ends_locks_shares_and_proxies_arrive_as_the_same_thing() -> None:
    send, recv = interlane.create_channel()
    kinds = (interlane.Lock, interlane.RLock, interlane.Event, interlane.Semaphore, interlane.AtomicInt)
    for thing in (send, recv, *(kind() for kind in kinds)):
        got = check(thing)
        assert got.id == thing.id
        if hasattr(got, "close"):
            got.close()
    with interlane.share([1, 2]) as share:
        got = check(share)
        assert (got.id, got.get()) == (share.id, [1, 2])
        got.close()
    proxy = interlane.proxy([1, 2])
    got = arrive(proxy)
    assert type(got) is type(proxy)
    proxy.append(3)
    assert len(got) == 3
    send.close()
    recv.close()


class Sharing:
    """Says itself how it arrives."""

    def __init__(self, *parts: Any) -> None:
        self.parts = parts

    def __share__(self) -> Any:
        return type(self), self.parts

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and alike(list(self.parts), list(other.parts))

    __hash__ = None  # type: ignore[assignment]


class Inheriting(Sharing):
    """Arrives as itself, by its base's way."""


class Foreign:
    """Knows nothing of it."""

    def __init__(self, part: Any) -> None:
        self.part = part


class Derived(Foreign):
    """Of a registered class."""


@PROFILE
@given(st.sampled_from([Sharing, Inheriting]), st.lists(DEEP, max_size=3))
def test_types_that_say_how_they_are_shared(kind: type[Sharing], parts: list[Any]) -> None:
    thing = kind(*parts)
    assert check(thing) == thing


@PROFILE
@given(st.sampled_from([Foreign, Derived]), DEEP)
def test_types_in_the_registry(kind: type[Foreign], part: Any) -> None:
    interlane.register(Foreign, lambda thing: (type(thing), (thing.part,)))
    try:
        assert alike(check(kind(part)).part, part)
    finally:
        interlane.unregister(Foreign)


@pytest.mark.skipif(not hasattr(builtins, "frozendict"), reason="3.15 has it")
@PROFILE
@given(st.dictionaries(KEYS, DEEP, max_size=4))
def test_frozen_dictionaries(plain: dict[Any, Any]) -> None:
    value = builtins.frozendict(plain)  # type: ignore[attr-defined]
    got = check(value)
    assert alike(dict(got), plain)


@PROFILE
@given(DEEP)
def test_shares_and_proxies_give_what_was_put_in(value: Any) -> None:
    with interlane.share(value) as share, check(share) as got:
        assert alike(got.get(), value)
    proxy = interlane.proxy([value])
    assert alike(check(proxy)[0], value)
