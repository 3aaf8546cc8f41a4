//! The sending end.

use super::handle::{self, HandleId};
use super::state::{End, Locked};
use super::wait::Spins;
use super::waiter::{Alone, Waiter};
use super::wakes::Wakes;
use super::{Channel, Refused, SendError};
use crate::primitive::Arc;
use crate::sync::spin::make_way;
use crate::sync::wait::Wait;
use std::collections::VecDeque;
use std::fmt;

/// What trying to send has come to.
enum Attempt<'a, T> {
    Over,
    /// There is no room: nobody can change that as long as this is held.
    Full(Locked<'a, T>, T),
}

/// A handle to send through. Dropping it closes it.
pub struct Sender<T: Send + 'static, C = ()> {
    channel: Channel<T, C>,
}

impl<T: Send + 'static, C> Sender<T, C> {
    /// The handle of an end that was counted as opened.
    pub(super) fn new(channel: Channel<T, C>) -> Self {
        Self { channel }
    }

    /// Sends if that is possible at once: when there is room, or a receiver
    /// waits.
    ///
    /// # Errors
    ///
    /// [`Refused::Full`], [`Closed`](Refused::Closed) or
    /// [`Broken`](Refused::Broken), with the item.
    pub fn try_send(&self, item: T) -> Result<(), SendError<T>> {
        let mut wakes = Wakes::new();
        match self.attempt(item, &mut wakes)? {
            Attempt::Over => Ok(()),
            Attempt::Full(_, item) => Err(SendError {
                item,
                reason: Refused::Full,
            }),
        }
    }

    /// Sends, waiting for room. Through a rendezvous channel, waits until the
    /// item was received.
    ///
    /// # Errors
    ///
    /// Why the item was not sent, with the item; anything but
    /// [`Refused::Full`] and [`Refused::Empty`]. A wait that is given up at
    /// the moment in which the item goes has succeeded.
    pub fn send(&self, item: T, wait: &Wait<'_>) -> Result<(), SendError<T>> {
        let (waiter, first) = {
            let mut wakes = Wakes::new();
            let (mut state, mut item) = match self.attempt(item, &mut wakes)? {
                Attempt::Over => return Ok(()),
                Attempt::Full(state, item) => (state, item),
            };
            if wait.is_over() {
                let reason = Refused::TimedOut;
                return Err(SendError { item, reason });
            }
            if wait.since.is_none() && state.has_sender() {
                drop(state);
                make_way();
                (state, item) = match self.attempt(item, &mut wakes)? {
                    Attempt::Over => return Ok(()),
                    Attempt::Full(state, item) => (state, item),
                };
            }
            let waiter = Alone::new(handle::id(&self.channel), wait.since(), Some(item));
            let place = Waiter::Alone(Arc::clone(&waiter));
            let first = state.enlist(End::Send, place, wait.since.is_some());
            (waiter, first)
        };
        let spins = if first { Spins::Yes } else { Spins::No };
        match self.channel.settle(End::Send, &waiter, spins, wait) {
            Ok(()) => Ok(()),
            Err(reason) => {
                // SAFETY: this thread has waited, and `settle` has seen an
                // outcome or withdrawn.
                match unsafe { waiter.place().take() } {
                    Some(item) => Err(SendError { item, reason }),
                    None => unreachable!("a refused send leaves its item in the slot"),
                }
            }
        }
    }

    /// Sends items from the front of `items` until there are none left: all
    /// that fit under one lock, then waits for room.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send). What was not sent is still in `items`, in
    /// its order; what was sent before the wait was refused has gone.
    pub fn send_many(&self, items: &mut VecDeque<T>, wait: &Wait<'_>) -> Result<(), Refused> {
        let mut wait = *wait;
        loop {
            self.try_send_many(items)?;
            let Some(item) = items.pop_front() else {
                return Ok(());
            };
            if let Err(error) = self.send(item, &wait) {
                items.push_front(error.item);
                return Err(error.reason);
            }
            // The next item stands in line anew.
            wait.since = None;
        }
    }

    /// Sends items from the front of `items` as long as that is possible at
    /// once.
    ///
    /// # Errors
    ///
    /// [`Refused::Closed`] or [`Broken`](Refused::Broken). What was not sent is
    /// still in `items`.
    pub fn try_send_many(&self, items: &mut VecDeque<T>) -> Result<(), Refused> {
        let mut wakes = Wakes::new();
        let mut state = self.channel.lock();
        self.check(&state)?;
        state.offer_many(items, &mut wakes);
        Ok(())
    }

    /// Sends if that is possible now.
    #[inline(always)]
    fn attempt(&self, item: T, wakes: &mut Wakes<T>) -> Result<Attempt<'_, T>, SendError<T>> {
        let mut state = self.channel.lock();
        if let Err(reason) = self.check(&state) {
            return Err(SendError { item, reason });
        }
        Ok(match state.offer(item, wakes) {
            Ok(()) => Attempt::Over,
            Err(item) => Attempt::Full(state, item),
        })
    }

    /// Another handle; `None` when this one is closed.
    pub fn try_clone(&self) -> Option<Self> {
        let mut state = self.channel.lock();
        if self.is_closed() {
            return None;
        }
        state.open(End::Send);
        Some(Self::new(self.channel.clone()))
    }

    /// Closes the handle: ends the waits made through it, and with the last
    /// sender the channel. Says whether it was open.
    pub fn close(&self) -> bool {
        handle::close(&self.channel, End::Send)
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

    pub(super) fn check(&self, state: &Locked<'_, T>) -> Result<(), Refused> {
        if handle::is_closed(&self.channel) {
            Err(Refused::Closed)
        } else if state.is_over(End::Recv) {
            Err(Refused::Broken)
        } else {
            Ok(())
        }
    }
}

impl<T: Send + 'static, C> Drop for Sender<T, C> {
    fn drop(&mut self) {
        self.close();
    }
}

impl<T: Send + 'static, C> fmt::Debug for Sender<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("channel", &self.channel.id())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
