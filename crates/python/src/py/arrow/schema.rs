//! What the items of an array are, copied from a producer's structure.

use core::ffi::{CStr, c_char};
use std::ffi::CString;
use std::sync::Arc;

use super::DEEPEST;
use super::raw::{RawSchema, Structure};
use super::tree;

/// One field, with those in it.
pub(crate) struct Schema {
    format: CString,
    name: Option<CString>,
    /// As the interface has it: counts, lengths and bytes.
    metadata: Option<Box<[u8]>>,
    flags: i64,
    children: Box<[Schema]>,
    dictionary: Option<Box<Schema>>,
}

impl Schema {
    /// The error says what is wrong with what was given.
    pub(super) fn read(raw: &RawSchema, depth: usize) -> Result<Self, String> {
        if depth > DEEPEST {
            return Err(format!("gave a schema of more than {DEEPEST} levels"));
        }
        if raw.format.is_null() {
            return Err("gave a schema without a format".to_owned());
        }
        // SAFETY: not NULL, so a C string of the producer.
        let format = unsafe { CStr::from_ptr(raw.format) }.to_owned();
        // SAFETY: as above.
        let name = (!raw.name.is_null()).then(|| unsafe { CStr::from_ptr(raw.name) }.to_owned());
        let metadata = match raw.metadata.is_null() {
            true => None,
            // SAFETY: not NULL, so what the interface says of it.
            false => Some(unsafe { read_metadata(raw.metadata)? }),
        };
        // SAFETY: so many pointers, to structures or NULL.
        let children = unsafe { children(raw.n_children, raw.children)? };
        let children = children.map(|child| Self::read(child?, depth + 1));
        let dictionary = match raw.dictionary.is_null() {
            true => None,
            // SAFETY: not NULL, so a structure of the producer.
            false => Some(Box::new(Self::read(
                unsafe { &*raw.dictionary },
                depth + 1,
            )?)),
        };
        Ok(Self {
            format,
            name,
            metadata,
            flags: raw.flags,
            children: children.collect::<Result<_, _>>()?,
            dictionary,
        })
    }

    /// What is at a path of numbers of children; one beyond the last is the dictionary.
    pub(crate) fn at(&self, path: &[usize]) -> &Self {
        path.iter().fold(self, |schema, &place| {
            let child = schema.children.get(place);
            child.or(schema.dictionary.as_deref()).unwrap_or(schema)
        })
    }

    pub(crate) fn format(&self) -> &CStr {
        &self.format
    }

    pub(crate) fn name(&self) -> Option<&CStr> {
        self.name.as_deref()
    }

    pub(crate) fn children(&self) -> &[Self] {
        &self.children
    }

    pub(crate) fn dictionary(&self) -> Option<&Self> {
        self.dictionary.as_deref()
    }
}

/// The children that a structure says it has.
///
/// # Safety
/// `children` is NULL, or points to so many pointers, each of which is NULL or points to a structure, for as long as
/// `'a`.
pub(super) unsafe fn children<'a, S: Structure + 'a>(
    count: i64,
    children: *const *mut S,
) -> Result<impl Iterator<Item = Result<&'a S, String>>, String> {
    if count < 0 || (count > 0 && children.is_null()) {
        let where_from = if children.is_null() { " at NULL" } else { "" };
        return Err(format!("gave a structure of {count} children{where_from}"));
    }
    Ok((0..count as usize).map(move |place| {
        // SAFETY: forwarded to the caller.
        let child = unsafe { *children.add(place) };
        // SAFETY: as above.
        let child = unsafe { child.as_ref() };
        child.ok_or_else(|| format!("gave a structure whose child {place} is NULL"))
    }))
}

/// # Safety
/// As the interface has it: the number of pairs, and for both parts of each its length and its bytes.
unsafe fn read_metadata(metadata: *const c_char) -> Result<Box<[u8]>, String> {
    let wrong = |number: i32| format!("gave metadata of {number} pairs or bytes");
    // SAFETY: numbers where the interface has them, forwarded to the caller.
    let number = |at: usize| unsafe { metadata.add(at).cast::<i32>().read_unaligned() };
    let (pairs, mut end) = (number(0), size_of::<i32>());
    if pairs < 0 {
        return Err(wrong(pairs));
    }
    for _ in 0..2 * i64::from(pairs) {
        let length = number(end);
        end += size_of::<i32>() + usize::try_from(length).map_err(|_| wrong(length))?;
    }
    // SAFETY: so far it was read, but for the last bytes, which the interface promises.
    Ok(unsafe { core::slice::from_raw_parts(metadata.cast(), end) }.into())
}

/// A structure for a consumer, of a field that `root` has.
pub(super) fn export(root: &Arc<Schema>, schema: &Schema) -> RawSchema {
    let text = |text: Option<&CStr>| text.map_or(core::ptr::null(), CStr::as_ptr);
    let metadata = schema.metadata.as_deref();
    let raw = RawSchema {
        format: schema.format.as_ptr(),
        name: text(schema.name()),
        metadata: metadata.map_or(core::ptr::null(), |metadata| metadata.as_ptr().cast()),
        flags: schema.flags,
        ..RawSchema::empty()
    };
    let children = schema.children.iter().map(|child| export(root, child));
    let dictionary = schema
        .dictionary()
        .map(|dictionary| export(root, dictionary));
    tree::node(raw, children, dictionary, Arc::clone(root))
}
