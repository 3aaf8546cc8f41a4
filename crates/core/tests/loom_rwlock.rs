//! Model checks of a lock of readers and writers: who excludes whom, giving up, and the end of a holder.
#![cfg(loom)]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "outside of the crate, threads share what the standard library has"
)]

use interlane_core::{Busy, Mode, ReadWriteLock, Refused, Wait, Who};
use loom::cell::UnsafeCell;
use loom::thread;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A lock and what it protects, which loom watches.
struct Guarded {
    lock: ReadWriteLock,
    value: UnsafeCell<u32>,
}

// SAFETY: the cell is written to by who writes and read by who reads. Loom checks that.
unsafe impl Sync for Guarded {}

impl Guarded {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            lock: ReadWriteLock::new(),
            value: UnsafeCell::new(0),
        })
    }

    fn acquire(&self, thread: u64, mode: Mode, wait: &Wait<'_>) -> Result<u64, Refused> {
        match self.lock.try_acquire(who(thread), mode) {
            Ok(number) => Ok(number),
            Err(_) => self.lock.acquire(who(thread), mode).settle(wait),
        }
    }

    fn write(&self, thread: u64, wait: &Wait<'_>) -> Result<(), Refused> {
        let number = self.acquire(thread, Mode::Write, wait)?;
        // SAFETY: as said. Loom checks that.
        self.value.with_mut(|value| unsafe { *value += 1 });
        assert!(self.lock.release(number));
        Ok(())
    }

    fn read(&self, thread: u64) -> u32 {
        let number = self.acquire(thread, Mode::Read, &Wait::forever()).unwrap();
        // SAFETY: as said. Loom checks that.
        let value = self.value.with(|value| unsafe { *value });
        assert!(self.lock.release(number));
        value
    }

    fn is_free(&self) {
        assert_eq!((self.lock.writer(), self.lock.readers()), (None, 0));
        assert_eq!(self.lock.waiting(), 0);
        let number = self.lock.try_acquire(who(9), Mode::Write).unwrap();
        assert!(self.lock.release(number) && !self.lock.release(number));
    }
}

fn who(thread: u64) -> Who {
    Who {
        runtime: thread,
        thread,
    }
}

/// A deadline that has passed: a model has no clock, so every one has.
fn soon() -> Wait<'static> {
    Wait::until(Instant::now() + Duration::from_secs(60))
}

/// Three threads: three preemptions take a minute.
fn bounded(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(model);
}

#[test]
fn a_writer_excludes_a_writer_and_a_reader() {
    bounded(|| {
        let guarded = Guarded::new();
        let writer = Arc::clone(&guarded);
        let writer = thread::spawn(move || writer.write(1, &Wait::forever()).unwrap());
        let reader = Arc::clone(&guarded);
        let reader = thread::spawn(move || assert!(reader.read(2) <= 2));
        guarded.write(3, &Wait::forever()).unwrap();
        writer.join().unwrap();
        reader.join().unwrap();
        assert_eq!(guarded.read(4), 2);
        guarded.is_free();
    });
}

#[test]
fn a_writer_that_gives_up_lets_the_readers_behind_it_in() {
    bounded(|| {
        let guarded = Guarded::new();
        let first = guarded.lock.try_acquire(who(9), Mode::Read).unwrap();
        let hasty = Arc::clone(&guarded);
        let hasty = thread::spawn(move || {
            if let Err(reason) = hasty.write(1, &soon()) {
                assert_eq!(reason, Refused::TimedOut);
            }
        });
        // Whether the writer is before it or not: it gets in while the first one still reads.
        assert!(guarded.read(2) <= 1);
        assert!(guarded.lock.release(first));
        hasty.join().unwrap();
        guarded.is_free();
    });
}

#[test]
fn the_end_of_a_writer_lets_the_next_one_in() {
    loom::model(|| {
        let guarded = Guarded::new();
        let number = guarded.lock.try_acquire(who(9), Mode::Write).unwrap();
        let other = Arc::clone(&guarded);
        let other = thread::spawn(move || other.write(1, &Wait::forever()).unwrap());
        assert!(!guarded.lock.lose(8));
        assert!(guarded.lock.lose(9));
        other.join().unwrap();
        assert!(!guarded.lock.release(number), "it was taken from it");
        guarded.is_free();
    });
}

#[test]
fn a_thread_is_told_that_it_would_wait_for_itself() {
    loom::model(|| {
        let guarded = Guarded::new();
        let lock = &guarded.lock;
        let first = lock.try_acquire(who(1), Mode::Read).unwrap();
        assert_eq!(lock.try_acquire(who(1), Mode::Write), Err(Busy::Itself));
        assert_eq!(lock.try_acquire(who(2), Mode::Write), Err(Busy::Others));
        let writer = Arc::clone(&guarded);
        let writer = thread::spawn(move || writer.write(2, &Wait::forever()).unwrap());
        // Although a writer may be waiting already.
        let second = lock.try_acquire(who(1), Mode::Read).unwrap();
        assert!(lock.release(first) && lock.release(second));
        writer.join().unwrap();
        let writing = lock.try_acquire(who(1), Mode::Write).unwrap();
        assert_eq!(lock.try_acquire(who(1), Mode::Read), Err(Busy::Itself));
        assert_eq!(lock.try_acquire(who(2), Mode::Read), Err(Busy::Others));
        assert!(lock.release(writing));
        guarded.is_free();
    });
}
