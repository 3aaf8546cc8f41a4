//! What `interlane.share` makes: an object with everything that borrowers need of it, as one share.
//!
//! The content is a message like any other, made once. Each borrower builds its own value from it; whatever in
//! that value uses the owner's memory keeps the whole share, so that all areas are released together, after the
//! last user of any of them.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use interlane_core::{AnyShare, Fate, Resource, Share};

use super::{Message, Packing, pack_whole, unpack_kept};
use crate::errors::{Error, raise};
use crate::py::text::Address;
use crate::py::{Cx, Owned, PyResult, Ref, interp};
use crate::runtime::Interpreter;

/// See the module's documentation.
pub(crate) struct Object {
    original: Original,
    content: Message,
    writable: bool,
    kind: String,
    owner: Arc<Interpreter>,
}

/// The owner's side of it, touched in the owner only: empty once the owner has begun to end. Locked for single
/// operations: without a GIL, several of the owner's threads may get here at once.
struct Original(Mutex<Option<Pinned>>);

#[derive(Clone, Copy)]
struct Pinned {
    object: Address,
    on_release: Option<Address>,
    /// The number of the share; 0 until it is known.
    id: u64,
}

impl Original {
    fn lock(&self) -> MutexGuard<'_, Option<Pinned>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Object {
    pub(crate) fn content(&self) -> &Message {
        &self.content
    }

    /// May borrowers write to its memory?
    pub(crate) fn is_writable(&self) -> bool {
        self.writable
    }

    pub(crate) fn interpreter(&self) -> &Arc<Interpreter> {
        &self.owner
    }

    /// The object itself; `None` outside of its owner, and once that has begun to end.
    pub(crate) fn original<'py>(&self, cx: Cx<'py>) -> Option<Owned<'py>> {
        if self.owner.id() != cx.state.interpreter().id() {
            return None;
        }
        let pinned = self.original.lock();
        let object = pinned.as_ref()?.object;
        // SAFETY: attached to the owner, and while it is locked, `self` keeps the original.
        Some(unsafe { interp::borrow(cx.py(), object) })
    }

    /// Lets go of the original without telling anybody: its interpreter ends. Borrowers keep what they need.
    ///
    /// # Safety
    /// The thread is attached to the owner.
    pub(crate) unsafe fn strip(&self) {
        // SAFETY: forwarded to the caller.
        unsafe { self.unpin(|_| ()) }
    }

    /// Gives up the references to the original, after `before`.
    ///
    /// # Safety
    /// The thread is attached to the owner.
    unsafe fn unpin(&self, before: impl FnOnce(&Pinned)) {
        let Some(pinned) = self.original.lock().take() else {
            return;
        };
        // SAFETY: forwarded to the caller; the references are ours.
        unsafe {
            before(&pinned);
            interp::drop_reference(pinned.object);
            if let Some(on_release) = pinned.on_release {
                interp::drop_reference(on_release);
            }
        }
    }
}

impl Resource for Object {
    fn release(mut self) {
        // The areas first: what `on_release` gets is an object that nobody uses any more.
        let content = core::mem::replace(&mut self.content, Message::None);
        // SAFETY: core calls `release` in the owner, under its GIL.
        unsafe {
            self.unpin(|pinned| {
                drop(content);
                if let Some(on_release) = pinned.on_release {
                    interp::notify(on_release, pinned.object);
                }
            });
        }
    }

    /// Nothing is called, and the object goes on to exist.
    fn is_plain(&self) -> bool {
        self.original.lock().is_none_or(|pinned| {
            // SAFETY: core asks under the owner's GIL; the object is kept.
            pinned.on_release.is_none() && unsafe { interp::is_kept_elsewhere(pinned.object) }
        })
    }

    fn retire(&self) {
        if let Some(pinned) = *self.original.lock() {
            let objects = self.owner.objects();
            objects.remove(pinned.object.number(), pinned.id);
        }
    }

    fn orphan(&self) -> Fate {
        self.retire(); // nothing that is looked up from now on is to find it
        // SAFETY: core calls `orphan` in the owner, under its GIL.
        unsafe { self.strip() };
        self.content.orphan()
    }

    fn discard(self) {}

    fn kind(&self) -> Cow<'static, str> {
        Cow::Owned(self.kind.clone())
    }
}

/// Shares an object with everything in it.
pub(crate) fn share(
    cx: Cx<'_>,
    object: Ref<'_>,
    packing: Packing,
    on_release: Option<Ref<'_>>,
) -> PyResult<Share<Object>> {
    let content = pack_whole(cx, object, packing)?;
    let share = share_content(cx, object, content, packing.writable, on_release)?;
    let objects = cx.state.interpreter().objects();
    objects.publish(cx.py(), object.address(), share.as_any().id());
    Ok(share)
}

fn share_content(
    cx: Cx<'_>,
    object: Ref<'_>,
    content: Message,
    writable: bool,
    on_release: Option<Ref<'_>>,
) -> PyResult<Share<Object>> {
    let owner = cx.state.interpreter();
    let mut nbytes = 0;
    content.each_area(&mut |area| nbytes += area.nbytes());
    let pinned = Pinned {
        object: object.keep(cx.py()),
        on_release: on_release.map(|on_release| on_release.keep(cx.py())),
        id: 0,
    };
    let shared = Object {
        original: Original(Mutex::new(Some(pinned))),
        content,
        writable,
        kind: object.class_name(cx.py()),
        owner: Arc::clone(owner),
    };
    match Share::new(&owner.owner, shared, nbytes) {
        Ok(share) => {
            let id = share.as_any().id();
            *share.original.lock() = Some(Pinned { id, ..pinned });
            owner.objects().insert(cx.py(), object.address(), &share);
            Ok(share)
        }
        Err(object) => {
            // SAFETY: attached to the owner.
            unsafe { object.strip() };
            let message = "this interpreter is ending: nothing of it can be shared any more";
            Err(raise(cx, Error::NotShareable, message))
        }
    }
}

/// Shares an object without anything of it: for a proxy, which does everything in the owner.
pub(crate) fn pin(cx: Cx<'_>, object: Ref<'_>) -> PyResult<Share<Object>> {
    share_content(cx, object, Message::None, false, None)
}

/// The value for the current interpreter: the original itself in its owner.
pub(crate) fn value<'py>(cx: Cx<'py>, share: &Share<Object>) -> PyResult<Owned<'py>> {
    if let Some(original) = share.original(cx) {
        return Ok(original);
    }
    let content = share.content.try_clone(cx)?;
    unpack_kept(cx, content, Some(share.as_any()))
}

/// The share that was made of this very object, if it still exists.
pub(crate) fn of(cx: Cx<'_>, object: Ref<'_>) -> Option<Share<Object>> {
    let share: AnyShare = cx
        .state
        .interpreter()
        .objects()
        .find(cx.py(), object.address())?;
    share.downcast::<Object>().ok()
}
