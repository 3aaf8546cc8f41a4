"""Channels within one interpreter: what goes in, what comes out, who waits, and how it ends."""

import array
import copy
import pickle
import queue
import sysconfig
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import interlane
import pytest

DEPTH = 100_000
shares_text = pytest.mark.skipif(
    bool(sysconfig.get_config_var("Py_GIL_DISABLED")), reason="text is copied without a GIL"
)


def exchange(item: Any, **options: Any) -> Any:
    """Sends an item through a channel of its own and returns what arrives."""
    send, recv = interlane.create_channel(**options)
    with send, recv:
        send.send(item, timeout=60)
        return recv.recv(timeout=60)


@pytest.fixture
def ends() -> Iterator[tuple[Any, Any]]:
    send, recv = interlane.create_channel()
    with send, recv:
        yield send, recv


@pytest.fixture
def narrow() -> Iterator[tuple[Any, Any]]:
    """A channel with room for one item."""
    send, recv = interlane.create_channel(1)
    with send, recv:
        yield send, recv


def wait_until(condition: Any) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


class Background:
    """Runs a function on a thread; `result` joins it and returns or raises what it did."""

    def __init__(self, function: Any, *args: Any, **kwargs: Any) -> None:
        self._outcome: Any = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(function, args, kwargs), daemon=True)
        self._thread.start()

    def _run(self, function: Any, args: Any, kwargs: Any) -> None:
        try:
            self._outcome = function(*args, **kwargs)
        except BaseException as error:
            self._error = error

    def result(self) -> Any:
        self._thread.join(60)
        assert not self._thread.is_alive(), "still waiting"
        if self._error is not None:
            raise self._error
        return self._outcome


# --- order, waiting, capacity


def test_items_arrive_in_the_order_they_were_sent(ends: Any) -> None:
    send, recv = ends
    for number in range(100):
        send.send(number)
    assert [recv.recv() for _ in range(100)] == list(range(100))


def test_create_channel_can_be_subscripted() -> None:
    send, recv = interlane.create_channel[int](3)
    with send, recv:
        assert send.capacity == recv.capacity == 3
        assert interlane.SendChannel[int] is not None
        assert interlane.RecvChannel[int] is not None


def test_both_ends_have_the_id_of_the_channel(ends: Any) -> None:
    send, recv = ends
    assert isinstance(send.id, int)
    assert send.id == recv.id


def test_a_negative_capacity_is_an_error() -> None:
    with pytest.raises(ValueError, match="capacity"):
        interlane.create_channel(-1)


def test_an_unknown_fallback_is_an_error() -> None:
    with pytest.raises(ValueError, match="fallback"):
        interlane.create_channel(fallback="marshal")  # type: ignore[arg-type]


def test_send_nowait_to_a_full_channel_raises_channel_full(narrow: Any) -> None:
    send, recv = narrow
    send.send_nowait("first")
    with pytest.raises(interlane.ChannelFull) as caught:
        send.send_nowait("second")
    assert isinstance(caught.value, queue.Full)
    assert isinstance(caught.value, interlane.WouldBlock)
    assert recv.recv() == "first"
    assert len(recv) == 0


def test_recv_nowait_from_an_empty_channel_raises_channel_empty(ends: Any) -> None:
    _, recv = ends
    with pytest.raises(interlane.ChannelEmpty) as caught:
        recv.recv_nowait()
    assert isinstance(caught.value, queue.Empty)
    assert isinstance(caught.value, interlane.WouldBlock)


def test_recv_nowait_from_an_empty_channel_returns_the_default(ends: Any) -> None:
    send, recv = ends
    assert recv.recv_nowait(None) is None
    send.send("item")
    assert recv.recv_nowait(None) == "item"


@pytest.mark.parametrize("timeout", [0, 0.0, 0.05])
def test_recv_from_an_empty_channel_times_out(ends: Any, timeout: float) -> None:
    _, recv = ends
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        recv.recv(timeout=timeout)
    assert timeout <= time.monotonic() - start < timeout + 20


@pytest.mark.parametrize("timeout", [0, 0.0, 0.05])
def test_send_to_a_full_channel_times_out_and_sends_nothing(narrow: Any, timeout: float) -> None:
    send, recv = narrow
    send.send("first")
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        send.send("second", timeout=timeout)
    assert timeout <= time.monotonic() - start < timeout + 20
    assert recv.recv_many() == ["first"]


def test_recv_waits_for_an_item(ends: Any) -> None:
    send, recv = ends
    waiting = Background(recv.recv)
    wait_until(lambda: recv.statistics().waiting_receivers == 1)
    send.send("item")
    assert waiting.result() == "item"


def test_send_waits_for_room(narrow: Any) -> None:
    send, recv = narrow
    send.send(1)
    waiting = Background(send.send, 2)
    wait_until(lambda: send.statistics().waiting_senders == 1)
    assert recv.recv() == 1
    waiting.result()
    assert recv.recv() == 2


def test_a_rendezvous_send_returns_once_the_item_was_received() -> None:
    send, recv = interlane.create_channel(0)
    with send, recv:
        with pytest.raises(interlane.ChannelFull):
            send.send_nowait("nobody waits")
        waiting = Background(send.send, "item")
        wait_until(lambda: send.statistics().waiting_senders == 1)
        assert recv.recv() == "item"
        waiting.result()


def test_send_many_returns_how_many_went(ends: Any) -> None:
    send, recv = ends
    assert send.send_many(number for number in range(5)) == 5
    assert send.send_many([]) == 0
    assert recv.recv_many() == [0, 1, 2, 3, 4]


def test_recv_many_takes_no_more_than_asked_for(ends: Any) -> None:
    send, recv = ends
    send.send_many(range(5))
    assert recv.recv_many(2) == [0, 1]
    assert recv.recv_many(max_items=10) == [2, 3, 4]


class Unloadable:
    """Is pickled, but its pickle can't be loaded."""

    def __reduce__(self) -> Any:
        return int, ("no number",)


@pytest.mark.parametrize("capacity", [None, 8])
def test_recv_many_keeps_what_is_around_an_item_that_cannot_be_rebuilt(capacity: int | None) -> None:
    send, recv = interlane.create_channel(capacity, fallback="pickle")
    send.send_many([1, 2, Unloadable(), 4, 5])
    with pytest.raises(ValueError, match="no number") as raised:
        recv.recv_many()
    assert raised.value.received == [1, 2]  # type: ignore[attr-defined]  # set by recv_many
    assert recv.statistics().buffered == 2
    assert recv.recv_many() == [4, 5]
    assert recv.statistics().received == 5


def test_recv_many_from_an_empty_channel_times_out(ends: Any) -> None:
    with pytest.raises(TimeoutError):
        ends[1].recv_many(timeout=0.01)


# --- the end


def test_recv_after_the_last_sender_closed_drains_then_ends(ends: Any) -> None:
    send, recv = ends
    send.send_many("ab")
    send.close()
    assert recv.recv() == "a"
    assert recv.recv() == "b"
    with pytest.raises(interlane.EndOfChannel):
        recv.recv()
    with pytest.raises(interlane.EndOfChannel):
        recv.recv_nowait(None)


def test_iteration_ends_when_the_channel_ends(ends: Any) -> None:
    send, recv = ends
    send.send_many(range(3))
    send.close()
    assert list(recv) == [0, 1, 2]


def test_closing_the_last_sender_wakes_who_waits_for_an_item(ends: Any) -> None:
    send, recv = ends
    waiting = Background(recv.recv)
    wait_until(lambda: recv.statistics().waiting_receivers == 1)
    send.close()
    with pytest.raises(interlane.EndOfChannel):
        waiting.result()


def test_closing_the_last_receiver_wakes_who_waits_for_room(narrow: Any) -> None:
    send, recv = narrow
    send.send(1)
    waiting = Background(send.send, 2)
    wait_until(lambda: send.statistics().waiting_senders == 1)
    recv.close()
    with pytest.raises(interlane.BrokenChannel):
        waiting.result()


def test_send_after_the_last_receiver_closed_is_broken(ends: Any) -> None:
    send, recv = ends
    recv.close()
    with pytest.raises(interlane.BrokenChannel):
        send.send("item")


def test_a_closed_handle_refuses_and_closing_it_again_is_harmless(ends: Any) -> None:
    for end, use in zip(ends, (lambda: ends[0].send(1), lambda: ends[1].recv()), strict=True):
        assert not end.closed
        end.close()
        end.close()
        assert end.closed
        with pytest.raises(interlane.ClosedError):
            use()


def test_a_with_block_closes_the_handle() -> None:
    send, recv = interlane.create_channel()
    with send as same:
        assert same is send
    with recv:
        pass
    assert send.closed
    assert recv.closed


def test_a_clone_keeps_the_channel_open(ends: Any) -> None:
    send, recv = ends
    other = send.clone()
    send.close()
    other.send("item")
    assert recv.recv() == "item"
    other.close()
    with pytest.raises(interlane.EndOfChannel):
        recv.recv()


def test_from_id_opens_another_handle(ends: Any) -> None:
    send, recv = ends
    with (
        interlane.SendChannel.from_id(send.id) as other_send,
        interlane.RecvChannel.from_id(recv.id) as other,
    ):
        other_send.send("item")
        assert other.recv() == "item"
        assert send.statistics().open_senders == 2


def test_from_id_of_no_channel_is_a_lookup_error() -> None:
    with pytest.raises(interlane.ChannelNotFoundError) as caught:
        interlane.SendChannel.from_id(2**40)
    assert isinstance(caught.value, LookupError)
    with pytest.raises(interlane.ChannelNotFoundError):
        interlane.RecvChannel.from_id(2**40)


@pytest.mark.parametrize("channel_id", [-1, 0, 2**63, 2**64, -(2**70)])
def test_from_id_of_any_other_number_finds_no_channel(channel_id: int) -> None:
    for end in (interlane.SendChannel, interlane.RecvChannel):
        with pytest.raises(interlane.ChannelNotFoundError, match=str(channel_id)):
            end.from_id(channel_id)


def test_from_id_opens_no_side_that_has_ended(ends: Any) -> None:
    send, recv = ends
    send.close()
    with pytest.raises(interlane.ChannelNotFoundError, match="has ended"):
        interlane.SendChannel.from_id(send.id)
    interlane.RecvChannel.from_id(send.id).close()
    recv.close()
    with pytest.raises(interlane.ChannelNotFoundError, match="has ended"):
        interlane.RecvChannel.from_id(send.id)


def test_a_capacity_beyond_all_numbers_is_refused() -> None:
    for capacity in (-(2**80), 2**80):
        with pytest.raises(ValueError, match=r"capacity|index-sized"):
            interlane.create_channel(capacity)


def test_any_number_of_items_can_be_asked_for(ends: Any) -> None:
    send, recv = ends
    send.send(1)
    assert recv.recv_many(2**80) == [1]
    with pytest.raises(ValueError, match="at least 1"):
        recv.recv_many(-(2**80))


def test_a_closed_end_is_not_entered_again(ends: Any) -> None:
    for end in ends:
        with end:
            pass
        with pytest.raises(interlane.ClosedError), end:
            pass


def test_no_items_are_sent_by_a_closed_end(ends: Any) -> None:
    send, _ = ends
    send.close()
    with pytest.raises(interlane.ClosedError):
        send.send_many([])


def test_what_could_not_be_sent_is_given_back_at_once() -> None:
    send, recv = interlane.create_channel(1)
    data = bytearray(8)
    with send:
        send.send("full")
        for call in (
            lambda: send.send_nowait(data),
            lambda: send.send(data, timeout=0),
            lambda: send.send_buffer(data, timeout=0),
            lambda: send.send_many([data, data], timeout=0),
            lambda: send.send([data, object()]),
            lambda: interlane.explain([data, object()]) and {}["refused"],
            lambda: interlane.share([data, object()]),
        ):
            with pytest.raises((queue.Full, TimeoutError, TypeError, KeyError)):
                call()
            data.append(0)  # a BufferError if it were still shared
        recv.close()
        with pytest.raises(interlane.BrokenChannel):
            send.send(data)
        data.append(0)


def test_statistics_say_what_happened(narrow: Any) -> None:
    send, recv = narrow
    send.send(1)
    recv.recv()
    send.send(2)
    figures = recv.statistics()
    assert figures == send.statistics()
    assert (figures.buffered, figures.capacity) == (1, 1)
    assert (figures.open_senders, figures.open_receivers) == (1, 1)
    assert (figures.waiting_senders, figures.waiting_receivers) == (0, 0)
    assert (figures.sent, figures.received) == (2, 1)
    with pytest.raises(AttributeError):
        figures.sent = 3
    assert len(send) == len(recv) == 1


def test_repr_shows_id_and_state_and_no_contents(narrow: Any) -> None:
    send, recv = narrow
    send.send("secret")
    assert repr(send) == f"<SendChannel {send.id} open 1/1>"
    assert repr(recv) == f"<RecvChannel {recv.id} open 1/1>"
    send.close()
    assert "closed" in repr(send)


@pytest.mark.parametrize("dump", [pickle.dumps, copy.copy, copy.deepcopy])
def test_ends_are_not_pickled_and_the_message_says_what_to_do(ends: Any, dump: Any) -> None:
    for end in ends:
        with pytest.raises(TypeError, match=r"prepare_main.*from_id"):
            dump(end)
        assert not end.closed


def test_an_end_dropped_without_close_warns_in_development_mode(run_child: Any) -> None:
    code = """
        import gc, interlane, warnings
        warnings.simplefilter("always")
        with warnings.catch_warnings(record=True) as caught:
            send, recv = interlane.create_channel(64)
            send.send("secret")
            del send
            cycle = [recv]
            cycle.append(cycle)
            del recv, cycle
            gc.collect()
        for warning in caught:
            print(warning.category.__name__, warning.message)
        with warnings.catch_warnings(record=True) as caught:
            send, recv = interlane.create_channel()
            send.close()
            with recv:
                recv.clone().close()
            del send, recv
            kept = interlane.create_channel()  # its interpreter's end closes them
        assert not caught
    """
    out = run_child(code, flags=("-X", "dev"))
    assert "Warning" not in out.stderr
    first, second = out.splitlines()
    assert first.startswith("ResourceWarning unclosed <SendChannel ")
    assert first.endswith(" open 1/64>")
    assert second.startswith("ResourceWarning unclosed <RecvChannel ")
    assert run_child(code, env={"PYTHONDEVMODE": ""}) == ""


# --- values

VALUES = [
    None,
    True,
    False,
    Ellipsis,
    NotImplemented,
    0,
    -1,
    2**63 - 1,
    -(2**63),
    2**63,
    -(2**64),
    3**10_000,
    -(7**10_000),
    1.5,
    float("inf"),
    -0.0,
    2 - 3j,
    "",
    "ascii",
    "é",
    "€",
    "😀",
    "a\0b",
    "\ud800",
    b"",
    b"bytes\0more",
    (),
    [],
    {},
    set(),
    frozenset(),
    (1, "two", [3.0, {"four": {5, 6}}], frozenset({b"7"})),
    {1: "one", "two": 2, (3,): None},
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_arrives_equal_and_of_the_same_type(value: Any) -> None:
    arrived = exchange(value)
    assert type(arrived) is type(value)
    assert arrived == value
    assert value.__class__ is not float or repr(arrived) == repr(value)


def test_nan_arrives_as_nan() -> None:
    arrived = exchange(float("nan"))
    assert arrived != arrived


def test_a_dict_keeps_its_order() -> None:
    assert list(exchange({"z": 1, "a": 2, "m": 3})) == ["z", "a", "m"]


def test_a_container_that_arrives_is_another_one() -> None:
    sent = [1, [2]]
    arrived = exchange(sent)
    arrived[1].append(3)
    assert sent == [1, [2]]


def test_one_object_met_twice_arrives_as_one_object() -> None:
    inner = ["shared"]
    arrived = exchange({"a": inner, "b": (inner, inner)})
    assert arrived == {"a": inner, "b": (inner, inner)}
    assert arrived["a"] is arrived["b"][0] is arrived["b"][1]


def test_a_list_that_contains_itself_arrives_as_one_that_contains_itself() -> None:
    loop: list[Any] = [1]
    loop.append(loop)
    arrived = exchange(loop)
    assert arrived[0] == 1
    assert arrived[1] is arrived


def test_a_cycle_through_a_dict_and_a_tuple_arrives_as_one() -> None:
    outer: dict[str, Any] = {}
    outer["pair"] = (1, [outer])
    arrived = exchange(outer)
    assert arrived["pair"][1][0] is arrived


def test_depth_is_limited_by_memory_only() -> None:
    nested: Any = "bottom"
    for _ in range(DEPTH):
        nested = [nested]
    arrived = exchange(nested)
    for _ in range(DEPTH):
        assert type(arrived) is list
        (arrived,) = arrived
    assert arrived == "bottom"


def test_deep_tuples_and_dicts_arrive() -> None:
    nested: Any = 0
    for _ in range(DEPTH // 2):
        nested = ({"k": nested},)
    arrived = exchange(nested)
    for _ in range(DEPTH // 2):
        arrived = arrived[0]["k"]
    assert arrived == 0


# --- shared memory


@shares_text
@pytest.mark.parametrize("character", ["a", "é", "€", "😀"])
def test_a_big_str_arrives_as_a_shared_str(character: str) -> None:
    text = character * max(interlane.get_share_threshold(), 1 << 20)
    arrived = exchange(text)
    assert type(arrived) is interlane.SharedStr
    assert isinstance(arrived, str)
    assert arrived == text
    assert hash(arrived) == hash(text)
    assert arrived[:3] == character * 3
    assert {arrived: 1}[text] == 1


def test_big_bytes_arrive_as_exact_bytes() -> None:
    data = bytes(range(256)) * max(interlane.get_share_threshold(), 4096)
    arrived = exchange(data)
    assert type(arrived) is bytes
    assert arrived == data


@shares_text
def test_the_threshold_can_be_set() -> None:
    before = interlane.get_share_threshold()
    try:
        interlane.set_share_threshold(2048)
        assert interlane.get_share_threshold() == 2048
        assert type(exchange("a" * 10)) is str
        assert type(exchange("a" * 3000)) is interlane.SharedStr
    finally:
        interlane.set_share_threshold(before)


def test_a_bytearray_arrives_as_a_read_only_memoryview_of_the_same_memory() -> None:
    data = bytearray(b"0123456789" * 100)
    arrived = exchange(data)
    assert type(arrived) is memoryview
    assert arrived.readonly
    assert arrived == data
    data[0] = ord("x")
    assert arrived[0] == ord("x")
    with pytest.raises(TypeError):
        arrived[0] = 1


def test_an_array_arrives_with_its_format() -> None:
    arrived = exchange(array.array("d", [1.5, 2.5, 3.5]))
    assert (arrived.format, arrived.shape, arrived.itemsize) == ("d", (3,), 8)
    assert arrived.tolist() == [1.5, 2.5, 3.5]


def test_a_memoryview_arrives_with_its_shape_and_strides() -> None:
    view = memoryview(bytearray(range(24))).cast("B", (4, 6))
    arrived = exchange(view)
    assert (arrived.shape, arrived.strides, arrived.format) == ((4, 6), (6, 1), "B")
    assert arrived.tolist() == view.tolist()
    every_other = memoryview(bytearray(range(10)))[::2]
    assert exchange(every_other).tolist() == [0, 2, 4, 6, 8]


def test_send_buffer_sends_bytes_as_a_memoryview(ends: Any) -> None:
    send, recv = ends
    send.send_buffer(b"bytes")
    arrived = recv.recv()
    assert type(arrived) is memoryview
    assert arrived == b"bytes"


def test_send_buffer_refuses_what_is_not_a_buffer(ends: Any) -> None:
    send, recv = ends
    with pytest.raises(interlane.NotShareableError):
        send.send_buffer("text")
    assert len(recv) == 0


def test_send_buffer_nowait_to_a_full_channel_raises_channel_full(narrow: Any) -> None:
    send, recv = narrow
    send.send_buffer_nowait(b"bytes")
    with pytest.raises(interlane.ChannelFull):
        send.send_buffer_nowait(b"more")
    assert recv.recv_many() == [b"bytes"]


def test_a_buffer_channel_takes_buffers_only_and_gives_memoryviews() -> None:
    send, recv = interlane.create_buffer_channel(4)
    with send, recv:
        data = bytearray(b"data")
        assert send.send_many([b"bytes", data]) == 2
        interlane.select((send, array.array("i", [1])))
        for bad in ("text", 1, [data]):
            with pytest.raises(interlane.NotShareableError):
                send.send(bad)  # type: ignore[arg-type]
        got = recv.recv_many()
        assert [type(item) for item in got] == [memoryview] * 3
        assert (bytes(got[0]), got[1].obj is not data, got[2].tolist()) == (b"bytes", True, [1])
        data[0] = 0
        assert got[1][0] == 0
    with pytest.raises(ValueError, match="capacity"):
        interlane.create_buffer_channel(-1)


# --- what cannot be shared


def test_the_message_names_the_part_that_cannot_be_shared(ends: Any, tmp_path: Path) -> None:
    send, recv = ends
    with (
        (tmp_path / "file").open("w", encoding="utf-8") as file,
        pytest.raises(
            interlane.NotShareableError, match=r"item\[3\]\['handle'\]: _io\.TextIOWrapper"
        ) as caught,
    ):
        send.send([0, 1, 2, {"handle": file}])
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, ValueError)
    assert len(recv) == 0


def test_what_cannot_be_shared_is_named_at_the_top(ends: Any) -> None:
    with pytest.raises(interlane.NotShareableError, match="object"):
        ends[0].send(object())


def test_send_many_stops_at_what_cannot_be_shared(ends: Any) -> None:
    send, _ = ends
    with pytest.raises(interlane.NotShareableError):
        send.send_many([object()])


class Plain:
    """An object that only pickle knows how to send."""

    def __init__(self, value: object) -> None:
        self.value = value


def test_fallback_pickle_sends_what_has_no_other_way(run_child: Any) -> None:
    # pickle finds classes by name: a script's own are in `__main__`.
    run_child(
        """
        import interlane

        class Plain:
            pass

        plain = Plain()
        plain.value = [1, "two"]
        send, recv = interlane.create_channel(fallback="pickle")
        with send, recv:
            send.send({"plain": plain})
            arrived = recv.recv()["plain"]
            assert type(arrived) is Plain
            assert arrived.value == [1, "two"]
        """
    )


def test_without_a_fallback_nothing_is_pickled(ends: Any) -> None:
    with pytest.raises(interlane.NotShareableError, match="Plain"):
        ends[0].send(Plain(1))


# --- from thread to thread


def test_many_senders_and_receivers_lose_and_repeat_nothing() -> None:
    send, recv = interlane.create_channel(16)
    with recv:
        receivers = [Background(list, recv) for _ in range(4)]
        with send:
            senders = [Background(send.send_many, range(k, 4000, 4)) for k in range(4)]
            assert [sender.result() for sender in senders] == [1000] * 4
        received = [item for receiver in receivers for item in receiver.result()]
    assert sorted(received) == list(range(4000))
