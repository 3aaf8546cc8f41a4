//! `reading()` and `writing()`: what a `with` statement is given.

use core::ffi::CStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use interlane_core::{AnyShare, Busy, Mode, ReadWriteLock, Refused, Wait};

use super::handle::{Access, Handle, Pinned};
use super::{Array, SharedBuffer, guard_wait};
use crate::errors::{Error, raise};
use crate::py::error::Builtin;
use crate::py::getset::{self, GetSet};
use crate::py::method::{self, Method};
use crate::py::slot::{self, Slot};
use crate::py::{Args, Class, Cx, Global, Owned, PyResult, Raised, Ref, Signature, class};
use crate::runtime::primitive::{Body, Primitive, caller, is_task};
use crate::runtime::waiting::Deadline;
use crate::state::State;
use crate::types::awaitable;

/// The memory is guarded for as long as it exists.
pub(super) struct Hold {
    guards: Arc<Primitive>,
    number: u64,
    /// Of a writer, which nobody may freeze the memory under.
    writes: Option<Arc<Access>>,
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(access) = &self.writes {
            access.writers.unpin();
        }
        // `false`: the interpreter was ending, and its holds were taken from it.
        lock_of(&self.guards).release(self.number);
    }
}

pub(super) fn lock_of(guards: &Primitive) -> &ReadWriteLock {
    match &guards.body {
        Body::Guards(lock) => lock,
        _ => unreachable!("made of guards"),
    }
}

/// See the module's documentation.
pub(crate) struct Guard(Arc<Entry>);

/// What a guard is of, and whether it was entered.
pub(super) struct Entry {
    array: Array,
    handle: Arc<Handle>,
    mode: Mode,
    pub(super) timeout: Option<f64>,
    /// The view's handle, between `__enter__` and `__exit__`. Locked for single operations only.
    entered: Mutex<Option<Arc<Handle>>>,
}

const READING: Signature<1> = with_timeout("reading");
const WRITING: Signature<1> = with_timeout("writing");

const fn with_timeout(function: &'static str) -> Signature<1> {
    Signature {
        function,
        names: [c"timeout"],
        required: 0,
        positional: 1,
        positional_only: 0,
    }
}

const EXIT: Signature<3> = Signature {
    function: "__exit__",
    names: [c"exc_type", c"exc_value", c"traceback"],
    required: 0,
    positional: 3,
    positional_only: 3,
};

impl SharedBuffer {
    pub(super) fn reading<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        let [timeout] = args.parse(cx.py(), &READING)?;
        self.guard(cx, Mode::Read, timeout)
    }

    pub(super) fn writing<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        let [timeout] = args.parse(cx.py(), &WRITING)?;
        drop(self.write(cx)?);
        self.guard(cx, Mode::Write, timeout)
    }

    fn guard<'py>(
        &self,
        cx: Cx<'py>,
        mode: Mode,
        timeout: Option<Ref<'_>>,
    ) -> PyResult<Owned<'py>> {
        drop(self.enter(cx)?);
        if self.handle.is_guarded() {
            let message = "this is the view of a guard: its own SharedBuffer can be guarded";
            return Err(Raised::type_error(cx.py(), message));
        }
        let entry = Entry {
            array: self.array.clone(),
            handle: Arc::clone(&self.handle),
            mode,
            timeout: Deadline::seconds(cx, timeout)?,
            entered: Mutex::new(None),
        };
        class::instantiate(cx, Guard(Arc::new(entry)))
    }
}

/// What a guard keeps from before it waits: what is waited for must not be moved away meanwhile.
pub(super) struct Claim {
    whole: Pinned,
    keeper: AnyShare,
}

impl Entry {
    fn entered(&self) -> MutexGuard<'_, Option<Arc<Handle>>> {
        self.entered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn claim(&self, cx: Cx<'_>) -> PyResult<Claim> {
        if self.entered().is_some() {
            return Err(entered_already(cx));
        }
        match (self.handle.pin_whole(), self.handle.keeper()) {
            (Some(whole), Some(keeper)) => Ok(Claim { whole, keeper }),
            _ => Err(super::moved(cx)),
        }
    }

    /// The view of a guard that is held.
    pub(super) fn enter<'py>(&self, cx: Cx<'py>, claim: Claim, hold: Hold) -> PyResult<Owned<'py>> {
        let Claim { whole, keeper } = claim;
        let keeper = cx.state.interpreter().hold(keeper);
        let handle = Handle::guarded(keeper, whole, hold);
        let window = &self.array.window;
        let array = self.array.seen_as(
            window.data(),
            Arc::clone(&self.array.format),
            window.shape(),
            window.strides(),
            self.mode == Mode::Read,
        );
        let view = SharedBuffer {
            array,
            handle: Arc::clone(&handle),
        };
        let view = class::instantiate(cx, view)?;
        let mut entered = self.entered();
        if entered.is_some() {
            drop(entered);
            handle.end();
            return Err(entered_already(cx)); // by another thread, meanwhile
        }
        *entered = Some(handle);
        Ok(view)
    }

    /// The lock, by which all who want to know about it know it.
    pub(super) fn guards(&self) -> &Arc<Primitive> {
        self.array.access.guards()
    }

    pub(super) fn mode(&self) -> Mode {
        self.mode
    }

    /// What was given a number by the lock.
    pub(super) fn held(&self, number: u64) -> Hold {
        Hold {
            guards: Arc::clone(self.guards()),
            number,
            writes: None,
        }
    }

    /// Waits for the guard.
    fn hold(&self, cx: Cx<'_>) -> PyResult<Hold> {
        let guards = self.guards();
        let (lock, who) = (lock_of(guards), caller(cx));
        let held = |number| self.held(number);
        let hold = match lock.try_acquire(who, self.mode) {
            Ok(number) => held(number),
            // With a timeout it may wait: another thread could end that guard.
            Err(Busy::Itself) if self.timeout.is_none() => {
                return Err(self.busy_itself(cx, "thread"));
            }
            Err(_) => {
                let mut joining = lock.acquire(who, self.mode);
                // Made a hold of before the thread is back in Python, where it might never get.
                let settle = |wait: &Wait<'_>| joining.settle(wait).map(held);
                let deadline = self.timeout.map_or(Deadline::NEVER, Deadline::after);
                match deadline.on(guards).wait(cx, settle, |reason| *reason)? {
                    Ok(hold) => hold,
                    Err(Refused::TimedOut) => return Err(self.busy_with_others(cx)),
                    Err(_) => return Err(crate::types::sync::abandoned(cx, guards)),
                }
            }
        };
        self.checked(cx, hold)
    }

    /// For a writer, the memory may have been frozen meanwhile.
    pub(super) fn checked(&self, cx: Cx<'_>, mut hold: Hold) -> PyResult<Hold> {
        if self.mode == Mode::Write {
            if !self.array.access.writers.pin() {
                return Err(super::read_only(cx));
            }
            hold.writes = Some(Arc::clone(&self.array.access));
        }
        Ok(hold)
    }

    /// `who` has the memory, and would wait for itself.
    pub(super) fn busy_itself(&self, cx: Cx<'_>, who: &str) -> Raised {
        self.busy(cx, &format!("by this {who} itself"))
    }

    pub(super) fn busy_with_others(&self, cx: Cx<'_>) -> Raised {
        self.busy(cx, &owner_of(lock_of(self.guards())))
    }

    fn busy(&self, cx: Cx<'_>, by: &str) -> Raised {
        let what = match self.mode {
            Mode::Read => "written to",
            Mode::Write => "used",
        };
        raise(
            cx,
            Error::BufferBusy,
            &format!("the memory is being {what} {by}"),
        )
    }
}

impl Guard {
    fn enter<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        let claim = self.0.claim(cx)?;
        let hold = self.0.hold(cx)?;
        self.0.enter(cx, claim, hold)
    }

    /// `_wait(task)`: what `__aenter__` waits with.
    fn wait<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        guard_wait::new(cx, &self.0, args)
    }

    fn exit<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        let [exc_type, _, _] = args.parse(cx.py(), &EXIT)?;
        let handle = self.0.entered().take();
        let Some(handle) = handle else {
            let message = "this guard was not entered";
            return Err(Raised::builtin(cx.py(), Builtin::Runtime, message));
        };
        // With an exception on its way, that is the one to hear of: its traceback may be what still uses the view.
        if handle.end() || exc_type.is_some_and(|class| !class.is_none()) {
            return Ok(cx.none());
        }
        let message = format!(
            "the view is still exported, {} times: the memory stays guarded until those are gone",
            handle.uses()
        );
        Err(Raised::builtin(cx.py(), Builtin::Buffer, &message))
    }

    fn repr<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        let mode = match self.0.mode {
            Mode::Read => "reading",
            Mode::Write => "writing",
        };
        let state = if self.0.entered().is_some() {
            "entered"
        } else {
            "free"
        };
        cx.str(&format!("<interlane guard for {mode}, {state}>"))
    }
}

fn enter_async<'py>(this: Ref<'py>, cx: Cx<'py>, _: Args<'py>) -> PyResult<Owned<'py>> {
    awaitable::call(cx, c"interlane._async_locks", c"enter_guard", [this])
}

fn exit_async<'py>(this: Ref<'py>, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [exc_type, _, _] = args.parse(cx.py(), &EXIT)?;
    let exc_type = exc_type.map_or_else(|| cx.none(), |class| class.to_owned(cx.py()));
    awaitable::call(
        cx,
        c"interlane._async_locks",
        c"exit_guard",
        [this, exc_type.get()],
    )
}

fn entered_already(cx: Cx<'_>) -> Raised {
    Raised::builtin(cx.py(), Builtin::Runtime, "this guard was entered already")
}

/// Who is in the way.
fn owner_of(lock: &ReadWriteLock) -> String {
    match lock.writer() {
        Some(who) if is_task(who) => format!("in interpreter {}, by a task", who.runtime),
        Some(who) => format!("in interpreter {}, by thread {}", who.runtime, who.thread),
        None => format!("by {} readers", lock.readers()),
    }
}

impl Class for Guard {
    const NAME: &'static CStr = c"interlane._core._Guard";
    const DOC: &'static CStr =
        c"What reading() and writing() of a SharedBuffer return, for a with statement.";
    const METHODS: &'static [Method] = const {
        &[
            method::noargs(
                c"__enter__",
                Self::enter,
                c"__enter__($self, /)\n--\n\nWait for the guard and return the view.",
            ),
            method::keywords(
                c"__exit__",
                Self::exit,
                c"__exit__($self, /, *args)\n--\n\nEnd the guard and its view.",
            ),
            method::of_object(
                c"__aenter__",
                enter_async,
                c"__aenter__($self, /)\n--\n\nAwait the guard and return the view. Cancelled, it does not have it.",
            ),
            method::of_object(
                c"__aexit__",
                exit_async,
                c"__aexit__($self, /, *args)\n--\n\nEnd the guard and its view.",
            ),
            method::keywords(
                c"_wait",
                Self::wait,
                c"_wait($self, task, /)\n--\n\nReturn what __aenter__ waits with, on behalf of a task.",
            ),
            method::END,
        ]
    };
    const GETSET: &'static [GetSet] = &[getset::END];
    const SLOTS: &'static [Slot] = const { &[slot::repr(Self::repr)] };

    fn home(state: &State) -> &Global {
        &state.guard
    }
}
