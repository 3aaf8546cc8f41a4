//! Which interpreters of CPython 3.12 and 3.13 we have made, who refers to them, and who is in one.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::py::error::Builtin;
use crate::py::made::{self, Birth};
use crate::py::{Attached, PyResult, Raised};

/// On 3.12 `threading` takes the thread that imported it for the main thread and waits for its lock when the interpreter
/// ends, unless that same thread ends it. Code runs on the thread of whoever calls, so nobody might ever release the
/// lock: it is taken off the list. An expression, so that `__main__` stays as it is.
#[cfg(not(Py_3_13))]
const DISARM: &str = "(lambda threading: threading and threading._shutdown_locks.discard(\
    threading._main_thread._tstate_lock))(__import__('sys').modules.get('threading'))";

/// On 3.12 `signal.getsignal` hands out the main interpreter's own handlers, and `asyncio.run` asks for them: while the
/// main one is in `asyncio.run`, the process crashes. To an interpreter that can't set any they are all "not installed
/// from Python", which is `None`; the function is a built-in one so that it keeps nothing of `__main__` alive.
#[cfg(not(Py_3_13))]
const HIDE_HANDLERS: &str = "__import__('_signal').getsignal = {}.get";

/// Taken by any thread, for single operations, none of them CPython's.
static MADE: Mutex<Vec<Made>> = Mutex::new(Vec::new());

#[derive(Debug)]
struct Made {
    id: i64,
    birth: Birth,
    /// With the last one the interpreter ends, unless somebody is in it.
    references: usize,
    /// Is a thread on its thread state, or about to be?
    in_use: bool,
}

fn made() -> MutexGuard<'static, Vec<Made>> {
    MADE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The only use of an interpreter's thread state, until it is dropped.
struct Claim {
    id: i64,
    birth: Birth,
}

impl Claim {
    /// None for an interpreter that isn't ours, or has ended.
    fn new(py: Attached<'_>, id: i64, otherwise: &str) -> PyResult<Option<Self>> {
        let mut made = made();
        let Some(one) = made.iter_mut().find(|one| one.id == id) else {
            return Ok(None);
        };
        if one.in_use {
            drop(made);
            return Err(Raised::builtin(py, Builtin::Runtime, otherwise));
        }
        one.in_use = true;
        let birth = one.birth;
        Ok(Some(Self { id, birth }))
    }

    fn end(self, py: Attached<'_>) {
        // SAFETY: nobody else uses the thread state, now or later: this claim is the only one, and then it is off the
        // list. The interpreter exists: only this ends one of the list.
        unsafe {
            // Failing is no reason not to end it.
            #[cfg(not(Py_3_13))]
            let _ = self.birth.run(py, DISARM);
            self.birth.end(py);
        }
        made().retain(|one| one.id != self.id);
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(one) = made().iter_mut().find(|one| one.id == self.id) {
            one.in_use = false;
        }
    }
}

/// Creates an interpreter to which there is one reference; returns its id.
pub(crate) fn create(py: Attached<'_>) -> PyResult<i64> {
    let (id, birth) = made::create(py)?;
    // SAFETY: nobody else knows it yet. Failing is no reason not to have it.
    #[cfg(not(Py_3_13))]
    let _ = unsafe { birth.run(py, HIDE_HANDLERS) };
    made().push(Made {
        id,
        birth,
        references: 1,
        in_use: false,
    });
    Ok(id)
}

/// The ids of all.
pub(crate) fn ids() -> Vec<i64> {
    made().iter().map(|one| one.id).collect()
}

/// Is somebody in the interpreter? None for one that isn't ours, or has ended.
pub(crate) fn in_use(id: i64) -> Option<bool> {
    made().iter().find(|one| one.id == id).map(|one| one.in_use)
}

/// Adds a reference, unless the interpreter is about to end; says whether it has. None for one that isn't ours, or has
/// ended.
pub(crate) fn refer(id: i64) -> Option<bool> {
    let mut made = made();
    let one = made.iter_mut().find(|one| one.id == id)?;
    let counted = one.references > 0;
    one.references += usize::from(counted);
    Some(counted)
}

/// Gives a reference up, and with the last one the interpreter.
pub(crate) fn release(py: Attached<'_>, id: i64) -> PyResult<()> {
    let mut made = made();
    let Some(one) = made.iter_mut().find(|one| one.id == id) else {
        return Ok(()); // ended by somebody else
    };
    one.references -= 1;
    if one.references > 0 || one.in_use {
        return Ok(());
    }
    drop(made);
    if let Some(claim) = Claim::new(py, id, "interpreter running")? {
        claim.end(py);
    }
    Ok(())
}

/// Runs the script in the interpreter's `__main__`; the text is about an exception there. None for an interpreter that
/// isn't ours, or has ended.
pub(crate) fn run(py: Attached<'_>, id: i64, script: &str) -> PyResult<Option<Result<(), String>>> {
    let claim = Claim::new(py, id, "interpreter already running")?;
    // SAFETY: only a claim ends an interpreter, or uses its thread state, and this is the only one.
    Ok(claim.map(|claim| unsafe { claim.birth.run(py, script) }))
}

/// Ends the interpreter; no for one that isn't ours, or has ended.
pub(crate) fn destroy(py: Attached<'_>, id: i64) -> PyResult<bool> {
    let claim = Claim::new(py, id, "interpreter running")?;
    Ok(claim.map(|claim| claim.end(py)).is_some())
}
