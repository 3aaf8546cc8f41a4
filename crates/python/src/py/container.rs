//! Exact `tuple`, `list`, `dict`, `set` and `frozenset`: stepping through and filling.

use pyo3_ffi as ffi;

use super::error::Builtin;
#[cfg(not(Py_GIL_DISABLED))]
use super::object::Kind;
use super::{Attached, Owned, PyResult, Raised, Ref, running};

/// A position in a container that is being stepped through.
pub(crate) enum Steps<'py> {
    Tuple(Owned<'py>, isize),
    List(Owned<'py>, isize),
    /// Position, size at the start, and the value whose key was given out last.
    Dict(Owned<'py>, ffi::Py_ssize_t, isize, Option<Owned<'py>>),
    /// The iterator of a set, or of something like it; it notices itself when that changes size.
    Iterator(Owned<'py>),
    /// An iterator of pairs, and the second of the pair whose first was given out last.
    Pairs(Owned<'py>, Option<Owned<'py>>),
}

/// Where stepping has come to.
pub(crate) enum Next<'py, R> {
    /// At an object, with what was said about it.
    Stop(Owned<'py>, R),
    End,
}

impl<'py> Steps<'py> {
    pub(crate) fn of_tuple(tuple: Owned<'py>) -> Self {
        Self::Tuple(tuple, 0)
    }

    pub(crate) fn of_list(list: Owned<'py>) -> Self {
        Self::List(list, 0)
    }

    /// Through a dict that has this many keys.
    pub(crate) fn of_dict(dict: Owned<'py>, size: usize) -> Self {
        Self::Dict(dict, 0, size as isize, None)
    }

    /// Shows the objects inside to `visit`, one after the other, and how many references there are to each that are
    /// known: its container's and ours. Ends with the first that it answers something about. A `dict` gives key, value,
    /// key, value.
    ///
    /// For an object of a built-in class that it answers nothing about, `visit` must not run Python code.
    #[inline]
    pub(crate) fn next<R>(
        &mut self,
        py: Attached<'py>,
        mut visit: impl FnMut(Ref<'_>, isize) -> PyResult<Option<R>>,
    ) -> PyResult<Next<'py, R>> {
        match self {
            Self::Tuple(tuple, index) => {
                // SAFETY: an exact tuple, whose size is fixed.
                let size = unsafe { ffi::PyTuple_GET_SIZE(tuple.as_ptr()) };
                while *index < size {
                    // SAFETY: a place that it has. It keeps the item.
                    let item =
                        unsafe { Ref::from_ptr(ffi::PyTuple_GET_ITEM(tuple.as_ptr(), *index)) };
                    *index += 1;
                    if let Some(answer) = visit(item, 1)? {
                        return Ok(Next::Stop(item.to_owned(py), answer));
                    }
                }
                Ok(Next::End)
            }
            #[cfg(not(Py_GIL_DISABLED))]
            Self::List(list, index) => {
                // SAFETY: an exact list; it may have shrunk, so its size is asked each time.
                while *index < unsafe { ffi::PyList_GET_SIZE(list.as_ptr()) } {
                    // SAFETY: a place that it has. It keeps the item while no Python code runs, and nobody else
                    // changes it under our GIL.
                    let item =
                        unsafe { Ref::from_ptr(ffi::PyList_GET_ITEM(list.as_ptr(), *index)) };
                    *index += 1;
                    if let Some(answer) = visit(item, 1)? {
                        return Ok(Next::Stop(item.to_owned(py), answer));
                    }
                }
                Ok(Next::End)
            }
            #[cfg(not(Py_GIL_DISABLED))]
            Self::Dict(dict, position, size, value) => {
                loop {
                    if let Some(item) = value.take() {
                        if let Some(answer) = visit(item.get(), 2)? {
                            return Ok(Next::Stop(item, answer));
                        }
                    }
                    // Both stay where they are while no Python code runs, and nobody else changes the dict under our
                    // GIL.
                    let Some((key, item)) = dict_step(py, dict.get(), position, *size)? else {
                        return Ok(Next::End);
                    };
                    if key.kind() == Kind::Other {
                        *value = Some(item.to_owned(py));
                        let key = key.to_owned(py);
                        if let Some(answer) = visit(key.get(), 2)? {
                            return Ok(Next::Stop(key, answer));
                        }
                        continue;
                    }
                    if let Some(answer) = visit(key, 1)? {
                        *value = Some(item.to_owned(py));
                        return Ok(Next::Stop(key.to_owned(py), answer));
                    }
                    if let Some(answer) = visit(item, 1)? {
                        return Ok(Next::Stop(item.to_owned(py), answer));
                    }
                }
            }
            _ => {
                while let Some(item) = self.next_owned(py)? {
                    if let Some(answer) = visit(item.get(), 2)? {
                        return Ok(Next::Stop(item, answer));
                    }
                }
                Ok(Next::End)
            }
        }
    }

    fn next_owned(&mut self, py: Attached<'py>) -> PyResult<Option<Owned<'py>>> {
        match self {
            Self::Tuple(..) => Ok(None),
            Self::List(list, index) => {
                let item = list_item(py, list.get(), *index);
                *index += 1;
                item
            }
            Self::Dict(dict, position, size, value) => {
                if let Some(value) = value.take() {
                    return Ok(Some(value));
                }
                undisturbed(dict.get(), || {
                    let pair = dict_step(py, dict.get(), position, *size)?;
                    Ok(pair.map(|(key, item)| {
                        *value = Some(item.to_owned(py));
                        key.to_owned(py)
                    }))
                })
            }
            Self::Iterator(iterator) => iterator.get().next(py),
            Self::Pairs(iterator, second) => {
                if let Some(second) = second.take() {
                    return Ok(Some(second));
                }
                let Some(pair) = iterator.get().next(py)? else {
                    return Ok(None);
                };
                let [first, other] = pair.get().pair().ok_or_else(|| {
                    Raised::type_error(py, "what should be a pair of key and value is none")
                })?;
                *second = Some(other.to_owned(py));
                Ok(Some(first.to_owned(py)))
            }
        }
    }

    /// The key that was given out at this place, for messages. `None`: it has none, or is not known any more.
    pub(crate) fn key(&self, py: Attached<'py>, place: usize) -> Option<Owned<'py>> {
        let Self::Dict(dict, _, size, _) = self else {
            return None;
        };
        let mut again = Self::Dict(dict.get().to_owned(py), 0, *size, None);
        for _ in 0..2 * place {
            if let Err(raised) = again.next_owned(py) {
                raised.ignore(py);
                return None;
            }
        }
        again.next_owned(py).unwrap_or_else(|raised| {
            raised.ignore(py);
            None
        })
    }
}

/// The key and the value at this position of an exact dict, which had this many keys: that is checked so that a change
/// is an error, not a surprise. Without a GIL, nobody else may change it meanwhile.
#[inline(always)]
fn dict_step<'a>(
    py: Attached<'_>,
    dict: Ref<'a>,
    position: &mut isize,
    size: isize,
) -> PyResult<Option<(Ref<'a>, Ref<'a>)>> {
    let (mut key, mut item) = (core::ptr::null_mut(), core::ptr::null_mut());
    // SAFETY: an exact dict, which nobody changes meanwhile and which keeps both.
    unsafe {
        if (*dict.as_ptr().cast::<ffi::PyDictObject>()).ma_used != size {
            let message = "dictionary changed size while it was being sent";
            return Err(Raised::builtin(py, Builtin::Runtime, message));
        }
        if ffi::PyDict_Next(dict.as_ptr(), position, &mut key, &mut item) == 0 {
            return Ok(None);
        }
        Ok(Some((Ref::from_ptr(key), Ref::from_ptr(item))))
    }
}

/// The object at this place of an exact list. It may have shrunk, so its size is asked each time.
#[inline(always)]
fn list_item<'py>(py: Attached<'py>, list: Ref<'_>, index: isize) -> PyResult<Option<Owned<'py>>> {
    #[cfg(not(Py_GIL_DISABLED))]
    // SAFETY: an exact list; the index is checked against its size, and nobody changes it under our GIL.
    unsafe {
        if index >= ffi::PyList_GET_SIZE(list.as_ptr()) {
            return Ok(None);
        }
        Ok(Some(
            Ref::from_ptr(ffi::PyList_GET_ITEM(list.as_ptr(), index)).to_owned(py),
        ))
    }
    #[cfg(Py_GIL_DISABLED)]
    // SAFETY: an exact list.
    unsafe {
        if index >= ffi::PyList_Size(list.as_ptr()) {
            return Ok(None);
        }
        let item = ffi::compat::PyList_GetItemRef(list.as_ptr(), index);
        if item.is_null() {
            running::clear_error(); // it has shrunk just now, in another thread
            return Ok(None);
        }
        Owned::from_new(py, item).map(Some)
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

    /// Is it an exact `slice` or `range`?
    pub(crate) fn is_slice_or_range(self) -> bool {
        // SAFETY: a live object, whose type is compared with immortal ones.
        unsafe {
            let class = ffi::Py_TYPE(self.as_ptr());
            class == &raw mut ffi::PySlice_Type || class == &raw mut ffi::PyRange_Type
        }
    }

    /// Start, stop and step of a `slice` or `range`, as a tuple.
    pub(crate) fn bounds<'py>(self, py: Attached<'py>) -> PyResult<Owned<'py>> {
        let start = self.attribute(py, c"start")?;
        let stop = self.attribute(py, c"stop")?;
        py.tuple_of([start, stop, self.attribute(py, c"step")?])
    }

    /// Is it an exact `frozendict`, which 3.15 is the first to have?
    pub(crate) fn is_frozen_dict(self) -> bool {
        #[cfg(Py_3_15)]
        // SAFETY: a live object.
        return unsafe { ffi::PyFrozenDict_CheckExact(self.as_ptr()) != 0 };
        #[cfg(not(Py_3_15))]
        false
    }

    /// `dict(self)`.
    pub(crate) fn to_dict<'py>(self, py: Attached<'py>) -> PyResult<Owned<'py>> {
        // SAFETY: attached; the type is immortal.
        let class = unsafe { Ref::from_ptr((&raw mut ffi::PyDict_Type).cast()) };
        class.call(py, [self])
    }

    /// An exact tuple of the items of a tuple.
    pub(crate) fn to_tuple<'py>(self, py: Attached<'py>) -> PyResult<Owned<'py>> {
        // SAFETY: attached; the callers pass a tuple.
        unsafe {
            let size = ffi::PyTuple_GET_SIZE(self.as_ptr());
            Owned::from_new(py, ffi::PyTuple_GetSlice(self.as_ptr(), 0, size))
        }
    }

    /// The item at this place of a tuple, if it is one and has it.
    pub(crate) fn tuple_item(self, place: usize) -> Option<Ref<'a>> {
        // SAFETY: checked to be a tuple that is long enough, and keeps its items as long as it lives.
        unsafe {
            (self.is_tuple() && (place as isize) < ffi::PyTuple_GET_SIZE(self.as_ptr()))
                .then(|| Ref::from_ptr(ffi::PyTuple_GET_ITEM(self.as_ptr(), place as isize)))
        }
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

    /// Appends to a list made by [`Attached::list_for`], in place while there is room.
    #[inline]
    pub(crate) fn push(self, py: Attached<'_>, item: Owned<'_>) -> PyResult<()> {
        #[cfg(not(Py_GIL_DISABLED))]
        // SAFETY: an exact list, which nobody else changes under our GIL: behind its items there is room.
        unsafe {
            let list = self.as_ptr().cast::<ffi::PyListObject>();
            let size = ffi::PyList_GET_SIZE(self.as_ptr());
            if size < (*list).allocated {
                *(*list).ob_item.offset(size) = item.into_ptr();
                (*list).ob_base.ob_size = size + 1;
                return Ok(());
            }
        }
        self.append(py, item.get())
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

    /// A tuple of these items.
    pub(crate) fn tuple_of<const N: usize>(self, items: [Owned<'_>; N]) -> PyResult<Owned<'py>> {
        let tuple = self.tuple(N)?;
        for (place, item) in items.into_iter().enumerate() {
            tuple.get().fill(place, item);
        }
        Ok(tuple)
    }

    /// An empty list with room for this many items.
    pub(crate) fn list_for(self, size: usize) -> PyResult<Owned<'py>> {
        if cfg!(Py_GIL_DISABLED) {
            return self.list();
        }
        // SAFETY: attached; a list without items may have room for some.
        unsafe {
            let list = Owned::from_new(self, ffi::PyList_New(size as _))?;
            (*list.as_ptr().cast::<ffi::PyListObject>()).ob_base.ob_size = 0;
            Ok(list)
        }
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

pub(super) fn check(py: Attached<'_>, answer: core::ffi::c_int) -> PyResult<()> {
    if answer < 0 {
        Err(Raised::already(py))
    } else {
        Ok(())
    }
}
