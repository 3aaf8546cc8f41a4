//! `SharedStr`: a `str` subclass over characters that somebody else keeps.
//!
//! An instance of a subclass of `str` is not compact: its characters are reached through a pointer, which
//! we aim at the shared memory. The instance keeps one count of the share behind the string's own fields.

use core::ffi::c_void;

use pyo3_ffi as ffi;

use interlane_core::{AnyShare, Held};

use super::class::{add_type, allocate, entry};
use super::text::{Characters, state};
use super::{Args, Cx, Owned, PyResult, Ref, Signature, running, subscript};
use crate::convert::Message;
use crate::convert::part::Part;
use crate::convert::text::Text;

#[repr(C)]
struct Instance {
    base: ffi::PyUnicodeObject,
    /// `None` is all zeroes, as the storage comes.
    keeper: Option<Held>,
}

const DOC: &core::ffi::CStr = c"SharedStr(text='')
--

A str whose characters are the same memory in every interpreter.

Everything that str does works, at the same speed. SharedStr(text) copies the characters of text once
into memory that no interpreter owns; sending it copies nothing. A str from the share threshold on arrives
as a SharedStr over the sender's own characters, which it keeps in memory as long as it lives:
str(x) makes an independent copy. Slices and results of methods are ordinary str.";

const NEW: Signature<1> = Signature {
    function: "SharedStr",
    names: [c"text"],
    required: 0,
    positional: 1,
    positional_only: 0,
};

pub(crate) fn add(cx: Cx<'_>, module: Ref<'_>) -> PyResult<()> {
    let slot = subscript::new(new);
    let slots = vec![
        entry(ffi::Py_tp_dealloc, dealloc as *mut c_void),
        entry(slot.id(), slot.function()),
        entry(ffi::Py_tp_doc, DOC.as_ptr() as *mut c_void),
    ];
    let flags = ffi::Py_TPFLAGS_DEFAULT | ffi::Py_TPFLAGS_IMMUTABLETYPE;
    // SAFETY: a static type, alive for ever.
    let base = unsafe { Ref::from_ptr((&raw mut ffi::PyUnicode_Type).cast()) };
    let home = &cx.state.shared_str;
    add_type(
        cx,
        module,
        c"interlane.SharedStr",
        size_of::<Instance>(),
        flags,
        slots,
        Some(base),
        home,
    )
}

/// A new `SharedStr` over characters that `keeper` keeps.
pub(crate) fn make<'py>(
    cx: Cx<'py>,
    characters: Characters,
    keeper: AnyShare,
) -> PyResult<Owned<'py>> {
    if !super::text::SHAREABLE {
        return cx.text(characters.ascii, characters.width, characters.bytes());
    }
    let object = allocate(cx.py(), cx.state.shared_str.get(cx.py())?)?;
    let instance = object.as_ptr().cast::<Instance>();
    // SAFETY: fresh, zeroed storage of `Instance`'s layout; the characters stay valid while the keeper does,
    // and the instance keeps it until its dealloc.
    unsafe {
        let base = &raw mut (*instance).base;
        let Characters {
            data,
            length,
            width,
            ascii,
        } = characters;
        (*base)._base._base.length = length as _;
        (*base)._base._base.hash = -1;
        (*base)._base._base.state =
            (u32::from(width) << state::KIND_SHIFT) | if ascii { state::ASCII } else { 0 };
        (*base).data.any = data.cast_mut().cast();
        if ascii {
            (*base)._base.utf8 = data.cast_mut().cast();
            (*base)._base.utf8_length = length as _;
        }
        (&raw mut (*instance).keeper).write(Some(cx.state.interpreter().hold(keeper)));
    }
    Ok(object)
}

/// The characters of a `SharedStr` and what keeps them, or `None` when `object` isn't one.
pub(crate) fn share_of(cx: Cx<'_>, object: Ref<'_>) -> Option<(Characters, AnyShare)> {
    let class = cx.state.shared_str.try_get(cx.py())?;
    // SAFETY: the class is final, so an exact match is a match of layouts.
    unsafe {
        if ffi::Py_TYPE(object.as_ptr()) != class.as_ptr().cast() {
            return None;
        }
        let keeper = (*object.as_ptr().cast::<Instance>()).keeper.as_ref()?;
        Some((object.characters(), AnyShare::clone(keeper)))
    }
}

/// The message of a `SharedStr`: the same characters once more.
pub(crate) fn forward(cx: Cx<'_>, object: Ref<'_>) -> Option<Message> {
    let (characters, keeper) = share_of(cx, object)?;
    Some(match keeper.downcast::<Text>() {
        Ok(text) => Message::Text(text),
        Err(whole) => Message::Part(Box::new(Part::Text(characters, whole))),
    })
}

fn new<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [text] = args.parse(cx.py(), &NEW)?;
    crate::convert::text::shared_copy(cx, text)
}

unsafe extern "C" fn dealloc(object: *mut ffi::PyObject) {
    // SAFETY: called once, attached, with refcount zero. The characters and, for ASCII, the UTF-8 are not
    // ours to free; other cached UTF-8 is. Heap types own a reference to their type.
    unsafe {
        let class = ffi::Py_TYPE(object);
        let instance = object.cast::<Instance>();
        let base = &raw mut (*instance).base;
        let utf8 = (*base)._base.utf8;
        if !utf8.is_null() && utf8.cast::<c_void>() != (*base).data.any {
            ffi::PyMem_Free(utf8.cast());
        }
        drop((*instance).keeper.take());
        if let Some(free) = (*class).tp_free {
            free(object.cast());
        }
        running::decref(class.cast());
    }
}
