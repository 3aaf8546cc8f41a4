//! Slots of classes that are indexed, compared, and called to make an instance.

use core::ffi::{c_int, c_void};

use pyo3_ffi as ffi;

use super::boundary::{self, summon};
use super::class::{Class, payload, state_of};
use super::error::Builtin;
use super::method::Free;
use super::slot::{Length, Slot};
use super::{Args, Attached, Cx, Owned, PyResult, Raised, Ref, running};
use crate::state::State;

/// What `__new__` of a final class looks like.
pub(crate) const fn new<F: Free>(_new: F) -> Slot {
    unsafe extern "C" fn call<F: Free>(
        class: *mut ffi::PyTypeObject,
        args: *mut ffi::PyObject,
        keywords: *mut ffi::PyObject,
    ) -> *mut ffi::PyObject {
        // SAFETY: CPython calls tp_new attached, with a tuple and NULL or a dict with names for keys, both of which
        // live for the call; the class is ours and final.
        unsafe {
            let state = &*ffi::PyType_GetModuleState(class).cast::<State>();
            boundary::enter(state, |cx| {
                let mut values: Vec<_> = (0..ffi::PyTuple_GET_SIZE(args))
                    .map(|index| ffi::PyTuple_GET_ITEM(args, index))
                    .collect();
                let positional = values.len() as ffi::Py_ssize_t;
                let mut names = None;
                if !keywords.is_null() && ffi::PyDict_Size(keywords) > 0 {
                    let tuple = cx.tuple(ffi::PyDict_Size(keywords) as usize)?;
                    let (mut place, mut position) = (0, 0);
                    let (mut name, mut value) = (core::ptr::null_mut(), core::ptr::null_mut());
                    // The dict was made for this call: nobody else changes it.
                    while ffi::PyDict_Next(keywords, &mut position, &mut name, &mut value) != 0 {
                        tuple
                            .get()
                            .fill(place, Ref::from_ptr(name).to_owned(cx.py()));
                        values.push(value);
                        place += 1;
                    }
                    names = Some(tuple);
                }
                let names = names.as_ref().map_or(core::ptr::null_mut(), Owned::as_ptr);
                let args = Args::new(values.as_ptr(), positional, names);
                boundary::object(summon::<F>()(cx, args))
            })
        }
    }
    Slot::new(ffi::Py_tp_new, call::<F> as *mut c_void)
}

/// What `__getitem__` looks like.
pub(crate) trait Get<C>:
    for<'py> Fn(&C, Cx<'py>, Ref<'py>) -> PyResult<Owned<'py>> + Copy + 'static
{
}
impl<C, F> Get<C> for F where
    F: for<'py> Fn(&C, Cx<'py>, Ref<'py>) -> PyResult<Owned<'py>> + Copy + 'static
{
}

pub(crate) const fn get<C: Class, F: Get<C>>(_get: F) -> Slot {
    unsafe extern "C" fn call<C: Class, F: Get<C>>(
        slf: *mut ffi::PyObject,
        key: *mut ffi::PyObject,
    ) -> *mut ffi::PyObject {
        // SAFETY: CPython calls slots attached, with `self` an instance of the type and a key that lives for the call.
        unsafe {
            boundary::enter(state_of::<C>(slf), |cx| {
                boundary::object(summon::<F>()(payload::<C>(slf), cx, Ref::from_ptr(key)))
            })
        }
    }
    Slot::new(ffi::Py_mp_subscript, call::<C, F> as *mut c_void)
}

/// What `__setitem__` looks like. Without a value it is `__delitem__`.
pub(crate) trait Set<C>:
    for<'py> Fn(&C, Cx<'py>, Ref<'py>, Option<Ref<'py>>) -> PyResult<()> + Copy + 'static
{
}
impl<C, F> Set<C> for F where
    F: for<'py> Fn(&C, Cx<'py>, Ref<'py>, Option<Ref<'py>>) -> PyResult<()> + Copy + 'static
{
}

pub(crate) const fn set<C: Class, F: Set<C>>(_set: F) -> Slot {
    unsafe extern "C" fn call<C: Class, F: Set<C>>(
        slf: *mut ffi::PyObject,
        key: *mut ffi::PyObject,
        value: *mut ffi::PyObject,
    ) -> c_int {
        // SAFETY: as in `get`; the value is NULL or lives for the call.
        unsafe {
            boundary::enter(state_of::<C>(slf), |cx| {
                let value = (!value.is_null()).then(|| Ref::from_ptr(value));
                summon::<F>()(payload::<C>(slf), cx, Ref::from_ptr(key), value)?;
                Ok(0)
            })
        }
    }
    Slot::new(ffi::Py_mp_ass_subscript, call::<C, F> as *mut c_void)
}

/// The item at a place that is not negative, for iteration and `in`: `None` behind the last one.
pub(crate) trait Item<C>:
    for<'py> Fn(&C, Cx<'py>, isize) -> PyResult<Option<Owned<'py>>> + Copy + 'static
{
}
impl<C, F> Item<C> for F where
    F: for<'py> Fn(&C, Cx<'py>, isize) -> PyResult<Option<Owned<'py>>> + Copy + 'static
{
}

pub(crate) const fn item<C: Class, F: Item<C>>(_item: F) -> Slot {
    unsafe extern "C" fn call<C: Class, F: Item<C>>(
        slf: *mut ffi::PyObject,
        index: ffi::Py_ssize_t,
    ) -> *mut ffi::PyObject {
        // SAFETY: as in `get`.
        unsafe {
            boundary::enter(state_of::<C>(slf), |cx| {
                match summon::<F>()(payload::<C>(slf), cx, index)? {
                    Some(item) => Ok(item.into_ptr()),
                    None => Err(Raised::builtin(
                        cx.py(),
                        Builtin::Index,
                        "index out of range",
                    )),
                }
            })
        }
    }
    Slot::new(ffi::Py_sq_item, call::<C, F> as *mut c_void)
}

/// `__len__` once more, for what takes the class for a sequence.
pub(crate) const fn sequence_length<C: Class, F: Length<C>>(_length: F) -> Slot {
    unsafe extern "C" fn call<C: Class, F: Length<C>>(slf: *mut ffi::PyObject) -> ffi::Py_ssize_t {
        // SAFETY: as in `get`.
        unsafe {
            boundary::enter(state_of::<C>(slf), |cx| {
                Ok(summon::<F>()(payload::<C>(slf), cx)? as ffi::Py_ssize_t)
            })
        }
    }
    Slot::new(ffi::Py_sq_length, call::<C, F> as *mut c_void)
}

/// What `__eq__` looks like: `None` for what it cannot be compared with.
pub(crate) trait Equal<C>:
    for<'py> Fn(&C, Cx<'py>, Ref<'py>) -> PyResult<Option<bool>> + Copy + 'static
{
}
impl<C, F> Equal<C> for F where
    F: for<'py> Fn(&C, Cx<'py>, Ref<'py>) -> PyResult<Option<bool>> + Copy + 'static
{
}

/// `==` and `!=`, of something that changes and so has no hash.
pub(crate) const fn equal<C: Class, F: Equal<C>>(_equal: F) -> Slot {
    unsafe extern "C" fn call<C: Class, F: Equal<C>>(
        slf: *mut ffi::PyObject,
        other: *mut ffi::PyObject,
        operation: c_int,
    ) -> *mut ffi::PyObject {
        // SAFETY: as in `get`.
        unsafe {
            boundary::enter(state_of::<C>(slf), |cx| {
                let same = match operation {
                    ffi::Py_EQ | ffi::Py_NE => {
                        summon::<F>()(payload::<C>(slf), cx, Ref::from_ptr(other))?
                    }
                    _ => None,
                };
                let answer = match same {
                    None => cx.not_implemented(),
                    Some(same) => cx.bool(same == (operation == ffi::Py_EQ)),
                };
                Ok(answer.into_ptr())
            })
        }
    }
    Slot::new(ffi::Py_tp_richcompare, call::<C, F> as *mut c_void)
}

/// One part of a subscript.
pub(crate) enum Part<'a> {
    Index(Ref<'a>),
    Slice(Ref<'a>),
    Ellipsis,
    Other(Ref<'a>),
}

impl<'a> Ref<'a> {
    /// What this is as a subscript.
    pub(crate) fn subscript(self) -> Part<'a> {
        // SAFETY: a live object, of which only the type is read.
        unsafe {
            if ffi::PyIndex_Check(self.as_ptr()) != 0 {
                Part::Index(self)
            } else if ffi::Py_TYPE(self.as_ptr()) == &raw mut ffi::PySlice_Type {
                Part::Slice(self)
            } else if self.as_ptr() == ffi::Py_Ellipsis() {
                Part::Ellipsis
            } else {
                Part::Other(self)
            }
        }
    }

    /// Start, step and number of items that a slice takes from `length`.
    pub(crate) fn slice_of(self, py: Attached<'_>, length: isize) -> PyResult<[isize; 3]> {
        let (mut start, mut stop, mut step) = (0, 0, 0);
        // SAFETY: attached; the callers pass a slice.
        unsafe {
            if running::slice_unpack(self.as_ptr(), &mut start, &mut stop, &mut step) < 0 {
                return Err(Raised::already(py));
            }
            let count = ffi::PySlice_AdjustIndices(length, &mut start, &mut stop, step);
            Ok([start, step, count])
        }
    }

    /// The items of a tuple; `None` for anything else.
    pub(crate) fn tuple_items(self) -> Option<Vec<Ref<'a>>> {
        if !self.is_tuple() {
            return None;
        }
        // SAFETY: a tuple, which keeps its items as long as it lives.
        let item = |index| unsafe { Ref::from_ptr(ffi::PyTuple_GET_ITEM(self.as_ptr(), index)) };
        // SAFETY: a tuple.
        let count = unsafe { ffi::PyTuple_GET_SIZE(self.as_ptr()) };
        Some((0..count).map(item).collect())
    }
}
