//! What CPython offers about signals to those who are not attached to the main interpreter.

#[cfg(Py_3_13)]
use core::ffi::c_int;
use std::os::fd::RawFd;

use pyo3_ffi as ffi;

use super::Attached;
#[cfg(not(Py_3_13))]
use super::PyResult;

// pyo3-ffi 0.30 does not have it, and 3.12 does not export it.
#[cfg(Py_3_13)]
unsafe extern "C" {
    fn PySignal_SetWakeupFd(fd: c_int) -> c_int;
}

/// Has CPython's signal handler write the number of each signal to this descriptor, unless somebody else has it
/// write elsewhere; says whether it will. To be called on the main thread, before 3.13 to any effect only where that is
/// attached to the main interpreter.
pub(crate) fn tell(py: Attached<'_>, descriptor: RawFd) -> bool {
    match set_descriptor(py, descriptor) {
        Some(others) if others >= 0 && others != descriptor => {
            set_descriptor(py, others);
            false
        }
        before => before.is_some(),
    }
}

/// Takes [`tell`] back, in the same place. Whoever has asked to be told meanwhile goes on to be.
pub(crate) fn hush(py: Attached<'_>, descriptor: RawFd) {
    let now = set_descriptor(py, -1);
    if let Some(others) = now.filter(|&now| now != descriptor) {
        set_descriptor(py, others);
    }
}

/// Sets where CPython's handler writes, and gives what was set before; `None` where this can't be set.
#[cfg(Py_3_13)]
fn set_descriptor(_py: Attached<'_>, descriptor: RawFd) -> Option<RawFd> {
    // SAFETY: sets a number, which only the main thread may do.
    Some(unsafe { PySignal_SetWakeupFd(descriptor) })
}

/// 3.12 has the same only as a function of Python's.
#[cfg(not(Py_3_13))]
fn set_descriptor(py: Attached<'_>, descriptor: RawFd) -> Option<RawFd> {
    let set = || -> PyResult<isize> {
        let module = py.import(c"_signal")?;
        let function = module.get().attribute(py, c"set_wakeup_fd")?;
        let descriptor = py.int(descriptor.into())?;
        let before = function.get().call(py, [descriptor.get()])?;
        before.get().index(py)
    };
    // Failing says that the thread is in another interpreter.
    let before = set().map_err(|raised| raised.ignore(py)).ok()?;
    before.try_into().ok()
}

/// Raises `KeyboardInterrupt` in a thread (`blocked::ident`) when it next runs Python code in the interpreter that
/// the caller is attached to.
pub(crate) fn interrupt(_py: Attached<'_>, thread: u64) {
    // SAFETY: attached; the class is immortal. An identifier that nobody has changes nothing.
    unsafe { ffi::PyThreadState_SetAsyncExc(thread as _, ffi::PyExc_KeyboardInterrupt) };
}

/// Takes [`interrupt`] back, if it has not been raised yet.
pub(crate) fn spare(_py: Attached<'_>, thread: u64) {
    // SAFETY: as above; NULL is for this.
    unsafe { ffi::PyThreadState_SetAsyncExc(thread as _, core::ptr::null_mut()) };
}
