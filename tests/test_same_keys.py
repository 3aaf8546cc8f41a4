"""Keys that come in many items go by number: from what arrives, nobody can tell."""

import dataclasses
import threading
from collections.abc import Callable, Iterator
from typing import Any

import interlane
import pytest
from hypothesis import given, strategies as st
from interlane import interpreters

# A number is given when a key goes for the second time, and used from the third time on.
TIMES = 5

type Go = Callable[[Any], Any]


def exchange(item: Any) -> Any:
    send, recv = interlane.create_channel()
    with send, recv:
        send.send(item)
        return recv.recv()


@pytest.fixture
def there_and_back() -> Iterator[Go]:
    """Sends an object to another interpreter, which sends back what arrives there."""
    send, there = interlane.create_channel()
    back, recv = interlane.create_channel()
    worker = interpreters.create()
    worker.prepare_main(there=there, back=back)
    there.close()
    back.close()
    code = "with back:\n    for item in there: back.send(item)"
    thread = threading.Thread(target=worker.exec, args=(code,))
    thread.start()

    def go(item: Any) -> Any:
        send.send(item)
        return recv.recv(timeout=60)

    yield go
    send.close()
    thread.join()
    recv.close()
    worker.close()


@dataclasses.dataclass
class Point:
    x: int
    y: "int | Point"


@pytest.mark.parametrize(
    "item",
    [
        {f"key {n}": n for n in range(10)},
        {"a": {"b": {"a": "b"}}, "b": ["a", "b"]},
        [{"name": "x", "id": n} for n in range(100)],
        {f"{'k' * n}": n for n in range(60)},
        {"": 1, "ä": 2, "\u4e2d": 3, "\U0001f600": 4, "\udc80": 5, "\0": 6},
        {1: "a", None: "b", False: "c", (1, "a"): "d", b"a": "e"},
    ],
    ids=["ten", "nested", "records", "lengths", "texts", "other keys"],
)
def test_items_with_the_same_keys_arrive_equal_each_time(there_and_back: Go, item: Any) -> None:
    for _ in range(TIMES):
        got = there_and_back(item)
        assert got == item
        assert type(got) is type(item)


def test_attributes_arrive_equal_each_time() -> None:
    for _ in range(TIMES):
        got = exchange(Point(1, Point(2, 3)))
        assert got == Point(1, Point(2, 3))
        assert list(vars(got)) == ["x", "y"]


def test_the_order_of_keys_is_kept(there_and_back: Go) -> None:
    for first, second in [("one", "two"), ("two", "one")] * TIMES:
        assert list(there_and_back({first: 1, second: 2})) == [first, second]


@pytest.mark.parametrize("earlier", [True, False], ids=["value first", "key first"])
def test_a_key_that_is_a_value_too_arrives_as_one_object(there_and_back: Go, earlier: bool) -> None:
    text = "".join(["both", " key and value ", str(earlier)])
    for _ in range(TIMES):
        keyed = {text: 1}
        got = there_and_back([text, keyed, text] if earlier else [keyed, text, keyed])
        values = [part for part in got if isinstance(part, str)]
        keys = [key for part in got if isinstance(part, dict) for key in part]
        assert {id(part) for part in values + keys} == {id(values[0])}


def test_there_may_be_any_number_of_keys(there_and_back: Go) -> None:
    # More than get a number in one process.
    items = [{f"one of many {n}": n, "common": n} for n in range(2000)]
    for _ in range(TIMES):
        for item in items[::50]:
            assert there_and_back(item) == item
        assert there_and_back(items) == items


def test_a_key_that_was_shared_goes_as_its_share(there_and_back: Go) -> None:
    key = "a key that is shared"
    for _ in range(TIMES):
        assert there_and_back({key: 1}) == {key: 1}
    with interlane.share(key) as share:
        send, recv = interlane.create_channel()
        with send, recv:
            before = share.holders
            send.send({key: 1})
            assert share.holders == before + 1
            assert recv.recv() == {key: 1}


def test_keys_are_known_again_in_the_next_interpreter() -> None:
    item = {"known": 1, "for long": 2}
    send, recv = interlane.create_channel()
    for _ in range(3):
        worker = interpreters.create()
        worker.prepare_main(recv=recv)
        for _ in range(TIMES):
            send.send(item)
            worker.exec("assert recv.recv(timeout=60) == {'known': 1, 'for long': 2}")
        worker.close()
    send.close()
    recv.close()


def test_a_dict_that_changes_while_its_keys_are_written_is_an_error() -> None:
    growing: dict[Any, int] = {}

    class Key:
        def __share__(self) -> tuple[Any, tuple[()]]:
            growing["more"] = 1
            return object, ()

    growing[Key()] = 1
    growing["last"] = 2
    send, recv = interlane.create_channel()
    with send, recv:
        with pytest.raises(RuntimeError, match="changed size"):
            send.send(growing)
        assert len(recv) == 0
        assert send.send({"last": 2}) is None
        assert recv.recv() == {"last": 2}


def test_sending_from_within_a_send(there_and_back: Go) -> None:
    class Nosy:
        def __share__(self) -> tuple[Any, tuple[Any, ...]]:
            assert there_and_back({"inner": "item"}) == {"inner": "item"}
            return dict, ([("outer", 1)],)

    for _ in range(TIMES):
        got = there_and_back({"before": 1, "nosy": Nosy(), "after": 2})
        assert got == {"before": 1, "nosy": {"outer": 1}, "after": 2}


NAMES = st.text("ab", max_size=3)
ITEMS = st.recursive(
    st.none() | st.integers() | NAMES,
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(NAMES, parts, max_size=4),
    max_leaves=12,
)


@given(items=st.lists(ITEMS, max_size=6))
def test_items_of_a_few_names_arrive_equal(items: list[Any]) -> None:
    for item in items:
        assert exchange(item) == item
        assert exchange(item) == item
