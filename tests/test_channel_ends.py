"""The ends of channels: cloned, found by their id, closed; and what the last one that closes does."""

import copy
import pickle
from typing import Any

import interlane
import pytest

from tests.conftest import Background, wait_until


def test_both_ends_have_the_id_of_the_channel(ends: Any) -> None:
    send, recv = ends
    assert isinstance(send.id, int)
    assert send.id == recv.id


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


@pytest.mark.parametrize("kept", [[0], [99], [7, 50, 51], list(range(0, 100, 9)), []])
def test_from_id_finds_a_channel_whichever_others_are_gone(kept: list[int]) -> None:
    channels = dict(enumerate(interlane.create_channel() for _ in range(100)))
    ids = {number: send.id for number, (send, _) in channels.items()}
    for number in set(channels) - set(kept):
        del channels[number]
    for number, channel_id in ids.items():
        if number in kept:
            with interlane.SendChannel.from_id(channel_id) as send:
                send.send(number)
            assert channels[number][1].recv() == number
        else:
            with pytest.raises(interlane.ChannelNotFoundError):
                interlane.SendChannel.from_id(channel_id)


def test_from_id_opens_no_side_that_has_ended(ends: Any) -> None:
    send, recv = ends
    send.close()
    with pytest.raises(interlane.ChannelNotFoundError, match="has ended"):
        interlane.SendChannel.from_id(send.id)
    interlane.RecvChannel.from_id(send.id).close()
    recv.close()
    with pytest.raises(interlane.ChannelNotFoundError, match="has ended"):
        interlane.RecvChannel.from_id(send.id)


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
