//! Model checks of a rendezvous channel: send against close against receive.
#![cfg(loom)]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "outside of the crate, threads share what the standard library has"
)]

#[path = "support/exchange.rs"]
mod exchange;

const CAPACITY: Option<usize> = Some(0);

#[test]
fn an_item_meets_a_receiver() {
    exchange::an_item_meets_a_receiver(CAPACITY);
}

#[test]
fn two_items_meet_two_receivers() {
    exchange::two_items_meet_two_receivers(CAPACITY);
}

#[test]
fn the_last_sender_closes_against_a_receiver() {
    exchange::the_last_sender_closes_against_a_receiver(CAPACITY);
}

#[test]
fn the_last_receiver_closes_against_a_sender() {
    exchange::the_last_receiver_closes_against_a_sender(CAPACITY);
}

#[test]
fn a_handle_closes_against_its_own_wait() {
    exchange::a_handle_closes_against_its_own_wait(CAPACITY);
}

#[test]
fn a_receiver_gives_up_against_a_sender() {
    exchange::a_receiver_gives_up_against_a_sender(CAPACITY);
}

#[test]
fn a_sender_gives_up_against_a_receiver() {
    exchange::a_sender_gives_up_against_a_receiver(CAPACITY);
}

#[test]
fn a_wait_is_abandoned_against_a_sender() {
    exchange::a_wait_is_abandoned_against_a_sender(CAPACITY);
}

#[test]
fn a_receiver_in_a_hurry_loses_nothing() {
    exchange::a_receiver_in_a_hurry_loses_nothing(CAPACITY);
}

#[test]
fn a_seat_goes_from_one_receiver_to_the_next() {
    exchange::a_seat_goes_from_one_receiver_to_the_next(CAPACITY);
}

#[test]
fn a_handle_closes_against_a_receiver_in_a_hurry() {
    exchange::a_handle_closes_against_a_receiver_in_a_hurry(CAPACITY);
}
