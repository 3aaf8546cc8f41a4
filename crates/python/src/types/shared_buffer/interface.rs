//! `__array_interface__`: the array in NumPy's own words, for whoever does not use the buffer protocol.

use super::format::{Field, Format, Kind};
use super::{SharedBuffer, shape};
use crate::py::error::Builtin;
use crate::py::{Cx, Owned, PyResult, Raised};

/// The version of the interface that this is.
const VERSION: i64 = 3;

impl SharedBuffer {
    /// The address in it is counted by nobody. So views of guards have none: they would outlive the guard.
    pub(super) fn array_interface<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        let window = self.seen(cx)?;
        if self.handle.is_guarded() {
            let message = "the view of a guard has no __array_interface__: use the buffer protocol";
            return Err(Raised::builtin(cx.py(), Builtin::Attribute, message));
        }
        let interface = cx.dict()?;
        let insert = |name: &str, value: Owned<'_>| {
            let name = cx.str(name)?;
            interface.get().insert(cx.py(), name.get(), value.get())
        };
        let address = cx.size(window.data() as usize)?;
        let readonly = cx.bool(self.array.is_readonly());
        let format = &self.array.format;
        insert("version", cx.int(VERSION)?)?;
        insert("shape", shape::tuple(cx, window.shape())?)?;
        insert("strides", shape::tuple(cx, window.strides())?)?;
        insert("data", cx.tuple_of([address, readonly])?)?;
        insert("typestr", cx.str(&self.typestr())?)?;
        if let Some(fields) = format.fields().filter(|_| format.whole().is_none()) {
            insert("descr", descr(cx, fields, format.itemsize())?)?;
        }
        Ok(interface)
    }

    fn typestr(&self) -> String {
        match self.array.dtype.as_deref().and_then(simple) {
            Some(dtype) => dtype.to_owned(),
            None => typestr(&self.array.format),
        }
    }
}

/// What NumPy calls the data type, where that was described by a text alone.
fn simple(description: &str) -> Option<&str> {
    description.strip_prefix('\'')?.strip_suffix('\'')
}

fn typestr(format: &Format) -> String {
    match format.whole() {
        Some(field) => of_field(field),
        None => format!("|V{}", format.itemsize()),
    }
}

fn of_field(field: Field) -> String {
    let kind = match field.kind {
        Kind::Char | Kind::Bytes => 'S',
        Kind::Signed => 'i',
        Kind::Unsigned => 'u',
        Kind::Bool => 'b',
        Kind::Float => 'f',
        Kind::Complex => 'c',
        Kind::Pascal => 'V',
    };
    let order = match (kind, field.size) {
        ('S' | 'V', _) | (_, 1) => '|',
        _ if field.swapped == cfg!(target_endian = "little") => '>',
        _ => '<',
    };
    format!("{order}{kind}{}", field.size)
}

/// The values of an item: name, type and, where there are several, how many. What is padding has no name, and gets one
/// by its place, as the others have.
fn descr<'py>(cx: Cx<'py>, fields: &[Field], itemsize: usize) -> PyResult<Owned<'py>> {
    let list = cx.list()?;
    let add = |name: &str, of_type: &str, count: usize| {
        let (name, of_type) = (cx.str(name)?, cx.str(of_type)?);
        let item = match count {
            1 => cx.tuple_of([name, of_type])?,
            _ => cx.tuple_of([name, of_type, shape::tuple(cx, &[count as isize])?])?,
        };
        list.get().append(cx.py(), item.get())
    };
    let (mut end, mut place) = (0, 0);
    for field in fields {
        if field.offset > end {
            add("", &format!("|V{}", field.offset - end), 1)?;
            place += 1;
        }
        add(&format!("f{place}"), &of_field(*field), field.count)?;
        end = field.offset + field.size * field.count;
        place += 1;
    }
    if itemsize > end {
        add("", &format!("|V{}", itemsize - end), 1)?;
    }
    Ok(list)
}
