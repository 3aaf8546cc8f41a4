"""The package as a whole: what is installed, and what its public names say of themselves."""

import inspect
import pydoc
import types
from collections.abc import Callable, Iterator
from importlib import resources
from typing import Any

import interlane
import pytest


def callables() -> Iterator[tuple[str, Any]]:
    """What can be called of the public names, methods included, exceptions aside."""
    for name in interlane.__all__:
        value = getattr(interlane, name)
        if isinstance(value, type) and issubclass(value, BaseException):
            continue
        if callable(value):
            yield name, value
        if isinstance(value, type):
            for member in vars(value):
                # Slots of records say what they are in the class's own docstring.
                if not member.startswith("_") and callable(getattr(value, member)):
                    yield f"{name}.{member}", getattr(value, member)


def test_type_checkers_are_told_of_the_annotations() -> None:
    assert resources.files("interlane").joinpath("py.typed").is_file()
    assert resources.files("interlane").joinpath("_core.pyi").is_file()


def test_whatever_is_public_is_there_and_has_a_docstring() -> None:
    assert set(interlane.__all__) <= set(dir(interlane))
    assert len(set(interlane.__all__)) == len(interlane.__all__)
    foreign = {"BrokenBarrierError"}  # the standard library's
    for name in interlane.__all__:
        assert name in foreign or getattr(interlane, name).__doc__, name
    for name, value in callables():
        assert value.__doc__, name


def test_whatever_can_be_called_has_a_signature() -> None:
    for name, value in callables():
        assert inspect.signature(value), name


def test_help_can_be_shown() -> None:
    assert "create_channel" in pydoc.render_doc(interlane)
    for name in interlane.__all__:
        assert pydoc.render_doc(getattr(interlane, name))


def rebuild() -> None:
    """Could be called by borrowers."""


class Thing:
    """Is shared by nothing but registration."""


def registered() -> None:
    interlane.register(cls=Thing, share_function=lambda _: (rebuild, ()))
    interlane.unregister(cls=Thing)


@pytest.mark.parametrize(
    "call",
    [
        lambda: interlane.share(obj=[1]).close(),
        lambda: interlane.freeze(obj=[1]),
        lambda: interlane.is_shareable(obj=1),
        lambda: interlane.explain(obj=1),
        lambda: interlane.proxy(obj=[]),
        lambda: interlane.move(buf=interlane.SharedBuffer(shape=1, format="B")),
        lambda: interlane.set_share_threshold(nbytes=interlane.get_share_threshold()),
        lambda: interlane.SharedBytes(data=b"x"),
        lambda: interlane.SharedBytes(data="x", encoding="utf-8"),
        lambda: interlane.SharedBytes.map_file(path=__file__, offset=0, length=1),
        lambda: interlane.SharedStr(text="x"),
        lambda: interlane.SharedBuffer.copy_of(obj=b"x"),
        lambda: interlane.SharedBuffer.from_buffer(obj=b"x"),
        registered,
    ],
)
def test_arguments_can_be_given_by_name(call: Callable[[], object]) -> None:
    call()


def test_items_can_be_given_by_name() -> None:
    send, recv = interlane.create_channel(capacity=None)
    with send, recv:
        send.send(obj=1, timeout=60)
        send.send_nowait(obj=2)
        send.send_many(iterable=[3], timeout=60)
        send.send_buffer(obj=b"4", timeout=60)
        send.send_buffer_nowait(obj=b"5")
        with pytest.raises(StopIteration):  # there was room
            send.asend(obj=6).send(None)
        assert recv.recv_many(max_items=9, timeout=60) == [1, 2, 3, b"4", b"5", 6]
        assert recv.recv_nowait(default=7) == 7
        interlane.SendChannel.from_id(id=send.id).close()
        interlane.RecvChannel.from_id(id=recv.id).close()


@pytest.mark.parametrize("function", [interlane.stats, interlane.collect, interlane.get_share_threshold])
def test_arguments_that_nobody_asked_for_are_refused(function: types.FunctionType) -> None:
    with pytest.raises(TypeError, match="at most 0"):
        function(1)
    with pytest.raises(TypeError, match="unexpected keyword"):
        function(owner=1)
