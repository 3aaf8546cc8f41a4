//! `interlane.h` seen from this side: the table of an extension type, what its functions say, and calling them.
//!
//! Nothing that an extension says is believed before it was checked, except that its pointers point somewhere.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::mem::{offset_of, size_of};
use std::sync::Arc;

use pyo3_ffi as ffi;

use super::buffer::{Layout, Window, contiguous};
use super::error::Builtin;
use super::text::Address;
use super::{Attached, Cx, Owned, PyResult, Raised, Ref, boundary, interp, running};
use crate::state::State;

const VERSION: u32 = 1;
/// The class attribute that says where a type's table is.
pub(crate) const TYPE_ATTRIBUTE: &CStr = c"__interlane_c_share__";
const TYPE_CAPSULE: &CStr = c"interlane.c_share";
const API_CAPSULE: &CStr = c"interlane._core._C_API";
const MOST_AREAS: isize = 4096;
const MOST_DIMENSIONS: c_int = 64;
/// Areas beyond what a table asks for, so that an extension which miscounts gets an exception, not a damaged heap.
const SPARE: usize = 16;

/// `interlane_area`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct RawArea {
    data: *mut c_void,
    nbytes: isize,
    itemsize: isize,
    format: *const c_char,
    ndim: c_int,
    shape: *const isize,
    strides: *const isize,
    readonly: c_int,
}

type Acquire = unsafe extern "C-unwind" fn(
    *mut ffi::PyObject,
    *mut RawArea,
    *mut *mut c_void,
) -> ffi::Py_ssize_t;
type Rebuild = unsafe extern "C-unwind" fn(
    *mut ffi::PyTypeObject,
    *const RawArea,
    ffi::Py_ssize_t,
    *mut ffi::PyObject,
) -> *mut ffi::PyObject;
type Release =
    unsafe extern "C-unwind" fn(*mut ffi::PyObject, *mut RawArea, ffi::Py_ssize_t, *mut c_void);

/// `interlane_type`.
#[repr(C)]
struct RawTable {
    version: u32,
    size: u32,
    name: *const c_char,
    flags: u64,
    max_areas: isize,
    acquire: Option<Acquire>,
    rebuild: Option<Rebuild>,
    release: Option<Release>,
}

/// `interlane_api`.
#[repr(C)]
struct Api {
    version: u32,
    size: u32,
    register_type: unsafe extern "C" fn(*mut ffi::PyTypeObject, *const RawTable) -> c_int,
}

const API: &Api = &Api {
    version: VERSION,
    size: size_of::<Api>() as u32,
    register_type,
};

/// Name and size of a struct; names, offsets and sizes of its fields.
type Layouts = [(&'static str, usize, &'static [(&'static str, usize, usize)]); 3];

macro_rules! layout {
    ($name:literal, $type:ty, $($field:ident)*) => {
        ($name, size_of::<$type>(), &[$((
            stringify!($field),
            offset_of!($type, $field),
            field_size(|whole: &$type| &whole.$field),
        )),*])
    };
}

const fn field_size<S, F>(_: fn(&S) -> &F) -> usize {
    size_of::<F>()
}

/// What the header must say.
pub(crate) const LAYOUT: Layouts = [
    layout!("interlane_area", RawArea, data nbytes itemsize format ndim shape strides readonly),
    layout!("interlane_type", RawTable, version size name flags max_areas acquire rebuild release),
    layout!("interlane_api", Api, version size register_type),
];

/// The header's other constants.
pub(crate) const CONSTANTS: (u32, [(&str, &CStr); 3]) = (
    VERSION,
    [
        ("INTERLANE_TYPE_ATTRIBUTE", TYPE_ATTRIBUTE),
        ("INTERLANE_TYPE_CAPSULE", TYPE_CAPSULE),
        ("INTERLANE_API_CAPSULE", API_CAPSULE),
    ],
);

/// A table that was checked, copied.
pub(crate) struct Table {
    pub(crate) module: String,
    pub(crate) qualname: String,
    max_areas: usize,
    acquire: Acquire,
    rebuild: Rebuild,
    release: Option<Release>,
}

/// What `acquire` left, to be handed to `release`.
pub(crate) struct Acquired {
    object: Address,
    areas: Box<[RawArea]>,
    state: *mut c_void,
    release: Option<Release>,
}

// SAFETY: the object, the state and what the areas point to are touched by `release` only, in the owner under its
// GIL; elsewhere they are opaque words.
unsafe impl Send for Acquired {}
// SAFETY: as above; `&Acquired` gives access to nothing.
unsafe impl Sync for Acquired {}

impl Table {
    /// The table in the capsule that is the attribute of a class, for instances of `class`. What is wrong with it
    /// is told as "the table ...".
    pub(crate) fn read(py: Attached<'_>, capsule: Ref<'_>, class: Ref<'_>) -> Result<Self, String> {
        // SAFETY: attached; any object may be asked.
        if unsafe { ffi::PyCapsule_IsValid(capsule.as_ptr(), TYPE_CAPSULE.as_ptr()) } == 0 {
            return Err(format!(
                "must be a capsule '{}', not {}",
                TYPE_CAPSULE.to_string_lossy(),
                capsule.class_name(py)
            ));
        }
        // SAFETY: a valid capsule of this name; the context is compared only.
        unsafe {
            let home = ffi::PyCapsule_GetContext(capsule.as_ptr());
            if home.is_null() || ffi::PyType_IsSubtype(class.as_ptr().cast(), home.cast()) == 0 {
                return Err("is that of another type".to_owned());
            }
            let table = ffi::PyCapsule_GetPointer(capsule.as_ptr(), TYPE_CAPSULE.as_ptr());
            Self::check(table.cast())
        }
    }

    /// # Safety
    /// `raw` is NULL, or points to what `interlane.h` of some version calls a table.
    unsafe fn check(raw: *const RawTable) -> Result<Self, String> {
        if raw.is_null() {
            return Err("is NULL".to_owned());
        }
        // SAFETY: all versions begin with these two; no more is read before they are what we know.
        let (version, size) = unsafe { ((*raw).version, (*raw).size) };
        if version != VERSION {
            let what = if version < VERSION { "old" } else { "new" };
            return Err(format!(
                "is too {what}: it has version {version}, this interlane knows {VERSION}"
            ));
        }
        let expected = size_of::<RawTable>();
        if size as usize != expected {
            return Err(format!("has {size} bytes, not {expected}"));
        }
        // SAFETY: as large as it should be; its owner keeps it for ever.
        let raw = unsafe { &*raw };
        if raw.flags != 0 {
            return Err(format!("has unknown flags: {:#x}", raw.flags));
        }
        if !(0..=MOST_AREAS).contains(&raw.max_areas) {
            return Err(format!(
                "says {} areas; at most {MOST_AREAS} are possible",
                raw.max_areas
            ));
        }
        let missing = |what: &str| format!("has no {what}");
        if raw.name.is_null() {
            return Err(missing("name"));
        }
        // SAFETY: not NULL, so a C string of the extension.
        let name = unsafe { CStr::from_ptr(raw.name) }.to_string_lossy();
        let (module, qualname) = name
            .split_once(':')
            .filter(|(module, qualname)| is_dotted(module) && is_dotted(qualname))
            .ok_or_else(|| format!("has the name '{name}', not 'package.module:Type'"))?;
        Ok(Self {
            module: module.to_owned(),
            qualname: qualname.to_owned(),
            max_areas: raw.max_areas as usize,
            acquire: raw.acquire.ok_or_else(|| missing("acquire"))?,
            rebuild: raw.rebuild.ok_or_else(|| missing("rebuild"))?,
            release: raw.release,
        })
    }

    /// Acquires the areas of an instance. The inner error says what is wrong with the answer.
    pub(crate) fn acquire(
        &self,
        py: Attached<'_>,
        object: Ref<'_>,
    ) -> PyResult<Result<Acquired, String>> {
        let mut areas = vec![RawArea::EMPTY; self.max_areas + SPARE];
        let mut state = core::ptr::null_mut();
        // SAFETY: attached; an instance of the type that the table was made for, and as many areas as it wants.
        let count = running::guarded(|| unsafe {
            (self.acquire)(object.as_ptr(), areas.as_mut_ptr(), &mut state)
        });
        let raised = error_is_set(py);
        if count < 0 {
            return match raised {
                Some(raised) => Err(raised),
                None => Ok(Err(format!(
                    "acquire returned {count} without an exception"
                ))),
            };
        }
        let given = count as usize;
        areas.truncate(given.min(self.max_areas));
        let acquired = Acquired {
            object: object.keep(py),
            areas: areas.into_boxed_slice(),
            state,
            release: self.release,
        };
        let complaint = if given > self.max_areas {
            Ok(Err(format!(
                "acquire returned {given} areas, the table says {} at most",
                self.max_areas
            )))
        } else if let Some(raised) = raised {
            Err(raised)
        } else {
            return Ok(Ok(acquired));
        };
        // SAFETY: attached to the interpreter that it was just acquired in.
        unsafe { acquired.release() };
        complaint
    }

    /// A new instance of `class`, which is the class of the table, over the areas.
    pub(crate) fn rebuild<'py>(
        &self,
        py: Attached<'py>,
        class: Ref<'_>,
        windows: &[Arc<Window>],
        keeper: Ref<'_>,
    ) -> PyResult<Owned<'py>> {
        let areas = windows.iter().map(|window| RawArea::of(window.layout()));
        let areas = areas.collect::<Vec<_>>();
        // SAFETY: attached; the class is the one that the table was made for, the areas stay for the call.
        let object = running::guarded(|| unsafe {
            (self.rebuild)(
                class.as_ptr().cast(),
                areas.as_ptr(),
                areas.len() as _,
                keeper.as_ptr(),
            )
        });
        let raised = error_is_set(py);
        let broken =
            |what: &str| Raised::builtin(py, Builtin::System, &format!("rebuild returned {what}"));
        if object.is_null() {
            return Err(raised.unwrap_or_else(|| broken("NULL without an exception")));
        }
        // SAFETY: not NULL, so a new reference.
        let object = unsafe { Owned::from_new(py, object)? };
        if let Some(raised) = raised {
            let cause = raised.take(py);
            drop(object);
            let raised = Raised::restore(py, cause);
            return Err(raised.cause_of(py, || broken("an object with an exception set")));
        }
        // SAFETY: live objects.
        let fits = unsafe {
            ffi::PyType_IsSubtype(ffi::Py_TYPE(object.as_ptr()), class.as_ptr().cast()) != 0
        };
        if !fits {
            let got = object.get().class_name(py);
            return Err(broken(&format!("{got}, which is another type")));
        }
        Ok(object)
    }
}

impl Acquired {
    /// Copies of the descriptions, for borrowers. The error says what is wrong with which.
    pub(crate) fn describe(&self, writable: bool) -> Result<Box<[Arc<Window>]>, String> {
        let window = |(index, area): (usize, &RawArea)| {
            area.describe(writable)
                .map(Arc::new)
                .map_err(|what| format!("acquire gave area {index} {what}"))
        };
        self.areas.iter().enumerate().map(window).collect()
    }

    pub(crate) fn is_readonly(&self) -> bool {
        self.areas.iter().all(|area| area.readonly != 0)
    }

    /// Lets the extension have its areas back, and the object go. An exception that is set stays set.
    ///
    /// # Safety
    /// The thread is attached to the owner. Called once.
    pub(crate) unsafe fn release(mut self) {
        // SAFETY: forwarded to the caller: the object is alive, the reference to it ours.
        unsafe {
            let py = Attached::assume();
            if let Some(release) = self.release {
                let before = ffi::PyErr_GetRaisedException();
                let areas = self.areas.as_mut_ptr();
                let count = self.areas.len() as _;
                running::guarded(|| release(self.object.0, areas, count, self.state));
                if let Some(raised) = error_is_set(py) {
                    raised.report(py, Ref::from_ptr(self.object.0));
                }
                running::restore_error(before);
            }
            interp::drop_reference(self.object);
        }
    }
}

impl RawArea {
    const EMPTY: Self = Self {
        data: core::ptr::null_mut(),
        nbytes: 0,
        itemsize: 0,
        format: core::ptr::null(),
        ndim: 0,
        shape: core::ptr::null(),
        strides: core::ptr::null(),
        readonly: 0,
    };

    fn of(layout: Layout<'_>) -> Self {
        let view = layout.view();
        Self {
            data: view.buf,
            nbytes: view.len,
            itemsize: view.itemsize,
            format: view.format,
            ndim: view.ndim,
            shape: view.shape,
            strides: view.strides,
            readonly: view.readonly,
        }
    }

    fn describe(&self, writable: bool) -> Result<Window, String> {
        if self.nbytes < 0 {
            return Err(format!("{} bytes", self.nbytes));
        }
        if self.data.is_null() && self.nbytes > 0 {
            return Err(format!("{} bytes at NULL", self.nbytes));
        }
        let format = if self.format.is_null() {
            c"B"
        } else {
            // SAFETY: not NULL, so a C string of the extension.
            unsafe { CStr::from_ptr(self.format) }
        };
        let printable = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
        if format.is_empty() || !format.to_bytes().iter().all(printable) {
            return Err("a format that is not printable ASCII".to_owned());
        }
        let itemsize = match self.itemsize {
            0 if self.format.is_null() => 1,
            size => size,
        };
        if itemsize <= 0 || native_size(format).is_some_and(|size| size != itemsize) {
            let format = format.to_string_lossy();
            return Err(format!("items of {itemsize} bytes in format '{format}'"));
        }
        if self.ndim < 0 || self.ndim > MOST_DIMENSIONS {
            return Err(format!(
                "{} dimensions; at most {MOST_DIMENSIONS} are possible",
                self.ndim
            ));
        }
        let ndim = self.ndim as usize;
        let shape = if self.shape.is_null() {
            if ndim > 1 || !self.strides.is_null() {
                return Err("no shape".to_owned());
            }
            vec![self.nbytes / itemsize]
        } else {
            // SAFETY: not NULL, so that many numbers.
            unsafe { core::slice::from_raw_parts(self.shape, ndim) }.to_vec()
        };
        let size = shape.iter().try_fold(itemsize, |size, &length| {
            (length >= 0).then(|| size.checked_mul(length)).flatten()
        });
        if size != Some(self.nbytes) {
            return Err(format!(
                "{} bytes, which the shape {shape:?} of items of {itemsize} bytes does not fill",
                self.nbytes
            ));
        }
        let strides = if self.strides.is_null() {
            contiguous(&shape, itemsize)
        } else {
            // SAFETY: not NULL, so that many numbers.
            unsafe { core::slice::from_raw_parts(self.strides, ndim) }.to_vec()
        };
        let readonly = !writable || self.readonly != 0;
        Ok(Window::described(
            self.data,
            itemsize,
            format.to_owned(),
            &shape,
            &strides,
            readonly,
        ))
    }
}

/// The size of the items that `memoryview` reads by itself, trusting whoever says how large they are.
fn native_size(format: &CStr) -> Option<isize> {
    use core::ffi::{c_long, c_longlong, c_short};
    let size = match format.to_bytes() {
        [code] | [b'@', code] => match code {
            b'c' | b'b' | b'B' | b'?' => 1,
            b'h' | b'H' => size_of::<c_short>(),
            b'e' => 2,
            b'i' | b'I' => size_of::<c_int>(),
            b'l' | b'L' => size_of::<c_long>(),
            b'q' | b'Q' => size_of::<c_longlong>(),
            b'n' | b'N' | b'P' => size_of::<usize>(),
            b'f' => 4,
            b'd' => 8,
            _ => return None,
        },
        _ => return None,
    };
    Some(size as isize)
}

fn is_dotted(name: &str) -> bool {
    !name.contains(':') && name.split('.').all(|part| !part.is_empty())
}

fn error_is_set(py: Attached<'_>) -> Option<Raised> {
    // SAFETY: attached.
    (!unsafe { ffi::PyErr_Occurred() }.is_null()).then(|| Raised::already(py))
}

/// Puts the capsule with our own functions into the module.
pub(crate) fn add(cx: Cx<'_>, module: Ref<'_>) -> PyResult<()> {
    let api = core::ptr::from_ref(API).cast_mut().cast();
    // SAFETY: attached; the functions are constants.
    let capsule =
        unsafe { Owned::from_new(cx.py(), ffi::PyCapsule_New(api, API_CAPSULE.as_ptr(), None))? };
    module.set_attribute(cx.py(), c"_C_API", capsule.get())
}

unsafe extern "C" fn register_type(class: *mut ffi::PyTypeObject, table: *const RawTable) -> c_int {
    // SAFETY: the extension calls attached, with a type and a table, or NULL.
    unsafe {
        let py = Attached::assume();
        let Ok(module) = py.import(c"interlane._core") else {
            return -1;
        };
        boundary::enter(State::of(module.get()), |cx| {
            let class = class.cast::<ffi::PyObject>();
            if class.is_null() || !Ref::from_ptr(class).is_class() {
                return Err(Raised::type_error(
                    cx.py(),
                    "interlane: only a type can be registered",
                ));
            }
            let class = Ref::from_ptr(class);
            Table::check(table).map_err(|what| {
                let message = format!("the table for {} {what}", class.brief_repr(cx.py()));
                crate::errors::raise(cx, crate::errors::Error::NotShareable, &message)
            })?;
            let table = table.cast_mut().cast();
            let capsule = Owned::from_new(
                cx.py(),
                ffi::PyCapsule_New(table, TYPE_CAPSULE.as_ptr(), None),
            )?;
            ffi::PyCapsule_SetContext(capsule.as_ptr(), class.as_ptr().cast());
            let tables = cx.state.tables.get(cx.py())?;
            tables.insert(cx.py(), class, capsule.get())?;
            Ok(0)
        })
    }
}
