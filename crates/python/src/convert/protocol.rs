//! Types that say themselves how they are shared: `__share__`, or a function in the registry, gives
//! `(rebuild, parts)`, and the borrower calls `rebuild(*parts)`. For exceptions and some values we say it.

use crate::errors::{Error, raise};
use crate::py::buffer::Acquired;
use crate::py::error::Builtin;
use crate::py::{Cx, Owned, PyResult, Raised, Ref};

/// How an object is built again elsewhere.
pub(super) struct Recipe<'py> {
    pub(super) module: String,
    pub(super) qualname: String,
    pub(super) parts: Owned<'py>,
}

/// What the object's type, or the registry, says. `None`: neither says anything. `may_be_of_main`: things of
/// `__main__` go by name.
pub(super) fn recipe<'py>(
    cx: Cx<'py>,
    object: Ref<'_>,
    may_be_of_main: bool,
    path: impl Fn() -> String,
) -> PyResult<Option<Recipe<'py>>> {
    let py = cx.py();
    let class = object.class(py);
    if let Some(parts) = object.slice_or_range_parts(py)? {
        let qualname = class.get().attribute(py, c"__name__")?;
        return Ok(Some(Recipe {
            module: "builtins".to_owned(),
            qualname: qualname.get().display(py),
            parts,
        }));
    }
    let said = class
        .get()
        .optional_attribute(py, cx.state.dunder_share.get(py)?)?;
    let (function, name) = match said {
        Some(none) if none.get().is_none() => {
            let class = object.class_name(py);
            let message = format!(
                "{}: {class} refuses to be shared (its __share__ is None)",
                path()
            );
            return Err(raise(cx, Error::NotShareable, &message));
        }
        Some(function) => (function, "__share__"),
        None => match in_mro(cx, cx.state.registry.get(py)?, class.get())? {
            Some(function) => (function, "the registered function"),
            None if object.is_exception() => {
                let module = cx.import(c"interlane._exceptions")?;
                (module.get().attribute(py, c"take_apart")?, "take_apart")
            }
            None if Acquired::possible(object) => return Ok(None),
            None => {
                let module = cx.ours(c"interlane._values")?;
                (module.get().attribute(py, c"recipe")?, "interlane")
            }
        },
    };
    let who = || format!("{}: {name} of {}", path(), object.class_name(py));
    let answer = if name == "interlane" {
        function
            .get()
            .call(py, [object, py.bool(may_be_of_main).get()])
    } else {
        function.get().call(py, [object])
    };
    let answer = answer
        .map_err(|raised| raised.with_note(py, || format!("interlane was sharing {}", who())))?;
    if name == "interlane" && answer.get().is_none() {
        return Ok(None);
    }
    let nonsense = |what: &str| raise(cx, Error::NotShareable, &format!("{} {what}", who()));
    let [rebuild, parts] = match answer.get().pair() {
        Some(pair) if pair[1].is_tuple() => pair,
        _ => {
            let got = answer.get().brief_repr(py);
            return Err(nonsense(&format!(
                "must return (rebuild, parts) with a tuple of parts, not {got}"
            )));
        }
    };
    let Some((module, qualname)) = import_path(cx, rebuild)? else {
        let got = rebuild.brief_repr(py);
        return Err(nonsense(&format!(
            "returned a rebuild function that other interpreters cannot import: {got}"
        )));
    };
    Ok(Some(Recipe {
        module,
        qualname,
        parts: parts.to_owned(py),
    }))
}

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

/// Where others can import this object from. `None`: nowhere.
fn import_path(cx: Cx<'_>, object: Ref<'_>) -> PyResult<Option<(String, String)>> {
    let py = cx.py();
    let mut names = [String::new(), String::new()];
    for (name, attribute) in names.iter_mut().zip([c"__module__", c"__qualname__"]) {
        match object.attribute(py, attribute) {
            Ok(text) if text.get().is_str() => *name = text.get().display(py),
            Ok(_) => return Ok(None),
            Err(raised) if raised.is_ordinary(py) => {
                raised.ignore(py);
                return Ok(None);
            }
            Err(raised) => return Err(raised),
        }
    }
    let [module, qualname] = names;
    match find(cx, &module, &qualname) {
        Ok(found) if found.get().equals(py, object)? => Ok(Some((module, qualname))),
        Ok(_) => Ok(None),
        Err(raised) if raised.is_ordinary(py) => {
            raised.ignore(py);
            Ok(None)
        }
        Err(raised) => Err(raised),
    }
}

fn find<'py>(cx: Cx<'py>, module: &str, qualname: &str) -> PyResult<Owned<'py>> {
    let mut found = cx.import_named(module)?;
    for name in qualname.split('.') {
        found = found.get().attribute_named(cx.py(), name)?;
    }
    Ok(found)
}

/// The rebuild function, in the borrower. `owner` is for the message.
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
