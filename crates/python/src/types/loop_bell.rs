//! `_LoopBell`: what wakes an event loop.

use std::ffi::CStr;
use std::sync::Arc;

use crate::py::error::Builtin;
use crate::py::getset::{self, GetSet};
use crate::py::method::{self, Method};
use crate::py::slot::Slot;
use crate::py::{Args, Class, Cx, Global, Owned, PyResult, Raised, class};
use crate::runtime::loop_bell::LoopBell;
use crate::state::State;

/// The bell of one event loop.
pub(crate) struct Bell(pub(in crate::types) Arc<LoopBell>);

/// `_loop_bell()`.
pub(crate) fn new<'py>(cx: Cx<'py>, _: Args<'py>) -> PyResult<Owned<'py>> {
    match LoopBell::new() {
        Ok(bell) => class::instantiate(cx, Bell(Arc::new(bell))),
        Err(error) => Err(Raised::builtin(
            cx.py(),
            Builtin::Os,
            &format!("no descriptor to wake the event loop with: {error}"),
        )),
    }
}

impl Bell {
    fn fileno<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        cx.int(self.0.descriptor().into())
    }

    fn answer<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        let list = cx.list()?;
        for number in self.0.answer() {
            list.get()
                .append(cx.py(), cx.size(number as usize)?.get())?;
        }
        Ok(list)
    }
}

impl Class for Bell {
    const NAME: &'static CStr = c"interlane._core._LoopBell";
    const DOC: &'static CStr = c"Wakes an event loop when waits of its are over.";
    const METHODS: &'static [Method] = const {
        &[
            method::noargs(c"fileno", Self::fileno, c"fileno($self, /)\n--\n\nReturn the descriptor that becomes readable."),
            method::noargs(c"answer", Self::answer, c"answer($self, /)\n--\n\nSilence the bell; return the numbers of the waits that are over."),
            method::END,
        ]
    };
    const GETSET: &'static [GetSet] = &[getset::END];
    const SLOTS: &'static [Slot] = &[];

    fn home(state: &State) -> &Global {
        &state.loop_bell
    }
}
