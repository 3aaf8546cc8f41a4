//! What an object that an extension has rebuilt keeps, for as long as it uses shared memory.

use core::ffi::CStr;

use std::sync::Arc;

use interlane_core::{AnyShare, Held};

use crate::py::buffer::Window;
use crate::py::getset::{self, GetSet};
use crate::py::method::{self, Method};
use crate::py::slot::{self, Slot};
use crate::py::{Class, Cx, Global, Owned, PyResult, class};
use crate::runtime::Interpreter;
use crate::state::State;

pub(crate) struct Keeper {
    held: Held,
    interpreter: Arc<Interpreter>,
    /// Its rows in the interpreter's table.
    rows: Box<[(usize, u64)]>,
}

/// A keeper of a share, which is of these areas.
pub(crate) fn make<'py>(
    cx: Cx<'py>,
    share: AnyShare,
    windows: &[Arc<Window>],
) -> PyResult<Owned<'py>> {
    let interpreter = Arc::clone(cx.state.interpreter());
    // Where an area has gaps, what is in them is not the share's to keep.
    let whole = |window: &Arc<Window>| window.span().filter(|span| span.len() == window.nbytes());
    let memory = windows.iter().filter_map(whole);
    let keeper = Keeper {
        rows: interpreter.keepers().insert(memory, &share),
        held: interpreter.hold(share),
        interpreter,
    };
    class::instantiate(cx, keeper)
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.interpreter.keepers().remove(&self.rows);
    }
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

    fn home(state: &State) -> &Global {
        &state.keeper
    }
}
