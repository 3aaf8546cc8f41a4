//! A lock that many readers or one writer have at a time.
//!
//! Between two critical sections:
//!
//! | writer | readers | first in line | next |
//! |---|---|---|---|
//! | no | none | nobody | anybody: gets it at once |
//! | no | some | nobody | a reader: gets it at once; a writer: gets in line |
//! | no | some | a writer | a new reader: gets in line, unless its thread reads already |
//! | yes | none | anybody | everybody: gets in line |
//!
//! It is handed to the first in line, with a reader to all readers right behind
//! it. So neither kind starves the other.

use super::line::{Calls, Line, Outcome, Waiters, Waiting, Who};
use super::place::Place;
use super::wait::Wait;
use crate::channel::{Notify, Refused};
use crate::primitive::{Arc, Mutex, MutexGuard, lock};

/// How a [`ReadWriteLock`] is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Together with others.
    Read,
    /// By nobody else.
    Write,
}

/// A lock that many readers or one writer have at a time, whichever runtimes
/// they are in.
///
/// Each hold has a number, and whoever knows that may give it back. The lock
/// knows its holders, so that the holds of a runtime that ends can be
/// [taken from it](Self::lose).
#[derive(Debug)]
pub struct ReadWriteLock {
    line: Line,
    /// Locked under the line's lock only.
    holds: Mutex<Holds>,
}

#[derive(Debug, Default)]
struct Holds {
    writer: Option<Hold>,
    readers: Vec<Hold>,
    /// The newest hold's number; a waiter has its own from the start.
    newest: u64,
}

#[derive(Clone, Copy, Debug)]
struct Hold {
    number: u64,
    who: Who,
}

/// Why the lock is not to be had at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Busy {
    /// Others have it, or were here first.
    Others,
    /// The caller's own thread has it in a way that excludes this one: to wait
    /// would be to wait for itself.
    Itself,
}

impl Holds {
    fn admit(&self, mode: Mode) -> bool {
        self.writer.is_none() && (mode == Mode::Read || self.readers.is_empty())
    }

    fn add(&mut self, mode: Mode, hold: Hold) {
        match mode {
            Mode::Read => self.readers.push(hold),
            Mode::Write => self.writer = Some(hold),
        }
    }

    fn number(&mut self) -> u64 {
        self.newest += 1;
        self.newest
    }

    fn reads(&self, thread: u64) -> bool {
        self.readers.iter().any(|hold| hold.who.thread == thread)
    }

    fn writes(&self, thread: u64) -> bool {
        self.writer.is_some_and(|hold| hold.who.thread == thread)
    }

    /// Takes those holds away that are `wanted`, and says whether there were
    /// any.
    fn remove(&mut self, wanted: impl Fn(&Hold) -> bool) -> bool {
        let before = self.readers.len();
        self.readers.retain(|hold| !wanted(hold));
        self.writer.take_if(|hold| wanted(hold)).is_some() || self.readers.len() < before
    }
}

impl ReadWriteLock {
    /// A lock that nobody has.
    pub fn new() -> Self {
        Self {
            line: Line::new(),
            holds: Mutex::new(Holds::default()),
        }
    }

    /// Takes the lock if it is to be had at once. Gives the hold's number.
    ///
    /// # Errors
    ///
    /// [`Busy`]: it isn't.
    pub fn try_acquire(&self, who: Who, mode: Mode) -> Result<u64, Busy> {
        let waiters = self.line.lock();
        self.take(&waiters, who, mode)
    }

    fn take(&self, waiters: &Waiters, who: Who, mode: Mode) -> Result<u64, Busy> {
        let mut holds = self.holds();
        let reads = holds.reads(who.thread);
        // A reader that reads already must not wait for a writer that waits
        // for it.
        let overtakes = reads && mode == Mode::Read;
        if holds.admit(mode) && (waiters.is_empty() || overtakes) {
            let number = holds.number();
            holds.add(mode, Hold { number, who });
            return Ok(number);
        }
        if reads || holds.writes(who.thread) {
            return Err(Busy::Itself);
        }
        Err(Busy::Others)
    }

    /// A call that waits for the lock.
    pub fn acquire(&self, who: Who, mode: Mode) -> Joining<'_> {
        Joining {
            lock: self,
            who,
            mode,
            place: None,
        }
    }

    /// Gets in line for a call that no thread waits in: `notify` is told when
    /// it has the lock. Gives the number of the hold that it will be.
    ///
    /// # Errors
    ///
    /// The hold's number, if there is nothing to wait for.
    pub fn begin(
        &self,
        who: Who,
        mode: Mode,
        notify: Arc<dyn Notify>,
    ) -> Result<(Place, u64), u64> {
        let mut waiters = self.line.lock();
        if let Ok(number) = self.take(&waiters, who, mode) {
            return Err(number);
        }
        let number = self.holds().number();
        let place = Place::enlist(&mut waiters, who, tag(number, mode), notify);
        Ok((place, number))
    }

    /// Gives up a call that was begun; `true` when it had got the lock already,
    /// which then goes to others.
    pub fn leave(&self, place: &Place, number: u64) -> bool {
        let was_called = self.line.give_up(&place.0).is_some();
        if was_called {
            self.release(number);
        } else {
            self.pass_on();
        }
        was_called
    }

    /// Somebody was in line and is no more: those behind may have waited for
    /// nobody else.
    fn pass_on(&self) {
        let mut calls = Calls::default();
        let mut waiters = self.line.lock();
        self.attend(&mut waiters, &mut calls);
    }

    /// Gives back the hold of that number; `false` when there is none any
    /// more.
    pub fn release(&self, number: u64) -> bool {
        self.remove(|hold| hold.number == number)
    }

    /// Takes the holds of a runtime that has ended from it; says whether it
    /// had any.
    pub fn lose(&self, runtime: u64) -> bool {
        self.remove(|hold| hold.who.runtime == runtime)
    }

    fn remove(&self, wanted: impl Fn(&Hold) -> bool) -> bool {
        let mut calls = Calls::default();
        let mut waiters = self.line.lock();
        let removed = self.holds().remove(wanted);
        self.attend(&mut waiters, &mut calls);
        removed
    }

    /// Hands the lock to those in line who may have it now.
    fn attend(&self, waiters: &mut Waiters, calls: &mut Calls) {
        let mut holds = self.holds();
        while let Some(first) = waiters.pop_front() {
            let (number, mode) = of_tag(first.tag);
            if !holds.admit(mode) {
                waiters.push_front(first);
                break;
            }
            let who = first.who;
            holds.add(mode, Hold { number, who });
            calls.complete(first, Outcome::Served);
        }
    }

    /// Who writes.
    pub fn writer(&self) -> Option<Who> {
        let _waiters = self.line.lock();
        self.holds().writer.map(|hold| hold.who)
    }

    /// How many read.
    pub fn readers(&self) -> usize {
        let _waiters = self.line.lock();
        self.holds().readers.len()
    }

    /// How many calls wait for it.
    pub fn waiting(&self) -> usize {
        self.line.lock().len()
    }

    fn holds(&self) -> MutexGuard<'_, Holds> {
        lock(&self.holds)
    }
}

impl Default for ReadWriteLock {
    fn default() -> Self {
        Self::new()
    }
}

/// A waiter's tag.
fn tag(number: u64, mode: Mode) -> u64 {
    number * 2 + u64::from(mode == Mode::Write)
}

fn of_tag(tag: u64) -> (u64, Mode) {
    let mode = if tag % 2 == 1 {
        Mode::Write
    } else {
        Mode::Read
    };
    (tag / 2, mode)
}

/// A call that waits for a [`ReadWriteLock`]. Dropped, it gives up its place.
#[derive(Debug)]
pub struct Joining<'a> {
    lock: &'a ReadWriteLock,
    who: Who,
    mode: Mode,
    /// In line, from the first `settle` on and until it has a result, with the
    /// number of the hold that it will be.
    place: Option<(Waiting<'a>, u64)>,
}

impl Joining<'_> {
    /// Waits for the lock. Gives the hold's number.
    ///
    /// # Errors
    ///
    /// [`Refused::TimedOut`] and [`Refused::Abandoned`], after which the place
    /// is given up; [`Refused::Interrupted`], after which it can be called
    /// again. A lock that is handed over at the last moment counts.
    pub fn settle(&mut self, wait: &Wait<'_>) -> Result<u64, Refused> {
        let (waiting, number) = match self.place.take() {
            Some(place) => place,
            None => {
                let mut waiters = self.lock.line.lock();
                if let Ok(number) = self.lock.take(&waiters, self.who, self.mode) {
                    return Ok(number);
                }
                let number = self.lock.holds().number();
                let tag = tag(number, self.mode);
                let waiting = Waiting::enlist(&self.lock.line, &mut waiters, self.who, tag);
                (waiting, number)
            }
        };
        match waiting.settle(wait) {
            Ok(_) => Ok(number),
            Err(reason) => {
                if reason == Refused::Interrupted {
                    self.place = Some((waiting, number));
                } else {
                    self.lock.pass_on();
                }
                Err(reason)
            }
        }
    }
}

impl Drop for Joining<'_> {
    fn drop(&mut self) {
        let Some((waiting, number)) = self.place.take() else {
            return;
        };
        if waiting.leave() {
            self.lock.release(number);
        } else {
            self.lock.pass_on();
        }
    }
}
