//! What an object that an extension has rebuilt keeps, for as long as it uses shared memory.

use core::ffi::CStr;

use interlane_core::Held;

use crate::py::getset::{self, GetSet};
use crate::py::method::{self, Method};
use crate::py::slot::{self, Slot};
use crate::py::{Class, Cx, Global, Owned, PyResult};
use crate::state::State;

pub(crate) struct Keeper {
    pub(crate) held: Held,
}

impl Keeper {
    fn repr<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        let share = &self.held;
        cx.str(&format!(
            "<interlane keeper of {} bytes of a {}>",
            share.nbytes(),
            share.kind()
        ))
    }
}

impl Class for Keeper {
    const NAME: &'static CStr = c"interlane._core._Keeper";
    const DOC: &'static CStr =
        c"Keeps memory of another interpreter for an object of an extension.";
    const METHODS: &'static [Method] = &[method::END];
    const GETSET: &'static [GetSet] = &[getset::END];
    const SLOTS: &'static [Slot] = const { &[slot::repr(Self::repr)] };
    const TRACKED: bool = false;

    fn home(state: &State) -> &Global {
        &state.keeper
    }
}
