//! Where the items of an array are, copied from a producer's structure.

use core::ffi::c_void;
use std::sync::Arc;

use super::raw::{RawArray, Structure};
use super::schema::{Schema, children};
use super::{DEEPEST, Table, layout, tree};

/// One array, with those in it.
pub(crate) struct Array {
    pub(crate) length: usize,
    /// -1: nobody has counted.
    pub(crate) null_count: i64,
    pub(crate) offset: usize,
    pub(super) buffers: Box<[*const c_void]>,
    children: Box<[Array]>,
    dictionary: Option<Box<Array>>,
}

// SAFETY: numbers, and addresses of memory that nobody changes; whoever has the description keeps the memory.
unsafe impl Send for Array {}
// SAFETY: as above.
unsafe impl Sync for Array {}

impl Array {
    /// An array of this schema. The error says what is wrong with what was given.
    pub(super) fn read(raw: &RawArray, schema: &Schema, depth: usize) -> Result<Self, String> {
        let format = schema.format().to_string_lossy();
        let wrong = |what: String| format!("gave an array of format '{format}' {what}");
        if depth > DEEPEST {
            return Err(wrong(format!("with more than {DEEPEST} levels")));
        }
        if raw.release.is_none() {
            return Err(wrong("that was released".to_owned()));
        }
        let (length, offset) = (raw.length, raw.offset);
        let fits = length >= 0 && offset >= 0 && raw.null_count >= -1;
        if !fits || length.checked_add(offset).is_none() {
            let nulls = raw.null_count;
            return Err(wrong(format!(
                "with length {length}, offset {offset} and {nulls} nulls"
            )));
        }
        let least = layout::least_buffers(schema.format().to_bytes());
        if raw.n_buffers < least as i64 || (raw.n_buffers > 0 && raw.buffers.is_null()) {
            let count = raw.n_buffers;
            let where_from = if raw.buffers.is_null() {
                " at NULL"
            } else {
                ""
            };
            return Err(wrong(format!("with {count} buffers{where_from}")));
        }
        let buffers = match raw.n_buffers {
            0 => Box::default(),
            // SAFETY: not NULL, so that many addresses.
            count => unsafe { core::slice::from_raw_parts(raw.buffers, count as usize) }.into(),
        };
        if raw.n_children != schema.children().len() as i64 {
            let (count, expected) = (raw.n_children, schema.children().len());
            return Err(wrong(format!(
                "with {count} children, where the schema has {expected}"
            )));
        }
        // SAFETY: so many pointers, to structures or NULL.
        let children = unsafe { children(raw.n_children, raw.children)? };
        let children = children
            .zip(schema.children())
            .map(|(child, schema)| Self::read(child?, schema, depth + 1));
        // SAFETY: NULL, or a structure of the producer.
        let dictionary = match (unsafe { raw.dictionary.as_ref() }, schema.dictionary()) {
            (None, None) => None,
            (Some(raw), Some(schema)) => Some(Box::new(Self::read(raw, schema, depth + 1)?)),
            (None, Some(_)) => return Err(wrong("without its dictionary".to_owned())),
            (Some(_), None) => {
                return Err(wrong(
                    "with a dictionary, where the schema has none".to_owned(),
                ));
            }
        };
        Ok(Self {
            length: length as usize,
            null_count: raw.null_count,
            offset: offset as usize,
            buffers,
            children: children.collect::<Result<_, _>>()?,
            dictionary,
        })
    }

    /// What is at a path, see [`Schema::at`].
    pub(crate) fn at(&self, path: &[usize]) -> &Self {
        path.iter().fold(self, |array, &place| {
            let child = array.children.get(place);
            child.or(array.dictionary.as_deref()).unwrap_or(array)
        })
    }

    pub(crate) fn children(&self) -> &[Self] {
        &self.children
    }

    pub(crate) fn dictionary(&self) -> Option<&Self> {
        self.dictionary.as_deref()
    }
}

/// A structure for a consumer, of an array that `table` has and whose memory `keeper` keeps.
pub(super) fn export<K: Send + Sync + 'static>(
    table: &Arc<Table>,
    array: &Array,
    keeper: &Arc<K>,
) -> RawArray {
    let raw = RawArray {
        length: array.length as i64,
        null_count: array.null_count,
        offset: array.offset as i64,
        n_buffers: array.buffers.len() as i64,
        // Consumers only read them.
        buffers: array.buffers.as_ptr().cast_mut(),
        ..RawArray::empty()
    };
    let export = |array: &Array| export(table, array, keeper);
    let children = array.children.iter().map(export);
    let dictionary = array.dictionary().map(export);
    tree::node(
        raw,
        children,
        dictionary,
        (Arc::clone(table), Arc::clone(keeper)),
    )
}
