//! What is measured, the same as in `benchmarks/scenarios.py`. Times are in microseconds, rates in thousands a
//! second.

use crate::link::Open;
use crate::pin::Processors;
use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

/// Measures as often as it is told to.
type Run = fn(&Open, &Processors, usize) -> Vec<f64>;

const TIMEOUT: Duration = Duration::from_secs(10);
const STOP: u64 = u64::MAX - 1;

pub(crate) const NAMES: [&str; 8] = [
    "int-round-trip",
    "wake-up",
    "wake-up-timed",
    "int-one-way",
    "crowd-1",
    "crowd-2",
    "crowd-4",
    "crowd-8",
];

/// A scenario, and how often it is usually repeated.
pub(crate) fn by_name(name: &str) -> Option<(Run, usize)> {
    match NAMES.iter().position(|&one| one == name)? {
        0 => Some((round_trip, 50_000)),
        1 => Some((|open, cpus, count| wake_up(open, cpus, count, false), 5)),
        2 => Some((|open, cpus, count| wake_up(open, cpus, count, true), 5)),
        3 => Some((one_way, 1_000_000)),
        4 => Some((|open, cpus, count| crowd(open, cpus, count, 1), 1_000_000)),
        5 => Some((|open, cpus, count| crowd(open, cpus, count, 2), 1_000_000)),
        6 => Some((|open, cpus, count| crowd(open, cpus, count, 4), 1_000_000)),
        _ => Some((|open, cpus, count| crowd(open, cpus, count, 8), 1_000_000)),
    }
}

/// There and back, both threads busy with nothing else.
fn round_trip(open: &Open, processors: &Processors, count: usize) -> Vec<f64> {
    let (there, back) = (open(), open());
    thread::scope(|scope| {
        scope.spawn(|| {
            processors.use_last();
            loop {
                let number = there.recv();
                back.send(number);
                if number == STOP {
                    break;
                }
            }
        });
        let trip = |number| {
            let start = Instant::now();
            there.send(number);
            back.recv();
            micros(start.elapsed())
        };
        for number in 0..count / 10 {
            trip(number as u64);
        }
        let times = (0..count).map(|number| trip(number as u64)).collect();
        trip(STOP);
        times
    })
}

/// From the send to the return of the receive, after a second without any.
fn wake_up(open: &Open, processors: &Processors, count: usize, timed: bool) -> Vec<f64> {
    let (there, back) = (open(), open());
    let zero = Instant::now();
    let now = || zero.elapsed().as_nanos() as u64;
    thread::scope(|scope| {
        scope.spawn(|| {
            processors.use_last();
            for _ in 0..count {
                let sent = if timed {
                    there.recv_within(TIMEOUT)
                } else {
                    there.recv()
                };
                back.send(now() - sent);
            }
        });
        (0..count)
            .map(|_| {
                thread::sleep(Duration::from_secs(1));
                there.send(now());
                back.recv() as f64 / 1e3
            })
            .collect()
    })
}

/// One thread sends `count` numbers, the other receives them.
fn one_way(open: &Open, processors: &Processors, count: usize) -> Vec<f64> {
    let (there, back) = (open(), open());
    thread::scope(|scope| {
        scope.spawn(|| {
            processors.use_last();
            back.send(0);
            for _ in 0..count {
                black_box(there.recv());
            }
            back.send(0);
        });
        back.recv();
        let start = Instant::now();
        for number in 0..count {
            there.send(number as u64);
        }
        back.recv();
        vec![count as f64 * 1e3 / micros(start.elapsed())]
    })
}

/// So many threads send `count` numbers all together, as many receive them, on whatever processors.
fn crowd(open: &Open, processors: &Processors, count: usize, threads: usize) -> Vec<f64> {
    let link = open();
    let each = count.div_ceil(threads);
    let ready = Barrier::new(2 * threads + 1);
    let start = thread::scope(|scope| {
        let receivers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    processors.use_all();
                    ready.wait();
                    while black_box(link.recv()) != STOP {}
                })
            })
            .collect();
        let senders: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    processors.use_all();
                    ready.wait();
                    for number in 0..each {
                        link.send(number as u64);
                    }
                })
            })
            .collect();
        ready.wait();
        let start = Instant::now();
        for sender in senders {
            sender.join().expect("it only sends");
        }
        for _ in receivers {
            link.send(STOP);
        }
        start
    });
    vec![(each * threads) as f64 * 1e3 / micros(start.elapsed())]
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
