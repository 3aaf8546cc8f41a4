//! A channel of messages with what Python adds to it, and the table in which ids are looked up.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU8;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use interlane_core::{Channel, Receiver, Sender, channel};

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
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) channel: Arc<Channel<Message>>,
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

/// Channels by id. Holds no counts: a lane takes itself out when it goes.
static LANES: Mutex<BTreeMap<u64, Weak<Lane>>> = Mutex::new(BTreeMap::new());

impl Lane {
    pub(crate) fn create(
        capacity: Option<usize>,
        fallback: Fallback,
        buffers: bool,
        mailbox: Option<Mailbox>,
    ) -> (Arc<Self>, Sender<Message>, Receiver<Message>) {
        let (sender, receiver) = channel(capacity);
        let lane = Arc::new(Self {
            channel: Arc::clone(sender.channel()),
            fallback,
            buffers,
            mailbox: mailbox.map(Box::new),
        });
        lanes().insert(lane.id(), Arc::downgrade(&lane));
        (lane, sender, receiver)
    }

    pub(crate) fn find(id: u64) -> Option<Arc<Self>> {
        lanes().get(&id).and_then(Weak::upgrade)
    }

    /// All that exist, in the order of their ids.
    pub(crate) fn all() -> Vec<Arc<Self>> {
        lanes().values().filter_map(Weak::upgrade).collect()
    }

    pub(crate) fn id(&self) -> u64 {
        self.channel.id()
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        lanes().remove(&self.id());
    }
}

fn lanes() -> std::sync::MutexGuard<'static, BTreeMap<u64, Weak<Lane>>> {
    LANES.lock().unwrap_or_else(PoisonError::into_inner)
}
