//! How threads of one interpreter visit another one: with a thread state that each keeps for the next visit.
//!
//! To make one takes a third of a millisecond on the main thread of 3.14 and later, where CPython then reads where
//! the stack is. Before 3.14 none may be left when an interpreter ends, so there each visit makes its own.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, PoisonError};

use super::Interpreter;
use crate::py::Attached;
use crate::py::interp::ThreadState;

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
    /// Attaches a thread that is attached nowhere, runs `work`, and detaches it.
    ///
    /// # Safety
    /// The interpreter does not end meanwhile: the caller has a pass. The thread is attached nowhere.
    pub(super) unsafe fn visit(&self, work: impl FnOnce(Attached<'_>)) {
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
