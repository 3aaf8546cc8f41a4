"""Interpreters with one GIL: the legacy configuration, which only CPython's private modules can ask for."""

import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from typing import Any

import interlane
import pytest
from interlane import interpreters

if sys.version_info >= (3, 13):
    import _interpreters
else:
    import _xxsubinterpreters as _interpreters

pytestmark = pytest.mark.skipif(bool(sysconfig.get_config_var("Py_GIL_DISABLED")), reason="there is no GIL")


@pytest.fixture
def run() -> Iterator[Callable[..., None]]:
    """Runs code in an interpreter that has the main one's GIL."""
    legacy = (
        _interpreters.create("legacy")
        if sys.version_info >= (3, 13)
        else _interpreters.create(isolated=False)
    )

    def run(code: str, **names: Any) -> None:
        send, recv = interlane.create_channel()
        with send, recv:
            send.send(names)
            failed = _interpreters.run_string(
                legacy,
                f"import interlane\nwith interlane.RecvChannel.from_id({recv.id}) as _recv:\n"
                f"    globals().update(_recv.recv())\n{code}",
            )
        assert failed is None, failed

    yield run
    _interpreters.destroy(legacy)


def until(released: Callable[[], bool]) -> None:
    """Waits for a release in this interpreter."""
    end = time.monotonic() + 30
    while not released():
        assert time.monotonic() < end, "nothing was released"
        interlane.collect()
        time.sleep(0.001)


IMMUTABLE = ["x" * 100_000, "ж" * 10, b"y" * 100_000, b"short", 10**50, -(2**40), 1.5, 2j]


@pytest.mark.parametrize("item", IMMUTABLE, ids=lambda item: f"{type(item).__name__}-{len(repr(item))}")
def test_an_immutable_built_in_arrives_as_the_same_object_and_comes_back_as_that(run, item):
    run("import interlane")
    send, recv = interlane.create_channel()
    with send, recv:
        run(
            "assert id(item) == address, type(item)\n"
            f"with interlane.SendChannel.from_id({send.id}) as send: send.send([item, item])",
            item=item,
            address=id(item),
        )
        first, second = recv.recv()
    assert first is item
    assert second is item


def test_what_is_not_an_immutable_built_in_is_shared_as_ever(run):
    data = bytearray(b"abc")
    run(
        "assert type(data) is memoryview and bytes(data) == b'abc' and items == [1, 'two']",
        data=data,
        items=[1, "two"],
    )


def test_others_get_their_own(run):
    run("import interlane")
    other = interpreters.create()
    send, recv = interlane.create_channel()
    with send, recv:
        other.prepare_main(recv=recv)
        text, number = "x" * 100_000, 10**50
        send.send([text, text, number])
        other.exec("""
text, again, number = recv.recv()
assert text is again and len(text) == 100_000 and number == 10**50
recv.close()
""")
    other.close()


def test_nothing_stays_behind(run):
    run("import interlane")
    text = "z" * 100_000
    before = sys.getrefcount(text)
    for _ in range(10):
        run("assert len(text) == 100_000; del text", text=text)
    until(lambda: sys.getrefcount(text) == before)


def test_memory_is_back_with_its_owner_as_soon_as_the_last_borrower_has_let_go(run):
    run("import interlane")
    data, items, view = bytearray(b"abc"), [bytearray(b"x"), bytearray(b"y")], bytearray(b"z")
    run("del data, items, view", data=data, items=items, view=memoryview(view)[:1])
    # A release that is still to come keeps a bytearray from changing its size.
    data.append(1)
    items[0].append(1)
    items[1].append(1)
    view.append(1)


def test_a_share_of_an_object_that_goes_on_to_exist_is_given_back_at_once(run):
    run("import interlane")
    data = [bytearray(b"abc"), "text"]
    share = interlane.share(data)
    run("value = share.get(); share.close()", share=share)
    share.close()
    before = sys.getrefcount(data)
    run("assert bytes(value[0]) == b'abc'; del value, share")
    assert sys.getrefcount(data) == before - 1
    data[0].append(1)


def test_what_would_run_the_owners_code_waits_for_the_owner(run):
    run("import interlane")
    told = []
    data = bytearray(b"abc")
    share = interlane.share(data, on_release=lambda obj: told.append(interpreters.get_current().id))
    run("value = share.get(); share.close()", share=share)
    share.close()
    run("del value, share")
    until(lambda: bool(told))
    assert told == [0]


def test_the_last_reference_to_an_exporter_with_a_destructor_goes_in_its_owner(run):
    run("import interlane")
    ended = []

    class Exporter(bytearray):
        def __del__(self):
            ended.append(interpreters.get_current().id)

    data = Exporter(b"abc")
    run("assert bytes(data) == b'abc'", data=data)
    del data
    run("del data")
    until(lambda: bool(ended))
    assert ended == [0]


def test_an_owner_that_has_ended_is_not_touched(run):
    other = (
        _interpreters.create("legacy")
        if sys.version_info >= (3, 13)
        else _interpreters.create(isolated=False)
    )
    send, recv = interlane.create_channel()
    with send, recv:
        failed = _interpreters.run_string(
            other,
            "import interlane\n"
            f"interlane.SendChannel.from_id({send.id}).send([bytearray(b'def'), 10**50, bytearray(b'ghi')])",
        )
        assert failed is None, failed
        view, number, rest = recv.recv()
        _interpreters.destroy(other)
        run("assert bytes(rest) == b'ghi'; del rest", rest=rest)
    assert bytes(view) == b"def"
    assert number == 10**50
    del view, rest
