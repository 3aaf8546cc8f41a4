//! Lets our objects through the standard library's own `Queue`, `prepare_main` and `call`.
//!
//! CPython keeps a registry of classes that it can carry to another interpreter. It is private but exported, so
//! it is looked up at run time; where a symbol is missing, our channels still carry everything. What travels is
//! a [`Message`], as in our own channels. The receiver takes it out of the record, so that nothing is left for
//! CPython's release, which can get lost.

use core::ffi::{CStr, c_int, c_void};

use pyo3_ffi as ffi;

use super::error::Builtin;
use super::{Attached, Cx, Owned, PyResult, Raised, Ref, boundary};
use crate::convert::{Message, Packing, pack, unpack};
use crate::state::State;

/// `_PyXIData_t`, the same on 3.12 to 3.15.
#[repr(C)]
struct Record {
    data: *mut c_void,
    object: *mut ffi::PyObject,
    interpreter: i64,
    new_object: Option<unsafe extern "C" fn(*mut Record) -> *mut ffi::PyObject>,
    free: Option<unsafe extern "C" fn(*mut c_void)>,
}

type GetData =
    unsafe extern "C" fn(*mut ffi::PyThreadState, *mut ffi::PyObject, *mut Record) -> c_int;

/// Registers a class in this interpreter's registry. Does nothing where there is none to be found.
pub(crate) fn register(py: Attached<'_>, class: Ref<'_>) -> PyResult<()> {
    let class = class.as_ptr().cast::<ffi::PyTypeObject>();
    #[cfg(not(Py_3_14))]
    let answer = {
        type Register = unsafe extern "C" fn(*mut ffi::PyTypeObject, GetData) -> c_int;
        let Some(register) = symbol(c"_PyCrossInterpreterData_RegisterClass") else {
            return Ok(());
        };
        // SAFETY: the symbol has this type on 3.12 and 3.13; attached.
        unsafe { core::mem::transmute::<*mut c_void, Register>(register)(class, get_data) }
    };
    #[cfg(Py_3_14)]
    let answer = {
        #[repr(C)]
        struct Functions {
            basic: Option<GetData>,
            fallback: *const c_void,
        }
        type Register = unsafe extern "C" fn(
            *mut ffi::PyThreadState,
            *mut ffi::PyTypeObject,
            Functions,
        ) -> c_int;
        let Some(register) = symbol(c"_PyXIData_RegisterClass") else {
            return Ok(());
        };
        let functions = Functions {
            basic: Some(get_data),
            fallback: core::ptr::null(),
        };
        // SAFETY: the symbol has this type on 3.14 and 3.15; attached.
        unsafe {
            core::mem::transmute::<*mut c_void, Register>(register)(
                ffi::PyThreadState_Get(),
                class,
                functions,
            )
        }
    };
    if answer < 0 {
        return Err(Raised::already(py));
    }
    Ok(())
}

/// The address of a function that CPython exports without saying so.
pub(super) fn symbol(name: &CStr) -> Option<*mut c_void> {
    // SAFETY: looks a name up among all loaded objects.
    let address = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    (!address.is_null()).then_some(address)
}

unsafe extern "C" fn get_data(
    _: *mut ffi::PyThreadState,
    object: *mut ffi::PyObject,
    record: *mut Record,
) -> c_int {
    // SAFETY: CPython calls attached, with an instance of a registered class and a record to be filled.
    unsafe {
        let py = Attached::assume();
        let Ok(module) = py.import(c"interlane._core") else {
            return -1;
        };
        boundary::enter(State::of(module.get()), |cx| {
            let message = pack(cx, Ref::from_ptr(object), Packing::PLAIN)?;
            *record = Record {
                data: Box::into_raw(Box::new(message)).cast(),
                object: core::ptr::null_mut(),
                interpreter: ffi::PyInterpreterState_GetID(ffi::PyInterpreterState_Get()),
                new_object: Some(new_object),
                free: Some(free),
            };
            Ok(0)
        })
    }
}

unsafe extern "C" fn new_object(record: *mut Record) -> *mut ffi::PyObject {
    // SAFETY: CPython calls attached to the receiver, with a record that `get_data` filled.
    unsafe {
        let py = Attached::assume();
        let Ok(module) = py.import(c"interlane._core") else {
            return core::ptr::null_mut();
        };
        boundary::enter(State::of(module.get()), |cx| {
            boundary::object(receive(cx, record))
        })
    }
}

/// # Safety
/// A record that `get_data` filled.
unsafe fn receive(cx: Cx<'_>, record: *mut Record) -> PyResult<Owned<'_>> {
    // SAFETY: forwarded to the caller; the message is taken out once, then the record is empty.
    let message = unsafe {
        let data = core::mem::replace(&mut (*record).data, core::ptr::null_mut());
        if data.is_null() {
            return Err(Raised::builtin(
                cx.py(),
                Builtin::Runtime,
                "this object was received already",
            ));
        }
        Box::from_raw(data.cast::<Message>())
    };
    unpack(cx, *message)
}

unsafe extern "C" fn free(data: *mut c_void) {
    // SAFETY: CPython hands back what `get_data` made and nobody received.
    unsafe { drop(Box::from_raw(data.cast::<Message>())) }
}
