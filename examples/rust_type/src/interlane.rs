//! `interlane.h`, version 1, for Rust. The comments are there.

use core::ffi::{CStr, c_char, c_int, c_void};

use pyo3_ffi::{
    Py_DECREF, Py_ssize_t, PyCapsule_New, PyCapsule_SetContext, PyObject, PyObject_SetAttrString,
    PyTypeObject,
};

pub const API_VERSION: u32 = 1;
const ATTRIBUTE: &CStr = c"__interlane_c_share__";
const CAPSULE: &CStr = c"interlane.c_share";

#[repr(C)]
pub struct Area {
    pub data: *mut c_void,
    pub nbytes: Py_ssize_t,
    pub itemsize: Py_ssize_t,
    pub format: *const c_char,
    pub ndim: c_int,
    pub shape: *const Py_ssize_t,
    pub strides: *const Py_ssize_t,
    pub readonly: c_int,
}

pub type Acquire = unsafe extern "C" fn(*mut PyObject, *mut Area, *mut *mut c_void) -> Py_ssize_t;
pub type Rebuild = unsafe extern "C" fn(
    *mut PyTypeObject,
    *const Area,
    Py_ssize_t,
    *mut PyObject,
) -> *mut PyObject;
pub type Release = unsafe extern "C" fn(*mut PyObject, *mut Area, Py_ssize_t, *mut c_void);

#[repr(C)]
pub struct Table {
    pub version: u32,
    pub size: u32,
    pub name: *const c_char,
    pub flags: u64,
    pub max_areas: Py_ssize_t,
    pub acquire: Option<Acquire>,
    pub rebuild: Option<Rebuild>,
    pub release: Option<Release>,
}

// SAFETY: never written to; what it points to is constant too.
unsafe impl Sync for Table {}

impl Table {
    pub const fn new(
        name: &'static CStr,
        max_areas: Py_ssize_t,
        acquire: Acquire,
        rebuild: Rebuild,
        release: Release,
    ) -> Self {
        Self {
            version: API_VERSION,
            size: size_of::<Self>() as u32,
            name: name.as_ptr(),
            flags: 0,
            max_areas,
            acquire: Some(acquire),
            rebuild: Some(rebuild),
            release: Some(release),
        }
    }

    /// `interlane_export_type`.
    ///
    /// # Safety
    /// The thread is attached; `class` is a type whose instances the functions of the table are for.
    pub unsafe fn export(&'static self, class: *mut PyTypeObject) -> c_int {
        // SAFETY: forwarded to the caller; the table stays for ever.
        unsafe {
            let table = core::ptr::from_ref(self).cast_mut().cast();
            let capsule = PyCapsule_New(table, CAPSULE.as_ptr(), None);
            if capsule.is_null() {
                return -1;
            }
            PyCapsule_SetContext(capsule, class.cast());
            let answer = PyObject_SetAttrString(class.cast(), ATTRIBUTE.as_ptr(), capsule);
            Py_DECREF(capsule);
            answer
        }
    }
}
