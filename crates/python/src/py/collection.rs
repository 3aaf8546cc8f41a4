//! Slots of classes that are containers, and what CPython has to know about them.

use core::ffi::{CStr, c_int, c_void};

use pyo3_ffi as ffi;

use super::boundary::{self, summon};
use super::class::{Class, payload, state_of};
use super::object::Kind;
use super::slot::Slot;
use super::{Attached, Cx, Owned, PyResult, Raised, Ref, running};
use crate::state::State;

/// As what kind of container `match` takes instances of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Collection {
    Neither,
    Sequence,
    Mapping,
}

impl Collection {
    pub(super) fn flags(self) -> core::ffi::c_ulong {
        match self {
            Self::Neither => 0,
            Self::Sequence => ffi::Py_TPFLAGS_SEQUENCE,
            Self::Mapping => ffi::Py_TPFLAGS_MAPPING,
        }
    }
}

/// What `__contains__` looks like.
pub(crate) trait Contains<C>:
    for<'py> Fn(&C, Cx<'py>, Ref<'py>) -> PyResult<bool> + Copy + 'static
{
}
impl<C, F> Contains<C> for F where
    F: for<'py> Fn(&C, Cx<'py>, Ref<'py>) -> PyResult<bool> + Copy + 'static
{
}

pub(crate) const fn contains<C: Class, F: Contains<C>>(_contains: F) -> Slot {
    unsafe extern "C" fn call<C: Class, F: Contains<C>>(
        slf: *mut ffi::PyObject,
        item: *mut ffi::PyObject,
    ) -> c_int {
        // SAFETY: CPython calls slots attached, with `self` an instance of the type and an item that lives for the call.
        unsafe {
            boundary::enter(state_of::<C>(slf), |cx| {
                let found = summon::<F>()(payload::<C>(slf), cx, Ref::from_ptr(item))?;
                Ok(c_int::from(found))
            })
        }
    }
    Slot::new(ffi::Py_sq_contains, call::<C, F> as *mut c_void)
}

/// What `__hash__` looks like.
pub(crate) trait Hash<C>: Fn(&C, Cx<'_>) -> PyResult<isize> + Copy + 'static {}
impl<C, F: Fn(&C, Cx<'_>) -> PyResult<isize> + Copy + 'static> Hash<C> for F {}

/// `hash()`, which must not give -1.
pub(crate) const fn hash<C: Class, F: Hash<C>>(_hash: F) -> Slot {
    unsafe extern "C" fn call<C: Class, F: Hash<C>>(slf: *mut ffi::PyObject) -> ffi::Py_hash_t {
        // SAFETY: as in `contains`.
        unsafe {
            boundary::enter(state_of::<C>(slf), |cx| {
                summon::<F>()(payload::<C>(slf), cx)
            })
        }
    }
    Slot::new(ffi::Py_tp_hash, call::<C, F> as *mut c_void)
}

/// `hash()` of what is equal to things that have none.
pub(crate) const fn no_hash() -> Slot {
    Slot::new(
        ffi::Py_tp_hash,
        ffi::PyObject_HashNotImplemented as *mut c_void,
    )
}

/// `__iter__` of a class with an iterator of another one.
pub(crate) const fn iter<C: Class, F: super::method::NoArgs<C>>(_iter: F) -> Slot {
    Slot::new(ffi::Py_tp_iter, super::slot::unary::<C, F> as *mut c_void)
}

/// Which comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
}

/// What all comparisons of a class in one look like.
pub(crate) trait Compare<C>:
    for<'py> Fn(&C, Cx<'py>, Ref<'py>, Comparison) -> PyResult<Owned<'py>> + Copy + 'static
{
}
impl<C, F> Compare<C> for F where
    F: for<'py> Fn(&C, Cx<'py>, Ref<'py>, Comparison) -> PyResult<Owned<'py>> + Copy + 'static
{
}

/// `==`, `<` and so on, of what may be nested: too deep is a `RecursionError`.
pub(crate) const fn compare<C: Class, F: Compare<C>>(_compare: F) -> Slot {
    unsafe extern "C" fn call<C: Class, F: Compare<C>>(
        slf: *mut ffi::PyObject,
        other: *mut ffi::PyObject,
        operation: c_int,
    ) -> *mut ffi::PyObject {
        // SAFETY: as in `contains`.
        unsafe {
            boundary::enter(state_of::<C>(slf), |cx| {
                let comparison = match operation {
                    ffi::Py_LT => Comparison::Less,
                    ffi::Py_LE => Comparison::LessOrEqual,
                    ffi::Py_EQ => Comparison::Equal,
                    ffi::Py_NE => Comparison::NotEqual,
                    ffi::Py_GT => Comparison::Greater,
                    _ => Comparison::GreaterOrEqual,
                };
                let other = Ref::from_ptr(other);
                cx.py().nested(c" in comparison", || {
                    let compared = summon::<F>()(payload::<C>(slf), cx, other, comparison);
                    boundary::object(compared)
                })
            })
        }
    }
    Slot::new(ffi::Py_tp_richcompare, call::<C, F> as *mut c_void)
}

/// What a binary operator looks like: one of the operands is of our class.
pub(crate) trait Operator:
    for<'py> Fn(Cx<'py>, Ref<'py>, Ref<'py>) -> PyResult<Owned<'py>> + Copy + 'static
{
}
impl<F> Operator for F where
    F: for<'py> Fn(Cx<'py>, Ref<'py>, Ref<'py>) -> PyResult<Owned<'py>> + Copy + 'static
{
}

unsafe extern "C" fn binary<F: Operator>(
    left: *mut ffi::PyObject,
    right: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: CPython calls attached; the slot is that of the type of one of the operands, which is of our module.
    unsafe {
        let mut state = crate::MODULE.state_of(ffi::Py_TYPE(left));
        if state.is_null() {
            state = crate::MODULE.state_of(ffi::Py_TYPE(right));
        }
        let Some(state) = state.as_ref() else {
            ffi::Py_INCREF(ffi::Py_NotImplemented());
            return ffi::Py_NotImplemented();
        };
        boundary::enter::<*mut ffi::PyObject>(state, |cx| {
            boundary::object(summon::<F>()(cx, Ref::from_ptr(left), Ref::from_ptr(right)))
        })
    }
}

/// `&`
pub(crate) const fn and<F: Operator>(_and: F) -> Slot {
    Slot::new(ffi::Py_nb_and, binary::<F> as *mut c_void)
}

/// `|`
pub(crate) const fn or<F: Operator>(_or: F) -> Slot {
    Slot::new(ffi::Py_nb_or, binary::<F> as *mut c_void)
}

/// `^`
pub(crate) const fn xor<F: Operator>(_xor: F) -> Slot {
    Slot::new(ffi::Py_nb_xor, binary::<F> as *mut c_void)
}

/// `-`
pub(crate) const fn subtract<F: Operator>(_subtract: F) -> Slot {
    Slot::new(ffi::Py_nb_subtract, binary::<F> as *mut c_void)
}

impl Attached<'_> {
    /// Runs what may run itself again, by way of Python, as deep as CPython allows.
    pub(crate) fn nested<R>(self, doing: &CStr, work: impl FnOnce() -> PyResult<R>) -> PyResult<R> {
        struct Leave;
        impl Drop for Leave {
            fn drop(&mut self) {
                // SAFETY: entered on this thread, which is attached again, or still.
                unsafe { ffi::Py_LeaveRecursiveCall() }
            }
        }
        // SAFETY: attached; NUL-terminated.
        if unsafe { ffi::Py_EnterRecursiveCall(doing.as_ptr()) } != 0 {
            return Err(Raised::already(self));
        }
        let _leave = Leave;
        work()
    }
}

impl Ref<'_> {
    /// `hash(self)`.
    pub(crate) fn hash(self, py: Attached<'_>) -> PyResult<isize> {
        // SAFETY: attached.
        match unsafe { running::hash(self.as_ptr()) } {
            -1 => Err(Raised::already(py)),
            hash => Ok(hash),
        }
    }

    /// The built-in class that the object's own extends without changing what is equal to it: that of text, bytes, whole
    /// numbers, numbers, or tuples.
    pub(crate) fn compares_as(self) -> Option<Kind> {
        // SAFETY: a live object, and types whose tables are filled.
        unsafe {
            let class = ffi::Py_TYPE(self.as_ptr());
            [
                (&raw mut ffi::PyUnicode_Type, Kind::Str),
                (&raw mut ffi::PyBytes_Type, Kind::Bytes),
                (&raw mut ffi::PyLong_Type, Kind::Int),
                (&raw mut ffi::PyFloat_Type, Kind::Float),
                (&raw mut ffi::PyTuple_Type, Kind::Tuple),
            ]
            .into_iter()
            .find(|&(base, _)| {
                ffi::PyType_IsSubtype(class, base) != 0
                    && (*class).tp_hash.map(|f| f as usize) == (*base).tp_hash.map(|f| f as usize)
                    && (*class).tp_richcompare.map(|f| f as usize)
                        == (*base).tp_richcompare.map(|f| f as usize)
            })
            .map(|(_, kind)| kind)
        }
    }

    /// Has the object `__index__`?
    pub(crate) fn is_index(self) -> bool {
        // SAFETY: a live object.
        unsafe { ffi::PyIndex_Check(self.as_ptr()) != 0 }
    }

    /// `isinstance(self, list)`, whatever the class says.
    pub(crate) fn is_list(self) -> bool {
        // SAFETY: a live object.
        unsafe { ffi::PyList_Check(self.as_ptr()) != 0 }
    }

    /// `isinstance(self, dict)`, whatever the class says.
    pub(crate) fn is_any_dict(self) -> bool {
        // SAFETY: a live object.
        unsafe { ffi::PyDict_Check(self.as_ptr()) != 0 }
    }

    /// `isinstance(self, (set, frozenset))`, whatever the class says.
    pub(crate) fn is_any_set(self) -> bool {
        // SAFETY: a live object.
        unsafe { ffi::PyAnySet_Check(self.as_ptr()) != 0 }
    }
}

/// The state of the module that a class is of, if that is ours.
impl super::module::Definition {
    /// # Safety
    /// Attached; a live class.
    unsafe fn state_of(&'static self, class: *mut ffi::PyTypeObject) -> *const State {
        // SAFETY: forwarded to the caller; an exception says that the class is none of ours.
        unsafe {
            let module = ffi::PyType_GetModuleByDef(class, self.as_ptr());
            if module.is_null() {
                running::clear_error();
                return core::ptr::null();
            }
            ffi::PyModule_GetState(module).cast()
        }
    }
}
