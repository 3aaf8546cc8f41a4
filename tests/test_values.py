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
import uuid
from collections import namedtuple
from typing import Any, NamedTuple

import interlane
import pytest


def exchange(item: Any, **options: Any) -> Any:
    send, recv = interlane.create_channel(**options)
    with send, recv:
        send.send(item, timeout=10)
        return recv.recv(timeout=10)


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
    "thing", [len, os.path.join, math.sqrt, operator.add, int, Plain, Outer.Inner, exchange], ids=repr
)
def test_functions_and_classes_arrive_by_import(thing):
    assert exchange(thing) is thing


def test_what_cannot_be_imported_is_refused():
    def local() -> None: ...

    for thing in (local, lambda: 1, type("Gone", (), {})):
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
