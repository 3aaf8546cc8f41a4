//! The methods that are awaited: what `interlane._async_locks` does.

use std::ffi::CStr;

use super::no_arguments;
use crate::py::{Args, Cx, Owned, PyResult, Ref, Signature};
use crate::types::awaitable;

fn begun<'py, const N: usize>(
    cx: Cx<'py>,
    function: &CStr,
    arguments: [Ref<'_>; N],
) -> PyResult<Owned<'py>> {
    awaitable::call(cx, c"interlane._async_locks", function, arguments)
}

/// `acquire_async` and `__aenter__`.
pub(super) fn acquire<'py>(this: Ref<'py>, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    no_arguments(cx, args, "acquire_async")?;
    begun(cx, c"acquire", [this])
}

/// `__aexit__`.
pub(super) fn release<'py>(this: Ref<'py>, cx: Cx<'py>, _: Args<'py>) -> PyResult<Owned<'py>> {
    begun(cx, c"release", [this])
}

/// `wait_async` of an event and a barrier.
pub(super) fn wait<'py>(this: Ref<'py>, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    no_arguments(cx, args, "wait_async")?;
    begun(cx, c"wait", [this])
}

const WAIT_NUMBER: Signature<1> = Signature {
    function: "wait_async",
    names: [c"expected"],
    required: 1,
    positional: 1,
    positional_only: 0,
};

/// `wait_async` of a number.
pub(super) fn wait_number<'py>(
    this: Ref<'py>,
    cx: Cx<'py>,
    args: Args<'py>,
) -> PyResult<Owned<'py>> {
    match args.parse(cx.py(), &WAIT_NUMBER)? {
        [Some(expected)] => begun(cx, c"wait", [this, expected]),
        [None] => unreachable!("the signature requires it"),
    }
}

/// `wait_async` of a condition.
pub(super) fn wait_condition<'py>(
    this: Ref<'py>,
    cx: Cx<'py>,
    args: Args<'py>,
) -> PyResult<Owned<'py>> {
    no_arguments(cx, args, "wait_async")?;
    begun(cx, c"wait_condition", [this])
}

const WAIT_FOR: Signature<1> = Signature {
    function: "wait_for_async",
    names: [c"predicate"],
    required: 1,
    positional: 1,
    positional_only: 0,
};

/// `wait_for_async`.
pub(super) fn wait_for<'py>(this: Ref<'py>, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    match args.parse(cx.py(), &WAIT_FOR)? {
        [Some(predicate)] => begun(cx, c"wait_for", [this, predicate]),
        [None] => unreachable!("the signature requires it"),
    }
}
