//! One block of memory, zeroed or mapped.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::fs::File;
use std::io;
use std::ptr::NonNull;

/// Where every block begins: at a multiple of a cache line.
const ALIGNMENT: usize = 64;

/// A block of memory that stays at its address until it is dropped.
///
/// It is handed out as a pointer and nothing else: several runtimes read and
/// write it at once, under whatever rules they have agreed on, so there is
/// never a reference to its bytes.
#[derive(Debug)]
pub struct Memory {
    /// Aligned, also where there are no bytes.
    start: NonNull<u8>,
    length: usize,
    origin: Origin,
}

/// How it is given back.
#[derive(Debug)]
enum Origin {
    Nowhere,
    Allocator(Layout),
    #[cfg(target_os = "linux")]
    Mapping {
        base: NonNull<u8>,
        length: usize,
    },
}

// SAFETY: bytes without a thread of their own; freed once, by whoever drops the
// block.
unsafe impl Send for Memory {}
// SAFETY: `&Memory` gives out the address and the length, which never change.
unsafe impl Sync for Memory {}

impl Memory {
    /// `length` bytes of zeroes, at an address that is a multiple of 64. Large
    /// blocks take no memory until they are written to, and large pages where
    /// the system has them.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`](io::ErrorKind::OutOfMemory) when there is not so much
    /// to be had.
    ///
    /// # Examples
    ///
    /// ```
    /// use interlane_core::Memory;
    ///
    /// let memory = Memory::zeroed(100).unwrap();
    /// assert_eq!((memory.len(), memory.start().addr().get() % 64), (100, 0));
    /// ```
    pub fn zeroed(length: usize) -> io::Result<Self> {
        if length == 0 {
            return Ok(Self::empty());
        }
        #[cfg(target_os = "linux")]
        if length >= large::FROM {
            return large::zeroed(length);
        }
        let layout =
            Layout::from_size_align(length, ALIGNMENT).map_err(|_| io::ErrorKind::OutOfMemory)?;
        // SAFETY: of a size that is not 0.
        let start = NonNull::new(unsafe { alloc_zeroed(layout) });
        Ok(Self {
            start: start.ok_or(io::ErrorKind::OutOfMemory)?,
            length,
            origin: Origin::Allocator(layout),
        })
    }

    /// `length` bytes of a file from `offset` on. If `writable`, what is
    /// written goes to the file, which has to be open for that.
    ///
    /// Where the system cannot map files, they are read.
    ///
    /// What others do to the file is seen in the memory. If they cut it short,
    /// an access to what is gone ends the process, as with any mapping.
    ///
    /// # Errors
    ///
    /// What the system says. The caller sees to it that the file is long
    /// enough.
    pub fn of_file(file: &File, offset: u64, length: usize, writable: bool) -> io::Result<Self> {
        if length == 0 {
            return Ok(Self::empty());
        }
        #[cfg(target_os = "linux")]
        return large::of_file(file, offset, length, writable);
        #[cfg(not(target_os = "linux"))]
        read(file, offset, length, writable)
    }

    /// The address of its first byte.
    pub fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// How many bytes it has.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    fn empty() -> Self {
        #[repr(align(64))]
        struct Line;
        Self {
            start: NonNull::<Line>::dangling().cast(),
            length: 0,
            origin: Origin::Nowhere,
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        match self.origin {
            Origin::Nowhere => {}
            // SAFETY: allocated with this layout; dropped once.
            Origin::Allocator(layout) => unsafe { dealloc(self.start.as_ptr(), layout) },
            #[cfg(target_os = "linux")]
            // SAFETY: a mapping of ours that nobody else unmaps; dropped once.
            Origin::Mapping { base, length } => unsafe {
                libc::munmap(base.as_ptr().cast(), length);
            },
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn read(mut file: &File, offset: u64, length: usize, writable: bool) -> io::Result<Memory> {
    use std::io::{Read, Seek, SeekFrom};

    if writable {
        return Err(io::ErrorKind::Unsupported.into());
    }
    let memory = Memory::zeroed(length)?;
    file.seek(SeekFrom::Start(offset))?;
    // SAFETY: so many bytes, initialised, which nobody else has seen yet.
    file.read_exact(unsafe { std::slice::from_raw_parts_mut(memory.start.as_ptr(), length) })?;
    Ok(memory)
}

/// Pages straight from the kernel.
#[cfg(target_os = "linux")]
mod large {
    use super::{Memory, Origin};
    use std::fs::File;
    use std::io;
    use std::os::fd::AsRawFd;
    use std::ptr::{self, NonNull};

    /// From here on a block has pages of its own: the allocator would fill
    /// them with zeroes once more, and touch all of them for that.
    pub(super) const FROM: usize = 128 * 1024;
    /// A large page, on most machines.
    const HUGE: usize = 2 * 1024 * 1024;

    pub(super) fn zeroed(length: usize) -> io::Result<Memory> {
        // Large pages begin at multiples of their size: one more is reserved,
        // and what is before and behind is given back.
        let spare = if length >= 2 * HUGE { HUGE } else { 0 };
        let reserved = length
            .checked_add(spare)
            .ok_or(io::ErrorKind::OutOfMemory)?;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let base = map(reserved, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0)?;
        let before = if spare == 0 {
            0
        } else {
            base.addr().get().next_multiple_of(HUGE) - base.addr().get()
        };
        let pages = length.next_multiple_of(page());
        // SAFETY: `before` and `pages` are whole pages, and together within what
        // was reserved, rounded up to whole pages.
        unsafe {
            let start = base.add(before);
            if before > 0 {
                libc::munmap(base.as_ptr().cast(), before);
            }
            let behind = reserved.next_multiple_of(page()) - before - pages;
            if behind > 0 {
                libc::munmap(start.add(pages).as_ptr().cast(), behind);
            }
            if spare > 0 {
                // A wish, whatever becomes of it.
                libc::madvise(start.as_ptr().cast(), pages, libc::MADV_HUGEPAGE);
            }
            Ok(Memory {
                start,
                length,
                origin: Origin::Mapping {
                    base: start,
                    length: pages,
                },
            })
        }
    }

    pub(super) fn of_file(
        file: &File,
        offset: u64,
        length: usize,
        writable: bool,
    ) -> io::Result<Memory> {
        let inside = (offset % page() as u64) as usize;
        let mapped = length
            .checked_add(inside)
            .ok_or(io::ErrorKind::OutOfMemory)?;
        let begin = libc::off_t::try_from(offset - inside as u64)
            .map_err(|_| io::ErrorKind::InvalidInput)?;
        let write = if writable { libc::PROT_WRITE } else { 0 };
        let base = map(
            mapped,
            libc::PROT_READ | write,
            libc::MAP_SHARED,
            file.as_raw_fd(),
            begin,
        )?;
        Ok(Memory {
            // SAFETY: within the mapping.
            start: unsafe { base.add(inside) },
            length,
            origin: Origin::Mapping {
                base,
                length: mapped,
            },
        })
    }

    fn map(
        length: usize,
        protection: i32,
        flags: i32,
        file: i32,
        offset: libc::off_t,
    ) -> io::Result<NonNull<u8>> {
        // SAFETY: a new mapping, at an address that the kernel chooses.
        let base = unsafe { libc::mmap(ptr::null_mut(), length, protection, flags, file, offset) };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        NonNull::new(base.cast()).ok_or_else(|| io::ErrorKind::OutOfMemory.into())
    }

    fn page() -> usize {
        // SAFETY: asks for a number.
        unsafe { libc::sysconf(libc::_SC_PAGESIZE) as usize }
    }
}
