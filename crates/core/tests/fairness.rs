//! Nobody starves: who waits longest is served first, and nobody who comes
//! later is served before.
#![cfg(not(loom))]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "outside of the crate, threads share what the standard library has"
)]

mod support;

use self::support::{LONG, eventually};
use interlane_core::{Refused, Wait, channel};
use std::thread;

const MANY: usize = 8;

/// The rounds of eight that each of these makes once.
fn assert_round_robin(turns: &[usize]) {
    let (first, rest) = turns.split_at(MANY);
    let mut sorted = first.to_vec();
    sorted.sort_unstable();
    assert_eq!(sorted, (0..MANY).collect::<Vec<_>>());
    for round in rest.chunks(MANY) {
        assert_eq!(round, first);
    }
}

fn senders_take_turns(capacity: usize) {
    let (sender, receiver) = channel(Some(capacity));
    for _ in 0..capacity {
        sender.try_send(MANY).unwrap();
    }
    let threads: Vec<_> = (0..MANY)
        .map(|number| {
            let sender = sender.try_clone().unwrap();
            thread::spawn(move || while sender.send(number, &Wait::within(LONG)).is_ok() {})
        })
        .collect();
    let mut turns = Vec::new();
    for _ in 0..capacity + 10 * MANY {
        // All of them are in line again.
        eventually("all wait", || {
            receiver.channel().statistics().waiting_senders == MANY
        });
        turns.push(receiver.recv(&Wait::within(LONG)).unwrap());
    }
    receiver.close();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_round_robin(&turns[capacity..]);
}

#[test]
fn eight_senders_that_wait_take_turns() {
    senders_take_turns(0);
    senders_take_turns(4);
}

#[test]
fn eight_receivers_that_wait_take_turns() {
    for capacity in [Some(0), Some(4), None] {
        let (sender, receiver) = channel(capacity);
        let (said, heard) = channel(None);
        let threads: Vec<_> = (0..MANY)
            .map(|number| {
                let (receiver, said) = (receiver.try_clone().unwrap(), said.try_clone().unwrap());
                thread::spawn(move || {
                    while let Ok(()) = receiver.recv(&Wait::within(LONG)) {
                        said.try_send(number).unwrap();
                    }
                })
            })
            .collect();
        let mut turns = Vec::new();
        for _ in 0..10 * MANY {
            eventually("all wait", || {
                sender.channel().statistics().waiting_receivers == MANY
            });
            sender.try_send(()).unwrap();
            turns.push(heard.recv(&Wait::within(LONG)).unwrap());
        }
        sender.close();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_round_robin(&turns);
    }
}

/// Also when they come and go as they like, everybody gets something, and a channel never holds more than it may.
#[test]
fn eight_by_eight_all_get_on_and_the_capacity_holds() {
    for capacity in [Some(0), Some(4), None] {
        let (sender, receiver) = channel(capacity);
        let receivers: Vec<_> = (0..MANY)
            .map(|_| {
                let receiver = receiver.try_clone().unwrap();
                thread::spawn(move || {
                    let mut got = Vec::new();
                    loop {
                        match receiver.recv(&Wait::within(LONG)) {
                            Ok(item) => got.push(item),
                            Err(reason) => {
                                assert_eq!(reason, Refused::Ended);
                                return got;
                            }
                        }
                    }
                })
            })
            .collect();
        eventually("all wait", || {
            sender.channel().statistics().waiting_receivers == MANY
        });
        let senders: Vec<_> = (0..MANY)
            .map(|number| {
                let sender = sender.try_clone().unwrap();
                thread::spawn(move || {
                    for item in 0..200 {
                        sender.send((number, item), &Wait::within(LONG)).unwrap();
                    }
                })
            })
            .collect();
        drop(sender);
        let channel = receiver.channel();
        while channel.statistics().open_senders > 0 {
            let now = channel.statistics();
            assert!(now.buffered <= capacity.unwrap_or(usize::MAX), "{now:?}");
            assert!(now.sent >= now.received && (now.sent - now.received) as usize == now.buffered);
        }
        for sender in senders {
            sender.join().unwrap();
        }
        let mut all = Vec::new();
        for receiver in receivers {
            let got = receiver.join().unwrap();
            assert!(!got.is_empty());
            for number in 0..MANY {
                // Of one sender, in its order.
                let items: Vec<_> = got.iter().filter(|it| it.0 == number).collect();
                assert!(items.is_sorted());
            }
            all.extend(got);
        }
        all.sort_unstable();
        let sent = (0..MANY).flat_map(|number| (0..200).map(move |item| (number, item)));
        assert!(all.into_iter().eq(sent));
    }
}
