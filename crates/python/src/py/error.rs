//! "The error indicator is set" as a value, and the ways to set it.

use pyo3_ffi as ffi;

use super::{Attached, Owned, Ref, running};

/// The error indicator of the current thread state is set.
#[must_use]
#[derive(Debug)]
pub(crate) struct Raised(());

pub(crate) type PyResult<T> = Result<T, Raised>;

/// Built-in exception classes that Rust code raises itself.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Builtin {
    Buffer,
    Import,
    Key,
    Runtime,
    System,
    Timeout,
    Type,
    Value,
}

impl Raised {
    /// For calls that have just reported an error.
    pub(crate) fn already(_py: Attached<'_>) -> Self {
        Raised(())
    }

    pub(crate) fn builtin(py: Attached<'_>, class: Builtin, message: &str) -> Self {
        // SAFETY: reading statics of the interpreter; exception classes are immortal.
        let class = unsafe {
            Ref::from_ptr(match class {
                Builtin::Buffer => ffi::PyExc_BufferError,
                Builtin::Import => ffi::PyExc_ImportError,
                Builtin::Key => ffi::PyExc_KeyError,
                Builtin::Runtime => ffi::PyExc_RuntimeError,
                Builtin::System => ffi::PyExc_SystemError,
                Builtin::Timeout => ffi::PyExc_TimeoutError,
                Builtin::Type => ffi::PyExc_TypeError,
                Builtin::Value => ffi::PyExc_ValueError,
            })
        };
        Self::new(py, class, message)
    }

    pub(crate) fn type_error(py: Attached<'_>, message: &str) -> Self {
        Self::builtin(py, Builtin::Type, message)
    }

    pub(crate) fn value_error(py: Attached<'_>, message: &str) -> Self {
        Self::builtin(py, Builtin::Value, message)
    }

    /// Raises `class(message)`.
    pub(crate) fn new(py: Attached<'_>, class: Ref<'_>, message: &str) -> Self {
        if let Ok(text) = py.str(message) {
            // SAFETY: attached; `class` is an exception class, `text` its argument.
            unsafe { running::set_error(class.as_ptr(), text.as_ptr()) };
        }
        Raised(())
    }

    /// Takes the exception out of the indicator.
    pub(crate) fn take(self, py: Attached<'_>) -> Owned<'_> {
        // SAFETY: attached; the indicator is set, so this is a new reference.
        match unsafe { Owned::from_new(py, ffi::PyErr_GetRaisedException()) } {
            Ok(exception) => exception,
            Err(Raised(())) => unreachable!("a Raised exists only while the indicator is set"),
        }
    }

    /// Puts an exception back into the indicator.
    pub(crate) fn restore(_py: Attached<'_>, exception: Owned<'_>) -> Self {
        // SAFETY: attached; steals the reference.
        unsafe { running::restore_error(exception.into_ptr()) };
        Raised(())
    }

    /// The same exception with a line more at its end (PEP 678), which is made while no exception is set.
    pub(crate) fn with_note(self, py: Attached<'_>, note: impl FnOnce() -> String) -> Self {
        let exception = self.take(py);
        let note = note();
        let added = exception
            .get()
            .attribute(py, c"add_note")
            .and_then(|add| add.get().call(py, [py.str(&note)?.get()]));
        match added {
            Ok(_none) => Self::restore(py, exception),
            Err(raised) => raised,
        }
    }

    /// Raises another exception in place of this one, which becomes its cause.
    pub(crate) fn cause_of(self, py: Attached<'_>, raise: impl FnOnce() -> Self) -> Self {
        let cause = self.take(py);
        let exception = raise().take(py);
        match exception.get().set_attribute(py, c"__cause__", cause.get()) {
            Ok(()) => Self::restore(py, exception),
            Err(raised) => raised,
        }
    }

    /// Reports the exception through `sys.unraisablehook`: nobody is there to catch it.
    pub(crate) fn report(self, _py: Attached<'_>, source: Ref<'_>) {
        // SAFETY: attached, the indicator is set, a live object.
        unsafe { running::write_unraisable(source.as_ptr()) }
    }

    /// As [`report`](Self::report), when it is about nothing in particular.
    pub(crate) fn report_alone(self, _py: Attached<'_>) {
        // SAFETY: attached, the indicator is set; NULL is allowed.
        unsafe { running::write_unraisable(core::ptr::null_mut()) }
    }

    /// Is the exception an instance of this class?
    pub(crate) fn is(&self, _py: Attached<'_>, class: Ref<'_>) -> bool {
        // SAFETY: attached, the indicator is set.
        unsafe { ffi::PyErr_ExceptionMatches(class.as_ptr()) != 0 }
    }

    /// Is it an `Exception` that says something about an object, and not, say, a `KeyboardInterrupt`?
    pub(crate) fn is_ordinary(&self, _py: Attached<'_>) -> bool {
        // SAFETY: attached, the indicator is set.
        unsafe {
            ffi::PyErr_ExceptionMatches(ffi::PyExc_Exception) != 0
                && ffi::PyErr_ExceptionMatches(ffi::PyExc_MemoryError) == 0
        }
    }

    /// Forgets the exception, where failing is one of the expected answers.
    pub(crate) fn ignore(self, _py: Attached<'_>) {
        // SAFETY: attached.
        unsafe { running::clear_error() }
    }
}
