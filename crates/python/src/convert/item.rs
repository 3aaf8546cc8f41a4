//! Items of the queues that `interlane.compat` makes of our channels: they know who sent them, and what is to become
//! of them when that interpreter has ended.

use interlane_core::Sender;

use super::{Message, Packing, unpack};
use crate::errors::{Error, raise};
use crate::py::buffer::Acquired;
use crate::py::{Cx, Owned, PyResult, Ref};
use crate::runtime::lane;

/// One item in such a queue.
pub(crate) struct Item {
    pub(crate) message: Message,
    /// The generation of the interpreter that sent it.
    pub(crate) sender: u64,
    /// What is to become of it when that has ended: a number of `interlane.compat`.
    pub(crate) unbound: u8,
    /// Told that the item was received; dropped unused when nobody will.
    pub(crate) receipt: Option<Sender<()>>,
}

/// The number for: the item goes as well.
pub(crate) const REMOVE: u8 = 1;

/// The number for: nothing follows.
pub(crate) const CLOSED: u8 = 4;

impl Item {
    pub(super) fn open(self, cx: Cx<'_>) -> PyResult<Owned<'_>> {
        if let Some(receipt) = &self.receipt {
            // Err: whoever waited for it has given up.
            let _ = receipt.try_send(());
        }
        unpack(cx, self.message)
    }
}

/// What the receiver makes of an item that has lost its sender.
pub(super) fn unbound(cx: Cx<'_>, operation: u64) -> PyResult<Owned<'_>> {
    let class = cx
        .ours(c"interlane.compat._unbound")?
        .get()
        .attribute(cx.py(), c"Lost")?;
    class.get().call(cx.py(), [cx.unsigned(operation)?.get()])
}

/// An interpreter has ended: does with what it has put into queues as it has said.
pub(crate) fn unbind(sender: u64) {
    for lane in lane::all() {
        if lane.context().mailbox.is_none() {
            continue;
        }
        let mut old = Vec::new();
        lane.revise(|message| match message {
            Message::Item(item) if item.sender == sender => {
                let unbound = item.unbound;
                old.push(std::mem::replace(message, Message::Unbound(unbound.into())));
                unbound != REMOVE
            }
            _ => true,
        });
        // Dropped here, without the channel's lock.
        drop(old);
    }
}

/// How a buffer goes that a queue of the standard library's would share: only a `memoryview`, writable if it is.
pub(super) fn buffer_packing(cx: Cx<'_>, object: Ref<'_>, packing: Packing) -> PyResult<Packing> {
    match Acquired::writable_view(cx.py(), object)? {
        Some(writable) => Ok(Packing {
            writable,
            ..packing
        }),
        None => Err(raise(
            cx,
            Error::NotShareable,
            "only a memoryview shares its memory in this queue",
        )),
    }
}
