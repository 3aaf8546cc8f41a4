//! Interpreters as seen from C: which one this is, its record, and how to enter it from outside.

use core::ffi::{CStr, c_int, c_void};
use std::sync::Arc;

use pyo3_ffi as ffi;

use super::{Attached, Cx, Owned, PyResult, Raised, Ref, boundary, running};
use crate::state::State;

/// The address of an interpreter's state: an opaque word outside of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Handle(*mut ffi::PyInterpreterState);

// SAFETY: only an address; it is dereferenced by `enter`, whose caller vouches for it.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl Handle {
    /// The interpreter that this thread is attached to.
    pub(crate) fn current(_py: Attached<'_>) -> Self {
        // SAFETY: attached.
        Self(unsafe { ffi::PyInterpreterState_Get() })
    }

    /// The id of the interpreter that this thread is attached to, if it is.
    pub(crate) fn attached_id() -> Option<i64> {
        // SAFETY: reads the thread's own word; the interpreter of a current thread state exists.
        unsafe {
            let thread = ffi::compat::PyThreadState_GetUnchecked();
            if thread.is_null() {
                return None;
            }
            Some(ffi::PyInterpreterState_GetID(
                ffi::PyThreadState_GetInterpreter(thread),
            ))
        }
    }

    pub(crate) fn id(self, _py: Attached<'_>) -> i64 {
        // SAFETY: attached to this interpreter.
        unsafe { ffi::PyInterpreterState_GetID(self.0) }
    }

    /// Has the interpreter the main one's GIL, and its allocator? CPython says so only privately; where it
    /// doesn't, no.
    pub(crate) fn shares_main_gil(self, _py: Attached<'_>) -> bool {
        if cfg!(Py_GIL_DISABLED) {
            return false;
        }
        #[cfg(not(Py_3_13))]
        {
            type HasFeature =
                unsafe extern "C" fn(*mut ffi::PyInterpreterState, core::ffi::c_ulong) -> c_int;
            /// Py_RTFLAGS_USE_MAIN_OBMALLOC: CPython allows it only together with the main GIL.
            const MAIN_ALLOCATOR: core::ffi::c_ulong = 1 << 5;
            super::xidata::symbol(c"_PyInterpreterState_HasFeature").is_some_and(|function| {
                // SAFETY: the symbol has this type on 3.12; the interpreter exists.
                unsafe {
                    let function = core::mem::transmute::<*mut c_void, HasFeature>(function);
                    function(self.0, MAIN_ALLOCATOR) != 0
                }
            })
        }
        #[cfg(Py_3_13)]
        {
            type FromState = unsafe extern "C" fn(
                *mut ffi::PyInterpreterConfig,
                *mut ffi::PyInterpreterState,
            ) -> c_int;
            super::xidata::symbol(c"_PyInterpreterConfig_InitFromState").is_some_and(|function| {
                // SAFETY: the symbol has this type from 3.13 on; all zeroes is a valid configuration, which it
                // fills; attached.
                unsafe {
                    let mut config: ffi::PyInterpreterConfig = core::mem::zeroed();
                    let function = core::mem::transmute::<*mut c_void, FromState>(function);
                    if function(&mut config, self.0) < 0 {
                        running::clear_error();
                        return false;
                    }
                    config.gil == ffi::PyInterpreterConfig_SHARED_GIL
                        && config.use_main_obmalloc != 0
                }
            })
        }
    }

    /// Attaches a thread that is attached nowhere, runs `work`, and detaches it. An interpreter that has begun to
    /// end without notice may keep the thread for good; `lost` is called then (before 3.14).
    ///
    /// # Safety
    /// The interpreter exists until this returns or calls `lost`; the thread is attached nowhere.
    pub(crate) unsafe fn enter(self, lost: impl Fn(), work: impl FnOnce(Attached<'_>)) {
        // SAFETY: a thread state of our own for this visit, deleted at its end: one that is left over would
        // abort the interpreter's end on 3.12 and 3.13.
        unsafe {
            let thread = ffi::PyThreadState_New(self.0);
            if thread.is_null() {
                return;
            }
            running::restore_thread(thread, lost);
            boundary::enter_quietly(work);
            running::clear_thread(thread);
            ffi::PyThreadState_DeleteCurrent();
        }
    }
}

/// A thread state of ours in some interpreter: an opaque word, used as each function says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThreadState(*mut ffi::PyThreadState);

// SAFETY: only an address; its users say why it is still good, and on which thread.
unsafe impl Send for ThreadState {}

impl ThreadState {
    /// # Safety
    /// The interpreter exists and isn't finalizing until this returns.
    pub(crate) unsafe fn new(handle: Handle) -> Option<Self> {
        // SAFETY: forwarded to the caller.
        let thread = unsafe { ffi::PyThreadState_New(handle.0) };
        (!thread.is_null()).then_some(Self(thread))
    }

    /// One that no thread uses, where an interpreter needs that: while it has no thread state at all, CPython 3.13
    /// makes the next one in a place of its own, which it clears too late when the last one has just been deleted.
    /// Two threads, one coming as another leaves, end the process. On 3.12 the one that the interpreter was born
    /// with stays anyway, 3.14 hands the place out atomically.
    /// Without a GIL it would be in the way: what its thread has made in the interpreter would wait for it to be used.
    pub(crate) fn resident(_py: Attached<'_>, handle: Handle) -> Option<Self> {
        if cfg!(not(all(Py_3_13, not(Py_3_14), not(Py_GIL_DISABLED)))) {
            return None;
        }
        // SAFETY: attached to the interpreter, which so exists.
        unsafe { Self::new(handle) }
    }

    /// Attaches this thread, runs `work`, and detaches it; the thread state is as good as before.
    ///
    /// # Safety
    /// Made on this thread, not deleted; its interpreter isn't finalizing until this returns. The thread is
    /// attached nowhere.
    pub(crate) unsafe fn run(self, work: impl FnOnce(Attached<'_>)) {
        // SAFETY: forwarded to the caller.
        unsafe {
            running::restore_thread(self.0, || ());
            boundary::enter_quietly(work);
            ffi::PyEval_SaveThread();
        }
    }

    /// Deletes it. To be called once, attached to its interpreter, when no thread uses it any more.
    pub(crate) fn delete(self, _py: Attached<'_>) {
        // SAFETY: as said.
        unsafe {
            running::clear_thread(self.0);
            ffi::PyThreadState_Delete(self.0);
        }
    }
}

const RECORD: &CStr = c"interlane._core.interpreter";

/// The record that a capsule in the interpreter's dict keeps: the same for every import of the module.
/// `make` builds it the first time; `end` runs when the interpreter drops the capsule, which is after all
/// Python code has run but before its memory goes.
pub(crate) fn record<T: Ending>(
    py: Attached<'_>,
    make: impl FnOnce() -> Arc<T>,
) -> PyResult<Arc<T>> {
    // SAFETY: attached; borrowed reference.
    let dict = unsafe { ffi::PyInterpreterState_GetDict(ffi::PyInterpreterState_Get()) };
    if dict.is_null() {
        return Err(Raised::builtin(
            py,
            super::error::Builtin::Runtime,
            "the interpreter has no state dict",
        ));
    }
    // SAFETY: attached; borrowed or NULL without an exception.
    let found = unsafe { ffi::PyDict_GetItemString(dict, RECORD.as_ptr()) };
    if !found.is_null() {
        // SAFETY: our own capsule, which holds one count of an `Arc<T>`.
        unsafe {
            let pointer = ffi::PyCapsule_GetPointer(found, RECORD.as_ptr()).cast::<T>();
            if pointer.is_null() {
                return Err(Raised::already(py));
            }
            Arc::increment_strong_count(pointer);
            return Ok(Arc::from_raw(pointer));
        }
    }
    let record = make();
    let raw = Arc::into_raw(Arc::clone(&record));
    // SAFETY: attached; the capsule takes over the count in `raw`.
    unsafe {
        let capsule = Owned::from_new(
            py,
            ffi::PyCapsule_New(
                raw.cast_mut().cast::<c_void>(),
                RECORD.as_ptr(),
                Some(destroy::<T>),
            ),
        )?;
        if ffi::PyDict_SetItemString(dict, RECORD.as_ptr(), capsule.as_ptr()) < 0 {
            return Err(Raised::already(py));
        }
    }
    Ok(record)
}

/// What is done when an interpreter drops its record.
pub(crate) trait Ending: Send + Sync + 'static {
    fn end(&self, py: Attached<'_>);
}

unsafe extern "C" fn destroy<T: Ending>(capsule: *mut ffi::PyObject) {
    // SAFETY: called attached, once, with our capsule, whose count we take back.
    unsafe {
        let pointer = ffi::PyCapsule_GetPointer(capsule, RECORD.as_ptr()).cast::<T>();
        if pointer.is_null() {
            running::clear_error();
            return;
        }
        let record = Arc::from_raw(pointer);
        boundary::enter_quietly(|py| record.end(py));
    }
}

/// Runs `work` with the state of our module in the interpreter that this thread is attached to.
pub(crate) fn with_state<R>(py: Attached<'_>, work: impl FnOnce(Cx<'_>) -> R) -> PyResult<R> {
    let module = py.ours(c"interlane._core")?;
    // SAFETY: our own module, which lives for the call.
    let state = unsafe { State::of(module.get()) };
    Ok(work(Cx::new(py, state)))
}

/// Drops a strong reference that was kept as an address.
///
/// # Safety
/// The thread is attached to the object's interpreter; the reference is given up.
pub(crate) unsafe fn drop_reference(object: super::text::Address) {
    // SAFETY: forwarded to the caller.
    unsafe { running::decref(object.0) }
}

/// Has the object other references than the one that is kept as an address?
///
/// # Safety
/// The thread holds the GIL of the object's interpreter, where somebody keeps it alive.
pub(crate) unsafe fn is_kept_elsewhere(object: super::text::Address) -> bool {
    // SAFETY: forwarded to the caller.
    unsafe { ffi::Py_REFCNT(object.0) > 1 }
}

/// A new reference to an object that is kept as an address.
///
/// # Safety
/// The thread is attached to the object's interpreter, where somebody keeps it alive.
pub(crate) unsafe fn borrow(py: Attached<'_>, object: super::text::Address) -> Owned<'_> {
    // SAFETY: forwarded to the caller.
    unsafe { Ref::from_ptr(object.0) }.to_owned(py)
}

/// Calls `function(argument)`, of which nobody wants the result: an exception goes to `sys.unraisablehook`.
///
/// # Safety
/// The thread is attached to the interpreter of both objects, which somebody keeps alive.
pub(crate) unsafe fn notify(function: super::text::Address, argument: super::text::Address) {
    // SAFETY: forwarded to the caller; an exception that is already set stays set.
    unsafe {
        let py = Attached::assume();
        let before = ffi::PyErr_GetRaisedException();
        let function = borrow(py, function);
        if let Err(raised) = function.get().call(py, [borrow(py, argument).get()]) {
            raised.report(py, function.get());
        }
        running::restore_error(before);
    }
}

/// Calls `atexit.register(module.name)`.
pub(crate) fn at_exit(py: Attached<'_>, module: Ref<'_>, name: &CStr) -> PyResult<()> {
    let register = py.import(c"atexit")?.get().attribute(py, c"register")?;
    let function = module.attribute(py, name)?;
    register.get().call(py, [function.get()]).map(drop)
}
