//! What the lock of a channel guards: the algorithm.
//!
//! Between two critical sections:
//! 1. while a receiver waits, the queue is empty and no sender waits;
//! 2. while a sender waits, the queue is full;
//! 3. a waiter is in a list exactly as long as it has no outcome;
//! 4. without open receivers, the queue is empty and nobody waits.

use super::Statistics;
use super::waiter::{Outcome, Waiter};
use super::wakes::Wakes;
use crate::primitive::Arc;
use std::collections::VecDeque;

/// One of the two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Send,
    Recv,
}

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct State<T> {
    queue: VecDeque<T>,
    capacity: Option<usize>,
    send: Side<T>,
    recv: Side<T>,
    /// Handles that were ever opened: the number of the last one.
    handles: u64,
    sent: u64,
    received: u64,
}

/// What there is of one end.
#[derive(Debug)]
struct Side<T> {
    /// Handles that are open.
    open: usize,
    /// Calls that wait, the longest first.
    waiting: VecDeque<Arc<Waiter<T>>>,
}

impl<T> State<T> {
    pub(super) fn new(capacity: Option<usize>) -> Self {
        let side = || Side {
            open: 0,
            waiting: VecDeque::new(),
        };
        Self {
            queue: VecDeque::new(),
            capacity,
            send: side(),
            recv: side(),
            handles: 0,
            sent: 0,
            received: 0,
        }
    }

    /// Hands `item` to the receiver that has waited longest, or queues it if
    /// there is room; else gives it back. Some receiver is open.
    pub(super) fn offer(&mut self, item: T, wakes: &mut Wakes<T>) -> Result<(), T> {
        if let Some(receiver) = self.recv.waiting.pop_front() {
            // SAFETY: under the lock, and just taken off the list.
            unsafe { receiver.put(item) };
            wakes.complete(receiver, Outcome::Done);
            self.received += 1;
        } else if self.has_room() {
            self.queue.push_back(item);
        } else {
            return Err(item);
        }
        self.sent += 1;
        Ok(())
    }

    /// Takes the first item: of the queue, then out of the hands of the sender
    /// that has waited longest.
    pub(super) fn take(&mut self, wakes: &mut Wakes<T>) -> Option<T> {
        let item = match self.queue.pop_front() {
            Some(item) => {
                self.refill(wakes);
                item
            }
            None => self.take_waiting(wakes)?,
        };
        self.received += 1;
        Some(item)
    }

    /// Puts an item that was received back to the front, where it may exceed
    /// the capacity by one; gives it back when nobody can receive it any more.
    pub(super) fn put_back(&mut self, item: T, wakes: &mut Wakes<T>) -> Result<(), T> {
        if self.is_over(End::Recv) {
            return Err(item);
        }
        if let Some(receiver) = self.recv.waiting.pop_front() {
            // SAFETY: under the lock, and just taken off the list.
            unsafe { receiver.put(item) };
            wakes.complete(receiver, Outcome::Done);
        } else {
            self.queue.push_front(item);
            self.received -= 1;
        }
        Ok(())
    }

    /// Puts a waiter at the end of its list; says whether it is the first.
    pub(super) fn enlist(&mut self, end: End, waiter: &Arc<Waiter<T>>) -> bool {
        let waiting = &mut self.side(end).waiting;
        waiting.push_back(Arc::clone(waiter));
        waiting.len() == 1
    }

    /// Takes a waiter that has no outcome off its list.
    pub(super) fn withdraw(&mut self, end: End, waiter: &Arc<Waiter<T>>) {
        let waiting = &mut self.side(end).waiting;
        let place = waiting.iter().position(|it| Arc::ptr_eq(it, waiter));
        debug_assert!(place.is_some(), "a waiter without outcome is in no list");
        if let Some(place) = place {
            waiting.remove(place);
        }
    }

    /// Opens a handle and numbers it.
    pub(super) fn open(&mut self, end: End) -> u64 {
        self.side(end).open += 1;
        self.handles += 1;
        self.handles
    }

    /// Closes a handle: ends the waits made through it, and with the last one
    /// of its end those on the other end. Gives the items that nobody can
    /// receive any more, to be dropped without the lock.
    #[must_use = "items are dropped without the lock"]
    pub(super) fn close(&mut self, end: End, handle: u64, wakes: &mut Wakes<T>) -> VecDeque<T> {
        let side = self.side(end);
        side.open -= 1;
        side.waiting.retain(|waiter| {
            let stays = waiter.handle != handle;
            if !stays {
                wakes.complete(Arc::clone(waiter), Outcome::Closed);
            }
            stays
        });
        if side.open > 0 {
            return VecDeque::new();
        }
        let other = match end {
            End::Send => &mut self.recv,
            End::Recv => &mut self.send,
        };
        for waiter in other.waiting.drain(..) {
            wakes.complete(waiter, Outcome::Gone);
        }
        match end {
            End::Send => VecDeque::new(),
            End::Recv => std::mem::take(&mut self.queue),
        }
    }

    /// Whether no handle of this end is open. That is for good.
    pub(super) fn is_over(&self, end: End) -> bool {
        match end {
            End::Send => self.send.open == 0,
            End::Recv => self.recv.open == 0,
        }
    }

    /// How many items are queued.
    pub(super) fn queued(&self) -> usize {
        self.queue.len()
    }

    /// The figures of this moment.
    pub(super) fn statistics(&self) -> Statistics {
        Statistics {
            buffered: self.queue.len(),
            capacity: self.capacity,
            open_senders: self.send.open,
            open_receivers: self.recv.open,
            waiting_senders: self.send.waiting.len(),
            waiting_receivers: self.recv.waiting.len(),
            sent: self.sent,
            received: self.received,
        }
    }

    fn has_room(&self) -> bool {
        self.capacity.is_none_or(|most| self.queue.len() < most)
    }

    /// Moves waiting senders' items into the queue while there is room.
    fn refill(&mut self, wakes: &mut Wakes<T>) {
        while self.has_room() {
            let Some(item) = self.take_waiting(wakes) else {
                return;
            };
            self.queue.push_back(item);
        }
    }

    /// Takes the item of the sender that has waited longest.
    fn take_waiting(&mut self, wakes: &mut Wakes<T>) -> Option<T> {
        let sender = self.send.waiting.pop_front()?;
        // SAFETY: under the lock, and just taken off the list.
        let item = unsafe { sender.take() };
        wakes.complete(sender, Outcome::Done);
        self.sent += 1;
        debug_assert!(item.is_some(), "a sender waits without an item");
        item
    }

    fn side(&mut self, end: End) -> &mut Side<T> {
        match end {
            End::Send => &mut self.send,
            End::Recv => &mut self.recv,
        }
    }
}
