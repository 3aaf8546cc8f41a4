//! Whether threads of this process can run at the same time.

use crate::primitive::Ordering;
use crate::primitive::process::AtomicUsize;

/// What is known of the processors:
///
/// | word | known |
/// |---|---|
/// | `UNKNOWN` | nothing, nobody has asked |
/// | `ONE` | there is time for one thread only |
/// | `SEVERAL` | there are several, for good |
/// | `PINNED + n` | who asked is bound to processor `n`; others may be bound to other ones |
///
/// Sound as a static: a guess about the machine, for which a lost update does
/// no harm, and by which nothing but speed is decided.
static CPUS: AtomicUsize = AtomicUsize::new(UNKNOWN);
const UNKNOWN: usize = 0;
const ONE: usize = 1;
const SEVERAL: usize = 2;
const PINNED: usize = 3;

/// Whether anybody could change something while this thread spins. A system
/// call the first time only.
pub(crate) fn several() -> bool {
    // Relaxed: the word is all there is.
    let known = CPUS.load(Ordering::Relaxed);
    let now = match known {
        ONE | SEVERAL => known,
        UNKNOWN if std::thread::available_parallelism().is_ok_and(|cpus| cpus.get() > 1) => SEVERAL,
        UNKNOWN => bound_to().map_or(ONE, |cpu| PINNED + cpu),
        // Threads that run on different processors, each bound to its own:
        // what the first one might use says nothing of the others.
        _ if current().is_some_and(|cpu| PINNED + cpu != known) => SEVERAL,
        _ => known,
    };
    if now != known {
        CPUS.store(now, Ordering::Relaxed);
    }
    now == SEVERAL
}

/// The one processor that the calling thread is bound to, if it is.
#[cfg(target_os = "linux")]
fn bound_to() -> Option<usize> {
    // SAFETY: a set of bits, for which zeroes are valid; the call writes
    // within the size that it is told.
    let count = unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::sched_getaffinity(0, size_of_val(&set), &raw mut set);
        libc::CPU_COUNT(&set)
    };
    if count == 1 { current() } else { None }
}

/// The processor that the calling thread runs on.
#[cfg(target_os = "linux")]
fn current() -> Option<usize> {
    // SAFETY: no arguments; -1 when the kernel does not say.
    usize::try_from(unsafe { libc::sched_getcpu() }).ok()
}

#[cfg(not(target_os = "linux"))]
fn bound_to() -> Option<usize> {
    None
}

#[cfg(not(target_os = "linux"))]
fn current() -> Option<usize> {
    None
}
