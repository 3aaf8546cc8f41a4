//! `_Ticket`: says whether tasks that were posted together have begun, and cancels them.

use core::ffi::CStr;
use std::sync::Arc;

use crate::py::getset::{self, GetSet};
use crate::py::method::{self, Method};
use crate::py::slot::Slot;
use crate::py::{Args, Class, Cx, Global, Owned, PyResult, Raised, Signature, class};
use crate::runtime::tasks::{Claims, Tasks};
use crate::state::State;

pub(crate) struct Ticket {
    claims: Claims,
    tasks: Arc<Tasks>,
}

pub(super) fn make<'py>(cx: Cx<'py>, tasks: &Arc<Tasks>, claims: Claims) -> PyResult<Owned<'py>> {
    let tasks = Arc::clone(tasks);
    class::instantiate(cx, Ticket { claims, tasks })
}

const INDEX: Signature<1> = Signature {
    function: "ticket",
    names: [c"index"],
    required: 0,
    positional: 1,
    positional_only: 1,
};

impl Ticket {
    fn index(&self, cx: Cx<'_>, args: Args<'_>) -> PyResult<usize> {
        let [index] = args.parse(cx.py(), &INDEX)?;
        let index = index.map_or(Ok(0), |index| index.index(cx.py()))?;
        usize::try_from(index)
            .ok()
            .filter(|&index| index < self.claims.len())
            .ok_or_else(|| {
                let count = self.claims.len();
                let message = format!("index must be below {count}, not {index}");
                Raised::value_error(cx.py(), &message)
            })
    }

    fn cancel<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        let cancelled = self.claims.cancel(self.index(cx, args)?);
        if cancelled {
            self.tasks.count(-1);
        }
        Ok(cx.bool(cancelled))
    }

    fn taken<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        Ok(cx.bool(self.claims.is_taken(self.index(cx, args)?)))
    }
}

impl Class for Ticket {
    const NAME: &'static CStr = c"interlane._core._Ticket";
    const DOC: &'static CStr = c"The claims on tasks that were posted together.";
    const METHODS: &'static [Method] = const {
        &[
            method::keywords(
                c"cancel",
                Self::cancel,
                c"cancel($self, index=0, /)\n--\n\nCancel one of the tasks, and tell whether it was this call that did.",
            ),
            method::keywords(
                c"taken",
                Self::taken,
                c"taken($self, index=0, /)\n--\n\nTell whether a worker has taken one of the tasks.",
            ),
            method::END,
        ]
    };
    const GETSET: &'static [GetSet] = &[getset::END];
    const SLOTS: &'static [Slot] = &[];

    fn home(state: &State) -> &Global {
        &state.ticket
    }
}
