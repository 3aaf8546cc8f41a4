//! Heap types: one trait, one generic layout.

use core::ffi::{CStr, c_int, c_void};
use core::mem;

use pyo3_ffi as ffi;

use super::collection::Collection;
use super::getset::GetSet;
use super::method::Method;
use super::slot::Slot;
use super::{Attached, Cx, Owned, PyResult, Raised, Ref, boundary, running};
use crate::state::State;

/// A Rust type that is the payload of a Python class. Classes can't be subclassed and, without a
/// `tp_new` among their slots, can't be called either. The cycle collector does not track them: payloads
/// hold no references to Python objects, and what a share keeps alive is not one instance's to tell.
pub(crate) trait Class: Sized + Send + Sync + 'static {
    const NAME: &'static CStr;
    const DOC: &'static CStr;
    const METHODS: &'static [Method];
    const GETSET: &'static [GetSet];
    const SLOTS: &'static [Slot];
    const COLLECTION: Collection = Collection::Neither;

    /// Where the module's state keeps the class.
    fn home(state: &State) -> &super::Global;
}

#[repr(C)]
struct Instance<C> {
    base: ffi::PyObject,
    /// CPython's list of weak references to the instance.
    weak: *mut ffi::PyObject,
    /// That of the module that the class belongs to. The class keeps the module, and the instance the class.
    state: *const State,
    payload: C,
}

/// Tells CPython where `weak` is: in the same place for every class.
const MEMBERS: &[ffi::PyMemberDef] = &[
    ffi::PyMemberDef {
        name: c"__weaklistoffset__".as_ptr(),
        type_code: ffi::Py_T_PYSSIZET,
        offset: mem::offset_of!(Instance<()>, weak) as ffi::Py_ssize_t,
        flags: ffi::Py_READONLY,
        doc: core::ptr::null(),
    },
    // SAFETY: all zeroes is the row that ends the table.
    unsafe { mem::zeroed() },
];

/// # Safety
/// `obj` is a live instance of the heap type built from `C`.
pub(crate) unsafe fn payload<'a, C: Class>(obj: *mut ffi::PyObject) -> &'a C {
    // SAFETY: `Instance<C>` is the layout that `new_type` declared.
    unsafe { &(*obj.cast::<Instance<C>>()).payload }
}

/// The payload of `obj` when it is an instance of `C`.
pub(crate) fn downcast<'a, C: Class>(cx: Cx<'_>, obj: Ref<'a>) -> Option<&'a C> {
    let class = C::home(cx.state).try_get(cx.py())?;
    // SAFETY: attached; classes are final, so an exact match of types is a match of layouts.
    unsafe {
        (ffi::Py_TYPE(obj.as_ptr()) == class.as_ptr().cast()).then(|| payload::<C>(obj.as_ptr()))
    }
}

/// The state of the module that the class belongs to.
///
/// # Safety
/// `obj` is a live instance of the heap type built from `C`.
pub(super) unsafe fn state_of<'a, C: Class>(obj: *mut ffi::PyObject) -> &'a State {
    // SAFETY: as in `payload`; see the field.
    unsafe { &*(*obj.cast::<Instance<C>>()).state }
}

/// The same, of an instance of any type of ours.
///
/// # Safety
/// Attached; the type of `obj` is one of ours.
pub(super) unsafe fn state_of_any<'a>(obj: *mut ffi::PyObject) -> &'a State {
    // SAFETY: our types are made with their module, and keep it alive; they are never cleared while an
    // instance can still be called, because the instance holds the type.
    unsafe { &*ffi::PyType_GetModuleState(ffi::Py_TYPE(obj)).cast::<State>() }
}

unsafe extern "C" fn dealloc<C: Class>(obj: *mut ffi::PyObject) {
    // SAFETY: called once by CPython, attached, with refcount zero; heap types own a reference to
    // their type.
    unsafe {
        let class = ffi::Py_TYPE(obj);
        if (*class).tp_finalize.is_some() && running::finalize_from_dealloc(obj) < 0 {
            return; // somebody refers to it again
        }
        if !(*obj.cast::<Instance<C>>()).weak.is_null() {
            running::clear_weak_references(obj);
        }
        boundary::enter_quietly(|_| {
            core::ptr::drop_in_place(&raw mut (*obj.cast::<Instance<C>>()).payload);
        });
        if let Some(free) = (*class).tp_free {
            free(obj.cast());
        }
        running::decref(class.cast());
    }
}

/// Builds the class for this interpreter and puts it into the state and the module.
pub(crate) fn add<C: Class>(cx: Cx<'_>, module: Ref<'_>) -> PyResult<()> {
    let mut slots = vec![
        entry(ffi::Py_tp_dealloc, dealloc::<C> as *mut c_void),
        entry(ffi::Py_tp_doc, C::DOC.as_ptr() as *mut c_void),
        entry(ffi::Py_tp_methods, C::METHODS.as_ptr() as *mut c_void),
        entry(ffi::Py_tp_getset, C::GETSET.as_ptr() as *mut c_void),
        entry(ffi::Py_tp_members, MEMBERS.as_ptr() as *mut c_void),
    ];
    let mut flags = ffi::Py_TPFLAGS_DEFAULT | ffi::Py_TPFLAGS_IMMUTABLETYPE | C::COLLECTION.flags();
    slots.extend(
        C::SLOTS
            .iter()
            .map(|slot| entry(slot.id(), slot.function())),
    );
    if !C::SLOTS.iter().any(|slot| slot.id() == ffi::Py_tp_new) {
        flags |= ffi::Py_TPFLAGS_DISALLOW_INSTANTIATION;
    }
    let size = mem::size_of::<Instance<C>>();
    add_type(
        cx,
        module,
        C::NAME,
        size,
        flags,
        slots,
        None,
        C::home(cx.state),
    )
}

#[expect(
    clippy::too_many_arguments,
    reason = "the fields of a PyType_Spec, used by two callers"
)]
pub(super) fn add_type(
    cx: Cx<'_>,
    module: Ref<'_>,
    name: &'static CStr,
    size: usize,
    flags: core::ffi::c_ulong,
    mut slots: Vec<ffi::PyType_Slot>,
    base: Option<Ref<'_>>,
    home: &super::Global,
) -> PyResult<()> {
    slots.push(entry(0, core::ptr::null_mut()));
    let mut spec = ffi::PyType_Spec {
        name: name.as_ptr(),
        basicsize: c_int::try_from(size).unwrap_or(c_int::MAX),
        itemsize: 0,
        flags: flags as _,
        slots: slots.as_mut_ptr(),
    };
    let base = base.map_or(core::ptr::null_mut(), Ref::as_ptr);
    // SAFETY: spec and slots outlive the call (CPython copies them); the tables inside are 'static.
    let class = unsafe {
        Owned::from_new(
            cx.py(),
            ffi::PyType_FromModuleAndSpec(module.as_ptr(), &mut spec, base),
        )?
    };
    // SAFETY: attached; a new type of this module.
    if unsafe { ffi::PyModule_AddType(module.as_ptr(), class.as_ptr().cast()) } < 0 {
        return Err(Raised::already(cx.py()));
    }
    home.set(class);
    Ok(())
}

pub(super) fn entry(slot: c_int, pfunc: *mut c_void) -> ffi::PyType_Slot {
    ffi::PyType_Slot {
        slot: slot as _,
        pfunc,
    }
}

/// A new instance of the class with this payload.
pub(crate) fn instantiate<C: Class>(cx: Cx<'_>, value: C) -> PyResult<Owned<'_>> {
    let class = C::home(cx.state).get(cx.py())?;
    let obj = allocate(cx.py(), class)?;
    // SAFETY: fresh, unshared, zeroed storage of the right layout.
    unsafe {
        let instance = obj.as_ptr().cast::<Instance<C>>();
        (&raw mut (*instance).state).write(cx.state);
        (&raw mut (*instance).payload).write(value);
    }
    Ok(obj)
}

/// Zeroed storage for an instance of a heap type.
pub(super) fn allocate<'py>(py: Attached<'py>, class: Ref<'_>) -> PyResult<Owned<'py>> {
    // SAFETY: attached, `class` is a heap type.
    unsafe { Owned::from_new(py, ffi::PyType_GenericAlloc(class.as_ptr().cast(), 0)) }
}
