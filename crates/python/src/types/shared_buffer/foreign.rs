//! Arrays in memory that others have made.

use std::sync::Arc;

use super::{Array, SharedBuffer, make};
use crate::convert::{Packing, binary};
use crate::py::buffer::{self, Acquired};
use crate::py::error::Builtin;
use crate::py::{Args, Cx, Owned, PyResult, Raised, Ref, Signature, class};
use crate::types::area;

const FROM_BUFFER: Signature<1> = Signature {
    function: "from_buffer",
    names: [c"obj"],
    required: 1,
    positional: 1,
    positional_only: 0,
};

/// `SharedBuffer.from_buffer`.
pub(super) fn from_buffer<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [Some(object)] = args.parse(cx.py(), &FROM_BUFFER)? else {
        unreachable!("the signature requires it")
    };
    if let Some(buffer) = class::downcast::<SharedBuffer>(cx, object) {
        return buffer.derive(cx, buffer.array.clone());
    }
    if !Acquired::possible(object) {
        let message = format!("{} exports no buffer", object.class_name(cx.py()));
        return Err(Raised::type_error(cx.py(), &message));
    }
    let bottom = match cx.loaded_module("numpy")? {
        None => object.to_owned(cx.py()),
        Some(_) => {
            let arrays = cx.ours(c"interlane._arrays")?;
            let bottom = arrays.get().attribute(cx.py(), c"bottom")?;
            bottom.get().call(cx.py(), [object])?
        }
    };
    over(cx, object, bottom.get(), None)
}

const ARRAY_OF: Signature<2> = Signature {
    function: "_array_of",
    names: [c"view", c"dtype"],
    required: 2,
    positional: 2,
    positional_only: 2,
};

/// `_array_of(view, dtype)`: what stands for an array of NumPy's where that is not loaded.
pub(crate) fn array_of<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [Some(view), Some(dtype)] = args.parse(cx.py(), &ARRAY_OF)? else {
        unreachable!("the signature requires them")
    };
    over(cx, view, view, Some(dtype.display(cx.py()).into()))
}

/// An array over the memory that `object` exports, writable if that is. `bottom` is what it has the memory of.
fn over<'py>(
    cx: Cx<'py>,
    object: Ref<'_>,
    bottom: Ref<'_>,
    dtype: Option<Arc<str>>,
) -> PyResult<Owned<'py>> {
    let window = buffer::writable_window(cx.py(), object)?;
    if window.has_suboffsets() {
        let message =
            "memory that goes through pointers is no array: SharedBuffer.copy_of() copies it";
        return Err(Raised::builtin(cx.py(), Builtin::Buffer, message));
    }
    let (keeper, access) = match area::behind(cx, bottom, &window)? {
        Some(found) => found,
        None => {
            let packing = Packing {
                writable: !window.is_readonly(),
                ..Packing::PLAIN
            };
            let share = binary::share_buffer(cx, object, packing)?;
            (share.erase(), Arc::default())
        }
    };
    let mut array = Array::new(Arc::new(window), access);
    array.dtype = dtype;
    make(cx, array, keeper)
}
