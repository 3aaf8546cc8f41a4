//! What the locks of a channel guard: the algorithm.
//!
//! There are two. Senders take the one of the [`State`]: the lists of those
//! who wait, the handles, and the queue. A receiver first takes that of the
//! [`Stash`](super::whole::Stash), and with it items that no sender has to
//! know of: what it finds in an unbounded channel's queue it moves there
//! altogether, and until that is used up, receivers and senders do not meet. Whatever else a receiver
//! does, it does with both locks, which it takes in this order. Where room
//! counts, the stash stays empty.
//!
//! Between two critical sections:
//! 1. while a receiver waits, nothing is queued and no sender waits;
//! 2. while a sender waits, the queue is full;
//! 3. a waiter whose call waits nowhere else is in a list exactly as long as
//!    the call has no outcome; a receiver is `seated` exactly as long as its
//!    [seat](super::seat) has none;
//! 4. without open receivers, nothing is queued and nobody waits.
//!
//! What is in the stash comes before what is in the queue. Receivers are
//! served in this order: the one in the seat, then those in the list.
//!
//! A call that [selects](super::select) waits in several channels. When it is
//! completed in one of them, its waiters in the others no longer count: those
//! who meet one drop it, and the call takes off the rest. It may also wait at
//! both ends of one channel, which "no sender waits" does not mean.

use super::call::Outcome;
use super::capacity::Capacity;
use super::handle::HandleId;
use super::line::Line;
use super::seat::Seat;
use super::waiter::{Place, Waiter};
use super::wakes::Wakes;
use crate::primitive::MutexGuard;
use std::collections::VecDeque;

/// One of the two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Send,
    Recv,
}

impl End {
    fn other(self) -> Self {
        match self {
            Self::Send => Self::Recv,
            Self::Recv => Self::Send,
        }
    }
}

/// See the module's documentation. What handing an item to a receiver touches
/// comes first, on one line with the lock and the seat; then what queueing one
/// touches. A test below says what that takes.
#[derive(Debug)]
#[repr(C)]
pub(super) struct State<T> {
    /// The handle of the receiver in the seat, while its call has no outcome.
    pub(super) seated: Option<HandleId>,
    pub(super) sent: u64,
    /// Items that receivers which waited were given.
    pub(super) handed: u64,
    /// Handles that are open: each takes some bytes, so they are not too many.
    pub(super) open_receivers: u32,
    pub(super) open_senders: u32,
    /// Receivers that wait, the longest first.
    pub(super) receivers: Line<T>,
    pub(super) queue: VecDeque<T>,
    /// Senders that wait, the longest first.
    pub(super) senders: Line<T>,
}

/// A channel whose state is locked.
pub(super) struct Locked<'a, T> {
    pub(super) state: MutexGuard<'a, State<T>>,
    seat: &'a Seat<T>,
    capacity: &'a Capacity,
}

impl<T> State<T> {
    pub(super) fn new() -> Self {
        Self {
            seated: None,
            sent: 0,
            handed: 0,
            open_receivers: 0,
            open_senders: 0,
            receivers: Line::new(),
            queue: VecDeque::new(),
            senders: Line::new(),
        }
    }
}

impl<'a, T> Locked<'a, T> {
    pub(super) fn new(
        state: MutexGuard<'a, State<T>>,
        seat: &'a Seat<T>,
        capacity: &'a Capacity,
    ) -> Self {
        Self {
            state,
            seat,
            capacity,
        }
    }

    pub(super) fn capacity(&self) -> &Capacity {
        self.capacity
    }

    /// Hands `item` to the receiver that has waited longest, or queues it if
    /// there is room; else gives it back. Some receiver is open.
    #[inline(always)]
    pub(super) fn offer(&mut self, item: T, wakes: &mut Wakes<T>) -> Result<(), T> {
        match self.hand_over(item, wakes) {
            Ok(()) => self.state.handed += 1,
            Err(item) if self.has_room() => self.state.queue.push_back(item),
            Err(item) => return Err(item),
        }
        self.state.sent += 1;
        Ok(())
    }

    /// Offers items from the front of `items` until one cannot go.
    pub(super) fn offer_many(&mut self, items: &mut VecDeque<T>, wakes: &mut Wakes<T>) {
        while let Some(item) = items.pop_front() {
            if self.capacity.is_unbounded() && !self.has_receiver() {
                // All at once: nobody waits, and there is room for any number.
                items.push_front(item);
                self.state.sent += items.len() as u64;
                self.state.queue.append(items);
            } else if let Err(item) = self.offer(item, wakes) {
                items.push_front(item);
                return;
            }
        }
    }

    /// Puts a waiter at the end of its list; says whether nobody waits before it.
    /// One that `resumes` a call gets its place in line back.
    pub(super) fn enlist(&mut self, end: End, waiter: Waiter<T>, resumes: bool) -> bool {
        let seated = end == End::Recv && self.state.seated.is_some();
        let line = self.line(end);
        let first = if resumes {
            line.push_back_in_time(waiter)
        } else {
            line.push_back(waiter)
        };
        first && !seated
    }

    /// Puts a receiver's waiter to the front of its list.
    pub(super) fn enlist_first(&mut self, waiter: Waiter<T>) {
        self.state.receivers.push_front(waiter);
    }

    /// Takes the waiter in this place off its list, if it is there.
    pub(super) fn withdraw(&mut self, end: End, place: &Place<T>) {
        self.line(end).remove(place);
    }

    /// Counts a handle that opens.
    pub(super) fn open(&mut self, end: End) {
        *self.open_handles(end) += 1;
    }

    /// Ends the waits made through a handle that closes, and with the last one
    /// of its end those on the other end; says whether it was that.
    pub(super) fn close(&mut self, end: End, handle: HandleId, wakes: &mut Wakes<T>) -> bool {
        if self.state.seated == Some(handle) {
            self.complete_seated(Outcome::Closed, None);
        }
        self.line(end).retain(
            |waiter| waiter.handle != handle,
            |waiter| {
                let _too_late = wakes.complete(waiter, Outcome::Closed);
            },
        );
        let open = self.open_handles(end);
        *open -= 1;
        if *open > 0 {
            return false;
        }
        let other = self.line(end.other());
        while let Some(waiter) = other.pop_front() {
            let _too_late = wakes.complete(waiter, Outcome::Gone);
        }
        if self.state.seated.is_some() {
            self.complete_seated(Outcome::Gone, None);
        }
        true
    }

    /// Whether no handle of this end is open. That is for good.
    pub(super) fn is_over(&self, end: End) -> bool {
        match end {
            End::Send => self.state.open_senders == 0,
            End::Recv => self.state.open_receivers == 0,
        }
    }

    /// Lets the receiver with this handle wait in the seat; `false` when others
    /// wait.
    pub(super) fn sit(&mut self, handle: HandleId) -> bool {
        let may = !self.has_receiver() && self.seat.sit();
        if may {
            self.state.seated = Some(handle);
        }
        may
    }

    /// Ends the wait in the seat of the receiver that sits there: with the
    /// outcome and the item, or with nothing.
    pub(super) fn leave(&mut self) -> (Option<Outcome>, Option<T>) {
        let outcome = self.seat.outcome();
        if outcome.is_none() {
            self.state.seated = None;
        }
        // SAFETY: the caller has taken the seat, and holds the lock.
        (outcome, unsafe { self.seat.leave() })
    }

    /// Whether a receiver waits, as far as is known: one in the list may wait
    /// in vain.
    pub(super) fn has_receiver(&self) -> bool {
        self.state.seated.is_some() || !self.state.receivers.is_empty()
    }

    pub(super) fn has_sender(&self) -> bool {
        !self.state.senders.is_empty()
    }

    fn has_room(&self) -> bool {
        self.capacity.has_room(self.state.queue.len())
    }

    /// Moves waiting senders' items into the queue while there is room.
    pub(super) fn refill(&mut self, wakes: &mut Wakes<T>) {
        while self.has_room() {
            let Some(item) = self.take_waiting(wakes) else {
                return;
            };
            self.state.queue.push_back(item);
        }
    }

    /// Hands an item to the receiver that has waited longest; gives it back
    /// when none waits.
    pub(super) fn hand_over(&mut self, mut item: T, wakes: &mut Wakes<T>) -> Result<(), T> {
        if self.state.seated.is_some() {
            self.complete_seated(Outcome::Done, Some(item));
            return Ok(());
        }
        while let Some(receiver) = self.state.receivers.pop_front() {
            // Before the outcome: with that, the slot is the receiver's.
            // SAFETY: under the lock, and just taken off the list.
            unsafe { receiver.put(item) };
            let Err(too_late) = wakes.complete(receiver, Outcome::Done) else {
                return Ok(());
            };
            // SAFETY: as above.
            match unsafe { too_late.take() } {
                Some(back) => item = back,
                None => unreachable!("a slot that nobody else may touch"),
            }
        }
        Err(item)
    }

    /// Takes the item of the sender that has waited longest.
    pub(super) fn take_waiting(&mut self, wakes: &mut Wakes<T>) -> Option<T> {
        while let Some(sender) = self.state.senders.pop_front() {
            // Before the outcome: with that, the slot is the sender's.
            // SAFETY: under the lock, and just taken off the list.
            let item = unsafe { sender.take() };
            debug_assert!(item.is_some(), "a sender waits without an item");
            match (wakes.complete(sender, Outcome::Done), item) {
                (Ok(()), item) => {
                    self.state.sent += 1;
                    return item;
                }
                // SAFETY: as above.
                (Err(too_late), Some(item)) => unsafe { too_late.put(item) },
                (Err(_), None) => {}
            }
        }
        None
    }

    fn complete_seated(&mut self, outcome: Outcome, item: Option<T>) {
        self.state.seated = None;
        // SAFETY: under the lock, and somebody was seated.
        unsafe { self.seat.complete(outcome, item) };
    }

    fn line(&mut self, end: End) -> &mut Line<T> {
        match end {
            End::Send => &mut self.state.senders,
            End::Recv => &mut self.state.receivers,
        }
    }

    fn open_handles(&mut self, end: End) -> &mut u32 {
        match end {
            End::Send => &mut self.state.open_senders,
            End::Recv => &mut self.state.open_receivers,
        }
    }
}
