//! Which part of the memory a subscript means.

use crate::py::error::Builtin;
use crate::py::subscript::Part;
use crate::py::{Cx, PyResult, Raised, Ref};

/// A part of an array: how far its first item is from the array's own first one, in bytes, and what is left of shape
/// and strides.
#[derive(Debug)]
pub(super) struct Selection {
    pub(super) offset: isize,
    pub(super) shape: Vec<isize>,
    pub(super) strides: Vec<isize>,
    /// Is it one item, and not an array of no dimensions?
    pub(super) is_item: bool,
}

/// The part of an array that a subscript means: whole numbers, slices and an ellipsis, one or a tuple of them.
pub(super) fn select(
    cx: Cx<'_>,
    shape: &[isize],
    strides: &[isize],
    key: Ref<'_>,
) -> PyResult<Selection> {
    let keys = key.tuple_items().unwrap_or_else(|| vec![key]);
    let parts: Vec<_> = keys.into_iter().map(Ref::subscript).collect();
    let ellipses = parts
        .iter()
        .filter(|part| matches!(part, Part::Ellipsis))
        .count();
    let given = parts.len() - ellipses;
    if given > shape.len() {
        let message = format!(
            "a subscript of {given} is too long for an array of {} dimensions",
            shape.len()
        );
        return Err(Raised::type_error(cx.py(), &message));
    }
    if ellipses > 1 {
        return Err(Raised::type_error(
            cx.py(),
            "a subscript has at most one ellipsis",
        ));
    }
    let mut dimensions = shape
        .iter()
        .copied()
        .zip(strides.iter().copied())
        .enumerate();
    let mut selection = Selection {
        offset: 0,
        shape: Vec::with_capacity(shape.len()),
        strides: Vec::with_capacity(shape.len()),
        is_item: ellipses == 0 && given == shape.len(),
    };
    let keep = |selection: &mut Selection, length, stride| {
        selection.shape.push(length);
        selection.strides.push(stride);
    };
    for part in parts {
        if let Part::Ellipsis = part {
            for (_, (length, stride)) in dimensions.by_ref().take(shape.len() - given) {
                keep(&mut selection, length, stride);
            }
            continue;
        }
        let Some((dimension, (length, stride))) = dimensions.next() else {
            unreachable!("counted above")
        };
        match part {
            Part::Index(index) => {
                let index = index.index_within(cx.py(), Builtin::Index)?;
                let place = within(index, length).ok_or_else(|| {
                    let message = format!(
                        "index {index} is out of bounds in dimension {} of length {length}",
                        dimension + 1
                    );
                    Raised::builtin(cx.py(), Builtin::Index, &message)
                })?;
                selection.offset += place * stride;
            }
            Part::Slice(slice) => {
                let [start, step, count] = slice.slice_of(cx.py(), length)?;
                if count > 0 {
                    selection.offset += start * stride;
                }
                // A step that leads out of the array is never taken.
                let stride = if count > 1 { step * stride } else { stride };
                keep(&mut selection, count, stride);
                selection.is_item = false;
            }
            Part::Other(other) => {
                let message = format!(
                    "a subscript is of whole numbers, slices and an ellipsis, not of {}",
                    other.class_name(cx.py())
                );
                return Err(Raised::type_error(cx.py(), &message));
            }
            Part::Ellipsis => {}
        }
    }
    for (_, (length, stride)) in dimensions {
        keep(&mut selection, length, stride);
    }
    Ok(selection)
}

/// The place from the front of an index, which may count from the end.
pub(super) fn within(index: isize, length: isize) -> Option<isize> {
    let place = if index < 0 { index + length } else { index };
    (0..length).contains(&place).then_some(place)
}
