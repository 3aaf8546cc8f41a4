//! Short strings that are keys in many items: each has a number in this process, which goes in its place.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

/// How many strings there may be. They stay for good.
pub(crate) const MOST: usize = 1024;

/// In characters, all of them ASCII.
pub(crate) const LONGEST: usize = 40;

struct Names {
    numbers: Mutex<Option<HashMap<&'static [u8], u16>>>,
    texts: [OnceLock<&'static [u8]>; MOST],
}

static NAMES: Names = Names {
    numbers: Mutex::new(None),
    texts: [const { OnceLock::new() }; MOST],
};

/// The number of the string: a new one, if it has none. `None`: there are too many.
pub(crate) fn number(text: &[u8]) -> Option<u16> {
    let mut numbers = NAMES.numbers.lock().unwrap_or_else(PoisonError::into_inner);
    let numbers = numbers.get_or_insert_default();
    if let Some(number) = numbers.get(text) {
        return Some(*number);
    }
    let place = NAMES.texts.get(numbers.len())?;
    let number = u16::try_from(numbers.len()).ok()?;
    let text: &'static [u8] = Box::leak(Box::from(text));
    // Numbers are given under the lock, so nobody has set this one.
    let _first = place.set(text);
    numbers.insert(text, number);
    Some(number)
}

/// The string with this number.
pub(crate) fn text(number: u16) -> Option<&'static [u8]> {
    NAMES.texts.get(usize::from(number))?.get().copied()
}
