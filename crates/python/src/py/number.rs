//! Numbers and bytes as they are in memory, from and to objects.

use pyo3_ffi as ffi;

use super::{Attached, Owned, PyResult, Raised, Ref, running};

impl<'py> Attached<'py> {
    pub(crate) fn unsigned(self, value: u64) -> PyResult<Owned<'py>> {
        // SAFETY: attached.
        unsafe { Owned::from_new(self, ffi::PyLong_FromUnsignedLongLong(value)) }
    }

    /// A `bytes` of this length, which `fill` writes.
    pub(crate) fn bytes_with(
        self,
        length: usize,
        fill: impl FnOnce(*mut u8),
    ) -> PyResult<Owned<'py>> {
        // SAFETY: attached; a length and no contents. The contents are written before anybody else sees the object.
        unsafe {
            let bytes = Owned::from_new(
                self,
                ffi::PyBytes_FromStringAndSize(core::ptr::null(), length as _),
            )?;
            fill(ffi::PyBytes_AsString(bytes.as_ptr()).cast());
            Ok(bytes)
        }
    }

    /// The number in two bytes, little end first.
    pub(crate) fn half_to_float(self, bytes: [u8; 2]) -> PyResult<f64> {
        // SAFETY: attached; two bytes are read.
        let value = unsafe { ffi::PyFloat_Unpack2(bytes.as_ptr().cast(), 1) };
        // SAFETY: attached.
        if value == -1.0 && !unsafe { ffi::PyErr_Occurred() }.is_null() {
            return Err(Raised::already(self));
        }
        Ok(value)
    }

    /// The two bytes of a number, little end first.
    pub(crate) fn float_to_half(self, value: f64) -> PyResult<[u8; 2]> {
        let mut bytes = [0; 2];
        // SAFETY: attached; two bytes are written.
        match unsafe { ffi::PyFloat_Pack2(value, bytes.as_mut_ptr().cast(), 1) } {
            0 => Ok(bytes),
            _ => Err(Raised::already(self)),
        }
    }
}

impl<'a> Ref<'a> {
    /// `operator.index(self)`.
    pub(crate) fn to_index<'py>(self, py: Attached<'py>) -> PyResult<Owned<'py>> {
        // SAFETY: attached.
        unsafe { Owned::from_new(py, running::number_index(self.as_ptr())) }
    }

    /// The value of an `int` that is at least 0, when it fits.
    pub(crate) fn small_unsigned(self, py: Attached<'_>) -> Option<u64> {
        // SAFETY: attached; the callers pass an `int`, so nothing but OverflowError can be raised.
        unsafe {
            let value = ffi::PyLong_AsUnsignedLongLong(self.as_ptr());
            if value == u64::MAX && !ffi::PyErr_Occurred().is_null() {
                Raised::already(py).ignore(py);
                return None;
            }
            Some(value)
        }
    }

    /// Is it a `complex`, of whatever class?
    pub(crate) fn is_complex(self) -> bool {
        // SAFETY: a live object.
        unsafe { ffi::PyComplex_Check(self.as_ptr()) != 0 }
    }

    /// Is it a `bytes`, of whatever class?
    pub(crate) fn is_bytes(self) -> bool {
        // SAFETY: a live object.
        unsafe { ffi::PyBytes_Check(self.as_ptr()) != 0 }
    }
}
