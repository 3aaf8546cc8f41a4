//! References to Python objects: strong, borrowed, and kept in the module's state.

use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicPtr, Ordering};

use pyo3_ffi as ffi;

use super::{Attached, PyResult, Raised, running};

/// A strong reference, usable only while attached.
pub(crate) struct Owned<'py> {
    ptr: NonNull<ffi::PyObject>,
    _py: PhantomData<Attached<'py>>,
}

/// A reference that somebody else keeps alive for `'a`.
#[derive(Clone, Copy)]
pub(crate) struct Ref<'a> {
    ptr: NonNull<ffi::PyObject>,
    _owner: PhantomData<(&'a (), *mut ())>,
}

/// A reference that belongs to the module's state. All zeroes is "empty". Emptied by the module's clear only, when no
/// other thread has the module, GIL or no GIL.
#[repr(transparent)]
pub(crate) struct Global(AtomicPtr<ffi::PyObject>);

impl<'py> Owned<'py> {
    /// # Safety
    /// `ptr` is NULL with an exception set, or a new reference.
    pub(crate) unsafe fn from_new(py: Attached<'py>, ptr: *mut ffi::PyObject) -> PyResult<Self> {
        match NonNull::new(ptr) {
            Some(ptr) => Ok(Self {
                ptr,
                _py: PhantomData,
            }),
            None => Err(Raised::already(py)),
        }
    }

    pub(crate) fn get(&self) -> Ref<'_> {
        Ref {
            ptr: self.ptr,
            _owner: PhantomData,
        }
    }

    pub(crate) fn as_ptr(&self) -> *mut ffi::PyObject {
        self.ptr.as_ptr()
    }

    /// Gives the reference away: the caller (usually CPython) now owns it.
    pub(crate) fn into_ptr(self) -> *mut ffi::PyObject {
        ManuallyDrop::new(self).ptr.as_ptr()
    }
}

impl Drop for Owned<'_> {
    fn drop(&mut self) {
        // SAFETY: we own one reference and `'py` proves attachment.
        unsafe { running::decref(self.ptr.as_ptr()) }
    }
}

impl<'a> Ref<'a> {
    /// # Safety
    /// `ptr` is not NULL and the object lives for `'a`, in the interpreter that is attached for `'a`.
    pub(crate) unsafe fn from_ptr(ptr: *mut ffi::PyObject) -> Self {
        // SAFETY: not NULL, says the caller.
        let ptr = unsafe { NonNull::new_unchecked(ptr) };
        Self {
            ptr,
            _owner: PhantomData,
        }
    }

    pub(crate) fn as_ptr(self) -> *mut ffi::PyObject {
        self.ptr.as_ptr()
    }

    pub(crate) fn to_owned(self, _py: Attached<'_>) -> Owned<'_> {
        // SAFETY: a live object of the attached interpreter.
        unsafe { ffi::Py_INCREF(self.as_ptr()) };
        Owned {
            ptr: self.ptr,
            _py: PhantomData,
        }
    }

    /// The object's address, for identity only.
    pub(crate) fn address(self) -> usize {
        self.ptr.as_ptr() as usize
    }
}

impl Global {
    pub(crate) fn set(&self, object: Owned<'_>) {
        let first = self.offer(object);
        debug_assert!(first, "a global is set once");
    }

    /// Sets it, unless another thread has; says which.
    pub(crate) fn offer(&self, object: Owned<'_>) -> bool {
        // Release: the object before its address (Acquire in `as_ptr`).
        let empty = self.0.compare_exchange(
            ptr::null_mut(),
            object.as_ptr(),
            Ordering::Release,
            Ordering::Relaxed,
        );
        if empty.is_ok() {
            let _kept = object.into_ptr();
        }
        empty.is_ok()
    }

    /// The object, or `None` before the module was executed and after it was cleared.
    pub(crate) fn try_get<'py>(&'py self, _py: Attached<'py>) -> Option<Ref<'py>> {
        let object = self.as_ptr();
        // SAFETY: not NULL; the state owns a reference for as long as it is borrowed.
        (!object.is_null()).then(|| unsafe { Ref::from_ptr(object) })
    }

    /// The object; a `SystemError` when the interpreter has already cleared the module.
    pub(crate) fn get<'py>(&'py self, py: Attached<'py>) -> PyResult<Ref<'py>> {
        self.try_get(py).ok_or_else(|| {
            Raised::builtin(
                py,
                super::error::Builtin::System,
                "interlane._core was already cleared",
            )
        })
    }

    /// For the module's traverse: the raw pointer, perhaps NULL.
    pub(super) fn as_ptr(&self) -> *mut ffi::PyObject {
        self.0.load(Ordering::Acquire)
    }

    /// For the module's clear. Idempotent.
    pub(super) fn clear(&self, _py: Attached<'_>) {
        let old = self.0.swap(ptr::null_mut(), Ordering::AcqRel);
        // SAFETY: attached; NULL is allowed; replaced before the decrement, so re-entry finds it empty.
        unsafe {
            if !old.is_null() {
                running::decref(old);
            }
        }
    }
}
