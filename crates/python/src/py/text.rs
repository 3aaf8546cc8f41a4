//! The memory of `str` and `bytes` objects, and how it can outlive their interpreter.

use core::ffi::c_void;

use pyo3_ffi as ffi;

use super::{Attached, Owned, PyResult, Raised, Ref};

/// The address of an object: an opaque word outside its interpreter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Address(pub(super) *mut ffi::PyObject);

impl Address {
    /// The address as a number, for identity only.
    pub(crate) fn number(self) -> usize {
        self.0 as usize
    }
}

// SAFETY: only an address; whoever dereferences it says why that is sound.
unsafe impl Send for Address {}
// SAFETY: as above.
unsafe impl Sync for Address {}

/// Characters as CPython stores them: 1, 2 or 4 bytes each, with one zero character behind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Characters {
    pub(crate) data: *const u8,
    /// In characters.
    pub(crate) length: usize,
    /// Bytes per character.
    pub(crate) width: u8,
    pub(crate) ascii: bool,
}

// SAFETY: read-only memory, which the holder keeps valid.
unsafe impl Send for Characters {}
// SAFETY: as above.
unsafe impl Sync for Characters {}

/// Can the characters of a `str` be used without the object? Not without a GIL: the layout is another one, and so is
/// the allocator, from which nothing can be adopted.
pub(crate) const SHAREABLE: bool = cfg!(not(Py_GIL_DISABLED));

impl Characters {
    pub(crate) const EMPTY: Self = Self {
        data: core::ptr::NonNull::dangling().as_ptr(),
        length: 0,
        width: 1,
        ascii: true,
    };

    pub(crate) fn nbytes(&self) -> usize {
        self.length * usize::from(self.width)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: the holder keeps that many bytes valid.
        unsafe { core::slice::from_raw_parts(self.data, self.nbytes()) }
    }
}

/// The reading side of PyASCIIObject.state, the same bits on 3.12 to 3.15 with a GIL.
pub(super) mod state {
    pub(crate) const INTERNED: u32 = 0b11;
    pub(crate) const KIND_SHIFT: u32 = 2;
    #[cfg(not(Py_GIL_DISABLED))]
    pub(crate) const KIND: u32 = 0b111;
    #[cfg(not(Py_GIL_DISABLED))]
    pub(crate) const COMPACT: u32 = 1 << 5;
    pub(crate) const ASCII: u32 = 1 << 6;
}

impl<'a> Ref<'a> {
    /// The characters of a `str`.
    #[cfg(not(Py_GIL_DISABLED))]
    #[inline]
    pub(crate) fn characters(self) -> Characters {
        let text = self.as_ptr().cast::<ffi::PyASCIIObject>();
        // SAFETY: the callers pass a `str`; its characters never change and never move. They are behind the object,
        // whose head is smaller for ASCII, or, for instances of subclasses, where its last field says.
        unsafe {
            let state = (*text).state;
            let ascii = state & state::ASCII != 0;
            let data = match (state & state::COMPACT != 0, ascii) {
                (true, true) => text.add(1).cast(),
                (true, false) => text.cast::<ffi::PyCompactUnicodeObject>().add(1).cast(),
                (false, _) => ffi::PyUnicode_DATA(self.as_ptr()).cast(),
            };
            Characters {
                data,
                length: (*text).length as usize,
                width: (state >> state::KIND_SHIFT & state::KIND) as u8,
                ascii,
            }
        }
    }

    /// The characters of a `str`.
    #[cfg(Py_GIL_DISABLED)]
    pub(crate) fn characters(self) -> Characters {
        let ptr = self.as_ptr();
        // SAFETY: the callers pass a `str`; its characters never change and never move.
        let mut characters = unsafe {
            Characters {
                data: ffi::PyUnicode_DATA(ptr).cast(),
                length: ffi::PyUnicode_GET_LENGTH(ptr) as usize,
                width: ffi::PyUnicode_KIND(ptr) as u8,
                ascii: false,
            }
        };
        // The bit is elsewhere.
        characters.ascii = characters.width == 1 && characters.bytes().is_ascii();
        characters
    }

    /// Is the `str` in the interpreter's table of interned strings? Not known without a GIL.
    pub(crate) fn is_interned(self) -> bool {
        // SAFETY: the callers pass a `str`.
        cfg!(Py_GIL_DISABLED)
            || unsafe { (*self.as_ptr().cast::<ffi::PyASCIIObject>()).state & state::INTERNED != 0 }
    }

    /// Keeps a strong reference as an address.
    pub(crate) fn keep(self, py: Attached<'_>) -> Address {
        Address(self.to_owned(py).into_ptr())
    }
}

impl<'py> Attached<'py> {
    /// An exact `str` with a copy of these characters, which must be canonical: of the narrowest width
    /// that holds them, as all of CPython's strings are.
    pub(crate) fn text(self, ascii: bool, width: u8, data: &[u8]) -> PyResult<Owned<'py>> {
        let length = data.len() / usize::from(width.max(1));
        let largest: ffi::Py_UCS4 = match (ascii, width) {
            (true, _) => 0x7f,
            (_, 1) => 0xff,
            (_, 2) => 0xffff,
            _ => 0x10_ffff,
        };
        // SAFETY: attached; a new string has room for `length` characters of this width.
        unsafe {
            let text = Owned::from_new(self, ffi::PyUnicode_New(length as _, largest))?;
            if length > 0 {
                let target = ffi::PyUnicode_DATA(text.as_ptr()).cast::<u8>();
                core::ptr::copy_nonoverlapping(data.as_ptr(), target, data.len());
            }
            Ok(text)
        }
    }
}

impl<'py> Attached<'py> {
    /// An exact `str` of some of these characters: their width may be more than it takes.
    pub(crate) fn part_of_text(self, width: u8, data: &[u8]) -> PyResult<Owned<'py>> {
        let length = data.len() / usize::from(width.max(1));
        // SAFETY: attached; so many characters of this width.
        unsafe {
            let data = data.as_ptr().cast();
            let text = ffi::PyUnicode_FromKindAndData(width.into(), data, length as _);
            Owned::from_new(self, text)
        }
    }
}

/// Takes over the memory of a `str` or `bytes` object of an interpreter that ends: afterwards
/// [`free_adopted`] frees it, from any thread. `false`: it stays allocated for good.
///
/// CPython counts the large blocks of each interpreter and keeps all its arenas when some are left, so the
/// block is booked out by freeing another one in its place.
///
/// # Safety
/// The thread is attached to the object's interpreter, which will run no Python code any more; the caller
/// owns one reference and gives it up when the answer is `true`. The object is larger than 512 bytes.
pub(crate) unsafe fn adopt(object: Address) -> bool {
    if cfg!(Py_GIL_DISABLED) {
        return false;
    }
    // SAFETY: forwarded to the caller; the object is alive, since we own a reference.
    unsafe {
        if ffi::Py_REFCNT(object.0) != 1 {
            return false;
        }
        let mut of_objects = empty_allocator();
        let mut raw = empty_allocator();
        ffi::PyMem_GetAllocator(ffi::PyMemAllocatorDomain::PYMEM_DOMAIN_OBJ, &mut of_objects);
        ffi::PyMem_GetAllocator(ffi::PyMemAllocatorDomain::PYMEM_DOMAIN_RAW, &mut raw);
        if !of_objects.ctx.is_null() {
            return false; // debug hooks or tracemalloc: their free wants the GIL
        }
        if ffi::PyUnicode_CheckExact(object.0) != 0 {
            if Ref::from_ptr(object.0).is_interned() {
                return false;
            }
            let text = object.0.cast::<ffi::PyCompactUnicodeObject>();
            let ascii = (*text)._base.state & state::ASCII != 0;
            if !ascii && !(*text).utf8.is_null() {
                ffi::PyMem_Free((*text).utf8.cast());
                (*text).utf8 = core::ptr::null_mut();
                (*text).utf8_length = 0;
            }
        }
        let plain = of_objects.malloc.map(|f| f as usize) == raw.malloc.map(|f| f as usize);
        if !plain {
            let balance = ffi::PyMem_RawMalloc(600);
            if balance.is_null() {
                return false;
            }
            ffi::PyObject_Free(balance);
        }
    }
    true
}

/// # Safety
/// [`adopt`] answered `true` for this object, and nobody uses its memory any more.
pub(crate) unsafe fn free_adopted(object: Address) {
    // SAFETY: a block of plain malloc that only we know of.
    unsafe { ffi::PyMem_RawFree(object.0.cast::<c_void>()) }
}

pub(super) fn empty_allocator() -> ffi::PyMemAllocatorEx {
    ffi::PyMemAllocatorEx {
        ctx: core::ptr::null_mut(),
        malloc: None,
        calloc: None,
        realloc: None,
        free: None,
    }
}

/// Is it a `str` of any kind?
pub(crate) fn expect_str(py: Attached<'_>, object: Ref<'_>, what: &str) -> PyResult<()> {
    // SAFETY: a live object.
    if unsafe { ffi::PyUnicode_Check(object.as_ptr()) } != 0 {
        return Ok(());
    }
    Err(Raised::type_error(
        py,
        &format!("{what} must be str, not {}", object.class_name(py)),
    ))
}
