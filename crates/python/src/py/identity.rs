//! Slots of classes whose instances stand for something: two that stand for the same are equal.

use core::ffi::{c_int, c_void};

use pyo3_ffi as ffi;

use super::Owned;
use super::boundary;
use super::class::{Class, payload, state_of};
use super::method::NoArgs;
use super::slot::{Slot, unary};

/// A payload that stands for something with an identity of its own.
pub(crate) trait Identity: Class {
    /// The number of what it stands for, never that of anything else that an instance of the class stands for.
    fn number(&self) -> u64;
}

/// `==` and `!=`.
pub(crate) const fn equal<C: Identity>() -> Slot {
    unsafe extern "C" fn call<C: Identity>(
        slf: *mut ffi::PyObject,
        other: *mut ffi::PyObject,
        operation: c_int,
    ) -> *mut ffi::PyObject {
        // SAFETY: CPython calls slots attached, with `self` an instance of the type, which is final: an equal type is
        // an equal layout.
        unsafe {
            boundary::enter(state_of::<C>(slf), |cx| {
                let same = ffi::Py_TYPE(slf) == ffi::Py_TYPE(other)
                    && payload::<C>(slf).number() == payload::<C>(other).number();
                let answer: Owned<'_> = match operation {
                    ffi::Py_EQ => cx.bool(same),
                    ffi::Py_NE => cx.bool(!same),
                    _ => cx.not_implemented(),
                };
                Ok(answer.into_ptr())
            })
        }
    }
    Slot::new(ffi::Py_tp_richcompare, call::<C> as *mut c_void)
}

/// `hash()`.
pub(crate) const fn hash<C: Identity>() -> Slot {
    unsafe extern "C" fn call<C: Identity>(slf: *mut ffi::PyObject) -> ffi::Py_hash_t {
        // SAFETY: as in `equal`.
        let number = unsafe { payload::<C>(slf) }.number();
        // Any but -1, which says that an exception is set.
        (number & (isize::MAX as u64)) as ffi::Py_hash_t
    }
    Slot::new(ffi::Py_tp_hash, call::<C> as *mut c_void)
}

/// `operator.index()`.
pub(crate) const fn index<C: Class, F: NoArgs<C>>(_index: F) -> Slot {
    Slot::new(ffi::Py_nb_index, unary::<C, F> as *mut c_void)
}

/// `int()`.
pub(crate) const fn int<C: Class, F: NoArgs<C>>(_int: F) -> Slot {
    Slot::new(ffi::Py_nb_int, unary::<C, F> as *mut c_void)
}
