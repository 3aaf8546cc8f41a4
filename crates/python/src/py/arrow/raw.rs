//! The structures themselves, and how they move in and out of capsules.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};

use pyo3_ffi as ffi;

use super::super::{Attached, Owned, PyResult, Raised, Ref, running};

pub(super) type Release<S> = Option<unsafe extern "C-unwind" fn(*mut S)>;

/// `ArrowSchema`.
#[repr(C)]
pub(in super::super) struct RawSchema {
    pub(super) format: *const c_char,
    pub(super) name: *const c_char,
    pub(super) metadata: *const c_char,
    pub(super) flags: i64,
    pub(super) n_children: i64,
    pub(super) children: *mut *mut Self,
    pub(super) dictionary: *mut Self,
    pub(super) release: Release<Self>,
    pub(super) private_data: *mut c_void,
}

/// `ArrowArray`.
#[repr(C)]
pub(in super::super) struct RawArray {
    pub(super) length: i64,
    pub(super) null_count: i64,
    pub(super) offset: i64,
    pub(super) n_buffers: i64,
    pub(super) n_children: i64,
    pub(super) buffers: *mut *const c_void,
    pub(super) children: *mut *mut Self,
    pub(super) dictionary: *mut Self,
    pub(super) release: Release<Self>,
    pub(super) private_data: *mut c_void,
}

/// `ArrowArrayStream`.
#[repr(C)]
pub(in super::super) struct RawStream {
    pub(super) get_schema: Option<unsafe extern "C-unwind" fn(*mut Self, *mut RawSchema) -> c_int>,
    pub(super) get_next: Option<unsafe extern "C-unwind" fn(*mut Self, *mut RawArray) -> c_int>,
    pub(super) get_last_error: Option<unsafe extern "C-unwind" fn(*mut Self) -> *const c_char>,
    pub(super) release: Release<Self>,
    pub(super) private_data: *mut c_void,
}

/// What the three have in common: they may be moved by copying them, one without `release` is empty, and all zeroes is
/// an empty one.
pub(super) trait Structure: Sized {
    const CAPSULE: &'static CStr;
    fn release(&mut self) -> &mut Release<Self>;

    fn empty() -> Self {
        // SAFETY: numbers, pointers and optional functions: all zeroes is a value of each.
        unsafe { core::mem::zeroed() }
    }
}

impl Structure for RawSchema {
    const CAPSULE: &'static CStr = c"arrow_schema";

    fn release(&mut self) -> &mut Release<Self> {
        &mut self.release
    }
}

impl Structure for RawArray {
    const CAPSULE: &'static CStr = c"arrow_array";

    fn release(&mut self) -> &mut Release<Self> {
        &mut self.release
    }
}

impl Structure for RawStream {
    const CAPSULE: &'static CStr = c"arrow_array_stream";

    fn release(&mut self) -> &mut Release<Self> {
        &mut self.release
    }
}

/// A structure of a producer's, given back when dropped.
pub(super) struct Guard<'py, S: Structure>(S, PhantomData<Attached<'py>>);

impl<'py, S: Structure> Guard<'py, S> {
    /// Takes the structure out of a capsule. The error says what is wrong with that, as "gave ...".
    pub(super) fn take(py: Attached<'py>, capsule: Ref<'_>) -> Result<Self, String> {
        let name = S::CAPSULE;
        let wanted = name.to_string_lossy();
        // SAFETY: attached; any object may be asked, and one that is no such capsule gives no pointer.
        let source = unsafe {
            if ffi::PyCapsule_IsValid(capsule.as_ptr(), name.as_ptr()) == 0 {
                let got = capsule.brief_repr(py);
                return Err(format!("gave {got}, which is no capsule '{wanted}'"));
            }
            ffi::PyCapsule_GetPointer(capsule.as_ptr(), name.as_ptr()).cast::<S>()
        };
        // SAFETY: what a capsule of this name points to; moved by copying it and marking the source.
        let (structure, released) = unsafe {
            let structure = core::ptr::read(source);
            (structure, (*source).release().take().is_none())
        };
        if released {
            return Err(format!("gave a capsule '{wanted}' that was used already"));
        }
        Ok(Self(structure, PhantomData))
    }

    /// One that a producer has filled; `None` if it has left it empty.
    pub(super) fn filled(_py: Attached<'py>, mut structure: S) -> Option<Self> {
        let is_filled = structure.release().is_some();
        is_filled.then_some(Self(structure, PhantomData))
    }

    pub(super) fn keep(self) -> Kept<S> {
        let guard = ManuallyDrop::new(self);
        // SAFETY: read once, and not dropped in its old place.
        Kept(unsafe { core::ptr::read(&raw const guard.0) })
    }
}

impl<S: Structure> Deref for Guard<'_, S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.0
    }
}

impl<S: Structure> DerefMut for Guard<'_, S> {
    fn deref_mut(&mut self) -> &mut S {
        &mut self.0
    }
}

impl<S: Structure> Drop for Guard<'_, S> {
    fn drop(&mut self) {
        // SAFETY: attached, for all of `'py`, to the interpreter that it was taken in.
        unsafe { release(&mut self.0) }
    }
}

/// The same for later, and for whoever is in the right interpreter then.
pub(super) struct Kept<S: Structure>(S);

// SAFETY: the structure is touched by `release` only, in its own interpreter; elsewhere it is so many opaque words.
unsafe impl<S: Structure> Send for Kept<S> {}
// SAFETY: as above; `&Kept` gives access to nothing.
unsafe impl<S: Structure> Sync for Kept<S> {}

impl<S: Structure> Kept<S> {
    /// # Safety
    /// The thread is attached to the interpreter that it was taken in.
    pub(super) unsafe fn release(mut self) {
        // SAFETY: forwarded to the caller.
        unsafe { release(&mut self.0) }
    }
}

/// Gives a structure back to its producer. An exception that is set stays set.
///
/// # Safety
/// The thread is attached to the interpreter that the structure was taken in.
unsafe fn release<S: Structure>(structure: &mut S) {
    // SAFETY: forwarded to the caller.
    let py = unsafe { Attached::assume() };
    let Some(function) = *structure.release() else {
        return;
    };
    let before = Raised::set_aside(py);
    // SAFETY: not released so far: a released structure has no function.
    running::guarded(|| unsafe { function(structure) });
    if let Some(exception) = Raised::set_aside(py) {
        Raised::restore(py, exception).report_alone(py);
    }
    if let Some(before) = before {
        let _still_set = Raised::restore(py, before);
    }
}

/// A capsule with a structure for a consumer.
pub(super) fn capsule<S: Structure>(py: Attached<'_>, structure: S) -> PyResult<Owned<'_>> {
    let structure = Box::into_raw(Box::new(structure));
    // SAFETY: attached; the capsule takes the structure over.
    unsafe {
        let capsule = ffi::PyCapsule_New(structure.cast(), S::CAPSULE.as_ptr(), Some(forget::<S>));
        if capsule.is_null() {
            free(structure);
        }
        Owned::from_new(py, capsule)
    }
}

/// The destructor of such a capsule. What a consumer has taken out has no `release` any more.
unsafe extern "C" fn forget<S: Structure>(capsule: *mut ffi::PyObject) {
    // SAFETY: CPython calls it attached, once, with a capsule of ours.
    unsafe {
        if ffi::PyCapsule_IsValid(capsule, S::CAPSULE.as_ptr()) != 0 {
            free(ffi::PyCapsule_GetPointer(capsule, S::CAPSULE.as_ptr()).cast::<S>());
        }
    }
}

/// # Safety
/// The structure is of this side's making, in a box, and nobody else's.
unsafe fn free<S: Structure>(structure: *mut S) {
    // SAFETY: forwarded to the caller; `release` is one of ours.
    unsafe {
        let mut structure = Box::from_raw(structure);
        if let Some(release) = *structure.release() {
            release(&mut *structure);
        }
    }
}
