//! Instances of classes, taken apart and made from the outside: what `object` itself does, whatever the class says.

use pyo3_ffi as ffi;

use super::{Attached, Owned, PyResult, Raised, Ref, running};

impl Ref<'_> {
    /// Does the class keep all that its instances are in attributes? Not when it extends another built-in than `object`.
    pub(crate) fn is_made_of_attributes(self) -> bool {
        // SAFETY: the callers pass a class, which keeps its bases; those that are not on the heap are built in.
        unsafe {
            let mut class = self.as_ptr().cast::<ffi::PyTypeObject>();
            while ffi::PyType_HasFeature(class, ffi::Py_TPFLAGS_HEAPTYPE) != 0 {
                class = (*class).tp_base;
            }
            class == &raw mut ffi::PyBaseObject_Type
        }
    }

    /// Is it a class that `type` itself has made?
    pub(crate) fn has_plain_class(self) -> bool {
        // SAFETY: a live object, whose type is compared with an immortal one.
        unsafe { ffi::Py_TYPE(self.as_ptr()) == &raw mut ffi::PyType_Type }
    }

    /// Is this class that one, or made from it? By their bases, whatever they say.
    pub(crate) fn is_subclass(self, base: Ref<'_>) -> bool {
        // SAFETY: both are checked to be classes.
        self.is_class()
            && base.is_class()
            && unsafe { ffi::PyType_IsSubtype(self.as_ptr().cast(), base.as_ptr().cast()) != 0 }
    }

    /// Have instances of the class a `__dict__`?
    pub(crate) fn has_instance_dict(self) -> bool {
        /// `Py_TPFLAGS_MANAGED_DICT`, the same on 3.12 to 3.15.
        const MANAGED: core::ffi::c_ulong = 1 << 4;
        // SAFETY: the callers pass a class.
        unsafe {
            let class = self.as_ptr().cast::<ffi::PyTypeObject>();
            (*class).tp_dictoffset != 0 || ffi::PyType_HasFeature(class, MANAGED) != 0
        }
    }

    /// The `__dict__` of an instance whose class has one, whatever the class says about that name.
    pub(crate) fn instance_dict<'py>(self, py: Attached<'py>) -> PyResult<Owned<'py>> {
        // SAFETY: attached; no closure is wanted.
        unsafe {
            let dict = ffi::PyObject_GenericGetDict(self.as_ptr(), core::ptr::null_mut());
            Owned::from_new(py, dict)
        }
    }

    /// Is it an instance of exactly `dict`?
    pub(crate) fn is_dict(self) -> bool {
        // SAFETY: a live object.
        unsafe { ffi::PyDict_CheckExact(self.as_ptr()) != 0 }
    }

    /// `self.__new__(self, *arguments)`, for a class; `__init__` is not called.
    pub(crate) fn new_instance<'py>(
        self,
        py: Attached<'py>,
        arguments: Ref<'_>,
    ) -> PyResult<Owned<'py>> {
        if !self.is_class() {
            return Err(self.not_a_class(py));
        }
        // SAFETY: attached; a class and a tuple.
        unsafe {
            let class = self.as_ptr().cast::<ffi::PyTypeObject>();
            match (*class).tp_new {
                Some(new) => {
                    Owned::from_new(py, running::make_instance(new, class, arguments.as_ptr()))
                }
                None => Err(self.not_a_class(py)),
            }
        }
    }

    /// `tuple.__new__(self, items)`, for a subclass of `tuple`.
    pub(crate) fn new_tuple<'py>(self, py: Attached<'py>, items: Ref<'_>) -> PyResult<Owned<'py>> {
        let arguments = py.tuple(1)?;
        arguments.get().fill(0, items.to_owned(py));
        // SAFETY: attached; checked to be a subclass of `tuple`, whose own `__new__` makes instances of it.
        unsafe {
            let class = self.as_ptr().cast::<ffi::PyTypeObject>();
            if !self.is_subclass(Ref::from_ptr((&raw mut ffi::PyTuple_Type).cast())) {
                return Err(self.not_a_class(py));
            }
            let new = ffi::PyTuple_Type.tp_new;
            let new = new.ok_or_else(|| self.not_a_class(py))?;
            Owned::from_new(py, running::make_instance(new, class, arguments.as_ptr()))
        }
    }

    fn not_a_class(self, py: Attached<'_>) -> Raised {
        let what = self.brief_repr(py);
        Raised::type_error(py, &format!("{what} is not a class that can be rebuilt"))
    }

    /// `object.__setattr__(self, name, value)`.
    pub(crate) fn set_plainly(
        self,
        py: Attached<'_>,
        name: Ref<'_>,
        value: Ref<'_>,
    ) -> PyResult<()> {
        // SAFETY: attached.
        super::container::check(py, unsafe {
            running::set_generic(self.as_ptr(), name.as_ptr(), value.as_ptr())
        })
    }

    /// `self[key] = value`.
    pub(crate) fn set_item(self, py: Attached<'_>, key: Ref<'_>, value: Ref<'_>) -> PyResult<()> {
        // SAFETY: attached.
        super::container::check(py, unsafe {
            running::set_item(self.as_ptr(), key.as_ptr(), value.as_ptr())
        })
    }
}
