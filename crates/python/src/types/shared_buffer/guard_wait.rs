//! `_GuardWait`: an `async with` of a guard that an event loop waits in.

use core::ffi::CStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use interlane_core::{Busy, Place, Who};

use super::guard::{Claim, Entry, lock_of};
use crate::py::getset::{self, GetSet};
use crate::py::method::{self, Method};
use crate::py::slot::Slot;
use crate::py::{Args, Class, Cx, Global, Owned, PyResult, Raised, Signature, class};
use crate::runtime::Interpreter;
use crate::runtime::awaited::{Await, Awaited};
use crate::runtime::interpreter::Close;
use crate::runtime::loop_bell::Ring;
use crate::runtime::primitive::task;
use crate::runtime::slab::Key;
use crate::runtime::waiting::Subject;
use crate::state::State;
use crate::types::loop_bell::Bell;

/// What an interpreter that ends gives up.
struct Call {
    entry: Arc<Entry>,
    who: Who,
    claim: Mutex<Option<Claim>>,
    stage: Mutex<Stage>,
    awaited: Awaited,
}

enum Stage {
    /// Not begun, or over.
    Idle,
    /// Has the hold of this number: there was nothing to wait for.
    Met(u64),
    /// In line for the hold of this number.
    Waiting(Place, u64),
}

/// See the module's documentation. Dropped, it gives up.
pub(crate) struct GuardWait {
    call: Arc<Call>,
    interpreter: Arc<Interpreter>,
    key: Mutex<Option<Key>>,
}

const NEW: Signature<1> = Signature {
    function: "_wait",
    names: [c"task"],
    required: 1,
    positional: 1,
    positional_only: 1,
};

/// `guard._wait(task)`.
pub(super) fn new<'py>(cx: Cx<'py>, entry: &Arc<Entry>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [number] = args.parse(cx.py(), &NEW)?;
    let number = number.map_or(Ok(1), |it| it.index(cx.py()))? as u64;
    let claim = entry.claim(cx)?;
    let interpreter = cx.state.interpreter();
    // The lock tells threads apart by their identifiers, whatever interpreter they are in; so it has to tell tasks.
    let who = task(cx, number | (interpreter.id() as u64) << 40);
    class::instantiate(
        cx,
        GuardWait {
            call: Arc::new(Call {
                entry: Arc::clone(entry),
                who,
                claim: Mutex::new(Some(claim)),
                stage: Mutex::new(Stage::Idle),
                awaited: Awaited::default(),
            }),
            interpreter: Arc::clone(interpreter),
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

impl Call {
    fn stage(&self) -> MutexGuard<'_, Stage> {
        lock(&self.stage)
    }

    /// Gives up; says whether it had the guard, which goes to others.
    fn give_up(&self) -> bool {
        // Not under the lock: others are told.
        let stage = std::mem::replace(&mut *self.stage(), Stage::Idle);
        self.awaited.end();
        match stage {
            Stage::Idle => false,
            Stage::Met(number) => {
                drop(self.entry.held(number));
                true
            }
            Stage::Waiting(place, number) => lock_of(self.entry.guards()).leave(&place, number),
        }
    }

    fn enter<'py>(&self, cx: Cx<'py>, number: u64) -> PyResult<Owned<'py>> {
        let hold = self.entry.checked(cx, self.entry.held(number))?;
        let claim = lock(&self.claim).take();
        match claim {
            Some(claim) => self.entry.enter(cx, claim, hold),
            None => unreachable!("a guard is waited for once"),
        }
    }
}

impl Close for Call {
    fn close(&self) {
        self.give_up();
    }

    fn awaited(&self) -> Option<Await> {
        self.awaited.get()
    }
}

impl GuardWait {
    fn attempt<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        let entry = &self.call.entry;
        match lock_of(entry.guards()).try_acquire(self.call.who, entry.mode()) {
            Ok(number) => self.call.enter(cx, number),
            Err(Busy::Itself) if entry.timeout.is_none() => Err(entry.busy_itself(cx, "task")),
            Err(_) => Ok(cx.none()),
        }
    }

    fn begin<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        let [bell, number, task] = args.parse(cx.py(), &BEGIN)?;
        let bell = bell.and_then(|bell| class::downcast::<Bell>(cx, bell));
        let (Some(Bell(bell)), Some(number), Some(task)) = (bell, number, task) else {
            return Err(Raised::type_error(cx.py(), "begin() takes a _LoopBell"));
        };
        let ring = Arc::new(Ring {
            bell: Arc::clone(bell),
            number: number.index(cx.py())? as u64,
        });
        let (call, entry) = (&self.call, &self.call.entry);
        let begun = lock_of(entry.guards()).begin(call.who, entry.mode(), ring);
        let waits = begun.is_ok();
        *call.stage() = match begun {
            Ok((place, number)) => Stage::Waiting(place, number),
            Err(number) => Stage::Met(number),
        };
        if waits {
            let task = task.display(cx.py());
            call.awaited.begin(task, None, Subject::Other);
        }
        let weak: Weak<Call> = Arc::downgrade(call);
        *lock(&self.key) = self.interpreter.register(weak);
        Ok(cx.bool(waits))
    }

    fn result<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        let number = {
            let mut stage = self.call.stage();
            let number = match &*stage {
                Stage::Idle => None, // its interpreter has ended it
                Stage::Met(number) => Some(*number),
                Stage::Waiting(place, _) if place.outcome().is_none() => return Ok(cx.none()),
                Stage::Waiting(_, number) => Some(*number),
            };
            *stage = Stage::Idle;
            self.call.awaited.end();
            number
        };
        match number {
            Some(number) => self.call.enter(cx, number),
            None => Err(crate::types::sync::abandoned(cx, self.call.entry.guards())),
        }
    }

    fn cancel<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        Ok(cx.bool(self.call.give_up()))
    }

    fn refuse<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        Err(self.call.entry.busy_with_others(cx))
    }

    fn timeout<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        match self.call.entry.timeout {
            Some(seconds) => cx.float(seconds),
            None => Ok(cx.none()),
        }
    }
}

impl Drop for GuardWait {
    fn drop(&mut self) {
        if let Some(key) = lock(&self.key).take() {
            self.interpreter.forget(key);
        }
        self.call.give_up();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Class for GuardWait {
    const NAME: &'static CStr = c"interlane._core._GuardWait";
    const DOC: &'static CStr = c"An async with of a guard that an event loop waits in.";
    const METHODS: &'static [Method] = const {
        &[
            method::noargs(
                c"attempt",
                Self::attempt,
                c"attempt($self, /)\n--\n\nReturn the view if there is nothing to wait for, else None.",
            ),
            method::keywords(
                c"begin",
                Self::begin,
                c"begin($self, bell, number, task, /)\n--\n\nGet in line, and return whether that is needed: then the bell will ring with this number.",
            ),
            method::noargs(
                c"result",
                Self::result,
                c"result($self, /)\n--\n\nReturn the view, or raise; None when it still waits.",
            ),
            method::noargs(
                c"cancel",
                Self::cancel,
                c"cancel($self, /)\n--\n\nGive up; return whether the guard had come, which goes to others.",
            ),
            method::noargs(
                c"refuse",
                Self::refuse,
                c"refuse($self, /)\n--\n\nRaise BufferBusyError, which says who is in the way.",
            ),
            method::END,
        ]
    };
    const GETSET: &'static [GetSet] = const {
        &[
            getset::getter(
                c"timeout",
                Self::timeout,
                c"The guard's timeout in seconds, or None.",
            ),
            getset::END,
        ]
    };
    const SLOTS: &'static [Slot] = &[];

    fn home(state: &State) -> &Global {
        &state.guard_wait
    }
}
