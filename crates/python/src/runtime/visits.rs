//! How threads of one interpreter visit another one: with a thread state that each keeps for the next visit.
//!
//! To make one takes a third of a millisecond on the main thread of 3.14 and later, where CPython then reads where
//! the stack is. Before 3.14 none may be left when an interpreter ends, so there each visit makes its own.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, PoisonError};

use super::Interpreter;
use crate::py::interp::{self, ThreadState};
use crate::py::{Attached, Cx};

/// Without a GIL, what a thread has made in another interpreter waits for its thread state to be used before it is
/// freed: so it must not be kept there either.
const KEEPS: bool = cfg!(all(Py_3_14, not(Py_GIL_DISABLED)));

/// The visitor's side: the thread states of this thread, by the owner's generation, which is never used twice. An
/// interpreter that ends frees its own; what is left here is then only a number.
struct Kept(RefCell<Vec<(u64, ThreadState)>>);

thread_local! {
    static KEPT: Kept = const { Kept(RefCell::new(Vec::new())) };
}

/// The visited interpreter's side: thread states whose threads have ended.
#[derive(Debug, Default)]
pub(super) struct Left(Mutex<Vec<ThreadState>>);

impl Left {
    /// Deletes what threads have left behind.
    pub(super) fn clear(&self, py: Attached<'_>) {
        let left = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for state in left {
            state.delete(py);
        }
    }
}

impl Interpreter {
    /// Leaves `here`, to which this thread is attached, runs `work` in this interpreter unless that has begun to end,
    /// and comes back.
    pub(crate) fn visit(&self, here: &Self, py: Attached<'_>, work: impl FnOnce(Cx<'_>) + Send) {
        let Some(pass) = self.owner.enter() else {
            return;
        };
        // A thread state that is kept is what CPython knows the thread by until it is attached again, and then it
        // writes to it: so long it must not be freed. No pass is kept for a daemon thread that never comes back.
        let pass = here.detach(py, move || {
            // SAFETY: the pass keeps the interpreter from ending; this thread has just been detached.
            unsafe {
                self.attach(|py| {
                    if let Err(raised) = interp::with_state(py, work) {
                        raised.report_alone(py);
                    }
                });
            }
            KEEPS.then_some(pass)
        });
        drop(pass);
    }

    /// Attaches a thread that is attached nowhere, runs `work`, and detaches it.
    ///
    /// # Safety
    /// The interpreter does not end until the thread is attached elsewhere: the caller has a pass. The thread is
    /// attached nowhere.
    unsafe fn attach(&self, work: impl FnOnce(Attached<'_>)) {
        let Some(_guard) = self.view.guard() else {
            return;
        };
        let generation = self.owner.generation();
        // A thread that is ending has no place to keep anything in any more.
        let known = KEPT.try_with(|kept| kept.find(generation));
        let state = match known {
            Ok(Some(state)) if KEEPS => state,
            // SAFETY: forwarded to the caller.
            Ok(None) if KEEPS => match unsafe { ThreadState::new(self.handle) } {
                None => return,
                Some(state) => {
                    KEPT.with(|kept| kept.0.borrow_mut().push((generation, state)));
                    state
                }
            },
            // SAFETY: forwarded to the caller.
            _ => return unsafe { self.handle.enter(|| self.owner.forfeit(), work) },
        };
        // SAFETY: forwarded to the caller; this thread's own, in an interpreter that has not ended.
        unsafe {
            state.run(|py| {
                self.left.clear(py);
                work(py);
            });
        }
    }
}

impl Kept {
    fn find(&self, generation: u64) -> Option<ThreadState> {
        let kept = self.0.borrow();
        let mut states = kept.iter();
        states
            .find(|(of, _)| *of == generation)
            .map(|&(_, state)| state)
    }
}

impl Drop for Kept {
    /// The thread ends, attached nowhere.
    fn drop(&mut self) {
        let kept = self.0.get_mut();
        if kept.is_empty() {
            return;
        }
        let interpreters = Interpreter::all();
        for (generation, state) in kept.drain(..) {
            let owner = interpreters
                .iter()
                .find(|interpreter| interpreter.owner.generation() == generation);
            if let Some(owner) = owner.map(Arc::as_ref) {
                let mut left = owner.left.0.lock().unwrap_or_else(PoisonError::into_inner);
                left.push(state);
            }
        }
    }
}
