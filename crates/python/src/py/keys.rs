//! Short strings that have come as keys before. Items of one channel have the same keys over and over, so most of them
//! need not be made anew, and have their hash already.

use core::cell::Cell;
use core::ptr::NonNull;

use pyo3_ffi as ffi;

use super::{Attached, Owned, PyResult, Ref, running};

/// How many are kept. With each up to `LONGEST`, that is at most some 50 KiB in an interpreter.
const PLACES: usize = 512;

/// In characters.
const LONGEST: usize = 40;

/// The strings, each at the place that its text says; a newer one takes the place of an older one. Part of the module's
/// state: all zeroes, the null-pointer form of `Option<Box<_>>`, is empty. Not used without a GIL.
#[repr(transparent)]
pub(crate) struct Keys(Cell<Option<Box<[Place; PLACES]>>>);

/// An exact ASCII `str`, or none.
type Place = Option<NonNull<ffi::PyObject>>;

impl Keys {
    /// A `str` of these ASCII characters.
    pub(crate) fn get<'py>(&self, py: Attached<'py>, text: &[u8]) -> PyResult<Owned<'py>> {
        if cfg!(Py_GIL_DISABLED) || text.len() > LONGEST {
            return py.text(true, 1, text);
        }
        // Nothing below runs Python code, so nobody comes here meanwhile and finds them gone.
        let mut places = self.0.take().unwrap_or_else(|| Box::new([None; PLACES]));
        let place = &mut places[place_of(text)];
        // SAFETY: attached; the place keeps what is in it.
        let found = place.map(|key| unsafe { Ref::from_ptr(key.as_ptr()) });
        let answer = match found.filter(|key| key.characters().bytes() == text) {
            Some(key) => Ok(key.to_owned(py)),
            None => py.text(true, 1, text).inspect(|key| {
                let kept = NonNull::new(key.get().to_owned(py).into_ptr());
                release(py, core::mem::replace(place, kept));
            }),
        };
        self.0.set(Some(places));
        answer
    }

    /// For the module's clear. Idempotent.
    pub(super) fn clear(&self, py: Attached<'_>) {
        for place in self.0.take().iter().flat_map(|places| places.iter()) {
            release(py, *place);
        }
    }
}

fn release(_py: Attached<'_>, place: Place) {
    if let Some(key) = place {
        // SAFETY: attached; the place had a reference, which nobody uses any more.
        unsafe { running::decref(key.as_ptr()) }
    }
}

/// Eight bytes at a time, multiplied by an odd number that has its bits well spread.
fn place_of(text: &[u8]) -> usize {
    let mut hash = text.len() as u64;
    for chunk in text.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        hash = (hash ^ u64::from_le_bytes(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        hash ^= hash >> 32;
    }
    hash as usize % PLACES
}

impl<'py> Owned<'py> {
    /// The interned `str` that is equal to this exact one: what names of attributes are.
    pub(crate) fn interned(self, py: Attached<'py>) -> PyResult<Self> {
        let mut text = self.into_ptr();
        // SAFETY: attached; a reference to a `str` is exchanged for one to another, or stays as it is.
        unsafe {
            ffi::PyUnicode_InternInPlace(&mut text);
            Owned::from_new(py, text)
        }
    }
}
