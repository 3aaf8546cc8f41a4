//! Multi-phase module definition and per-interpreter state.

use core::cell::UnsafeCell;
use core::ffi::{CStr, c_int, c_void};
use core::ptr::null_mut;

use pyo3_ffi as ffi;

use super::method::Method;
use super::{Ref, boundary};
use crate::state::State;

/// The module's definition. CPython writes to it (its reference count and index), we never do: `PyInit` may
/// run in two interpreters at once.
pub(crate) struct Definition(UnsafeCell<ffi::PyModuleDef>);

const SLOT_COUNT: usize = if cfg!(Py_3_13) { 4 } else { 3 };

struct Slots([ffi::PyModuleDef_Slot; SLOT_COUNT]);

// SAFETY: changed only by CPython's import machinery, under its own rules for module definitions.
unsafe impl Sync for Definition {}
// SAFETY: never written to; the pointers inside are 'static.
unsafe impl Sync for Slots {}

static SLOTS: Slots = Slots([
    ffi::PyModuleDef_Slot {
        slot: ffi::Py_mod_exec,
        value: exec as *mut c_void,
    },
    ffi::PyModuleDef_Slot {
        slot: ffi::Py_mod_multiple_interpreters,
        value: ffi::Py_MOD_PER_INTERPRETER_GIL_SUPPORTED,
    },
    #[cfg(Py_3_13)]
    ffi::PyModuleDef_Slot {
        slot: ffi::Py_mod_gil,
        value: ffi::Py_MOD_GIL_NOT_USED,
    },
    ffi::PyModuleDef_Slot {
        slot: 0,
        value: null_mut(),
    },
]);

impl Definition {
    pub(crate) const fn new(
        name: &'static CStr,
        doc: &'static CStr,
        functions: &'static [Method],
    ) -> Self {
        Self(UnsafeCell::new(ffi::PyModuleDef {
            m_base: ffi::PyModuleDef_HEAD_INIT,
            m_name: name.as_ptr(),
            m_doc: doc.as_ptr(),
            m_size: size_of::<State>() as _,
            m_methods: functions.as_ptr().cast_mut(),
            m_slots: (&raw const SLOTS.0).cast_mut().cast(),
            m_traverse: Some(traverse),
            m_clear: Some(clear),
            m_free: Some(free),
        }))
    }

    pub(super) fn as_ptr(&'static self) -> *mut ffi::PyModuleDef {
        self.0.get()
    }

    /// What `PyInit__core` answers.
    pub(crate) fn init(&'static self) -> *mut c_void {
        // SAFETY: called by the import system with a definition that lives for ever.
        unsafe { ffi::PyModuleDef_Init(self.0.get()).cast() }
    }
}

impl State {
    /// # Safety
    /// `module` is a module made from our definition.
    pub(super) unsafe fn of<'a>(module: Ref<'a>) -> &'a State {
        // SAFETY: m_size > 0, so the state lives as long as the module; all zeroes is a valid state.
        unsafe { &*ffi::PyModule_GetState(module.as_ptr()).cast::<State>() }
    }
}

unsafe extern "C" fn exec(module: *mut ffi::PyObject) -> c_int {
    // SAFETY: CPython calls exec attached, with the fresh module.
    unsafe {
        let module = Ref::from_ptr(module);
        boundary::enter(State::of(module), |cx| {
            crate::execute(cx, module).map(|()| 0)
        })
    }
}

/// The state, or `None` before exec allocated it.
unsafe fn state<'a>(module: *mut ffi::PyObject) -> Option<&'a State> {
    // SAFETY: a live module of ours; CPython answers NULL before the state exists.
    unsafe { ffi::PyModule_GetState(module).cast::<State>().as_ref() }
}

unsafe extern "C" fn traverse(
    module: *mut ffi::PyObject,
    visit: ffi::visitproc,
    arg: *mut c_void,
) -> c_int {
    // SAFETY: the collector calls with a live module.
    unsafe {
        let Some(state) = state(module) else { return 0 };
        for global in state.globals() {
            let object = global.as_ptr();
            if !object.is_null() {
                let answer = visit(object, arg);
                if answer != 0 {
                    return answer;
                }
            }
        }
    }
    0
}

unsafe extern "C" fn clear(module: *mut ffi::PyObject) -> c_int {
    // SAFETY: called attached, with a live module.
    unsafe {
        if let Some(state) = state(module) {
            boundary::enter_quietly(|py| {
                for global in state.globals() {
                    global.clear(py);
                }
                state.keys.clear(py);
                state.sent.clear(py);
                state.arrived.clear(py);
            });
        }
    }
    0
}

unsafe extern "C" fn free(module: *mut c_void) {
    // SAFETY: called attached, once, last; nobody sees the state afterwards.
    unsafe {
        clear(module.cast());
        let state = ffi::PyModule_GetState(module.cast()).cast::<State>();
        if !state.is_null() {
            core::ptr::drop_in_place(state);
        }
    }
}
