//! "The error indicator is set" as a value, and the ways to set it.

use core::ffi::CStr;

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
    Attribute,
    BlockingIo,
    Buffer,
    Exception,
    Import,
    Index,
    Key,
    Lookup,
    Memory,
    NotImplemented,
    Os,
    Overflow,
    Recursion,
    Runtime,
    System,
    Timeout,
    Type,
    Value,
}

impl Builtin {
    pub(crate) fn class(self) -> Ref<'static> {
        // SAFETY: reading statics of the interpreter; exception classes are immortal.
        unsafe {
            Ref::from_ptr(match self {
                Builtin::Attribute => ffi::PyExc_AttributeError,
                Builtin::BlockingIo => ffi::PyExc_BlockingIOError,
                Builtin::Buffer => ffi::PyExc_BufferError,
                Builtin::Exception => ffi::PyExc_Exception,
                Builtin::Import => ffi::PyExc_ImportError,
                Builtin::Index => ffi::PyExc_IndexError,
                Builtin::Key => ffi::PyExc_KeyError,
                Builtin::Lookup => ffi::PyExc_LookupError,
                Builtin::Memory => ffi::PyExc_MemoryError,
                Builtin::NotImplemented => ffi::PyExc_NotImplementedError,
                Builtin::Os => ffi::PyExc_OSError,
                Builtin::Overflow => ffi::PyExc_OverflowError,
                Builtin::Recursion => ffi::PyExc_RecursionError,
                Builtin::Runtime => ffi::PyExc_RuntimeError,
                Builtin::System => ffi::PyExc_SystemError,
                Builtin::Timeout => ffi::PyExc_TimeoutError,
                Builtin::Type => ffi::PyExc_TypeError,
                Builtin::Value => ffi::PyExc_ValueError,
            })
        }
    }
}

impl Raised {
    /// For calls that have just reported an error.
    pub(crate) fn already(_py: Attached<'_>) -> Self {
        Raised(())
    }

    pub(crate) fn builtin(py: Attached<'_>, class: Builtin, message: &str) -> Self {
        Self::new(py, class.class(), message)
    }

    pub(crate) fn type_error(py: Attached<'_>, message: &str) -> Self {
        Self::builtin(py, Builtin::Type, message)
    }

    pub(crate) fn value_error(py: Attached<'_>, message: &str) -> Self {
        Self::builtin(py, Builtin::Value, message)
    }

    /// Raises `MemoryError`.
    pub(crate) fn memory(_py: Attached<'_>) -> Self {
        // SAFETY: attached; the answer is always NULL.
        unsafe { ffi::PyErr_NoMemory() };
        Raised(())
    }

    /// Raises the `OSError` of a system call, `MemoryError` where memory is what it lacked.
    pub(crate) fn io(py: Attached<'_>, error: &std::io::Error) -> Self {
        match error.raw_os_error() {
            None if error.kind() != std::io::ErrorKind::OutOfMemory => {
                // SAFETY: reading a static of the interpreter; exception classes are immortal.
                let class = unsafe { Ref::from_ptr(ffi::PyExc_OSError) };
                Self::new(py, class, &error.to_string())
            }
            None | Some(libc::ENOMEM | libc::ENOSPC) => Self::memory(py),
            Some(number) => {
                // SAFETY: as above.
                let class = unsafe { Ref::from_ptr(ffi::PyExc_OSError) };
                let text = error.to_string();
                let text = text.split(" (os error").next().unwrap_or_default();
                let made = py.int(i64::from(number)).and_then(|number| {
                    let text = py.str(text)?;
                    class.call(py, [number.get(), text.get()])
                });
                match made {
                    Ok(exception) => Self::restore(py, exception),
                    Err(raised) => raised,
                }
            }
        }
    }

    /// Raises `class(message)`.
    pub(crate) fn new(py: Attached<'_>, class: Ref<'_>, message: &str) -> Self {
        if let Ok(text) = py.str(message) {
            // SAFETY: attached; `class` is an exception class, `text` its argument.
            unsafe { running::set_error(class.as_ptr(), text.as_ptr()) };
        }
        Raised(())
    }

    /// Raises `KeyError(key)`.
    pub(crate) fn key_error(py: Attached<'_>, key: Ref<'_>) -> Self {
        match Builtin::Key.class().call(py, [key]) {
            Ok(exception) => Self::restore(py, exception),
            Err(raised) => raised,
        }
    }

    /// Takes the exception out of the indicator.
    pub(crate) fn take(self, py: Attached<'_>) -> Owned<'_> {
        // SAFETY: attached; the indicator is set, so this is a new reference.
        match unsafe { Owned::from_new(py, ffi::PyErr_GetRaisedException()) } {
            Ok(exception) => exception,
            Err(Raised(())) => unreachable!("a Raised exists only while the indicator is set"),
        }
    }

    /// Takes the exception out of the indicator that may be set.
    pub(crate) fn set_aside(py: Attached<'_>) -> Option<Owned<'_>> {
        // SAFETY: attached; reads the indicator.
        let is_set = unsafe { !ffi::PyErr_Occurred().is_null() };
        is_set.then(|| Raised(()).take(py))
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

    /// The same exception with an attribute more, which is made while no exception is set.
    pub(crate) fn with_attribute<'py>(
        self,
        py: Attached<'py>,
        name: &CStr,
        value: impl FnOnce() -> PyResult<Owned<'py>>,
    ) -> Self {
        let exception = self.take(py);
        let set = value().and_then(|value| exception.get().set_attribute(py, name, value.get()));
        match set {
            Ok(()) => Self::restore(py, exception),
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

    /// The exception as text, with the name of its class in front. It is forgotten.
    #[cfg(not(Py_3_14))]
    pub(crate) fn describe(self, py: Attached<'_>) -> String {
        let exception = self.take(py);
        let text = exception.get().to_text(py);
        let text = text.map(|text| text.get().display(py));
        let text = text.unwrap_or_else(|raised| {
            raised.ignore(py);
            String::new()
        });
        format!("{}: {text}", exception.get().class_name(py))
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

    /// Warns that `source` was left open; the message is for people.
    pub(crate) fn warn_unclosed(py: Attached<'_>, source: Ref<'_>, message: &str) {
        let Ok(message) = std::ffi::CString::new(message) else {
            return;
        };
        // SAFETY: attached, a live object, NUL-terminated text.
        if unsafe { running::warn_resource(source.as_ptr(), message.as_ptr()) } < 0 {
            Raised(()).report(py, source); // the warning was made an error
        }
    }

    /// Is the exception an instance of this class?
    pub(crate) fn is(&self, _py: Attached<'_>, class: Ref<'_>) -> bool {
        // SAFETY: attached, the indicator is set.
        unsafe { ffi::PyErr_ExceptionMatches(class.as_ptr()) != 0 }
    }

    /// As [`is`](Self::is), for the class that `find` looks for while no exception is set.
    pub(crate) fn is_found<'py>(
        &self,
        py: Attached<'py>,
        find: impl FnOnce() -> PyResult<Option<Owned<'py>>>,
    ) -> bool {
        let exception = Raised(()).take(py);
        let class = find().unwrap_or_else(|raised| {
            raised.ignore(py);
            None
        });
        // SAFETY: attached, live objects.
        let is = class.is_some_and(|class| unsafe {
            ffi::PyErr_GivenExceptionMatches(exception.as_ptr(), class.as_ptr()) != 0
        });
        let _still_set = Self::restore(py, exception);
        is
    }

    /// As [`is`](Self::is), for a built-in class.
    pub(crate) fn is_builtin(&self, py: Attached<'_>, class: Builtin) -> bool {
        self.is(py, class.class())
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

/// Builds an exception class for this interpreter and adds it to the module, under the last part of its name.
pub(crate) fn add<'py>(
    py: Attached<'py>,
    module: Ref<'_>,
    name: &'static CStr,
    doc: &'static CStr,
    bases: &[Ref<'_>],
) -> PyResult<Owned<'py>> {
    let tuple = py.tuple(bases.len())?;
    for (place, &base) in bases.iter().enumerate() {
        tuple.get().fill(place, base.to_owned(py));
    }
    // SAFETY: attached, live objects, NUL-terminated text; NULL is allowed for the dict.
    unsafe {
        let class = Owned::from_new(
            py,
            ffi::PyErr_NewExceptionWithDoc(
                name.as_ptr(),
                doc.as_ptr(),
                tuple.as_ptr(),
                core::ptr::null_mut(),
            ),
        )?;
        if ffi::PyModule_AddType(module.as_ptr(), class.as_ptr().cast()) < 0 {
            return Err(Raised::already(py));
        }
        Ok(class)
    }
}
