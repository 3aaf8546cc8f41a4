"""`shares()`: the table of what is shared, by whom, and who holds it."""

import interlane

from tests.conftest import wait_until


def test_shares_lists_what_is_shared_by_whom(other):
    data = bytearray(500)
    with interlane.share(data) as share:
        other.prepare_main(share=share)
        (row,) = [row for row in interlane.shares() if row.id == share.id]
        assert row.owner == 0
        assert row.type == "bytearray"
        assert row.nbytes == 500
        assert row.holders == {0: 1, other.id: 1}
        assert row.in_transit == 0
        assert row.state == "live"
        assert 0 <= row.age < 60
        assert [r.id for r in interlane.shares(0)] == [r.id for r in interlane.shares(owner=0)]
        assert share.id not in [r.id for r in interlane.shares(other.id)]
        other.exec("copies = [share.get() for _ in range(3)]")
        (row,) = [row for row in interlane.shares() if row.id == share.id]
        assert row.holders == {0: 1, other.id: 4}
        other.exec("del copies; share.close()")
        (row,) = [row for row in interlane.shares() if row.id == share.id]
        assert row.holders == {0: 1}


def test_what_lies_in_a_channel_is_in_transit():
    send, recv = interlane.create_channel()
    with send, recv, interlane.share([1]) as share:
        send.send(share)
        (row,) = [row for row in interlane.shares(0) if row.id == share.id]
        assert row.in_transit == 1
        assert share.holders == 2


def test_a_cycle_of_two_interpreters_shows_in_the_table_and_can_be_broken(other):
    holder = []
    ours = interlane.share(holder, on_release=lambda _: None)
    send, recv = interlane.create_channel()
    with send, recv:
        other.prepare_main(ours=ours, send=send)
        other.exec("theirs = interlane.share([ours]); send.send(theirs); theirs.close(); del theirs, ours")
        holder.append(recv.recv())
        other.exec("send.close(); del send")
    ours_id, theirs_id = ours.id, holder[0].id
    ours.close()
    rows = {row.id: row for row in interlane.shares() if row.id in (ours_id, theirs_id)}
    assert rows[ours_id].owner == 0
    assert rows[ours_id].in_transit == 1  # inside of theirs
    assert rows[theirs_id].owner == other.id
    assert rows[theirs_id].holders == {0: 1}
    holder.pop().close()
    wait_until(lambda: not {row.id for row in interlane.shares()} & {ours_id, theirs_id})


def test_an_owner_that_is_none_has_no_shares() -> None:
    with interlane.share([1]):
        for owner in (-1, 2**80, -(2**80)):
            assert interlane.shares(owner) == []
