//! A channel of messages with what Python adds to it, and the table in which ids are looked up.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use interlane_core::{Channel, Receiver, Sender, channel};

use crate::convert::Message;

/// What is done with objects that can't be shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fallback {
    Refuse,
    Pickle,
    /// They stay where they are, and are used from elsewhere.
    Proxy,
}

/// One channel. Lives as long as any end, in an object or on its way through another channel.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) channel: Arc<Channel<Message>>,
    pub(crate) fallback: Fallback,
}

/// Channels by id. Holds no counts: a lane takes itself out when it goes.
static LANES: Mutex<BTreeMap<u64, Weak<Lane>>> = Mutex::new(BTreeMap::new());

impl Lane {
    pub(crate) fn create(
        capacity: Option<usize>,
        fallback: Fallback,
    ) -> (Arc<Self>, Sender<Message>, Receiver<Message>) {
        let (sender, receiver) = channel(capacity);
        let lane = Arc::new(Self {
            channel: Arc::clone(sender.channel()),
            fallback,
        });
        lanes().insert(lane.id(), Arc::downgrade(&lane));
        (lane, sender, receiver)
    }

    pub(crate) fn find(id: u64) -> Option<Arc<Self>> {
        lanes().get(&id).and_then(Weak::upgrade)
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
