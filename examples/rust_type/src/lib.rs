//! An extension type in Rust, over raw `pyo3-ffi`: a signal, which has a sample rate and samples.
//!
//! It shares two areas. The second one is the sample rate: whatever a borrower has to know goes into an area.

mod interlane;

use core::ffi::{CStr, c_int, c_void};
use core::ptr::null_mut;

use interlane::{Area, Table};
use pyo3_ffi::*;

/// What is in a `Signal`.
struct Contents {
    store: Store,
    /// Calls of `acquire` without their `release`.
    shares: usize,
}

enum Store {
    Own(f64, Box<[f32]>),
    /// Of another interpreter: the rate, the samples and how many, and what keeps both.
    Shared(*const f64, *const f32, usize, *mut PyObject),
}

impl Contents {
    fn new(store: Store) -> Self {
        Self { store, shares: 0 }
    }

    fn rate(&self) -> &f64 {
        match &self.store {
            Store::Own(rate, _) => rate,
            // SAFETY: valid while the keeper is, which we have a reference to; checked to be aligned.
            Store::Shared(rate, ..) => unsafe { &**rate },
        }
    }

    fn samples(&self) -> &[f32] {
        match &self.store {
            Store::Own(_, samples) => samples,
            // SAFETY: as above.
            Store::Shared(_, data, count, _) => unsafe {
                core::slice::from_raw_parts(*data, *count)
            },
        }
    }
}

#[repr(C)]
struct Signal {
    base: PyObject,
    contents: Contents,
}

/// # Safety
/// `object` is a `Signal`, and no other reference to its contents is in use.
unsafe fn contents<'a>(object: *mut PyObject) -> &'a mut Contents {
    // SAFETY: forwarded to the caller.
    unsafe { &mut (*object.cast::<Signal>()).contents }
}

// --- how it is shared

static TABLE: Table = Table::new(c"rust_type:Signal", 2, acquire, rebuild, release);

unsafe extern "C" fn acquire(
    object: *mut PyObject,
    areas: *mut Area,
    _state: *mut *mut c_void,
) -> Py_ssize_t {
    // SAFETY: interlane calls attached, with a signal and as many zeroed areas as the table says.
    unsafe {
        let contents = contents(object);
        let (rate, samples) = (contents.rate(), contents.samples());
        *areas = Area {
            data: samples.as_ptr().cast_mut().cast(),
            nbytes: size_of_val(samples) as Py_ssize_t,
            itemsize: 4,
            format: c"f".as_ptr(),
            readonly: 1,
            ..core::mem::zeroed()
        };
        *areas.add(1) = Area {
            data: core::ptr::from_ref(rate).cast_mut().cast(),
            nbytes: 8,
            itemsize: 8,
            format: c"d".as_ptr(),
            readonly: 1,
            ..core::mem::zeroed()
        };
        contents.shares += 1;
    }
    2
}

unsafe extern "C" fn rebuild(
    class: *mut PyTypeObject,
    areas: *const Area,
    count: Py_ssize_t,
    keeper: *mut PyObject,
) -> *mut PyObject {
    // SAFETY: interlane calls attached, with our type and that many areas, checked to be in themselves consistent.
    unsafe {
        let areas = core::slice::from_raw_parts(areas, count as usize);
        let [samples, rate] = areas else {
            return raise(PyExc_ValueError, c"a signal has 2 areas");
        };
        let aligned =
            samples.data.cast::<f32>().is_aligned() && rate.data.cast::<f64>().is_aligned();
        if (samples.itemsize, samples.ndim, rate.nbytes) != (4, 1, 8) || !aligned {
            return raise(PyExc_ValueError, c"these are not the areas of a signal");
        }
        Py_INCREF(keeper);
        let count = (samples.nbytes / 4) as usize;
        let store = Store::Shared(rate.data.cast(), samples.data.cast(), count, keeper);
        make(class, Contents::new(store))
    }
}

unsafe extern "C" fn release(object: *mut PyObject, _: *mut Area, _: Py_ssize_t, _: *mut c_void) {
    // SAFETY: interlane calls attached to the owner, once for each `acquire`.
    unsafe { contents(object).shares -= 1 }
}

// --- the type itself

/// # Safety
/// Attached; `class` is the type of signals.
unsafe fn make(class: *mut PyTypeObject, contents: Contents) -> *mut PyObject {
    // SAFETY: fresh storage of a signal, filled before anybody sees it.
    unsafe {
        let object = PyType_GenericAlloc(class, 0);
        if object.is_null() {
            let_go(contents);
        } else {
            (&raw mut (*object.cast::<Signal>()).contents).write(contents);
        }
        object
    }
}

/// # Safety
/// Attached to the interpreter of the keeper.
unsafe fn let_go(contents: Contents) {
    if let Store::Shared(.., keeper) = contents.store {
        // SAFETY: our own reference.
        unsafe { Py_DECREF(keeper) }
    }
}

unsafe extern "C" fn new(
    class: *mut PyTypeObject,
    args: *mut PyObject,
    _keywords: *mut PyObject,
) -> *mut PyObject {
    // SAFETY: CPython calls attached, with a tuple.
    unsafe {
        if PyTuple_Size(args) != 2 {
            return raise(PyExc_TypeError, c"Signal() takes a sample rate and samples");
        }
        let rate = PyFloat_AsDouble(PyTuple_GetItem(args, 0));
        if !PyErr_Occurred().is_null() {
            return null_mut();
        }
        let items = PyObject_GetIter(PyTuple_GetItem(args, 1));
        if items.is_null() {
            return null_mut();
        }
        let mut samples = Vec::new();
        loop {
            let item = PyIter_Next(items);
            if item.is_null() {
                break;
            }
            samples.push(PyFloat_AsDouble(item) as f32);
            Py_DECREF(item);
            if !PyErr_Occurred().is_null() {
                break;
            }
        }
        Py_DECREF(items);
        if !PyErr_Occurred().is_null() {
            return null_mut();
        }
        let store = Store::Own(rate, samples.into_boxed_slice());
        make(class, Contents::new(store))
    }
}

unsafe extern "C" fn dealloc(object: *mut PyObject) {
    // SAFETY: CPython calls attached, once; heap types own a reference to their type.
    unsafe {
        let class = Py_TYPE(object);
        let_go((&raw mut (*object.cast::<Signal>()).contents).read());
        PyObject_Free(object.cast());
        Py_DECREF(class.cast());
    }
}

unsafe extern "C" fn length(object: *mut PyObject) -> Py_ssize_t {
    // SAFETY: CPython calls with a signal.
    unsafe { contents(object).samples().len() as Py_ssize_t }
}

unsafe extern "C" fn item(object: *mut PyObject, index: Py_ssize_t) -> *mut PyObject {
    // SAFETY: CPython calls attached, with a signal.
    unsafe {
        let samples = contents(object).samples();
        match usize::try_from(index)
            .ok()
            .and_then(|index| samples.get(index))
        {
            Some(sample) => PyFloat_FromDouble(f64::from(*sample)),
            None => raise(PyExc_IndexError, c"the signal has no such sample"),
        }
    }
}

unsafe extern "C" fn getbuffer(object: *mut PyObject, view: *mut Py_buffer, flags: c_int) -> c_int {
    // SAFETY: CPython calls attached, with a signal and a view to be filled.
    unsafe {
        let samples = contents(object).samples();
        let size = size_of_val(samples) as Py_ssize_t;
        // As plain bytes: enough to look at them.
        PyBuffer_FillInfo(
            view,
            object,
            samples.as_ptr().cast_mut().cast(),
            size,
            1,
            flags,
        )
    }
}

unsafe extern "C" fn rate(object: *mut PyObject, _: *mut c_void) -> *mut PyObject {
    // SAFETY: CPython calls attached, with a signal.
    unsafe { PyFloat_FromDouble(*contents(object).rate()) }
}

unsafe extern "C" fn shares(object: *mut PyObject, _: *mut c_void) -> *mut PyObject {
    // SAFETY: as above.
    unsafe { PyLong_FromSize_t(contents(object).shares) }
}

/// # Safety
/// Attached; `class` is an exception class.
unsafe fn raise(class: *mut PyObject, message: &CStr) -> *mut PyObject {
    // SAFETY: forwarded to the caller.
    unsafe { PyErr_SetString(class, message.as_ptr()) };
    null_mut()
}

// --- the module

unsafe extern "C" fn execute(module: *mut PyObject) -> c_int {
    let slot = |slot, function: *mut c_void| PyType_Slot {
        slot,
        pfunc: function,
    };
    let mut slots = [
        slot(Py_tp_new, new as *mut c_void),
        slot(Py_tp_dealloc, dealloc as *mut c_void),
        slot(Py_tp_getset, (&raw const GETSET.0).cast_mut().cast()),
        slot(Py_sq_length, length as *mut c_void),
        slot(Py_sq_item, item as *mut c_void),
        slot(Py_bf_getbuffer, getbuffer as *mut c_void),
        slot(0, null_mut()),
    ];
    let mut spec = PyType_Spec {
        name: c"rust_type.Signal".as_ptr(),
        basicsize: size_of::<Signal>() as c_int,
        itemsize: 0,
        flags: Py_TPFLAGS_DEFAULT as _,
        slots: slots.as_mut_ptr(),
    };
    // SAFETY: CPython calls attached, with the new module; it copies spec and slots.
    unsafe {
        let class = PyType_FromModuleAndSpec(module, &mut spec, null_mut());
        if class.is_null() {
            return -1;
        }
        let mut answer = TABLE.export(class.cast());
        if answer == 0 {
            answer = PyModule_AddType(module, class.cast());
        }
        Py_DECREF(class);
        answer
    }
}

/// What CPython, and nobody else, writes to.
struct Definition(core::cell::UnsafeCell<PyModuleDef>);

/// A table for CPython.
struct Constant<T>(T);

// SAFETY: written to only by CPython, which knows that several interpreters load it.
unsafe impl Sync for Definition {}
// SAFETY: never written to.
unsafe impl<T> Sync for Constant<T> {}

static GETSET: Constant<[PyGetSetDef; 3]> = Constant([
    attribute(c"rate", Some(rate)),
    attribute(c"shares", Some(shares)),
    // SAFETY: all zeroes is the row that ends the table.
    unsafe { core::mem::zeroed() },
]);

const fn attribute(name: &'static CStr, get: Option<getter>) -> PyGetSetDef {
    PyGetSetDef {
        name: name.as_ptr(),
        get,
        set: None,
        doc: core::ptr::null(),
        closure: null_mut(),
    }
}

static SLOTS: Constant<[PyModuleDef_Slot; 3]> = Constant([
    PyModuleDef_Slot {
        slot: Py_mod_exec,
        value: execute as *mut c_void,
    },
    PyModuleDef_Slot {
        slot: Py_mod_multiple_interpreters,
        value: Py_MOD_PER_INTERPRETER_GIL_SUPPORTED,
    },
    PyModuleDef_Slot {
        slot: 0,
        value: null_mut(),
    },
]);

static DEFINITION: Definition = Definition(core::cell::UnsafeCell::new(PyModuleDef {
    m_base: PyModuleDef_HEAD_INIT,
    m_name: c"rust_type".as_ptr(),
    m_doc: c"A signal that interpreters share.".as_ptr(),
    m_size: 0,
    m_methods: null_mut(),
    m_slots: (&raw const SLOTS.0).cast_mut().cast(),
    m_traverse: None,
    m_clear: None,
    m_free: None,
}));

/// Entry point of the import system.
///
/// # Safety
/// Called by CPython only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyInit_rust_type() -> *mut PyObject {
    // SAFETY: the definition lives for ever.
    unsafe { PyModuleDef_Init(DEFINITION.0.get()) }
}
