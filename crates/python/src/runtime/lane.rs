//! A channel of messages with what Python adds to it, and the table in which ids are looked up.

use std::sync::atomic::AtomicU8;
use std::sync::{Mutex, MutexGuard, PoisonError};

use interlane_core::{Channel, Receiver, Sender, WeakChannel, channel_with};

use crate::convert::Message;

/// What is done with objects that can't be shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fallback {
    Refuse,
    Pickle,
    /// As the standard library's queue does it: what is not a `memoryview` is pickled even where its memory could be
    /// shared, and what is arrives writable if it was.
    PickleBuffers,
    /// They stay where they are, and are used from elsewhere.
    Proxy,
}

impl Fallback {
    pub(crate) fn pickles(self) -> bool {
        matches!(self, Self::Pickle | Self::PickleBuffers)
    }
}

/// One channel. Lives as long as any end, in an object or on its way through another channel.
pub(crate) type Lane = Channel<Message, Terms>;
pub(crate) type LaneSender = Sender<Message, Terms>;
pub(crate) type LaneReceiver = Receiver<Message, Terms>;

/// What Python adds to a channel.
#[derive(Debug)]
pub(crate) struct Terms {
    /// The channel.
    id: u64,
    pub(crate) fallback: Fallback,
    /// Is it for buffers only? Then everything arrives as `memoryview`.
    pub(crate) buffers: bool,
    /// Boxed, since few have one.
    pub(crate) mailbox: Option<Box<Mailbox>>,
}

/// What `interlane.compat` keeps with a channel that plays a queue, or a channel, of the standard library's.
#[derive(Debug)]
pub(crate) struct Mailbox {
    /// Which of them.
    pub(crate) kind: u8,
    /// What becomes of items whose sender has ended, unless a send says otherwise.
    pub(crate) unbound: u8,
    pub(crate) maxsize: i64,
    /// Open, closing or closed, in the words of `interlane.compat`. A hint for new calls: what ends those that wait is
    /// an item. Relaxed.
    pub(crate) state: AtomicU8,
}

/// Channels by id. Holds no counts: a channel takes itself out when it goes.
static LANES: Mutex<Table> = Mutex::new(Table {
    rows: Vec::new(),
    gone: 0,
});

/// In the order of the ids: a new channel comes last, or nearly. What has gone leaves its row empty, until the half of
/// them are.
struct Table {
    rows: Vec<(u64, Option<WeakChannel<Message, Terms>>)>,
    gone: usize,
}

pub(crate) fn create(
    capacity: Option<usize>,
    fallback: Fallback,
    buffers: bool,
    mailbox: Option<Mailbox>,
) -> (LaneSender, LaneReceiver) {
    let (sender, receiver) = channel_with(capacity, |id| Terms {
        id,
        fallback,
        buffers,
        mailbox: mailbox.map(Box::new),
    });
    lanes().insert(sender.channel());
    (sender, receiver)
}

pub(crate) fn find(id: u64) -> Option<Lane> {
    let lanes = lanes();
    let place = lanes.place(id).ok()?;
    lanes.rows[place].1.as_ref()?.upgrade()
}

/// All that exist, in the order of their ids.
pub(crate) fn all() -> Vec<Lane> {
    let lanes = lanes();
    let present = lanes.rows.iter().filter_map(|row| row.1.as_ref());
    present.filter_map(WeakChannel::upgrade).collect()
}

impl Table {
    fn place(&self, id: u64) -> Result<usize, usize> {
        self.rows.binary_search_by_key(&id, |row| row.0)
    }

    fn insert(&mut self, lane: &Lane) {
        let id = lane.id();
        if let Err(place) = self.place(id) {
            self.rows.insert(place, (id, Some(lane.downgrade())));
        }
    }

    fn remove(&mut self, id: u64) {
        if let Ok(place) = self.place(id) {
            self.rows[place].1 = None;
            self.gone += 1;
        }
        if self.gone > self.rows.len() / 2 {
            self.rows.retain(|row| row.1.is_some());
            self.gone = 0;
            if self.rows.len() < self.rows.capacity() / 4 {
                self.rows.shrink_to(2 * self.rows.len());
            }
        }
    }
}

impl Drop for Terms {
    fn drop(&mut self) {
        lanes().remove(self.id);
    }
}

fn lanes() -> MutexGuard<'static, Table> {
    LANES.lock().unwrap_or_else(PoisonError::into_inner)
}
