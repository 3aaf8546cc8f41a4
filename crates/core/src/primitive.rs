//! What the crate takes from the standard library for sharing memory between
//! threads, or loom's models of it. Nothing else in the crate names these
//! types (`clippy.toml` sees to it), so that a model check checks the code
//! that ships.
#![allow(
    clippy::disallowed_types,
    reason = "the one place that may name what clippy.toml bans"
)]

#[cfg(any(loom, not(target_os = "linux")))]
pub(crate) use self::imp::Condvar;
pub(crate) use self::imp::{
    AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Mutex, MutexGuard, UnsafeCell, fence,
};
pub(crate) use std::sync::atomic::Ordering;
pub(crate) use std::sync::{Arc, Weak};
use std::sync::{LockResult, PoisonError, TryLockError};

/// Locks a mutex, whatever became of its last holder.
///
/// No code of an embedder runs under a lock of this crate and every critical
/// section leaves its data whole at each step, so a poisoned mutex means no
/// more than that an allocation panicked.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    whole(mutex.lock())
}

/// As [`lock`], unless somebody else holds it.
pub(crate) fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(error)) => Some(error.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// The guard of a lock operation, see [`lock`].
pub(crate) fn whole<G>(result: LockResult<G>) -> G {
    result.unwrap_or_else(PoisonError::into_inner)
}

/// Asks the processor to have `value` in its caches soon, without waiting for it.
#[cfg(all(target_arch = "x86_64", not(loom), not(miri)))]
pub(crate) fn prefetch<T>(value: &T) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

    const LINE: usize = 64;
    for offset in (0..size_of::<T>()).step_by(LINE) {
        // SAFETY: of every x86-64 processor; a hint, which does nothing to any memory.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast::<i8>().wrapping_add(offset))
        };
    }
}

/// Elsewhere, and for those who look for faults, there are no caches.
#[cfg(not(all(target_arch = "x86_64", not(loom), not(miri))))]
pub(crate) fn prefetch<T>(_value: &T) {}

#[cfg(not(loom))]
mod imp {
    pub(crate) use std::sync::atomic::fence;

    // Aliases instead of re-exports: clippy looks through a re-export.
    pub(crate) type AtomicBool = std::sync::atomic::AtomicBool;
    pub(crate) type AtomicPtr<T> = std::sync::atomic::AtomicPtr<T>;
    pub(crate) type AtomicU32 = std::sync::atomic::AtomicU32;
    pub(crate) type AtomicU64 = std::sync::atomic::AtomicU64;
    pub(crate) type AtomicUsize = std::sync::atomic::AtomicUsize;
    pub(crate) type Mutex<T> = std::sync::Mutex<T>;
    pub(crate) type MutexGuard<'a, T> = std::sync::MutexGuard<'a, T>;
    #[cfg(not(target_os = "linux"))]
    pub(crate) type Condvar = std::sync::Condvar;

    /// [`std::cell::UnsafeCell`] with the interface of loom's, which notices
    /// two accesses that race.
    #[derive(Debug)]
    pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        pub(crate) const fn new(value: T) -> Self {
            Self(std::cell::UnsafeCell::new(value))
        }

        /// Calls `f` with a pointer to read from.
        pub(crate) fn with<O>(&self, f: impl FnOnce(*const T) -> O) -> O {
            f(self.0.get())
        }

        /// Calls `f` with a pointer to read from and write to.
        pub(crate) fn with_mut<O>(&self, f: impl FnOnce(*mut T) -> O) -> O {
            f(self.0.get())
        }
    }
}

#[cfg(loom)]
mod imp {
    pub(crate) use loom::sync::atomic::fence;

    pub(crate) type AtomicBool = loom::sync::atomic::AtomicBool;
    pub(crate) type AtomicPtr<T> = loom::sync::atomic::AtomicPtr<T>;
    pub(crate) type AtomicU32 = loom::sync::atomic::AtomicU32;
    pub(crate) type AtomicU64 = loom::sync::atomic::AtomicU64;
    pub(crate) type AtomicUsize = loom::sync::atomic::AtomicUsize;
    pub(crate) type Mutex<T> = loom::sync::Mutex<T>;
    pub(crate) type MutexGuard<'a, T> = loom::sync::MutexGuard<'a, T>;
    pub(crate) type Condvar = loom::sync::Condvar;
    pub(crate) type UnsafeCell<T> = loom::cell::UnsafeCell<T>;
}

/// The standard library's own types, under loom too: for process-wide statics,
/// which exist before and after any model, for statistics, by which nothing is
/// decided, and for what a lock decides.
pub(crate) mod process {
    use super::whole;

    pub(crate) type AtomicPtr<T> = std::sync::atomic::AtomicPtr<T>;
    pub(crate) type AtomicU8 = std::sync::atomic::AtomicU8;
    pub(crate) type AtomicU16 = std::sync::atomic::AtomicU16;
    pub(crate) type AtomicU64 = std::sync::atomic::AtomicU64;
    pub(crate) type AtomicUsize = std::sync::atomic::AtomicUsize;
    pub(crate) type Mutex<T> = std::sync::Mutex<T>;
    pub(crate) type MutexGuard<'a, T> = std::sync::MutexGuard<'a, T>;
    #[cfg(not(target_os = "linux"))]
    pub(crate) type OnceLock<T> = std::sync::OnceLock<T>;
    pub(crate) type AtomicBool = std::sync::atomic::AtomicBool;
    #[cfg(not(loom))]
    pub(crate) type Condvar = std::sync::Condvar;
    #[cfg(all(target_os = "linux", not(loom)))]
    pub(crate) type Once = std::sync::Once;

    /// Starts a thread that nobody joins; says whether that was possible.
    #[cfg(not(loom))]
    pub(crate) fn start(name: &str, stack: usize, work: fn()) -> bool {
        let builder = std::thread::Builder::new().name(name.into());
        builder.stack_size(stack).spawn(work).is_ok()
    }

    /// As [`super::lock`].
    pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        whole(mutex.lock())
    }
}
