//! One call in several channels: the first operation that is possible is done,
//! and no other.
//!
//! 1. Each operation is tried once, in random order, which is what makes it
//!    fair among those that are possible.
//! 2. If none is, the locks of all the channels are taken, in the order of
//!    their ids. Each is tried again, and if that is in vain too, a
//!    [waiter](super::waiter) is put into each channel's list. For everybody
//!    else that is one step: nobody sees the call in one channel and not in
//!    another, and two calls that face each other meet.
//! 3. Whoever finds one of the waiters first completes the
//!    [call](super::call), which is one atomic change. The call then takes its
//!    other waiters off, with one lock at a time.
//!
//! A call never meets itself: it does not wait yet while it tries.

use super::call::{Call, Notify};
use super::state::End;
use super::wait::sleep_and_learn;
use super::waiter::{Group, Place, Waiter};
use super::wakes::Wakes;
use super::whole::Whole;
use super::{Channel, Receiver, Refused, Sender};
use crate::primitive::{Arc, prefetch};
use crate::sync::wait::{Wait, sleep};
use std::error::Error;
use std::fmt;
use std::ops::Deref;
use std::time::{Duration, Instant};

/// A handle for an operation: kept by it, or lent to it.
#[derive(Debug)]
pub enum Handle<'a, H> {
    /// Keeps it open.
    Kept(Arc<H>),
    /// Needs no counting.
    Lent(&'a H),
}

/// One of the operations of a [`Select`].
pub enum Op<'a, T: Send + 'static, C = ()> {
    /// Receive.
    Recv(Handle<'a, Receiver<T, C>>),
    /// Send the item, which is there until it has gone.
    Send(Handle<'a, Sender<T, C>>, Option<T>),
}

/// The operation that was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selected<T> {
    /// Its place among the operations.
    pub index: usize,
    /// What was received.
    pub item: Option<T>,
}

/// Why no operation was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SelectError {
    /// The place of the operation that can't be done any more; `None` when
    /// none of them is the reason.
    pub index: Option<usize>,
    /// The reason. Of what there is to send, nothing was sent.
    pub reason: Refused,
}

/// A call that does one of several operations.
///
/// An operation that was refused for good, because its channel or handle has
/// closed, counts as possible: the call ends with a [`SelectError`] that names
/// it.
///
/// Dropping it gives up a wait that has [begun](Self::begin); an item that it
/// had received is put back for others, as by [`Receiver::unrecv`].
///
/// # Examples
///
/// ```
/// use interlane_core::{Op, Select, Wait, channel};
///
/// let (numbers, numbers_out) = channel(None);
/// let (_more, more_out) = channel(None);
/// numbers.try_send(7).unwrap();
/// let mut select = Select::new([
///     Op::recv(&more_out),
///     Op::recv(&numbers_out),
/// ]);
/// let selected = select.wait(&Wait::forever()).unwrap();
/// assert_eq!((selected.index, selected.item), (1, Some(7)));
/// ```
pub struct Select<'a, T: Send + 'static, C = ()> {
    ops: Vec<Op<'a, T, C>>,
    /// While the call waits: a place for each operation.
    waiting: Option<Arc<Group<T>>>,
    /// Of a call that was [begun](Self::begin) and did not have to wait.
    result: Option<Result<Selected<T>, SelectError>>,
}

impl<H> Deref for Handle<'_, H> {
    type Target = H;

    fn deref(&self) -> &H {
        match self {
            Self::Kept(handle) => handle,
            Self::Lent(handle) => handle,
        }
    }
}

impl<H> From<Arc<H>> for Handle<'_, H> {
    fn from(handle: Arc<H>) -> Self {
        Self::Kept(handle)
    }
}

impl<'a, H> From<&'a H> for Handle<'a, H> {
    fn from(handle: &'a H) -> Self {
        Self::Lent(handle)
    }
}

impl<'a, T: Send + 'static, C> Op<'a, T, C> {
    /// Receives, through a handle that is kept or lent.
    pub fn recv(receiver: impl Into<Handle<'a, Receiver<T, C>>>) -> Self {
        Self::Recv(receiver.into())
    }

    /// Sends `item`, through a handle that is kept or lent.
    pub fn send(sender: impl Into<Handle<'a, Sender<T, C>>>, item: T) -> Self {
        Self::Send(sender.into(), Some(item))
    }

    /// The channel.
    pub fn channel(&self) -> &Channel<T, C> {
        match self {
            Self::Recv(receiver) => receiver.channel(),
            Self::Send(sender, _) => sender.channel(),
        }
    }

    fn prefetch(&self) {
        match self {
            Self::Recv(receiver) => prefetch(&**receiver),
            Self::Send(sender, _) => prefetch(&**sender),
        }
    }

    fn end(&self) -> End {
        match self {
            Self::Recv(_) => End::Recv,
            Self::Send(..) => End::Send,
        }
    }

    /// Does it if that is possible, or refused for good; `None` if it is
    /// neither.
    fn attempt(
        &mut self,
        state: &mut Whole<'_, T>,
        wakes: &mut Wakes<T>,
    ) -> Option<Result<Option<T>, Refused>> {
        match self {
            Self::Recv(receiver) => match receiver.take(state, wakes) {
                Err(Refused::Empty) => None,
                result => Some(result.map(Some)),
            },
            Self::Send(sender, slot) => {
                if let Err(reason) = sender.check(state) {
                    return Some(Err(reason));
                }
                let item = slot.take()?;
                *slot = state.offer(item, wakes).err();
                slot.is_none().then_some(Ok(None))
            }
        }
    }

    /// A place to wait for it, with the item.
    fn place(&mut self) -> Place<T> {
        match self {
            Self::Recv(receiver) => Place::new(receiver.handle(), None),
            Self::Send(sender, slot) => Place::new(sender.handle(), slot.take()),
        }
    }
}

impl<'a, T: Send + 'static, C> Select<'a, T, C> {
    /// A call that has done nothing yet. An operation to send that has no item
    /// is never possible.
    pub fn new(ops: impl IntoIterator<Item = Op<'a, T, C>>) -> Self {
        Self {
            ops: ops.into_iter().collect(),
            waiting: None,
            result: None,
        }
    }

    /// The operations. Items that were not sent are there, unless the call
    /// waits.
    pub fn ops(&self) -> &[Op<'a, T, C>] {
        &self.ops
    }

    /// Does an operation that is possible now; `None` if none is.
    pub fn attempt(&mut self) -> Option<Result<Selected<T>, SelectError>> {
        for index in order(self.ops.len()) {
            let mut wakes = Wakes::new();
            let op = &mut self.ops[index];
            let channel = op.channel().clone();
            let mut state = channel.whole();
            if let Some(result) = op.attempt(&mut state, &mut wakes) {
                return Some(done(index, result));
            }
        }
        None
    }

    /// Does one operation, waiting until one is possible.
    ///
    /// # Errors
    ///
    /// Why none was done; never [`Refused::Full`] or [`Refused::Empty`]. Items
    /// to be sent are in their operations again.
    ///
    /// # Panics
    ///
    /// When the wait has begun otherwise.
    pub fn wait(&mut self, wait: &Wait<'_>) -> Result<Selected<T>, SelectError> {
        if let Some(result) = self.attempt() {
            return result;
        }
        if wait.is_over() {
            return Err(SelectError::none(Refused::TimedOut));
        }
        if let Some(result) = self.enlist(Call::new(), wait.since) {
            return result;
        }
        let mut reason = Refused::Abandoned;
        if let Some(group) = &self.waiting {
            // One of the channels stands for all.
            let spin = self.ops.first().map(|op| op.channel().spin(op.end()));
            reason = match spin {
                Some(spin) if spin.until(|| group.outcome().is_some()) => {
                    spin.learn(Duration::ZERO);
                    reason
                }
                Some(spin) => sleep_and_learn(group, wait, spin),
                None => sleep(group, wait),
            };
        }
        self.finish().map_err(|error| match error.index {
            Some(_) => error,
            None => SelectError::none(reason),
        })
    }

    /// Does an operation that is possible now, or begins to wait; says whether
    /// it waits. Then `notify` will be told, once. [`finish`](Self::finish)
    /// has the result.
    ///
    /// # Panics
    ///
    /// When the wait has begun before.
    pub fn begin(&mut self, notify: Arc<dyn Notify>) -> bool {
        self.result = self.enlist(Call::notifying(notify), None);
        self.waiting.is_some()
    }

    /// Ends what was begun and says what came of it.
    ///
    /// # Errors
    ///
    /// As for [`wait`](Self::wait), and [`Refused::Abandoned`] when nothing
    /// was done: the wait was given up.
    pub fn finish(&mut self) -> Result<Selected<T>, SelectError> {
        if let Some(result) = self.result.take() {
            return result;
        }
        let Some(group) = self.waiting.take() else {
            return Err(SelectError::none(Refused::Abandoned));
        };
        // After a sleep, none of it is in the caches any more: all that is needed is asked for at once.
        group.places().iter().for_each(prefetch);
        for op in &self.ops {
            op.prefetch();
        }
        for op in &self.ops {
            op.channel().prefetch();
        }
        // Whoever has completed the call has taken that waiter off. After this nobody else can complete it, or touch a
        // slot.
        let by = group.outcome().map(|(index, _)| index);
        for (index, (op, place)) in self.ops.iter().zip(group.places()).enumerate() {
            if by != Some(index) {
                op.channel().lock().withdraw(op.end(), place);
            }
        }
        for (op, place) in self.ops.iter_mut().zip(group.places()) {
            if let Op::Send(_, slot) = op {
                // SAFETY: it is in no list, and its lock was taken since; or the call was seen to be completed there.
                *slot = unsafe { place.take() };
            }
        }
        let Some((index, outcome)) = group.outcome() else {
            return Err(SelectError::none(Refused::Abandoned));
        };
        let result = outcome.for_end(self.ops[index].end());
        done(
            index,
            result.map(|()| match &self.ops[index] {
                // SAFETY: as above.
                Op::Recv(_) => unsafe { group.places()[index].take() },
                Op::Send(..) => None,
            }),
        )
    }

    /// Gives up what was begun; says whether something was sent. An item that
    /// was received is put back.
    pub fn cancel(&mut self) -> bool {
        let Ok(Selected { index, item }) = self.finish() else {
            return false;
        };
        match (&self.ops[index], item) {
            (Op::Recv(receiver), Some(item)) => {
                receiver.unrecv([item]);
                false
            }
            _ => true,
        }
    }

    /// One step for everybody else: does an operation that is possible, or
    /// puts waiters into all lists, which is `None`.
    fn enlist(
        &mut self,
        call: Call,
        since: Option<Instant>,
    ) -> Option<Result<Selected<T>, SelectError>> {
        assert!(self.waiting.is_none(), "the call waits already");
        let mut wakes = Wakes::new();
        let mut channels: Vec<_> = self.ops.iter().map(Op::channel).cloned().collect();
        channels.sort_unstable_by_key(|channel| channel.id());
        channels.dedup_by_key(|channel| channel.id());
        let mut states: Vec<_> = channels.iter().map(|channel| channel.whole()).collect();

        for index in order(self.ops.len()) {
            let op = &mut self.ops[index];
            let state = state_of(op, &channels, &mut states);
            if let Some(result) = op.attempt(state, &mut wakes) {
                return Some(done(index, result));
            }
        }
        let began = since.unwrap_or_else(Instant::now);
        let places = self.ops.iter_mut().map(Op::place);
        let group = Group::new(call, began, places);
        for (place, op) in (0..).zip(&self.ops) {
            let waiter = Waiter::Among(Arc::clone(&group), place);
            let state = state_of(op, &channels, &mut states);
            state.enlist(op.end(), waiter, since.is_some());
        }
        self.waiting = Some(group);
        None
    }
}

/// Among those of all channels, in the order of their ids.
fn state_of<'a, 'b, T: Send + 'static, C>(
    op: &Op<'_, T, C>,
    channels: &[Channel<T, C>],
    states: &'a mut [Whole<'b, T>],
) -> &'a mut Whole<'b, T> {
    let place = channels.binary_search_by_key(&op.channel().id(), |channel| channel.id());
    let Ok(place) = place else {
        unreachable!("every channel of an operation is there")
    };
    &mut states[place]
}

fn done<T>(index: usize, result: Result<Option<T>, Refused>) -> Result<Selected<T>, SelectError> {
    match result {
        Ok(item) => Ok(Selected { index, item }),
        Err(reason) => Err(SelectError {
            index: Some(index),
            reason,
        }),
    }
}

/// The numbers below `count`, in random order.
#[cfg(not(loom))]
fn order(count: usize) -> impl Iterator<Item = usize> {
    use crate::primitive::Ordering;
    use crate::primitive::process::AtomicU64;

    /// Sound as a static: only ever counted up, and any two orders will do.
    static SHUFFLES: AtomicU64 = AtomicU64::new(0);
    let mut order: Vec<_> = (0..count).collect();
    if count > 1 {
        let mut random = SHUFFLES.fetch_add(1, Ordering::Relaxed);
        // Fisher and Yates.
        for last in (1..count).rev() {
            random = mixed(random);
            order.swap(last, (random % (last as u64 + 1)) as usize);
        }
    }
    order.into_iter()
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
#[cfg(not(loom))]
fn mixed(seed: u64) -> u64 {
    let mut random = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    random = (random ^ (random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    random = (random ^ (random >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    random ^ (random >> 31)
}

/// A model has to take the same course each time.
#[cfg(loom)]
fn order(count: usize) -> impl Iterator<Item = usize> {
    0..count
}

impl SelectError {
    fn none(reason: Refused) -> Self {
        Self {
            index: None,
            reason,
        }
    }
}

impl<T: Send + 'static, C> Drop for Select<'_, T, C> {
    fn drop(&mut self) {
        if self.waiting.is_some() || self.result.is_some() {
            self.cancel();
        }
    }
}

impl<T: Send + 'static, C> fmt::Debug for Op<'_, T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Op")
            .field("end", &self.end())
            .field("channel", &self.channel().id())
            .finish_non_exhaustive()
    }
}

impl<T: Send + 'static, C> fmt::Debug for Select<'_, T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Select")
            .field("ops", &self.ops)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for SelectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl Error for SelectError {}
