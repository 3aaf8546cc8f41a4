//! The buffer protocol of classes that keep count of who uses their memory.

use core::ffi::{c_int, c_void};

use pyo3_ffi as ffi;

use super::buffer::Layout;
use super::class::{Class, payload, state_of};
use super::slot::Slot;
use super::{Cx, PyResult, Ref, boundary};

/// Memory that is handed out one consumer at a time.
pub(crate) trait CountedExporter: Class {
    /// What a consumer takes with it and gives back in the end: a number, not 0.
    fn acquire(&self, cx: Cx<'_>) -> PyResult<Export<'_>>;
    /// A consumer is done.
    fn give_back(&self, token: usize);
}

/// What one consumer gets.
pub(crate) struct Export<'a> {
    pub(crate) layout: Layout<'a>,
    pub(crate) readonly: bool,
    pub(crate) token: usize,
}

/// `__buffer__`.
pub(crate) const fn get_buffer<C: CountedExporter>() -> Slot {
    unsafe extern "C" fn call<C: CountedExporter>(
        slf: *mut ffi::PyObject,
        view: *mut ffi::Py_buffer,
        flags: c_int,
    ) -> c_int {
        // SAFETY: CPython calls slots attached, with `self` an instance of the type and a view to be filled.
        unsafe {
            (*view).obj = core::ptr::null_mut();
            boundary::enter(state_of::<C>(slf), |cx| {
                let export = payload::<C>(slf).acquire(cx)?;
                let filled = export.layout.fill_as(
                    export.readonly,
                    cx.py(),
                    view,
                    Ref::from_ptr(slf),
                    flags,
                );
                match filled {
                    Ok(()) => (*view).internal = export.token as *mut c_void,
                    Err(raised) => {
                        payload::<C>(slf).give_back(export.token);
                        return Err(raised);
                    }
                }
                Ok(0)
            })
        }
    }
    Slot::new(ffi::Py_bf_getbuffer, call::<C> as *mut c_void)
}

/// `__release_buffer__`.
pub(crate) const fn release_buffer<C: CountedExporter>() -> Slot {
    unsafe extern "C" fn call<C: CountedExporter>(
        slf: *mut ffi::PyObject,
        view: *mut ffi::Py_buffer,
    ) {
        // SAFETY: as above, with a view that `get_buffer` has filled.
        unsafe {
            boundary::enter_quietly(|_| payload::<C>(slf).give_back((*view).internal as usize));
        }
    }
    Slot::new(ffi::Py_bf_releasebuffer, call::<C> as *mut c_void)
}
