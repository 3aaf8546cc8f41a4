//! Arrays for consumers.

use pyo3_ffi as ffi;

use super::super::buffer::Window;
use super::super::{Attached, Owned, PyResult};
use super::{CPU, Device, Export, Managed, Plain, Tensor, Versioned};

/// A structure that is handed out, with all that it points to.
#[repr(C)] // a pointer to it is a pointer to the structure
struct Exported<M, K> {
    managed: M,
    /// Shape and strides.
    numbers: Box<[i64]>,
    keeper: K,
}

/// A capsule with an array over the memory of `window`, which `keeper` keeps and whose strides are whole items. The
/// keeper is dropped when the consumer is done, or the capsule goes unused: by any thread, in any interpreter or none.
pub(crate) fn capsule<'py, K: Send + 'static>(
    py: Attached<'py>,
    window: &Window,
    export: Export,
    keeper: K,
) -> PyResult<Owned<'py>> {
    if export.versioned {
        capsule_of::<Versioned, K>(py, window, export, keeper)
    } else {
        capsule_of::<Plain, K>(py, window, export, keeper)
    }
}

fn capsule_of<'py, M: Managed, K: Send + 'static>(
    py: Attached<'py>,
    window: &Window,
    export: Export,
    keeper: K,
) -> PyResult<Owned<'py>> {
    let itemsize = window.itemsize() as isize;
    let shape = window.shape().iter().map(|&length| length as i64);
    let strides = window
        .strides()
        .iter()
        .map(|&step| (step / itemsize) as i64);
    let tensor = Tensor {
        data: window.data().cast(),
        device: Device { kind: CPU, id: 0 },
        ndim: window.shape().len() as i32,
        dtype: export.dtype,
        shape: core::ptr::null_mut(),
        strides: core::ptr::null_mut(),
        byte_offset: 0,
    };
    let mut exported = Box::new(Exported {
        managed: M::new(tensor, export, Some(delete::<M, K>)),
        numbers: shape.chain(strides).collect(),
        keeper,
    });
    // Both stay where they are on the heap, and are only read.
    let numbers = exported.numbers.as_mut_ptr();
    let tensor = exported.managed.tensor();
    tensor.shape = numbers;
    tensor.strides = numbers.wrapping_add(tensor.ndim as usize);
    let exported = Box::into_raw(exported);
    // SAFETY: attached; the capsule takes the structure over.
    unsafe {
        let capsule = ffi::PyCapsule_New(exported.cast(), M::CAPSULE.as_ptr(), Some(forget::<M>));
        if capsule.is_null() {
            drop(Box::from_raw(exported));
        }
        Owned::from_new(py, capsule)
    }
}

/// The deleter of what is exported.
unsafe extern "C-unwind" fn delete<M: Managed, K>(managed: *mut M) {
    // SAFETY: the consumer calls it once, with what `capsule_of` made.
    drop(unsafe { Box::from_raw(managed.cast::<Exported<M, K>>()) });
}

/// The destructor of the capsule: deletes what nobody has taken out.
unsafe extern "C" fn forget<M: Managed>(capsule: *mut ffi::PyObject) {
    // SAFETY: CPython calls it attached, once. Consumers rename the capsule when they take the structure over.
    unsafe {
        if ffi::PyCapsule_IsValid(capsule, M::CAPSULE.as_ptr()) != 0 {
            let managed = ffi::PyCapsule_GetPointer(capsule, M::CAPSULE.as_ptr()).cast::<M>();
            if let Some(deleter) = (*managed).deleter() {
                deleter(managed);
            }
        }
    }
}
