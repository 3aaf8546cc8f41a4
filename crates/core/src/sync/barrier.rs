//! A barrier that several runtimes share.
//!
//! Between two critical sections, where `P` is how many it takes:
//!
//! | state | in line | next |
//! |---|---|---|
//! | filling | fewer than `P`, none at the door | the `P`th to come: tripped |
//! | tripped | `P - 1`, and any number at the door | the last one is done with what it does for all: filling |
//! | broken | nobody | reset: filling |
//!
//! Who comes while it is tripped waits at the door, and then comes again.

use super::line::{Calls, Line, Outcome, Waiters, Waiting, Who};
use super::place::Place;
use super::wait::Wait;
use crate::channel::{Notify, Refused};
use crate::primitive::{Arc, AtomicU64, Ordering};

const FILLING: u64 = 0;
const BROKEN: u64 = 1;
/// And from there on: how often it was tripped, so that who has tripped it
/// knows whether that still counts.
const TRIPPED: u64 = 2;

/// The tag of those at the door; the others' is the place in which they came.
const DOOR: u64 = u64::MAX;

/// A place where threads wait until there are enough of them.
#[derive(Debug)]
pub struct Barrier {
    parties: u64,
    /// Written under the line's lock.
    state: AtomicU64,
    trips: AtomicU64,
    line: Line,
}

/// What came of an arrival.
#[derive(Debug)]
pub enum Arrival<'a, W = Party<'a>> {
    /// It was the last: what is to be done before all go on is done now, and
    /// then [`Trip::finish`] is called.
    Last(Trip<'a>),
    /// It waits for others.
    Waiting(W),
    /// The barrier is broken.
    Broken,
}

/// What ended a party's wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// All go on; this one was the so-manieth to come.
    Passed(u64),
    /// The barrier was broken, or reset.
    Broken,
    /// It waited for the others to get through: it should come again.
    Again,
}

/// One that waits at the barrier.
#[derive(Debug)]
pub struct Party<'a> {
    barrier: &'a Barrier,
    waiting: Waiting<'a>,
    place: u64,
}

/// The barrier between the last arrival and the moment in which all go on.
/// Dropped without [`finish`](Self::finish), it breaks the barrier.
#[derive(Debug)]
pub struct Trip<'a> {
    barrier: &'a Barrier,
    state: u64,
}

impl Barrier {
    /// A barrier for so many parties, at least one.
    pub fn new(parties: u64) -> Self {
        Self {
            parties: parties.max(1),
            state: AtomicU64::new(FILLING),
            trips: AtomicU64::new(0),
            line: Line::new(),
        }
    }

    /// How many it takes.
    pub fn parties(&self) -> u64 {
        self.parties
    }

    /// How many wait for the others.
    pub fn waiting(&self) -> usize {
        let waiters = self.line.lock();
        match self.state() {
            FILLING => waiters.len(),
            _ => 0,
        }
    }

    /// Whether it is broken.
    pub fn is_broken(&self) -> bool {
        self.state() == BROKEN
    }

    /// Arrives.
    pub fn arrive(&self, who: Who) -> Arrival<'_> {
        self.come(|waiters, place| Party {
            barrier: self,
            waiting: Waiting::enlist(&self.line, waiters, who, place),
            place,
        })
    }

    /// As [`arrive`](Self::arrive), for a call that no thread waits in.
    /// `notify` is told once [`passage`](Self::passage) has an answer, or never,
    /// if it is given up.
    pub fn begin(&self, who: Who, notify: Arc<dyn Notify>) -> Arrival<'_, Place> {
        self.come(|waiters, place| Place::enlist(waiters, who, place, notify))
    }

    fn come<W>(&self, wait: impl FnOnce(&mut Waiters, u64) -> W) -> Arrival<'_, W> {
        let mut waiters = self.line.lock();
        let place = match self.state() {
            BROKEN => return Arrival::Broken,
            FILLING if waiters.len() as u64 + 1 == self.parties => {
                let state = TRIPPED + self.trips.fetch_add(1, Ordering::Relaxed);
                self.state.store(state, Ordering::Relaxed);
                return Arrival::Last(Trip {
                    barrier: self,
                    state,
                });
            }
            FILLING => free_place(&waiters),
            _ => DOOR,
        };
        Arrival::Waiting(wait(&mut waiters, place))
    }

    /// What ended the wait in a place, once something has.
    pub fn passage(&self, place: &Place) -> Option<Passage> {
        place.outcome().map(|it| passage(place.0.tag, it))
    }

    /// Gives a place up, which another one may take: the barrier stays as it
    /// is. Tells what ended the wait, if something has.
    pub fn leave(&self, place: &Place) -> Option<Passage> {
        let outcome = self.line.give_up(&place.0);
        outcome.map(|it| passage(place.0.tag, it))
    }

    /// Breaks it: whoever waits, or will wait, is told so.
    pub fn abort(&self) {
        self.end(BROKEN);
    }

    /// Makes it as new; whoever waits is told that it is broken.
    pub fn reset(&self) {
        self.end(FILLING);
    }

    fn end(&self, state: u64) {
        let mut calls = Calls::default();
        let mut waiters = self.line.lock();
        self.set(state, &mut waiters, &mut calls, Outcome::Gone);
    }

    fn set(&self, state: u64, waiters: &mut Waiters, calls: &mut Calls, outcome: Outcome) {
        self.state.store(state, Ordering::Relaxed);
        for waiter in waiters.drain(..) {
            calls.complete(waiter, outcome);
        }
    }

    /// Relaxed: decides something only under the line's lock.
    fn state(&self) -> u64 {
        self.state.load(Ordering::Relaxed)
    }
}

impl Party<'_> {
    /// Waits for the others.
    ///
    /// # Errors
    ///
    /// [`Refused::TimedOut`] and [`Refused::Abandoned`], which break the
    /// barrier: somebody will be missing. [`Refused::Interrupted`], after
    /// which it can be called again.
    pub fn settle(&self, wait: &Wait<'_>) -> Result<Passage, Refused> {
        let barrier = self.barrier;
        loop {
            // At the door, and when only the last one's work is missing, there
            // is nobody who might not come.
            let is_tripped = self.place == DOOR || barrier.state() >= TRIPPED;
            let deadline = wait.deadline.filter(|_| !is_tripped);
            let mut stays = false;
            let settled = self.waiting.settle_unless(
                &Wait { deadline, ..*wait },
                |reason, waiters, calls| {
                    stays = reason == Refused::TimedOut && barrier.state() >= TRIPPED;
                    if !stays && self.place != DOOR {
                        barrier.set(BROKEN, waiters, calls, Outcome::Gone);
                    }
                    stays
                },
            );
            match settled {
                Ok(outcome) => return Ok(passage(self.place, outcome)),
                Err(_) if stays => {}
                Err(reason) => return Err(reason),
            }
        }
    }
}

/// The first place that nobody has: the next one, unless somebody has given up.
fn free_place(waiters: &Waiters) -> u64 {
    let next = waiters.len() as u64;
    if waiters.iter().all(|waiter| waiter.tag < next) {
        return next;
    }
    let is_taken = |place: &u64| waiters.iter().any(|waiter| waiter.tag == *place);
    (0..next).find(|place| !is_taken(place)).unwrap_or(next)
}

fn passage(place: u64, outcome: Outcome) -> Passage {
    match outcome {
        Outcome::Gone => Passage::Broken,
        Outcome::Served if place == DOOR => Passage::Again,
        Outcome::Served => Passage::Passed(place),
    }
}

impl Trip<'_> {
    /// All go on. Gives the place of the last one.
    pub fn finish(self) -> u64 {
        self.end(FILLING, Outcome::Served);
        self.barrier.parties - 1
    }

    /// Unless somebody has broken or reset it meanwhile.
    fn end(&self, state: u64, outcome: Outcome) {
        let mut calls = Calls::default();
        let mut waiters = self.barrier.line.lock();
        if self.barrier.state() == self.state {
            self.barrier.set(state, &mut waiters, &mut calls, outcome);
        }
    }
}

impl Drop for Trip<'_> {
    fn drop(&mut self) {
        self.end(BROKEN, Outcome::Gone);
    }
}
