//! The buffer protocol from both sides: memory acquired from an exporter, and handed out again.

use core::ffi::{CStr, c_int, c_void};
use core::ops::Range;
use std::ffi::CString;

use pyo3_ffi as ffi;

use super::error::Builtin;
use super::{Attached, Owned, PyResult, Raised, Ref, running};

/// Memory acquired from an exporter, with its layout. Let go of with [`Acquired::release`], in the
/// interpreter it was acquired in; a plain drop leaves the exporter pinned.
pub(crate) struct Acquired(Box<ffi::Py_buffer>);

// SAFETY: the descriptor is plain data; the exporter in it is touched only by `release`, in its own
// interpreter, and the memory that it describes stays at its address until then.
unsafe impl Send for Acquired {}
// SAFETY: as above; `&Acquired` only reads the descriptor.
unsafe impl Sync for Acquired {}

/// What a view of some memory looks like, for as long as its keeper lives.
#[derive(Clone, Copy)]
pub(crate) struct Layout<'a>(&'a ffi::Py_buffer);

/// A description of memory that somebody else keeps: a part of shared memory, or text seen as numbers.
pub(crate) struct Window {
    view: ffi::Py_buffer,
    /// What `view` points to, in this order: shape, strides, suboffsets (or nothing).
    numbers: Box<[isize]>,
    _format: CString,
}

// SAFETY: plain data about memory that the keeper keeps valid; `view.obj` is NULL.
unsafe impl Send for Window {}
// SAFETY: as above.
unsafe impl Sync for Window {}

impl Acquired {
    /// Does the object export a buffer?
    pub(crate) fn possible(obj: Ref<'_>) -> bool {
        // SAFETY: a live object; reads its type.
        unsafe { ffi::PyObject_CheckBuffer(obj.as_ptr()) != 0 }
    }

    /// Is it one of the built-in exporters, about which nobody else has a say?
    pub(crate) fn is_plain(obj: Ref<'_>) -> bool {
        // SAFETY: a live object; reads its type. `memoryview` has no subclasses.
        unsafe {
            ffi::PyMemoryView_Check(obj.as_ptr()) != 0
                || ffi::PyByteArray_CheckExact(obj.as_ptr()) != 0
        }
    }

    pub(crate) fn new(py: Attached<'_>, obj: Ref<'_>, writable: bool) -> PyResult<Self> {
        let mut view = Box::new(ffi::Py_buffer::new());
        let flags = if writable {
            ffi::PyBUF_FULL
        } else {
            ffi::PyBUF_FULL_RO
        };
        // SAFETY: attached; the view is boxed, so it stays where the exporter saw it.
        match unsafe { running::get_buffer(obj.as_ptr(), &mut *view, flags) } {
            0 if !writable => {
                view.readonly = 1; // who borrows it may not write, whoever else may
                Ok(Self(view))
            }
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
        unsafe { running::release_buffer(&mut *self.0) }
    }
}

impl Window {
    /// Numbers of `width` bytes each, one behind the other.
    pub(crate) fn of_numbers(data: *const u8, count: usize, width: u8) -> Self {
        let format = match width {
            2 => c"H",
            4 => c"I",
            _ => c"B",
        };
        let itemsize = isize::from(width as i8);
        let (numbers, count) = ([count as isize, itemsize], count as isize);
        let mut view = ffi::Py_buffer::new();
        view.buf = data.cast_mut().cast();
        view.len = count * itemsize;
        view.itemsize = itemsize;
        view.readonly = 1;
        view.ndim = 1;
        Self::new(view, Box::new(numbers), format.to_owned(), false)
    }

    /// Memory of somebody else, whose shape and strides have one number for each dimension.
    pub(super) fn described(
        data: *mut c_void,
        itemsize: isize,
        format: CString,
        shape: &[isize],
        strides: &[isize],
        readonly: bool,
    ) -> Self {
        let mut view = ffi::Py_buffer::new();
        view.buf = if data.is_null() {
            core::ptr::NonNull::<u128>::dangling().as_ptr().cast() // of no bytes
        } else {
            data
        };
        view.len = shape.iter().product::<isize>() * itemsize;
        view.itemsize = itemsize;
        view.readonly = c_int::from(readonly);
        view.ndim = shape.len() as c_int;
        let numbers = [shape, strides].concat().into_boxed_slice();
        Self::new(view, numbers, format, false)
    }

    /// The same memory as `layout` describes.
    pub(crate) fn of(layout: Layout<'_>) -> Self {
        let source = layout.0;
        let ndim = source.ndim as usize;
        let mut numbers = Vec::with_capacity(3 * ndim);
        // SAFETY: acquired with PyBUF_FULL_RO, so shape and strides have `ndim` numbers each, and suboffsets,
        // where there are any.
        unsafe {
            for pointer in [source.shape, source.strides, source.suboffsets] {
                if !pointer.is_null() {
                    numbers.extend_from_slice(core::slice::from_raw_parts(pointer, ndim));
                }
            }
            let format = if source.format.is_null() {
                c"B".to_owned()
            } else {
                CStr::from_ptr(source.format).to_owned()
            };
            let view = ffi::Py_buffer {
                obj: core::ptr::null_mut(),
                ..core::ptr::read(source)
            };
            let suboffsets = !source.suboffsets.is_null();
            Self::new(view, numbers.into_boxed_slice(), format, suboffsets)
        }
    }

    fn new(
        mut view: ffi::Py_buffer,
        mut numbers: Box<[isize]>,
        format: CString,
        suboffsets: bool,
    ) -> Self {
        let ndim = view.ndim as usize;
        let part = |numbers: &mut [isize], index: usize| numbers[index * ndim..].as_mut_ptr();
        view.shape = part(&mut numbers, 0);
        view.strides = part(&mut numbers, 1);
        view.suboffsets = if suboffsets {
            part(&mut numbers, 2)
        } else {
            core::ptr::null_mut()
        };
        // Both stay where they are on the heap, and are only read.
        view.format = format.as_ptr().cast_mut();
        view.internal = core::ptr::null_mut();
        Self {
            view,
            numbers,
            _format: format,
        }
    }

    pub(crate) fn nbytes(&self) -> usize {
        self.view.len as usize
    }

    /// The addresses from its lowest byte to behind its highest. `None`: it has no bytes, or nonsensical strides.
    pub(crate) fn span(&self) -> Option<Range<usize>> {
        let ndim = self.view.ndim as usize;
        let (shape, strides) = (&self.numbers[..ndim], &self.numbers[ndim..2 * ndim]);
        let start = self.view.buf as usize;
        let mut span = start..start.checked_add(self.view.itemsize as usize)?;
        for (length, stride) in shape.iter().zip(strides) {
            let reach = stride.checked_mul(length.checked_sub(1).filter(|last| *last >= 0)?)?;
            if reach < 0 {
                span.start = span.start.checked_add_signed(reach)?;
            } else {
                span.end = span.end.checked_add_signed(reach)?;
            }
        }
        Some(span)
    }

    pub(crate) fn layout(&self) -> Layout<'_> {
        Layout(&self.view)
    }
}

impl<'a> Layout<'a> {
    pub(crate) fn nbytes(self) -> usize {
        self.0.len as usize
    }

    pub(super) fn view(self) -> &'a ffi::Py_buffer {
        self.0
    }

    /// The same, without a limit in time.
    ///
    /// # Safety
    /// The caller keeps alive what keeps the description, and its memory, at their addresses.
    pub(crate) unsafe fn unbound(self) -> Layout<'static> {
        // SAFETY: forwarded to the caller.
        unsafe { core::mem::transmute::<Layout<'a>, Layout<'static>>(self) }
    }

    /// Fills a consumer's view with what its flags ask for; writable if the description is.
    pub(super) fn fill(
        &self,
        py: Attached<'_>,
        view: *mut ffi::Py_buffer,
        keeper: Ref<'_>,
        flags: c_int,
    ) -> PyResult<()> {
        let source = self.0;
        let wants = |flag: c_int| flags & flag == flag;
        if wants(ffi::PyBUF_WRITABLE) && source.readonly != 0 {
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
            (*view).readonly = source.readonly;
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

/// What a `memoryview` looks at now.
pub(crate) fn window(py: Attached<'_>, view: Ref<'_>) -> PyResult<Window> {
    let acquired = Acquired::new(py, view, false)?;
    let window = Window::of(acquired.layout());
    // SAFETY: acquired just now, in this interpreter.
    unsafe { acquired.release() };
    Ok(window)
}

/// What exports the memory of a `memoryview`. `None`: it isn't one.
pub(crate) fn behind_memoryview<'py>(
    py: Attached<'py>,
    object: Ref<'_>,
) -> PyResult<Option<Owned<'py>>> {
    // SAFETY: a live object.
    if unsafe { ffi::PyMemoryView_Check(object.as_ptr()) } == 0 {
        return Ok(None);
    }
    object.attribute(py, c"obj").map(Some)
}

/// `memoryview(exporter)`.
pub(crate) fn memoryview<'py>(py: Attached<'py>, exporter: Ref<'_>) -> PyResult<Owned<'py>> {
    // SAFETY: attached.
    unsafe { Owned::from_new(py, ffi::PyMemoryView_FromObject(exporter.as_ptr())) }
}
