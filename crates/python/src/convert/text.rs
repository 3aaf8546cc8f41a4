//! `str`: characters shared with the sender's own string, or in memory that no interpreter owns.

use core::sync::atomic::{AtomicU8, Ordering};
use std::borrow::Cow;

use interlane_core::{Fate, Resource, Share};

use super::{Packing, THRESHOLD};
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
    /// One reference to the original.
    Object(Address, Life),
    /// Memory of the process.
    Memory(#[expect(dead_code, reason = "kept for its drop")] Box<[u8]>),
}

/// What has become of the interpreter that something of it is kept in: written there, under its GIL, when it
/// ends, and read by whoever lets go last, for which core orders the two.
#[derive(Debug, Default)]
pub(super) struct Life(AtomicU8);

impl Life {
    const OWNED: u8 = 0;
    /// The memory has been taken over, and is freed without the interpreter.
    const ADOPTED: u8 = 1;
    /// It can't be freed any more.
    const PINNED: u8 = 2;

    pub(super) fn end(&self, fate: Fate) -> Fate {
        let life = match fate {
            Fate::Adopted => Self::ADOPTED,
            Fate::Pinned => Self::PINNED,
        };
        self.0.store(life, Ordering::Relaxed);
        fate
    }

    pub(super) fn is_over(&self) -> bool {
        self.0.load(Ordering::Relaxed) != Self::OWNED
    }
}

impl Keeper {
    pub(super) fn object(address: Address) -> Self {
        Self::Object(address, Life::default())
    }

    /// The last share has gone: in the owner under its GIL, or, once that has ended, anywhere.
    pub(super) fn release(self) {
        let Self::Object(address, life) = self else {
            return;
        };
        match life.0.into_inner() {
            // SAFETY: in the owner, under its GIL, as said; the reference is ours.
            Life::OWNED => unsafe { interp::drop_reference(address) },
            // SAFETY: adopted, and the last share has gone.
            Life::ADOPTED => unsafe { text::free_adopted(address) },
            _pinned => {}
        }
    }

    pub(super) fn orphan(&self) -> Fate {
        let Self::Object(address, life) = self else {
            return Fate::Adopted;
        };
        // SAFETY: called in the owner, under its GIL, when no Python code runs there any more; only objects of at
        // least SMALLEST_SHARE bytes are kept this way.
        let adopted = unsafe { text::adopt(*address) };
        life.end(if adopted { Fate::Adopted } else { Fate::Pinned })
    }
}

impl Text {
    pub(super) fn keeper(&self) -> &Keeper {
        &self.keeper
    }

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
        self.keeper.release();
    }

    fn kind(&self) -> Cow<'static, str> {
        Cow::Borrowed("str")
    }
}

/// A share of a `str` that is large enough. `None`: it is to be copied. Interned strings are copied, since
/// their interpreter frees them in its own way.
pub(super) fn share(cx: Cx<'_>, object: Ref<'_>, packing: Packing) -> Option<Share<Text>> {
    let characters = object.characters();
    let nbytes = characters.nbytes();
    if nbytes < THRESHOLD.load(Ordering::Relaxed) || !text::SHAREABLE || object.is_interned() {
        return None;
    }
    let keeper = Keeper::object(object.keep(cx.py()));
    packing
        .share(cx, Text { characters, keeper }, nbytes)
        .map_err(|text| text.keeper.release()) // attached, and the owner is ending: copied instead
        .ok()
}

/// A share of a `str` of any size, for an area of something larger.
pub(super) fn share_whole(cx: Cx<'_>, object: Ref<'_>) -> Share<Text> {
    let characters = object.characters();
    if characters.nbytes() < SMALLEST_SHARE || !text::SHAREABLE || object.is_interned() {
        return copy(characters);
    }
    let keeper = Keeper::object(object.keep(cx.py()));
    Share::unowned(Text { characters, keeper }, characters.nbytes())
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
