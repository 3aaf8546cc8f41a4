//! The receiving end.

use super::handle::Handle;
use super::state::{End, State};
use super::waiter::Waiter;
use super::wakes::Wakes;
use super::{Channel, Refused};
use crate::primitive::Arc;
use crate::sync::wait::Wait;
use std::fmt;

/// A handle to receive through. Dropping it closes it.
pub struct Receiver<T: Send + 'static> {
    channel: Arc<Channel<T>>,
    handle: Handle,
}

impl<T: Send + 'static> Receiver<T> {
    pub(super) fn new(channel: Arc<Channel<T>>, handle: Handle) -> Self {
        Self { channel, handle }
    }

    /// Receives if there is anything.
    ///
    /// # Errors
    ///
    /// [`Refused::Empty`], [`Closed`](Refused::Closed) or
    /// [`Ended`](Refused::Ended).
    pub fn try_recv(&self) -> Result<T, Refused> {
        let mut wakes = Wakes::new();
        let mut state = self.channel.lock();
        self.take(&mut state, &mut wakes)
    }

    /// Receives, waiting for an item.
    ///
    /// # Errors
    ///
    /// Why nothing was received; anything but [`Refused::Empty`] and
    /// [`Refused::Full`]. A wait that is given up at the moment in which an
    /// item comes has succeeded: no item is lost.
    pub fn recv(&self, wait: &Wait<'_>) -> Result<T, Refused> {
        let (waiter, first) = {
            let mut wakes = Wakes::new();
            let mut state = self.channel.lock();
            match self.take(&mut state, &mut wakes) {
                Err(Refused::Empty) => {}
                result => return result,
            }
            if wait.is_over() {
                return Err(Refused::TimedOut);
            }
            let waiter = Waiter::new(self.handle.number, None);
            let first = state.enlist(End::Recv, &waiter);
            (waiter, first)
        };
        self.channel.settle(End::Recv, &waiter, first, wait)?;
        // SAFETY: this thread has waited, and `settle` has seen the outcome.
        match unsafe { waiter.take() } {
            Some(item) => Ok(item),
            None => unreachable!("a completed receive has its item in the slot"),
        }
    }

    /// Waits for the first item, then takes what else is there under one
    /// lock, `max` altogether. Appends to `into` and says how many: at least
    /// one, unless `max` is 0.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Self::recv).
    pub fn recv_many(
        &self,
        into: &mut Vec<T>,
        max: usize,
        wait: &Wait<'_>,
    ) -> Result<usize, Refused> {
        if max == 0 {
            return Ok(0);
        }
        // Usually there is something, and one lock does it all.
        let mut count = self.take_many(into, max);
        if count == 0 {
            into.push(self.recv(wait)?);
            count = 1 + self.take_many(into, max - 1);
        }
        Ok(count)
    }

    /// Puts an item back to the front: it was received, but could not be used.
    /// The next one to receive gets it; without open receivers it is dropped.
    pub fn unrecv(&self, item: T) {
        let mut wakes = Wakes::new();
        let mut state = self.channel.lock();
        let left = state.put_back(item, &mut wakes);
        drop(state);
        drop(left);
    }

    /// Another handle; `None` when this one is closed.
    pub fn try_clone(&self) -> Option<Self> {
        let handle = self.handle.try_clone(&mut self.channel.lock(), End::Recv)?;
        Some(Self::new(Arc::clone(&self.channel), handle))
    }

    /// Closes the handle: ends the waits made through it, and with the last
    /// receiver the channel. Says whether it was open.
    pub fn close(&self) -> bool {
        self.handle.close(&self.channel, End::Recv)
    }

    /// Whether this handle was closed.
    pub fn is_closed(&self) -> bool {
        self.handle.is_closed()
    }

    /// The channel.
    pub fn channel(&self) -> &Arc<Channel<T>> {
        &self.channel
    }

    fn take(&self, state: &mut State<T>, wakes: &mut Wakes<T>) -> Result<T, Refused> {
        if self.handle.is_closed() {
            return Err(Refused::Closed);
        }
        state.take(wakes).ok_or(if state.is_over(End::Send) {
            Refused::Ended
        } else {
            Refused::Empty
        })
    }

    /// Takes what is there, `max` at the most.
    fn take_many(&self, into: &mut Vec<T>, max: usize) -> usize {
        let before = into.len();
        let mut wakes = Wakes::new();
        let mut state = self.channel.lock();
        into.reserve(state.queued().min(max));
        while into.len() - before < max {
            match self.take(&mut state, &mut wakes) {
                Ok(item) => into.push(item),
                Err(_) => break,
            }
        }
        into.len() - before
    }
}

impl<T: Send + 'static> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.close();
    }
}

impl<T: Send + 'static> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("channel", &self.channel.id)
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
