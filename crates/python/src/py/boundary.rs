//! The only place where Rust is entered from C.

use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use pyo3_ffi as ffi;

use super::error::Builtin;
use super::{Attached, Cx, Owned, PyResult, Raised};
use crate::state::State;

/// What a C function answers when an exception is set.
pub(crate) trait Answer {
    const ERROR: Self;
}

impl Answer for *mut ffi::PyObject {
    const ERROR: Self = core::ptr::null_mut();
}

impl Answer for core::ffi::c_int {
    const ERROR: Self = -1;
}

impl Answer for ffi::Py_ssize_t {
    const ERROR: Self = -1;
}

/// Entry for everything that can raise. A panic becomes `SystemError`.
///
/// # Safety
/// The thread is attached, with `state` belonging to the attached interpreter.
pub(crate) unsafe fn enter<'py, A: Answer>(
    state: &'py State,
    body: impl FnOnce(Cx<'py>) -> PyResult<A>,
) -> A {
    // SAFETY: the caller says so.
    let py = unsafe { Attached::assume() };
    match catch_unwind(AssertUnwindSafe(|| body(Cx::new(py, state)))) {
        Ok(Ok(answer)) => answer,
        Ok(Err(_raised)) => A::ERROR,
        Err(panic) => {
            let text = panic_message(&*panic);
            let _raised = Raised::builtin(py, Builtin::System, &format!("internal error: {text}"));
            A::ERROR
        }
    }
}

/// Entry for slots that can't fail (dealloc, traverse, capsule destructors). An exception that is
/// already set stays set; a panic is reported on stderr by the panic hook and goes no further.
///
/// # Safety
/// The thread is attached.
pub(crate) unsafe fn enter_quietly<R: Default>(body: impl FnOnce(Attached<'_>) -> R) -> R {
    // SAFETY: the caller says so.
    let py = unsafe { Attached::assume() };
    catch_unwind(AssertUnwindSafe(|| body(py))).unwrap_or_default()
}

/// Turns a method's result into what C expects.
pub(crate) fn object(result: PyResult<Owned<'_>>) -> PyResult<*mut ffi::PyObject> {
    result.map(Owned::into_ptr)
}

fn panic_message(panic: &(dyn core::any::Any + Send)) -> &str {
    if let Some(text) = panic.downcast_ref::<&str>() {
        text
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text
    } else {
        "a panic without a message"
    }
}

/// Recovers a function item from its zero-sized type.
pub(super) fn summon<F: Copy + 'static>() -> F {
    const {
        assert!(
            size_of::<F>() == 0,
            "pass a function item, not a closure that captures or a pointer"
        );
    };
    // SAFETY: `F` is zero-sized and `Copy`, and a value of it existed when the table was built.
    unsafe { core::ptr::NonNull::<F>::dangling().as_ptr().read() }
}
