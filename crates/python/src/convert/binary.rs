//! `bytes`, copied by the receiver, and memory of any buffer exporter, not copied at all.

use core::sync::atomic::Ordering;
use std::borrow::Cow;

use interlane_core::{Fate, Resource, Share};

use super::text::{Keeper, Life, SMALLEST_SHARE};
use super::{Packing, THRESHOLD};
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
        self.keeper.release();
    }

    fn kind(&self) -> Cow<'static, str> {
        Cow::Borrowed("bytes")
    }
}

/// A share of a `bytes` that is large enough. `None`: it is to be copied at once.
pub(super) fn share_bytes(cx: Cx<'_>, object: Ref<'_>, packing: Packing) -> Option<Share<Bytes>> {
    let data = object.as_bytes();
    if data.len() < THRESHOLD.load(Ordering::Relaxed) {
        return None;
    }
    packing
        .share(cx, Bytes::of(cx, object), data.len())
        .map_err(|bytes| bytes.keeper.release())
        .ok()
}

/// A share of a `bytes` of any size, for an area of something larger.
pub(super) fn share_whole(cx: Cx<'_>, object: Ref<'_>) -> Share<Bytes> {
    let data = object.as_bytes();
    if data.len() >= SMALLEST_SHARE {
        return Share::unowned(Bytes::of(cx, object), data.len());
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
    fn of(cx: Cx<'_>, object: Ref<'_>) -> Self {
        let data = object.as_bytes();
        Self {
            data: data.as_ptr(),
            length: data.len(),
            keeper: Keeper::object(object.keep(cx.py())),
        }
    }

    pub(super) fn keeper(&self) -> &Keeper {
        &self.keeper
    }

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
    life: Life,
}

impl Buffer {
    pub(crate) fn layout(&self) -> buffer::Layout<'_> {
        self.acquired.layout()
    }
}

impl Resource for Buffer {
    fn release(self) {
        if !self.life.is_over() {
            // SAFETY: in the owner, under its GIL: nowhere else is the last share of it dropped while the owner
            // lives. Or under that GIL elsewhere, and it is plain.
            unsafe { self.acquired.release() }
        }
    }

    fn is_plain(&self) -> bool {
        // SAFETY: core asks under the owner's GIL.
        self.life.is_over() || unsafe { self.acquired.releases_plainly() }
    }

    fn orphan(&self) -> Fate {
        // Nobody could run the exporter's release any more, so it is never run.
        self.life.end(Fate::Pinned)
    }

    fn discard(self) {}

    fn kind(&self) -> Cow<'static, str> {
        Cow::Owned(self.kind.clone())
    }
}

/// A share of the memory of a buffer exporter.
pub(crate) fn share_buffer(
    cx: Cx<'_>,
    object: Ref<'_>,
    packing: Packing,
) -> PyResult<Share<Buffer>> {
    if !Acquired::possible(object) {
        let message = format!("item: {} exports no buffer", object.class_name(cx.py()));
        return Err(raise(cx, Error::NotShareable, &message));
    }
    let acquired = Acquired::new(cx.py(), object, packing.writable)?;
    if acquired.layout().has_references() {
        // SAFETY: acquired just now, in this interpreter.
        unsafe { acquired.release() };
        let class = object.class_name(cx.py());
        let message = format!("item: {class} exports references to objects of its own interpreter");
        return Err(raise(cx, Error::NotShareable, &message));
    }
    let buffer = Buffer {
        acquired,
        kind: object.class_name(cx.py()),
        life: Life::default(),
    };
    let nbytes = buffer.acquired.nbytes();
    packing.share(cx, buffer, nbytes).map_err(|buffer| {
        buffer.release(); // attached to the interpreter that it was just acquired in
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
