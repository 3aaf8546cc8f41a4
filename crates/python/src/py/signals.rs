//! What CPython offers about signals to those who are not attached to the main interpreter.

#[cfg(Py_3_13)]
use core::ffi::c_int;
use std::os::fd::RawFd;

use pyo3_ffi as ffi;

use super::Attached;

// pyo3-ffi 0.30 does not have it, and 3.12 does not export it.
#[cfg(Py_3_13)]
unsafe extern "C" {
    fn PySignal_SetWakeupFd(fd: c_int) -> c_int;
}

/// Has CPython's signal handler write the number of each signal to this descriptor, unless somebody else has it
/// write elsewhere. To be called on the main thread. Not to be had before 3.13.
#[cfg(Py_3_13)]
pub(crate) fn tell(descriptor: RawFd) -> bool {
    // SAFETY: sets a number, which only the main thread may do.
    let before = unsafe { PySignal_SetWakeupFd(descriptor) };
    if before >= 0 {
        // SAFETY: as above.
        unsafe { PySignal_SetWakeupFd(before) };
    }
    before < 0
}

/// Takes [`tell`] back. Whoever has asked to be told meanwhile goes on to be. To be called on the main thread.
#[cfg(Py_3_13)]
pub(crate) fn hush(descriptor: RawFd) {
    // SAFETY: as above.
    unsafe {
        let now = PySignal_SetWakeupFd(-1);
        if now != descriptor {
            PySignal_SetWakeupFd(now);
        }
    }
}

#[cfg(not(Py_3_13))]
pub(crate) fn tell(_: RawFd) -> bool {
    false
}

#[cfg(not(Py_3_13))]
pub(crate) fn hush(_: RawFd) {}

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
