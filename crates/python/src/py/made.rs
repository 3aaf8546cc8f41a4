//! Interpreters of CPython 3.12 and 3.13, made, used and ended by us.
//!
//! 3.12's own `_xxsubinterpreters` runs code on the thread state that an interpreter was born with, which it finds by
//! walking along all of them without a lock, and ends an interpreter on the newest one. Whoever visits the interpreter
//! at that moment makes and deletes thread states, or is on the newest one: the process crashes. Here the one that an
//! interpreter was born with is remembered. 3.13's `_interpreters` gives out references to one that is ending, and ends
//! it again with the last of these; both walk along the interpreters without a lock to list them.

use core::ffi::{CStr, c_int, c_void};

use pyo3_ffi as ffi;

use super::error::Builtin;
use super::{Attached, PyResult, Raised, boundary, running, xidata};

/// The thread state that an interpreter was born with: an opaque word outside of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Birth(*mut ffi::PyThreadState);

// SAFETY: only an address; its users say why it is still good, and that nobody else uses it.
unsafe impl Send for Birth {}

/// Creates an isolated interpreter with a GIL of its own; returns its id, too.
pub(crate) fn create(py: Attached<'_>) -> PyResult<(i64, Birth)> {
    let mut birth = core::ptr::null_mut();
    // SAFETY: attached, and again when this returns: creating leaves the thread attached to the new interpreter, or,
    // when it has failed, to none.
    let (status, id) = unsafe {
        let here = ffi::PyThreadState_Get();
        let status = running::new_interpreter(&mut birth, &ffi::_PyInterpreterConfig_INIT);
        let id = if birth.is_null() {
            -1
        } else {
            ffi::PyInterpreterState_GetID(ffi::PyThreadState_GetInterpreter(birth))
        };
        running::swap_thread(here);
        (status, id)
    };
    if birth.is_null() {
        let reason = if status.err_msg.is_null() {
            "no reason is known".into()
        } else {
            // SAFETY: a constant of CPython's.
            unsafe { CStr::from_ptr(status.err_msg) }.to_string_lossy()
        };
        let message = format!("interpreter creation failed: {reason}");
        return Err(Raised::builtin(py, Builtin::Runtime, &message));
    }
    Ok((id, Birth(birth)))
}

impl Birth {
    /// Attaches this thread to the interpreter in place of its own, runs the script in `__main__`, and comes back.
    /// What the script raises and does not catch is returned as text, with the name of its class in front.
    ///
    /// # Safety
    /// The interpreter doesn't end until this returns; nobody else uses the thread state meanwhile.
    pub(crate) unsafe fn run(self, _py: Attached<'_>, script: &str) -> Result<(), String> {
        type Mark = unsafe extern "C" fn(*mut ffi::PyInterpreterState) -> c_int;
        type Unmark = unsafe extern "C" fn(*mut ffi::PyInterpreterState);
        // For those that ask CPython whether code is running; new in 3.12.1.
        let marks = xidata::symbol(c"_PyInterpreterState_SetRunningMain")
            .zip(xidata::symbol(c"_PyInterpreterState_SetNotRunningMain"));
        // SAFETY: the symbols have these types; the thread is attached where they want it to be, and in the end to
        // where it was. The rest is forwarded to the caller.
        unsafe {
            let interpreter = ffi::PyThreadState_GetInterpreter(self.0);
            let Some(thread) = self.for_code(interpreter) else {
                return Err("MemoryError: no thread state for the interpreter".to_owned());
            };
            let here = running::swap_thread(thread);
            let marked = marks.is_none_or(|(mark, _)| {
                core::mem::transmute::<*mut c_void, Mark>(mark)(interpreter) == 0
            });
            let answer = boundary::enter_quietly(|py| {
                let ran = if marked {
                    exec(py, script)
                } else {
                    Err(Raised::already(py))
                };
                Some(ran.map_err(|raised| raised.describe(py)))
            });
            if let Some((_, unmark)) = marks.filter(|_| marked) {
                core::mem::transmute::<*mut c_void, Unmark>(unmark)(interpreter);
            }
            if thread == self.0 {
                running::swap_thread(here);
            } else {
                running::clear_thread(thread);
                running::swap_thread(here);
                ffi::PyThreadState_Delete(thread);
            }
            answer.unwrap_or_else(|| Err("SystemError: internal error".to_owned()))
        }
    }

    /// The thread state that code runs on: as in CPython's own module, this one on 3.12 and a new one later, with a
    /// context and thread-local objects of its own.
    ///
    /// # Safety
    /// As for [`run`](Self::run).
    unsafe fn for_code(
        self,
        interpreter: *mut ffi::PyInterpreterState,
    ) -> Option<*mut ffi::PyThreadState> {
        if cfg!(not(Py_3_13)) {
            return Some(self.0);
        }
        // SAFETY: the interpreter exists, says the caller.
        let thread = unsafe { ffi::PyThreadState_New(interpreter) };
        (!thread.is_null()).then_some(thread)
    }

    /// Ends the interpreter, on this thread, which is attached to its own one before and after.
    ///
    /// # Safety
    /// As for [`run`](Self::run), and neither it nor the thread state is used again.
    pub(crate) unsafe fn end(self, _py: Attached<'_>) {
        // SAFETY: the thread state is the current one; the rest is forwarded to the caller.
        unsafe {
            let here = running::swap_thread(self.0);
            running::end_interpreter(self.0);
            running::swap_thread(here);
        }
    }
}

fn exec(py: Attached<'_>, script: &str) -> PyResult<()> {
    let main = py.import(c"__main__")?;
    let names = main.get().attribute(py, c"__dict__")?;
    let exec = py.import(c"builtins")?.get().attribute(py, c"exec")?;
    let script = py.str(script)?;
    exec.get().call(py, [script.get(), names.get()]).map(drop)
}
