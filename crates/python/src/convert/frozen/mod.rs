//! Frozen values: from objects into an arena, and an arena on its way.

mod write;

pub(crate) use write::{freeze, freeze_to_find, magnitude};

use std::borrow::Cow;
use std::sync::Arc;

use interlane_core::frozen::{Arena, FrozenError, Node};
use interlane_core::{AnyShare, Fate, Resource, Share};

use crate::py::error::Builtin;
use crate::py::{Cx, Owned, PyResult, Raised};
use crate::types::frozen;

/// What keeps an arena, which belongs to no interpreter.
struct Region(#[expect(dead_code, reason = "kept for its drop")] Arc<Arena>);

impl Resource for Region {
    fn release(self) {}

    fn orphan(&self) -> Fate {
        Fate::Adopted // never called: it has no owner
    }

    fn discard(self) {}

    fn kind(&self) -> Cow<'static, str> {
        Cow::Borrowed("interlane.freeze")
    }
}

/// A value of an arena, and a share that keeps that.
#[derive(Clone)]
pub(crate) struct Transit {
    pub(crate) arena: Arc<Arena>,
    pub(crate) node: Node,
    pub(crate) keeper: AnyShare,
}

impl Transit {
    /// All of a new arena.
    pub(crate) fn new(arena: Arena) -> Self {
        let nbytes = arena.nbytes();
        let arena = Arc::new(arena);
        let keeper = Share::process(Region(Arc::clone(&arena)), nbytes).erase();
        Self {
            node: arena.root(),
            arena,
            keeper,
        }
    }

    pub(super) fn nbytes(&self) -> usize {
        self.arena.nbytes()
    }

    pub(super) fn words(&self) -> &[u64] {
        self.arena.words()
    }

    /// The object, in the interpreter that received it. `whole`: what it is a part of, which it keeps then.
    pub(super) fn open<'py>(self, cx: Cx<'py>, whole: Option<&AnyShare>) -> PyResult<Owned<'py>> {
        let keeper = whole.unwrap_or(&self.keeper);
        frozen::object(cx, &self.arena, keeper, self.node)
    }
}

/// The exception for what an arena can't do.
pub(crate) fn raise(cx: Cx<'_>, error: FrozenError) -> Raised {
    let class = match error {
        FrozenError::OutOfMemory => return Raised::memory(cx.py()),
        FrozenError::TooDeep => Builtin::Recursion,
        FrozenError::Unhashable => Builtin::Type,
    };
    Raised::builtin(cx.py(), class, &error.to_string())
}
