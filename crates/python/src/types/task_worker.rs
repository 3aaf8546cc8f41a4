//! `_TaskWorker`: the queues of an executor, as a worker's interpreter sees them.

use core::ffi::CStr;
use std::sync::{Arc, Weak};

use interlane_core::Refused;

use crate::convert::{Packing, pack, unpack};
use crate::errors::{Error, raise};
use crate::py::getset::{self, GetSet};
use crate::py::method::{self, Method};
use crate::py::slot::Slot;
use crate::py::{Args, Class, Cx, Global, Owned, PyResult, Raised, Ref, Signature, class};
use crate::runtime::Interpreter;
use crate::runtime::interpreter::Close;
use crate::runtime::lane::Fallback;
use crate::runtime::slab::Key;
use crate::runtime::tasks::{Outcome, Tasks, Worker};
use crate::runtime::waiting::Deadline;
use crate::state::State;

pub(super) const fn packing(definitions: bool) -> Packing {
    Packing {
        frames: false, // no library for them loads in a worker
        definitions,
        ..Packing::with_fallback(Fallback::Pickle)
    }
}

pub(crate) struct TaskWorker {
    worker: Arc<Worker>,
    interpreter: Arc<Interpreter>,
    key: Option<Key>,
}

const ID: Signature<1> = Signature {
    function: "_task_worker",
    names: [c"id"],
    required: 1,
    positional: 1,
    positional_only: 1,
};

const OUTCOME: Signature<1> = Signature {
    function: "returned",
    names: [c"value"],
    required: 1,
    positional: 1,
    positional_only: 1,
};

/// `_task_worker(id)`: a new worker of a pool, in this interpreter.
pub(crate) fn new<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [Some(id)] = args.parse(cx.py(), &ID)? else {
        unreachable!("the signature requires it")
    };
    let id = id.index(cx.py())?;
    let worker = u64::try_from(id).ok().and_then(Tasks::worker);
    let Some(worker) = worker.map(Arc::new) else {
        let message = format!("no pool has the id {id}");
        return Err(raise(cx, Error::NotFound, &message));
    };
    let interpreter = Arc::clone(cx.state.interpreter());
    let weak: Weak<Worker> = Arc::downgrade(&worker);
    let key = interpreter.register(weak);
    let this = TaskWorker {
        worker,
        interpreter,
        key,
    };
    class::instantiate(cx, this)
}

impl TaskWorker {
    /// The next call; `None` when there will be none. What can't be unpacked here has failed.
    fn next<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        loop {
            cx.state.interpreter().poll(cx.py());
            let call = match self.worker.try_next() {
                Err(Refused::Empty) => {
                    Deadline::NEVER.wait(cx, |wait| self.worker.next(wait), |reason| *reason)?
                }
                call => call,
            };
            let Ok(call) = call else {
                return Ok(cx.none()); // closed, or nobody is left who could send more
            };
            match unpack(cx, call) {
                Ok(call) => return Ok(call),
                Err(raised) => {
                    let exception = raised.take(cx.py());
                    self.fail(cx, exception.get());
                }
            }
        }
    }

    fn returned<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        let message = pack(cx, outcome(cx, args)?, self.packing())?;
        self.worker.finish(Outcome::Returned(message));
        Ok(cx.none())
    }

    fn failed<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        self.fail(cx, outcome(cx, args)?);
        Ok(cx.none())
    }

    fn fail(&self, cx: Cx<'_>, exception: Ref<'_>) {
        let outcome = match pack(cx, exception, self.packing()) {
            Ok(message) => Outcome::Raised(message),
            Err(raised) => {
                raised.report(cx.py(), exception);
                Outcome::Lost
            }
        };
        self.worker.finish(outcome);
    }

    fn packing(&self) -> Packing {
        packing(self.worker.definitions)
    }

    fn close<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        Close::close(&*self.worker);
        Ok(cx.none())
    }
}

fn outcome<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Ref<'py>> {
    cx.state.interpreter().poll(cx.py());
    let [value] = args.parse(cx.py(), &OUTCOME)?;
    value.ok_or_else(|| Raised::type_error(cx.py(), "a value is required"))
}

impl Drop for TaskWorker {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.interpreter.forget(key);
        }
        Close::close(&*self.worker);
    }
}

impl Class for TaskWorker {
    const NAME: &'static CStr = c"interlane._core._TaskWorker";
    const DOC: &'static CStr =
        c"Takes an executor's tasks and hands back what becomes of them; for one thread.";
    const METHODS: &'static [Method] = const {
        &[
            method::noargs(
                c"next",
                Self::next,
                c"next($self, /)\n--\n\nTake the next task, waiting for one; None when there will be none.",
            ),
            method::keywords(
                c"returned",
                Self::returned,
                c"returned($self, value, /)\n--\n\nHand back what the task has returned. Raises when it can be neither shared nor pickled.",
            ),
            method::keywords(
                c"failed",
                Self::failed,
                c"failed($self, exception, /)\n--\n\nHand back what the task has raised.",
            ),
            method::noargs(
                c"close",
                Self::close,
                c"close($self, /)\n--\n\nTake no more tasks; one that is being done is lost.",
            ),
            method::END,
        ]
    };
    const GETSET: &'static [GetSet] = &[getset::END];
    const SLOTS: &'static [Slot] = &[];

    fn home(state: &State) -> &Global {
        &state.task_worker
    }
}
