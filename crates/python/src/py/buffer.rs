//! The buffer protocol from both sides: memory acquired from an exporter, and handed out again.

use core::ffi::c_int;

use pyo3_ffi as ffi;

use super::error::Builtin;
use super::{Attached, Owned, PyResult, Raised, Ref};

/// Memory acquired from an exporter, with its layout. Let go of with [`Acquired::release`], in the
/// interpreter it was acquired in; a plain drop leaves the exporter pinned.
pub(crate) struct Acquired(Box<ffi::Py_buffer>);

// SAFETY: the descriptor is plain data; the exporter in it is touched only by `release`, in its own
// interpreter, and the memory that it describes stays at its address until then.
unsafe impl Send for Acquired {}
// SAFETY: as above; `&Acquired` only reads the descriptor.
unsafe impl Sync for Acquired {}

/// What a view of some memory looks like, for as long as its keeper lives.
pub(crate) struct Layout<'a>(&'a ffi::Py_buffer);

impl Acquired {
    /// Does the object export a buffer?
    pub(crate) fn possible(obj: Ref<'_>) -> bool {
        // SAFETY: a live object; reads its type.
        unsafe { ffi::PyObject_CheckBuffer(obj.as_ptr()) != 0 }
    }

    pub(crate) fn new(py: Attached<'_>, obj: Ref<'_>) -> PyResult<Self> {
        let mut view = Box::new(ffi::Py_buffer::new());
        // SAFETY: attached; the view is boxed, so it stays where the exporter saw it.
        match unsafe { ffi::PyObject_GetBuffer(obj.as_ptr(), &mut *view, ffi::PyBUF_FULL_RO) } {
            0 => Ok(Self(view)),
            _ => Err(Raised::already(py)),
        }
    }

    pub(crate) fn nbytes(&self) -> usize {
        self.0.len as usize
    }

    pub(crate) fn layout(&self) -> Layout<'_> {
        Layout(&self.0)
    }

    /// Hands the memory back to its exporter.
    ///
    /// # Safety
    /// The thread is attached to the interpreter that the buffer was acquired in.
    pub(crate) unsafe fn release(mut self) {
        // SAFETY: acquired by `new`, released once, in the same interpreter.
        unsafe { ffi::PyBuffer_Release(&mut *self.0) }
    }
}

impl Layout<'_> {
    /// Fills a consumer's view, read-only, with what its flags ask for.
    pub(super) fn fill(
        &self,
        py: Attached<'_>,
        view: *mut ffi::Py_buffer,
        keeper: Ref<'_>,
        flags: c_int,
    ) -> PyResult<()> {
        let source = self.0;
        let wants = |flag: c_int| flags & flag == flag;
        if wants(ffi::PyBUF_WRITABLE) {
            return Err(Raised::builtin(
                py,
                Builtin::Buffer,
                "shared memory is read-only",
            ));
        }
        // SAFETY: a filled descriptor.
        let contiguous = |order: u8| unsafe { ffi::PyBuffer_IsContiguous(source, order as _) != 0 };
        let needs = [
            (ffi::PyBUF_C_CONTIGUOUS, b'C'),
            (ffi::PyBUF_F_CONTIGUOUS, b'F'),
            (ffi::PyBUF_ANY_CONTIGUOUS, b'A'),
        ];
        let unmet = needs
            .iter()
            .any(|&(flag, order)| wants(flag) && !contiguous(order));
        if unmet
            || (!wants(ffi::PyBUF_STRIDES) && !contiguous(b'C'))
            || (!wants(ffi::PyBUF_INDIRECT) && !source.suboffsets.is_null())
        {
            return Err(Raised::builtin(
                py,
                Builtin::Buffer,
                "shared memory has another layout than asked for",
            ));
        }
        let only = |flag, pointer| {
            if wants(flag) {
                pointer
            } else {
                core::ptr::null_mut()
            }
        };
        // SAFETY: `view` is CPython's to be filled; the pointers in it stay valid while `keeper` lives,
        // and the view owns a reference to `keeper`.
        unsafe {
            (*view).buf = source.buf;
            (*view).len = source.len;
            (*view).itemsize = source.itemsize;
            (*view).readonly = 1;
            (*view).ndim = source.ndim;
            (*view).format = if wants(ffi::PyBUF_FORMAT) {
                source.format
            } else {
                core::ptr::null_mut()
            };
            (*view).shape = only(ffi::PyBUF_ND, source.shape);
            (*view).strides = only(ffi::PyBUF_STRIDES, source.strides);
            (*view).suboffsets = only(ffi::PyBUF_INDIRECT, source.suboffsets);
            (*view).internal = core::ptr::null_mut();
            (*view).obj = keeper.to_owned(py).into_ptr();
        }
        Ok(())
    }
}

/// `memoryview(exporter)`.
pub(crate) fn memoryview<'py>(py: Attached<'py>, exporter: Ref<'_>) -> PyResult<Owned<'py>> {
    // SAFETY: attached.
    unsafe { Owned::from_new(py, ffi::PyMemoryView_FromObject(exporter.as_ptr())) }
}
