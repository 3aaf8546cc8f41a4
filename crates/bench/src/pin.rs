//! Keeps threads on one processor each.

/// The processors that this process may use; none where that cannot be asked.
pub(crate) struct Processors(Vec<usize>);

impl Processors {
    /// Asks for them, as long as the calling thread is not kept on one of them.
    #[cfg(target_os = "linux")]
    pub(crate) fn allowed() -> Self {
        // SAFETY: a set of bits, for which zeroes are valid; the call writes within its size.
        unsafe {
            let mut set: libc::cpu_set_t = std::mem::zeroed();
            libc::sched_getaffinity(0, size_of_val(&set), &raw mut set);
            let all = 0..libc::CPU_SETSIZE as usize;
            Self(all.filter(|&cpu| libc::CPU_ISSET(cpu, &set)).collect())
        }
    }

    /// Keeps the calling thread on the first one.
    pub(crate) fn use_first(&self) {
        self.pin(self.0.first());
    }

    /// Keeps the calling thread on the last one.
    pub(crate) fn use_last(&self) {
        self.pin(self.0.last());
    }

    /// Lets the calling thread run on all of them again.
    pub(crate) fn use_all(&self) {
        self.pin(&self.0);
    }

    #[cfg(target_os = "linux")]
    fn pin<'a>(&self, cpus: impl IntoIterator<Item = &'a usize>) {
        // SAFETY: as above, and the call only reads it. Without any processor it fails and changes nothing.
        unsafe {
            let mut set: libc::cpu_set_t = std::mem::zeroed();
            for &cpu in cpus {
                libc::CPU_SET(cpu, &mut set);
            }
            libc::sched_setaffinity(0, size_of_val(&set), &raw const set);
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn allowed() -> Self {
        Self(Vec::new())
    }

    #[cfg(not(target_os = "linux"))]
    fn pin<'a>(&self, _cpus: impl IntoIterator<Item = &'a usize>) {}
}
