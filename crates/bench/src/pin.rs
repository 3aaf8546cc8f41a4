//! Keeps the calling thread on one processor.

/// Number `index` of those that the process may use; without so many, nothing is done.
#[cfg(target_os = "linux")]
pub(crate) fn to(index: usize) {
    use std::mem;

    // The first thread's, which is still unpinned when the program starts, is asked for once.
    static ALLOWED: std::sync::OnceLock<Vec<usize>> = std::sync::OnceLock::new();
    let allowed = ALLOWED.get_or_init(|| {
        // SAFETY: a set of bits, for which zeroes are valid; the call writes within its size.
        unsafe {
            let mut set: libc::cpu_set_t = mem::zeroed();
            libc::sched_getaffinity(0, mem::size_of_val(&set), &raw mut set);
            let all = 0..libc::CPU_SETSIZE as usize;
            all.filter(|&cpu| libc::CPU_ISSET(cpu, &set)).collect()
        }
    });
    if let Some(&cpu) = allowed.get(index) {
        // SAFETY: as above, and the call only reads it.
        unsafe {
            let mut set: libc::cpu_set_t = mem::zeroed();
            libc::CPU_SET(cpu, &mut set);
            libc::sched_setaffinity(0, mem::size_of_val(&set), &raw const set);
        }
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn to(_index: usize) {}
