//! A channel with both of its locks, and what receivers keep under theirs.

use super::Statistics;
use super::handle::HandleId;
use super::state::{End, Locked};
use super::wakes::Wakes;
use crate::primitive::MutexGuard;
use std::collections::VecDeque;
use std::mem;
use std::ops::{Deref, DerefMut};

/// A stash with room for more items than this is given back when there are few.
const LARGE: usize = 4096;

/// Items that only receivers know of.
#[derive(Debug)]
pub(super) struct Stash<T> {
    items: VecDeque<T>,
    /// Items that receivers have taken, less those put back, which may have
    /// been `handed`: counts around zero.
    taken: u64,
}

/// A channel of which all is locked.
pub(super) struct Whole<'a, T> {
    // First, since it is given back first.
    locked: Locked<'a, T>,
    stash: MutexGuard<'a, Stash<T>>,
}

impl<T> Stash<T> {
    pub(super) fn new() -> Self {
        Self {
            items: VecDeque::new(),
            taken: 0,
        }
    }

    /// Takes the first item, if there is one that can be had with this lock
    /// alone.
    pub(super) fn take(&mut self) -> Option<T> {
        let item = self.items.pop_front()?;
        self.count(1);
        Some(item)
    }

    /// Takes up to `max` items. All that are there are copied at once: what
    /// comes from another processor then comes side by side, not each line when
    /// it is needed. Very many are taken with their memory.
    pub(super) fn take_many(&mut self, max: usize) -> VecDeque<T> {
        let count = max.min(self.items.len());
        self.count(count);
        if count == self.items.len() && count > LARGE {
            return mem::take(&mut self.items);
        }
        if count == self.items.len() {
            let mut items = VecDeque::new();
            items.append(&mut self.items);
            return items;
        }
        let mut items = Vec::with_capacity(count);
        items.extend(self.items.drain(..count));
        items.into()
    }

    fn count(&mut self, taken: usize) {
        self.taken = self.taken.wrapping_add(taken as u64);
    }
}

impl<'a, T> Whole<'a, T> {
    pub(super) fn new(stash: MutexGuard<'a, Stash<T>>, locked: Locked<'a, T>) -> Self {
        Self { locked, stash }
    }

    /// Takes the first item: of those queued, then out of the hands of the
    /// sender that has waited longest.
    pub(super) fn take(&mut self, wakes: &mut Wakes<T>) -> Option<T> {
        self.move_up();
        let item = match self.stash.items.pop_front() {
            // Of an unbounded channel: nobody waits for room.
            Some(item) => item,
            None => match self.locked.state.queue.pop_front() {
                Some(item) => {
                    self.locked.refill(wakes);
                    item
                }
                None => self.locked.take_waiting(wakes)?,
            },
        };
        self.stash.count(1);
        Some(item)
    }

    /// Takes up to `max` queued items.
    pub(super) fn take_many(&mut self, max: usize, wakes: &mut Wakes<T>) -> VecDeque<T> {
        self.move_up();
        let mut items = self.stash.take_many(max);
        // What was queued behind those.
        self.move_up();
        items.append(&mut self.stash.take_many(max - items.len()));
        items.reserve(self.state.queue.len().min(max - items.len()));
        while items.len() < max {
            let Some(item) = self.take(wakes) else { break };
            items.push_back(item);
        }
        items
    }

    /// Puts items that were received back to the front, where they may exceed
    /// the capacity; gives them back when nobody can receive them any more.
    #[must_use = "items are dropped without the locks"]
    pub(super) fn put_back(&mut self, mut items: VecDeque<T>, wakes: &mut Wakes<T>) -> VecDeque<T> {
        if self.is_over(End::Recv) {
            return items;
        }
        while let Some(item) = items.pop_front() {
            if let Err(item) = self.hand_over(item, wakes) {
                items.push_front(item);
                break;
            }
        }
        self.stash.taken = self.stash.taken.wrapping_sub(items.len() as u64);
        let front = if self.capacity().is_unbounded() {
            &mut self.stash.items
        } else {
            &mut self.locked.state.queue
        };
        while let Some(item) = items.pop_back() {
            front.push_front(item);
        }
        items
    }

    /// Asks for each queued item whether it stays; senders that wait move up.
    pub(super) fn revise(&mut self, mut stays: impl FnMut(&mut T) -> bool, wakes: &mut Wakes<T>) {
        let before = self.queued();
        self.stash.items.retain_mut(&mut stays);
        self.locked.state.queue.retain_mut(&mut stays);
        let gone = before - self.queued();
        self.stash.count(gone);
        self.refill(wakes);
    }

    /// Closes a handle. Gives the items that nobody can receive any more, to
    /// be dropped without the locks.
    #[must_use = "items are dropped without the locks"]
    pub(super) fn close_handle(
        &mut self,
        end: End,
        handle: HandleId,
        wakes: &mut Wakes<T>,
    ) -> [VecDeque<T>; 2] {
        if self.close(end, handle, wakes) && end == End::Recv {
            [
                mem::take(&mut self.stash.items),
                mem::take(&mut self.locked.state.queue),
            ]
        } else {
            [VecDeque::new(), VecDeque::new()]
        }
    }

    /// How many items are queued.
    pub(super) fn queued(&self) -> usize {
        self.stash.items.len() + self.state.queue.len()
    }

    /// How many of them receivers can have without a look at the rest.
    pub(super) fn stashed(&self) -> usize {
        self.stash.items.len()
    }

    /// The figures of this moment.
    pub(super) fn statistics(&self) -> Statistics {
        let state = &*self.state;
        Statistics {
            buffered: self.queued(),
            capacity: self.capacity().get(),
            open_senders: state.open_senders as usize,
            open_receivers: state.open_receivers as usize,
            waiting_senders: state.senders.len(),
            waiting_receivers: state.receivers.len() + usize::from(state.seated.is_some()),
            sent: state.sent,
            received: state.handed.wrapping_add(self.stash.taken),
        }
    }

    /// Moves what is queued into the empty stash of an unbounded channel.
    fn move_up(&mut self) {
        let unbounded = self.capacity().is_unbounded();
        let (state, stash) = (&mut *self.locked.state, &mut *self.stash);
        if unbounded && stash.items.is_empty() && !state.queue.is_empty() {
            mem::swap(&mut stash.items, &mut state.queue);
            // What many items once needed is not kept for a few.
            if state.queue.capacity() > LARGE.max(8 * stash.items.len()) {
                state.queue = VecDeque::new();
            }
        }
    }
}

impl<'a, T> Deref for Whole<'a, T> {
    type Target = Locked<'a, T>;

    fn deref(&self) -> &Locked<'a, T> {
        &self.locked
    }
}

impl<'a, T> DerefMut for Whole<'a, T> {
    fn deref_mut(&mut self) -> &mut Locked<'a, T> {
        &mut self.locked
    }
}
