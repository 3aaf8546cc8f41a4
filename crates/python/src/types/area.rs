//! What stands behind a received `memoryview`: keeps the share, exports its memory.

use core::ffi::CStr;
use std::sync::Arc;

use interlane_core::{AnyShare, Held};

use crate::convert::part::Part;
use crate::py::buffer::{self, Layout, Window};
use crate::py::getset::{self, GetSet};
use crate::py::method::{self, Method};
use crate::py::slot::{self, Exporter, Slot};
use crate::py::{Class, Cx, Global, Owned, PyResult, Ref, class};
use crate::state::State;

pub(crate) struct Area {
    memory: Memory,
    keeper: Held,
}

/// Where the description of the memory is.
pub(crate) enum Memory {
    /// In the share that the area keeps.
    Shared(Layout<'static>),
    Window(Arc<Window>),
}

// SAFETY: a description that is only read, in memory that the keeper keeps.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

/// A `memoryview` of memory that `keeper` keeps valid.
pub(crate) fn view<'py>(cx: Cx<'py>, memory: Memory, keeper: AnyShare) -> PyResult<Owned<'py>> {
    let keeper = cx.state.interpreter().hold(keeper);
    let area = class::instantiate(cx, Area { memory, keeper })?;
    buffer::memoryview(cx.py(), area.get())
}

/// When `object` is a `memoryview` of shared memory, or of a part of it: that part. It goes on to others
/// without this interpreter having anything to do with it.
pub(crate) fn forward(cx: Cx<'_>, object: Ref<'_>) -> PyResult<Option<Part>> {
    let Some(exporter) = buffer::behind_memoryview(cx.py(), object)? else {
        return Ok(None);
    };
    let Some(area) = class::downcast::<Area>(cx, exporter.get()) else {
        return Ok(None);
    };
    let window = buffer::window(cx.py(), object)?;
    Ok(Some(Part::Memory(
        Arc::new(window),
        AnyShare::clone(&area.keeper),
    )))
}

impl Area {
    fn repr<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        cx.str(&format!(
            "<interlane shared area of {} bytes>",
            self.layout().nbytes()
        ))
    }
}

impl Exporter for Area {
    fn layout(&self) -> Layout<'_> {
        match &self.memory {
            Memory::Shared(layout) => *layout,
            Memory::Window(window) => window.layout(),
        }
    }
}

impl Class for Area {
    const NAME: &'static CStr = c"interlane._core._Area";
    const DOC: &'static CStr = c"Memory shared by another interpreter, behind a memoryview.";
    const METHODS: &'static [Method] = &[method::END];
    const GETSET: &'static [GetSet] = &[getset::END];
    const SLOTS: &'static [Slot] = const { &[slot::repr(Self::repr), slot::export::<Self>()] };
    const TRACKED: bool = false;

    fn home(state: &State) -> &Global {
        &state.area
    }
}
