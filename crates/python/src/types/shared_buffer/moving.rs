//! `move`: a `SharedBuffer` that its sender gives away.

use core::ffi::CStr;
use std::sync::Arc;

use super::handle::{Handle, Kept};
use super::{Array, SharedBuffer, make};
use crate::errors::{Error, raise};
use crate::py::buffer::Window;
use crate::py::error::Builtin;
use crate::py::getset::{self, GetSet};
use crate::py::method::{self, Method};
use crate::py::slot::{self, Slot};
use crate::py::{Args, Class, Cx, Global, Owned, PyResult, Raised, Ref, Signature, class};
use crate::state::State;

/// What `move` returns, to be sent.
pub(crate) struct Move {
    array: Array,
    handle: Arc<Handle>,
}

/// The memory on its way. Dropped before somebody has received it, it goes back to its sender.
pub(crate) struct Moving {
    array: Array,
    handle: Arc<Handle>,
    /// Empty once received.
    kept: Option<Kept>,
}

impl Drop for Moving {
    fn drop(&mut self) {
        if let Some(kept) = self.kept.take() {
            self.handle.restore(kept);
        }
    }
}

impl Moving {
    pub(crate) fn window(&self) -> &Arc<Window> {
        &self.array.window
    }

    /// The object, in the interpreter that received it.
    pub(crate) fn open(mut self, cx: Cx<'_>) -> PyResult<Owned<'_>> {
        let Some(kept) = &self.kept else {
            unreachable!("it is received once")
        };
        let opened = make(cx, self.array.clone(), kept.share())?;
        self.kept = None;
        Ok(opened)
    }
}

const MOVE: Signature<1> = Signature {
    function: "move",
    names: [c"buf"],
    required: 1,
    positional: 1,
    positional_only: 0,
};

/// `move(buf)`.
pub(crate) fn new<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [Some(object)] = args.parse(cx.py(), &MOVE)? else {
        unreachable!("the signature requires it")
    };
    let Some(buffer) = class::downcast::<SharedBuffer>(cx, object) else {
        let message = format!(
            "only a SharedBuffer can be moved, not {}",
            object.class_name(cx.py())
        );
        return Err(Raised::type_error(cx.py(), &message));
    };
    let moved = Move {
        array: buffer.array.clone(),
        handle: Arc::clone(&buffer.handle),
    };
    moved.check(cx)?;
    class::instantiate(cx, moved)
}

/// What is sent for `object` when `move` has made it. Until that is received, or dropped, the sender's buffer is closed.
pub(crate) fn moving(cx: Cx<'_>, object: Ref<'_>, whole: bool) -> PyResult<Option<Moving>> {
    let Some(moved) = class::downcast::<Move>(cx, object) else {
        return Ok(None);
    };
    if whole {
        let message = "what is moved goes to one receiver: share the SharedBuffer itself";
        return Err(raise(cx, Error::NotShareable, message));
    }
    moved.check(cx)?;
    let Some(kept) = moved.handle.take() else {
        return Err(moved.in_use(cx));
    };
    Ok(Some(Moving {
        array: moved.array.clone(),
        handle: Arc::clone(&moved.handle),
        kept: Some(kept),
    }))
}

impl Move {
    fn check(&self, cx: Cx<'_>) -> PyResult<()> {
        if self.handle.is_guarded() {
            let message = "the view of a guard ends with it and cannot be moved";
            return Err(Raised::builtin(cx.py(), Builtin::Buffer, message));
        }
        if self.handle.is_closed() {
            return Err(super::moved(cx));
        }
        if self.handle.uses() > 0 {
            return Err(self.in_use(cx));
        }
        Ok(())
    }

    fn in_use(&self, cx: Cx<'_>) -> Raised {
        let message = format!(
            "this SharedBuffer cannot be moved: {} views, parts or guards of it exist here",
            self.handle.uses()
        );
        Raised::builtin(cx.py(), Builtin::Buffer, &message)
    }

    fn repr<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        let state = if self.handle.is_closed() {
            "moved"
        } else {
            "to be moved"
        };
        cx.str(&format!(
            "<SharedBuffer of {} bytes {state}>",
            self.array.window.nbytes()
        ))
    }
}

impl Class for Move {
    const NAME: &'static CStr = c"interlane._core._Move";
    const DOC: &'static CStr =
        c"A SharedBuffer that is given away when it is sent: see interlane.move().";
    const METHODS: &'static [Method] = &[method::END];
    const GETSET: &'static [GetSet] = &[getset::END];
    const SLOTS: &'static [Slot] = const { &[slot::repr(Self::repr)] };

    fn home(state: &State) -> &Global {
        &state.moved
    }
}
