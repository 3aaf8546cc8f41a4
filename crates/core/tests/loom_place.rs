//! Model checks of calls on locks and their kin that no thread waits in.
#![cfg(loom)]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "outside of the crate, threads share what the standard library has"
)]

use interlane_core::{
    Arrival, Barrier, Condition, Event, Lock, Mode, Notify, Number, Outcome, Passage,
    ReadWriteLock, Semaphore, Wait, Who,
};
use loom::thread;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

fn who(thread: u64) -> Who {
    Who {
        runtime: thread,
        thread,
    }
}

/// Not modelled: this only counts.
#[derive(Default)]
struct Count(AtomicUsize);

impl Count {
    fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Notify for Count {
    fn notify(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Two that release and take the lock against one in line: it is told, and gets it in the end.
fn told(patience: Duration) {
    loom::model(move || {
        let lock = Arc::new(Lock::with_patience(patience));
        assert!(lock.try_acquire(who(9)));
        let count = Arc::new(Count::default());
        let place = lock.acquire(who(1)).begin(count.clone()).unwrap();
        let other = Arc::clone(&lock);
        let other = thread::spawn(move || {
            if other.try_acquire(who(2)) {
                other.release().unwrap();
            }
        });
        lock.release().unwrap();
        other.join().unwrap();
        assert!(count.get() >= 1);
        assert_eq!(lock.acquire(who(1)).look(&place), Some(Outcome::Served));
        assert_eq!((lock.holder(), lock.waiting()), (Some(who(1)), 0));
        lock.release().unwrap();
        assert!(!lock.is_held());
    });
}

#[test]
fn who_is_in_line_is_told_overtaking() {
    told(Duration::MAX);
}

#[test]
fn who_is_in_line_is_told_handing_over() {
    told(Duration::ZERO);
}

#[test]
fn who_looked_in_vain_is_told_again() {
    loom::model(|| {
        let lock = Arc::new(Lock::with_patience(Duration::MAX));
        assert!(lock.try_acquire(who(9)));
        let count = Arc::new(Count::default());
        let place = lock.acquire(who(1)).begin(count.clone()).unwrap();
        lock.release().unwrap();
        assert_eq!(count.get(), 1);
        let other = Arc::clone(&lock);
        let other = thread::spawn(move || {
            if other.try_acquire(who(2)) {
                other.release().unwrap();
            }
        });
        let looked = lock.acquire(who(1)).look(&place);
        other.join().unwrap();
        if looked.is_none() {
            assert_eq!(count.get(), 2);
            assert_eq!(lock.acquire(who(1)).look(&place), Some(Outcome::Served));
        }
        assert_eq!((lock.holder(), lock.waiting()), (Some(who(1)), 0));
    });
}

/// One that gives up its place, which it may have been told about, against the release: the thread behind it gets on.
fn given_up(patience: Duration) {
    loom::model(move || {
        let lock = Arc::new(Lock::with_patience(patience));
        assert!(lock.try_acquire(who(9)));
        let place = lock
            .acquire(who(1))
            .begin(Arc::new(Count::default()))
            .unwrap();
        let behind = Arc::clone(&lock);
        let behind = thread::spawn(move || {
            let outcome = behind.acquire(who(2)).settle(&Wait::forever());
            assert_eq!(outcome, Ok(Outcome::Served));
            behind.release().unwrap();
        });
        let releasing = Arc::clone(&lock);
        let releasing = thread::spawn(move || releasing.release().unwrap());
        lock.acquire(who(1)).leave(&place);
        releasing.join().unwrap();
        behind.join().unwrap();
        assert_eq!((lock.is_held(), lock.waiting()), (false, 0));
    });
}

#[test]
fn who_gives_up_passes_the_lock_on_overtaking() {
    given_up(Duration::MAX);
}

#[test]
fn who_gives_up_passes_the_lock_on_handing_over() {
    given_up(Duration::ZERO);
}

#[test]
fn the_end_of_the_holder_is_told() {
    loom::model(|| {
        let lock = Arc::new(Lock::with_patience(Duration::MAX));
        assert!(lock.try_acquire(who(9)));
        let count = Arc::new(Count::default());
        let place = lock.acquire(who(1)).begin(count.clone());
        let other = Arc::clone(&lock);
        let other = thread::spawn(move || assert!(other.lose(9)));
        other.join().unwrap();
        assert_eq!(count.get(), 1);
        assert_eq!(
            lock.acquire(who(1)).look(&place.unwrap()),
            Some(Outcome::Gone)
        );
        assert_eq!(lock.acquire(who(1)).begin(count).err(), Some(Outcome::Gone));
    });
}

#[test]
fn two_added_to_a_semaphore_reach_two_in_line() {
    loom::model(|| {
        let semaphore = Arc::new(Semaphore::with_patience(0, false, Duration::MAX));
        let counts = [1, 2].map(|_| Arc::new(Count::default()));
        let places: Vec<_> = (1..)
            .zip(&counts)
            .map(|(thread, count)| semaphore.acquire(who(thread)).begin(count.clone()).unwrap())
            .collect();
        let other = Arc::clone(&semaphore);
        let other = thread::spawn(move || other.release(1).unwrap());
        semaphore.release(1).unwrap();
        other.join().unwrap();
        for (place, count) in places.iter().zip(&counts) {
            assert_eq!(count.get(), 1);
            let outcome = semaphore.acquire(who(1)).look(place);
            assert_eq!(outcome, Some(Outcome::Served));
        }
        assert_eq!((semaphore.value(), semaphore.waiting()), (0, 0));
    });
}

#[test]
fn an_event_that_is_set_against_one_that_comes_is_not_missed() {
    loom::model(|| {
        let event = Arc::new(Event::new());
        let count = Arc::new(Count::default());
        let other = Arc::clone(&event);
        let other = thread::spawn(move || other.set());
        let place = event.begin(who(1), count.clone());
        other.join().unwrap();
        if let Some(place) = place {
            assert_eq!(count.get(), 1);
            assert_eq!(event.leave(&place), Some(Outcome::Served));
        }
    });
}

#[test]
fn a_number_that_changes_against_one_that_comes_is_not_missed() {
    loom::model(|| {
        let number = Arc::new(Number::new(0));
        let count = Arc::new(Count::default());
        let other = Arc::clone(&number);
        let other = thread::spawn(move || other.swap(1));
        let place = number.begin(who(1), 0, count.clone());
        other.join().unwrap();
        if let Some(place) = place {
            assert_eq!(count.get(), 1);
            assert_eq!(place.outcome(), Some(Outcome::Served));
        }
    });
}

#[test]
fn a_notification_reaches_one_that_gives_up_or_is_there_for_the_next() {
    loom::model(|| {
        let condition = Arc::new(Condition::new());
        let count = Arc::new(Count::default());
        let hasty = condition.begin(who(1), count.clone());
        let patient = condition.begin(who(2), count.clone());
        let other = Arc::clone(&condition);
        let other = thread::spawn(move || other.notify(1));
        let was_called = condition.leave(&hasty).is_some();
        other.join().unwrap();
        assert_eq!(count.get(), 1);
        assert_eq!(patient.outcome().is_some(), !was_called);
        assert_eq!(condition.leave(&patient).is_some(), !was_called);
        assert_eq!(condition.waiting(), 0);
    });
}

#[test]
fn a_place_at_a_barrier_that_was_given_up_is_anothers() {
    loom::model(|| {
        let barrier = Arc::new(Barrier::new(3));
        let count = Arc::new(Count::default());
        let arrive = |thread| match barrier.begin(who(thread), count.clone()) {
            Arrival::Waiting(place) => place,
            _ => unreachable!("there are not enough"),
        };
        let (first, second) = (arrive(1), arrive(2));
        assert_eq!(barrier.leave(&first), None);
        let third = arrive(3);
        let last = Arc::clone(&barrier);
        let last = thread::spawn(move || match last.arrive(who(4)) {
            Arrival::Last(trip) => trip.finish(),
            _ => unreachable!("it is the last"),
        });
        assert_eq!(last.join().unwrap(), 2);
        assert_eq!(barrier.passage(&second), Some(Passage::Passed(1)));
        assert_eq!(barrier.leave(&third), Some(Passage::Passed(0)));
        assert_eq!((count.get(), barrier.waiting()), (2, 0));
    });
}

/// A writer without a thread in line, given up as the reader in front of it leaves and another reader waits behind it:
/// the reader gets the lock, and the writer's hold goes to nobody.
#[test]
fn a_place_at_a_lock_of_readers_and_writers_is_given_up_as_it_is_called() {
    loom::model(|| {
        let lock = Arc::new(ReadWriteLock::new());
        let held = lock.try_acquire(who(9), Mode::Read).unwrap();
        let count = Arc::new(Count::default());
        let (writer, number) = lock.begin(who(1), Mode::Write, count.clone()).unwrap();
        let (reader, reading) = lock.begin(who(2), Mode::Read, count.clone()).unwrap();
        let other = Arc::clone(&lock);
        let other = thread::spawn(move || assert!(other.release(held)));
        let was_called = lock.leave(&writer, number);
        other.join().unwrap();
        assert_eq!(count.get(), 1 + usize::from(was_called));
        assert_eq!(reader.outcome(), Some(Outcome::Served));
        assert_eq!(
            (lock.writer(), lock.readers(), lock.waiting()),
            (None, 1, 0)
        );
        assert!(lock.leave(&reader, reading));
        assert_eq!(lock.readers(), 0);
    });
}
