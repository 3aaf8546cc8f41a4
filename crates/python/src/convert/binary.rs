//! `bytes`, copied by the receiver, and memory of any buffer exporter, not copied at all.

use core::sync::atomic::Ordering;
use std::borrow::Cow;

use interlane_core::{Fate, Resource, Share};

use super::THRESHOLD;
use super::text::{Keeper, SMALLEST_SHARE};
use crate::errors::{Error, raise};
use crate::py::buffer::{self, Acquired};
use crate::py::{Cx, Owned, PyResult, Ref};
use crate::types::area::Memory;

/// The contents of the sender's `bytes`.
pub(crate) struct Bytes {
    data: *const u8,
    length: usize,
    keeper: Keeper,
}

// SAFETY: read-only memory that the keeper keeps valid.
unsafe impl Send for Bytes {}
// SAFETY: as above.
unsafe impl Sync for Bytes {}

impl Resource for Bytes {
    fn release(self) {
        self.keeper.release();
    }

    fn orphan(&self) -> Fate {
        self.keeper.orphan()
    }

    fn discard(self) {
        self.keeper.discard();
    }

    fn kind(&self) -> Cow<'static, str> {
        Cow::Borrowed("bytes")
    }
}

/// A share of a `bytes` that is large enough. `None`: it is to be copied at once.
pub(super) fn share_bytes(cx: Cx<'_>, object: Ref<'_>) -> Option<Share<Bytes>> {
    let data = object.as_bytes();
    if data.len() < THRESHOLD.load(Ordering::Relaxed) {
        return None;
    }
    let bytes = Bytes {
        data: data.as_ptr(),
        length: data.len(),
        keeper: Keeper::object(object.keep(cx.py())),
    };
    match Share::new(&cx.state.interpreter().owner, bytes, data.len()) {
        Ok(share) => Some(share),
        Err(bytes) => {
            bytes.keeper.release();
            None
        }
    }
}

/// A share of a `bytes` of any size, for an area of something larger.
pub(super) fn share_whole(cx: Cx<'_>, object: Ref<'_>) -> Share<Bytes> {
    let data = object.as_bytes();
    if data.len() >= SMALLEST_SHARE {
        let bytes = Bytes {
            data: data.as_ptr(),
            length: data.len(),
            keeper: Keeper::object(object.keep(cx.py())),
        };
        match Share::new(&cx.state.interpreter().owner, bytes, data.len()) {
            Ok(share) => return share,
            Err(bytes) => bytes.keeper.release(),
        }
    }
    let memory: Box<[u8]> = data.into();
    let bytes = Bytes {
        data: memory.as_ptr(),
        length: memory.len(),
        keeper: Keeper::Memory(memory),
    };
    Share::unowned(bytes, data.len())
}

impl Bytes {
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: the keeper keeps the original's contents valid.
        unsafe { core::slice::from_raw_parts(self.data, self.length) }
    }
}

/// The receiver's own copy.
pub(super) fn copy<'py>(cx: Cx<'py>, share: &Share<Bytes>) -> PyResult<Owned<'py>> {
    cx.bytes(share.bytes())
}

/// Memory acquired from an exporter in its owner.
pub(crate) struct Buffer {
    acquired: Acquired,
    /// The name of the exporter's class.
    kind: String,
}

impl Buffer {
    pub(crate) fn layout(&self) -> buffer::Layout<'_> {
        self.acquired.layout()
    }
}

impl Resource for Buffer {
    fn release(self) {
        // SAFETY: core calls `release` in the owner, under its GIL.
        unsafe { self.acquired.release() }
    }

    fn kind(&self) -> Cow<'static, str> {
        Cow::Owned(self.kind.clone())
    }

    fn orphan(&self) -> Fate {
        Fate::Pinned // nobody could run the exporter's release any more, so it is never run
    }

    fn discard(self) {}
}

/// A share of the memory of a buffer exporter.
pub(crate) fn share_buffer(cx: Cx<'_>, object: Ref<'_>, writable: bool) -> PyResult<Share<Buffer>> {
    if !Acquired::possible(object) {
        let message = format!("item: {} exports no buffer", object.class_name(cx.py()));
        return Err(raise(cx, Error::NotShareable, &message));
    }
    let acquired = Acquired::new(cx.py(), object, writable)?;
    let nbytes = acquired.nbytes();
    let kind = object.class_name(cx.py());
    let owner = &cx.state.interpreter().owner;
    Share::new(owner, Buffer { acquired, kind }, nbytes).map_err(|buffer| {
        // SAFETY: attached to the interpreter that it was just acquired in.
        unsafe { buffer.acquired.release() };
        let message = "this interpreter is ending, its buffers can't be shared any more";
        raise(cx, Error::NotShareable, message)
    })
}

/// The memory, for as long as there is a share of it, or of what it is an area of.
pub(super) fn memory(buffer: &Buffer) -> Memory {
    // SAFETY: the description is in a box of the resource, which exists as long as the share does; whoever asks
    // keeps one.
    Memory::Shared(unsafe { buffer.layout().unbound() })
}
