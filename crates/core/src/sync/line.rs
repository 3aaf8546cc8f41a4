//! Who waits for a lock and its kin: a line, the longest first.
//!
//! A channel's waiters carry items; these carry who they are, so that a lock
//! can be handed to one, and can be told to look again without being served.

use super::futex::{Futex, Woke};
use super::spin::Spin;
use super::wait::{Abandon, Sleeper, Wait, sleep};
use crate::channel::{Notify, Refused};
use crate::primitive::{Arc, Mutex, MutexGuard, Ordering, lock};
use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

/// States of a waiter's word.
///
/// | word | state | in the line | who gets it there |
/// |---|---|---|---|
/// | `WAITING` | not asleep (yet) | yes | is born so; the waiting thread, from `NUDGED`, under the line's lock |
/// | `PARKED` | to be woken: asleep or about to be | yes | the waiting thread, from `WAITING`; where no thread waits, what `WAITING` is otherwise |
/// | `NUDGED` | should look again | yes | who holds the line's lock, from the two above |
/// | `ABANDONED` | should give up | yes | anybody, from the three above |
/// | `SERVED`, `GONE` | completed, for good | no | who holds the line's lock, from any above |
///
/// A completion overrides being abandoned.
const WAITING: u32 = 0;
const PARKED: u32 = 1;
const NUDGED: u32 = 2;
const ABANDONED: u32 = 3;
const SERVED: u32 = 4;
const GONE: u32 = 5;

/// A thread of some runtime, in the embedder's numbers. All zeroes is nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Who {
    /// The runtime's number.
    pub runtime: u64,
    /// The thread's number; not zero.
    pub thread: u64,
}

/// How a wait was completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// What was waited for has happened.
    Served,
    /// It never will: the holder of the lock has gone, or the barrier is
    /// broken.
    Gone,
}

/// One call that waits.
pub(crate) struct Waiter {
    state: Futex,
    /// Instead of a thread that sleeps.
    notify: Option<Arc<dyn Notify>>,
    pub(crate) who: Who,
    pub(crate) since: Instant,
    /// What the kind of line makes of it.
    pub(crate) tag: u64,
}

impl Waiter {
    /// Of a call that a thread waits in.
    pub(crate) fn new(who: Who, tag: u64) -> Arc<Self> {
        Self::with(WAITING, None, who, tag)
    }

    /// Of a call that no thread waits in.
    pub(crate) fn notifying(who: Who, tag: u64, notify: Arc<dyn Notify>) -> Arc<Self> {
        Self::with(PARKED, Some(notify), who, tag)
    }

    fn with(state: u32, notify: Option<Arc<dyn Notify>>, who: Who, tag: u64) -> Arc<Self> {
        Arc::new(Self {
            state: Futex::new(state),
            notify,
            who,
            since: Instant::now(),
            tag,
        })
    }

    /// The outcome, once there is one.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        // Acquire: pairs with the Release in `complete`, so that who was
        // served sees what was done before.
        match self.state.word().load(Ordering::Acquire) {
            SERVED => Some(Outcome::Served),
            GONE => Some(Outcome::Gone),
            _ => None,
        }
    }

    /// Completes the wait, of a waiter that was taken off the line, under the
    /// line's lock. Says whether the thread has to be woken.
    #[must_use]
    pub(crate) fn complete(&self, outcome: Outcome) -> bool {
        let word = match outcome {
            Outcome::Served => SERVED,
            Outcome::Gone => GONE,
        };
        // Release: see `outcome`.
        self.state.word().swap(word, Ordering::Release) == PARKED
    }

    /// Has the thread look again. Under the line's lock. Says whether it has
    /// to be woken.
    #[must_use]
    pub(crate) fn nudge(&self) -> bool {
        self.leave(&[WAITING, PARKED], NUDGED) == Some(PARKED)
    }

    /// By who waits, under the line's lock: it has looked. Says whether there
    /// was a reason to.
    pub(crate) fn was_nudged(&self) -> bool {
        let before = if self.notify.is_some() {
            PARKED
        } else {
            WAITING
        };
        self.leave(&[NUDGED], before).is_some()
    }

    /// Has something happened that the thread should get up for?
    pub(crate) fn is_called(&self) -> bool {
        // Relaxed: whoever acts on it looks again.
        !matches!(self.state.word().load(Ordering::Relaxed), WAITING | PARKED)
    }

    pub(crate) fn wake(&self) {
        match &self.notify {
            None => self.state.wake_one(),
            Some(notify) => notify.notify(),
        }
    }

    /// Changes the word from one of these, in the order in which they may
    /// follow each other. Relaxed: these move no data.
    fn leave(&self, from: &[u32], to: u32) -> Option<u32> {
        let word = self.state.word();
        let change = |from| word.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed);
        from.iter().copied().find(|&from| change(from).is_ok())
    }
}

impl fmt::Debug for Waiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiter")
            .field("who", &self.who)
            .field("outcome", &self.outcome())
            .finish_non_exhaustive()
    }
}

impl Sleeper for Waiter {
    fn park(&self) -> bool {
        let parked = self.state.word().compare_exchange(
            WAITING,
            PARKED,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        matches!(parked, Ok(_) | Err(PARKED))
    }

    fn sleep(&self, until: Option<Instant>) -> Woke {
        self.state.wait(PARKED, until)
    }
}

impl Abandon for Waiter {
    fn abandon(&self) {
        if self.leave(&[WAITING, PARKED, NUDGED], ABANDONED) == Some(PARKED) {
            self.wake();
        }
    }

    fn is_waiting(&self) -> bool {
        !self.is_called()
    }
}

/// Those who wait, under a lock that also guards what they wait for. It is
/// held for a few steps only, and while nothing foreign runs.
#[derive(Debug)]
pub(crate) struct Line {
    waiters: Mutex<Waiters>,
    spin: Spin,
}

pub(crate) type Waiters = VecDeque<Arc<Waiter>>;

/// Threads to wake once the lock is given back: to be declared *before* its
/// guard, so that it is dropped after it.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    /// Nearly always the only one: no memory is needed for it.
    first: Option<Arc<Waiter>>,
    others: Vec<Arc<Waiter>>,
}

impl Calls {
    pub(crate) fn add(&mut self, waiter: Arc<Waiter>) {
        match self.first {
            None => self.first = Some(waiter),
            Some(_) => self.others.push(waiter),
        }
    }

    /// Completes a waiter that was taken off the line.
    pub(crate) fn complete(&mut self, waiter: Arc<Waiter>, outcome: Outcome) {
        if waiter.complete(outcome) {
            self.add(waiter);
        }
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        for waiter in self.first.iter().chain(&self.others) {
            waiter.wake();
        }
    }
}

impl Line {
    pub(crate) fn new() -> Self {
        Self {
            waiters: Mutex::new(VecDeque::new()),
            spin: Spin::new(),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Waiters> {
        lock(&self.waiters)
    }

    /// Gives a waiter's place up; tells how the wait was completed, if it was.
    pub(crate) fn give_up(&self, waiter: &Arc<Waiter>) -> Option<Outcome> {
        let mut waiters = self.lock();
        let outcome = waiter.outcome();
        if outcome.is_none() {
            withdraw(&mut waiters, waiter);
        }
        outcome
    }

    /// Spins until `over` says true, or it isn't worth it any more.
    pub(crate) fn spin_until(&self, over: impl Fn() -> bool) -> bool {
        let over = self.spin.until(over);
        if over {
            self.spin.learn(Duration::ZERO);
        }
        over
    }

    /// Sleeps until the waiter is called, or there is a reason to give up.
    pub(crate) fn sleep(&self, waiter: &Arc<Waiter>, wait: &Wait<'_>) -> Refused {
        let began = Instant::now();
        let reason = sleep(waiter, wait);
        self.spin.learn(began.elapsed());
        reason
    }
}

/// Takes a waiter off the line; `false` when it was not in it.
pub(crate) fn withdraw(waiters: &mut Waiters, waiter: &Arc<Waiter>) -> bool {
    let place = waiters.iter().position(|it| Arc::ptr_eq(it, waiter));
    place.and_then(|place| waiters.remove(place)).is_some()
}

/// A place in a line where one is simply called in the end: that of an
/// [`Event`](crate::Event), a [`Condition`](crate::Condition), a
/// [`Barrier`](crate::Barrier) or a [`Number`](crate::Number).
/// Dropped, it is given up.
#[derive(Debug)]
pub struct Waiting<'a> {
    line: &'a Line,
    waiter: Arc<Waiter>,
    /// Is it the only one? Only then does it spin.
    first: bool,
}

impl<'a> Waiting<'a> {
    /// At the end of the line, which is locked.
    pub(crate) fn enlist(line: &'a Line, waiters: &mut Waiters, who: Who, tag: u64) -> Self {
        let waiter = Waiter::new(who, tag);
        waiters.push_back(Arc::clone(&waiter));
        Self {
            line,
            waiter,
            first: waiters.len() == 1,
        }
    }

    /// Waits to be called.
    ///
    /// # Errors
    ///
    /// [`Refused::TimedOut`] and [`Refused::Abandoned`], after which the place
    /// is given up; [`Refused::Interrupted`], after which it can be called
    /// again. A call that comes at the last moment counts.
    pub fn settle(&self, wait: &Wait<'_>) -> Result<Outcome, Refused> {
        self.settle_unless(wait, |_, _, _| false)
    }

    /// As [`settle`](Self::settle); `stays` is asked, under the line's lock,
    /// before the place is given up, and whether that is to be done at all.
    pub(crate) fn settle_unless(
        &self,
        wait: &Wait<'_>,
        stays: impl FnOnce(Refused, &mut Waiters, &mut Calls) -> bool,
    ) -> Result<Outcome, Refused> {
        let called = || self.waiter.is_called();
        let mut reason = Refused::Abandoned;
        if !(self.first && self.line.spin_until(called)) {
            reason = self.line.sleep(&self.waiter, wait);
        }
        if let Some(outcome) = self.waiter.outcome() {
            return Ok(outcome);
        }
        if reason == Refused::Interrupted {
            return Err(reason);
        }
        let mut calls = Calls::default();
        let mut waiters = self.line.lock();
        if let Some(outcome) = self.waiter.outcome() {
            return Ok(outcome);
        }
        if !stays(reason, &mut waiters, &mut calls) {
            withdraw(&mut waiters, &self.waiter);
        }
        Err(reason)
    }

    /// Gives the place up; `true` when it had been called already.
    pub fn leave(self) -> bool {
        self.line.give_up(&self.waiter).is_some()
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.waiter.outcome().is_none() {
            self.line.give_up(&self.waiter);
        }
    }
}
