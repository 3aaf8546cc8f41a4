//! What is compared: ways to get a number from one thread to another.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

/// One direction.
pub(crate) trait Link: Send + Sync {
    fn send(&self, number: u64);
    fn recv(&self) -> u64;
    fn recv_within(&self, timeout: Duration) -> u64;
}

/// Opens one.
pub(crate) type Open = fn() -> Box<dyn Link>;

pub(crate) const CONTENDERS: [(&str, Open); 6] = [
    ("Rust, crossbeam", || {
        Box::new(Ends(crossbeam_channel::unbounded()))
    }),
    ("Rust, kanal", || Box::new(Ends(kanal::unbounded()))),
    ("Rust, flume", || Box::new(Ends(flume::unbounded()))),
    ("Rust, interlane-core", || {
        Box::new(Ends(interlane_core::channel(None)))
    }),
    ("Rust, park and unpark", || Box::new(Slot::default())),
    ("Rust, crossbeam, selected over 16", || {
        Box::new(Selected(
            (0..16).map(|_| crossbeam_channel::unbounded()).collect(),
        ))
    }),
];

const GONE: &str = "both ends are here";

/// Sender and receiver of a channel.
struct Ends<S, R>((S, R));

impl Link for Ends<crossbeam_channel::Sender<u64>, crossbeam_channel::Receiver<u64>> {
    fn send(&self, number: u64) {
        self.0.0.send(number).expect(GONE);
    }

    fn recv(&self) -> u64 {
        self.0.1.recv().expect(GONE)
    }

    fn recv_within(&self, timeout: Duration) -> u64 {
        self.0.1.recv_timeout(timeout).expect("in time")
    }
}

impl Link for Ends<kanal::Sender<u64>, kanal::Receiver<u64>> {
    fn send(&self, number: u64) {
        self.0.0.send(number).expect(GONE);
    }

    fn recv(&self) -> u64 {
        self.0.1.recv().expect(GONE)
    }

    fn recv_within(&self, timeout: Duration) -> u64 {
        self.0.1.recv_timeout(timeout).expect("in time")
    }
}

impl Link for Ends<flume::Sender<u64>, flume::Receiver<u64>> {
    fn send(&self, number: u64) {
        self.0.0.send(number).expect(GONE);
    }

    fn recv(&self) -> u64 {
        self.0.1.recv().expect(GONE)
    }

    fn recv_within(&self, timeout: Duration) -> u64 {
        self.0.1.recv_timeout(timeout).expect("in time")
    }
}

impl Link for Ends<interlane_core::Sender<u64>, interlane_core::Receiver<u64>> {
    fn send(&self, number: u64) {
        self.0.0.try_send(number).expect(GONE);
    }

    fn recv(&self) -> u64 {
        self.0.1.recv(&interlane_core::Wait::forever()).expect(GONE)
    }

    fn recv_within(&self, timeout: Duration) -> u64 {
        let wait = interlane_core::Wait::within(timeout);
        self.0.1.recv(&wait).expect("in time")
    }
}

/// Channels of which one, in the middle, is used, and a receiver that waits in all of them.
struct Selected(
    Vec<(
        crossbeam_channel::Sender<u64>,
        crossbeam_channel::Receiver<u64>,
    )>,
);

impl Selected {
    fn select(&self) -> crossbeam_channel::Select<'_> {
        let mut select = crossbeam_channel::Select::new();
        for (_, receiver) in &self.0 {
            select.recv(receiver);
        }
        select
    }

    fn finish(&self, operation: crossbeam_channel::SelectedOperation<'_>) -> u64 {
        let receiver = &self.0[operation.index()].1;
        operation.recv(receiver).expect(GONE)
    }
}

impl Link for Selected {
    fn send(&self, number: u64) {
        self.0[self.0.len() / 2].0.send(number).expect(GONE);
    }

    fn recv(&self) -> u64 {
        self.finish(self.select().select())
    }

    fn recv_within(&self, timeout: Duration) -> u64 {
        self.finish(self.select().select_timeout(timeout).expect("in time"))
    }
}

/// A word, and a receiver that parks: the least that a wake-up can cost. Holds
/// one number only, so it is none for a one-way race.
#[derive(Default)]
struct Slot {
    /// The number plus one; 0 is empty.
    word: AtomicU64,
    receiver: OnceLock<Thread>,
}

impl Slot {
    fn wait(&self, park: impl Fn()) -> u64 {
        self.receiver.get_or_init(thread::current);
        loop {
            match self.word.swap(0, Ordering::SeqCst) {
                0 => park(),
                number => return number - 1,
            }
        }
    }
}

impl Link for Slot {
    fn send(&self, number: u64) {
        self.word.store(number + 1, Ordering::SeqCst);
        // Whoever is not there yet looks at the word first.
        if let Some(receiver) = self.receiver.get() {
            receiver.unpark();
        }
    }

    fn recv(&self) -> u64 {
        self.wait(thread::park)
    }

    fn recv_within(&self, timeout: Duration) -> u64 {
        self.wait(|| thread::park_timeout(timeout))
    }
}
