//! Objects that are looked for in an arena.

use interlane_core::frozen::{Arena, Big, Table, Text, Value};

use super::sequence::FrozenTuple;
use super::set::FrozenSet;
use super::{Frozen, View};
use crate::convert::frozen::{freeze_to_find, magnitude, raise};
use crate::errors::{self, Error};
use crate::py::class;
use crate::py::object::Kind;
use crate::py::text::Characters;
use crate::py::{Cx, PyResult, Ref};

/// An object as it would be in an arena.
pub(super) enum Key<'a> {
    Value(Value<'a>),
    Text(Characters),
    Big(bool, Vec<u8>),
    /// Something with parts.
    Made(Box<Arena>),
    View(&'a View),
}

impl<'a> Key<'a> {
    pub(super) fn value(&self) -> Value<'_> {
        match self {
            Self::Value(value) => *value,
            Self::Text(characters) => Value::Text(Text {
                ascii: characters.ascii,
                width: characters.width,
                data: characters.bytes(),
            }),
            Self::Big(negative, magnitude) => Value::Big(Big {
                negative: *negative,
                magnitude,
            }),
            Self::Made(arena) => arena.read(arena.root()),
            Self::View(view) => view.value(),
        }
    }

    /// What has no parts, of the built-in class that the kind says. `None`: it has parts, or is of another class.
    pub(super) fn scalar(cx: Cx<'_>, object: Ref<'a>, kind: Kind) -> PyResult<Option<Self>> {
        Ok(Some(match kind {
            Kind::Str => Self::Text(object.characters()),
            Kind::Int => match object.small_int(cx.py())? {
                Some(value) => Self::Value(Value::Int(value)),
                None => {
                    let (negative, magnitude) = magnitude(cx, object)?;
                    Self::Big(negative, magnitude)
                }
            },
            Kind::None => Self::Value(Value::None),
            Kind::Bool(value) => Self::Value(Value::Bool(value)),
            Kind::Ellipsis => Self::Value(Value::Ellipsis),
            Kind::Float => Self::Value(Value::Float(object.as_float(cx.py())?)),
            Kind::Complex => {
                let (re, im) = object.as_complex();
                Self::Value(Value::Complex(re, im))
            }
            Kind::Bytes => Self::Value(Value::Bytes(object.as_bytes())),
            _ => return Ok(None),
        }))
    }

    /// `None`: it is of a class that only itself knows what it is equal to. Raises `TypeError` for what has no hash.
    fn of(cx: Cx<'_>, object: Ref<'a>) -> PyResult<Option<Self>> {
        let mut kind = object.kind();
        if kind == Kind::Other {
            let tuple = class::downcast::<FrozenTuple>(cx, object).map(Frozen::view);
            let set = class::downcast::<FrozenSet>(cx, object).map(Frozen::view);
            if let Some(view) = tuple.or(set) {
                return Ok(Some(Self::View(view)));
            }
            kind = object.compares_as().unwrap_or(kind);
        }
        if let Some(key) = Self::scalar(cx, object, kind)? {
            return Ok(Some(key));
        }
        object.hash(cx.py())?;
        match kind {
            Kind::Tuple | Kind::FrozenSet => Self::made(cx, object),
            _ if object.is_index() => {
                // A whole number of a class of its own, NumPy's for instance.
                let number = object.to_index(cx.py())?;
                let same = object.equals(cx.py(), number.get())?
                    && number.get().hash(cx.py())? == object.hash(cx.py())?;
                Ok(match number.get().small_int(cx.py())? {
                    Some(value) if same => Some(Self::Value(Value::Int(value))),
                    _ => None,
                })
            }
            _ => Ok(None),
        }
    }

    fn made(cx: Cx<'_>, object: Ref<'_>) -> PyResult<Option<Self>> {
        match freeze_to_find(cx, object) {
            Ok(arena) => Ok(Some(Self::Made(Box::new(arena)))),
            Err(raised) if errors::is(cx, &raised, Error::NotShareable) => {
                raised.ignore(cx.py());
                Ok(None)
            }
            Err(raised) => Err(raised),
        }
    }
}

/// The entry of a table whose key is equal to the object.
pub(super) fn find(
    cx: Cx<'_>,
    view: &View,
    table: &Table<'_>,
    object: Ref<'_>,
) -> PyResult<Option<usize>> {
    match Key::of(cx, object)? {
        Some(key) => table.find(&key.value()).map_err(|error| raise(cx, error)),
        None => search(cx, view, table, object),
    }
}

/// As [`find`], in a set, where a `set` is looked for as the `frozenset` that it is equal to.
pub(super) fn find_in_set(
    cx: Cx<'_>,
    view: &View,
    table: &Table<'_>,
    object: Ref<'_>,
) -> PyResult<Option<usize>> {
    if object.kind() != Kind::Set {
        return find(cx, view, table, object);
    }
    match Key::made(cx, object)? {
        Some(key) => table.find(&key.value()).map_err(|error| raise(cx, error)),
        None => Ok(None),
    }
}

/// Compares with one key after the other, as only the object knows what it is equal to.
fn search(cx: Cx<'_>, view: &View, table: &Table<'_>, object: Ref<'_>) -> PyResult<Option<usize>> {
    let hash = object.hash(cx.py())?;
    for entry in 0..table.len() {
        let key = view.part(cx, table.key(entry))?;
        if key.get().hash(cx.py())? == hash && key.get().equals(cx.py(), object)? {
            return Ok(Some(entry));
        }
    }
    Ok(None)
}
