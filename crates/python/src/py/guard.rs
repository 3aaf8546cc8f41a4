//! Protection against an interpreter's end while a thread is in it, by CPython's own means where it has some: PEP 788,
//! from 3.15 on. Our own gate (core's) closes earlier, at `atexit`, and is all there is below; but a program may clear
//! the callbacks of `atexit`.

pub(crate) use imp::View;

#[cfg(Py_3_15)]
mod imp {
    use core::ffi::c_void;

    use super::super::Attached;

    // pyo3-ffi 0.30 does not have these yet.
    unsafe extern "C" {
        fn PyInterpreterView_FromCurrent() -> *mut c_void;
        fn PyInterpreterView_Close(view: *mut c_void);
        fn PyInterpreterGuard_FromView(view: *mut c_void) -> *mut c_void;
        fn PyInterpreterGuard_Close(guard: *mut c_void);
    }

    /// An interpreter that may have ended.
    #[derive(Debug)]
    pub(crate) struct View(*mut c_void);

    // SAFETY: CPython lets any thread use and close a view.
    unsafe impl Send for View {}
    // SAFETY: as above; taking a guard changes nothing in it.
    unsafe impl Sync for View {}

    /// While it exists, the interpreter does not go on to end.
    #[derive(Debug)]
    pub(crate) struct Guard(*mut c_void);

    impl View {
        /// The interpreter that this thread is attached to; null, without memory, lets nobody in.
        pub(crate) fn current(py: Attached<'_>) -> Self {
            // SAFETY: attached.
            let view = unsafe { PyInterpreterView_FromCurrent() };
            if view.is_null() {
                super::super::Raised::already(py).ignore(py);
            }
            Self(view)
        }

        /// `None` once the interpreter has begun to come apart.
        pub(crate) fn guard(&self) -> Option<Guard> {
            if self.0.is_null() {
                return None;
            }
            // SAFETY: a view that is not closed; needs no attached thread and sets no exception.
            let guard = unsafe { PyInterpreterGuard_FromView(self.0) };
            (!guard.is_null()).then(|| Guard(guard))
        }
    }

    impl Drop for View {
        fn drop(&mut self) {
            if !self.0.is_null() {
                // SAFETY: closed once; the interpreter may be gone.
                unsafe { PyInterpreterView_Close(self.0) }
            }
        }
    }

    impl Drop for Guard {
        fn drop(&mut self) {
            // SAFETY: closed once.
            unsafe { PyInterpreterGuard_Close(self.0) }
        }
    }
}

#[cfg(not(Py_3_15))]
mod imp {
    use super::super::Attached;

    /// Nothing: only the gate protects.
    #[derive(Debug)]
    pub(crate) struct View;

    /// As above.
    #[derive(Debug)]
    pub(crate) struct Guard;

    impl View {
        pub(crate) fn current(_py: Attached<'_>) -> Self {
            Self
        }

        #[expect(clippy::unnecessary_wraps, reason = "CPython 3.15 may say no")]
        pub(crate) fn guard(&self) -> Option<Guard> {
            Some(Guard)
        }
    }

    impl Drop for Guard {
        fn drop(&mut self) {}
    }
}
