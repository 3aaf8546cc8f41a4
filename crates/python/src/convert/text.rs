//! `str`: characters shared with the sender's own string, or in memory that no interpreter owns.

use core::sync::atomic::{AtomicBool, Ordering};
use std::borrow::Cow;

use interlane_core::{Fate, Resource, Share};

use super::THRESHOLD;
use crate::py::text::{self, Address, Characters};
use crate::py::{Cx, Owned, PyResult, Ref, interp, shared_text};

/// Below this, an object may lie in an interpreter's arenas, from which nothing can be adopted.
pub(crate) const SMALLEST_SHARE: usize = 1024;

/// The characters behind any number of `SharedStr`.
#[derive(Debug)]
pub(crate) struct Text {
    characters: Characters,
    keeper: Keeper,
}

/// What keeps memory valid while shares of it are out.
#[derive(Debug)]
pub(super) enum Keeper {
    /// One reference to the original, and whether its block has been taken over from an ended interpreter.
    Object(Address, AtomicBool),
    /// Memory of the process.
    Memory(#[expect(dead_code, reason = "kept for its drop")] Box<[u8]>),
}

impl Keeper {
    pub(super) fn object(address: Address) -> Self {
        Self::Object(address, AtomicBool::new(false))
    }

    pub(super) fn release(self) {
        if let Self::Object(address, _) = self {
            // SAFETY: core calls `release` in the owner, under its GIL; the reference is ours.
            unsafe { interp::drop_reference(address) }
        }
    }

    pub(super) fn orphan(&self) -> Fate {
        let Self::Object(address, adopted) = self else {
            return Fate::Adopted;
        };
        // SAFETY: core calls `orphan` in the owner, under its GIL, when no Python code runs there any more; only
        // objects of at least SMALLEST_SHARE bytes are kept this way.
        if unsafe { text::adopt(*address) } {
            // Pairs with nothing: core orders `orphan` before `discard`.
            adopted.store(true, Ordering::Relaxed);
            Fate::Adopted
        } else {
            Fate::Pinned
        }
    }

    pub(super) fn discard(self) {
        if let Self::Object(address, adopted) = self {
            if adopted.into_inner() {
                // SAFETY: adopted, and the last share has gone.
                unsafe { text::free_adopted(address) }
            }
        }
    }
}

impl Text {
    pub(crate) fn characters(&self) -> Characters {
        self.characters
    }
}

impl Resource for Text {
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
        Cow::Borrowed("str")
    }
}

/// A share of a `str` that is large enough. `None`: it is to be copied. Interned strings are copied, since
/// their interpreter frees them in its own way.
pub(super) fn share(cx: Cx<'_>, object: Ref<'_>) -> Option<Share<Text>> {
    if object.characters().nbytes() < THRESHOLD.load(Ordering::Relaxed) {
        return None;
    }
    share_in_place(cx, object)
}

fn share_in_place(cx: Cx<'_>, object: Ref<'_>) -> Option<Share<Text>> {
    let characters = object.characters();
    let nbytes = characters.nbytes();
    if nbytes < SMALLEST_SHARE || !text::SHAREABLE || object.is_interned() {
        return None;
    }
    let owner = &cx.state.interpreter().owner;
    let keeper = Keeper::object(object.keep(cx.py()));
    match Share::new(owner, Text { characters, keeper }, nbytes) {
        Ok(share) => Some(share),
        Err(text) => {
            text.keeper.release(); // attached, and the owner is ending: copied instead
            None
        }
    }
}

/// A share of a `str` of any size, for an area of something larger.
pub(super) fn share_whole(cx: Cx<'_>, object: Ref<'_>) -> Share<Text> {
    share_in_place(cx, object).unwrap_or_else(|| copy(object.characters()))
}

/// A share of a copy in memory that no interpreter owns.
fn copy(mut characters: Characters) -> Share<Text> {
    let mut data = Vec::with_capacity(characters.nbytes() + 4);
    data.extend_from_slice(characters.bytes());
    data.extend_from_slice(&[0; 4]); // the zero character behind, of any width
    let memory = data.into_boxed_slice();
    characters.data = memory.as_ptr();
    let keeper = Keeper::Memory(memory);
    Share::unowned(Text { characters, keeper }, characters.nbytes())
}

/// `SharedStr(text)`: a copy in memory of the process, or the same memory once more.
pub(crate) fn shared_copy<'py>(cx: Cx<'py>, object: Option<Ref<'_>>) -> PyResult<Owned<'py>> {
    let characters = match object {
        None => Characters::EMPTY,
        Some(object) => {
            text::expect_str(cx.py(), object, "text")?;
            if let Some((characters, share)) = shared_text::share_of(cx, object) {
                return shared_text::make(cx, characters, share);
            }
            object.characters()
        }
    };
    let share = copy(characters);
    shared_text::make(cx, share.characters(), share.erase())
}
