//! Type slots from plain functions.

use core::ffi::{c_int, c_void};

use pyo3_ffi as ffi;

use super::boundary::{self, summon};
use super::class::{Class, payload, state_of, state_of_any};
use super::method::NoArgs;
use super::{Attached, Cx, Owned, PyResult, Raised, Ref};

/// One type slot: its number and the C function behind it.
pub(crate) struct Slot(c_int, *mut c_void);

impl Slot {
    pub(super) const fn new(id: c_int, function: *mut c_void) -> Self {
        Self(id, function)
    }

    pub(super) fn id(&self) -> c_int {
        self.0
    }

    pub(super) fn function(&self) -> *mut c_void {
        self.1
    }
}

/// # Safety
/// As CPython calls a slot of `C` that takes `self` alone.
pub(super) unsafe extern "C" fn unary<C: Class, F: NoArgs<C>>(
    slf: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: CPython calls slots attached, with `self` an instance of the type.
    unsafe {
        boundary::enter(state_of::<C>(slf), |cx| {
            boundary::object(summon::<F>()(payload::<C>(slf), cx))
        })
    }
}

pub(crate) const fn repr<C: Class, F: NoArgs<C>>(_repr: F) -> Slot {
    Slot::new(ffi::Py_tp_repr, unary::<C, F> as *mut c_void)
}

/// `__iter__` of a class that is its own iterator.
pub(crate) const fn iter_self() -> Slot {
    Slot::new(ffi::Py_tp_iter, ffi::PyObject_SelfIter as *mut c_void)
}

/// `__iter__` of a sequence.
pub(crate) const fn iter_items() -> Slot {
    Slot::new(ffi::Py_tp_iter, ffi::PySeqIter_New as *mut c_void)
}

/// `__aiter__` of a class that is its own asynchronous iterator.
pub(crate) const fn async_iter_self() -> Slot {
    Slot::new(ffi::Py_am_aiter, ffi::PyObject_SelfIter as *mut c_void)
}

/// What a slot looks like that needs the object and not its payload.
pub(crate) trait OnObject:
    for<'py> Fn(Cx<'py>, Ref<'py>) -> PyResult<Owned<'py>> + Copy + 'static
{
}
impl<F> OnObject for F where
    F: for<'py> Fn(Cx<'py>, Ref<'py>) -> PyResult<Owned<'py>> + Copy + 'static
{
}

/// `__anext__`.
pub(crate) const fn async_next<F: OnObject>(_next: F) -> Slot {
    unsafe extern "C" fn call<F: OnObject>(slf: *mut ffi::PyObject) -> *mut ffi::PyObject {
        // SAFETY: as in `unary`.
        unsafe {
            boundary::enter(state_of_any(slf), |cx| {
                boundary::object(summon::<F>()(cx, Ref::from_ptr(slf)))
            })
        }
    }
    Slot::new(ffi::Py_am_anext, call::<F> as *mut c_void)
}

/// What is done when nobody refers to an object any more, while it is still whole.
pub(crate) trait Finalize<C>: Fn(&C, Cx<'_>, Ref<'_>) + Copy + 'static {}
impl<C, F: Fn(&C, Cx<'_>, Ref<'_>) + Copy + 'static> Finalize<C> for F {}

/// A finalizer (PEP 442).
pub(crate) const fn finalize<C: Class, F: Finalize<C>>(_finalize: F) -> Slot {
    unsafe extern "C" fn call<C: Class, F: Finalize<C>>(slf: *mut ffi::PyObject) {
        // SAFETY: as in `unary`; the object is whole, and its state is there as for any call. An exception that is
        // set meanwhile is kept.
        unsafe {
            boundary::enter_quietly(|py| {
                let cx = Cx::new(py, state_of::<C>(slf));
                let before = Raised::set_aside(py);
                summon::<F>()(payload::<C>(slf), cx, Ref::from_ptr(slf));
                if let Some(exception) = before {
                    let _still_set = Raised::restore(py, exception);
                }
            });
        }
    }
    Slot::new(ffi::Py_tp_finalize, call::<C, F> as *mut c_void)
}

/// What `__next__` looks like: `None` ends the iteration.
pub(crate) trait Next<C>:
    for<'py> Fn(&C, Cx<'py>) -> PyResult<Option<Owned<'py>>> + Copy + 'static
{
}
impl<C, F> Next<C> for F where
    F: for<'py> Fn(&C, Cx<'py>) -> PyResult<Option<Owned<'py>>> + Copy + 'static
{
}

pub(crate) const fn next<C: Class, F: Next<C>>(_next: F) -> Slot {
    unsafe extern "C" fn call<C: Class, F: Next<C>>(slf: *mut ffi::PyObject) -> *mut ffi::PyObject {
        // SAFETY: as in `unary`; NULL without an exception ends the iteration.
        unsafe {
            boundary::enter(state_of::<C>(slf), |cx| {
                let item = summon::<F>()(payload::<C>(slf), cx)?;
                Ok(item.map_or(core::ptr::null_mut(), Owned::into_ptr))
            })
        }
    }
    Slot::new(ffi::Py_tp_iternext, call::<C, F> as *mut c_void)
}

/// What `__len__` looks like.
pub(crate) trait Length<C>: Fn(&C, Cx<'_>) -> PyResult<usize> + Copy + 'static {}
impl<C, F: Fn(&C, Cx<'_>) -> PyResult<usize> + Copy + 'static> Length<C> for F {}

pub(crate) const fn length<C: Class, F: Length<C>>(_length: F) -> Slot {
    unsafe extern "C" fn call<C: Class, F: Length<C>>(slf: *mut ffi::PyObject) -> ffi::Py_ssize_t {
        // SAFETY: as in `unary`.
        unsafe {
            boundary::enter(state_of::<C>(slf), |cx| {
                Ok(summon::<F>()(payload::<C>(slf), cx)? as ffi::Py_ssize_t)
            })
        }
    }
    Slot::new(ffi::Py_mp_length, call::<C, F> as *mut c_void)
}

/// `__bool__` of a container-like class whose emptiness says nothing about it.
pub(crate) const fn always_true() -> Slot {
    unsafe extern "C" fn call(_: *mut ffi::PyObject) -> c_int {
        1
    }
    Slot::new(ffi::Py_nb_bool, call as *mut c_void)
}

/// What `__getbuffer__` answers: memory that the instance keeps valid while it lives.
pub(crate) trait Exporter: Class {
    fn layout(&self) -> super::buffer::Layout<'_>;
}

/// The buffer protocol, read-only.
pub(crate) const fn export<C: Exporter>() -> Slot {
    unsafe extern "C" fn call<C: Exporter>(
        slf: *mut ffi::PyObject,
        view: *mut ffi::Py_buffer,
        flags: c_int,
    ) -> c_int {
        // SAFETY: as in `unary`; CPython hands in a view to be filled.
        unsafe {
            (*view).obj = core::ptr::null_mut();
            boundary::enter(state_of::<C>(slf), |cx| {
                let py: Attached<'_> = cx.py();
                payload::<C>(slf)
                    .layout()
                    .fill(py, view, Ref::from_ptr(slf), flags)?;
                Ok(0)
            })
        }
    }
    Slot::new(ffi::Py_bf_getbuffer, call::<C> as *mut c_void)
}
