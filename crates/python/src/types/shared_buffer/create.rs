//! New arrays: of zeroes, of somebody's contents, of a file's.

use std::borrow::Cow;
use std::ffi::CString;
use std::io;
use std::sync::Arc;

use interlane_core::{Fate, Memory, Resource, Share};

use super::format::Format;
use super::{Array, make, shape};
use crate::py::buffer::{Acquired, Window};
use crate::py::error::Builtin;
use crate::py::{Args, Cx, Owned, PyResult, Raised, Ref, Signature, text};

/// Memory of the process.
struct Region(Memory);

impl Resource for Region {
    fn release(self) {
        drop(self.0);
    }

    fn orphan(&self) -> Fate {
        Fate::Adopted // never called: it has no owner
    }

    fn discard(self) {}

    fn kind(&self) -> Cow<'static, str> {
        Cow::Borrowed("interlane.SharedBuffer")
    }
}

const NEW: Signature<2> = Signature {
    function: "SharedBuffer",
    names: [c"shape", c"format"],
    required: 1,
    positional: 2,
    positional_only: 0,
};

pub(super) fn new<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [Some(shape), format] = args.parse(cx.py(), &NEW)? else {
        unreachable!("the signature requires it")
    };
    let format = given_format(cx, format)?;
    let shape = shape::of(cx, shape)?;
    let nbytes = shape::nbytes(cx, &shape, format.itemsize())?;
    let memory = Memory::zeroed(nbytes).map_err(|error| no_memory(cx, nbytes, &error))?;
    in_memory(cx, memory, format, &shape, false)
}

const COPY_OF: Signature<1> = Signature {
    function: "copy_of",
    names: [c"obj"],
    required: 1,
    positional: 1,
    positional_only: 0,
};

pub(super) fn copy_of<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [Some(object)] = args.parse(cx.py(), &COPY_OF)? else {
        unreachable!("the signature requires it")
    };
    if !Acquired::possible(object) {
        let message = format!("{} exports no buffer", object.class_name(cx.py()));
        return Err(Raised::type_error(cx.py(), &message));
    }
    copied(cx, object)
}

/// A new array with the contents of a buffer exporter.
pub(super) fn copied<'py>(cx: Cx<'py>, object: Ref<'_>) -> PyResult<Owned<'py>> {
    let source = Acquired::new(cx.py(), object, false)?;
    let copied = copy(cx, &source);
    // SAFETY: acquired above, in this interpreter.
    unsafe { source.release() };
    copied
}

fn copy<'py>(cx: Cx<'py>, source: &Acquired) -> PyResult<Owned<'py>> {
    let window = Window::of(source.layout());
    let format = Format::of_exporter(window.format(), window.itemsize());
    filled(cx, source, format, window.shape())
}

/// A new array, of as many bytes as the source has, with its contents.
pub(super) fn filled<'py>(
    cx: Cx<'py>,
    source: &Acquired,
    format: Format,
    shape: &[isize],
) -> PyResult<Owned<'py>> {
    let window = Window::of(source.layout());
    let nbytes = window.nbytes();
    let memory = Memory::zeroed(nbytes).map_err(|error| no_memory(cx, nbytes, &error))?;
    let target = memory.start().as_ptr();
    if window.has_suboffsets() {
        // SAFETY: so many bytes that nobody else knows of.
        unsafe { source.copy_to(cx.py(), target)? };
    } else {
        let strides = shape::strides(window.shape(), window.itemsize());
        let to = shape::Side {
            data: target,
            strides: &strides,
        };
        let from = shape::Side {
            data: window.data(),
            strides: window.strides(),
        };
        // SAFETY: the new memory is as large, and nobody else knows of it; the source is acquired.
        unsafe { shape::copy_large(cx, window.shape(), window.itemsize(), to, from) };
    }
    in_memory(cx, memory, format, shape, false)
}

const FROM_FILE: Signature<5> = Signature {
    function: "from_file",
    names: [c"path", c"format", c"shape", c"offset", c"writable"],
    required: 1,
    positional: 3,
    positional_only: 0,
};

pub(super) fn from_file<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let py = cx.py();
    let [Some(path), format, shape, offset, writable] = args.parse(py, &FROM_FILE)? else {
        unreachable!("the signature requires it")
    };
    let format = given_format(cx, format)?;
    let writable = match writable {
        None => false,
        Some(value) => value.is_true(py)?,
    };
    let offset = match offset {
        None => 0,
        Some(value) => {
            let offset = value.index(py)?;
            u64::try_from(offset).map_err(|_| {
                Raised::value_error(py, &format!("offset must not be negative, not {offset}"))
            })?
        }
    };
    // `open` would take the number of a descriptor, and closing that would not be ours to do.
    let fspath = cx.import(c"os")?.get().attribute(py, c"fspath")?;
    let path = fspath.get().call(py, [path])?;
    let open = cx.import(c"_io")?.get().attribute(py, c"open")?;
    let mode = cx.str(if writable { "r+b" } else { "rb" })?;
    let (path, unbuffered) = (path.get(), cx.int(0)?);
    let file = open.get().call(py, [path, mode.get(), unbuffered.get()])?;
    let mapped = map(cx, path, file.get(), format, shape, offset, writable);
    let close = || file.get().attribute(py, c"close")?.get().call(py, []);
    match mapped {
        Ok(array) => close().map(|_none| array),
        Err(raised) => {
            let exception = raised.take(py);
            close()?;
            Err(Raised::restore(py, exception))
        }
    }
}

fn map<'py>(
    cx: Cx<'py>,
    path: Ref<'_>,
    file: Ref<'_>,
    format: Format,
    shape: Option<Ref<'_>>,
    offset: u64,
    writable: bool,
) -> PyResult<Owned<'py>> {
    let number = file
        .attribute(cx.py(), c"fileno")?
        .get()
        .call(cx.py(), [])?;
    let number = number.get().index(cx.py())?;
    let failed = |error: &io::Error| os_error(cx, path, error);
    let file = descriptor(number);
    let size = file.metadata().map_err(|error| failed(&error))?.len();
    let left = size.checked_sub(offset).ok_or_else(|| {
        let message =
            format!("offset {offset} is behind the end of the file, which has {size} bytes");
        Raised::value_error(cx.py(), &message)
    })?;
    let itemsize = format.itemsize();
    let shape = match shape.filter(|shape| !shape.is_none()) {
        Some(shape) => shape::of(cx, shape)?,
        None if left % itemsize as u64 == 0 => vec![(left / itemsize as u64) as isize],
        None => {
            let message =
                format!("{left} bytes of the file are no whole number of items of {itemsize}");
            return Err(Raised::value_error(cx.py(), &message));
        }
    };
    let nbytes = shape::nbytes(cx, &shape, itemsize)?;
    if nbytes as u64 > left {
        let message =
            format!("the array needs {nbytes} bytes, and the file has {left} from its offset on");
        return Err(Raised::value_error(cx.py(), &message));
    }
    let memory =
        Memory::of_file(&file, offset, nbytes, writable).map_err(|error| failed(&error))?;
    in_memory(cx, memory, format, &shape, !writable)
}

/// The file behind a descriptor that somebody else closes.
#[cfg(unix)]
fn descriptor(number: isize) -> core::mem::ManuallyDrop<std::fs::File> {
    use std::os::fd::FromRawFd;

    // SAFETY: the callers' file object has it open, and lives longer than what is returned, which never closes it.
    core::mem::ManuallyDrop::new(unsafe { std::fs::File::from_raw_fd(number as _) })
}

/// An array that has this memory to itself.
fn in_memory<'py>(
    cx: Cx<'py>,
    memory: Memory,
    format: Format,
    shape: &[isize],
    readonly: bool,
) -> PyResult<Owned<'py>> {
    let window = Window::described(
        memory.start().as_ptr().cast(),
        format.itemsize() as isize,
        format.text().to_owned(),
        shape,
        &shape::strides(shape, format.itemsize()),
        readonly,
    );
    let array = Array {
        window: Arc::new(window),
        format: Arc::new(format),
        access: Arc::default(),
        dtype: None,
    };
    let nbytes = memory.len();
    make(cx, array, Share::process(Region(memory), nbytes).erase())
}

/// The format that an argument names; without one, of single bytes.
pub(super) fn given_format(cx: Cx<'_>, format: Option<Ref<'_>>) -> PyResult<Format> {
    let text = match format {
        None => c"B".to_owned(),
        Some(format) => {
            text::expect_str(cx.py(), format, "format")?;
            CString::new(format.display(cx.py()))
                .map_err(|_| Raised::value_error(cx.py(), "format has a NUL in it"))?
        }
    };
    Format::parse(&text).map_err(|what| Raised::value_error(cx.py(), &what))
}

fn no_memory(cx: Cx<'_>, nbytes: usize, error: &io::Error) -> Raised {
    let message = format!("no memory for {nbytes} bytes: {error}");
    Raised::builtin(cx.py(), Builtin::Memory, &message)
}

/// `OSError(errno, text, path)`, which is an instance of the subclass for that number.
fn os_error(cx: Cx<'_>, path: Ref<'_>, error: &io::Error) -> Raised {
    let made = || {
        let number = cx.int(i64::from(error.raw_os_error().unwrap_or(0)))?;
        let text = cx.str(&error.to_string())?;
        Builtin::Os
            .class()
            .call(cx.py(), [number.get(), text.get(), path])
    };
    match made() {
        Ok(exception) => Raised::restore(cx.py(), exception),
        Err(raised) => raised,
    }
}
