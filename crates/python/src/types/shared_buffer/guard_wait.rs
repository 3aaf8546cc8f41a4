//! `_GuardWait`: an `async with` of a guard that an event loop waits in.

use core::ffi::CStr;
use std::sync::{Arc, Mutex};

use interlane_core::{Busy, Place, Who};

use super::guard::{Claim, Entry, lock_of};
use crate::py::getset::{self, GetSet};
use crate::py::method::{self, Method};
use crate::py::{Args, Cx, Global, Owned, PyResult, Signature};
use crate::runtime::loop_bell::Ring;
use crate::runtime::primitive::task;
use crate::runtime::waiting::Subject;
use crate::state::State;
use crate::types::loop_wait::{self, Call, LoopWait, lock};

/// See the module's documentation.
pub(crate) struct GuardCall {
    entry: Arc<Entry>,
    who: Who,
    claim: Mutex<Option<Claim>>,
    stage: Mutex<Stage>,
}

enum Stage {
    /// Not begun, or over.
    Idle,
    /// Has the hold of this number: there was nothing to wait for.
    Met(u64),
    /// In line for the hold of this number.
    Waiting(Place, u64),
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
    let interpreter = cx.state.interpreter().id() as u64;
    // The lock tells threads apart by their identifiers, whatever interpreter they are in; so it has to tell tasks.
    let who = task(cx, number | interpreter << 40);
    loop_wait::make(
        cx,
        GuardCall {
            entry: Arc::clone(entry),
            who,
            claim: Mutex::new(Some(claim)),
            stage: Mutex::new(Stage::Idle),
        },
    )
}

impl GuardCall {
    fn enter<'py>(&self, cx: Cx<'py>, number: u64) -> PyResult<Option<Owned<'py>>> {
        let hold = self.entry.checked(cx, self.entry.held(number))?;
        let claim = lock(&self.claim).take();
        match claim {
            Some(claim) => self.entry.enter(cx, claim, hold).map(Some),
            None => unreachable!("a guard is waited for once"),
        }
    }
}

impl Call for GuardCall {
    const NAME: &'static CStr = c"interlane._core._GuardWait";
    const DOC: &'static CStr = c"An async with of a guard that an event loop waits in.";
    const METHOD: Method = method::noargs(
        c"refuse",
        LoopWait::<Self>::refuse,
        c"refuse($self, /)\n--\n\nRaise BufferBusyError, which says who is in the way.",
    );
    const ATTRIBUTE: GetSet = getset::getter(
        c"timeout",
        LoopWait::<Self>::timeout,
        c"The guard's timeout in seconds, or None.",
    );

    fn home(state: &State) -> &Global {
        &state.guard_wait
    }

    fn attempt<'py>(&self, cx: Cx<'py>) -> PyResult<Option<Owned<'py>>> {
        let entry = &self.entry;
        match lock_of(entry.guards()).try_acquire(self.who, entry.mode()) {
            Ok(number) => self.enter(cx, number),
            Err(Busy::Itself) if entry.timeout.is_none() => Err(entry.busy_itself(cx, "task")),
            Err(_) => Ok(None),
        }
    }

    fn begin(&self, _: Cx<'_>, ring: Arc<Ring>) -> PyResult<bool> {
        let entry = &self.entry;
        let begun = lock_of(entry.guards()).begin(self.who, entry.mode(), ring);
        let waits = begun.is_ok();
        *lock(&self.stage) = match begun {
            Ok((place, number)) => Stage::Waiting(place, number),
            Err(number) => Stage::Met(number),
        };
        Ok(waits)
    }

    fn result<'py>(&self, cx: Cx<'py>) -> PyResult<Option<Owned<'py>>> {
        let number = {
            let mut stage = lock(&self.stage);
            let number = match &*stage {
                Stage::Idle => None, // its interpreter has ended it
                Stage::Met(number) => Some(*number),
                Stage::Waiting(place, _) if place.outcome().is_none() => return Ok(None),
                Stage::Waiting(_, number) => Some(*number),
            };
            *stage = Stage::Idle;
            number
        };
        match number {
            Some(number) => self.enter(cx, number),
            None => Err(crate::types::sync::abandoned(cx, self.entry.guards())),
        }
    }

    fn give_up(&self) -> bool {
        // Not under the lock: others are told.
        let stage = std::mem::replace(&mut *lock(&self.stage), Stage::Idle);
        match stage {
            Stage::Idle => false,
            Stage::Met(number) => {
                drop(self.entry.held(number));
                true
            }
            Stage::Waiting(place, number) => lock_of(self.entry.guards()).leave(&place, number),
        }
    }

    fn subject(&self) -> (Option<u64>, Subject) {
        (None, Subject::Other)
    }
}

impl LoopWait<GuardCall> {
    fn refuse<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        Err(self.call().entry.busy_with_others(cx))
    }

    fn timeout<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        match self.call().entry.timeout {
            Some(seconds) => cx.float(seconds),
            None => Ok(cx.none()),
        }
    }
}
