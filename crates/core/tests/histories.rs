//! Channels are linearizable queues: each recorded history of calls, with
//! their beginnings and ends, has an order in which a queue would have
//! answered the same, and in which no call comes before one that had ended
//! when it began.
#![cfg(not(loom))]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "outside of the crate, threads share what the standard library has"
)]

mod support;

use self::support::LONG;
use interlane_core::{Receiver, Refused, Sender, Wait, channel};
use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

type Capacity = Option<usize>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Did {
    Sent(u32),
    /// One try: there was no room.
    FoundFull,
    Received(u32),
    /// One try: there was nothing.
    FoundEmpty,
}

/// One call, and when it began and ended: no two moments are the same.
#[derive(Clone, Copy, Debug)]
struct Call {
    did: Did,
    began: u64,
    ended: u64,
}

/// The search for such an order (Wing and Gong, 1993), which remembers where
/// it has been (Lowe, 2017).
struct Search<'a> {
    history: &'a [Call],
    capacity: Capacity,
    been: HashSet<(u64, Vec<u32>)>,
}

fn is_linearizable(history: &[Call], capacity: Capacity) -> bool {
    assert!(history.len() < 64, "a bit for each call");
    let mut search = Search {
        history,
        capacity,
        been: HashSet::new(),
    };
    search.goes_on(0, &VecDeque::new())
}

impl Search<'_> {
    /// Is there an order for the rest, with these calls done and this in the queue?
    fn goes_on(&mut self, done: u64, queue: &VecDeque<u32>) -> bool {
        if done.count_ones() as usize == self.history.len() {
            return true;
        }
        if !self.been.insert((done, queue.iter().copied().collect())) {
            return false;
        }
        let next = self.next(done);
        for &index in &next {
            let mut queue = queue.clone();
            let mut now = done | 1 << index;
            let possible = match self.history[index].did {
                // A rendezvous is one moment for both.
                Did::Sent(item) if self.capacity == Some(0) => {
                    let is_taker = |&other: &usize| self.history[other].did == Did::Received(item);
                    let taker = next.iter().copied().find(is_taker);
                    now |= taker.map_or(0, |taker| 1 << taker);
                    taker.is_some()
                }
                Did::Received(_) | Did::FoundFull | Did::FoundEmpty if self.capacity == Some(0) => {
                    !matches!(self.history[index].did, Did::Received(_))
                }
                Did::Sent(item) => {
                    queue.push_back(item);
                    self.capacity.is_none_or(|most| queue.len() <= most)
                }
                Did::FoundFull => self.capacity == Some(queue.len()),
                Did::Received(item) => queue.pop_front() == Some(item),
                Did::FoundEmpty => queue.is_empty(),
            };
            if possible && self.goes_on(now, &queue) {
                return true;
            }
        }
        false
    }

    /// The calls that may be next: none of the others ended before they began.
    fn next(&self, done: u64) -> Vec<usize> {
        let left = || (0..self.history.len()).filter(|index| done & 1 << index == 0);
        let first_end = left().map(|index| self.history[index].ended).min();
        left()
            .filter(|&index| first_end.is_some_and(|end| self.history[index].began <= end))
            .collect()
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut random = self.0;
        random = (random ^ (random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        random = (random ^ (random >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (random ^ (random >> 31)) % bound
    }
}

/// What one thread did.
struct Recorder {
    clock: Arc<AtomicU64>,
    calls: Vec<Call>,
    random: Random,
}

impl Recorder {
    fn record<R>(&mut self, call: impl FnOnce() -> R, did: impl FnOnce(&R) -> Option<Did>) -> R {
        let began = self.clock.fetch_add(1, Ordering::SeqCst);
        let result = call();
        let ended = self.clock.fetch_add(1, Ordering::SeqCst);
        if let Some(did) = did(&result) {
            self.calls.push(Call { did, began, ended });
        }
        result
    }

    fn pause(&mut self) {
        for _ in 0..self.random.below(3) {
            thread::yield_now();
        }
    }

    fn send(&mut self, sender: &Sender<u32>, items: std::ops::Range<u32>) {
        for item in items {
            self.pause();
            if self.random.below(2) == 0 {
                let tried = self.record(
                    || sender.try_send(item),
                    |result| Some(result.as_ref().map_or(Did::FoundFull, |()| Did::Sent(item))),
                );
                if tried.is_ok() {
                    continue;
                }
            }
            let sent = self.record(
                || sender.send(item, &Wait::within(LONG)),
                |_| Some(Did::Sent(item)),
            );
            sent.unwrap();
        }
    }

    fn receive(&mut self, receiver: &Receiver<u32>) {
        let mut tries = 0;
        loop {
            self.pause();
            if tries < 3 && self.random.below(3) == 0 {
                tries += 1;
                let _item_or_not = self.record(
                    || receiver.try_recv(),
                    |result| match result {
                        Ok(item) => Some(Did::Received(*item)),
                        Err(Refused::Empty) => Some(Did::FoundEmpty),
                        Err(_) => None,
                    },
                );
                continue;
            }
            let received = self.record(
                || receiver.recv(&Wait::within(LONG)),
                |result| result.ok().map(Did::Received),
            );
            match received {
                Ok(_) => {}
                Err(reason) => return assert_eq!(reason, Refused::Ended),
            }
        }
    }
}

/// Two that send and two that receive, all at once.
fn history(capacity: Capacity, seed: u64) -> Vec<Call> {
    let (sender, receiver) = channel(capacity);
    let clock = Arc::new(AtomicU64::new(0));
    let start = Arc::new(Barrier::new(4));
    let threads: Vec<_> = (0..4)
        .map(|place| {
            let start = Arc::clone(&start);
            let mut recorder = Recorder {
                clock: Arc::clone(&clock),
                calls: Vec::new(),
                random: Random(seed * 4 + place),
            };
            let sender = (place < 2).then(|| sender.try_clone().unwrap());
            let receiver = receiver.try_clone().unwrap();
            thread::spawn(move || {
                start.wait();
                match sender {
                    Some(sender) => {
                        let first = place as u32 * 100;
                        recorder.send(&sender, first..first + 5);
                    }
                    None => recorder.receive(&receiver),
                }
                recorder.calls
            })
        })
        .collect();
    drop(sender);
    threads
        .into_iter()
        .flat_map(|thread| thread.join().unwrap())
        .collect()
}

fn all_are_linearizable(capacity: Capacity) {
    let mut overlapped = 0;
    for seed in 0..400 {
        let history = history(capacity, seed);
        let sent = |it: &&Call| matches!(it.did, Did::Sent(_));
        assert_eq!(history.iter().filter(sent).count(), 10);
        assert!(
            is_linearizable(&history, capacity),
            "capacity {capacity:?}, seed {seed}: {history:#?}"
        );
        overlapped += usize::from(history.iter().any(|one| {
            history
                .iter()
                .any(|other| one.began < other.began && other.began < one.ended)
        }));
    }
    assert!(overlapped > 0, "nothing happened at the same time");
}

#[test]
fn histories_of_an_unbounded_channel_are_linearizable() {
    all_are_linearizable(None);
}

#[test]
fn histories_of_bounded_channels_are_linearizable() {
    all_are_linearizable(Some(1));
    all_are_linearizable(Some(3));
}

#[test]
fn histories_of_a_rendezvous_are_linearizable() {
    all_are_linearizable(Some(0));
}

/// Calls one after the other.
fn in_turn(did: &[Did]) -> Vec<Call> {
    let calls = (0..).zip(did).map(|(place, &did)| Call {
        did,
        began: 2 * place,
        ended: 2 * place + 1,
    });
    calls.collect()
}

#[test]
fn the_check_notices_what_no_queue_would_do() {
    use Did::{FoundEmpty, FoundFull, Received, Sent};
    let wrong: [(&str, &[Did], Capacity); 8] = [
        ("order", &[Sent(1), Sent(2), Received(2), Received(1)], None),
        ("twice", &[Sent(1), Received(1), Received(1)], None),
        ("never sent", &[Received(1), Sent(1)], None),
        ("lost", &[Sent(1), Sent(2), Received(2)], None),
        ("not empty", &[Sent(1), FoundEmpty, Received(1)], None),
        (
            "too many",
            &[Sent(1), Sent(2), Sent(3), Received(1)],
            Some(2),
        ),
        ("not full", &[Sent(1), FoundFull, Received(1)], Some(2)),
        ("nobody there", &[Sent(1), Received(1)], Some(0)),
    ];
    for (what, did, capacity) in wrong {
        assert!(!is_linearizable(&in_turn(did), capacity), "{what}");
    }
    let right: [(&[Did], Capacity); 2] = [
        (
            &[Sent(1), Sent(2), FoundFull, Received(1), Sent(3)],
            Some(2),
        ),
        (&[FoundEmpty, FoundFull], Some(0)),
    ];
    for (did, capacity) in right {
        assert!(is_linearizable(&in_turn(did), capacity));
    }
    // What happens at the same time may be in either order.
    let mut calls = in_turn(&[Sent(1), Sent(2), Received(2), Received(1)]);
    calls[0].ended = calls[1].ended + 1;
    calls[1].ended -= 1;
    assert!(is_linearizable(&calls, None));
    // And a rendezvous is at the same time.
    let mut calls = in_turn(&[Sent(1), Received(1)]);
    calls[0].ended = 10;
    assert!(is_linearizable(&calls, Some(0)));
}

#[test]
fn the_check_notices_a_recorded_history_that_was_tampered_with() {
    for seed in 0..20 {
        let mut calls = history(Some(3), seed);
        // Two items of one sender that were received one after the other: swapped, one overtook. Of the five
        // or more that one receiver got, three have one sender: there are such two, whoever was stopped.
        let received: Vec<_> = (0..calls.len())
            .filter_map(|place| match calls[place].did {
                Did::Received(item) => Some((place, item)),
                _ => None,
            })
            .collect();
        let mut pairs = received
            .iter()
            .flat_map(|&one| received.iter().map(move |&other| (one, other)));
        let ((first, _), (last, _)) = pairs
            .find(|&((first, one), (last, other))| {
                one / 100 == other / 100 && calls[first].ended < calls[last].began
            })
            .unwrap();
        let did = calls[first].did;
        calls[first].did = calls[last].did;
        calls[last].did = did;
        assert!(!is_linearizable(&calls, Some(3)), "seed {seed}");
    }
}
