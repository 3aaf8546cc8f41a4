//! The Arrow C data interface from both sides: structures taken out of a producer's capsules, and given to consumers.
//!
//! A [`Table`] is a description: what the producer's structures say, copied, with the addresses of its buffers, which
//! are not. From it any number of new structures is made for consumers, each of which keeps what keeps the memory until
//! it is released, by any thread, attached or not. The producer's own structures are released in the interpreter that
//! they were taken in.
//!
//! Nothing that a producer says is believed before it was checked, except that its pointers point somewhere.

mod array;
mod layout;
mod raw;
mod schema;
mod stream;
mod tree;

use std::sync::Arc;

use pyo3_ffi as ffi;

pub(crate) use self::array::Array;
pub(crate) use self::layout::Buffer;
use self::raw::{Guard, Kept, RawArray, RawSchema, RawStream};
pub(crate) use self::schema::Schema;
use super::{Attached, Owned, PyResult, Ref};

/// How deep types may be nested.
const DEEPEST: usize = 64;

/// One schema and arrays of it.
pub(crate) struct Table {
    pub(crate) schema: Arc<Schema>,
    pub(crate) chunks: Box<[Array]>,
}

/// A producer's arrays. Let go of with [`Taken::release`], in the interpreter that they were taken in; a plain drop
/// leaves them as they are.
pub(crate) struct Taken(Box<[Kept<RawArray>]>);

/// What became of an attempt: an exception is set, or there is something wrong with what a producer gave, as
/// "gave ...".
pub(crate) enum Failed {
    Raised(super::Raised),
    Wrong(String),
}

impl From<super::Raised> for Failed {
    fn from(raised: super::Raised) -> Self {
        Self::Raised(raised)
    }
}

impl From<String> for Failed {
    fn from(what: String) -> Self {
        Self::Wrong(what)
    }
}

impl Table {
    /// What is in two capsules, as `__arrow_c_array__` returns them.
    pub(crate) fn from_array(
        py: Attached<'_>,
        schema: Ref<'_>,
        array: Ref<'_>,
    ) -> Result<(Self, Taken), String> {
        // Whatever becomes of it: both are taken, and given back.
        let (schema, array) = (
            Guard::<RawSchema>::take(py, schema),
            Guard::<RawArray>::take(py, array),
        );
        let (schema, array) = (schema?, array?);
        let schema = Schema::read(&schema, 0)?;
        let chunk = Array::read(&array, &schema, 0)?;
        let table = Self {
            schema: Arc::new(schema),
            chunks: Box::new([chunk]),
        };
        Ok((table, Taken(Box::new([array.keep()]))))
    }

    /// All that comes out of a stream, in the capsule that `__arrow_c_stream__` returns.
    pub(crate) fn from_stream(py: Attached<'_>, stream: Ref<'_>) -> Result<(Self, Taken), Failed> {
        let mut stream = Guard::<RawStream>::take(py, stream)?;
        let schema = stream.schema(py)?;
        let schema = Arc::new(Schema::read(&schema, 0)?);
        let (mut chunks, mut arrays) = (Vec::new(), Vec::new());
        while let Some(array) = stream.next(py)? {
            chunks.push(Array::read(&array, &schema, 0)?);
            arrays.push(array);
        }
        let kept = arrays.into_iter().map(Guard::keep);
        let table = Self {
            schema,
            chunks: chunks.into(),
        };
        Ok((table, Taken(kept.collect())))
    }

    /// Bytes of all buffers whose lengths are known.
    pub(crate) fn nbytes(&self) -> usize {
        let mut nbytes = 0;
        for chunk in &self.chunks {
            chunk.each_buffer(&self.schema, &mut |buffer| nbytes += buffer.nbytes());
        }
        nbytes
    }
}

impl Taken {
    /// Gives everything back to the producer. An exception that is set stays set.
    ///
    /// # Safety
    /// The thread is attached to the interpreter that it was taken in.
    pub(crate) unsafe fn release(self) {
        for array in self.0 {
            // SAFETY: forwarded to the caller.
            unsafe { array.release() }
        }
    }
}

/// A capsule with the schema at `path`.
pub(crate) fn schema_capsule<'py>(
    py: Attached<'py>,
    table: &Arc<Table>,
    path: &[usize],
) -> PyResult<Owned<'py>> {
    raw::capsule(py, schema::export(&table.schema, table.schema.at(path)))
}

/// A capsule with the array at `path` in a chunk, which `keeper` keeps.
pub(crate) fn array_capsule<'py, K: Send + Sync + 'static>(
    py: Attached<'py>,
    table: &Arc<Table>,
    chunk: usize,
    path: &[usize],
    keeper: &Arc<K>,
) -> PyResult<Owned<'py>> {
    raw::capsule(
        py,
        array::export(table, table.chunks[chunk].at(path), keeper),
    )
}

/// A capsule with a stream of these chunks, or of what is at `path` in them, which `keeper` keeps.
pub(crate) fn stream_capsule<'py, K: Send + Sync + 'static>(
    py: Attached<'py>,
    table: &Arc<Table>,
    chunks: core::ops::Range<usize>,
    path: &[usize],
    keeper: &Arc<K>,
) -> PyResult<Owned<'py>> {
    raw::capsule(py, stream::export(table, chunks, path, keeper))
}

/// Is it a capsule with a schema?
pub(crate) fn is_schema(object: Ref<'_>) -> bool {
    // SAFETY: any live object may be asked.
    unsafe { ffi::PyCapsule_IsValid(object.as_ptr(), c"arrow_schema".as_ptr()) != 0 }
}
