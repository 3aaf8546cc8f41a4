//! Methods that are coroutines: Python functions of ours, given the object.

use std::ffi::CStr;

use crate::py::{Cx, Global, Owned, PyResult, Ref};

/// `module.function(*arguments)`.
pub(super) fn call<'py, const N: usize>(
    cx: Cx<'py>,
    module: &CStr,
    function: &CStr,
    arguments: [Ref<'_>; N],
) -> PyResult<Owned<'py>> {
    find(cx, module, function)?.get().call(cx.py(), arguments)
}

/// The same, of a function that `home` keeps from its first use on: to look it up takes longer than to call it.
pub(super) fn call_kept<'py, const N: usize>(
    cx: Cx<'py>,
    home: &Global,
    module: &CStr,
    function: &CStr,
    arguments: [Ref<'_>; N],
) -> PyResult<Owned<'py>> {
    if let Some(function) = home.try_get(cx.py()) {
        return function.call(cx.py(), arguments);
    }
    let function = find(cx, module, function)?;
    home.offer(function.get().to_owned(cx.py()));
    function.get().call(cx.py(), arguments)
}

fn find<'py>(cx: Cx<'py>, module: &CStr, function: &CStr) -> PyResult<Owned<'py>> {
    cx.ours(module)?.get().attribute(cx.py(), function)
}
