//! A `SharedBuffer` on its way: what describes the memory, and a share that keeps it.

use std::sync::Arc;

use interlane_core::AnyShare;

use crate::py::buffer::Window;
use crate::py::{Cx, Owned, PyResult};
use crate::types::shared_buffer::{self, Array};

/// See the module's documentation.
#[derive(Clone)]
pub(crate) struct Transit {
    pub(crate) array: Array,
    pub(crate) keeper: AnyShare,
}

impl Transit {
    pub(super) fn window(&self) -> &Arc<Window> {
        &self.array.window
    }

    /// The object, in the interpreter that received it: an array of NumPy's where it stands for one and that is loaded.
    /// `whole`: what it is a part of, which it keeps then.
    pub(super) fn open<'py>(self, cx: Cx<'py>, whole: Option<&AnyShare>) -> PyResult<Owned<'py>> {
        let keeper = whole.cloned().unwrap_or(self.keeper);
        let dtype = self.array.dtype.clone();
        let opened = shared_buffer::make(cx, self.array, keeper)?;
        let Some(dtype) = dtype else {
            return Ok(opened);
        };
        let arrays = cx.ours(c"interlane._arrays")?;
        let arrived = arrays.get().attribute(cx.py(), c"arrived")?;
        arrived
            .get()
            .call(cx.py(), [opened.get(), cx.str(&dtype)?.get()])
    }
}
