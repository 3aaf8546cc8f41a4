//! Frozen records (`PyStructSequence`): small results with named fields.

use core::ffi::CStr;

use pyo3_ffi as ffi;

use super::{Cx, Global, Owned, PyResult, Raised, Ref};

/// Builds a record class with these fields (name, doc) and adds it to the module.
pub(crate) fn add<const N: usize>(
    cx: Cx<'_>,
    module: Ref<'_>,
    home: &Global,
    name: &'static CStr,
    doc: &'static CStr,
    fields: [(&'static CStr, &'static CStr); N],
) -> PyResult<()> {
    let mut rows: Vec<_> = fields
        .iter()
        .map(|(name, doc)| ffi::PyStructSequence_Field {
            name: name.as_ptr(),
            doc: doc.as_ptr(),
        })
        .collect();
    rows.push(ffi::PyStructSequence_Field {
        name: core::ptr::null(),
        doc: core::ptr::null(),
    });
    let mut description = ffi::PyStructSequence_Desc {
        name: name.as_ptr(),
        doc: doc.as_ptr(),
        fields: rows.as_mut_ptr(),
        n_in_sequence: N as _,
    };
    // SAFETY: attached; the description outlives the call, its strings are 'static.
    unsafe {
        let class = Owned::from_new(
            cx.py(),
            ffi::PyStructSequence_NewType(&mut description).cast(),
        )?;
        if ffi::PyModule_AddType(module.as_ptr(), class.as_ptr().cast()) < 0 {
            return Err(Raised::already(cx.py()));
        }
        home.set(class);
    }
    Ok(())
}

/// A record without values. Nobody else sees it, not even the collector: CPython tracks no record that is made so.
pub(crate) struct Blank<'py>(Owned<'py>);

/// A record of the class in `home`, for values that come later.
pub(crate) fn blank<'py>(cx: Cx<'py>, home: &'py Global) -> PyResult<Blank<'py>> {
    let class = home.get(cx.py())?;
    // SAFETY: attached; a class made by `add`.
    let record = unsafe { ffi::PyStructSequence_New(class.as_ptr().cast()) };
    // SAFETY: attached; a new reference, or null with an exception.
    unsafe { Owned::from_new(cx.py(), record) }.map(Blank)
}

impl<'py> Blank<'py> {
    /// The record with these values.
    pub(crate) fn fill<const N: usize>(self, values: [Owned<'py>; N]) -> Owned<'py> {
        for (index, value) in values.into_iter().enumerate() {
            // SAFETY: attached; of a class made by `add` with N fields; each place is filled once.
            unsafe {
                ffi::PyStructSequence_SET_ITEM(self.0.as_ptr(), index as _, value.into_ptr())
            };
        }
        self.0
    }
}

/// A record of the class in `home` with these values.
pub(crate) fn make<'py, const N: usize>(
    cx: Cx<'py>,
    home: &'py Global,
    values: [Owned<'py>; N],
) -> PyResult<Owned<'py>> {
    Ok(blank(cx, home)?.fill(values))
}
