//! Arrays for the libraries that exchange tensors: DLPack.

use super::format::{Format, Kind};
use super::{SharedBuffer, create};
use crate::py::buffer::Window;
use crate::py::dlpack::{self, CPU, DataType, code};
use crate::py::error::Builtin;
use crate::py::export::CountedExporter;
use crate::py::{Args, Cx, Owned, PyResult, Raised, Ref, Signature, class};

const DLPACK: Signature<4> = Signature {
    function: "__dlpack__",
    names: [c"stream", c"max_version", c"dl_device", c"copy"],
    required: 0,
    positional: 0,
    positional_only: 0,
};

/// One consumer's use of an array. It needs no interpreter to end.
struct Exported {
    buffer: SharedBuffer,
    token: usize,
}

impl Drop for Exported {
    fn drop(&mut self) {
        self.buffer.give_back(self.token);
    }
}

/// `__dlpack__`.
pub(super) fn export<'py>(object: Ref<'py>, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let py = cx.py();
    let given = args.parse(py, &DLPACK)?;
    let [stream, max_version, device, copy] = given.map(|value| value.filter(|it| !it.is_none()));
    if stream.is_some() {
        let message = "stream must be None: memory of the CPU has no streams";
        return Err(Raised::value_error(py, message));
    }
    if let Some(device) = device {
        let [kind, id] = numbers(cx, device, "dl_device")?;
        if (kind, id) != (CPU as isize, 0) {
            let message = format!(
                "memory of the CPU cannot be exported to device ({kind}, {id}): copy it there"
            );
            return Err(Raised::builtin(py, Builtin::Buffer, &message));
        }
    }
    let versioned = match max_version {
        None => false,
        Some(version) => numbers(cx, version, "max_version")?[0] >= 1,
    };
    let copied = match copy {
        None => false,
        Some(copy) => copy.is_true(py)?,
    };
    let buffer = SharedBuffer::of(cx, object)?;
    let dtype = data_type(cx, &buffer.array.format)?;
    let copy = copied.then(|| create::copied(cx, object)).transpose()?;
    let buffer = match &copy {
        Some(copy) => SharedBuffer::of(cx, copy.get())?,
        None => buffer,
    };
    expect_whole_steps(cx, buffer.window())?;
    let (readonly, token) = {
        let export = buffer.acquire(cx)?;
        (export.readonly, export.token)
    };
    let exported = Exported {
        buffer: buffer.clone(),
        token,
    };
    if readonly && !versioned {
        let message = "shared memory is read-only, which only a consumer that asks with max_version=(1, 0) is told";
        return Err(Raised::builtin(py, Builtin::Buffer, message));
    }
    let export = dlpack::Export {
        dtype,
        versioned,
        readonly,
        copied,
    };
    dlpack::capsule(py, buffer.window(), export, exported)
}

impl SharedBuffer {
    /// `__dlpack_device__`.
    pub(super) fn device<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        cx.tuple_of([cx.int(i64::from(CPU))?, cx.int(0)?])
    }

    fn of<'a>(cx: Cx<'_>, object: Ref<'a>) -> PyResult<&'a Self> {
        class::downcast::<Self>(cx, object)
            .ok_or_else(|| Raised::type_error(cx.py(), "a SharedBuffer is needed"))
    }
}

/// A tuple of two whole numbers.
fn numbers(cx: Cx<'_>, value: Ref<'_>, name: &str) -> PyResult<[isize; 2]> {
    match value.pair() {
        Some([first, second]) => Ok([first.index(cx.py())?, second.index(cx.py())?]),
        None => {
            let got = value.brief_repr(cx.py());
            let message = format!("{name} must be None or a tuple of two numbers, not {got}");
            Err(Raised::type_error(cx.py(), &message))
        }
    }
}

fn data_type(cx: Cx<'_>, format: &Format) -> PyResult<DataType> {
    let field = format
        .single()
        .filter(|field| field.size == format.itemsize() && (!field.swapped || field.size == 1));
    let code = field.and_then(|field| match field.kind {
        Kind::Signed => Some(code::INT),
        Kind::Unsigned => Some(code::UINT),
        Kind::Bool => Some(code::BOOL),
        Kind::Float => Some(code::FLOAT),
        Kind::Complex => Some(code::COMPLEX),
        Kind::Char | Kind::Bytes | Kind::Pascal => None,
    });
    match code {
        Some(code) => Ok(DataType {
            code,
            bits: format.itemsize() as u8 * 8,
            lanes: 1,
        }),
        None => {
            let message = format!("DLPack has no data type for the format {:?}", format.text());
            Err(Raised::builtin(cx.py(), Builtin::Buffer, &message))
        }
    }
}

/// Strides count items there.
fn expect_whole_steps(cx: Cx<'_>, window: &Window) -> PyResult<()> {
    let itemsize = window.itemsize() as isize;
    if window.strides().iter().all(|step| step % itemsize == 0) {
        return Ok(());
    }
    let message = "DLPack has no strides that are no whole number of items";
    Err(Raised::builtin(cx.py(), Builtin::Buffer, message))
}
