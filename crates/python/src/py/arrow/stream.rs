//! Arrays one after the other.

use core::ffi::{CStr, c_char, c_int};
use core::ops::Range;
use std::sync::Arc;

use super::super::{Attached, Raised, running};
use super::raw::{Guard, RawArray, RawSchema, RawStream, Structure};
use super::{Failed, Table, array, schema};

impl RawStream {
    /// What a producer's arrays are.
    pub(super) fn schema<'py>(
        &mut self,
        py: Attached<'py>,
    ) -> Result<Guard<'py, RawSchema>, Failed> {
        let mut schema = RawSchema::empty();
        let Some(function) = self.get_schema else {
            return Err("gave a stream without get_schema".to_owned().into());
        };
        // SAFETY: not released, and an empty structure to be filled.
        let answer = running::guarded(|| unsafe { function(self, &mut schema) });
        let schema = Guard::filled(py, schema);
        self.check(py, answer, "get_schema")?;
        schema.ok_or_else(|| "gave a stream without a schema".to_owned().into())
    }

    /// The next of a producer's arrays; `None` when there are no more.
    pub(super) fn next<'py>(
        &mut self,
        py: Attached<'py>,
    ) -> Result<Option<Guard<'py, RawArray>>, Failed> {
        let mut array = RawArray::empty();
        let Some(function) = self.get_next else {
            return Err("gave a stream without get_next".to_owned().into());
        };
        // SAFETY: as above.
        let answer = running::guarded(|| unsafe { function(self, &mut array) });
        let array = Guard::filled(py, array);
        self.check(py, answer, "get_next")?;
        Ok(array)
    }

    /// Tells an answer that is not 0. A producer that raises an exception has that one raised.
    fn check(&mut self, py: Attached<'_>, answer: c_int, function: &str) -> Result<(), Failed> {
        let raised = Raised::set_aside(py);
        if answer == 0 {
            return match raised {
                None => Ok(()),
                Some(exception) => Err(Raised::restore(py, exception).into()),
            };
        }
        let told = match self.get_last_error {
            // SAFETY: not released, and its last call has failed.
            Some(last) => running::guarded(|| unsafe { last(self) }),
            None => core::ptr::null(),
        };
        let told = match told.is_null() {
            true => String::new(),
            // SAFETY: not NULL, so a C string that is good until the next call.
            false => format!(": {}", unsafe { CStr::from_ptr(told) }.to_string_lossy()),
        };
        if let Some(exception) = raised {
            return Err(Raised::restore(py, exception).into());
        }
        if answer == libc::ENOMEM {
            return Err(Raised::memory(py).into());
        }
        let error = std::io::Error::from_raw_os_error(answer);
        Err(format!("gave a stream whose {function} fails ({error}){told}").into())
    }
}

/// What is behind a stream for a consumer.
struct Exported<K> {
    table: Arc<Table>,
    keeper: Arc<K>,
    left: Range<usize>,
    path: Box<[usize]>,
}

pub(super) fn export<K: Send + Sync + 'static>(
    table: &Arc<Table>,
    chunks: Range<usize>,
    path: &[usize],
    keeper: &Arc<K>,
) -> RawStream {
    let exported = Box::new(Exported {
        table: Arc::clone(table),
        keeper: Arc::clone(keeper),
        left: chunks,
        path: path.into(),
    });
    RawStream {
        get_schema: Some(get_schema::<K>),
        get_next: Some(get_next::<K>),
        get_last_error: Some(get_last_error),
        release: Some(release::<K>),
        private_data: Box::into_raw(exported).cast(),
    }
}

unsafe extern "C-unwind" fn get_schema<K>(stream: *mut RawStream, target: *mut RawSchema) -> c_int {
    // SAFETY: a consumer calls it, one call at a time, with a stream of ours that is not released, and with room.
    unsafe {
        let exported = &*(*stream).private_data.cast::<Exported<K>>();
        let root = &exported.table.schema;
        target.write(schema::export(root, root.at(&exported.path)));
    }
    0
}

unsafe extern "C-unwind" fn get_next<K: Send + Sync + 'static>(
    stream: *mut RawStream,
    target: *mut RawArray,
) -> c_int {
    // SAFETY: as above.
    unsafe {
        let Exported {
            table,
            keeper,
            left,
            path,
        } = &mut *(*stream).private_data.cast::<Exported<K>>();
        let export = |chunk: usize| array::export(table, table.chunks[chunk].at(path), keeper);
        let next = left.next().map(export);
        target.write(next.unwrap_or_else(RawArray::empty));
    }
    0
}

/// Nothing ever fails.
unsafe extern "C-unwind" fn get_last_error(_: *mut RawStream) -> *const c_char {
    core::ptr::null()
}

unsafe extern "C-unwind" fn release<K>(stream: *mut RawStream) {
    // SAFETY: as above, and called once.
    unsafe {
        (*stream).release = None;
        drop(Box::from_raw((*stream).private_data.cast::<Exported<K>>()));
    }
}
