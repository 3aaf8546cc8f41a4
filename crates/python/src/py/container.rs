//! Exact `tuple`, `list`, `dict`, `set` and `frozenset`: stepping through and filling.

use pyo3_ffi as ffi;

use super::{Attached, Owned, PyResult, Raised, Ref, running};

/// A position in a container that is being stepped through.
pub(crate) enum Steps<'py> {
    Tuple(Owned<'py>, isize),
    List(Owned<'py>, isize),
    /// Position, size at the start, and the value whose key was given out last.
    Dict(Owned<'py>, ffi::Py_ssize_t, isize, Option<Owned<'py>>),
    /// The iterator; it notices itself when the set changes size.
    Set(Owned<'py>),
}

impl<'py> Steps<'py> {
    /// The next object inside. A `dict` gives key, value, key, value.
    pub(crate) fn next(&mut self, py: Attached<'py>) -> PyResult<Option<Owned<'py>>> {
        match self {
            Self::Tuple(tuple, index) => {
                // SAFETY: an exact tuple; the index is checked against its fixed size.
                let item = unsafe {
                    if *index >= ffi::PyTuple_GET_SIZE(tuple.as_ptr()) {
                        return Ok(None);
                    }
                    Ref::from_ptr(ffi::PyTuple_GET_ITEM(tuple.as_ptr(), *index)).to_owned(py)
                };
                *index += 1;
                Ok(Some(item))
            }
            Self::List(list, index) => {
                // SAFETY: an exact list; it may have shrunk, so its size is asked each time.
                let item = unsafe {
                    if *index >= ffi::PyList_Size(list.as_ptr()) {
                        return Ok(None);
                    }
                    let item = ffi::compat::PyList_GetItemRef(list.as_ptr(), *index);
                    if item.is_null() {
                        running::clear_error(); // it has shrunk just now, in a thread without a GIL
                        return Ok(None);
                    }
                    Owned::from_new(py, item)?
                };
                *index += 1;
                Ok(Some(item))
            }
            Self::Dict(dict, position, size, value) => {
                if let Some(value) = value.take() {
                    return Ok(Some(value));
                }
                // The size is checked so that a change is an error, not a surprise.
                let same = undisturbed(dict.get(), || {
                    let (mut key, mut item) = (core::ptr::null_mut(), core::ptr::null_mut());
                    // SAFETY: an exact dict, which nobody changes meanwhile; key and value are borrowed and become
                    // owned at once.
                    unsafe {
                        if ffi::PyDict_Size(dict.as_ptr()) != *size {
                            return None;
                        }
                        if ffi::PyDict_Next(dict.as_ptr(), position, &mut key, &mut item) == 0 {
                            return Some(None);
                        }
                        *value = Some(Ref::from_ptr(item).to_owned(py));
                        Some(Some(Ref::from_ptr(key).to_owned(py)))
                    }
                });
                same.ok_or_else(|| {
                    let message = "dictionary changed size while it was being sent";
                    Raised::builtin(py, super::error::Builtin::Runtime, message)
                })
            }
            Self::Set(iterator) => iterator.get().next(py),
        }
    }
}

/// Runs `work`, which must not panic or run Python code, while no other thread changes the object. Where there is a
/// GIL, the caller has it.
#[inline(always)]
fn undisturbed<R>(object: Ref<'_>, work: impl FnOnce() -> R) -> R {
    #[cfg(Py_GIL_DISABLED)]
    // SAFETY: attached, a live object; the section stays where it is, and ends on this thread.
    unsafe {
        let mut section = core::mem::MaybeUninit::uninit();
        ffi::PyCriticalSection_Begin(section.as_mut_ptr(), object.as_ptr());
        let answer = work();
        ffi::PyCriticalSection_End(section.as_mut_ptr());
        answer
    }
    #[cfg(not(Py_GIL_DISABLED))]
    {
        let _ = object;
        work()
    }
}

impl<'a> Ref<'a> {
    /// Number of items of an exact tuple, list, dict, set or frozenset.
    pub(crate) fn size(self, py: Attached<'_>) -> PyResult<usize> {
        // SAFETY: attached.
        match unsafe { ffi::PyObject_Size(self.as_ptr()) } {
            -1 => Err(Raised::already(py)),
            size => Ok(size as usize),
        }
    }

    /// Is it a tuple, of whatever class?
    pub(crate) fn is_tuple(self) -> bool {
        // SAFETY: a live object.
        unsafe { ffi::PyTuple_Check(self.as_ptr()) != 0 }
    }

    /// Start, stop and step of an exact `slice` or `range`, as a tuple.
    pub(crate) fn slice_or_range_parts<'py>(
        self,
        py: Attached<'py>,
    ) -> PyResult<Option<Owned<'py>>> {
        // SAFETY: a live object, whose type is compared with immortal ones.
        unsafe {
            let class = ffi::Py_TYPE(self.as_ptr());
            if class != &raw mut ffi::PySlice_Type && class != &raw mut ffi::PyRange_Type {
                return Ok(None);
            }
        }
        let parts = py.tuple(3)?;
        for (place, name) in [c"start", c"stop", c"step"].into_iter().enumerate() {
            parts.get().fill(place, self.attribute(py, name)?);
        }
        Ok(Some(parts))
    }

    /// The two items of a tuple that has two.
    pub(crate) fn pair(self) -> Option<[Ref<'a>; 2]> {
        // SAFETY: checked to be a tuple of two, which keeps its items as long as it lives.
        unsafe {
            (self.is_tuple() && ffi::PyTuple_GET_SIZE(self.as_ptr()) == 2)
                .then(|| [0, 1].map(|i| Ref::from_ptr(ffi::PyTuple_GET_ITEM(self.as_ptr(), i))))
        }
    }

    /// The items of a tuple that is known to have three.
    pub(crate) fn three(self) -> [Ref<'a>; 3] {
        // SAFETY: the callers pass such a tuple, which keeps its items as long as it lives.
        [0, 1, 2].map(|i| unsafe { Ref::from_ptr(ffi::PyTuple_GET_ITEM(self.as_ptr(), i)) })
    }

    /// The value of a key in a dict.
    pub(crate) fn find<'py>(self, py: Attached<'py>, key: Ref<'_>) -> PyResult<Option<Owned<'py>>> {
        let mut value = core::ptr::null_mut();
        // SAFETY: attached; a dict of ours; a new reference is stored when the answer is 1.
        unsafe {
            match running::dict_get(self.as_ptr(), key.as_ptr(), &mut value) {
                0 => Ok(None),
                1 => Owned::from_new(py, value).map(Some),
                _ => Err(Raised::already(py)),
            }
        }
    }

    /// `del self[key]` in a dict.
    pub(crate) fn remove(self, py: Attached<'_>, key: Ref<'_>) -> PyResult<()> {
        // SAFETY: attached; a dict of ours.
        check(py, unsafe {
            running::dict_remove(self.as_ptr(), key.as_ptr())
        })
    }

    /// Appends to a list.
    pub(crate) fn append(self, py: Attached<'_>, item: Ref<'_>) -> PyResult<()> {
        // SAFETY: attached; a list of ours.
        check(py, unsafe {
            ffi::PyList_Append(self.as_ptr(), item.as_ptr())
        })
    }

    /// Puts a key and its value into a dict.
    pub(crate) fn insert(self, py: Attached<'_>, key: Ref<'_>, value: Ref<'_>) -> PyResult<()> {
        // SAFETY: attached; a dict of ours.
        check(py, unsafe {
            running::dict_set(self.as_ptr(), key.as_ptr(), value.as_ptr())
        })
    }

    /// Adds to a set, or to a frozenset that nobody else has seen.
    pub(crate) fn add(self, py: Attached<'_>, item: Ref<'_>) -> PyResult<()> {
        // SAFETY: attached; a set of ours.
        check(py, unsafe {
            running::set_add(self.as_ptr(), item.as_ptr())
        })
    }

    /// Fills one place of a tuple made by [`Attached::tuple`], each place once.
    pub(crate) fn fill(self, index: usize, item: Owned<'_>) {
        // SAFETY: an unfinished tuple of ours; the place is still NULL. The tuple may be referenced from
        // inside itself already, which is why this isn't PyTuple_SetItem.
        unsafe { ffi::PyTuple_SET_ITEM(self.as_ptr(), index as _, item.into_ptr()) }
    }
}

impl<'py> Attached<'py> {
    /// A tuple whose places are still empty.
    pub(crate) fn tuple(self, size: usize) -> PyResult<Owned<'py>> {
        // SAFETY: attached.
        unsafe { Owned::from_new(self, ffi::PyTuple_New(size as _)) }
    }

    pub(crate) fn list(self) -> PyResult<Owned<'py>> {
        // SAFETY: attached.
        unsafe { Owned::from_new(self, ffi::PyList_New(0)) }
    }

    pub(crate) fn dict(self) -> PyResult<Owned<'py>> {
        // SAFETY: attached.
        unsafe { Owned::from_new(self, ffi::PyDict_New()) }
    }

    pub(crate) fn set(self) -> PyResult<Owned<'py>> {
        // SAFETY: attached.
        unsafe { Owned::from_new(self, ffi::PySet_New(core::ptr::null_mut())) }
    }

    pub(crate) fn frozenset(self) -> PyResult<Owned<'py>> {
        // SAFETY: attached.
        unsafe { Owned::from_new(self, ffi::PyFrozenSet_New(core::ptr::null_mut())) }
    }
}

fn check(py: Attached<'_>, answer: core::ffi::c_int) -> PyResult<()> {
    if answer < 0 {
        Err(Raised::already(py))
    } else {
        Ok(())
    }
}
