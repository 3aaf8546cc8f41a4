//! Exact immutable built-ins between interpreters that share one GIL: the very same object arrives.
//!
//! Such interpreters share their memory allocator too, so either may hold and free what the other has made. Only
//! where a program has interpreters of that kind at all is anything of this used.

use core::cell::Cell;
use std::borrow::Cow;
use std::sync::Arc;

use interlane_core::{Fate, Resource, Share};

use super::{Message, Packing};
use crate::py::object::Kind;
use crate::py::text::Address;
use crate::py::{Cx, Owned, PyResult, Ref, interp};
use crate::runtime::Interpreter;

/// The object, and its value for those who have another GIL.
pub(crate) struct Same {
    original: Original,
    value: Message,
    owner: Arc<Interpreter>,
}

/// One reference, touched under the GIL that all who touch it share. Empty once the owner has ended.
struct Original(Cell<Option<Address>>);

// SAFETY: the cell is touched by threads that hold the one GIL of the owner and its mates.
unsafe impl Send for Original {}
// SAFETY: as above.
unsafe impl Sync for Original {}

impl Same {
    pub(super) fn value(&self) -> &Message {
        &self.value
    }

    /// # Safety
    /// The thread holds the owner's GIL.
    unsafe fn let_go(&self) {
        if let Some(original) = self.original.0.take() {
            // SAFETY: forwarded to the caller: what is dropped is a plain value, whose end runs no Python code, and
            // an allocator that all who hold this GIL have in common frees it.
            unsafe { interp::drop_reference(original) }
        }
    }
}

impl Resource for Same {
    fn release(self) {
        // SAFETY: core calls `release` under the owner's GIL.
        unsafe { self.let_go() }
    }

    /// What is dropped is a plain value, and all who hold the GIL have one allocator.
    fn is_plain(&self) -> bool {
        true
    }

    fn orphan(&self) -> Fate {
        // SAFETY: core calls `orphan` in the owner, under its GIL. Mates who hold the object itself have references
        // of their own.
        unsafe { self.let_go() };
        Fate::Adopted
    }

    fn discard(self) {}

    fn kind(&self) -> Cow<'static, str> {
        Cow::Borrowed("immutable")
    }
}

/// A share of an exact immutable built-in, for who has mates: interpreters that could get the object itself. Interned
/// strings belong to one interpreter's table, and are copied.
pub(super) fn share(cx: Cx<'_>, object: Ref<'_>) -> PyResult<Option<Share<Same>>> {
    let owner = cx.state.interpreter();
    let immutable = match object.kind() {
        Kind::Int | Kind::Float | Kind::Complex | Kind::Bytes => true,
        Kind::Str => !object.is_interned(),
        _ => false,
    };
    if !immutable {
        return Ok(None);
    }
    let value = super::pack_value(cx, object, Packing::PLAIN)?;
    let same = Same {
        original: Original(Cell::new(Some(object.keep(cx.py())))),
        value,
        owner: Arc::clone(owner),
    };
    match Share::new(&owner.owner, same, 0) {
        Ok(share) => Ok(Some(share)),
        Err(same) => {
            // SAFETY: attached to the owner.
            unsafe { same.let_go() };
            Ok(None)
        }
    }
}

/// The object itself where the GIL is the same, else an equal one.
pub(super) fn open(cx: Cx<'_>, share: Share<Same>) -> PyResult<Owned<'_>> {
    let here = cx.state.interpreter();
    if !here.is_mate_of(&share.owner) {
        let value = share.value.try_clone(cx)?;
        return super::unpack(cx, value);
    }
    let original = share.original.0.get();
    // SAFETY: the thread holds the owner's GIL, and the share keeps the object.
    let object = original.map(|original| unsafe { interp::borrow(cx.py(), original) });
    let object = match object {
        Some(object) => object,
        None => super::unpack(cx, share.value.try_clone(cx)?)?, // the owner has ended
    };
    Ok(object)
}
