//! `_LoopBell`: what wakes an event loop.

use std::ffi::CStr;
use std::sync::Arc;

use crate::py::error::Builtin;
use crate::py::getset::{self, GetSet};
use crate::py::method::{self, Method};
use crate::py::slot::Slot;
use crate::py::{Args, Class, Cx, Global, Owned, PyResult, Raised, Signature, class};
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

    /// In here and not in Python, since the loop has slept until now: the less code it takes to get to the task, the
    /// less has to come into the caches.
    fn step<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        let [steps] = args.parse(cx.py(), &STEP)?;
        let Some(steps) = steps.filter(|steps| steps.is_any_dict()) else {
            return Err(Raised::type_error(cx.py(), "step() takes a dict"));
        };
        // What is over by now: who is met meanwhile has its turn when the loop comes round again. So has the rest,
        // should a task end the loop with an exception: the bell has not been silenced then.
        for _ in 0..self.0.count() {
            let Some(number) = self.0.next() else { break };
            let number = cx.size(number as usize)?;
            let Some(step) = steps.find(cx.py(), number.get())? else {
                continue; // given up
            };
            steps.remove(cx.py(), number.get())?;
            let item = |place| step.get().tuple_item(place);
            if let Some(end) = item(0) {
                end.call(cx.py(), [cx.bool(false).get()])?;
            }
            if let (Some(run), Some(wake), Some(pause)) = (item(1), item(2), item(3)) {
                run.call(cx.py(), [wake, pause])?;
            }
        }
        self.0.rest();
        Ok(cx.none())
    }
}

const STEP: Signature<1> = Signature {
    function: "step",
    names: [c"steps"],
    required: 1,
    positional: 1,
    positional_only: 1,
};

impl Class for Bell {
    const NAME: &'static CStr = c"interlane._core._LoopBell";
    const DOC: &'static CStr = c"Wakes an event loop when waits of its are over.";
    const METHODS: &'static [Method] = const {
        &[
            method::noargs(c"fileno", Self::fileno, c"fileno($self, /)\n--\n\nReturn the descriptor that becomes readable."),
            method::noargs(c"answer", Self::answer, c"answer($self, /)\n--\n\nSilence the bell; return the numbers of the waits that are over."),
            method::keywords(c"step", Self::step, c"step($self, steps, /)\n--\n\nTake each wait that is over out of the dict by its number: the value is a tuple (end, run, wake, pause), or\nof the first alone. Call end(False), then run(wake, pause). At last silence the bell."),
            method::END,
        ]
    };
    const GETSET: &'static [GetSet] = &[getset::END];
    const SLOTS: &'static [Slot] = &[];

    fn home(state: &State) -> &Global {
        &state.loop_bell
    }
}
