//! Things that other interpreters find by name: functions and classes of modules.

use crate::py::error::Builtin;
use crate::py::{Cx, Owned, PyResult, Raised, Ref};

/// What `registry` has for the class, or for the first of its bases that it has something for.
pub(super) fn in_mro<'py>(
    cx: Cx<'py>,
    registry: Ref<'_>,
    class: Ref<'_>,
) -> PyResult<Option<Owned<'py>>> {
    if registry.size(cx.py())? == 0 {
        return Ok(None);
    }
    let bases = class
        .attribute(cx.py(), c"__mro__")?
        .get()
        .iterate(cx.py())?;
    while let Some(base) = bases.get().next(cx.py())? {
        if let Some(function) = registry.find(cx.py(), base.get())? {
            return Ok(Some(function));
        }
    }
    Ok(None)
}

/// Where others can import this object from, module and qualified name. `None`: nowhere.
pub(super) fn import_path(cx: Cx<'_>, object: Ref<'_>) -> PyResult<Option<(String, String)>> {
    let (module, qualname) = match class_of_method(cx, object)? {
        // The function itself may be of a base, or have no module.
        Some(class) => {
            let class_name = text(cx, class.get(), c"__qualname__")?;
            let name = text(cx, object, c"__name__")?;
            let qualname = class_name
                .zip(name)
                .map(|(class, name)| format!("{class}.{name}"));
            (text(cx, class.get(), c"__module__")?, qualname)
        }
        None => (module_of(cx, object)?, text(cx, object, c"__qualname__")?),
    };
    let (Some(mut module), Some(qualname)) = (module, qualname) else {
        return Ok(None);
    };
    if module == "_pydatetime" {
        module = "datetime".to_owned(); // which others may have in C
    }
    let there = is_found(cx, &module, &qualname, object)?;
    Ok(there.then_some((module, qualname)))
}

/// The class that a class method is bound to.
fn class_of_method<'py>(cx: Cx<'py>, object: Ref<'_>) -> PyResult<Option<Owned<'py>>> {
    let bound = optional(cx, object.attribute(cx.py(), c"__self__"))?;
    Ok(bound.filter(|bound| bound.get().is_class()))
}

/// Is this object what others find there?
pub(super) fn is_found(
    cx: Cx<'_>,
    module: &str,
    qualname: &str,
    object: Ref<'_>,
) -> PyResult<bool> {
    let same = |found: Owned<'_>| {
        // Methods are made anew each time.
        Ok(found.get().address() == object.address() || found.get().equals(cx.py(), object)?)
    };
    let answer = find(cx, module, qualname).and_then(same);
    Ok(optional(cx, answer)?.unwrap_or(false))
}

fn find<'py>(cx: Cx<'py>, module: &str, qualname: &str) -> PyResult<Owned<'py>> {
    // What is loaded already need not wait for the import system.
    if let Some(loaded) = cx.loaded_module(module)? {
        if let Some(found) = optional(cx, follow(cx, loaded, qualname))? {
            return Ok(found);
        }
    }
    follow(cx, cx.import_named(module)?, qualname)
}

fn follow<'py>(cx: Cx<'py>, module: Owned<'py>, qualname: &str) -> PyResult<Owned<'py>> {
    let mut found = module;
    for name in qualname.split('.') {
        found = found.get().attribute_named(cx.py(), name)?;
    }
    Ok(found)
}

/// The function or class of that name, in the borrower. `owner` is for the message.
pub(super) fn import<'py>(
    cx: Cx<'py>,
    module: &str,
    qualname: &str,
    owner: i64,
) -> PyResult<Owned<'py>> {
    find(cx, module, qualname).map_err(|raised| {
        if !raised.is_ordinary(cx.py()) {
            return raised;
        }
        let here = cx.state.interpreter().id();
        let message = format!(
            "interpreter {here} cannot import {module}.{qualname}, which rebuilds what interpreter {owner} shared"
        );
        raised.cause_of(cx.py(), || Raised::builtin(cx.py(), Builtin::Import, &message))
    })
}

/// The name of the module that the object says it is from. A method of a built-in class leaves that to the class.
pub(super) fn module_of(cx: Cx<'_>, object: Ref<'_>) -> PyResult<Option<String>> {
    if let Some(module) = text(cx, object, c"__module__")? {
        return Ok(Some(module));
    }
    match optional(cx, object.attribute(cx.py(), c"__objclass__"))? {
        Some(class) => text(cx, class.get(), c"__module__"),
        None => Ok(None),
    }
}

/// An attribute, if it is a `str`.
pub(super) fn text(
    cx: Cx<'_>,
    object: Ref<'_>,
    name: &core::ffi::CStr,
) -> PyResult<Option<String>> {
    let found = optional(cx, object.attribute(cx.py(), name))?;
    Ok(found
        .filter(|text| text.get().is_str())
        .map(|text| text.get().display(cx.py())))
}

/// `None` in place of an exception that only says that something is not there.
pub(super) fn optional<T>(cx: Cx<'_>, result: PyResult<T>) -> PyResult<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(raised) if raised.is_ordinary(cx.py()) => {
            raised.ignore(cx.py());
            Ok(None)
        }
        Err(raised) => Err(raised),
    }
}
