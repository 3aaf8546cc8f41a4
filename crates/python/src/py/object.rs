//! Making and reading the built-in scalars; attributes and calls.

use core::ffi::CStr;

use pyo3_ffi as ffi;

use super::error::Builtin;
use super::{Attached, Owned, PyResult, Raised, Ref, running};

/// The exact built-in type of an object, as far as conversion cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    None,
    Ellipsis,
    NotImplemented,
    Bool(bool),
    Int,
    Float,
    Complex,
    Str,
    Bytes,
    Tuple,
    List,
    Dict,
    Set,
    FrozenSet,
    Other,
}

impl<'py> Attached<'py> {
    pub(crate) fn none(self) -> Owned<'py> {
        // SAFETY: None is immortal and never NULL.
        unsafe { Ref::from_ptr(ffi::Py_None()) }.to_owned(self)
    }

    pub(crate) fn bool(self, value: bool) -> Owned<'py> {
        // SAFETY: immortal singletons.
        unsafe {
            Ref::from_ptr(if value {
                ffi::Py_True()
            } else {
                ffi::Py_False()
            })
        }
        .to_owned(self)
    }

    pub(crate) fn ellipsis(self) -> Owned<'py> {
        // SAFETY: an immortal singleton.
        unsafe { Ref::from_ptr(ffi::Py_Ellipsis()) }.to_owned(self)
    }

    pub(crate) fn not_implemented(self) -> Owned<'py> {
        // SAFETY: an immortal singleton.
        unsafe { Ref::from_ptr(ffi::Py_NotImplemented()) }.to_owned(self)
    }

    pub(crate) fn int(self, value: i64) -> PyResult<Owned<'py>> {
        // SAFETY: attached.
        unsafe { Owned::from_new(self, ffi::PyLong_FromLongLong(value)) }
    }

    pub(crate) fn size(self, value: usize) -> PyResult<Owned<'py>> {
        // SAFETY: attached.
        unsafe { Owned::from_new(self, ffi::PyLong_FromSize_t(value)) }
    }

    pub(crate) fn float(self, value: f64) -> PyResult<Owned<'py>> {
        // SAFETY: attached.
        unsafe { Owned::from_new(self, ffi::PyFloat_FromDouble(value)) }
    }

    pub(crate) fn complex(self, re: f64, im: f64) -> PyResult<Owned<'py>> {
        // SAFETY: attached.
        unsafe { Owned::from_new(self, ffi::PyComplex_FromDoubles(re, im)) }
    }

    /// An `int` of any size from its base-16 text (`-0x1f`): linear in the number of digits.
    pub(crate) fn int_from_hex(self, text: &CStr) -> PyResult<Owned<'py>> {
        // SAFETY: attached; NUL-terminated; no end pointer wanted.
        unsafe {
            Owned::from_new(
                self,
                ffi::PyLong_FromString(text.as_ptr(), core::ptr::null_mut(), 16),
            )
        }
    }

    pub(crate) fn str(self, text: &str) -> PyResult<Owned<'py>> {
        // SAFETY: attached; pointer and length of valid UTF-8.
        unsafe {
            Owned::from_new(
                self,
                ffi::PyUnicode_FromStringAndSize(text.as_ptr().cast(), text.len() as _),
            )
        }
    }

    pub(crate) fn bytes(self, data: &[u8]) -> PyResult<Owned<'py>> {
        // SAFETY: attached; pointer and length of a slice.
        unsafe {
            Owned::from_new(
                self,
                ffi::PyBytes_FromStringAndSize(data.as_ptr().cast(), data.len() as _),
            )
        }
    }

    /// `name in sys.modules`.
    pub(crate) fn has_imported(self, name: &str) -> PyResult<bool> {
        let name = self.str(name)?;
        // SAFETY: attached; NULL without an exception means "not imported".
        unsafe {
            let module = running::get_module(name.as_ptr());
            if module.is_null() {
                return if ffi::PyErr_Occurred().is_null() {
                    Ok(false)
                } else {
                    Err(Raised::already(self))
                };
            }
            running::decref(module);
            Ok(true)
        }
    }

    /// `sys.modules.get(name)`, also while the module is being imported.
    pub(crate) fn loaded_module(self, name: &str) -> PyResult<Option<Owned<'py>>> {
        // SAFETY: attached; the interpreter keeps what is returned.
        let modules = unsafe { Ref::from_ptr(ffi::PyImport_GetModuleDict()) };
        if !modules.is_dict() {
            return Ok(None);
        }
        modules.find(self, self.str(name)?.get())
    }

    /// `import name`, for a name that is only known now.
    pub(crate) fn import_named(self, name: &str) -> PyResult<Owned<'py>> {
        let name = self.str(name)?;
        // SAFETY: attached.
        unsafe { Owned::from_new(self, running::import_named(name.as_ptr()))? };
        // What `__import__` returns is the top-level package.
        // SAFETY: attached; NULL without an exception means that the module took itself out of `sys.modules`.
        let module = unsafe { running::get_module(name.as_ptr()) };
        // SAFETY: attached.
        if module.is_null() && unsafe { ffi::PyErr_Occurred() }.is_null() {
            let message = format!("{} is not in sys.modules", name.get().display(self));
            return Err(Raised::builtin(self, Builtin::Import, &message));
        }
        // SAFETY: a new reference, or NULL with an exception.
        unsafe { Owned::from_new(self, module) }
    }

    /// `sys.modules[name]` for one of our own modules, imported when it isn't there.
    pub(crate) fn ours(self, name: &CStr) -> PyResult<Owned<'py>> {
        // SAFETY: attached; NULL without an exception means "not imported".
        unsafe {
            let key = Owned::from_new(self, ffi::PyUnicode_FromString(name.as_ptr()))?;
            let module = running::get_module(key.as_ptr());
            if module.is_null() && ffi::PyErr_Occurred().is_null() {
                return self.import(name);
            }
            Owned::from_new(self, module)
        }
    }

    /// `import name`.
    pub(crate) fn import(self, name: &CStr) -> PyResult<Owned<'py>> {
        // SAFETY: attached.
        unsafe { Owned::from_new(self, running::import(name.as_ptr())) }
    }
}

impl<'a> Ref<'a> {
    /// Which exact built-in type this is.
    pub(crate) fn kind(self) -> Kind {
        let ptr = self.as_ptr();
        // SAFETY: a live object; only its type pointer is read, and compared with immortal singletons.
        unsafe {
            if ffi::PyLong_CheckExact(ptr) != 0 {
                Kind::Int
            } else if ffi::PyUnicode_CheckExact(ptr) != 0 {
                Kind::Str
            } else if ptr == ffi::Py_None() {
                Kind::None
            } else if ptr == ffi::Py_True() {
                Kind::Bool(true)
            } else if ptr == ffi::Py_False() {
                Kind::Bool(false)
            } else if ffi::PyFloat_CheckExact(ptr) != 0 {
                Kind::Float
            } else if ffi::PyBytes_CheckExact(ptr) != 0 {
                Kind::Bytes
            } else if ffi::PyTuple_CheckExact(ptr) != 0 {
                Kind::Tuple
            } else if ffi::PyList_CheckExact(ptr) != 0 {
                Kind::List
            } else if ffi::PyDict_CheckExact(ptr) != 0 {
                Kind::Dict
            } else if ffi::PyComplex_CheckExact(ptr) != 0 {
                Kind::Complex
            } else if ffi::PySet_CheckExact(ptr) != 0 {
                Kind::Set
            } else if ffi::PyFrozenSet_CheckExact(ptr) != 0 {
                Kind::FrozenSet
            } else if ptr == ffi::Py_Ellipsis() {
                Kind::Ellipsis
            } else if ptr == ffi::Py_NotImplemented() {
                Kind::NotImplemented
            } else {
                Kind::Other
            }
        }
    }

    pub(crate) fn is_none(self) -> bool {
        // SAFETY: compares addresses.
        self.as_ptr() == unsafe { ffi::Py_None() }
    }

    /// Has the object more references than these, so that it could be met somewhere else, in a second place of a
    /// container for instance? Without a GIL, any object may have.
    pub(crate) fn has_more_references(self, known: isize) -> bool {
        // SAFETY: a live object of the attached interpreter.
        cfg!(Py_GIL_DISABLED) || unsafe { ffi::Py_REFCNT(self.as_ptr()) } > known
    }

    /// The value of an exact `int` when it fits.
    pub(crate) fn small_int(self, py: Attached<'_>) -> PyResult<Option<i64>> {
        let mut overflow = 0;
        // SAFETY: attached; the callers pass an `int`.
        let value = unsafe { ffi::PyLong_AsLongLongAndOverflow(self.as_ptr(), &mut overflow) };
        if value == -1 && overflow == 0 {
            // SAFETY: attached.
            if !unsafe { ffi::PyErr_Occurred() }.is_null() {
                return Err(Raised::already(py));
            }
        }
        Ok((overflow == 0).then_some(value))
    }

    /// The value of what is an exact `int` and fits.
    #[inline]
    pub(crate) fn exact_int(self, _py: Attached<'_>) -> Option<i64> {
        let mut overflow = 0;
        // SAFETY: attached; a live object. To read an exact `int` raises nothing.
        unsafe {
            if ffi::PyLong_CheckExact(self.as_ptr()) == 0 {
                return None;
            }
            let value = ffi::PyLong_AsLongLongAndOverflow(self.as_ptr(), &mut overflow);
            (overflow == 0).then_some(value)
        }
    }

    /// Base-16 text of an `int` of any size.
    pub(crate) fn int_to_hex<'py>(self, py: Attached<'py>) -> PyResult<Owned<'py>> {
        // SAFETY: attached; the callers pass an `int`.
        unsafe { Owned::from_new(py, ffi::PyNumber_ToBase(self.as_ptr(), 16)) }
    }

    /// Any number that has `__index__`, as a size.
    pub(crate) fn index(self, py: Attached<'_>) -> PyResult<isize> {
        self.index_within(py, Builtin::Overflow)
    }

    /// As [`index`](Self::index), and the nearest size there is for what is none.
    pub(crate) fn clipped_index(self, py: Attached<'_>) -> PyResult<isize> {
        // SAFETY: attached; -1 with an exception set is an error; NULL asks for the nearest.
        unsafe {
            let value = running::as_ssize(self.as_ptr(), core::ptr::null_mut());
            if value == -1 && !ffi::PyErr_Occurred().is_null() {
                return Err(Raised::already(py));
            }
            Ok(value)
        }
    }

    /// As [`index`](Self::index); `overflow` is raised for what is too large.
    pub(crate) fn index_within(self, py: Attached<'_>, overflow: Builtin) -> PyResult<isize> {
        // SAFETY: attached; -1 with an exception set is an error; a live class.
        unsafe {
            let value = running::as_ssize(self.as_ptr(), overflow.class().as_ptr());
            if value == -1 && !ffi::PyErr_Occurred().is_null() {
                return Err(Raised::already(py));
            }
            Ok(value)
        }
    }

    /// Any real number, as a float.
    pub(crate) fn as_float(self, py: Attached<'_>) -> PyResult<f64> {
        // SAFETY: attached; -1 with an exception set is an error.
        unsafe {
            let value = running::as_double(self.as_ptr());
            if value == -1.0 && !ffi::PyErr_Occurred().is_null() {
                return Err(Raised::already(py));
            }
            Ok(value)
        }
    }

    /// The two parts of an exact `complex`.
    pub(crate) fn as_complex(self) -> (f64, f64) {
        // SAFETY: the callers pass a `complex`.
        unsafe {
            (
                ffi::PyComplex_RealAsDouble(self.as_ptr()),
                ffi::PyComplex_ImagAsDouble(self.as_ptr()),
            )
        }
    }

    /// `type(self) is bytes`.
    pub(crate) fn is_exact_bytes(self) -> bool {
        // SAFETY: a live object; reads its type.
        unsafe { ffi::PyBytes_CheckExact(self.as_ptr()) != 0 }
    }

    /// The contents of a `bytes`, exact or not.
    pub(crate) fn as_bytes(self) -> &'a [u8] {
        // SAFETY: the callers pass a `bytes`, which never changes and lives for `'a`.
        unsafe {
            core::slice::from_raw_parts(
                ffi::PyBytes_AS_STRING(self.as_ptr()).cast(),
                ffi::PyBytes_Size(self.as_ptr()) as usize,
            )
        }
    }

    pub(crate) fn attribute<'py>(self, py: Attached<'py>, name: &CStr) -> PyResult<Owned<'py>> {
        // SAFETY: attached.
        unsafe { Owned::from_new(py, running::get_attr(self.as_ptr(), name.as_ptr())) }
    }

    /// As [`attribute`](Self::attribute), for a name that is only known now.
    pub(crate) fn attribute_named<'py>(
        self,
        py: Attached<'py>,
        name: &str,
    ) -> PyResult<Owned<'py>> {
        let name = py.str(name)?;
        // SAFETY: attached.
        unsafe { Owned::from_new(py, running::get_attribute(self.as_ptr(), name.as_ptr())) }
    }

    /// `getattr(self, name)`, or `None` where there is no such attribute.
    pub(crate) fn optional_attribute<'py>(
        self,
        py: Attached<'py>,
        name: Ref<'_>,
    ) -> PyResult<Option<Owned<'py>>> {
        let mut value = core::ptr::null_mut();
        // SAFETY: attached; a new reference is stored when the answer is 1.
        unsafe {
            match running::get_optional_attribute(self.as_ptr(), name.as_ptr(), &mut value) {
                0 => Ok(None),
                1 => Owned::from_new(py, value).map(Some),
                _ => Err(Raised::already(py)),
            }
        }
    }

    /// The address of the object's class, for identity only.
    pub(crate) fn class_address(self) -> usize {
        // SAFETY: a live object.
        unsafe { ffi::Py_TYPE(self.as_ptr()) as usize }
    }

    /// `type(self)`.
    pub(crate) fn class<'py>(self, py: Attached<'py>) -> Owned<'py> {
        // SAFETY: a live object; its type is one too.
        unsafe { Ref::from_ptr(ffi::Py_TYPE(self.as_ptr()).cast()) }.to_owned(py)
    }

    /// `self == other`.
    pub(crate) fn equals(self, py: Attached<'_>, other: Ref<'_>) -> PyResult<bool> {
        // SAFETY: attached.
        match unsafe { running::equal(self.as_ptr(), other.as_ptr()) } {
            -1 => Err(Raised::already(py)),
            answer => Ok(answer == 1),
        }
    }

    /// `isinstance(self, str)`.
    pub(crate) fn is_str(self) -> bool {
        // SAFETY: a live object.
        unsafe { ffi::PyUnicode_Check(self.as_ptr()) != 0 }
    }

    /// `isinstance(self, BaseException)`.
    pub(crate) fn is_exception(self) -> bool {
        // SAFETY: a live object.
        unsafe { ffi::PyExceptionInstance_Check(self.as_ptr()) != 0 }
    }

    /// `isinstance(self, type)`.
    pub(crate) fn is_class(self) -> bool {
        // SAFETY: a live object.
        unsafe { ffi::PyType_Check(self.as_ptr()) != 0 }
    }

    /// Is it a Python function, neither a method nor a built-in one?
    pub(crate) fn is_function(self) -> bool {
        // SAFETY: a live object.
        unsafe { ffi::PyFunction_Check(self.as_ptr()) != 0 }
    }

    /// Is it a class, a function, or a method as a built-in class has it: something with a name in its module?
    pub(crate) fn is_definition(self) -> bool {
        // SAFETY: a live object, whose type is compared with immortal ones.
        unsafe {
            let class = ffi::Py_TYPE(self.as_ptr());
            self.is_class()
                || self.is_function()
                || class == &raw mut ffi::PyCFunction_Type
                || class == &raw mut ffi::PyMethodDescr_Type
        }
    }

    /// `callable(self)`.
    pub(crate) fn is_callable(self) -> bool {
        // SAFETY: a live object.
        unsafe { ffi::PyCallable_Check(self.as_ptr()) != 0 }
    }

    /// `bool(self)`.
    pub(crate) fn is_true(self, py: Attached<'_>) -> PyResult<bool> {
        // SAFETY: attached.
        match unsafe { running::is_true(self.as_ptr()) } {
            -1 => Err(Raised::already(py)),
            answer => Ok(answer == 1),
        }
    }

    /// `self(*arguments, **keywords)` for a tuple of arguments and a `dict`.
    pub(crate) fn call_with_keywords<'py>(
        self,
        py: Attached<'py>,
        arguments: Ref<'_>,
        keywords: Ref<'_>,
    ) -> PyResult<Owned<'py>> {
        // SAFETY: attached; the callers pass a tuple and a dict.
        unsafe {
            let (arguments, keywords) = (arguments.as_ptr(), keywords.as_ptr());
            Owned::from_new(
                py,
                running::call_with_keywords(self.as_ptr(), arguments, keywords),
            )
        }
    }

    /// `self(*arguments)` for a tuple of arguments.
    pub(crate) fn call_with<'py>(
        self,
        py: Attached<'py>,
        arguments: Ref<'_>,
    ) -> PyResult<Owned<'py>> {
        // SAFETY: attached; the callers pass a tuple.
        unsafe { Owned::from_new(py, running::call_object(self.as_ptr(), arguments.as_ptr())) }
    }

    pub(crate) fn set_attribute(
        self,
        py: Attached<'_>,
        name: &CStr,
        value: Ref<'_>,
    ) -> PyResult<()> {
        // SAFETY: attached.
        match unsafe { running::set_attr(self.as_ptr(), name.as_ptr(), value.as_ptr()) } {
            0 => Ok(()),
            _ => Err(Raised::already(py)),
        }
    }

    /// `self(*arguments)`.
    pub(crate) fn call<'py, const N: usize>(
        self,
        py: Attached<'py>,
        arguments: [Ref<'_>; N],
    ) -> PyResult<Owned<'py>> {
        let pointers = arguments.map(Ref::as_ptr);
        // SAFETY: attached; the array holds N live objects and outlives the call.
        unsafe { Owned::from_new(py, running::vectorcall(self.as_ptr(), pointers)) }
    }

    /// `iter(self)`.
    pub(crate) fn iterate<'py>(self, py: Attached<'py>) -> PyResult<Owned<'py>> {
        // SAFETY: attached.
        unsafe { Owned::from_new(py, running::get_iter(self.as_ptr())) }
    }

    /// `next(self, None)` for an iterator.
    pub(crate) fn next<'py>(self, py: Attached<'py>) -> PyResult<Option<Owned<'py>>> {
        // SAFETY: attached; NULL without an exception ends the iteration.
        unsafe {
            let item = running::iter_next(self.as_ptr());
            if item.is_null() && ffi::PyErr_Occurred().is_null() {
                return Ok(None);
            }
            Owned::from_new(py, item).map(Some)
        }
    }

    /// `str(self)`.
    pub(crate) fn to_text<'py>(self, py: Attached<'py>) -> PyResult<Owned<'py>> {
        // SAFETY: attached.
        unsafe { Owned::from_new(py, running::str(self.as_ptr())) }
    }

    /// The fully qualified name of the object's class, as messages show it.
    pub(crate) fn class_name(self, py: Attached<'_>) -> String {
        // SAFETY: a live object; its type lives as long.
        let class = unsafe { Ref::from_ptr(ffi::Py_TYPE(self.as_ptr()).cast()) };
        let part = |name| match class.attribute(py, name) {
            Ok(text) => text.get().display(py),
            Err(raised) => {
                raised.ignore(py);
                String::new()
            }
        };
        match (part(c"__module__"), part(c"__qualname__")) {
            (module, name) if module.is_empty() || module == "builtins" => name,
            (module, name) => format!("{module}.{name}"),
        }
    }

    /// The name that a function or class is imported by, for messages.
    pub(crate) fn import_name(self, py: Attached<'_>) -> String {
        let part = |name| match self.attribute(py, name) {
            Ok(text) if text.get().is_str() => text.get().display(py),
            Ok(_) => "?".to_owned(),
            Err(raised) => {
                raised.ignore(py);
                "?".to_owned()
            }
        };
        format!("{}.{}", part(c"__module__"), part(c"__qualname__"))
    }

    /// `repr(self)`.
    pub(crate) fn repr<'py>(self, py: Attached<'py>) -> PyResult<Owned<'py>> {
        // SAFETY: attached.
        unsafe { Owned::from_new(py, running::repr(self.as_ptr())) }
    }

    /// `repr(self)` for messages; never fails, at most about 40 characters.
    pub(crate) fn brief_repr(self, py: Attached<'_>) -> String {
        let text = match self.repr(py) {
            Ok(text) => text.get().display(py),
            Err(raised) => {
                raised.ignore(py);
                return "?".to_owned();
            }
        };
        if text.chars().count() <= 40 {
            return text;
        }
        text.chars().take(37).chain("...".chars()).collect()
    }

    /// The text of a `str` for messages; anything that can't be shown becomes `?`.
    pub(crate) fn display(self, py: Attached<'_>) -> String {
        let mut size = 0;
        // SAFETY: attached; the UTF-8 is cached in the string, which lives for the call.
        unsafe {
            let data = ffi::PyUnicode_AsUTF8AndSize(self.as_ptr(), &mut size);
            if data.is_null() {
                running::clear_error();
                let _ = py;
                return "?".to_owned();
            }
            String::from_utf8_lossy(core::slice::from_raw_parts(data.cast(), size as usize))
                .into_owned()
        }
    }
}
