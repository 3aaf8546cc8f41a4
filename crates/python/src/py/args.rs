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

    fn value(self, index: usize) -> Ref<'a> {
        // SAFETY: callers stay below the number of values; CPython keeps them alive for the call.
        unsafe { Ref::from_ptr(*self.values.add(index)) }
    }

    /// One slot per parameter, in the signature's order.
    ///
    /// # Errors
    /// `TypeError` for too many, unknown, repeated or missing arguments.
    pub(crate) fn parse<const N: usize>(
        self,
        py: Attached<'_>,
        signature: &Signature<N>,
    ) -> PyResult<[Option<Ref<'a>>; N]> {
        let function = signature.function;
        let mut slots = [None; N];
        if self.positional > signature.positional {
            return Err(Raised::type_error(
                py,
                &format!(
                    "{function}() takes at most {} positional arguments ({} given)",
                    signature.positional, self.positional
                ),
            ));
        }
        for (index, slot) in slots.iter_mut().enumerate().take(self.positional) {
            *slot = Some(self.value(index));
        }
        if !self.keywords.is_null() {
            // SAFETY: not NULL, so a tuple of the keywords' names.
            let count = unsafe { ffi::PyTuple_GET_SIZE(self.keywords) };
            for index in 0..count {
                // SAFETY: within the tuple.
                let name = unsafe { ffi::PyTuple_GET_ITEM(self.keywords, index) };
                // SAFETY: attached; both are strings, the second one ASCII.
                let found = signature.names.iter().position(|candidate| unsafe {
                    ffi::PyUnicode_CompareWithASCIIString(name, candidate.as_ptr()) == 0
                });
                // SAFETY: a live string of the call.
                let shown = || unsafe { Ref::from_ptr(name) }.display(py);
                match found {
                    Some(place) if place >= signature.positional_only => {
                        if slots[place].is_some() {
                            return Err(Raised::type_error(
                                py,
                                &format!(
                                    "{function}() got multiple values for argument '{}'",
                                    shown()
                                ),
                            ));
                        }
                        slots[place] = Some(self.value(self.positional + index as usize));
                    }
                    _ => {
                        return Err(Raised::type_error(
                            py,
                            &format!(
                                "{function}() got an unexpected keyword argument '{}'",
                                shown()
                            ),
                        ));
                    }
                }
            }
        }
        for (slot, name) in slots.iter().zip(signature.names).take(signature.required) {
            if slot.is_none() {
                return Err(Raised::type_error(
                    py,
                    &format!(
                        "{function}() missing required argument: '{}'",
                        name.to_string_lossy()
                    ),
                ));
            }
        }
        Ok(slots)
    }
}
