//! `SharedBuffer`: an array in memory that no interpreter owns.

mod compare;
mod create;
mod dlpack;
mod element;
pub(crate) mod foreign;
mod format;
pub(crate) mod guard;
pub(crate) mod guard_wait;
mod handle;
mod interface;
mod items;
pub(crate) mod moving;
pub(crate) mod pickled;
mod select;
mod shape;
mod views;

use core::ffi::CStr;
use std::sync::Arc;

use interlane_core::AnyShare;

use self::format::Format;
pub(crate) use self::handle::Access;
use self::handle::{Handle, Use, Write};
use crate::convert::shared_buffer::Transit;
use crate::errors::{Error, raise};
use crate::py::buffer::Window;
use crate::py::export::{self, CountedExporter, Export};
use crate::py::getset::{self, GetSet};
use crate::py::method::{self, Method};
use crate::py::slot::{self, Slot};
use crate::py::{Class, Cx, Global, Owned, PyResult, Raised, Ref, class, subscript};
use crate::state::State;

/// What an array is, without anything that keeps its memory.
#[derive(Clone)]
pub(crate) struct Array {
    pub(crate) window: Arc<Window>,
    pub(crate) format: Arc<Format>,
    pub(crate) access: Arc<Access>,
    /// The data type in NumPy's words, of what was an array of NumPy's: it arrives as one where that is loaded.
    pub(crate) dtype: Option<Arc<str>>,
}

/// One object on the memory.
#[derive(Clone)]
pub(crate) struct SharedBuffer {
    array: Array,
    handle: Arc<Handle>,
}

impl Array {
    /// An array in memory of anybody, all of whose handles have this one `access`. The window has no suboffsets.
    pub(crate) fn new(window: Arc<Window>, access: Arc<Access>) -> Self {
        debug_assert!(
            !window.has_suboffsets(),
            "an array has strides and nothing else"
        );
        let format = Arc::new(Format::of_exporter(window.format(), window.itemsize()));
        Self {
            window,
            format,
            access,
            dtype: None,
        }
    }

    /// The same memory seen in another way, from `data` on.
    fn seen_as(
        &self,
        data: *mut u8,
        format: Arc<Format>,
        shape: &[isize],
        strides: &[isize],
        readonly: bool,
    ) -> Self {
        let window = Window::described(
            data.cast(),
            format.itemsize() as isize,
            format.text().to_owned(),
            shape,
            strides,
            readonly,
        );
        let same_items = Arc::ptr_eq(&format, &self.format);
        Self {
            window: Arc::new(window),
            format,
            access: Arc::clone(&self.access),
            dtype: self.dtype.clone().filter(|_| same_items),
        }
    }

    fn is_readonly(&self) -> bool {
        self.window.is_readonly() || self.access.is_frozen()
    }

    fn is_contiguous(&self) -> bool {
        let window = &self.window;
        shape::is_contiguous(window.shape(), window.strides(), window.itemsize())
    }
}

/// A `SharedBuffer` over memory that `keeper` keeps.
pub(crate) fn make(cx: Cx<'_>, array: Array, keeper: AnyShare) -> PyResult<Owned<'_>> {
    let handle = Handle::new(cx.state.interpreter().hold(keeper), None);
    class::instantiate(cx, SharedBuffer { array, handle })
}

/// What is sent for `object` when it is a `SharedBuffer`.
pub(crate) fn transit(cx: Cx<'_>, object: Ref<'_>) -> PyResult<Option<Transit>> {
    let Some(buffer) = class::downcast::<SharedBuffer>(cx, object) else {
        return Ok(None);
    };
    let keeper = buffer.keeper(cx)?;
    if buffer.handle.is_guarded() {
        let message = "the view of a guard ends with it: send the SharedBuffer itself";
        return Err(raise(cx, Error::NotShareable, message));
    }
    let array = buffer.array.clone();
    Ok(Some(Transit { array, keeper }))
}

/// What `exporter` is, and the share that keeps it, when it is a `SharedBuffer`, and no view of a guard: whoever uses
/// that keeps the guard, too.
pub(crate) fn behind<'a>(cx: Cx<'_>, exporter: Ref<'a>) -> Option<(&'a Array, AnyShare)> {
    let buffer = class::downcast::<SharedBuffer>(cx, exporter)?;
    let keeper = buffer.handle.keeper();
    let keeper = keeper.filter(|_| !buffer.handle.is_guarded())?;
    Some((&buffer.array, keeper))
}

impl SharedBuffer {
    fn window(&self) -> &Window {
        &self.array.window
    }

    /// A use of the memory, during which it stays where it is.
    fn enter(&self, cx: Cx<'_>) -> PyResult<Use<'_>> {
        self.handle.enter().ok_or_else(|| self.gone(cx))
    }

    /// What it looks like, for as long as there is something to look at.
    fn seen(&self, cx: Cx<'_>) -> PyResult<&Window> {
        match self.handle.is_closed() {
            false => Ok(self.window()),
            true => Err(self.gone(cx)),
        }
    }

    fn gone(&self, cx: Cx<'_>) -> Raised {
        match self.handle.is_guarded() {
            true => Raised::value_error(cx.py(), "the guard of this view has ended"),
            false => moved(cx),
        }
    }

    /// Leave to write to the memory.
    fn write(&self, cx: Cx<'_>) -> PyResult<Write<'_>> {
        if self.window().is_readonly() {
            return Err(read_only(cx));
        }
        self.array.access.write().ok_or_else(|| read_only(cx))
    }

    fn keeper(&self, cx: Cx<'_>) -> PyResult<AnyShare> {
        self.handle.keeper().ok_or_else(|| self.gone(cx))
    }

    /// A handle of its own on a part of the memory, or on all of it seen differently; of a view of a guard, the one that
    /// ends with the guard.
    fn derive<'py>(&self, cx: Cx<'py>, array: Array) -> PyResult<Owned<'py>> {
        let _used = self.enter(cx)?;
        let handle = if self.handle.is_guarded() {
            Arc::clone(&self.handle)
        } else {
            let keeper = cx.state.interpreter().hold(self.keeper(cx)?);
            Handle::new(keeper, self.handle.pin_whole())
        };
        class::instantiate(cx, SharedBuffer { array, handle })
    }

    fn freeze<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        let _used = self.enter(cx)?;
        let access = &self.array.access;
        if access.is_frozen() || access.writers.close_if_idle() {
            return Ok(cx.none());
        }
        let message = format!(
            "the memory cannot be frozen: {} views or guards that may write exist",
            access.writers.count()
        );
        Err(raise(cx, Error::BufferBusy, &message))
    }

    fn repr<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        let window = self.window();
        let state = if self.handle.is_closed() && self.handle.is_guarded() {
            " of a guard that has ended"
        } else if self.handle.is_closed() {
            " moved"
        } else if self.array.access.is_frozen() {
            " frozen"
        } else if window.is_readonly() {
            " read-only"
        } else {
            ""
        };
        cx.str(&format!(
            "<SharedBuffer shape={} format='{}' {} bytes{state}>",
            shape::text(window.shape()),
            window.format().to_string_lossy(),
            window.nbytes(),
        ))
    }
}

fn moved(cx: Cx<'_>) -> Raised {
    raise(
        cx,
        Error::Closed,
        "this SharedBuffer was moved to another interpreter",
    )
}

fn read_only(cx: Cx<'_>) -> Raised {
    Raised::type_error(cx.py(), "cannot modify read-only memory")
}

/// Tokens of exports: what is to be given back.
const READER: usize = 1;
const WRITER: usize = 2;

impl CountedExporter for SharedBuffer {
    fn acquire(&self, cx: Cx<'_>) -> PyResult<Export<'_>> {
        core::mem::forget(self.enter(cx)?);
        let write = match self.window().is_readonly() {
            true => None,
            false => self.array.access.write(),
        };
        let readonly = write.is_none();
        core::mem::forget(write);
        Ok(Export {
            layout: self.window().layout(),
            readonly,
            token: if readonly { READER } else { WRITER },
        })
    }

    fn give_back(&self, token: usize) {
        if token == WRITER {
            self.array.access.writers.unpin();
        }
        self.handle.give_back();
    }
}

impl Class for SharedBuffer {
    const NAME: &'static CStr = c"interlane.SharedBuffer";
    const DOC: &'static CStr = c"SharedBuffer(shape, format='B')
--

An array of zeroes in memory that no interpreter owns, and that all of them use in place.

shape is a whole number or a tuple of them, format says what an item is, in the language of the struct module.
It is indexed and sliced like a memoryview, in any number of dimensions; a slice is a SharedBuffer of the same
memory. Sending one copies nothing: the receiver reads and writes the same bytes. The memory is freed with the
last SharedBuffer anywhere. It begins at a multiple of 64 bytes.

Raises ValueError for a negative length, an unknown format or more bytes than there can be, MemoryError when the
memory is not to be had.";
    const METHODS: &'static [Method] = const {
        &[
            method::class(
                c"copy_of",
                create::copy_of,
                c"copy_of($type, /, obj)\n--\n\nReturn a new SharedBuffer with the contents, format and shape of any buffer exporter. Copies once.",
            ),
            method::class(
                c"from_buffer",
                foreign::from_buffer,
                c"from_buffer($type, /, obj)\n--\n\nReturn a SharedBuffer of the memory of any buffer exporter, in its format, shape and strides; copies nothing.\n\nThe exporter is kept, by this interpreter, until the last user anywhere has gone. Writable if the exporter is.\nRaises BufferError for memory that goes through pointers.",
            ),
            method::class(
                c"from_file",
                create::from_file,
                c"from_file($type, path, format='B', shape=None, *, offset=0, writable=False)\n--\n\nReturn a SharedBuffer of a file's contents from offset on, mapped and not read.\n\nWithout a shape it is of one dimension and reaches to the end of the file. If writable, what is written\ngoes to the file. Whoever cuts the file short meanwhile ends the process.",
            ),
            method::keywords(
                c"cast",
                Self::cast,
                c"cast($self, /, format, shape=None)\n--\n\nReturn the same bytes as items of another format, in one dimension or in this shape. Copies nothing.\n\nRaises TypeError when the items have gaps between them or the sizes do not match, ValueError for an unknown\nformat.",
            ),
            method::keywords(
                c"reshape",
                Self::reshape,
                c"reshape($self, shape, /, *lengths)\n--\n\nReturn the same items in another shape, of whose lengths one may be -1: what is left. Copies nothing.\n\nRaises ValueError when the number of items is another or they have gaps between them.",
            ),
            method::noargs(
                c"toreadonly",
                Self::to_readonly,
                c"toreadonly($self, /)\n--\n\nReturn a SharedBuffer of the same memory that cannot be written to.",
            ),
            method::keywords(
                c"reading",
                Self::reading,
                c"reading($self, /, timeout=None)\n--\n\nReturn a guard for a with statement: nobody writes in a guard while it lasts. Its value is a read-only view.\n\nMany read at once, in all interpreters. Entering it raises BufferBusyError when that takes longer than timeout\nseconds (0 is one try), and at once when this thread would wait for itself for ever. The view, and what was made of it, ends with the guard: then\nit raises ValueError. Leaving it raises BufferError while memoryviews or arrays of the view exist, and the memory\nstays guarded until they are gone.\n\nIn asyncio and trio, async with awaits the guard, which is the current task's then.",
            ),
            method::keywords(
                c"writing",
                Self::writing,
                c"writing($self, /, timeout=None)\n--\n\nReturn a guard for a with statement: nobody else is in a guard while it lasts. Its value is a view.\n\nAs reading(). Raises TypeError when the memory is read-only.",
            ),
            method::noargs(
                c"freeze",
                Self::freeze,
                c"freeze($self, /)\n--\n\nMake the memory read-only for all, in every interpreter, for good. Freezing twice is harmless.\n\nRaises BufferBusyError while a memoryview or array that may write to it exists anywhere, or somebody is writing().",
            ),
            method::keywords(
                c"tobytes",
                Self::to_bytes,
                c"tobytes($self, /, order='C')\n--\n\nReturn a copy of the items as bytes, the last index changing fastest; with order 'F' the first one, with\n'A' whichever of the two needs no rearranging.",
            ),
            method::noargs(
                c"tolist",
                Self::to_list,
                c"tolist($self, /)\n--\n\nReturn the values as a list, of lists where there is more than one dimension.",
            ),
            method::keywords(
                c"__reduce_ex__",
                Self::reduce,
                c"__reduce_ex__($self, protocol, /)\n--\n\nPickle a copy of the items; from protocol 5 on they may be out of band.",
            ),
            method::of_object(
                c"__dlpack__",
                dlpack::export,
                c"__dlpack__($self, /, *, stream=None, max_version=None, dl_device=None, copy=None)\n--\n\nReturn a DLPack capsule of the same memory, or of a copy if copy is true. The consumer keeps the memory.\n\nRaises BufferError for formats and strides that DLPack does not have, for another device than the CPU, and for\nread-only memory unless max_version is at least (1, 0); ValueError when stream is not None.",
            ),
            method::noargs(
                c"__dlpack_device__",
                Self::device,
                c"__dlpack_device__($self, /)\n--\n\nReturn (1, 0): the CPU.",
            ),
            method::END,
        ]
    };
    const GETSET: &'static [GetSet] = const {
        &[
            getset::getter(
                c"shape",
                Self::shape,
                c"The length of each dimension, in items.",
            ),
            getset::getter(
                c"strides",
                Self::strides,
                c"How many bytes it is from one item to the next, for each dimension.",
            ),
            getset::getter(
                c"format",
                Self::format,
                c"What an item is, in the language of the struct module.",
            ),
            getset::getter(c"itemsize", Self::itemsize, c"Bytes of one item."),
            getset::getter(c"nbytes", Self::nbytes, c"Bytes of all items."),
            getset::getter(c"ndim", Self::ndim, c"The number of dimensions."),
            getset::getter(
                c"readonly",
                Self::readonly,
                c"Whether it cannot be written to: frozen, or made so by toreadonly().",
            ),
            getset::getter(
                c"c_contiguous",
                Self::c_contiguous,
                c"Whether the items have no gaps and are in the order of C.",
            ),
            getset::getter(
                c"f_contiguous",
                Self::f_contiguous,
                c"Whether the items have no gaps and are in the order of Fortran.",
            ),
            getset::getter(
                c"contiguous",
                Self::contiguous,
                c"Whether the items have no gaps, in either order.",
            ),
            getset::getter(
                c"__array_interface__",
                Self::array_interface,
                c"What NumPy and others read who do not use the buffer protocol; nobody counts who uses its address.",
            ),
            getset::END,
        ]
    };
    const SLOTS: &'static [Slot] = const {
        &[
            subscript::new(create::new),
            slot::repr(Self::repr),
            slot::length(Self::length),
            slot::iter_items(),
            subscript::sequence_length(Self::length),
            subscript::get(Self::get),
            subscript::set(Self::set),
            subscript::item(Self::item),
            subscript::equal(Self::equal),
            export::get_buffer::<Self>(),
            export::release_buffer::<Self>(),
        ]
    };

    fn home(state: &State) -> &Global {
        &state.shared_buffer
    }
}
