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
    format: CString,
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

    /// May one write through it? `None`: it is no `memoryview`.
    pub(crate) fn writable_view(py: Attached<'_>, obj: Ref<'_>) -> PyResult<Option<bool>> {
        // SAFETY: a live object; reads its type.
        if unsafe { ffi::PyMemoryView_Check(obj.as_ptr()) } == 0 {
            return Ok(None);
        }
        let readonly = obj.attribute(py, c"readonly")?;
        Ok(Some(!readonly.get().is_true(py)?))
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

    /// Copies the items, in the order of C, to `target`, as many bytes as there are.
    ///
    /// # Safety
    /// There is so much room, and nobody reads there meanwhile.
    pub(crate) unsafe fn copy_to(&self, py: Attached<'_>, target: *mut u8) -> PyResult<()> {
        let view = &*self.0;
        // SAFETY: attached; a filled descriptor, which CPython only reads; the rest is forwarded to the caller.
        let answer = unsafe {
            ffi::PyBuffer_ToContiguous(
                target.cast(),
                core::ptr::from_ref(view),
                view.len,
                b'C' as core::ffi::c_char,
            )
        };
        if answer == 0 {
            Ok(())
        } else {
            Err(Raised::already(py))
        }
    }

    /// Does handing it back run no more than a few lines of CPython's own C? Not if the exporter goes with it, unless
    /// that is an exact `bytearray`, nor if its class has a release of its own.
    ///
    /// # Safety
    /// The thread holds the GIL of the interpreter that the buffer was acquired in.
    pub(crate) unsafe fn releases_plainly(&self) -> bool {
        type Release = Option<ffi::releasebufferproc>;
        let release_of = |class: *mut ffi::PyTypeObject| -> Release {
            // SAFETY: the class of a live object, or a static one; the GIL keeps its tables from changing.
            unsafe {
                let functions = (*class).tp_as_buffer;
                (!functions.is_null()).then(|| (*functions).bf_releasebuffer)?
            }
        };
        let exporter = self.0.obj;
        if exporter.is_null() {
            return false;
        }
        // SAFETY: the view keeps the exporter; the GIL protects the rest, forwarded to the caller.
        unsafe {
            let class = ffi::Py_TYPE(exporter);
            let bytearray = &raw mut ffi::PyByteArray_Type;
            let plain = match release_of(class) {
                None => true,
                Some(release) => [bytearray, &raw mut ffi::PyMemoryView_Type]
                    .into_iter()
                    .filter_map(release_of)
                    .any(|known| known as usize == release as usize),
            };
            plain && (class == bytearray || ffi::Py_REFCNT(exporter) > 1)
        }
    }

    /// Hands the memory back to its exporter.
    ///
    /// # Safety
    /// The thread is attached to the interpreter that the buffer was acquired in, or, where that is plain, holds its GIL.
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
    pub(crate) fn described(
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
        // SAFETY: acquired with PyBUF_FULL_RO, so what is there of shape, strides and suboffsets has `ndim` numbers
        // each.
        unsafe {
            let given = |pointer: *const isize| core::slice::from_raw_parts(pointer, ndim);
            if source.shape.is_null() {
                numbers.resize(ndim, source.len / source.itemsize.max(1)); // of one dimension, or none
            } else {
                numbers.extend_from_slice(given(source.shape));
            }
            if source.strides.is_null() {
                // As ctypes does for arrays without gaps.
                let mut stride = source.itemsize;
                numbers.resize(2 * ndim, 0);
                for place in (0..ndim).rev() {
                    numbers[ndim + place] = stride;
                    stride *= numbers[place].max(1);
                }
            } else {
                numbers.extend_from_slice(given(source.strides));
            }
            if !source.suboffsets.is_null() {
                numbers.extend_from_slice(given(source.suboffsets));
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
            format,
        }
    }

    pub(crate) fn nbytes(&self) -> usize {
        self.view.len as usize
    }

    /// The same part of other memory with the same contents.
    pub(crate) fn moved(mut self, from: *const u8, to: *const u8) -> Self {
        let distance = (self.view.buf as usize).wrapping_sub(from as usize);
        self.view.buf = to.wrapping_add(distance).cast_mut().cast();
        self
    }

    /// Where its first item is.
    pub(crate) fn data(&self) -> *mut u8 {
        self.view.buf.cast()
    }

    pub(crate) fn itemsize(&self) -> usize {
        self.view.itemsize as usize
    }

    pub(crate) fn is_readonly(&self) -> bool {
        self.view.readonly != 0
    }

    pub(crate) fn shape(&self) -> &[isize] {
        &self.numbers[..self.view.ndim as usize]
    }

    /// In bytes.
    pub(crate) fn strides(&self) -> &[isize] {
        let ndim = self.view.ndim as usize;
        &self.numbers[ndim..2 * ndim]
    }

    pub(crate) fn format(&self) -> &CStr {
        &self.format
    }

    /// Does it go through pointers in the memory itself? Then shape and strides are not the whole truth.
    pub(crate) fn has_suboffsets(&self) -> bool {
        !self.view.suboffsets.is_null()
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

    /// Are there Python objects among the items? Names of fields, between colons, don't count.
    pub(crate) fn has_references(self) -> bool {
        if self.0.format.is_null() {
            return false;
        }
        // SAFETY: not NULL, so a C string that lives as long as the description.
        let format = unsafe { CStr::from_ptr(self.0.format) }.to_bytes();
        let codes = format.split(|byte| *byte == b':').step_by(2);
        codes.flatten().any(|code| *code == b'O')
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
        self.fill_as(self.0.readonly != 0, py, view, keeper, flags)
    }

    /// As [`fill`](Self::fill), read-only or not whatever the description says.
    pub(super) fn fill_as(
        &self,
        readonly: bool,
        py: Attached<'_>,
        view: *mut ffi::Py_buffer,
        keeper: Ref<'_>,
        flags: c_int,
    ) -> PyResult<()> {
        let source = self.0;
        let wants = |flag: c_int| flags & flag == flag;
        if wants(ffi::PyBUF_WRITABLE) && readonly {
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
            (*view).readonly = c_int::from(readonly);
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

/// Strides of items one behind the other, the last dimension fastest.
pub(super) fn contiguous(shape: &[isize], itemsize: isize) -> Vec<isize> {
    let mut strides = vec![itemsize; shape.len()];
    for index in (1..shape.len()).rev() {
        // Where it overflows, some other length is 0, and the strides don't matter.
        strides[index - 1] = strides[index].wrapping_mul(shape[index]);
    }
    strides
}

/// The memory of an exporter, as bytes one behind the other; handed back when dropped.
pub(crate) struct Simple<'py>(
    Box<ffi::Py_buffer>,
    core::marker::PhantomData<Attached<'py>>,
);

impl<'py> Simple<'py> {
    /// `None`: it exports none, or not in that form.
    pub(crate) fn of(py: Attached<'py>, object: Ref<'_>) -> PyResult<Option<Self>> {
        if !Acquired::possible(object) {
            return Ok(None);
        }
        let mut view = Box::new(ffi::Py_buffer::new());
        // SAFETY: attached; the view is boxed, so it stays where the exporter saw it.
        let answer = unsafe { running::get_buffer(object.as_ptr(), &mut *view, ffi::PyBUF_SIMPLE) };
        if answer == 0 {
            return Ok(Some(Self(view, core::marker::PhantomData)));
        }
        let raised = Raised::already(py);
        // SAFETY: reading a static of the interpreter; exception classes are immortal.
        if raised.is(py, unsafe { Ref::from_ptr(ffi::PyExc_BufferError) }) {
            raised.ignore(py);
            return Ok(None);
        }
        Err(raised)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        if self.0.len == 0 {
            return &[]; // the pointer may be NULL
        }
        // SAFETY: acquired, and not handed back while borrowed.
        unsafe { core::slice::from_raw_parts(self.0.buf.cast(), self.0.len as usize) }
    }
}

impl Drop for Simple<'_> {
    fn drop(&mut self) {
        // SAFETY: acquired by `of`, attached to the same interpreter for all of `'py`.
        unsafe { running::release_buffer(&mut *self.0) }
    }
}

/// The file behind an object with `fileno()`, for as long as that keeps it open.
pub(crate) fn borrow_file(
    py: Attached<'_>,
    file: Ref<'_>,
) -> PyResult<core::mem::ManuallyDrop<std::fs::File>> {
    use std::os::fd::FromRawFd;
    let number = file.attribute(py, c"fileno")?.get().call(py, [])?;
    let number = number.get().index(py)? as c_int;
    // SAFETY: the caller keeps the object, which keeps the descriptor; it is not closed here.
    Ok(core::mem::ManuallyDrop::new(unsafe {
        std::fs::File::from_raw_fd(number)
    }))
}

/// What a `memoryview` looks at now.
pub(crate) fn window(py: Attached<'_>, view: Ref<'_>) -> PyResult<Window> {
    let acquired = Acquired::new(py, view, false)?;
    let window = Window::of(acquired.layout());
    // SAFETY: acquired just now, in this interpreter.
    unsafe { acquired.release() };
    Ok(window)
}

/// The same of any exporter, and writable if that is.
pub(crate) fn writable_window(py: Attached<'_>, exporter: Ref<'_>) -> PyResult<Window> {
    let acquired = match Acquired::new(py, exporter, true) {
        Err(raised) if raised.is_ordinary(py) => {
            raised.ignore(py);
            Acquired::new(py, exporter, false)?
        }
        acquired => acquired?,
    };
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
