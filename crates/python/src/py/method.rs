//! `PyMethodDef`s from plain functions.

use core::ffi::CStr;

use pyo3_ffi as ffi;

use super::boundary::{self, summon};
use super::class::{Class, payload, state_of, state_of_any};
use super::{Args, Cx, Owned, PyResult, Ref};
use crate::state::State;

/// One row of a method table. Tables end with [`END`].
pub(crate) type Method = ffi::PyMethodDef;

pub(crate) const END: Method = ffi::PyMethodDef::zeroed();

/// What a method without arguments looks like.
pub(crate) trait NoArgs<C>:
    for<'py> Fn(&C, Cx<'py>) -> PyResult<Owned<'py>> + Copy + 'static
{
}
impl<C, F: for<'py> Fn(&C, Cx<'py>) -> PyResult<Owned<'py>> + Copy + 'static> NoArgs<C> for F {}

/// What a method with positional and keyword arguments looks like.
pub(crate) trait Keywords<C>:
    for<'py> Fn(&C, Cx<'py>, Args<'py>) -> PyResult<Owned<'py>> + Copy + 'static
{
}
impl<C, F> Keywords<C> for F where
    F: for<'py> Fn(&C, Cx<'py>, Args<'py>) -> PyResult<Owned<'py>> + Copy + 'static
{
}

/// What a class method with arguments, or a function of the module, looks like.
pub(crate) trait Free:
    for<'py> Fn(Cx<'py>, Args<'py>) -> PyResult<Owned<'py>> + Copy + 'static
{
}
impl<F: for<'py> Fn(Cx<'py>, Args<'py>) -> PyResult<Owned<'py>> + Copy + 'static> Free for F {}

/// A method that takes nothing but `self`.
pub(crate) const fn noargs<C: Class, F: NoArgs<C>>(
    name: &'static CStr,
    _method: F,
    doc: &'static CStr,
) -> Method {
    unsafe extern "C" fn call<C: Class, F: NoArgs<C>>(
        slf: *mut ffi::PyObject,
        _: *mut ffi::PyObject,
    ) -> *mut ffi::PyObject {
        // SAFETY: CPython calls methods attached, with `self` an instance of the defining type.
        unsafe {
            boundary::enter(state_of::<C>(slf), |cx| {
                boundary::object(summon::<F>()(payload::<C>(slf), cx))
            })
        }
    }
    row(
        name,
        ffi::PyMethodDefPointer {
            PyCFunction: call::<C, F>,
        },
        ffi::METH_NOARGS,
        doc,
    )
}

/// A method with positional and keyword arguments.
pub(crate) const fn keywords<C: Class, F: Keywords<C>>(
    name: &'static CStr,
    _method: F,
    doc: &'static CStr,
) -> Method {
    unsafe extern "C" fn call<C: Class, F: Keywords<C>>(
        slf: *mut ffi::PyObject,
        values: *const *mut ffi::PyObject,
        count: ffi::Py_ssize_t,
        names: *mut ffi::PyObject,
    ) -> *mut ffi::PyObject {
        // SAFETY: as in `noargs`; the arguments live for the call.
        unsafe {
            boundary::enter(state_of::<C>(slf), |cx| {
                let args = Args::new(values, count, names);
                boundary::object(summon::<F>()(payload::<C>(slf), cx, args))
            })
        }
    }
    row(
        name,
        ffi::PyMethodDefPointer {
            PyCFunctionFastWithKeywords: call::<C, F>,
        },
        ffi::METH_FASTCALL | ffi::METH_KEYWORDS,
        doc,
    )
}

/// What a method looks like that is given the object itself.
pub(crate) trait OfObject:
    for<'py> Fn(Ref<'py>, Cx<'py>, Args<'py>) -> PyResult<Owned<'py>> + Copy + 'static
{
}
impl<F> OfObject for F where
    F: for<'py> Fn(Ref<'py>, Cx<'py>, Args<'py>) -> PyResult<Owned<'py>> + Copy + 'static
{
}

/// A method of a class of ours that is no [`Class`] (a subclass of a built-in), or that hands the object on.
pub(crate) const fn of_object<F: OfObject>(
    name: &'static CStr,
    _method: F,
    doc: &'static CStr,
) -> Method {
    unsafe extern "C" fn call<F: OfObject>(
        slf: *mut ffi::PyObject,
        values: *const *mut ffi::PyObject,
        count: ffi::Py_ssize_t,
        names: *mut ffi::PyObject,
    ) -> *mut ffi::PyObject {
        // SAFETY: as in `keywords`; the class is final, so one of our own heap types.
        unsafe {
            boundary::enter(state_of_any(slf), |cx| {
                let args = Args::new(values, count, names);
                boundary::object(summon::<F>()(Ref::from_ptr(slf), cx, args))
            })
        }
    }
    row(
        name,
        ffi::PyMethodDefPointer {
            PyCFunctionFastWithKeywords: call::<F>,
        },
        ffi::METH_FASTCALL | ffi::METH_KEYWORDS,
        doc,
    )
}

/// A class method of a class of ours.
pub(crate) const fn class<F: Free>(name: &'static CStr, _method: F, doc: &'static CStr) -> Method {
    unsafe extern "C" fn call<F: Free>(
        class: *mut ffi::PyObject,
        values: *const *mut ffi::PyObject,
        count: ffi::Py_ssize_t,
        names: *mut ffi::PyObject,
    ) -> *mut ffi::PyObject {
        // SAFETY: class methods get their class, which is final, so one of our own heap types.
        unsafe {
            let state = &*ffi::PyType_GetModuleState(class.cast()).cast::<State>();
            boundary::enter(state, |cx| {
                boundary::object(summon::<F>()(cx, Args::new(values, count, names)))
            })
        }
    }
    row(
        name,
        ffi::PyMethodDefPointer {
            PyCFunctionFastWithKeywords: call::<F>,
        },
        ffi::METH_FASTCALL | ffi::METH_KEYWORDS | ffi::METH_CLASS,
        doc,
    )
}

/// `Class[item]`, as `types.GenericAlias`.
pub(crate) const fn class_getitem() -> Method {
    row(
        c"__class_getitem__",
        ffi::PyMethodDefPointer {
            PyCFunction: ffi::Py_GenericAlias,
        },
        ffi::METH_O | ffi::METH_CLASS,
        c"See PEP 585.",
    )
}

/// What is asked before `with` enters an object.
pub(crate) trait Check<C>:
    for<'py> Fn(&C, Cx<'py>) -> PyResult<()> + Copy + 'static
{
}
impl<C, F: for<'py> Fn(&C, Cx<'py>) -> PyResult<()> + Copy + 'static> Check<C> for F {}

/// `__enter__` that returns `self`, unless the check fails.
pub(crate) const fn enter<C: Class, F: Check<C>>(_check: F) -> Method {
    unsafe extern "C" fn call<C: Class, F: Check<C>>(
        slf: *mut ffi::PyObject,
        _: *mut ffi::PyObject,
    ) -> *mut ffi::PyObject {
        // SAFETY: as in `noargs`.
        unsafe {
            boundary::enter(state_of::<C>(slf), |cx| {
                summon::<F>()(payload::<C>(slf), cx)?;
                boundary::object(Ok(Ref::from_ptr(slf).to_owned(cx.py())))
            })
        }
    }
    let doc = c"__enter__($self, /)\n--\n\nReturn self; leaving the block closes this handle.";
    row(
        c"__enter__",
        ffi::PyMethodDefPointer {
            PyCFunction: call::<C, F>,
        },
        ffi::METH_NOARGS,
        doc,
    )
}

/// A function of the module.
pub(crate) const fn function<F: Free>(
    name: &'static CStr,
    _function: F,
    doc: &'static CStr,
) -> Method {
    unsafe extern "C" fn call<F: Free>(
        module: *mut ffi::PyObject,
        values: *const *mut ffi::PyObject,
        count: ffi::Py_ssize_t,
        names: *mut ffi::PyObject,
    ) -> *mut ffi::PyObject {
        // SAFETY: functions of a module get that module as `self`.
        unsafe {
            boundary::enter(State::of(Ref::from_ptr(module)), |cx| {
                boundary::object(summon::<F>()(cx, Args::new(values, count, names)))
            })
        }
    }
    row(
        name,
        ffi::PyMethodDefPointer {
            PyCFunctionFastWithKeywords: call::<F>,
        },
        ffi::METH_FASTCALL | ffi::METH_KEYWORDS,
        doc,
    )
}

const fn row(
    name: &'static CStr,
    function: ffi::PyMethodDefPointer,
    flags: core::ffi::c_int,
    doc: &'static CStr,
) -> Method {
    ffi::PyMethodDef {
        ml_name: name.as_ptr(),
        ml_meth: function,
        ml_flags: flags,
        ml_doc: doc.as_ptr(),
    }
}
