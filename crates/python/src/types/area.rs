//! What stands behind a received `memoryview`: keeps the share, exports its memory.

use core::ffi::CStr;
use core::ops::Range;
use std::sync::Arc;

use interlane_core::{AnyShare, Held};

use crate::convert::part::Part;
use crate::py::buffer::{self, Layout, Window};
use crate::py::getset::{self, GetSet};
use crate::py::method::{self, Method};
use crate::py::slot::{self, Exporter, Slot};
use crate::py::{Class, Cx, Global, Owned, PyResult, Ref, class, shared_bytes};
use crate::state::State;
use crate::types::arrow;
use crate::types::shared_buffer::{self, Access};

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

/// When `object` is a `memoryview` of shared memory, or of a part of it, or a `SharedBytes`: that part. It goes on to
/// others without this interpreter having anything to do with it.
pub(crate) fn forward(cx: Cx<'_>, object: Ref<'_>) -> PyResult<Option<Part>> {
    let Some(exporter) = buffer::behind_memoryview(cx.py(), object)? else {
        return bytes_window(cx, object, object);
    };
    if let Some(part) = bytes_window(cx, object, exporter.get())? {
        return Ok(Some(part));
    }
    let Some((keeper, ..)) = exported(cx, exporter.get()) else {
        return Ok(None);
    };
    let window = buffer::window(cx.py(), object)?;
    Ok(Some(Part::Memory(Arc::new(window), keeper)))
}

/// When `exporter` is a `SharedBytes`: the part of its pages that `object` looks at.
fn bytes_window(cx: Cx<'_>, object: Ref<'_>, exporter: Ref<'_>) -> PyResult<Option<Part>> {
    let Some(piece) = shared_bytes::piece_of(cx, exporter) else {
        return Ok(None);
    };
    // The exporter's own mapping goes with it; the pages stay.
    let window = buffer::window(cx.py(), object)?;
    let window = window.moved(exporter.as_bytes().as_ptr(), piece.data());
    Ok(Some(Part::Memory(Arc::new(window), piece.keeper())))
}

/// A view of the same memory as `view`, when that lies in the memory behind `base`, a `memoryview` of shared memory:
/// of the share itself, without what stands between the two. Else `view` as it is.
pub(crate) fn part_of<'py>(cx: Cx<'py>, view: Ref<'_>, base: Ref<'_>) -> PyResult<Owned<'py>> {
    let part = buffer::writable_window(cx.py(), view)?;
    match behind(cx, base, &part)? {
        Some((keeper, _)) => self::view(cx, Memory::Window(Arc::new(part)), keeper),
        None => Ok(view.to_owned(cx.py())),
    }
}

/// Who keeps the memory of `part`, and may write to it, when that is a part of the shared memory behind `base`.
pub(crate) fn behind(
    cx: Cx<'_>,
    base: Ref<'_>,
    part: &Window,
) -> PyResult<Option<(AnyShare, Arc<Access>)>> {
    let Some(exporter) = buffer::behind_memoryview(cx.py(), base)? else {
        return Ok(None);
    };
    let Some((keeper, access, whole)) = exported(cx, exporter.get()) else {
        return Ok(None);
    };
    let (Some(part), Some(whole)) = (part.span(), whole) else {
        return Ok(None);
    };
    let inside = whole.start <= part.start && part.end <= whole.end;
    Ok(inside.then_some((keeper, access)))
}

/// The shared memory that `exporter` is an object of: who keeps it, who may write to it, and where it is.
fn exported(
    cx: Cx<'_>,
    exporter: Ref<'_>,
) -> Option<(AnyShare, Arc<Access>, Option<Range<usize>>)> {
    if let Some(area) = class::downcast::<Area>(cx, exporter) {
        let span = Window::of(area.layout()).span();
        return Some((AnyShare::clone(&area.keeper), Arc::default(), span));
    }
    if let Some((items, keeper)) = arrow::behind(cx, exporter) {
        return Some((keeper, Arc::default(), items.span()));
    }
    let (array, keeper) = shared_buffer::behind(cx, exporter)?;
    Some((keeper, Arc::clone(&array.access), array.window.span()))
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

    fn home(state: &State) -> &Global {
        &state.area
    }
}
