//! A process that binds its threads before it makes its first channel. Alone
//! in its file: what is known of the processors is known for the process.
#![cfg(all(target_os = "linux", not(loom)))]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "outside of the crate, threads share what the standard library has"
)]

use interlane_core::{Wait, channel};
use std::mem;
use std::thread;
use std::time::{Duration, Instant};

/// Enough for a machine that is busy with other things.
const LONG: Duration = Duration::from_secs(120);

fn allowed() -> Vec<usize> {
    // SAFETY: a set of bits, for which zeroes are valid; the call writes
    // within the size that it is told.
    unsafe {
        let mut set: libc::cpu_set_t = mem::zeroed();
        libc::sched_getaffinity(0, size_of_val(&set), &raw mut set);
        let all = 0..libc::CPU_SETSIZE as usize;
        all.filter(|&cpu| libc::CPU_ISSET(cpu, &set)).collect()
    }
}

fn bind(cpu: usize) {
    // SAFETY: as above, and the call only reads it.
    unsafe {
        let mut set: libc::cpu_set_t = mem::zeroed();
        libc::CPU_SET(cpu, &mut set);
        libc::sched_setaffinity(0, size_of_val(&set), &raw const set);
    }
}

/// How often this thread went to sleep.
fn sleeps() -> i64 {
    // SAFETY: the record is writable, and zeroes are valid for it.
    unsafe {
        let mut usage: libc::rusage = mem::zeroed();
        libc::getrusage(libc::RUSAGE_THREAD, &raw mut usage);
        usage.ru_nvcsw
    }
}

#[test]
fn threads_that_are_bound_to_a_processor_each_spin_all_the_same() {
    let cpus = allowed();
    let [first, second, ..] = cpus[..] else {
        return; // one processor: nobody spins, and nobody should
    };
    bind(first);
    let (there, inbox) = channel(None);
    let (outbox, back) = channel(None);
    let echo = thread::spawn(move || {
        bind(second);
        while let Ok(number) = inbox.recv(&Wait::forever()) {
            outbox.try_send(number).unwrap();
        }
    });
    let began = Instant::now();
    loop {
        let before = sleeps();
        for number in 0..1000 {
            there.try_send(number).unwrap();
            assert_eq!(back.recv(&Wait::forever()), Ok(number));
        }
        // Without spinning it is a thousand.
        if sleeps() - before < 500 {
            break;
        }
        assert!(began.elapsed() < LONG, "every wait is a sleep");
    }
    drop(there);
    echo.join().unwrap();
}
