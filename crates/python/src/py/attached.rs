//! Proof that this thread holds the GIL of *one* interpreter. Without a GIL: that it is attached to one, as other
//! threads may be at the same time. What several of them reach is atomic or has a lock of its own, held for single
//! operations in which no Python code runs.

use core::marker::PhantomData;
use core::ops::Deref;

use pyo3_ffi as ffi;

use super::running;
use crate::state::State;

/// Zero-sized proof of attachment. Neither `Send` nor `Sync`, so it stays on its thread.
#[derive(Clone, Copy)]
pub(crate) struct Attached<'py>(PhantomData<(&'py (), *mut ())>);

/// Attached, and with this module's state in the interpreter that the thread is attached to.
#[derive(Clone, Copy)]
pub(crate) struct Cx<'py> {
    py: Attached<'py>,
    pub(crate) state: &'py State,
}

struct Reattach<F: Fn()>(*mut ffi::PyThreadState, F);

impl<F: Fn()> Drop for Reattach<F> {
    fn drop(&mut self) {
        // SAFETY: the thread state was saved by `detach` on this thread.
        unsafe { running::restore_thread(self.0, &self.1) }
    }
}

impl<'py> Attached<'py> {
    /// # Safety
    /// The calling thread must be attached for all of `'py`.
    pub(crate) unsafe fn assume() -> Self {
        Self(PhantomData)
    }

    /// Runs `f` with the GIL released. `Send` keeps tokens and references out of it.
    ///
    /// `f` must end with whatever keeps the interpreter from ending before the thread is back, and `lost` is called
    /// when it will never be: see `runtime::interpreter::Interpreter::detach`, the only caller.
    pub(crate) fn detach<R: Send>(self, lost: impl Fn(), f: impl FnOnce() -> R + Send) -> R {
        // SAFETY: `self` proves attachment; the guard attaches again on every exit.
        let _guard = Reattach(unsafe { ffi::PyEval_SaveThread() }, lost);
        f()
    }

    /// Runs pending signal handlers; only the main thread of the main interpreter has any.
    pub(crate) fn check_signals(self) -> super::PyResult<()> {
        // SAFETY: attached.
        match unsafe { running::check_signals() } {
            0 => Ok(()),
            _ => Err(super::Raised::already(self)),
        }
    }
}

impl<'py> Cx<'py> {
    pub(crate) fn new(py: Attached<'py>, state: &'py State) -> Self {
        Self { py, state }
    }

    pub(crate) fn py(self) -> Attached<'py> {
        self.py
    }
}

impl<'py> Deref for Cx<'py> {
    type Target = Attached<'py>;

    fn deref(&self) -> &Attached<'py> {
        &self.py
    }
}
