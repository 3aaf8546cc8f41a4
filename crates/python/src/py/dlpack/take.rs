//! Structures of producers.

use core::ptr::NonNull;

use pyo3_ffi as ffi;

use super::super::buffer::{Window, contiguous};
use super::super::{Attached, Raised, Ref, running};
use super::{Device, Managed, Plain, READ_ONLY, Tensor, VERSION, Version, Versioned};

/// As many as CPython's `memoryview` has.
const MOST_DIMENSIONS: i32 = 64;

/// A producer's structure, taken out of its capsule. Let go of with [`Taken::release`], in the interpreter it was taken
/// in; a plain drop leaves it as it is.
pub(crate) struct Taken(Kind);

enum Kind {
    Plain(NonNull<Plain>),
    Versioned(NonNull<Versioned>),
}

// SAFETY: the structure is touched by `release` only, in its own interpreter; elsewhere it is an opaque word.
unsafe impl Send for Taken {}
// SAFETY: as above; `&Taken` is used where it was taken only, by who has just taken it.
unsafe impl Sync for Taken {}

impl Taken {
    /// Takes the structure out of a capsule. The error says what is wrong with that, as "is ...".
    pub(crate) fn from_capsule(py: Attached<'_>, capsule: Ref<'_>) -> Result<Self, String> {
        if let Some(managed) = take::<Versioned>(capsule) {
            let taken = Self(Kind::Versioned(managed));
            // SAFETY: taken just now; all versions begin with this.
            let Version { major, minor } = unsafe { managed.as_ref().version };
            if major == VERSION.major {
                return Ok(taken);
            }
            // SAFETY: attached to the interpreter that it was just taken in. All versions have the deleter here.
            unsafe { taken.release() };
            return Err(format!(
                "is of version {major}.{minor}, which nobody here knows"
            ));
        }
        match take::<Plain>(capsule) {
            Some(managed) => Ok(Self(Kind::Plain(managed))),
            None => Err(format!(
                "is no DLPack capsule but {}",
                capsule.brief_repr(py)
            )),
        }
    }

    fn tensor(&self) -> &Tensor {
        // SAFETY: taken and not released, so the structure exists; nobody changes it.
        unsafe {
            match &self.0 {
                Kind::Plain(managed) => &managed.as_ref().tensor,
                Kind::Versioned(managed) => &managed.as_ref().tensor,
            }
        }
    }

    /// The kind and the number of the device that has the memory.
    pub(crate) fn device(&self) -> (i32, i32) {
        let Device { kind, id } = self.tensor().device;
        (kind, id)
    }

    pub(crate) fn is_readonly(&self) -> bool {
        match self.0 {
            Kind::Plain(_) => false,
            // SAFETY: as in `tensor`.
            Kind::Versioned(managed) => unsafe { managed.as_ref().flags & READ_ONLY != 0 },
        }
    }

    /// A description of its memory, which is one of the CPU. The error says what is wrong with it, as "has ...".
    pub(crate) fn describe(&self, writable: bool) -> Result<Window, String> {
        let tensor = self.tensor();
        let format = tensor.dtype.format().ok_or_else(|| {
            let what = "has items that the buffer protocol has no format for";
            format!("{what}: {}", tensor.dtype)
        })?;
        let itemsize = isize::from(tensor.dtype.bits / 8);
        if !(0..=MOST_DIMENSIONS).contains(&tensor.ndim) {
            return Err(format!("has {} dimensions", tensor.ndim));
        }
        let ndim = tensor.ndim as usize;
        if tensor.shape.is_null() && ndim > 0 {
            return Err("has no shape".to_owned());
        }
        let given = |numbers: *const i64| {
            if ndim == 0 {
                return Vec::new();
            }
            // SAFETY: not NULL, so a number for each dimension.
            let numbers = unsafe { core::slice::from_raw_parts(numbers, ndim) };
            numbers
                .iter()
                .map(|&number| number as isize)
                .collect::<Vec<_>>()
        };
        let shape = given(tensor.shape);
        let size = shape.iter().try_fold(itemsize, |size, &length| {
            (length >= 0).then(|| size.checked_mul(length)).flatten()
        });
        let Some(size) = size else {
            return Err(format!("has the shape {shape:?}"));
        };
        let strides = if tensor.strides.is_null() {
            contiguous(&shape, itemsize)
        } else {
            let given = given(tensor.strides);
            let bytes = given.iter().map(|step| step.checked_mul(itemsize));
            let wrong = || format!("has the strides {given:?}");
            bytes.collect::<Option<_>>().ok_or_else(wrong)?
        };
        if tensor.data.is_null() && size > 0 {
            return Err(format!("has {size} bytes at NULL"));
        }
        let data = tensor.data.wrapping_byte_add(tensor.byte_offset as usize);
        let window = Window::described(
            data,
            itemsize,
            format.to_owned(),
            &shape,
            &strides,
            !writable || self.is_readonly(),
        );
        if size > 0 && window.span().is_none() {
            return Err(format!("has the strides {strides:?}"));
        }
        Ok(window)
    }

    /// Gives the structure back to its producer. An exception that is set stays set.
    ///
    /// # Safety
    /// The thread is attached to the interpreter that it was taken in. Called once.
    pub(crate) unsafe fn release(self) {
        // SAFETY: forwarded to the caller: the structure exists so far.
        unsafe {
            let py = Attached::assume();
            let before = Raised::set_aside(py);
            match self.0 {
                Kind::Plain(managed) => delete_taken(managed),
                Kind::Versioned(managed) => delete_taken(managed),
            }
            if let Some(exception) = Raised::set_aside(py) {
                Raised::restore(py, exception).report_alone(py);
            }
            if let Some(before) = before {
                let _still_set = Raised::restore(py, before);
            }
        }
    }
}

/// Takes a structure of this kind out of a capsule. `None`: there is none in it.
fn take<M: Managed>(capsule: Ref<'_>) -> Option<NonNull<M>> {
    let capsule = capsule.as_ptr();
    // SAFETY: attached; any object may be asked. From the new name on, the capsule has nothing to do with it any more.
    unsafe {
        if ffi::PyCapsule_IsValid(capsule, M::CAPSULE.as_ptr()) == 0 {
            return None;
        }
        let managed = ffi::PyCapsule_GetPointer(capsule, M::CAPSULE.as_ptr());
        ffi::PyCapsule_SetName(capsule, M::USED.as_ptr());
        NonNull::new(managed.cast())
    }
}

/// # Safety
/// As for [`Taken::release`].
unsafe fn delete_taken<M: Managed>(managed: NonNull<M>) {
    // SAFETY: forwarded to the caller; the deleter is the producer's, or there is nothing to be done.
    unsafe {
        if let Some(deleter) = managed.as_ref().deleter() {
            running::guarded(|| deleter(managed.as_ptr()));
        }
    }
}
