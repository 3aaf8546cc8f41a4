//! Read-only attributes from plain functions.

use core::ffi::{CStr, c_void};

use pyo3_ffi as ffi;

use super::boundary::{self, summon};
use super::class::{Class, payload, state_of, state_of_any};
use super::method::{NoArgs, OfObject};
use super::{Args, Ref};

/// One row of an attribute table. Tables end with [`END`].
pub(crate) type GetSet = ffi::PyGetSetDef;

pub(crate) const END: GetSet = GetSet {
    name: core::ptr::null(),
    get: None,
    set: None,
    doc: core::ptr::null(),
    closure: core::ptr::null_mut(),
};

pub(crate) const fn getter<C: Class, F: NoArgs<C>>(
    name: &'static CStr,
    _getter: F,
    doc: &'static CStr,
) -> GetSet {
    unsafe extern "C" fn call<C: Class, F: NoArgs<C>>(
        slf: *mut ffi::PyObject,
        _: *mut c_void,
    ) -> *mut ffi::PyObject {
        // SAFETY: CPython calls getters attached, with `self` an instance of the defining type.
        unsafe {
            boundary::enter(state_of::<C>(slf), |cx| {
                boundary::object(summon::<F>()(payload::<C>(slf), cx))
            })
        }
    }
    GetSet {
        name: name.as_ptr(),
        get: Some(call::<C, F>),
        set: None,
        doc: doc.as_ptr(),
        closure: core::ptr::null_mut(),
    }
}

/// An attribute of a class of ours that is no [`Class`].
pub(crate) const fn of_object<F: OfObject>(
    name: &'static CStr,
    _getter: F,
    doc: &'static CStr,
) -> GetSet {
    unsafe extern "C" fn call<F: OfObject>(
        slf: *mut ffi::PyObject,
        _: *mut c_void,
    ) -> *mut ffi::PyObject {
        // SAFETY: as in `getter`; the class is final, so one of our own heap types. There are no arguments.
        unsafe {
            boundary::enter(state_of_any(slf), |cx| {
                let none = Args::new(core::ptr::null(), 0, core::ptr::null_mut());
                boundary::object(summon::<F>()(Ref::from_ptr(slf), cx, none))
            })
        }
    }
    GetSet {
        name: name.as_ptr(),
        get: Some(call::<F>),
        set: None,
        doc: doc.as_ptr(),
        closure: core::ptr::null_mut(),
    }
}
