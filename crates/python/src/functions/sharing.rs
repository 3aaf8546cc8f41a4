//! `share` and what goes with it.

use crate::convert::{Packing, object, pack};
use crate::errors::{self, Error};
use crate::py::error::Builtin;
use crate::py::{Args, Cx, Owned, PyResult, Raised, Ref, Signature};
use crate::types::frozen;
use crate::types::share as share_type;

const SHARE: Signature<3> = Signature {
    function: "share",
    names: [c"obj", c"writable", c"on_release"],
    required: 1,
    positional: 1,
    positional_only: 0,
};

pub(super) fn share<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [obj, writable, on_release] = args.parse(cx.py(), &SHARE)?;
    let on_release = on_release.filter(|value| !value.is_none());
    if let Some(on_release) = on_release.filter(|value| !value.is_callable()) {
        let got = on_release.class_name(cx.py());
        let message = format!("on_release must be callable or None, not {got}");
        return Err(Raised::type_error(cx.py(), &message));
    }
    let packing = Packing {
        writable: match writable {
            None => false,
            Some(value) => value.is_true(cx.py())?,
        },
        whole: true,
        ..Packing::PLAIN
    };
    cx.state.interpreter().poll(cx.py());
    let share = object::share(cx, given(cx, obj)?, packing, on_release)
        .map_err(|raised| cx.state.interpreter().poll_raised(cx.py(), raised))?;
    share_type::make(cx, share)
}

const FREEZE: Signature<1> = one("freeze", c"obj");

pub(super) fn freeze<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [obj] = args.parse(cx.py(), &FREEZE)?;
    cx.state.interpreter().poll(cx.py());
    frozen::freeze(cx, given(cx, obj)?)
}

const OBJECT: Signature<1> = one("is_shareable", c"obj");

const fn one(function: &'static str, name: &'static core::ffi::CStr) -> Signature<1> {
    Signature {
        function,
        names: [name],
        required: 1,
        positional: 1,
        positional_only: 0,
    }
}

pub(super) fn is_shareable<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [obj] = args.parse(cx.py(), &OBJECT)?;
    let refusal = refusal(cx, given(cx, obj)?)?;
    Ok(cx.bool(refusal.is_none()))
}

const EXPLAIN: Signature<1> = one("explain", c"obj");

pub(super) fn explain<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [obj] = args.parse(cx.py(), &EXPLAIN)?;
    match refusal(cx, given(cx, obj)?)? {
        None => Ok(cx.none()),
        Some(refusal) => refusal.get().to_text(cx.py()),
    }
}

/// The `NotShareableError` that sending the object would raise. Whatever was acquired is let go of at once.
fn refusal<'py>(cx: Cx<'py>, obj: Ref<'_>) -> PyResult<Option<Owned<'py>>> {
    let packing = Packing {
        only_asks: true,
        ..Packing::PLAIN
    };
    match pack(cx, obj, packing) {
        Ok(message) => {
            drop(message);
            cx.state.interpreter().poll(cx.py());
            Ok(None)
        }
        Err(raised) if errors::is(cx, &raised, Error::NotShareable) => {
            let raised = cx.state.interpreter().poll_raised(cx.py(), raised);
            Ok(Some(raised.take(cx.py())))
        }
        Err(raised) => Err(raised),
    }
}

const REGISTER: Signature<2> = Signature {
    function: "register",
    names: [c"cls", c"share_function"],
    required: 2,
    positional: 2,
    positional_only: 0,
};

pub(super) fn register<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [cls, function] = args.parse(cx.py(), &REGISTER)?;
    let (cls, function) = (given(cx, cls)?, given(cx, function)?);
    expect_class(cx, cls)?;
    if !function.is_callable() {
        let message = format!(
            "share_function must be callable, not {}",
            function.class_name(cx.py())
        );
        return Err(Raised::type_error(cx.py(), &message));
    }
    let registry = cx.state.registry.get(cx.py())?;
    registry.insert(cx.py(), cls, function)?;
    Ok(cx.none())
}

const UNREGISTER: Signature<1> = one("unregister", c"cls");

pub(super) fn unregister<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [cls] = args.parse(cx.py(), &UNREGISTER)?;
    let cls = given(cx, cls)?;
    expect_class(cx, cls)?;
    let registry = cx.state.registry.get(cx.py())?;
    if registry.find(cx.py(), cls)?.is_none() {
        let message = format!("{} is not registered", cls.brief_repr(cx.py()));
        return Err(Raised::builtin(cx.py(), Builtin::Key, &message));
    }
    registry.remove(cx.py(), cls)?;
    Ok(cx.none())
}

fn expect_class(cx: Cx<'_>, cls: Ref<'_>) -> PyResult<()> {
    if cls.is_class() {
        return Ok(());
    }
    let message = format!("cls must be a class, not {}", cls.class_name(cx.py()));
    Err(Raised::type_error(cx.py(), &message))
}

fn given<'a>(cx: Cx<'_>, value: Option<Ref<'a>>) -> PyResult<Ref<'a>> {
    value.ok_or_else(|| Raised::type_error(cx.py(), "a required argument is missing"))
}
