//! A channel with room for two items.
#![cfg(not(loom))]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "outside of the crate, threads share what the standard library has"
)]

mod support;

use interlane_core::{Refused, Wait, channel};
use std::sync::Arc;

behaviours! { Some(2);
    items_arrive_in_fifo_order
    recv_after_the_last_sender_closed_drains_then_ends
    send_after_the_last_receiver_closed_gives_the_item_back
    a_waiting_receiver_ends_when_the_last_sender_closes
    a_receiver_that_times_out_loses_nothing
    a_deadline_that_has_passed_is_one_try
    close_wakes_only_its_own_waits
    a_closed_handle_refuses_everything
    handles_are_made_from_the_channel_while_it_is_open
    waiting_receivers_are_served_in_turn
    recv_many_takes_what_is_there_at_most_max
    unrecv_puts_an_item_back_to_the_front
    unrecv_goes_to_a_receiver_that_waits
    an_abandoned_wait_ends
    a_wait_abandoned_from_within_the_hook_ends
    a_wait_is_reported_with_its_deadline
    an_interruptible_wait_returns_now_and_then
    no_item_is_lost_between_time_outs_and_hand_overs
    eight_by_eight_loses_nothing
    full_a_sender_that_times_out_keeps_its_item
    full_a_waiting_sender_breaks_when_the_last_receiver_closes
    full_close_wakes_only_its_own_senders
    full_waiting_senders_are_served_in_turn
    full_send_many_keeps_the_rest_when_refused
    full_an_abandoned_send_gives_the_item_back
}

#[test]
fn a_full_channel_refuses_one_more_and_makes_room_again() {
    let (sender, receiver) = channel(Some(2));
    sender.try_send(1).unwrap();
    sender.try_send(2).unwrap();
    assert_eq!(sender.try_send(3).unwrap_err().reason, Refused::Full);
    assert_eq!(receiver.try_recv(), Ok(1));
    sender.try_send(3).unwrap();
    let rest = receiver.recv_many(9, &Wait::forever());
    assert_eq!(rest, Ok([2, 3].into()));
}

#[test]
fn what_is_queued_is_dropped_with_the_last_receiver() {
    let (sender, receiver) = channel(Some(2));
    let item = Arc::new(());
    sender.try_send(Arc::clone(&item)).unwrap();
    sender.try_send(Arc::clone(&item)).unwrap();
    drop(receiver);
    assert_eq!(Arc::strong_count(&item), 1);
    assert!(sender.channel().is_empty());
}

#[test]
fn an_item_that_uses_the_channel_while_it_is_dropped_does_no_harm() {
    struct Nosy(Option<interlane_core::Sender<Nosy>>);
    impl Drop for Nosy {
        fn drop(&mut self) {
            if let Some(sender) = &self.0 {
                let error = sender.try_send(Nosy(None)).map_err(|error| error.reason);
                assert_eq!(error, Err(Refused::Broken));
            }
        }
    }
    let (sender, receiver) = channel(Some(2));
    let inner = sender.try_clone();
    sender.try_send(Nosy(inner)).unwrap();
    drop(receiver);
    assert_eq!(sender.channel().statistics().open_senders, 1);
}

#[test]
fn a_revision_changes_and_takes_out_items_and_senders_that_wait_move_up() {
    let (sender, receiver) = channel(Some(2));
    sender.try_send(1).unwrap();
    sender.try_send(2).unwrap();
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| sender.send(3, &Wait::forever()));
        while sender.channel().statistics().waiting_senders == 0 {
            std::thread::yield_now();
        }
        sender.channel().revise(|item| {
            *item *= 10;
            *item != 10
        });
        waits.join().unwrap().unwrap();
    });
    assert_eq!(receiver.try_recv(), Ok(20));
    assert_eq!(receiver.try_recv(), Ok(3));
    let now = sender.channel().statistics();
    assert_eq!((now.sent, now.received, now.buffered), (3, 3, 0));
}
