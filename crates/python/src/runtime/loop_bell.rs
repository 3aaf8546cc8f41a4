//! How the waits of one event loop wake it: a descriptor that becomes readable, and a list of those that are over.
//!
//! Whoever completes a wait is attached elsewhere, or nowhere, and may not touch the loop. All it does is to note the
//! wait's number and, for the first in the list, to write to the descriptor, which never blocks.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use interlane_core::Notify;

/// The bell of one loop. The descriptors stay open as long as a wait may ring, whatever has become of the loop.
#[derive(Debug)]
pub(crate) struct LoopBell {
    reader: OwnedFd,
    /// The writing end of a pipe; `None` where the reader is both.
    writer: Option<OwnedFd>,
    /// Numbers of waits that are over, the first one first. While there are any, the descriptor is readable. Locked
    /// for single operations.
    over: Mutex<VecDeque<u64>>,
}

/// One wait's hold on the bell.
#[derive(Debug)]
pub(crate) struct Ring {
    pub(crate) bell: Arc<LoopBell>,
    pub(crate) number: u64,
}

impl Notify for Ring {
    fn notify(&self) {
        let mut over = self.bell.over();
        let first = over.is_empty();
        over.push_back(self.number);
        drop(over);
        if first {
            self.bell.ring();
        }
    }
}

impl LoopBell {
    #[cfg(target_os = "linux")]
    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: no pointers; the new descriptor is nobody else's.
        let reader = unsafe {
            let fd = checked(libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK))?;
            OwnedFd::from_raw_fd(fd)
        };
        Ok(Self::with(reader, None))
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn new() -> io::Result<Self> {
        let mut ends = [-1; 2];
        // SAFETY: room for two descriptors, which are nobody else's.
        let [reader, writer] = unsafe {
            checked(libc::pipe(ends.as_mut_ptr()))?;
            ends.map(|fd| OwnedFd::from_raw_fd(fd))
        };
        for fd in [&reader, &writer] {
            // SAFETY: open descriptors; no pointers.
            unsafe {
                checked(libc::fcntl(fd.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC))?;
                checked(libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK))?;
            }
        }
        Ok(Self::with(reader, Some(writer)))
    }

    fn with(reader: OwnedFd, writer: Option<OwnedFd>) -> Self {
        Self {
            reader,
            writer,
            over: Mutex::default(),
        }
    }

    /// What the loop has to watch.
    pub(crate) fn descriptor(&self) -> RawFd {
        self.reader.as_raw_fd()
    }

    /// Silences the bell and says which waits are over.
    pub(crate) fn answer(&self) -> VecDeque<u64> {
        // In this order: who comes after the list was taken rings again.
        self.silence();
        std::mem::take(&mut *self.over())
    }

    /// How many waits are over.
    pub(crate) fn count(&self) -> usize {
        self.over().len()
    }

    /// Takes one of them. Whoever takes them one by one [rests](Self::rest) afterwards.
    pub(crate) fn next(&self) -> Option<u64> {
        self.over().pop_front()
    }

    /// Silences the bell, unless there is more.
    pub(crate) fn rest(&self) {
        if self.count() == 0 {
            self.silence();
            // Whoever came in between may have rung in vain.
            if self.count() > 0 {
                self.ring();
            }
        }
    }

    fn silence(&self) {
        let mut seen = [0_u8; 64];
        // SAFETY: an open descriptor that does not block, and room for what is read. One read empties an eventfd; of a
        // pipe, in which there is one byte for each time that somebody rang, the rest would only ring once more.
        unsafe {
            libc::read(
                self.descriptor(),
                seen.as_mut_ptr().cast(),
                size_of_val(&seen),
            );
        }
    }

    fn ring(&self) {
        let writer = self.writer.as_ref().unwrap_or(&self.reader);
        let one = 1_u64.to_ne_bytes();
        let size = if self.writer.is_none() { one.len() } else { 1 };
        // SAFETY: an open descriptor that does not block, and as many bytes as are there. It fails only when so much
        // is there to be read that the loop is awake anyway.
        unsafe { libc::write(writer.as_raw_fd(), one.as_ptr().cast(), size) };
    }

    fn over(&self) -> MutexGuard<'_, VecDeque<u64>> {
        self.over.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn checked(answer: libc::c_int) -> io::Result<libc::c_int> {
    if answer < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(answer)
}
