//! Arguments of a `METH_FASTCALL | METH_KEYWORDS` call, matched against a signature.

use core::ffi::CStr;
use core::marker::PhantomData;

use pyo3_ffi as ffi;

use super::{Attached, PyResult, Raised, Ref};

/// The arguments as CPython hands them over: positional ones, then the values of the keywords.
#[derive(Clone, Copy)]
pub(crate) struct Args<'a> {
    values: *const *mut ffi::PyObject,
    positional: usize,
    keywords: *mut ffi::PyObject,
    _call: PhantomData<&'a ()>,
}

/// Names and kinds of a function's parameters.
#[derive(Debug)]
pub(crate) struct Signature<const N: usize> {
    pub(crate) function: &'static str,
    pub(crate) names: [&'static CStr; N],
    /// How many, from the left, must be there.
    pub(crate) required: usize,
    /// How many, from the left, may be given by position.
    pub(crate) positional: usize,
    /// How many, from the left, may be given by position only.
    pub(crate) positional_only: usize,
}

impl Signature<0> {
    /// That of a function without parameters.
    pub(crate) const fn empty(function: &'static str) -> Self {
        Self {
            function,
            names: [],
            required: 0,
            positional: 0,
            positional_only: 0,
        }
    }
}

impl<'a> Args<'a> {
    /// # Safety
    /// The arguments of a fastcall that is going on for `'a`.
    pub(super) unsafe fn new(
        values: *const *mut ffi::PyObject,
        positional: ffi::Py_ssize_t,
        keywords: *mut ffi::PyObject,
    ) -> Self {
        Self {
            values,
            positional: positional as usize,
            keywords,
            _call: PhantomData,
        }
    }

    /// The positional arguments, and the rest.
    pub(crate) fn split(self) -> (Vec<Ref<'a>>, Self) {
        let positional = (0..self.positional).map(|index| self.value(index));
        let rest = Self {
            // SAFETY: the values of the keywords follow those of the positional arguments.
            values: unsafe { self.values.add(self.positional) },
            positional: 0,
            ..self
        };
        (positional.collect(), rest)
    }

    fn value(self, index: usize) -> Ref<'a> {
        // SAFETY: callers stay below the number of values; CPython keeps them alive for the call.
        unsafe { Ref::from_ptr(*self.values.add(index)) }
    }

    /// All arguments of a function that takes any number of them, and none by name.
    pub(crate) fn positional_only(
        self,
        py: Attached<'_>,
        function: &str,
    ) -> PyResult<Vec<Ref<'a>>> {
        if !self.keywords.is_null() {
            let message = format!("{function}() takes no keyword arguments");
            return Err(Raised::type_error(py, &message));
        }
        Ok((0..self.positional)
            .map(|index| self.value(index))
            .collect())
    }

    /// Are there none? Then there is nothing to be parsed.
    pub(crate) fn is_empty(self) -> bool {
        self.positional == 0 && self.keywords.is_null()
    }

    /// The only argument of a call that has one, by position.
    pub(crate) fn only(self) -> Option<Ref<'a>> {
        (self.positional == 1 && self.keywords.is_null()).then(|| self.value(0))
    }

    /// One slot per parameter, in the signature's order.
    ///
    /// # Errors
    /// `TypeError` for too many, unknown, repeated or missing arguments.
    #[inline]
    pub(crate) fn parse<const N: usize>(
        self,
        py: Attached<'_>,
        signature: &Signature<N>,
    ) -> PyResult<[Option<Ref<'a>>; N]> {
        let mut slots = [None; N];
        if self.positional > signature.positional {
            return Err(self.too_many(py, signature.function, signature.positional));
        }
        for (index, slot) in slots.iter_mut().enumerate().take(self.positional) {
            *slot = Some(self.value(index));
        }
        if !self.keywords.is_null() {
            let first = signature.positional_only;
            self.parse_keywords(py, signature.function, &signature.names, first, &mut slots)?;
        }
        for (slot, name) in slots.iter().zip(signature.names).take(signature.required) {
            if slot.is_none() {
                return Err(missing(py, signature.function, name));
            }
        }
        Ok(slots)
    }

    /// Those given by name; the first so many of `names` may not be.
    fn parse_keywords(
        self,
        py: Attached<'_>,
        function: &str,
        names: &[&CStr],
        positional_only: usize,
        slots: &mut [Option<Ref<'a>>],
    ) -> PyResult<()> {
        // SAFETY: not NULL, so a tuple of the keywords' names.
        let count = unsafe { ffi::PyTuple_GET_SIZE(self.keywords) };
        for index in 0..count {
            // SAFETY: within the tuple.
            let name = unsafe { ffi::PyTuple_GET_ITEM(self.keywords, index) };
            // SAFETY: attached; both are strings, the second one ASCII.
            let found = names.iter().position(|candidate| unsafe {
                ffi::PyUnicode_CompareWithASCIIString(name, candidate.as_ptr()) == 0
            });
            let problem = match found {
                Some(place) if place >= positional_only && slots[place].is_none() => {
                    slots[place] = Some(self.value(self.positional + index as usize));
                    continue;
                }
                Some(place) if place >= positional_only => "multiple values for argument",
                _ => "an unexpected keyword argument",
            };
            // SAFETY: a live string of the call.
            let shown = unsafe { Ref::from_ptr(name) }.display(py);
            let message = format!("{function}() got {problem} '{shown}'");
            return Err(Raised::type_error(py, &message));
        }
        Ok(())
    }

    #[cold]
    fn too_many(self, py: Attached<'_>, function: &str, most: usize) -> Raised {
        let given = self.positional;
        let message =
            format!("{function}() takes at most {most} positional arguments ({given} given)");
        Raised::type_error(py, &message)
    }
}

#[cold]
fn missing(py: Attached<'_>, function: &str, name: &CStr) -> Raised {
    let name = name.to_string_lossy();
    let message = format!("{function}() missing required argument: '{name}'");
    Raised::type_error(py, &message)
}
