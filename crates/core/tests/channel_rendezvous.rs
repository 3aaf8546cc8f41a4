//! A channel without room: an item goes from hand to hand.
#![cfg(not(loom))]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "outside of the crate, threads share what the standard library has"
)]

mod support;

use interlane_core::{Refused, Wait, channel};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

behaviours! { Some(0);
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
fn send_returns_once_the_item_was_received() {
    let (sender, receiver) = channel(Some(0));
    let returned = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            sender.send(1, &Wait::forever()).unwrap();
            returned.store(true, Ordering::SeqCst);
        });
        support::eventually("the sender waits", || {
            receiver.channel().statistics().waiting_senders == 1
        });
        thread::sleep(Duration::from_millis(2));
        assert!(!returned.load(Ordering::SeqCst));
        assert_eq!(receiver.try_recv(), Ok(1));
    });
    assert!(returned.load(Ordering::SeqCst));
}

#[test]
fn one_try_succeeds_only_when_a_receiver_waits() {
    let (sender, receiver) = channel(Some(0));
    assert_eq!(sender.try_send(1).unwrap_err().reason, Refused::Full);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| receiver.recv(&Wait::forever()));
        support::eventually("the receiver waits", || {
            sender.channel().statistics().waiting_receivers == 1
        });
        sender.try_send(2).unwrap();
        assert_eq!(waiting.join().unwrap(), Ok(2));
    });
    assert!(sender.channel().is_empty());
}

#[test]
fn the_last_sender_that_closes_leaves_nothing() {
    let (sender, receiver) = channel::<i32>(Some(0));
    drop(sender);
    assert_eq!(receiver.recv(&Wait::forever()), Err(Refused::Ended));
}
