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
use super::waiter::Waiter;
use super::wakes::Wakes;
use super::whole::Whole;
use super::{Channel, Receiver, Refused, Sender};
use crate::primitive::Arc;
use crate::sync::wait::{Wait, sleep};
use std::error::Error;
use std::fmt;
use std::time::{Duration, Instant};

/// One of the operations of a [`Select`].
pub enum Op<T: Send + 'static, C = ()> {
    /// Receive.
    Recv(Arc<Receiver<T, C>>),
    /// Send the item, which is there until it has gone.
    Send(Arc<Sender<T, C>>, Option<T>),
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
/// use std::sync::Arc;
///
/// let (numbers, numbers_out) = channel(None);
/// let (_more, more_out) = channel(None);
/// numbers.try_send(7).unwrap();
/// let mut select = Select::new([
///     Op::Recv(Arc::new(more_out)),
///     Op::Recv(Arc::new(numbers_out)),
/// ]);
/// let selected = select.wait(&Wait::forever()).unwrap();
/// assert_eq!((selected.index, selected.item), (1, Some(7)));
/// ```
pub struct Select<T: Send + 'static, C = ()> {
    ops: Vec<Op<T, C>>,
    /// While the call waits.
    waiting: Option<Waiting<T>>,
    /// Of a call that was [begun](Self::begin) and did not have to wait.
    result: Option<Result<Selected<T>, SelectError>>,
}

/// A call that waits, with a waiter for each operation.
struct Waiting<T> {
    call: Arc<Call>,
    waiters: Vec<Arc<Waiter<T>>>,
}

impl<T: Send + 'static, C> Op<T, C> {
    /// The channel.
    pub fn channel(&self) -> &Channel<T, C> {
        match self {
            Self::Recv(receiver) => receiver.channel(),
            Self::Send(sender, _) => sender.channel(),
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

    /// The waiter in this place of the call, with the item.
    fn waiter(&mut self, call: &Arc<Call>, place: u32, since: Instant) -> Arc<Waiter<T>> {
        match self {
            Self::Recv(receiver) => Waiter::shared(call, place, receiver.handle(), since, None),
            Self::Send(sender, slot) => {
                Waiter::shared(call, place, sender.handle(), since, slot.take())
            }
        }
    }
}

impl<T: Send + 'static, C> Select<T, C> {
    /// A call that has done nothing yet. An operation to send that has no item
    /// is never possible.
    pub fn new(ops: impl IntoIterator<Item = Op<T, C>>) -> Self {
        Self {
            ops: ops.into_iter().collect(),
            waiting: None,
            result: None,
        }
    }

    /// The operations. Items that were not sent are there, unless the call
    /// waits.
    pub fn ops(&self) -> &[Op<T, C>] {
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
        if let Some(Waiting { call, .. }) = &self.waiting {
            // One of the channels stands for all.
            let spin = self.ops.first().map(|op| op.channel().spin(op.end()));
            if spin.is_some_and(|spin| spin.until(|| call.outcome().is_some())) {
                spin.inspect(|spin| spin.learn(Duration::ZERO));
            } else {
                let began = Instant::now();
                reason = sleep(call, wait);
                spin.inspect(|spin| spin.learn(began.elapsed()));
            }
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
        let Some(Waiting { call, waiters }) = self.waiting.take() else {
            return Err(SelectError::none(Refused::Abandoned));
        };
        // After a sleep, none of it is in the caches any more.
        for (op, waiter) in self.ops.iter().zip(&waiters) {
            op.channel().fetch();
            std::hint::black_box(Arc::strong_count(waiter));
        }
        // Whoever has completed the call has taken that waiter off. After this nobody else can complete it, or touch a
        // slot.
        let by = call.outcome().map(|(place, _)| place);
        for (place, (op, waiter)) in self.ops.iter().zip(&waiters).enumerate() {
            if by != Some(place) {
                op.channel().lock().withdraw(op.end(), waiter);
            }
        }
        for (op, waiter) in self.ops.iter_mut().zip(&waiters) {
            if let Op::Send(_, slot) = op {
                // SAFETY: it is in no list, and its lock was taken since; or the call was seen to be completed there.
                *slot = unsafe { waiter.take() };
            }
        }
        let Some((index, outcome)) = call.outcome() else {
            return Err(SelectError::none(Refused::Abandoned));
        };
        let result = outcome.for_end(self.ops[index].end());
        done(
            index,
            result.map(|()| match &self.ops[index] {
                // SAFETY: as above.
                Op::Recv(_) => unsafe { waiters[index].take() },
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
        let call = Arc::new(call);
        let began = since.unwrap_or_else(Instant::now);
        let mut waiters = Vec::with_capacity(self.ops.len());
        for (place, op) in (0..).zip(&mut self.ops) {
            let waiter = op.waiter(&call, place, began);
            let state = state_of(op, &channels, &mut states);
            state.enlist(op.end(), &waiter, since.is_some());
            waiters.push(waiter);
        }
        self.waiting = Some(Waiting { call, waiters });
        None
    }
}

/// Among those of all channels, in the order of their ids.
fn state_of<'a, 'b, T: Send + 'static, C>(
    op: &Op<T, C>,
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

impl<T: Send + 'static, C> Drop for Select<T, C> {
    fn drop(&mut self) {
        self.cancel();
    }
}

impl<T: Send + 'static, C> fmt::Debug for Op<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Op")
            .field("end", &self.end())
            .field("channel", &self.channel().id())
            .finish_non_exhaustive()
    }
}

impl<T: Send + 'static, C> fmt::Debug for Select<T, C> {
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
