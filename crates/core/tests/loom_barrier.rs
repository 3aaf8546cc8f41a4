//! Model checks of a barrier.
#![cfg(loom)]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "outside of the crate, threads share what the standard library has"
)]

use interlane_core::{Arrival, Barrier, Passage, Refused, Wait, Who};
use loom::thread;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn who(thread: u64) -> Who {
    Who {
        runtime: thread,
        thread,
    }
}

/// Passes, or tells why not.
fn pass(barrier: &Barrier, thread: u64, wait: &Wait<'_>) -> Result<u64, Option<Refused>> {
    loop {
        match barrier.arrive(who(thread)) {
            Arrival::Broken => return Err(None),
            Arrival::Last(trip) => return Ok(trip.finish()),
            Arrival::Waiting(party) => match party.settle(wait) {
                Ok(Passage::Passed(place)) => return Ok(place),
                Ok(Passage::Broken) => return Err(None),
                Ok(Passage::Again) => {}
                Err(reason) => return Err(Some(reason)),
            },
        }
    }
}

#[test]
fn two_pass_together_twice() {
    loom::model(|| {
        let barrier = Arc::new(Barrier::new(2));
        let other = Arc::clone(&barrier);
        let other = thread::spawn(move || {
            let first = pass(&other, 1, &Wait::forever()).unwrap();
            (first, pass(&other, 1, &Wait::forever()).unwrap())
        });
        let first = pass(&barrier, 2, &Wait::forever()).unwrap();
        let second = pass(&barrier, 2, &Wait::forever()).unwrap();
        let others = other.join().unwrap();
        assert_eq!((first + others.0, second + others.1), (1, 1));
        assert_eq!((barrier.waiting(), barrier.is_broken()), (0, false));
    });
}

#[test]
fn giving_up_against_the_last_arrival_passes_both_or_breaks() {
    loom::model(|| {
        let barrier = Arc::new(Barrier::new(2));
        let hasty = Arc::clone(&barrier);
        let hasty = thread::spawn(move || {
            let soon = Wait::until(Instant::now() + Duration::from_secs(60));
            pass(&hasty, 1, &soon)
        });
        let patient = pass(&barrier, 2, &Wait::forever());
        match hasty.join().unwrap() {
            Ok(place) => assert_eq!(patient, Ok(1 - place)),
            Err(reason) => {
                assert_eq!((reason, patient), (Some(Refused::TimedOut), Err(None)));
                assert!(barrier.is_broken());
            }
        }
        assert_eq!(barrier.waiting(), 0);
    });
}

#[test]
fn a_reset_against_two_that_arrive_loses_nobody() {
    loom::model(|| {
        let barrier = Arc::new(Barrier::new(2));
        let other = Arc::clone(&barrier);
        let other = thread::spawn(move || pass(&other, 1, &Wait::forever()));
        let resetting = Arc::clone(&barrier);
        let resetting = thread::spawn(move || resetting.abort());
        let mine = pass(&barrier, 2, &Wait::forever());
        resetting.join().unwrap();
        let others = other.join().unwrap();
        match (mine, others) {
            (Ok(mine), Ok(others)) => assert_eq!(mine + others, 1),
            // The last one goes on; who was to be told by it was told otherwise.
            (Ok(1), Err(None)) | (Err(None), Ok(1)) => {}
            both => assert_eq!(both, (Err(None), Err(None))),
        }
        assert!(barrier.is_broken());
    });
}

#[test]
fn a_trip_that_does_not_finish_breaks_the_barrier() {
    loom::model(|| {
        let barrier = Arc::new(Barrier::new(2));
        let other = Arc::clone(&barrier);
        let other = thread::spawn(move || match other.arrive(who(1)) {
            Arrival::Waiting(party) => {
                assert_eq!(party.settle(&Wait::forever()), Ok(Passage::Broken));
            }
            Arrival::Last(trip) => drop(trip),
            Arrival::Broken => {}
        });
        match barrier.arrive(who(2)) {
            Arrival::Waiting(party) => {
                assert_eq!(party.settle(&Wait::forever()), Ok(Passage::Broken));
            }
            Arrival::Last(trip) => drop(trip),
            Arrival::Broken => {}
        }
        other.join().unwrap();
        assert!(barrier.is_broken());
    });
}
