//! A part of something that is shared as a whole, on its own way: text or memory, and who keeps it.

use interlane_core::AnyShare;

use crate::py::buffer::Window;
use crate::py::text::Characters;
use crate::py::{Cx, Owned, PyResult, shared_text};
use crate::types::area;

/// See the module's documentation.
#[derive(Clone)]
pub(crate) enum Part {
    Text(Characters, AnyShare),
    Memory(std::sync::Arc<Window>, AnyShare),
}

impl Part {
    pub(super) fn nbytes(&self) -> usize {
        match self {
            Self::Text(characters, _) => characters.nbytes(),
            Self::Memory(window, _) => window.nbytes(),
        }
    }

    /// The object, in the interpreter that received it.
    pub(super) fn open(self, cx: Cx<'_>) -> PyResult<Owned<'_>> {
        match self {
            Self::Text(characters, keeper) => shared_text::make(cx, characters, keeper),
            Self::Memory(window, keeper) => area::view(cx, area::Memory::Window(window), keeper),
        }
    }
}
