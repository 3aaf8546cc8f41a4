//! Shapes, strides, and copying from one layout to another.

use crate::py::error::Builtin;
use crate::py::{Cx, Owned, PyResult, Raised, Ref};

/// As many as CPython's `memoryview` has.
const MOST_DIMENSIONS: usize = 64;

/// A whole number, or a sequence of them, as lengths.
pub(super) fn of(cx: Cx<'_>, shape: Ref<'_>) -> PyResult<Vec<isize>> {
    let length = |value: Ref<'_>| {
        value.index(cx.py()).map_err(|raised| {
            if raised.is_builtin(cx.py(), Builtin::Overflow) {
                raised.ignore(cx.py());
                return too_large(cx);
            }
            raised
        })
    };
    if let crate::py::subscript::Part::Index(number) = shape.subscript() {
        return Ok(vec![length(number)?]);
    }
    let items = shape.iterate(cx.py())?;
    let mut lengths = Vec::new();
    while let Some(item) = items.get().next(cx.py())? {
        if lengths.len() == MOST_DIMENSIONS {
            let message = format!("an array has at most {MOST_DIMENSIONS} dimensions");
            return Err(Raised::value_error(cx.py(), &message));
        }
        lengths.push(length(item.get())?);
    }
    Ok(lengths)
}

/// How many bytes an array of this shape takes.
pub(super) fn nbytes(cx: Cx<'_>, shape: &[isize], itemsize: usize) -> PyResult<usize> {
    if let Some(length) = shape.iter().find(|length| **length < 0) {
        let message = format!("lengths must not be negative, not {length}");
        return Err(Raised::value_error(cx.py(), &message));
    }
    if shape.contains(&0) {
        return Ok(0);
    }
    shape
        .iter()
        .try_fold(itemsize, |bytes, length| {
            bytes.checked_mul(*length as usize)
        })
        .filter(|&bytes| isize::try_from(bytes).is_ok())
        .ok_or_else(|| too_large(cx))
}

fn too_large(cx: Cx<'_>) -> Raised {
    Raised::value_error(cx.py(), "an array of this shape is larger than any memory")
}

/// Strides of an array without gaps, the last dimension next to each other.
pub(super) fn strides(shape: &[isize], itemsize: usize) -> Vec<isize> {
    let mut strides = vec![0; shape.len()];
    let mut stride = itemsize as isize;
    for (place, length) in strides.iter_mut().zip(shape).rev() {
        *place = stride;
        stride *= (*length).max(1);
    }
    strides
}

/// The same with the first dimension next to each other.
pub(super) fn fortran_strides(shape: &[isize], itemsize: usize) -> Vec<isize> {
    let mut reversed: Vec<_> = shape.iter().rev().copied().collect();
    reversed = strides(&reversed, itemsize);
    reversed.reverse();
    reversed
}

/// Are the items next to each other, in the order of C?
pub(super) fn is_contiguous(shape: &[isize], strides: &[isize], itemsize: usize) -> bool {
    let mut expected = itemsize as isize;
    for (&length, &stride) in shape.iter().zip(strides).rev() {
        if length > 1 && stride != expected {
            return shape.contains(&0);
        }
        expected *= length.max(1);
    }
    true
}

/// As a tuple of `int`.
pub(super) fn tuple<'py>(cx: Cx<'py>, numbers: &[isize]) -> PyResult<Owned<'py>> {
    let tuple = cx.tuple(numbers.len())?;
    for (place, number) in numbers.iter().enumerate() {
        tuple.get().fill(place, cx.int(*number as i64)?);
    }
    Ok(tuple)
}

/// As it is written: `(3,)`, `(2, 3)`.
pub(super) fn text(shape: &[isize]) -> String {
    let numbers: Vec<_> = shape.iter().map(isize::to_string).collect();
    match numbers.as_slice() {
        [one] => format!("({one},)"),
        all => format!("({})", all.join(", ")),
    }
}

/// One side of a copy.
#[derive(Clone, Copy)]
pub(super) struct Side<'a> {
    pub(super) data: *mut u8,
    pub(super) strides: &'a [isize],
}

/// Copies an array, item by item or in larger pieces.
///
/// # Safety
/// Both sides are arrays of this shape and size of items, in memory that stays. Where they overlap, they are the same
/// bytes in the same order. Others may use both meanwhile, and then see any mixture of old and new.
pub(super) unsafe fn copy(shape: &[isize], itemsize: usize, to: Side<'_>, from: Side<'_>) {
    if shape.contains(&0) {
        return;
    }
    if is_contiguous(shape, to.strides, itemsize) && is_contiguous(shape, from.strides, itemsize) {
        let count: isize = shape.iter().product();
        // SAFETY: so many bytes on either side, forwarded to the caller; `copy` allows any overlap.
        unsafe { core::ptr::copy(from.data, to.data, count as usize * itemsize) };
        return;
    }
    let (Some((&length, inner)), Some((&step_to, rest_to)), Some((&step_from, rest_from))) = (
        shape.split_first(),
        to.strides.split_first(),
        from.strides.split_first(),
    ) else {
        unreachable!("an array without dimensions has no gaps")
    };
    for index in 0..length {
        // SAFETY: within the arrays, forwarded to the caller.
        unsafe {
            let to = Side {
                data: to.data.offset(index * step_to),
                strides: rest_to,
            };
            let from = Side {
                data: from.data.offset(index * step_from),
                strides: rest_from,
            };
            copy(inner, itemsize, to, from);
        }
    }
}

// SAFETY: addresses and numbers; who copies between them promises that the memory stays.
unsafe impl Send for Side<'_> {}

/// From here on a copy takes longer than giving up the GIL for it.
const LARGE: usize = 1 << 20;

/// As [`copy`], with the GIL released where that is worth it.
///
/// # Safety
/// As there; and Python code that runs meanwhile leaves the memory where it is.
pub(super) unsafe fn copy_large(
    cx: Cx<'_>,
    shape: &[isize],
    itemsize: usize,
    to: Side<'_>,
    from: Side<'_>,
) {
    let count: isize = shape.iter().product();
    if (count as usize) * itemsize < LARGE {
        // SAFETY: forwarded to the caller.
        return unsafe { copy(shape, itemsize, to, from) };
    }
    let sides = [to, from];
    cx.state.interpreter().detach(cx.py(), move || {
        let [to, from] = sides;
        // SAFETY: forwarded to the caller.
        unsafe { copy(shape, itemsize, to, from) };
    });
}
