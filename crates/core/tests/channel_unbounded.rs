//! A channel with room for any number of items.
#![cfg(not(loom))]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "outside of the crate, threads share what the standard library has"
)]

mod support;

use interlane_core::{Wait, channel};
use std::collections::VecDeque;
use std::sync::Arc;

behaviours! { None;
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
}

#[test]
fn sending_never_waits() {
    let (sender, receiver) = channel(None);
    let mut items: VecDeque<_> = (0..100_000).collect();
    sender.send_many(&mut items, &Wait::forever()).unwrap();
    sender.send(100_000, &Wait::forever()).unwrap();
    assert_eq!(receiver.channel().len(), 100_001);
    let got = receiver.recv_many(usize::MAX, &Wait::forever()).unwrap();
    assert_eq!(got, VecDeque::from_iter(0..=100_000));
}

#[test]
fn what_is_queued_is_dropped_with_the_last_receiver() {
    let (sender, receiver) = channel(None);
    let item = Arc::new(());
    for _ in 0..10 {
        sender.try_send(Arc::clone(&item)).unwrap();
    }
    drop(receiver);
    assert_eq!(Arc::strong_count(&item), 1);
}

#[test]
fn numbers_of_channels_are_not_reused() {
    let (first, _) = channel::<()>(None);
    let (second, _) = channel::<()>(None);
    assert!(first.channel().id() < second.channel().id());
}
