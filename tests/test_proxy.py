"""Proxies: objects that stay where they are, used from other interpreters."""

import io
import logging
import threading
import time
from collections.abc import Iterator
from typing import Any

import interlane
import pytest
from interlane import interpreters


@pytest.fixture
def other() -> Iterator[Any]:
    """Another interpreter."""
    interp = interpreters.create()
    interp.exec("import interlane")
    yield interp
    interp.close()


def of(interp: Any, expression: str) -> Any:
    """A proxy of what an expression gives in the interpreter."""
    send, recv = interlane.create_channel()
    with send, recv:
        interp.prepare_main(send=send)
        interp.exec(f"send.send(interlane.proxy({expression})); send.close(); del send")
        return recv.recv(timeout=60)


class Box:
    """Something that cannot be shared."""

    def __init__(self, value: Any = None) -> None:
        self.value = value

    def swap(self, value: Any, *, twice: bool = False) -> Any:
        self.value, value = value, self.value
        return [value, value] if twice else value

    def fail(self, error: Any) -> None:
        raise error


def test_attributes_and_calls_happen_in_the_owner(other):
    box = Box([1])
    other.prepare_main(box=interlane.proxy(box))
    other.exec("""
assert box.value == [1]
box.value = {"a": 2}
assert box.swap("x", twice=True) == [{"a": 2}] * 2
box.extra = 5
del box.extra
assert not hasattr(box, "extra")
assert "swap" in dir(box)
""")
    assert box.value == "x"


def test_operators_comparisons_and_conversions(other):
    three = of(other, "3")
    assert (three + 1, 1 + three, three - 1, 10 - three, three * 2, 7 // three) == (4, 4, 2, 7, 6, 2)
    assert (three**2, 2**three, -three, abs(three), ~three, divmod(three, 2), divmod(7, three)) == (
        9, 8, -3, 3, -4, (1, 1), (2, 1),
    )  # fmt: skip
    assert (three & 1, three | 4, three ^ 1, three << 1, three >> 1, three % 2) == (1, 7, 2, 6, 1, 1)
    assert three == 3
    assert three != 4
    assert three < 4
    assert three >= 3
    assert (int(three), float(three), complex(three), bool(three), [0, 1, 2, 9][three]) == (
        3,
        3.0,
        3,
        True,
        9,
    )
    assert f"{three:04d}" == "0003"
    assert str(three) == "3"
    assert hash(three) == hash(3)
    assert round(three) == 3


def test_operands_that_know_nothing_of_each_other_are_refused_and_differ(other):
    thing, box = of(other, "type('Thing', (), {})()"), Box()
    assert thing != box
    assert box != thing
    assert not thing == interlane.proxy(box)  # noqa: SIM201  # the operator is what is tested
    with pytest.raises(TypeError):
        thing + box
    with pytest.raises(TypeError):
        thing < interlane.proxy(box)  # noqa: B015  # as above


def test_two_proxies_are_added_and_compared(other):
    third = interpreters.create()
    third.exec("import interlane")
    two, three = of(other, "2"), of(third, "3")
    assert two + three == 5
    assert three - two == 1
    assert two < three
    assert two == of(third, "2")
    del three
    third.close()


def test_containers(other):
    items = of(other, "[1, 2, 3]")
    assert len(items) == 3
    assert 2 in items
    assert items[1:] == [2, 3]
    items[0] = "first"
    del items[1]
    assert list(items) == ["first", 3]
    assert list(reversed(items)) == [3, "first"]
    items += [4]
    assert isinstance(items, interlane.Proxy)
    assert list(items) == ["first", 3, 4]


def test_iteration_runs_in_the_owner_one_by_one(other):
    numbers = of(other, "iter(range(10**9))")
    assert [next(numbers) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(StopIteration):
        next(of(other, "iter(())"))


def test_with_and_a_proxied_file(tmp_path, other):
    path = tmp_path / "out.txt"
    with path.open("w") as file:
        other.prepare_main(file=interlane.proxy(file))
        other.exec("print('from elsewhere', file=file); file.flush()")
    assert path.read_text() == "from elsewhere\n"
    other.exec(f"opened = open({str(path)!r})")
    remote = of(other, "opened")
    with remote as inside:
        assert inside.read() == "from elsewhere\n"
    assert remote.closed


def test_a_proxied_callback_and_logger(other, caplog):
    calls = []
    other.prepare_main(
        callback=interlane.proxy(lambda *args, **kwargs: calls.append((args, kwargs))),
        log=interlane.proxy(logging.getLogger("elsewhere")),
    )
    with caplog.at_level(logging.INFO):
        other.exec("callback(1, key=[2]); log.info('hello %s', 'world')")
    assert calls == [((1,), {"key": [2]})]
    assert "hello world" in caplog.text


def test_what_cannot_be_shared_is_proxied_in_turn(other):
    box = Box()
    other.prepare_main(box=interlane.proxy(box))
    other.exec("""
import io
text = io.StringIO()
box.swap(text)          # an argument that lives here
inner = box.value       # comes back as what it is
assert inner is text
box.value.write("written here")
""")
    assert isinstance(box.value, interlane.Proxy)
    box.value.write(", and there")
    assert box.value.getvalue() == "written here, and there"


def test_calls_may_go_back_and_forth(other):
    def down(n: int, back: Any) -> int:
        return n if n == 0 else 1 + back(n - 1)

    other.prepare_main(down=interlane.proxy(down))
    other.exec("""
def back(n):
    return n if n == 0 else 1 + down(n - 1, back)
result = down(10, back)
assert result == 10, result
""")


def test_exceptions_come_back_with_their_traceback(other):
    box = of(other, "__import__('types').SimpleNamespace(fail=lambda: 1 / 0)")
    with pytest.raises(ZeroDivisionError, match="division by zero") as caught:
        box.fail()
    assert "<lambda>" in str(caught.value.__cause__)
    with pytest.raises(AttributeError):
        _ = box.missing
    with pytest.raises(TypeError):
        box()


def test_a_proxy_of_an_ended_interpreter_says_so():
    interp = interpreters.create()
    interp.exec("import interlane")
    items = of(interp, "[1]")
    interp.close()
    for use in (lambda: len(items), lambda: items[0], lambda: items.append, lambda: items == 1):
        with pytest.raises(interlane.OwnerGoneError, match=f"interpreter {interp.id}.*has ended"):
            use()
    assert "OwnerGoneError" in repr(items)


def test_the_object_lives_as_long_as_any_proxy_of_it(other):
    other.exec("""
import weakref
class Box: pass
box = Box()
ref = weakref.ref(box)
""")
    proxy = of(other, "box")
    other.exec("del box; import gc; gc.collect(); assert ref() is not None")
    del proxy
    deadline = time.monotonic() + 60
    while True:
        try:
            other.exec("assert ref() is None")
            break
        except interpreters.ExecutionFailed:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_proxies_in_their_own_interpreter_work_directly():
    box = Box(1)
    proxy = interlane.proxy(box)
    proxy.value = 2
    assert box.value == 2
    assert interlane.proxy(proxy) is proxy
    assert repr(proxy).startswith("<Proxy of <")
    assert repr(proxy).endswith("in interpreter 0>")


def test_a_proxy_goes_through_channels_and_containers():
    send, recv = interlane.create_channel()
    with send, recv:
        box = Box(1)
        proxy = interlane.proxy(box)
        send.send({"proxy": [proxy, proxy]})
        first, second = recv.recv()["proxy"]
        assert first is second
        first.value = 7
        assert box.value == 7


def test_many_threads_use_one_proxy(other):
    other.exec("""
import threading
class Counter:
    def __init__(self): self.n = 0; self.lock = threading.Lock()
    def add(self):
        with self.lock: self.n += 1
counter = Counter()
""")
    counter = of(other, "counter")
    threads = [threading.Thread(target=lambda: [counter.add() for _ in range(200)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter.n == 1600


def test_proxies_cannot_be_pickled():
    import pickle

    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(interlane.proxy(io.StringIO()))
