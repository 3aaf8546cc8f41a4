//! Model checks of an event, and of a number that is waited for.
#![cfg(loom)]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "outside of the crate, threads share what the standard library has"
)]

use interlane_core::{Event, Number, Outcome, Refused, Wait, Who};
use loom::thread;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn who(thread: u64) -> Who {
    Who {
        runtime: thread,
        thread,
    }
}

#[test]
fn whoever_waits_is_served_even_if_it_is_cleared_at_once() {
    loom::model(|| {
        let event = Arc::new(Event::new());
        let waiting = event.wait(who(9)).unwrap();
        let other = Arc::clone(&event);
        let other = thread::spawn(move || {
            other.set();
            other.clear();
        });
        assert_eq!(waiting.settle(&Wait::forever()), Ok(Outcome::Served));
        other.join().unwrap();
        assert!(!event.is_set() && event.waiting() == 0);
    });
}

#[test]
fn setting_against_two_that_come() {
    loom::model(|| {
        let event = Arc::new(Event::new());
        let others: Vec<_> = (1..=2)
            .map(|thread| {
                let event = Arc::clone(&event);
                thread::spawn(move || {
                    if let Some(waiting) = event.wait(who(thread)) {
                        assert_eq!(waiting.settle(&Wait::forever()), Ok(Outcome::Served));
                    }
                    assert!(event.is_set());
                })
            })
            .collect();
        event.set();
        for other in others {
            other.join().unwrap();
        }
    });
}

#[test]
fn giving_up_against_setting_counts_if_it_was_set() {
    loom::model(|| {
        let event = Arc::new(Event::new());
        let waiting = event.wait(who(9)).unwrap();
        let other = Arc::clone(&event);
        let other = thread::spawn(move || other.set());
        let soon = Wait::until(Instant::now() + Duration::from_secs(60));
        match waiting.settle(&soon) {
            Ok(outcome) => assert_eq!(outcome, Outcome::Served),
            Err(reason) => assert_eq!(reason, Refused::TimedOut),
        }
        other.join().unwrap();
        assert_eq!(event.waiting(), 0);
    });
}

#[test]
fn a_change_of_a_number_is_never_missed() {
    loom::model(|| {
        let number = Arc::new(Number::new(0));
        let other = Arc::clone(&number);
        let other = thread::spawn(move || {
            if let Some(waiting) = other.wait(who(1), 0) {
                assert_eq!(waiting.settle(&Wait::forever()), Ok(Outcome::Served));
            }
            assert_eq!(other.load(), 3);
        });
        assert_eq!(number.add(3), Some(3));
        other.join().unwrap();
        assert_eq!(number.waiting(), 0);
    });
}

#[test]
fn two_that_add_lose_nothing() {
    loom::model(|| {
        let number = Arc::new(Number::new(i64::MAX - 2));
        let other = Arc::clone(&number);
        let other = thread::spawn(move || other.add(1));
        let first = number.add(1);
        let sums = [first, other.join().unwrap()];
        assert!(sums.contains(&Some(i64::MAX)) && sums.contains(&Some(i64::MAX - 1)));
        assert_eq!((number.add(1), number.load()), (None, i64::MAX));
    });
}
