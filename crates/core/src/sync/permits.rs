//! A number of permits that threads take and give back: what locks and
//! semaphores are made of.
//!
//! The word:
//!
//! | bits | meaning | changed |
//! |---|---|---|
//! | 0, `LINE` | the line is not empty | under the line's lock |
//! | 1, `GONE` | the holder's runtime has ended: no permit can be taken | under the line's lock |
//! | 2 and up | permits that are free | taken by anybody; given back by anybody while `LINE` is clear, else under the line's lock |
//!
//! Without waiters, taking and giving back are one atomic operation each. A
//! permit that is given back while others wait is free to whoever comes first:
//! the first in line is nudged to look, but a thread that is running anyway
//! may overtake it, since to hand every permit to a thread that has to be
//! woken first makes a convoy. So that nobody starves, a permit is handed over
//! once the first in line has waited for longer than [`PATIENCE`].
//!
//! Between two critical sections, as many of the first in line are nudged or
//! awake as there are free permits: giving up passes that on. Those that no
//! thread waits for are in the same line, and are told instead of woken.

use super::line::{Calls, Line, Outcome, Waiter, Waiters, Who, withdraw};
use super::place::Place;
use super::wait::Wait;
use crate::channel::{Notify, Refused};
use crate::primitive::{Arc, AtomicU64, Ordering};
use std::cell::Cell;
use std::time::Duration;

const LINE: u64 = 1;
const GONE: u64 = 2;
const ONE: u64 = 4;
const FLAGS: u64 = LINE | GONE;

/// The most permits that there can be.
pub(super) const MOST: u64 = u64::MAX / ONE;

/// How long the first in line is overtaken, unless said otherwise.
pub(super) const PATIENCE: Duration = Duration::from_millis(1);

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Permits {
    word: AtomicU64,
    line: Line,
    holder: Option<Holder>,
    patience: Duration,
}

/// Who has the only permit. A hint, but for the two uses that say otherwise;
/// Relaxed throughout.
#[derive(Debug)]
pub(super) struct Holder {
    runtime: AtomicU64,
    thread: AtomicU64,
}

impl Holder {
    pub(super) fn new() -> Self {
        Self {
            runtime: AtomicU64::new(0),
            thread: AtomicU64::new(0),
        }
    }

    /// Written by who has the permit, or hands it over.
    fn set(&self, who: Who) {
        self.runtime.store(who.runtime, Ordering::Relaxed);
        self.thread.store(who.thread, Ordering::Relaxed);
    }

    /// Exact for the holder itself, and for everybody else as long as it does
    /// nothing.
    pub(super) fn get(&self) -> Option<Who> {
        let who = Who {
            runtime: self.runtime.load(Ordering::Relaxed),
            thread: self.thread.load(Ordering::Relaxed),
        };
        (who.thread != 0).then_some(who)
    }

    /// Whether `who` is the holder. Exact when asked by `who`: nobody else
    /// writes it there, and it is wiped before the permit is given back.
    pub(super) fn is(&self, who: Who) -> bool {
        self.get() == Some(who)
    }
}

/// The permit cannot be given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReleaseError {
    /// There would be more permits than there were at first: nobody holds the
    /// lock.
    NotHeld,
    /// The holder's runtime has ended.
    Gone,
}

impl Permits {
    pub(super) fn new(free: u64, holder: Option<Holder>, patience: Duration) -> Self {
        Self {
            word: AtomicU64::new(free * ONE),
            line: Line::new(),
            holder,
            patience,
        }
    }

    pub(super) fn holder(&self) -> Option<Who> {
        self.holder.as_ref().and_then(Holder::get)
    }

    pub(super) fn is_held_by(&self, who: Who) -> bool {
        self.holder.as_ref().is_some_and(|holder| holder.is(who))
    }

    /// How many permits are free.
    pub(super) fn free(&self) -> u64 {
        self.word.load(Ordering::Relaxed) / ONE
    }

    pub(super) fn is_gone(&self) -> bool {
        self.word.load(Ordering::Relaxed) & GONE != 0
    }

    /// How many calls wait.
    pub(super) fn waiting(&self) -> usize {
        self.line.lock().len()
    }

    /// Takes a permit if one is free.
    pub(super) fn try_take(&self, who: Who) -> bool {
        let taken = self.take_any();
        if taken {
            self.taken_by(who);
        }
        taken
    }

    fn take_any(&self) -> bool {
        let mut word = self.word.load(Ordering::Relaxed);
        while word >= ONE {
            // Acquire: pairs with the Release of whoever gave the permit back.
            let next = word - ONE;
            match self
                .word
                .compare_exchange_weak(word, next, Ordering::Acquire, Ordering::Relaxed)
            {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
        false
    }

    fn taken_by(&self, who: Who) {
        if let Some(holder) = &self.holder {
            holder.set(who);
        }
    }

    /// Gives `count` permits back; there may not be more than `most` of them.
    pub(super) fn give_back(&self, count: u64, most: u64) -> Result<(), ReleaseError> {
        let mut word = self.word.load(Ordering::Relaxed);
        if let Some(holder) = &self.holder {
            if word & GONE == 0 && word < ONE {
                holder.set(Who::default());
            }
        }
        while word & FLAGS == 0 {
            if word / ONE + count > most {
                return Err(ReleaseError::NotHeld);
            }
            // Release: pairs with the Acquire of whoever takes the permit.
            let next = word + count * ONE;
            match self
                .word
                .compare_exchange_weak(word, next, Ordering::Release, Ordering::Relaxed)
            {
                Ok(_) => return Ok(()),
                Err(now) => word = now,
            }
        }
        self.give_to_line(count, most)
    }

    /// The same while others wait.
    #[cold]
    fn give_to_line(&self, count: u64, most: u64) -> Result<(), ReleaseError> {
        let mut calls = Calls::default();
        let mut waiters = self.line.lock();
        let word = self.word.load(Ordering::Relaxed);
        if word & GONE != 0 {
            return Err(ReleaseError::Gone);
        }
        if word / ONE + count > most {
            return Err(ReleaseError::NotHeld);
        }
        // Release: as above. With `LINE` clear by now others may change it, so add.
        self.word.fetch_add(count * ONE, Ordering::Release);
        self.attend(&mut waiters, &mut calls);
        Ok(())
    }

    /// Sees to those in line, with the permits that are free.
    fn attend(&self, waiters: &mut Waiters, calls: &mut Calls) {
        while let Some(first) = waiters.front() {
            if first.since.elapsed() < self.patience || !self.take_any() {
                break;
            }
            if let Some(first) = waiters.pop_front() {
                self.taken_by(first.who);
                calls.complete(first, Outcome::Served);
            }
        }
        let free = usize::try_from(self.free()).unwrap_or(usize::MAX);
        for waiter in waiters.iter().take(free) {
            if waiter.nudge() {
                calls.add(Arc::clone(waiter));
            }
        }
        self.mark(waiters);
    }

    /// Takes a waiter off the line.
    fn leave(&self, waiters: &mut Waiters, waiter: &Arc<Waiter>) {
        withdraw(waiters, waiter);
        self.mark(waiters);
    }

    /// Says in the word whether the line is empty.
    fn mark(&self, waiters: &Waiters) {
        if waiters.is_empty() {
            self.word.fetch_and(!LINE, Ordering::Relaxed);
        } else {
            self.word.fetch_or(LINE, Ordering::Relaxed);
        }
    }

    /// Looks, for one that is in line or was: how the wait was completed, or
    /// with a permit if one is free.
    fn look(&self, waiters: &mut Waiters, waiter: &Arc<Waiter>) -> Option<Outcome> {
        if let Some(outcome) = waiter.outcome() {
            return Some(outcome);
        }
        if !self.take_any() {
            return None;
        }
        self.taken_by(waiter.who);
        self.leave(waiters, waiter);
        Some(Outcome::Served)
    }

    /// Gives up a place in line, or the permit that came to it.
    fn give_up(&self, waiter: &Arc<Waiter>) {
        let mut calls = Calls::default();
        let mut waiters = self.line.lock();
        if waiter.outcome() == Some(Outcome::Served) {
            self.taken_by(Who::default());
            // Release: nothing was done with it, but what others did before is
            // passed on.
            self.word.fetch_add(ONE, Ordering::Release);
        } else {
            self.leave(&mut waiters, waiter);
        }
        // It may have been nudged, and not have looked.
        self.attend(&mut waiters, &mut calls);
    }

    /// A call that waits for a permit.
    pub(super) fn taking(&self, who: Who) -> Taking<'_> {
        Taking {
            permits: self,
            who,
            waiter: None,
        }
    }

    /// The runtime has ended: if the permit was its own, nobody will ever
    /// give it back. Says whether that was so.
    pub(super) fn lose(&self, runtime: u64) -> bool {
        self.lose_if(|holder| holder.runtime == runtime)
    }

    /// As [`lose`](Self::lose), for a holder of any description.
    pub(super) fn lose_if(&self, is_lost: impl Fn(Who) -> bool) -> bool {
        let mut calls = Calls::default();
        let mut waiters = self.line.lock();
        // From here on, whoever gives the permit back comes to the line, so
        // that the holder stays who it is. Acquire: whoever had it before has
        // wiped itself out.
        let word = self.word.fetch_or(LINE, Ordering::Acquire);
        let holder = self.holder();
        let lost = word < ONE && word & GONE == 0 && holder.is_some_and(is_lost);
        if lost {
            self.word.fetch_or(GONE, Ordering::Relaxed);
            for waiter in waiters.drain(..) {
                calls.complete(waiter, Outcome::Gone);
            }
        }
        self.mark(&waiters);
        lost
    }

    /// Makes a permit whose holder has gone free again; `false` when it has
    /// not gone.
    pub(super) fn recover(&self) -> bool {
        let _waiters = self.line.lock();
        if !self.is_gone() {
            return false;
        }
        self.taken_by(Who::default());
        // Nobody is in line while the holder has gone. Release: as always.
        self.word.store(ONE, Ordering::Release);
        true
    }
}

/// A call that waits for a permit. Dropped, it gives up its place.
#[derive(Debug)]
pub struct Taking<'a> {
    permits: &'a Permits,
    who: Who,
    /// In line, from the first `settle` on and until it has a result.
    waiter: Option<Arc<Waiter>>,
}

impl Taking<'_> {
    /// Waits for the permit. With [`Outcome::Served`] the caller has it.
    ///
    /// # Errors
    ///
    /// [`Refused::TimedOut`] and [`Refused::Abandoned`], after which the place
    /// is given up; [`Refused::Interrupted`], after which it can be called
    /// again. A permit that comes at the last moment counts.
    pub fn settle(&mut self, wait: &Wait<'_>) -> Result<Outcome, Refused> {
        let waiter = match self.waiter.take() {
            Some(waiter) => waiter,
            None => {
                if self.take_soon() {
                    return Ok(Outcome::Served);
                }
                let waiter = Waiter::new(self.who, 0);
                match self.enlist(&waiter) {
                    Ok(()) => waiter,
                    Err(outcome) => return Ok(outcome),
                }
            }
        };
        let permits = self.permits;
        loop {
            let reason = permits.line.sleep(&waiter, wait);
            let mut waiters = permits.line.lock();
            if let Some(outcome) = permits.look(&mut waiters, &waiter) {
                return Ok(outcome);
            }
            match reason {
                Refused::Interrupted => {
                    self.waiter = Some(waiter.clone());
                    return Err(reason);
                }
                // It was not the wait that ended: whoever nudged it was
                // overtaken.
                Refused::Abandoned if waiter.was_nudged() => {}
                // No permit is free, and none becomes free but under this
                // lock: there is nothing to pass on.
                _ => {
                    permits.leave(&mut waiters, &waiter);
                    return Err(reason);
                }
            }
        }
    }

    /// Gets in line for a call that no thread waits in. `notify` is told each
    /// time that it should [look](Self::look).
    ///
    /// # Errors
    ///
    /// What came of it, if there is nothing to wait for.
    pub fn begin(&self, notify: Arc<dyn Notify>) -> Result<Place, Outcome> {
        let waiter = Waiter::notifying(self.who, 0, notify);
        self.enlist(&waiter).map(|()| Place(waiter))
    }

    /// What came of a call that was begun; `None` when it still waits, also if
    /// it was told to look: somebody else was faster.
    pub fn look(&self, place: &Place) -> Option<Outcome> {
        let mut waiters = self.permits.line.lock();
        let outcome = self.permits.look(&mut waiters, &place.0);
        if outcome.is_none() {
            place.0.was_nudged();
        }
        outcome
    }

    /// Gives up a call that was begun. A permit that it had got goes to others.
    /// Once [`look`](Self::look) has told the outcome, there is nothing to give
    /// up.
    pub fn leave(&self, place: &Place) {
        self.permits.give_up(&place.0);
    }

    /// Spins for the permit. Only while nobody is in line: the others have to
    /// wait for the first one anyway.
    fn take_soon(&self) -> bool {
        let permits = self.permits;
        let taken = Cell::new(false);
        permits.line.spin_until(|| {
            taken.set(permits.take_any());
            taken.get() || permits.word.load(Ordering::Relaxed) & FLAGS != 0
        });
        if taken.get() {
            permits.taken_by(self.who);
        }
        taken.get()
    }

    fn enlist(&self, waiter: &Arc<Waiter>) -> Result<(), Outcome> {
        let permits = self.permits;
        let mut waiters = permits.line.lock();
        if permits.is_gone() {
            return Err(Outcome::Gone);
        }
        waiters.push_back(Arc::clone(waiter));
        permits.mark(&waiters);
        // Once more: from here on, who gives one back comes to the line.
        match permits.look(&mut waiters, waiter) {
            Some(outcome) => Err(outcome),
            None => Ok(()),
        }
    }
}

impl Drop for Taking<'_> {
    fn drop(&mut self) {
        let Some(waiter) = self.waiter.take() else {
            return;
        };
        self.permits.give_up(&waiter);
    }
}
