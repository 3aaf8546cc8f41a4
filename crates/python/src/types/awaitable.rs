//! Methods that are coroutines: Python functions of ours, given the object.

use std::ffi::CStr;

use crate::py::{Cx, Owned, PyResult, Ref};

/// `module.function(*arguments)`.
pub(super) fn call<'py, const N: usize>(
    cx: Cx<'py>,
    module: &CStr,
    function: &CStr,
    arguments: [Ref<'_>; N],
) -> PyResult<Owned<'py>> {
    let module = cx.ours(module)?;
    let function = module.get().attribute(cx.py(), function)?;
    function.get().call(cx.py(), arguments)
}
