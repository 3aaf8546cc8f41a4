//! `_LockWait` and `_GuardWait`: calls that an event loop waits in. What they have in common.

use std::ffi::CStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::loop_bell::Bell;
use crate::py::getset::{self, GetSet};
use crate::py::method::{self, Method};
use crate::py::slot::Slot;
use crate::py::{Args, Class, Cx, Global, Owned, PyResult, Raised, Signature, class};
use crate::runtime::Interpreter;
use crate::runtime::awaited::{Await, Awaited};
use crate::runtime::interpreter::Close;
use crate::runtime::loop_bell::Ring;
use crate::runtime::slab::Key;
use crate::runtime::waiting::Subject;
use crate::state::State;

/// What is waited for.
pub(crate) trait Call: Sized + Send + Sync + 'static {
    const NAME: &'static CStr;
    const DOC: &'static CStr;
    /// A method that the other class does not have, or [`method::END`].
    const METHOD: Method;
    /// An attribute that the other class does not have.
    const ATTRIBUTE: GetSet;

    /// Where the module's state keeps the class.
    fn home(state: &State) -> &Global;

    /// What there is without waiting, if anything.
    fn attempt<'py>(&self, cx: Cx<'py>) -> PyResult<Option<Owned<'py>>>;

    /// Gets in line; says whether that is needed.
    fn begin(&self, cx: Cx<'_>, ring: Arc<Ring>) -> PyResult<bool>;

    /// What came of it; `None` when it still waits.
    fn result<'py>(&self, cx: Cx<'py>) -> PyResult<Option<Owned<'py>>>;

    /// Gives up; says whether something had come, which goes to others.
    fn give_up(&self) -> bool;

    /// As whom it waits, if as itself and not as its thread, and for what.
    fn subject(&self) -> (Option<u64>, Subject);
}

/// What an interpreter that ends gives up, so that what has just come goes to others.
struct Waiting<C> {
    call: C,
    awaited: Awaited,
}

impl<C: Call> Waiting<C> {
    fn give_up(&self) -> bool {
        self.awaited.end();
        self.call.give_up()
    }
}

impl<C: Call> Close for Waiting<C> {
    fn close(&self) {
        self.give_up();
    }

    fn awaited(&self) -> Option<Await> {
        self.awaited.get()
    }
}

/// See the module's documentation. Dropped, it gives up.
pub(crate) struct LoopWait<C: Call> {
    waiting: Arc<Waiting<C>>,
    interpreter: Arc<Interpreter>,
    key: Mutex<Option<Key>>,
}

pub(super) fn make<C: Call>(cx: Cx<'_>, call: C) -> PyResult<Owned<'_>> {
    class::instantiate(
        cx,
        LoopWait {
            waiting: Arc::new(Waiting {
                call,
                awaited: Awaited::default(),
            }),
            interpreter: Arc::clone(cx.state.interpreter()),
            key: Mutex::new(None),
        },
    )
}

const BEGIN: Signature<3> = Signature {
    function: "begin",
    names: [c"bell", c"number", c"task"],
    required: 3,
    positional: 3,
    positional_only: 3,
};

/// The arguments of `begin(bell, number, task)`: what is rung, and the task's name.
pub(super) fn ring_and_task<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<(Arc<Ring>, String)> {
    let [bell, number, task] = args.parse(cx.py(), &BEGIN)?;
    let bell = bell.and_then(|bell| class::downcast::<Bell>(cx, bell));
    let (Some(Bell(bell)), Some(number), Some(task)) = (bell, number, task) else {
        return Err(Raised::type_error(cx.py(), "begin() takes a _LoopBell"));
    };
    let ring = Arc::new(Ring {
        bell: Arc::clone(bell),
        number: number.index(cx.py())? as u64,
    });
    Ok((ring, task.display(cx.py())))
}

impl<C: Call> LoopWait<C> {
    pub(super) fn call(&self) -> &C {
        &self.waiting.call
    }

    fn attempt<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        let there = self.call().attempt(cx)?;
        Ok(there.unwrap_or_else(|| cx.none()))
    }

    fn begin<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        let (ring, task) = ring_and_task(cx, args)?;
        let waits = self.call().begin(cx, ring)?;
        let mut key = lock(&self.key);
        if key.is_none() {
            let weak: Weak<Waiting<C>> = Arc::downgrade(&self.waiting);
            *key = self.interpreter.register(weak);
        }
        drop(key);
        if waits {
            let (who, subject) = self.call().subject();
            self.waiting.awaited.begin(task, who, subject);
        }
        Ok(cx.bool(waits))
    }

    fn result<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        match self.call().result(cx).transpose() {
            None => Ok(cx.none()),
            Some(result) => {
                self.waiting.awaited.end();
                result
            }
        }
    }

    fn cancel<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        Ok(cx.bool(self.waiting.give_up()))
    }
}

impl<C: Call> Drop for LoopWait<C> {
    fn drop(&mut self) {
        if let Some(key) = lock(&self.key).take() {
            self.interpreter.forget(key);
        }
        self.waiting.give_up();
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<C: Call> Class for LoopWait<C> {
    const NAME: &'static CStr = C::NAME;
    const DOC: &'static CStr = C::DOC;
    const METHODS: &'static [Method] = const {
        &[
            method::noargs(c"attempt", Self::attempt, c"attempt($self, /)\n--\n\nReturn the guard's view, or True, if there is nothing to wait for, and it is the caller's; else None."),
            method::keywords(c"begin", Self::begin, c"begin($self, bell, number, task, /)\n--\n\nGet in line, and return whether that is needed: then the bell will ring with this number, once or more.\nOf a condition, the lock is given back. The task's name is for people."),
            method::noargs(c"result", Self::result, c"result($self, /)\n--\n\nReturn what came of it, or raise; None when it still waits."),
            method::noargs(c"cancel", Self::cancel, c"cancel($self, /)\n--\n\nGive up; what has come goes to others. Return whether something had."),
            C::METHOD,
            method::END,
        ]
    };
    const GETSET: &'static [GetSet] = const { &[C::ATTRIBUTE, getset::END] };
    const SLOTS: &'static [Slot] = &[];

    fn home(state: &State) -> &Global {
        C::home(state)
    }
}
