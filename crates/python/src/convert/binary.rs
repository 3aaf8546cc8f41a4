//! `bytes`, copied by the receiver, and memory of any buffer exporter, not copied at all.

use core::sync::atomic::Ordering;

use interlane_core::{Fate, Resource, Share};

use super::THRESHOLD;
use super::text::Keeper;
use crate::errors::{Error, raise};
use crate::py::buffer::{self, Acquired};
use crate::py::{Cx, Owned, PyResult, Ref};
use crate::types::area;

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

/// The receiver's own copy.
pub(super) fn copy<'py>(cx: Cx<'py>, share: &Share<Bytes>) -> PyResult<Owned<'py>> {
    // SAFETY: the share keeps the original's contents valid.
    cx.bytes(unsafe { core::slice::from_raw_parts(share.data, share.length) })
}

/// Memory acquired from an exporter in its owner.
pub(crate) struct Buffer(Acquired);

impl Buffer {
    pub(crate) fn layout(&self) -> buffer::Layout<'_> {
        self.0.layout()
    }
}

impl Resource for Buffer {
    fn release(self) {
        // SAFETY: core calls `release` in the owner, under its GIL.
        unsafe { self.0.release() }
    }

    fn orphan(&self) -> Fate {
        Fate::Pinned // nobody could run the exporter's release any more, so it is never run
    }

    fn discard(self) {}
}

/// A share of the memory of a buffer exporter.
pub(crate) fn share_buffer(cx: Cx<'_>, object: Ref<'_>) -> PyResult<Share<Buffer>> {
    if !Acquired::possible(object) {
        let message = format!("item: {} exports no buffer", object.class_name(cx.py()));
        return Err(raise(cx, Error::NotShareable, &message));
    }
    let acquired = Acquired::new(cx.py(), object)?;
    let nbytes = acquired.nbytes();
    Share::new(&cx.state.interpreter().owner, Buffer(acquired), nbytes).map_err(
        |Buffer(acquired)| {
            // SAFETY: attached to the interpreter that it was just acquired in.
            unsafe { acquired.release() };
            raise(
                cx,
                Error::NotShareable,
                "this interpreter is ending, its buffers can't be shared any more",
            )
        },
    )
}

/// A read-only `memoryview` of the shared memory.
pub(super) fn view(cx: Cx<'_>, share: Share<Buffer>) -> PyResult<Owned<'_>> {
    buffer::memoryview(cx.py(), area::make(cx, share)?.get())
}
