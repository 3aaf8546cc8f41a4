//! The calls that may run Python code, and with it let go of the GIL.
//!
//! A daemon thread that wants the GIL back while the process ends never gets it. From 3.14 on CPython lets the
//! thread hang; 3.12 and 3.13 end it with `pthread_exit`, which unwinds its stack, and where that meets Rust the
//! process aborts. So there these calls are declared as unwinding, with a guard around each that is met first and
//! makes the thread hang.

use core::ffi::{c_char, c_int};

use pyo3_ffi as ffi;

use ffi::{Py_buffer, Py_ssize_t, PyObject, PyThreadState};

#[cfg(all(unix, not(Py_3_14)))]
mod raw {
    use super::{Py_buffer, Py_ssize_t, PyObject, PyThreadState, c_char, c_int};

    // Nothing may call pyo3-ffi's own declarations of these: the compiler takes what is declared once as not
    // unwinding as never unwinding.
    unsafe extern "C-unwind" {
        pub(super) fn PyObject_Vectorcall(
            callable: *mut PyObject,
            args: *const *mut PyObject,
            count: usize,
            names: *mut PyObject,
        ) -> *mut PyObject;
        pub(super) fn PyObject_GetIter(object: *mut PyObject) -> *mut PyObject;
        pub(super) fn PyIter_Next(iterator: *mut PyObject) -> *mut PyObject;
        pub(super) fn PyObject_GetAttrString(
            object: *mut PyObject,
            name: *const c_char,
        ) -> *mut PyObject;
        pub(super) fn PyObject_SetAttrString(
            object: *mut PyObject,
            name: *const c_char,
            value: *mut PyObject,
        ) -> c_int;
        pub(super) fn PyImport_ImportModule(name: *const c_char) -> *mut PyObject;
        pub(super) fn PyObject_Repr(object: *mut PyObject) -> *mut PyObject;
        pub(super) fn PyNumber_AsSsize_t(
            object: *mut PyObject,
            overflow: *mut PyObject,
        ) -> Py_ssize_t;
        pub(super) fn PyNumber_Index(object: *mut PyObject) -> *mut PyObject;
        pub(super) fn PyFloat_AsDouble(object: *mut PyObject) -> f64;
        pub(super) fn PyObject_GetBuffer(
            object: *mut PyObject,
            view: *mut Py_buffer,
            flags: c_int,
        ) -> c_int;
        pub(super) fn PyBuffer_Release(view: *mut Py_buffer);
        pub(super) fn PyObject_GetAttr(object: *mut PyObject, name: *mut PyObject)
        -> *mut PyObject;
        #[cfg(Py_3_13)]
        pub(super) fn PyObject_GetOptionalAttr(
            object: *mut PyObject,
            name: *mut PyObject,
            value: *mut *mut PyObject,
        ) -> c_int;
        pub(super) fn PyObject_CallObject(
            callable: *mut PyObject,
            args: *mut PyObject,
        ) -> *mut PyObject;
        pub(super) fn PyObject_Call(
            callable: *mut PyObject,
            args: *mut PyObject,
            keywords: *mut PyObject,
        ) -> *mut PyObject;
        pub(super) fn PySlice_Unpack(
            slice: *mut PyObject,
            start: *mut Py_ssize_t,
            stop: *mut Py_ssize_t,
            step: *mut Py_ssize_t,
        ) -> c_int;
        pub(super) fn PyObject_Str(object: *mut PyObject) -> *mut PyObject;
        pub(super) fn PyObject_IsTrue(object: *mut PyObject) -> c_int;
        pub(super) fn PyObject_RichCompareBool(
            object: *mut PyObject,
            other: *mut PyObject,
            operation: c_int,
        ) -> c_int;
        pub(super) fn PyObject_Hash(object: *mut PyObject) -> Py_ssize_t;
        pub(super) fn PyImport_Import(name: *mut PyObject) -> *mut PyObject;
        pub(super) fn PyImport_GetModule(name: *mut PyObject) -> *mut PyObject;
        #[cfg(Py_3_13)]
        pub(super) fn PyDict_GetItemRef(
            dict: *mut PyObject,
            key: *mut PyObject,
            value: *mut *mut PyObject,
        ) -> c_int;
        #[cfg(not(Py_3_13))]
        pub(super) fn PyDict_GetItemWithError(
            dict: *mut PyObject,
            key: *mut PyObject,
        ) -> *mut PyObject;
        pub(super) fn PyDict_SetItem(
            dict: *mut PyObject,
            key: *mut PyObject,
            value: *mut PyObject,
        ) -> c_int;
        pub(super) fn PyDict_DelItem(dict: *mut PyObject, key: *mut PyObject) -> c_int;
        pub(super) fn PyObject_SetItem(
            object: *mut PyObject,
            key: *mut PyObject,
            value: *mut PyObject,
        ) -> c_int;
        pub(super) fn PyObject_GenericSetAttr(
            object: *mut PyObject,
            name: *mut PyObject,
            value: *mut PyObject,
        ) -> c_int;
        pub(super) fn PySet_Add(set: *mut PyObject, item: *mut PyObject) -> c_int;
        pub(super) fn PyErr_WriteUnraisable(source: *mut PyObject);
        pub(super) fn PyErr_Clear();
        pub(super) fn PyErr_CheckSignals() -> c_int;
        pub(super) fn PyErr_SetObject(class: *mut PyObject, value: *mut PyObject);
        pub(super) fn PyErr_SetRaisedException(exception: *mut PyObject);
        pub(super) fn PyObject_ClearWeakRefs(object: *mut PyObject);
        pub(super) fn PyObject_CallFinalizerFromDealloc(object: *mut PyObject) -> c_int;
        pub(super) fn PyErr_ResourceWarning(
            source: *mut PyObject,
            level: Py_ssize_t,
            format: *const c_char,
            ...
        ) -> c_int;
        pub(super) fn PyThreadState_Clear(thread: *mut PyThreadState);
        #[cfg(not(Py_3_14))]
        pub(super) fn PyThreadState_Swap(thread: *mut PyThreadState) -> *mut PyThreadState;
        #[cfg(not(Py_3_14))]
        pub(super) fn Py_EndInterpreter(thread: *mut PyThreadState);
        #[cfg(not(Py_3_14))]
        pub(super) fn Py_NewInterpreterFromConfig(
            thread: *mut *mut PyThreadState,
            config: *const pyo3_ffi::PyInterpreterConfig,
        ) -> pyo3_ffi::PyStatus;
        pub(super) fn PyEval_RestoreThread(thread: *mut PyThreadState);
        pub(super) fn Py_DecRef(object: *mut PyObject);
    }

    /// Dropped only by unwinding: tells that the thread is lost, then keeps it.
    struct Hang<F: Fn()>(F);

    impl<F: Fn()> Drop for Hang<F> {
        fn drop(&mut self) {
            (self.0)();
            loop {
                std::thread::park();
            }
        }
    }

    #[inline(always)]
    pub(super) fn guarded_or<R>(lost: impl Fn(), call: impl FnOnce() -> R) -> R {
        let hang = Hang(lost);
        let answer = call();
        core::mem::forget(hang);
        answer
    }
}

#[cfg(not(all(unix, not(Py_3_14))))]
mod raw {
    pub(super) use pyo3_ffi::*;

    #[inline(always)]
    pub(super) fn guarded_or<R>(_lost: impl Fn(), call: impl FnOnce() -> R) -> R {
        call()
    }
}

/// Runs `call`, a call of an extension's function, declared as unwinding, for instance.
#[inline(always)]
pub(super) fn guarded<R>(call: impl FnOnce() -> R) -> R {
    raw::guarded_or(|| (), call)
}

/// Attaches the thread. Calls `lost` when it will never be, where that can be known (before 3.14): then it hangs.
///
/// # Safety
/// As for CPython's function of this name.
pub(super) unsafe fn restore_thread(thread: *mut PyThreadState, lost: impl Fn()) {
    // SAFETY: forwarded to the caller.
    raw::guarded_or(lost, || unsafe { raw::PyEval_RestoreThread(thread) });
}

/// # Safety
/// As for CPython's function of this name.
pub(super) unsafe fn vectorcall<const N: usize>(
    callable: *mut PyObject,
    args: [*mut PyObject; N],
) -> *mut PyObject {
    // SAFETY: forwarded to the caller; the array outlives the call.
    guarded(|| unsafe {
        raw::PyObject_Vectorcall(callable, args.as_ptr(), N, core::ptr::null_mut())
    })
}

/// # Safety
/// As for CPython's function of this name.
pub(super) unsafe fn get_iter(object: *mut PyObject) -> *mut PyObject {
    // SAFETY: forwarded to the caller.
    guarded(|| unsafe { raw::PyObject_GetIter(object) })
}

/// # Safety
/// As for CPython's function of this name.
pub(super) unsafe fn iter_next(iterator: *mut PyObject) -> *mut PyObject {
    // SAFETY: forwarded to the caller.
    guarded(|| unsafe { raw::PyIter_Next(iterator) })
}

/// # Safety
/// As for CPython's function of this name.
pub(super) unsafe fn get_attr(object: *mut PyObject, name: *const c_char) -> *mut PyObject {
    // SAFETY: forwarded to the caller.
    guarded(|| unsafe { raw::PyObject_GetAttrString(object, name) })
}

/// # Safety
/// As for CPython's function of this name.
pub(super) unsafe fn set_attr(
    object: *mut PyObject,
    name: *const c_char,
    value: *mut PyObject,
) -> c_int {
    // SAFETY: forwarded to the caller.
    guarded(|| unsafe { raw::PyObject_SetAttrString(object, name, value) })
}

/// # Safety
/// As for CPython's function of this name.
pub(super) unsafe fn import(name: *const c_char) -> *mut PyObject {
    // SAFETY: forwarded to the caller.
    guarded(|| unsafe { raw::PyImport_ImportModule(name) })
}

/// # Safety
/// As for CPython's function of this name.
pub(super) unsafe fn repr(object: *mut PyObject) -> *mut PyObject {
    // SAFETY: forwarded to the caller.
    guarded(|| unsafe { raw::PyObject_Repr(object) })
}

/// # Safety
/// As for CPython's function of this name.
pub(super) unsafe fn as_ssize(object: *mut PyObject, overflow: *mut PyObject) -> Py_ssize_t {
    // SAFETY: forwarded to the caller.
    guarded(|| unsafe { raw::PyNumber_AsSsize_t(object, overflow) })
}

/// # Safety
/// As for CPython's function of this name.
pub(super) unsafe fn number_index(object: *mut PyObject) -> *mut PyObject {
    // SAFETY: forwarded to the caller.
    guarded(|| unsafe { raw::PyNumber_Index(object) })
}

/// # Safety
/// As for CPython's function of this name.
pub(super) unsafe fn as_double(object: *mut PyObject) -> f64 {
    // SAFETY: forwarded to the caller.
    guarded(|| unsafe { raw::PyFloat_AsDouble(object) })
}

/// # Safety
/// As for CPython's function of this name.
pub(super) unsafe fn get_buffer(
    object: *mut PyObject,
    view: *mut Py_buffer,
    flags: c_int,
) -> c_int {
    // SAFETY: forwarded to the caller.
    guarded(|| unsafe { raw::PyObject_GetBuffer(object, view, flags) })
}

/// # Safety
/// As for CPython's function of this name.
pub(super) unsafe fn release_buffer(view: *mut Py_buffer) {
    // SAFETY: forwarded to the caller.
    guarded(|| unsafe { raw::PyBuffer_Release(view) });
}

/// # Safety
/// As for CPython's function of this name.
pub(super) unsafe fn get_attribute(object: *mut PyObject, name: *mut PyObject) -> *mut PyObject {
    // SAFETY: forwarded to the caller.
    guarded(|| unsafe { raw::PyObject_GetAttr(object, name) })
}

/// # Safety
/// As for CPython's function of this name, which is new in 3.13.
pub(super) unsafe fn get_optional_attribute(
    object: *mut PyObject,
    name: *mut PyObject,
    value: *mut *mut PyObject,
) -> c_int {
    #[cfg(Py_3_13)]
    // SAFETY: forwarded to the caller.
    return guarded(|| unsafe { raw::PyObject_GetOptionalAttr(object, name, value) });
    #[cfg(not(Py_3_13))]
    // SAFETY: forwarded to the caller.
    unsafe {
        *value = get_attribute(object, name);
        if !(*value).is_null() {
            return 1;
        }
        if ffi::PyErr_ExceptionMatches(ffi::PyExc_AttributeError) == 0 {
            return -1;
        }
        clear_error();
        0
    }
}

/// # Safety
/// As for CPython's function of this name.
pub(super) unsafe fn call_object(callable: *mut PyObject, args: *mut PyObject) -> *mut PyObject {
    // SAFETY: forwarded to the caller.
    guarded(|| unsafe { raw::PyObject_CallObject(callable, args) })
}

/// # Safety
/// As for CPython's `PyObject_Call`.
pub(super) unsafe fn call_with_keywords(
    callable: *mut PyObject,
    args: *mut PyObject,
    keywords: *mut PyObject,
) -> *mut PyObject {
    // SAFETY: forwarded to the caller.
    guarded(|| unsafe { raw::PyObject_Call(callable, args, keywords) })
}

/// # Safety
/// As for CPython's function of this name.
pub(super) unsafe fn slice_unpack(
    slice: *mut PyObject,
    start: *mut Py_ssize_t,
    stop: *mut Py_ssize_t,
    step: *mut Py_ssize_t,
) -> c_int {
    // SAFETY: forwarded to the caller.
    guarded(|| unsafe { raw::PySlice_Unpack(slice, start, stop, step) })
}

/// `bytes.__getitem__(object, key)`.
///
/// # Safety
/// The thread is attached; `object` is a `bytes`.
pub(super) unsafe fn bytes_subscript(object: *mut PyObject, key: *mut PyObject) -> *mut PyObject {
    type Subscript = unsafe extern "C" fn(*mut PyObject, *mut PyObject) -> *mut PyObject;
    #[cfg(all(unix, not(Py_3_14)))]
    type Unwinding = unsafe extern "C-unwind" fn(*mut PyObject, *mut PyObject) -> *mut PyObject;
    // SAFETY: forwarded to the caller; a built-in type's tables are filled and never change. Where `__index__` may
    // unwind, it is called as what may.
    unsafe {
        let mapping = ffi::PyBytes_Type.tp_as_mapping;
        let Some(subscript): Option<Subscript> = (*mapping).mp_subscript else {
            return core::ptr::null_mut();
        };
        #[cfg(all(unix, not(Py_3_14)))]
        let subscript = core::mem::transmute::<Subscript, Unwinding>(subscript);
        guarded(|| subscript(object, key))
    }
}

/// # Safety
/// As for CPython's function of this name.
pub(super) unsafe fn str(object: *mut PyObject) -> *mut PyObject {
    // SAFETY: forwarded to the caller.
    guarded(|| unsafe { raw::PyObject_Str(object) })
}

/// # Safety
/// As for CPython's function of this name.
pub(super) unsafe fn is_true(object: *mut PyObject) -> c_int {
    // SAFETY: forwarded to the caller.
    guarded(|| unsafe { raw::PyObject_IsTrue(object) })
}

/// # Safety
/// As for CPython's function of this name.
pub(super) unsafe fn hash(object: *mut PyObject) -> Py_ssize_t {
    // SAFETY: forwarded to the caller.
    guarded(|| unsafe { raw::PyObject_Hash(object) })
}

/// `object == other`, or -1.
///
/// # Safety
/// As for CPython's function.
pub(super) unsafe fn equal(object: *mut PyObject, other: *mut PyObject) -> c_int {
    // SAFETY: forwarded to the caller.
    guarded(|| unsafe { raw::PyObject_RichCompareBool(object, other, ffi::Py_EQ) })
}

/// # Safety
/// As for CPython's function of this name.
pub(super) unsafe fn import_named(name: *mut PyObject) -> *mut PyObject {
    // SAFETY: forwarded to the caller.
    guarded(|| unsafe { raw::PyImport_Import(name) })
}

/// # Safety
/// As for CPython's function of this name. It waits for an import of the module in another thread.
pub(super) unsafe fn get_module(name: *mut PyObject) -> *mut PyObject {
    // SAFETY: forwarded to the caller.
    guarded(|| unsafe { raw::PyImport_GetModule(name) })
}

/// # Safety
/// As for CPython's function of this name, which is new in 3.13.
pub(super) unsafe fn dict_get(
    dict: *mut PyObject,
    key: *mut PyObject,
    value: *mut *mut PyObject,
) -> c_int {
    #[cfg(Py_3_13)]
    // SAFETY: forwarded to the caller.
    return guarded(|| unsafe { raw::PyDict_GetItemRef(dict, key, value) });
    #[cfg(not(Py_3_13))]
    // SAFETY: forwarded to the caller; what is borrowed becomes owned at once.
    unsafe {
        *value = guarded(|| raw::PyDict_GetItemWithError(dict, key));
        if (*value).is_null() {
            return if ffi::PyErr_Occurred().is_null() {
                0
            } else {
                -1
            };
        }
        ffi::Py_INCREF(*value);
        1
    }
}

/// # Safety
/// As for CPython's function of this name.
pub(super) unsafe fn dict_set(
    dict: *mut PyObject,
    key: *mut PyObject,
    value: *mut PyObject,
) -> c_int {
    // SAFETY: forwarded to the caller.
    guarded(|| unsafe { raw::PyDict_SetItem(dict, key, value) })
}

/// # Safety
/// As for CPython's function of this name.
pub(super) unsafe fn dict_remove(dict: *mut PyObject, key: *mut PyObject) -> c_int {
    // SAFETY: forwarded to the caller.
    guarded(|| unsafe { raw::PyDict_DelItem(dict, key) })
}

/// # Safety
/// As for CPython's function of this name.
pub(super) unsafe fn set_add(set: *mut PyObject, item: *mut PyObject) -> c_int {
    // SAFETY: forwarded to the caller.
    guarded(|| unsafe { raw::PySet_Add(set, item) })
}

/// # Safety
/// As for CPython's function of this name.
pub(super) unsafe fn set_item(
    object: *mut PyObject,
    key: *mut PyObject,
    value: *mut PyObject,
) -> c_int {
    // SAFETY: forwarded to the caller.
    guarded(|| unsafe { raw::PyObject_SetItem(object, key, value) })
}

/// # Safety
/// As for CPython's function of this name.
pub(super) unsafe fn set_generic(
    object: *mut PyObject,
    name: *mut PyObject,
    value: *mut PyObject,
) -> c_int {
    // SAFETY: forwarded to the caller.
    guarded(|| unsafe { raw::PyObject_GenericSetAttr(object, name, value) })
}

/// Calls a class's `tp_new`.
///
/// # Safety
/// `new` is that of the class or of one of its bases, `args` a tuple; the thread is attached.
pub(super) unsafe fn make_instance(
    new: ffi::newfunc,
    class: *mut ffi::PyTypeObject,
    args: *mut PyObject,
) -> *mut PyObject {
    type New = unsafe extern "C-unwind" fn(
        *mut ffi::PyTypeObject,
        *mut PyObject,
        *mut PyObject,
    ) -> *mut PyObject;
    // SAFETY: the same function, which may unwind; the rest is forwarded to the caller.
    guarded(|| unsafe {
        core::mem::transmute::<ffi::newfunc, New>(new)(class, args, core::ptr::null_mut())
    })
}

/// # Safety
/// As for CPython's function of this name.
pub(super) unsafe fn write_unraisable(source: *mut PyObject) {
    // SAFETY: forwarded to the caller.
    guarded(|| unsafe { raw::PyErr_WriteUnraisable(source) });
}

/// # Safety
/// The thread is attached.
pub(super) unsafe fn clear_error() {
    // SAFETY: forwarded to the caller.
    guarded(|| unsafe { raw::PyErr_Clear() });
}

/// Also runs the collector, if it is due.
///
/// # Safety
/// The thread is attached.
pub(super) unsafe fn check_signals() -> c_int {
    // SAFETY: forwarded to the caller.
    guarded(|| unsafe { raw::PyErr_CheckSignals() })
}

/// # Safety
/// As for CPython's function of this name: makes an instance of the class.
pub(super) unsafe fn set_error(class: *mut PyObject, value: *mut PyObject) {
    // SAFETY: forwarded to the caller.
    guarded(|| unsafe { raw::PyErr_SetObject(class, value) });
}

/// # Safety
/// As for CPython's function of this name: gives up the exception that was set before.
pub(super) unsafe fn restore_error(exception: *mut PyObject) {
    // SAFETY: forwarded to the caller.
    guarded(|| unsafe { raw::PyErr_SetRaisedException(exception) });
}

/// # Safety
/// As for CPython's function of this name: runs the callbacks.
pub(super) unsafe fn clear_weak_references(object: *mut PyObject) {
    // SAFETY: forwarded to the caller.
    guarded(|| unsafe { raw::PyObject_ClearWeakRefs(object) });
}

/// Calls the finalizer of an object that is about to be freed; negative when it is alive again.
///
/// # Safety
/// As for CPython's function of this name.
pub(super) unsafe fn finalize_from_dealloc(object: *mut PyObject) -> c_int {
    // SAFETY: forwarded to the caller.
    guarded(|| unsafe { raw::PyObject_CallFinalizerFromDealloc(object) })
}

/// # Safety
/// As for CPython's function of this name; `message` is NUL-terminated.
pub(super) unsafe fn warn_resource(source: *mut PyObject, message: *const c_char) -> c_int {
    // SAFETY: forwarded to the caller; the format has one string.
    guarded(|| unsafe { raw::PyErr_ResourceWarning(source, 1, c"%s".as_ptr(), message) })
}

/// # Safety
/// As for CPython's function of this name: gives up what is local to the thread.
pub(super) unsafe fn clear_thread(thread: *mut PyThreadState) {
    // SAFETY: forwarded to the caller.
    guarded(|| unsafe { raw::PyThreadState_Clear(thread) });
}

/// Attaches the thread with another thread state in place of its own, which is returned.
///
/// # Safety
/// As for CPython's function of this name.
#[cfg(not(Py_3_14))]
pub(super) unsafe fn swap_thread(thread: *mut PyThreadState) -> *mut PyThreadState {
    // SAFETY: forwarded to the caller.
    guarded(|| unsafe { raw::PyThreadState_Swap(thread) })
}

/// # Safety
/// As for CPython's function of this name.
#[cfg(not(Py_3_14))]
pub(super) unsafe fn new_interpreter(
    thread: &mut *mut PyThreadState,
    config: &ffi::PyInterpreterConfig,
) -> ffi::PyStatus {
    // SAFETY: forwarded to the caller.
    guarded(|| unsafe { raw::Py_NewInterpreterFromConfig(thread, config) })
}

/// # Safety
/// As for CPython's function of this name.
#[cfg(not(Py_3_14))]
pub(super) unsafe fn end_interpreter(thread: *mut PyThreadState) {
    // SAFETY: forwarded to the caller.
    guarded(|| unsafe { raw::Py_EndInterpreter(thread) });
}

/// Gives a reference up. In place unless it is the last one.
///
/// # Safety
/// The thread is attached to the object's interpreter and owns a reference, which it does not use again.
#[inline]
pub(super) unsafe fn decref(object: *mut PyObject) {
    // SAFETY: forwarded to the caller.
    unsafe {
        if cfg!(all(unix, not(Py_3_14))) && ffi::Py_REFCNT(object) == 1 {
            guarded(|| raw::Py_DecRef(object));
        } else {
            ffi::Py_DECREF(object);
        }
    }
}
