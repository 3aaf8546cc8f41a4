//! What stands behind a received `memoryview`: keeps the share, exports its memory.

use core::ffi::CStr;

use interlane_core::Share;

use crate::convert::binary::Buffer;
use crate::py::buffer::Layout;
use crate::py::getset::{self, GetSet};
use crate::py::method::{self, Method};
use crate::py::slot::{self, Exporter, Slot};
use crate::py::{Class, Cx, Global, Owned, PyResult, class};
use crate::state::State;

pub(crate) struct Area(Share<Buffer>);

pub(crate) fn make(cx: Cx<'_>, share: Share<Buffer>) -> PyResult<Owned<'_>> {
    class::instantiate(cx, Area(share))
}

impl Area {
    fn repr<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        cx.str(&format!(
            "<interlane shared area of {} bytes>",
            self.0.nbytes()
        ))
    }
}

impl Exporter for Area {
    fn layout(&self) -> Layout<'_> {
        self.0.layout()
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
