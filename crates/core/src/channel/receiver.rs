//! The receiving end.

use super::call::Outcome;
use super::handle::{self, HandleId};
use super::state::{End, Locked};
use super::wait::Spins;
use super::waiter::{Alone, Waiter};
use super::wakes::Wakes;
use super::whole::Whole;
use super::{Channel, Refused};
use crate::primitive::Arc;
use crate::sync::spin::make_way;
use crate::sync::wait::Wait;
use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

/// What trying to receive found.
enum Attempt<'a, T> {
    Over(Result<T, Refused>),
    /// Nothing, as yet: nobody can change that as long as this is held.
    Empty(Whole<'a, T>),
}

/// A handle to receive through. Dropping it closes it.
pub struct Receiver<T: Send + 'static, C = ()> {
    channel: Channel<T, C>,
}

impl<T: Send + 'static, C> Receiver<T, C> {
    /// The handle of an end that was counted as opened.
    pub(super) fn new(channel: Channel<T, C>) -> Self {
        Self { channel }
    }

    /// Receives if there is anything.
    ///
    /// # Errors
    ///
    /// [`Refused::Empty`], [`Closed`](Refused::Closed) or
    /// [`Ended`](Refused::Ended).
    pub fn try_recv(&self) -> Result<T, Refused> {
        let mut wakes = Wakes::new();
        match self.attempt(&mut wakes) {
            Attempt::Over(result) => result,
            Attempt::Empty(_) => Err(Refused::Empty),
        }
    }

    /// Receives if there is anything, or something comes within a microsecond
    /// or two. Waits that long only where it was enough the last time. For
    /// those who have something to give back before they wait for longer, such
    /// as the lock of an interpreter.
    ///
    /// # Errors
    ///
    /// As for [`try_recv`](Self::try_recv).
    pub fn recv_soon(&self) -> Result<T, Refused> {
        let mut wakes = Wakes::new();
        let spin = self.channel.spin(End::Recv);
        let mut whole = match self.attempt(&mut wakes) {
            Attempt::Over(result) => return result,
            Attempt::Empty(whole) => whole,
        };
        if !(spin.is_quick() && whole.sit(handle::id(&self.channel))) {
            return Err(Refused::Empty);
        }
        drop(whole);
        // SAFETY: this call has just taken the seat.
        let result = unsafe { self.rise_if(|over| spin.glance(over)) };
        result.unwrap_or_else(|_place| Err(Refused::Empty))
    }

    /// Receives, waiting for an item.
    ///
    /// # Errors
    ///
    /// Why nothing was received; anything but [`Refused::Empty`] and
    /// [`Refused::Full`]. A wait that is given up at the moment in which an
    /// item comes has succeeded: no item is lost.
    pub fn recv(&self, wait: &Wait<'_>) -> Result<T, Refused> {
        let mut wakes = Wakes::new();
        let mut whole = match self.attempt(&mut wakes) {
            Attempt::Over(result) => return result,
            Attempt::Empty(whole) => whole,
        };
        if wait.is_over() {
            return Err(Refused::TimedOut);
        }
        if wait.since.is_none() && whole.has_receiver() {
            drop(whole);
            make_way();
            whole = match self.attempt(&mut wakes) {
                Attempt::Over(result) => return result,
                Attempt::Empty(whole) => whole,
            };
        }
        let handle = handle::id(&self.channel);
        let spin = self.channel.spin(End::Recv);
        let waiter;
        let mut spins = Spins::Has;
        if wait.since.is_none() && spin.hopes() && whole.sit(handle) {
            drop(whole);
            // SAFETY: this call has just taken the seat.
            match unsafe { self.rise_if(|over| spin.until(over)) } {
                Ok(result) => {
                    spin.learn(Duration::ZERO);
                    return result;
                }
                Err(mut place) => {
                    waiter = Alone::new(handle, wait.since(), None);
                    place.enlist_first(Waiter::Alone(Arc::clone(&waiter)));
                }
            }
        } else {
            waiter = Alone::new(handle, wait.since(), None);
            let place = Waiter::Alone(Arc::clone(&waiter));
            if !whole.enlist(End::Recv, place, wait.since.is_some()) {
                spins = Spins::No;
            }
            drop(whole);
        }
        drop(wakes);
        self.channel.settle(End::Recv, &waiter, spins, wait)?;
        // SAFETY: this thread has waited, and `settle` has seen the outcome.
        match unsafe { waiter.place().take() } {
            Some(item) => Ok(item),
            None => unreachable!("a completed receive has its item in the slot"),
        }
    }

    /// Waits for the first item, then takes what else is there under one
    /// lock, `max` altogether: at least one, unless `max` is 0.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Self::recv).
    pub fn recv_many(&self, max: usize, wait: &Wait<'_>) -> Result<VecDeque<T>, Refused> {
        // Usually there is something, and one lock does it all.
        let mut items = self.try_recv_many(max);
        if items.is_empty() && max > 0 {
            let first = self.recv(wait)?;
            items = self.try_recv_many(max - 1);
            items.push_front(first);
        }
        Ok(items)
    }

    /// As [`recv_many`](Self::recv_many), but waits for nothing: without items
    /// also when there can be none any more.
    pub fn try_recv_many(&self, max: usize) -> VecDeque<T> {
        let mut wakes = Wakes::new();
        let mut whole = self.channel.whole();
        if handle::is_closed(&self.channel) {
            return VecDeque::new();
        }
        whole.take_many(max, &mut wakes)
    }

    /// Puts items back to the front, in their order: they were received, but
    /// could not be used. The next ones to receive get them; without open
    /// receivers they are dropped.
    pub fn unrecv(&self, items: impl Into<VecDeque<T>>) {
        let mut wakes = Wakes::new();
        let mut whole = self.channel.whole();
        let left = whole.put_back(items.into(), &mut wakes);
        drop(whole);
        drop(left);
    }

    /// Another handle; `None` when this one is closed.
    pub fn try_clone(&self) -> Option<Self> {
        let mut state = self.channel.lock();
        if self.is_closed() {
            return None;
        }
        state.open(End::Recv);
        Some(Self::new(self.channel.clone()))
    }

    /// Closes the handle: ends the waits made through it, and with the last
    /// receiver the channel. Says whether it was open.
    pub fn close(&self) -> bool {
        handle::close(&self.channel, End::Recv)
    }

    /// Whether this handle was closed.
    pub fn is_closed(&self) -> bool {
        handle::is_closed(&self.channel)
    }

    /// The channel.
    pub fn channel(&self) -> &Channel<T, C> {
        &self.channel
    }

    pub(super) fn handle(&self) -> HandleId {
        handle::id(&self.channel)
    }

    pub(super) fn take(
        &self,
        whole: &mut Whole<'_, T>,
        wakes: &mut Wakes<T>,
    ) -> Result<T, Refused> {
        if handle::is_closed(&self.channel) {
            return Err(Refused::Closed);
        }
        whole.take(wakes).ok_or(if whole.is_over(End::Send) {
            Refused::Ended
        } else {
            Refused::Empty
        })
    }

    /// Takes what is there now.
    fn attempt(&self, wakes: &mut Wakes<T>) -> Attempt<'_, T> {
        let mut stash = self.channel.stash();
        if !handle::is_closed(&self.channel) {
            if let Some(item) = stash.take() {
                return Attempt::Over(Ok(item));
            }
        }
        let spin = self.channel.spin(End::Recv);
        // What is found then is had with this lock alone, which is worth a
        // pause. Where room counts, nothing is.
        let stashes = self.channel.0.capacity.is_unbounded();
        if stashes && spin.falls_behind() {
            drop(stash);
            spin.fall_behind();
            stash = self.channel.stash();
        }
        let mut whole = Whole::new(stash, self.channel.lock());
        match self.take(&mut whole, wakes) {
            Err(Refused::Empty) => Attempt::Empty(whole),
            result => {
                let stashed = whole.stashed();
                drop(whole);
                if result.is_ok() && stashes {
                    spin.meet(1 + stashed);
                }
                Attempt::Over(result)
            }
        }
    }

    /// Spins in the seat and leaves it: with the result, or, where `spun` says
    /// that there is none, with the lock, to wait elsewhere.
    ///
    /// # Safety
    ///
    /// This call has taken the seat.
    unsafe fn rise_if(
        &self,
        spun: impl FnOnce(&dyn Fn() -> bool) -> bool,
    ) -> Result<Result<T, Refused>, Locked<'_, T>> {
        let seat = &self.channel.0.senders.seat;
        let (outcome, item) = if spun(&|| seat.outcome().is_some()) {
            // SAFETY: the seat is this call's, and has the outcome.
            (seat.outcome(), unsafe { seat.leave() })
        } else {
            let mut place = self.channel.lock();
            match place.leave() {
                (None, _) => return Err(place),
                completed => completed,
            }
        };
        Ok(match (outcome, item) {
            (Some(Outcome::Done), Some(item)) => Ok(item),
            (Some(outcome), None) => match outcome.for_end(End::Recv) {
                Err(reason) => Err(reason),
                Ok(()) => unreachable!("a completed receive has its item in the slot"),
            },
            _ => unreachable!("an item comes with its outcome"),
        })
    }
}

impl<T: Send + 'static, C> Drop for Receiver<T, C> {
    fn drop(&mut self) {
        self.close();
    }
}

impl<T: Send + 'static, C> fmt::Debug for Receiver<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("channel", &self.channel.id())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
