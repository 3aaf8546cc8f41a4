//! The end of the process on 3.12.1, where what isolated interpreters have left behind must not be freed.
//!
//! The first call with a keyword of a function in one of the standard library's extension modules (`zlib.compress(data,
//! level=1)`) makes a tuple that all interpreters use, in the memory of the one that called. The main interpreter frees
//! it at its end, after all Python code, as if it were its own: the memory is unknown to its allocator and goes to the
//! C library, which ends the process ("free(): invalid pointer"). Later releases make the tuple in the main interpreter.

use pyo3_ffi as ffi;

use core::cell::UnsafeCell;
use core::ffi::c_void;

use super::Attached;
use super::text::empty_allocator;

/// What frees the C library's memory, for when the main interpreter has ended.
static FREE: Saved = Saved(UnsafeCell::new(None));

struct Saved(UnsafeCell<Option<ffi::PyMemAllocatorEx>>);

// SAFETY: written and read by the thread that finalizes the process, which is one.
unsafe impl Sync for Saved {}

/// From here to the end of the main interpreter, what would go back to the C library is left where it is. To be called
/// when no Python code runs any more.
pub(crate) fn stop_freeing(_py: Attached<'_>) {
    // SAFETY: attached, in the thread that finalizes the process. The allocator with another `free` is as good as
    // before: memory that is never freed is valid for ever.
    unsafe {
        let saved = FREE.0.get();
        if (*saved).is_some() {
            return;
        }
        let mut allocator = empty_allocator();
        ffi::PyMem_GetAllocator(RAW, &mut allocator);
        if ffi::Py_AtExit(Some(free_again)) == 0 {
            *saved = Some(allocator);
            allocator.free = Some(leave);
            ffi::PyMem_SetAllocator(RAW, &mut allocator);
        }
    }
}

const RAW: ffi::PyMemAllocatorDomain = ffi::PyMemAllocatorDomain::PYMEM_DOMAIN_RAW;

extern "C" fn leave(_context: *mut c_void, _memory: *mut c_void) {}

/// Called at the very end of `Py_Finalize`.
extern "C" fn free_again() {
    // SAFETY: as above; what was saved is an allocator that CPython gave.
    unsafe {
        if let Some(mut allocator) = (*FREE.0.get()).take() {
            ffi::PyMem_SetAllocator(RAW, &mut allocator);
        }
    }
}
