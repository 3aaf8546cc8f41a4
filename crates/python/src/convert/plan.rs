//! What is known about a class: how its instances are taken apart, and of what they are built again elsewhere.
//!
//! Everything here is structure: something that others find by name, arguments for it, and what is put into the result
//! afterwards. Types can say the first two themselves: `__share__`, or a function in the registry, gives
//! `(rebuild, parts)`, and the borrower calls `rebuild(*parts)`.

use super::capsule::{Protocol, protocol};
use super::protocol::{import_path, in_mro, is_found, module_of, text};
use crate::errors::{Error, raise};
use crate::py::buffer::Acquired;
use crate::py::container::Steps;
use crate::py::{Cx, Owned, PyResult, Ref};

/// Exact classes of these modules say by `__reduce_ex__` how they are built, and need nothing but that.
const REDUCED: [&str; 10] = [
    "datetime",
    "_pydatetime",
    "decimal",
    "_decimal",
    "_pydecimal",
    "pathlib",
    "pathlib._local",
    "zoneinfo",
    "ipaddress",
    "collections",
];

/// Those of these have nothing but attributes, as data classes have.
const ATTRIBUTES: [&str; 2] = ["fractions", "uuid"];

/// What takes NumPy's things apart, for messages. It may say why it can't.
const NUMPY: &str = "interlane._arrays";

/// How instances of one class are taken apart. Found out once for each class in a message.
pub(super) enum Plan<'py> {
    /// A function says it, with its name for messages.
    Recipe(Owned<'py>, &'static str),
    /// A `slice` or `range`.
    Bounds,
    /// An exact `frozendict`.
    FrozenDict,
    Reduced,
    /// Attributes in a `__dict__`, if they have one, and in these slots.
    Attributes(Vec<Owned<'py>>),
    NamedTuple,
    /// A member of an enumeration.
    Member,
    /// A function or a class.
    Definition,
    /// Memory in capsules, and whether it is a data frame.
    Capsule(Protocol, bool),
    Unknown,
}

/// How the object itself is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Make {
    /// `callable(*arguments)`
    Call,
    /// `callable.__new__(callable)`
    New,
    /// `tuple.__new__(callable, arguments)`
    Tuple,
}

/// What is put into it afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    Attributes,
    Items,
    Pairs,
}

/// An object, taken apart.
pub(super) struct Parts<'py> {
    pub(super) make: Make,
    /// A function or a class.
    pub(super) callable: Owned<'py>,
    /// A tuple.
    pub(super) arguments: Owned<'py>,
    /// And how many that are.
    pub(super) rest: Option<(Rest, Steps<'py>, usize)>,
    /// Which function said so, if one did.
    pub(super) said: Option<&'static str>,
}

/// What can be done with an object.
pub(super) enum Apart<'py> {
    /// Others find it in this module under this name.
    ByName(String, String),
    Parts(Parts<'py>),
    Unknown,
}

impl<'py> Plan<'py> {
    /// The plan for the object's class. `may_be_of_main`: things of `__main__` go by name.
    pub(super) fn of(
        cx: Cx<'py>,
        object: Ref<'_>,
        may_be_of_main: bool,
        path: impl Fn() -> String,
    ) -> PyResult<Self> {
        let py = cx.py();
        let class = object.class(py);
        if object.is_slice_or_range() {
            return Ok(Self::Bounds);
        }
        if object.is_frozen_dict() {
            return Ok(Self::FrozenDict);
        }
        let said = class
            .get()
            .optional_attribute(py, cx.state.dunder_share.get(py)?)?;
        if let Some(function) = said {
            if function.get().is_none() {
                let class = object.class_name(py);
                let message = format!(
                    "{}: {class} refuses to be shared (its __share__ is None)",
                    path()
                );
                return Err(raise(cx, Error::NotShareable, &message));
            }
            return Ok(Self::Recipe(function, "__share__"));
        }
        if let Some(function) = in_mro(cx, cx.state.registry.get(py)?, class.get())? {
            return Ok(Self::Recipe(function, "the registered function"));
        }
        if object.is_exception() {
            let module = cx.import(c"interlane._exceptions")?;
            let function = module.get().attribute(py, c"take_apart")?;
            return Ok(Self::Recipe(function, "take_apart"));
        }
        let module = text(cx, class.get(), c"__module__")?.unwrap_or_default();
        if Acquired::possible(object) || module.starts_with("numpy") {
            match of_numpy(cx, class.get())? {
                Self::Unknown => {}
                plan => return Ok(plan),
            }
        }
        if let Some((protocol, is_frame)) = protocol(cx, class.get(), &module)? {
            return Ok(Self::Capsule(protocol, is_frame));
        }
        if Acquired::possible(object) {
            return Ok(Self::Unknown);
        }
        if !may_be_of_main && module == "__main__" {
            return Ok(Self::Unknown); // others have a `__main__` of their own: there may be a better way
        }
        if is_member(cx, class.get())? {
            return Ok(Self::Member);
        }
        if object.is_definition() {
            return Ok(Self::Definition);
        }
        if REDUCED.contains(&module.as_str()) {
            return Ok(Self::Reduced);
        }
        let has = |name| class.get().optional_attribute(py, cx.str(name)?.get());
        if object.is_tuple() {
            let fields = has("_fields")?;
            return Ok(match fields.is_some_and(|fields| fields.get().is_tuple()) {
                true if has("_make")?.is_some() => Self::NamedTuple,
                _ => Self::Unknown,
            });
        }
        let plain = ATTRIBUTES.contains(&module.as_str()) || has("__dataclass_fields__")?.is_some();
        if plain && class.get().is_made_of_attributes() {
            return Ok(Self::Attributes(slots(cx, class.get())?));
        }
        Ok(Self::Unknown)
    }

    /// Takes an object of the class apart. `may_be_of_main`: as for [`of`](Self::of).
    pub(super) fn apply(
        &self,
        cx: Cx<'py>,
        object: Ref<'_>,
        may_be_of_main: bool,
        path: impl Fn() -> String,
    ) -> PyResult<Apart<'py>> {
        let py = cx.py();
        let class = || object.class(py);
        let parts = |make, callable, arguments, rest| {
            let said = None;
            Ok(Apart::Parts(Parts {
                make,
                callable,
                arguments,
                rest,
                said,
            }))
        };
        match self {
            Self::Unknown | Self::Capsule(..) => Ok(Apart::Unknown),
            Self::Recipe(function, name) => recipe(cx, object, function.get(), name, path),
            Self::Bounds => parts(Make::Call, class(), object.bounds(py)?, None),
            Self::FrozenDict => {
                let copy = object.to_dict(py)?;
                parts(Make::Call, class(), cx.tuple_of([copy])?, None)
            }
            Self::Reduced => reduced(cx, object, path),
            Self::Attributes(slots) => {
                let rest = attributes(cx, object, class().get(), slots)?;
                parts(Make::New, class(), cx.tuple(0)?, rest)
            }
            Self::NamedTuple => {
                let rest = attributes(cx, object, class().get(), &[])?;
                parts(Make::Tuple, class(), object.to_tuple(py)?, rest)
            }
            Self::Member => member(cx, object),
            Self::Definition => definition(cx, object, may_be_of_main, path),
        }
    }
}

/// A plan for what may be an array, a scalar or a data type of NumPy.
fn of_numpy<'py>(cx: Cx<'py>, class: Ref<'_>) -> PyResult<Plan<'py>> {
    if cx.loaded_module("numpy")?.is_none() {
        return Ok(Plan::Unknown);
    }
    let module = cx.ours(c"interlane._arrays")?;
    let plan = module.get().attribute(cx.py(), c"plan")?;
    let function = plan.get().call(cx.py(), [class])?;
    Ok(match function.get().is_none() {
        true => Plan::Unknown,
        false => Plan::Recipe(function, NUMPY),
    })
}

/// Is the class an enumeration?
fn is_member(cx: Cx<'_>, class: Ref<'_>) -> PyResult<bool> {
    if class.has_plain_class() {
        return Ok(false);
    }
    let Some(module) = cx.loaded_module("enum")? else {
        return Ok(false);
    };
    let meta = module.get().attribute(cx.py(), c"EnumType")?;
    Ok(class.class(cx.py()).get().is_subclass(meta.get()))
}

/// By name, or what `Enum(value)` is, for a combination of flags.
fn member<'py>(cx: Cx<'py>, object: Ref<'_>) -> PyResult<Apart<'py>> {
    let py = cx.py();
    let class = object.class(py);
    if let Some((module, qualname)) = import_path(cx, class.get())? {
        if let Some(name) = text(cx, object, c"_name_")? {
            let qualname = format!("{qualname}.{name}");
            if is_found(cx, &module, &qualname, object)? {
                return Ok(Apart::ByName(module, qualname));
            }
        }
    }
    let value = object.attribute(py, c"_value_")?;
    Ok(Apart::Parts(Parts {
        make: Make::Call,
        callable: class,
        arguments: cx.tuple_of([value])?,
        rest: None,
        said: None,
    }))
}

/// By name, or by its code.
fn definition<'py>(
    cx: Cx<'py>,
    object: Ref<'_>,
    may_be_of_main: bool,
    path: impl Fn() -> String,
) -> PyResult<Apart<'py>> {
    // Each interpreter has a `__main__` of its own.
    let of_main = module_of(cx, object)?.as_deref() == Some("__main__");
    if of_main && !may_be_of_main {
        return Ok(Apart::Unknown);
    }
    if !(of_main && object.is_function()) {
        if let Some((module, qualname)) = import_path(cx, object)? {
            return Ok(Apart::ByName(module, qualname));
        }
    }
    if !object.is_function() || !may_be_of_main {
        return Ok(Apart::Unknown);
    }
    let module = cx.ours(c"interlane._values")?;
    let function = module.get().attribute(cx.py(), c"by_code")?;
    recipe(cx, object, function.get(), "by_code", path)
}

/// The slots that instances of a class have, as pickle sees them.
fn slots<'py>(cx: Cx<'py>, class: Ref<'_>) -> PyResult<Vec<Owned<'py>>> {
    let py = cx.py();
    let names = cx.ours(c"copyreg")?.get().attribute(py, c"_slotnames")?;
    let names = names.get().call(py, [class])?;
    let names = names.get().iterate(py)?;
    let mut slots = Vec::new();
    while let Some(name) = names.get().next(py)? {
        slots.push(name);
    }
    Ok(slots)
}

/// The attributes that an instance has now.
fn attributes<'py>(
    cx: Cx<'py>,
    object: Ref<'_>,
    class: Ref<'_>,
    slots: &[Owned<'py>],
) -> PyResult<Option<(Rest, Steps<'py>, usize)>> {
    let py = cx.py();
    let all = match (class.has_instance_dict(), slots) {
        (true, []) => object.instance_dict(py)?,
        (true, _) => object.instance_dict(py)?.get().to_dict(py)?,
        (false, _) => cx.dict()?,
    };
    for name in slots {
        if let Some(value) = object.optional_attribute(py, name.get())? {
            all.get().insert(py, name.get(), value.get())?;
        }
    }
    let size = all.get().size(py)?;
    Ok((size > 0).then(|| (Rest::Attributes, Steps::of_dict(all, size), 2 * size)))
}

/// What `__share__`, or a function in its place, says.
fn recipe<'py>(
    cx: Cx<'py>,
    object: Ref<'_>,
    function: Ref<'_>,
    name: &'static str,
    path: impl Fn() -> String,
) -> PyResult<Apart<'py>> {
    let py = cx.py();
    let who = || format!("{}: {name} of {}", path(), object.class_name(py));
    let answer = function
        .call(py, [object])
        .map_err(|raised| raised.with_note(py, || format!("interlane was sharing {}", who())))?;
    if name == "by_code" && answer.get().is_none() {
        return Ok(Apart::Unknown);
    }
    if name == NUMPY && answer.get().is_str() {
        let (class, why) = (object.class_name(py), answer.get().display(py));
        let message = format!("{}: {class} {why}", path());
        return Err(raise(cx, Error::NotShareable, &message));
    }
    let [rebuild, parts] = match answer.get().pair() {
        Some(pair) if pair[1].is_tuple() => pair,
        _ => {
            let got = answer.get().brief_repr(py);
            let message = format!(
                "{} must return (rebuild, parts) with a tuple of parts, not {got}",
                who()
            );
            return Err(raise(cx, Error::NotShareable, &message));
        }
    };
    Ok(Apart::Parts(Parts {
        make: Make::Call,
        callable: rebuild.to_owned(py),
        arguments: parts.to_owned(py),
        rest: None,
        said: Some(name),
    }))
}

/// What `__reduce_ex__` says, as pickle understands it.
fn reduced<'py>(cx: Cx<'py>, object: Ref<'_>, path: impl Fn() -> String) -> PyResult<Apart<'py>> {
    let py = cx.py();
    let reduce = object.attribute(py, c"__reduce_ex__")?;
    let answer = reduce.get().call(py, [cx.int(4)?.get()]);
    let answer = answer.map_err(|raised| {
        if !raised.is_ordinary(py) {
            return raised;
        }
        let message = format!("{}: {} can't be shared", path(), object.class_name(py));
        raised.cause_of(py, || raise(cx, Error::NotShareable, &message))
    })?;
    let said = answer.get();
    let part = |place| said.tuple_item(place).filter(|part| !part.is_none());
    let (Some(callable), Some(arguments)) = (part(0), part(1)) else {
        return Ok(Apart::Unknown);
    };
    // A state would be more than items: only an empty one is understood.
    let stateless = match part(2) {
        Some(state) if state.is_dict() => state.size(py)? == 0,
        // What 3.12 has in isolated interpreters: its state says what its arguments do.
        Some(_) => object.class_name(py) == "_pydatetime.timezone",
        None => true,
    };
    if !stateless || !arguments.is_tuple() {
        return Ok(Apart::Unknown);
    }
    let rest = match (part(3), part(4)) {
        (None, None) => None,
        (Some(items), None) => {
            let steps = Steps::Iterator(items.to_owned(py));
            Some((Rest::Items, steps, object.size(py)?))
        }
        (None, Some(pairs)) => {
            let steps = Steps::Pairs(pairs.to_owned(py), None);
            Some((Rest::Pairs, steps, 2 * object.size(py)?))
        }
        _ => return Ok(Apart::Unknown),
    };
    Ok(Apart::Parts(Parts {
        make: Make::Call,
        callable: callable.to_owned(py),
        arguments: arguments.to_owned(py),
        rest: rest.filter(|(_, _, count)| *count > 0),
        said: None,
    }))
}
