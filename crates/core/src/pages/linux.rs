//! Memory files and shared mappings.

use super::LEAST_ALIAS;
use crate::primitive::process::AtomicUsize;
use crate::primitive::{Mutex, Ordering, lock};
use std::ffi::c_int;
use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd};
use std::ptr::{self, NonNull};

/// Mappings that this module has made. Sound as a static: a sum, by which
/// nothing but the choice between mapping and copying is decided.
static MAPPINGS: AtomicUsize = AtomicUsize::new(0);

/// How many it may make, 0 before anybody has asked. Sound as a static: every
/// writer writes the same.
static MOST_MAPPINGS: AtomicUsize = AtomicUsize::new(0);

/// Of these a mapping of an alias consists: front, contents, back.
const ALIAS_MAPPINGS: usize = 3;

/// Bytes of the process, which nobody writes to. See the module.
#[derive(Debug)]
pub struct Pages {
    store: Store,
    /// Where in the store they start.
    lead: usize,
    len: usize,
    /// One that was given back. Goes with the pages: the memory in it is theirs.
    spare: Mutex<Option<Alias>>,
}

#[derive(Debug)]
enum Store {
    /// Whole pages, mapped as shared, which is what lets them be mapped again.
    Mapped(Mapping),
    Heap(Box<[u8]>),
}

/// Bytes on their way into [`Pages`].
#[derive(Debug)]
pub struct Filling {
    /// `None`: the system has no memory file for us, all goes to `heap`.
    file: Option<File>,
    /// What has not been written to the file.
    heap: Vec<u8>,
    written: usize,
}

/// A range of [`Pages`] once more, with room of its owner's in front.
#[derive(Debug)]
pub struct Alias {
    mapping: Mapping,
    /// Where in the mapping the contents start.
    data: usize,
    /// What it was asked for: the range, and the room in front of it.
    range: Range<usize>,
    front: usize,
}

/// Mapped memory, unmapped when dropped.
#[derive(Debug)]
struct Mapping {
    address: NonNull<u8>,
    len: usize,
    /// Of how many mappings the kernel counts it.
    count: usize,
}

// SAFETY: plain memory; whoever uses it says why that is sound.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Pages {
    fn new(store: Store, lead: usize, len: usize) -> Self {
        Self {
            store,
            lead,
            len,
            spare: Mutex::new(None),
        }
    }

    /// Copies the data once. `None`: the system has no mappings left for it,
    /// or it is too small for one.
    ///
    /// # Errors
    ///
    /// There is no memory.
    pub fn copy_of(data: &[u8]) -> io::Result<Option<Self>> {
        if data.len() < LEAST_ALIAS || !has_room(1 + ALIAS_MAPPINGS) {
            return Ok(None);
        }
        let mut filling = Filling::new();
        filling.put(data, true)?;
        filling.finish().map(Some)
    }

    /// Keeps a copy in ordinary memory, of which no alias can be made.
    pub fn heap(data: Box<[u8]>) -> Self {
        let len = data.len();
        Self::new(Store::Heap(data), 0, len)
    }

    /// Maps a part of a file, which has that many bytes there. `None` as for
    /// [`copy_of`](Self::copy_of).
    ///
    /// Whoever changes the file changes the bytes. When it is cut shorter,
    /// touching what is no longer there ends the process with `SIGBUS`.
    ///
    /// # Errors
    ///
    /// The file, or its file system, cannot be mapped.
    pub fn map_file(file: BorrowedFd<'_>, offset: u64, len: usize) -> io::Result<Option<Self>> {
        if len < LEAST_ALIAS || !has_room(1 + ALIAS_MAPPINGS) {
            return Ok(None);
        }
        let lead = (offset % page() as u64) as usize;
        let start = offset - lead as u64;
        let mapped = Mapping::of_file(file.as_raw_fd(), start, lead + len)?;
        Ok(Some(Self::new(Store::Mapped(mapped), lead, len)))
    }

    /// How many bytes they are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether they are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Where the bytes are, as long as these pages exist.
    pub fn data(&self) -> *const u8 {
        let start: *const u8 = match &self.store {
            Store::Mapped(mapping) => mapping.address.as_ptr(),
            Store::Heap(data) => data.as_ptr(),
        };
        start.wrapping_add(self.lead)
    }

    /// Maps the bytes of `range` again, with `front` writable bytes directly
    /// in front of them and one zero behind. The contents start at a multiple
    /// of 16. `None`: the pages cannot be mapped that way, or it would not pay.
    /// What is in the front is not said.
    ///
    /// # Panics
    ///
    /// The range is not one of these bytes.
    pub fn alias(&self, range: Range<usize>, front: usize) -> Option<Alias> {
        assert!(range.start <= range.end && range.end <= self.len);
        let Store::Mapped(source) = &self.store else {
            return None;
        };
        if let Some(alias) = self.take_spare(&range, front) {
            return Some(alias);
        }
        let (page, from, to) = (page(), self.lead + range.start, self.lead + range.end);
        let (first, last) = (from.next_multiple_of(page), to - to % page);
        if from % 16 != 0
            || last.saturating_sub(first) < LEAST_ALIAS / 2
            || !has_room(ALIAS_MAPPINGS)
        {
            return None;
        }
        let (head, tail) = (first - from, to - last);
        let start = (front + head).next_multiple_of(page);
        let mapping = Mapping::reserve(start + (last - first) + page)?;
        mapping.repeat(start, source, first..last)?;
        mapping.make_writable(0..start)?;
        mapping.make_writable(mapping.len - page..mapping.len)?;
        let alias = Alias {
            data: start - head,
            mapping,
            range,
            front,
        };
        // SAFETY: the source has `to` bytes; the head ends where the front
        // does, and the tail is shorter than the page behind.
        unsafe {
            let bytes = source.address.as_ptr();
            let target = alias.data().as_ptr();
            ptr::copy_nonoverlapping(bytes.add(from), target, head);
            ptr::copy_nonoverlapping(bytes.add(last), target.add(last - from), tail);
        }
        Some(alias)
    }

    /// Keeps an alias that is not used any more for the next one who asks for the
    /// same: to map and unmap memory costs more than a message. The bytes in it,
    /// of these pages, must still be what they were.
    pub fn give_back(&self, alias: Alias) {
        // Where mappings are getting scarce, others can use them.
        if has_room(most_mappings() / 2) {
            let mut spare = lock(&self.spare);
            if spare.is_none() {
                *spare = Some(alias);
            }
        }
    }

    fn take_spare(&self, range: &Range<usize>, front: usize) -> Option<Alias> {
        let is_it = |spare: &mut Alias| spare.range == *range && spare.front == front;
        lock(&self.spare).take_if(is_it)
    }
}

impl Filling {
    /// Nothing yet.
    pub fn new() -> Self {
        Self {
            file: None,
            heap: Vec::new(),
            written: 0,
        }
    }

    /// Adds bytes.
    ///
    /// # Errors
    ///
    /// There is no memory.
    pub fn write(&mut self, data: &[u8]) -> io::Result<()> {
        let file = self.heap.len() + data.len() >= LEAST_ALIAS && has_room(1 + ALIAS_MAPPINGS);
        self.put(data, file)
    }

    fn put(&mut self, data: &[u8], file: bool) -> io::Result<()> {
        if self.file.is_none() && file {
            self.file = memory_file(); // out of descriptors: pages without a file will do
        }
        if let Some(file) = &mut self.file {
            file.write_all(&self.heap)?;
            file.write_all(data)?;
            self.written += self.heap.len() + data.len();
            self.heap = Vec::new();
            return Ok(());
        }
        let more = self.heap.try_reserve(data.len());
        more.map_err(|_| io::ErrorKind::OutOfMemory)?;
        self.heap.extend_from_slice(data);
        Ok(())
    }

    /// The pages with what was added, sealed where the system offers that.
    ///
    /// # Errors
    ///
    /// There is no memory.
    pub fn finish(self) -> io::Result<Pages> {
        let Some(file) = self.file else {
            let len = self.heap.len();
            if len < LEAST_ALIAS || !has_room(1 + ALIAS_MAPPINGS) {
                return Ok(Pages::heap(self.heap.into_boxed_slice()));
            }
            let mapping = Mapping::of_copy(&self.heap)?;
            return Ok(Pages::new(Store::Mapped(mapping), 0, len));
        };
        seal(&file);
        let mapping = Mapping::of_file(file.as_raw_fd(), 0, self.written)?;
        Ok(Pages::new(Store::Mapped(mapping), 0, self.written))
    }
}

impl Default for Filling {
    fn default() -> Self {
        Self::new()
    }
}

impl Alias {
    /// Where the contents start, as long as this exists.
    pub fn data(&self) -> NonNull<u8> {
        // SAFETY: within the mapping.
        unsafe { self.mapping.address.add(self.data) }
    }
}

impl Mapping {
    /// Takes over what `mmap` answered.
    fn new(address: *mut libc::c_void, len: usize, count: usize) -> io::Result<Self> {
        match NonNull::new(address.cast::<u8>()) {
            Some(address) if address.as_ptr().cast() != libc::MAP_FAILED => {
                MAPPINGS.fetch_add(count, Ordering::Relaxed);
                Ok(Self {
                    address,
                    len,
                    count,
                })
            }
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// The pages that have the first `len` bytes from `start` on, read-only.
    fn of_file(file: c_int, start: u64, len: usize) -> io::Result<Self> {
        let start = libc::off_t::try_from(start).map_err(|_| io::ErrorKind::InvalidInput)?;
        let (protection, flags) = (libc::PROT_READ, libc::MAP_SHARED);
        let len = len.next_multiple_of(page());
        // SAFETY: a new mapping, where the kernel likes.
        let address = unsafe { libc::mmap(ptr::null_mut(), len, protection, flags, file, start) };
        Self::new(address, len, 1)
    }

    /// New shared pages with this in them, read-only.
    fn of_copy(data: &[u8]) -> io::Result<Self> {
        let (protection, flags) = (
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED | libc::MAP_ANONYMOUS,
        );
        let len = data.len().next_multiple_of(page());
        // SAFETY: as above; the copy fits, and nobody else knows the memory
        // before it becomes read-only.
        unsafe {
            let address = libc::mmap(ptr::null_mut(), len, protection, flags, -1, 0);
            let mapping = Self::new(address, len, 1)?;
            ptr::copy_nonoverlapping(data.as_ptr(), mapping.address.as_ptr(), data.len());
            libc::mprotect(address, len, libc::PROT_READ);
            Ok(mapping)
        }
    }

    /// Addresses without memory, of an alias. `None`: there are none.
    fn reserve(len: usize) -> Option<Self> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: as above.
        let address = unsafe { libc::mmap(ptr::null_mut(), len, libc::PROT_NONE, flags, -1, 0) };
        Self::new(address, len, ALIAS_MAPPINGS).ok()
    }

    /// Maps pages of a shared mapping once more, at `at` of this one.
    fn repeat(&self, at: usize, source: &Self, pages: Range<usize>) -> Option<()> {
        let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
        // SAFETY: the old size 0 repeats a shared mapping instead of moving it;
        // the pages are the source's, and the target is within this mapping,
        // of which nothing is in use yet.
        let done = unsafe {
            let from = source.address.as_ptr().add(pages.start).cast();
            let to: *mut libc::c_void = self.address.as_ptr().add(at).cast();
            libc::mremap(from, 0, pages.len(), flags, to)
        };
        (done != libc::MAP_FAILED).then_some(())
    }

    fn make_writable(&self, pages: Range<usize>) -> Option<()> {
        // SAFETY: pages of this mapping, which nobody uses yet.
        let failed = unsafe {
            let start = self.address.as_ptr().add(pages.start).cast();
            libc::mprotect(start, pages.len(), libc::PROT_READ | libc::PROT_WRITE)
        };
        (failed == 0).then_some(())
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: our own mapping, which nobody uses any more.
        unsafe { libc::munmap(self.address.as_ptr().cast(), self.len) };
        MAPPINGS.fetch_sub(self.count, Ordering::Relaxed);
    }
}

/// Bytes of a page.
fn page() -> usize {
    // SAFETY: no memory is involved; glibc and musl answer without a system call.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) as usize }
}

/// May so many more mappings be made? Others need some too.
fn has_room(more: usize) -> bool {
    MAPPINGS.load(Ordering::Relaxed) + more <= most_mappings()
}

fn most_mappings() -> usize {
    let mut most = MOST_MAPPINGS.load(Ordering::Relaxed);
    if most == 0 {
        let said = std::fs::read_to_string("/proc/sys/vm/max_map_count");
        let said = said.ok().and_then(|text| text.trim().parse().ok());
        most = (said.unwrap_or(65_530) / 2).max(1);
        MOST_MAPPINGS.store(most, Ordering::Relaxed);
    }
    most
}

/// A new file that is only in memory.
fn memory_file() -> Option<File> {
    let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
    // SAFETY: a name that ends with zero; the descriptor is new, and ours.
    unsafe {
        let descriptor = libc::memfd_create(c"interlane".as_ptr(), flags);
        (descriptor >= 0).then(|| File::from_raw_fd(descriptor))
    }
}

/// Keeps everybody, whoever may get hold of the file, from changing it. Where
/// the system can't (`F_SEAL_FUTURE_WRITE` is of Linux 5.1), it can be changed
/// by somebody who goes out of his way; our own mappings are read-only anyway.
fn seal(file: &File) {
    let fixed = libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_SEAL;
    // SAFETY: an open descriptor and numbers.
    unsafe {
        let all = fixed | libc::F_SEAL_FUTURE_WRITE;
        if libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, all) < 0 {
            libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, fixed);
        }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
