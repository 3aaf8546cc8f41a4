//! Keys of dicts that have numbers (`convert::names`): by their address where they are sent, by their number where they
//! arrive.

use core::cell::Cell;
use core::ptr::NonNull;

use pyo3_ffi as ffi;

use super::{Attached, Owned, PyResult, Ref, running};

/// How many are known by their address. With 16 bytes each, and the strings, that is at most some 80 KiB.
const PLACES: usize = 1024;

/// The objects that were sent as keys, each in one of two places that its address says. They are kept, so that no
/// address is used twice. Part of the module's state: all zeroes, the null-pointer form of `Option<Box<_>>`, is empty.
#[repr(transparent)]
pub(crate) struct Sent(Cell<Option<Box<[Seen; PLACES]>>>);

#[derive(Clone, Copy)]
struct Seen {
    key: Place,
    number: Number,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Number {
    /// Met once. What is never met again needs none.
    NotYet,
    Is(u16),
    /// There are too many.
    Never,
}

impl Sent {
    /// The number of this object, if it is a key that has one.
    #[inline]
    pub(crate) fn number(&self, _py: Attached<'_>, object: Ref<'_>) -> Option<u16> {
        // Nothing below runs Python code, so nobody comes here meanwhile and finds them gone.
        let places = self.0.take()?;
        let first = place_of(object);
        let found = [first, first ^ 1].into_iter().find_map(|place| {
            let seen = places[place];
            match (seen.key, seen.number) {
                (Some(key), Number::Is(number)) if key.as_ptr() == object.as_ptr() => Some(number),
                _ => None,
            }
        });
        self.0.set(Some(places));
        found
    }

    /// Remembers a key, an exact `str` of ASCII characters, that was sent without a number. When that happens for the
    /// second time, it gets the one that `number` has for its text.
    pub(crate) fn remember(
        &self,
        py: Attached<'_>,
        key: Ref<'_>,
        number: impl FnOnce(&[u8]) -> Option<u16>,
    ) {
        let fresh = Seen {
            key: None,
            number: Number::NotYet,
        };
        let mut places = self.0.take().unwrap_or_else(|| Box::new([fresh; PLACES]));
        let first = place_of(key);
        let is = |place: &usize| {
            places[*place]
                .key
                .is_some_and(|k| k.as_ptr() == key.as_ptr())
        };
        if let Some(place) = [first, first ^ 1].into_iter().find(is) {
            let seen = &mut places[place];
            if seen.number == Number::NotYet {
                seen.number = number(key.characters().bytes()).map_or(Number::Never, Number::Is);
            }
        } else {
            // One without a number makes room.
            let numbered = matches!(places[first].number, Number::Is(_));
            let place = &mut places[first ^ usize::from(numbered)];
            let key = NonNull::new(key.to_owned(py).into_ptr());
            let before = core::mem::replace(place, Seen { key, ..fresh });
            release(py, before.key);
        }
        self.0.set(Some(places));
    }

    /// For the module's clear. Idempotent.
    pub(super) fn clear(&self, py: Attached<'_>) {
        for seen in self.0.take().iter().flat_map(|places| places.iter()) {
            release(py, seen.key);
        }
    }
}

/// The strings of this interpreter, by number. As above.
#[repr(transparent)]
pub(crate) struct Arrived(Cell<Option<Box<[Place; PLACES]>>>);

/// An exact `str`, or none.
type Place = Option<NonNull<ffi::PyObject>>;

impl Arrived {
    /// The interned `str` with this number, whose ASCII text `text` knows; `None` if it does not.
    #[inline]
    pub(crate) fn get<'py>(
        &self,
        py: Attached<'py>,
        number: u16,
        text: impl FnOnce(u16) -> Option<&'static [u8]>,
    ) -> PyResult<Option<Owned<'py>>> {
        let mut places = self.0.take().unwrap_or_else(|| Box::new([None; PLACES]));
        let answer = match places.get_mut(usize::from(number)) {
            None => Ok(None),
            // SAFETY: attached; the place keeps what is in it.
            Some(Some(key)) => Ok(Some(unsafe { Ref::from_ptr(key.as_ptr()) }.to_owned(py))),
            Some(place) => make(py, number, text, place),
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

#[cold]
fn make<'py>(
    py: Attached<'py>,
    number: u16,
    text: impl FnOnce(u16) -> Option<&'static [u8]>,
    place: &mut Place,
) -> PyResult<Option<Owned<'py>>> {
    let Some(text) = text(number) else {
        return Ok(None);
    };
    let key = py.text(true, 1, text)?.interned(py)?;
    *place = NonNull::new(key.get().to_owned(py).into_ptr());
    Ok(Some(key))
}

fn release(_py: Attached<'_>, key: Place) {
    if let Some(key) = key {
        // SAFETY: attached; the place had a reference, which nobody uses any more.
        unsafe { running::decref(key.as_ptr()) }
    }
}

fn place_of(object: Ref<'_>) -> usize {
    // Objects are aligned to 16 bytes; the upper bits of the product depend on all bits of the address.
    let spread = (object.address() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    spread as usize % PLACES
}
