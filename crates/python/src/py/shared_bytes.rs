//! `SharedBytes`: a `bytes` subclass over pages that every interpreter maps for itself.
//!
//! ```text
//!              own page(s)                     the process's pages          own page
//!    ┌─────────────┬────────┬──────────┬──────────────────────────────┬──────┬───┬──┐
//!    │  (unused)   │ Prefix │  header  │ contents                     │ rest │ 0 │  │
//!    └─────────────┴────────┴──────────┴──────────────────────────────┴──────┴───┴──┘
//!                             object ►   ob_sval ►
//! ```
//!
//! The contents of a `bytes` object follow its header, so the header is put where the pages start. Where pages can't
//! be mapped, or it would not pay, the whole object is in ordinary memory, behind the same prefix.

use core::ffi::c_void;
use core::ptr;

use pyo3_ffi as ffi;

use interlane_core::{Alias, Held, LEAST_ALIAS};

use super::class::{add_type, entry};
use super::method::{self, Method};
use super::{Args, Cx, Owned, PyResult, Raised, Ref, boundary, getset, running};
use crate::convert::pages::{self, Piece};
use crate::state::State;

/// What is directly in front of each object.
#[repr(C, align(16))]
struct Prefix {
    backing: Option<Box<Backing>>,
}

/// What an object that uses shared pages keeps.
struct Backing {
    /// `None`: the object has a copy, and goes on to others as the pages.
    alias: Option<Alias>,
    piece: Piece,
    _keeper: Held,
}

impl Drop for Backing {
    fn drop(&mut self) {
        if let Some(alias) = self.alias.take() {
            self.piece.pages().0.give_back(alias);
        }
    }
}

const HEADER: usize = core::mem::offset_of!(ffi::PyBytesObject, ob_sval);
const FRONT: usize = size_of::<Prefix>() + HEADER;
const _: () = assert!(
    FRONT % 16 == 0,
    "contents that start at a multiple of 16 have their object at one"
);

const DOC: &core::ffi::CStr = c"SharedBytes(data=b'', encoding=..., errors='strict')
--

A bytes whose contents are the same physical memory in every interpreter.

Everything that bytes does works; the arguments are those of bytes, encoding and errors for text. The data is copied once, into memory that
no interpreter owns; sending it copies nothing. Less than 64 KiB, and everything where the system cannot map
memory twice, is copied by each receiver: see aliased. A slice is a SharedBytes too, over the same memory
when it has at least 64 KiB and starts at a multiple of 16, else a copy; what methods return is ordinary bytes.

Raises what bytes raises, and MemoryError.";

const METHODS: &[Method] = const {
    &[
        method::class(
            c"map_file",
            pages::map_file,
            c"map_file($type, /, path, offset=0, length=None)
--

Return the contents of a file, or length bytes from offset on, without reading it: the file is mapped.

Whoever changes the file changes the bytes, and whoever cuts it shorter makes the next access to what is gone
end the process (SIGBUS): map files that stay as they are, and use read_from for others. Less than 64 KiB, an
offset that is no multiple of 16, and everything where mappings have run out or are not offered, is read instead.

Raises OSError, and ValueError for what is no regular file and for a part that the file does not have.",
        ),
        method::class(
            c"read_from",
            pages::read_from,
            c"read_from($type, /, fileobj)
--

Return what is left to read in an open binary file, or in anything with such a read(size), copied once.

Raises what read() raises, TypeError when that gives no bytes, BlockingIOError when it gives None.",
        ),
        method::of_object(
            c"__reduce_ex__",
            reduce,
            c"__reduce_ex__($self, protocol, /)\n--\n\nPickle as bytes.",
        ),
        method::of_object(c"__copy__", itself, c"__copy__($self, /)\n--\n\nReturn self."),
        method::of_object(
            c"__deepcopy__",
            itself,
            c"__deepcopy__($self, memo, /)\n--\n\nReturn self.",
        ),
        method::END,
    ]
};

const GETSET: &[getset::GetSet] = const {
    &[
        getset::of_object(
            c"aliased",
            aliased,
            c"Whether the contents are the same physical memory in every interpreter; else this is a copy.",
        ),
        getset::END,
    ]
};

pub(crate) fn add(cx: Cx<'_>, module: Ref<'_>) -> PyResult<()> {
    let slots = vec![
        entry(ffi::Py_tp_dealloc, dealloc as *mut c_void),
        entry(ffi::Py_tp_new, new as *mut c_void),
        entry(ffi::Py_mp_subscript, subscript as *mut c_void),
        entry(ffi::Py_tp_methods, METHODS.as_ptr() as *mut c_void),
        entry(ffi::Py_tp_getset, GETSET.as_ptr() as *mut c_void),
        entry(ffi::Py_tp_doc, DOC.as_ptr() as *mut c_void),
    ];
    let flags = ffi::Py_TPFLAGS_DEFAULT | ffi::Py_TPFLAGS_IMMUTABLETYPE;
    // SAFETY: a static type, alive for ever.
    let base = unsafe { Ref::from_ptr((&raw mut ffi::PyBytes_Type).cast()) };
    let home = &cx.state.shared_bytes;
    let name = c"interlane.SharedBytes";
    // Size 0 is that of the base.
    add_type(cx, module, name, 0, flags, slots, Some(base), home)
}

/// A new `SharedBytes` with a copy of the data in ordinary memory.
pub(crate) fn inline<'py>(cx: Cx<'py>, data: &[u8]) -> PyResult<Owned<'py>> {
    in_memory(cx, data, None)
}

/// A new `SharedBytes` over the pages, or with a copy where they can't be mapped.
pub(crate) fn over<'py>(cx: Cx<'py>, piece: Piece) -> PyResult<Owned<'py>> {
    match map(cx, piece)? {
        Ok(object) => Ok(object),
        Err(piece) if piece.nbytes() < LEAST_ALIAS => inline(cx, piece.bytes()),
        Err(piece) => {
            let keeper = cx.state.interpreter().hold(piece.keeper());
            let backing = Backing {
                alias: None,
                piece: piece.clone(),
                _keeper: keeper,
            };
            in_memory(cx, piece.bytes(), Some(Box::new(backing)))
        }
    }
}

/// A new `SharedBytes` over the pages. `None`: they can't be mapped.
pub(crate) fn alias<'py>(cx: Cx<'py>, piece: Piece) -> PyResult<Option<Owned<'py>>> {
    map(cx, piece).map(Result::ok)
}

fn map<'py>(cx: Cx<'py>, piece: Piece) -> PyResult<Result<Owned<'py>, Piece>> {
    let (source, range) = piece.pages();
    let Some(alias) = source.alias(range, FRONT) else {
        return Ok(Err(piece));
    };
    let class = cx.state.shared_bytes.get(cx.py())?;
    // SAFETY: FRONT bytes before the data are writable. Another object may have been there.
    let start = unsafe {
        let start = alias.data().as_ptr().sub(FRONT);
        start.write_bytes(0, FRONT);
        start
    };
    let length = piece.nbytes();
    let backing = Box::new(Backing {
        _keeper: cx.state.interpreter().hold(piece.keeper()),
        alias: Some(alias),
        piece,
    });
    // SAFETY: room for prefix and header, with the contents and a zero behind.
    Ok(Ok(unsafe {
        assemble(cx, class, start, length, Some(backing))
    }))
}

fn in_memory<'py>(cx: Cx<'py>, data: &[u8], backing: Option<Box<Backing>>) -> PyResult<Owned<'py>> {
    let class = cx.state.shared_bytes.get(cx.py())?;
    // SAFETY: attached; the block has room for prefix, header, data and a zero.
    unsafe {
        let start = ffi::PyObject_Malloc(FRONT + data.len() + 1).cast::<u8>();
        if start.is_null() {
            return Err(Raised::memory(cx.py()));
        }
        let contents = start.add(FRONT);
        core::ptr::copy_nonoverlapping(data.as_ptr(), contents, data.len());
        contents.add(data.len()).write(0);
        Ok(assemble(cx, class, start, data.len(), backing))
    }
}

/// Makes an object of memory with contents in it.
///
/// # Safety
/// From `start` on there is room for a prefix and a header, then contents of that length and a zero. It is what
/// `backing` has mapped, or a block of `PyObject_Malloc`.
unsafe fn assemble<'py>(
    cx: Cx<'py>,
    class: Ref<'_>,
    start: *mut u8,
    length: usize,
    backing: Option<Box<Backing>>,
) -> Owned<'py> {
    // SAFETY: forwarded to the caller; the hash, not known yet, is the last field of the header.
    unsafe {
        start.cast::<Prefix>().write(Prefix { backing });
        let object = start.add(size_of::<Prefix>());
        let hash = object.add(HEADER - size_of::<ffi::Py_hash_t>());
        hash.cast::<ffi::Py_hash_t>().write(-1);
        let class = class.as_ptr().cast();
        let object = ffi::PyObject_InitVar(object.cast(), class, length as _);
        match Owned::from_new(cx.py(), object.cast()) {
            Ok(object) => object,
            Err(_) => unreachable!("what is initialised is not NULL"),
        }
    }
}

/// # Safety
/// A live `SharedBytes`.
unsafe fn prefix(object: *mut ffi::PyObject) -> *mut Prefix {
    // SAFETY: forwarded to the caller: it was assembled behind one.
    unsafe { object.cast::<Prefix>().sub(1) }
}

/// Is it a `SharedBytes`?
pub(crate) fn is_one(cx: Cx<'_>, object: Ref<'_>) -> bool {
    let class = cx.state.shared_bytes.try_get(cx.py());
    // SAFETY: a live object; the class is final.
    class.is_some_and(|class| unsafe { ffi::Py_TYPE(object.as_ptr()) == class.as_ptr().cast() })
}

/// The pages of a `SharedBytes`. `None`: it has none, or isn't one.
pub(crate) fn piece_of<'a>(cx: Cx<'_>, object: Ref<'a>) -> Option<&'a Piece> {
    if !is_one(cx, object) {
        return None;
    }
    // SAFETY: just asked; the prefix does not change and lives as long as the object.
    let backing = unsafe { (*prefix(object.as_ptr())).backing.as_ref()? };
    Some(&backing.piece)
}

fn aliased<'py>(object: Ref<'py>, cx: Cx<'py>, _: Args<'py>) -> PyResult<Owned<'py>> {
    // SAFETY: an instance of the class.
    let backing = unsafe { (*prefix(object.as_ptr())).backing.as_ref() };
    Ok(cx.bool(backing.is_some_and(|backing| backing.alias.is_some())))
}

fn itself<'py>(object: Ref<'py>, cx: Cx<'py>, _: Args<'py>) -> PyResult<Owned<'py>> {
    Ok(object.to_owned(cx.py()))
}

fn reduce<'py>(object: Ref<'py>, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let py = cx.py();
    let signature = super::Signature {
        function: "__reduce_ex__",
        names: [c"protocol"],
        required: 1,
        positional: 1,
        positional_only: 1,
    };
    let [protocol] = args.parse(py, &signature)?;
    let protocol = protocol.map_or(Ok(0), |value| value.index(py))?;
    let data = if protocol >= 5 {
        let class = cx.import(c"pickle")?.get().attribute(py, c"PickleBuffer")?;
        class.get().call(py, [object])? // in the stream without a copy before
    } else {
        cx.bytes(object.as_bytes())?
    };
    let (answer, arguments) = (cx.tuple(2)?, cx.tuple(1)?);
    arguments.get().fill(0, data);
    // SAFETY: a static type.
    let class = unsafe { Ref::from_ptr((&raw mut ffi::PyBytes_Type).cast()) };
    answer.get().fill(0, class.to_owned(py));
    answer.get().fill(1, arguments);
    Ok(answer)
}

/// The arguments of a call, `data` in its place: for `bytes` it has another name.
///
/// # Safety
/// Those of a call of `tp_new` that is going on.
unsafe fn by_position<'py>(
    cx: Cx<'py>,
    args: *mut ffi::PyObject,
    keywords: *mut ffi::PyObject,
) -> PyResult<(Owned<'py>, Option<Owned<'py>>)> {
    // SAFETY: forwarded to the caller.
    unsafe {
        let args = Ref::from_ptr(args).to_owned(cx.py());
        if keywords.is_null() {
            return Ok((args, None));
        }
        let data = ffi::PyDict_GetItemString(keywords, c"data".as_ptr());
        if data.is_null() || ffi::PyTuple_GET_SIZE(args.as_ptr()) > 0 {
            return Ok((args, Some(Ref::from_ptr(keywords).to_owned(cx.py()))));
        }
        let alone = cx.tuple(1)?;
        alone.get().fill(0, Ref::from_ptr(data).to_owned(cx.py()));
        let rest = Owned::from_new(cx.py(), ffi::PyDict_Copy(keywords))?;
        rest.get().remove(cx.py(), cx.str("data")?.get())?;
        Ok((alone, Some(rest)))
    }
}

unsafe extern "C" fn new(
    class: *mut ffi::PyTypeObject,
    args: *mut ffi::PyObject,
    keywords: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: CPython calls tp_new attached, with a tuple and NULL or a dict; the class is ours and final.
    unsafe {
        let state = &*ffi::PyType_GetModuleState(class).cast::<State>();
        boundary::enter(state, |cx| {
            let (args, keywords) = by_position(cx, args, keywords)?;
            let (args, keywords) = (
                args.as_ptr(),
                keywords.as_ref().map_or(ptr::null_mut(), Owned::as_ptr),
            );
            let alone = keywords.is_null() || ffi::PyDict_Size(keywords) == 0;
            if alone && ffi::PyTuple_GET_SIZE(args) == 1 {
                let object = Ref::from_ptr(ffi::PyTuple_GET_ITEM(args, 0));
                if let Some(made) = pages::of_object(cx, object)? {
                    return Ok(made.into_ptr());
                }
            }
            let class: *mut ffi::PyObject = (&raw mut ffi::PyBytes_Type).cast();
            let exact = running::call_with_keywords(class, args, keywords);
            let exact = Owned::from_new(cx.py(), exact)?;
            boundary::object(pages::of_bytes(cx, exact.get()))
        })
    }
}

unsafe extern "C" fn subscript(
    object: *mut ffi::PyObject,
    key: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: CPython calls attached, with an instance and any object.
    unsafe {
        if ffi::PySlice_Check(key) == 0 {
            return running::bytes_subscript(object, key);
        }
        boundary::enter(super::class::state_of_any(object), |cx| {
            let (mut start, mut stop, mut step) = (0, 0, 0);
            if running::slice_unpack(key, &mut start, &mut stop, &mut step) < 0 {
                return Err(Raised::already(cx.py()));
            }
            let object = Ref::from_ptr(object);
            let data = object.as_bytes();
            let size = data.len() as ffi::Py_ssize_t;
            let length = ffi::PySlice_AdjustIndices(size, &mut start, &mut stop, step);
            boundary::object(if step == 1 || length <= 1 {
                pages::slice(cx, object, start.max(0) as usize, length as usize)
            } else {
                let stepped: Vec<u8> = (0..length)
                    .map(|index| data[(start + index * step) as usize])
                    .collect();
                inline(cx, &stepped)
            })
        })
    }
}

unsafe extern "C" fn dealloc(object: *mut ffi::PyObject) {
    // SAFETY: called once, attached, with refcount zero. The object goes with its mapping or with its block. Heap
    // types own a reference to their type.
    unsafe {
        let class = ffi::Py_TYPE(object);
        let prefix = prefix(object);
        let backing = (*prefix).backing.take();
        if backing
            .as_ref()
            .is_none_or(|backing| backing.alias.is_none())
        {
            ffi::PyObject_Free(prefix.cast());
        }
        // From here on, the object's memory may be another one's.
        drop(backing);
        running::decref(class.cast());
    }
}
