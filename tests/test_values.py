"""Values of the standard library's classes, data classes, functions and classes: rebuilt, and equal."""

import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import ipaddress
import math
import operator
import os.path
import pathlib
import sys
import traceback
import uuid
import zoneinfo
from collections import namedtuple
from typing import Any, NamedTuple

import interlane
import pytest


def exchange(item: Any, **options: Any) -> Any:
    send, recv = interlane.create_channel(**options)
    with send, recv:
        send.send(item, timeout=60)
        return recv.recv(timeout=60)


class Colour(enum.Enum):
    RED = 1
    BLUE = "b"


class Access(enum.Flag):
    READ = enum.auto()
    WRITE = enum.auto()


class Level(enum.IntEnum):
    LOW = 1


class Point(NamedTuple):
    x: int
    y: Any = 0


Old = namedtuple("Old", "a b")  # noqa: PYI024  # people have them


@dataclasses.dataclass
class Plain:
    name: str
    data: Any = None
    tags: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    key: int
    inner: Any


class Outer:
    @dataclasses.dataclass
    class Inner:
        n: int


UTC = dt.UTC
VALUES = [
    dt.date(2026, 11, 23),
    dt.time(1, 2, 3, 4),
    dt.datetime(2026, 11, 23, 12, 30, fold=1, tzinfo=UTC),
    dt.timedelta(days=-1, microseconds=5),
    dt.timezone(dt.timedelta(hours=2), "here"),
    decimal.Decimal("-1.50"),
    decimal.Decimal("Infinity"),
    fractions.Fraction(-1, 3),
    uuid.UUID(int=5),
    pathlib.Path("a/b.txt"),
    pathlib.PurePosixPath("/x"),
    pathlib.PureWindowsPath("c:/y"),
    ipaddress.ip_address("127.0.0.1"),
    Colour.RED,
    Colour.BLUE,
    Access.READ | Access.WRITE,
    Level.LOW,
    Point(1, [2, 3]),
    Old("x", None),
    Plain("p", b"data", ["t"]),
    Frozen(1, Point(2)),
    Outer.Inner(3),
    range(1, 10, 3),
    slice(1, None, -1),
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_values_arrive_equal_and_of_the_same_class(value):
    got = exchange(value)
    assert type(got) is type(value)
    assert got == value
    nested = exchange({"deep": [(value, value)]})["deep"][0]
    assert nested == (value, value)
    assert nested[0] is nested[1]


def test_members_arrive_as_the_members():
    assert exchange(Colour.RED) is Colour.RED
    assert exchange([Level.LOW])[0] is Level.LOW


@pytest.mark.parametrize(
    "thing",
    [len, os.path.join, math.sqrt, operator.add, int, Plain, Outer.Inner, exchange],
    ids=lambda thing: thing.__qualname__,
)
def test_functions_and_classes_arrive_by_import(thing):
    assert exchange(thing) is thing


def test_what_has_neither_a_name_nor_only_code_is_refused():
    def closed() -> object:
        return closed

    for thing in (closed, type("Gone", (), {}), dataclasses.make_dataclass("Lost", [])()):
        with pytest.raises(interlane.NotShareableError, match=r"^item\[0\]: "):
            exchange([thing])


def test_memory_inside_of_a_data_class_is_not_copied():
    data = bytearray(b"x" * 100_000)
    got = exchange(Plain("p", data))
    assert isinstance(got.data, memoryview)
    data[0] = ord("y")
    assert got.data[0] == ord("y")
    del got


def test_a_data_class_is_built_without_its_init():
    @dataclasses.dataclass
    class Loud:
        n: int

        def __post_init__(self) -> None:
            raise AssertionError("called")

    loud = object.__new__(Loud)
    loud.n = 5
    globals()["Loud"] = Loud
    Loud.__qualname__ = "Loud"
    try:
        assert exchange(loud).n == 5
    finally:
        del globals()["Loud"]


def there_and_back(values: list[Any]) -> list[Any]:
    """Through another interpreter, which makes its own objects of them."""
    there, recv = interlane.create_channel()
    back, got = interlane.create_channel()
    interp = interlane.interpreters.create()
    with there, recv, back, got:
        interp.prepare_main(recv=recv, back=back)
        there.send(values)
        interp.exec("back.send(recv.recv(60))")
        arrived: list[Any] = got.recv(timeout=60)
    interp.close()
    assert arrived == values
    assert [type(value) for value in arrived] == [type(value) for value in values]
    return arrived


def test_what_another_interpreter_makes_of_dates_and_times_comes_back() -> None:
    """On 3.12, `_datetime` does not load there, and the classes are those of `_pydatetime`."""
    there_and_back(
        [
            dt.datetime(2026, 1, 2, 3, 4, 5, 6),  # noqa: DTZ001  # zones are below
            dt.date(2026, 1, 2),
            dt.time(1, 2, 3, 4),
            dt.timedelta(-3, 4, 5),
            dt.datetime,
        ]
    )


@pytest.mark.skipif(sys.version_info < (3, 13), reason="zoneinfo does not load in isolated interpreters")
def test_time_zones_come_back() -> None:
    try:
        zone = zoneinfo.ZoneInfo("Europe/Berlin")
    except zoneinfo.ZoneInfoNotFoundError:
        pytest.skip("this machine has no time zones")
    offset = dt.timezone(dt.timedelta(hours=2), "X")
    time, *_ = there_and_back([dt.datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=zone), zone, offset, dt.UTC])
    assert time.tzinfo is zone  # there is one of a name
    assert time.fold == 1


class Base:
    @classmethod
    def make(cls) -> Any:
        return cls()

    def __share__(self) -> Any:
        return self.make, ()


class Derived(Base):
    pass


def test_a_class_method_rebuilds_what_it_is_bound_to() -> None:
    assert type(exchange(Derived())) is Derived
    assert type(exchange(Base())) is Base
    assert exchange(int.from_bytes)(b"\1") == 1
    assert exchange(dt.datetime.fromtimestamp) == dt.datetime.fromtimestamp


@pytest.mark.parametrize(
    ("error", "names"),
    [
        (FileNotFoundError(2, "not found", "/a"), ("errno", "strerror", "filename")),
        (OSError(18, "cross", "/a", None, "/b"), ("filename", "filename2")),
        (ImportError("no", name="module", path="/p"), ("name", "path", "msg")),
        (AttributeError("no", name="x", obj=None), ("name",)),
        (SyntaxError("bad", ("file", 1, 2, "text", 1, 3)), ("filename", "lineno", "offset", "text")),
        (UnicodeDecodeError("utf-8", b"x", 0, 1, "why"), ("object", "start", "reason")),
        (StopIteration(3), ("value",)),
        (SystemExit(4), ("code",)),
    ],
)
def test_exceptions_keep_what_is_not_in_their_args(error: BaseException, names: tuple[str, ...]) -> None:
    got = exchange(error)
    assert type(got) is type(error)
    assert str(got) == str(error)
    assert got.args == error.args
    for name in names:
        assert getattr(got, name) == getattr(error, name)


def caught(function: Any) -> BaseException:
    try:
        function()
    except BaseException as error:
        return error
    raise AssertionError


def test_the_traceback_of_an_exception_tells_of_all_that_it_is_chained_to() -> None:
    def with_cause() -> None:
        try:
            raise KeyError("first")
        except KeyError as error:
            raise ValueError("second") from error

    def with_context() -> None:
        try:
            raise KeyError("first")
        except KeyError:
            raise ValueError("second")  # noqa: B904  # that is the point

    for function in (with_cause, with_context):
        got = exchange(caught(function))
        shown = "".join(traceback.format_exception(got))
        assert 'raise KeyError("first")' in shown
        assert 'raise ValueError("second")' in shown
        assert type(got.__context__) is KeyError
        again = "".join(traceback.format_exception(exchange(got)))
        assert again == shown  # it has only passed through
    assert type(exchange(caught(with_cause)).__cause__) is KeyError
