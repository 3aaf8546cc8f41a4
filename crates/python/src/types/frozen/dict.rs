//! `FrozenDict`.

use core::ffi::CStr;

use super::iterator::{self, Parts};
use super::key::{self, Key};
use super::{Frozen, View};
use crate::convert::frozen::raise;
use crate::py::collection::{self, Collection, Comparison};
use crate::py::container::{Next, Steps};
use crate::py::getset::{self, GetSet};
use crate::py::method::{self, Method};
use crate::py::slot::{self, Slot};
use crate::py::{
    Args, Class, Cx, Global, Owned, PyResult, Raised, Ref, Signature, class, subscript,
};
use crate::state::State;

pub(super) struct FrozenDict(View);

impl Frozen for FrozenDict {
    fn wrap(view: View) -> Self {
        Self(view)
    }

    fn view(&self) -> &View {
        &self.0
    }
}

const GET: Signature<2> = Signature {
    function: "get",
    names: [c"key", c"default"],
    required: 1,
    positional: 2,
    positional_only: 1,
};

impl FrozenDict {
    fn find(&self, cx: Cx<'_>, key: Ref<'_>) -> PyResult<Option<usize>> {
        key::find(cx, &self.0, &self.0.table(), key)
    }

    fn length(&self, _: Cx<'_>) -> PyResult<usize> {
        Ok(self.0.table().len())
    }

    fn item<'py>(&self, cx: Cx<'py>, key: Ref<'py>) -> PyResult<Owned<'py>> {
        match self.find(cx, key)? {
            Some(entry) => self.0.part(cx, self.0.table().value(entry)),
            None => Err(Raised::key_error(cx.py(), key)),
        }
    }

    fn get<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        let [Some(key), default] = args.parse(cx.py(), &GET)? else {
            unreachable!("the signature requires it")
        };
        match self.find(cx, key)? {
            Some(entry) => self.0.part(cx, self.0.table().value(entry)),
            None => Ok(default.map_or_else(|| cx.none(), |default| default.to_owned(cx.py()))),
        }
    }

    fn contains(&self, cx: Cx<'_>, key: Ref<'_>) -> PyResult<bool> {
        self.find(cx, key).map(|entry| entry.is_some())
    }

    fn iter<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        iterator::make(cx, &self.0, Parts::Plain, false)
    }

    fn reversed<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        iterator::make(cx, &self.0, Parts::Plain, true)
    }

    /// `_iterate(values_only, backwards)`, for the views.
    fn iterate<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        let [Some(values), Some(backwards)] = args.parse(cx.py(), &ITERATE)? else {
            unreachable!("the signature requires them")
        };
        let parts = if values.is_true(cx.py())? {
            Parts::Values
        } else {
            Parts::Entries
        };
        iterator::make(cx, &self.0, parts, backwards.is_true(cx.py())?)
    }

    fn compare<'py>(
        &self,
        cx: Cx<'py>,
        other: Ref<'py>,
        comparison: Comparison,
    ) -> PyResult<Owned<'py>> {
        let same = match comparison {
            Comparison::Equal | Comparison::NotEqual => self.equals(cx, other)?,
            _ => None,
        };
        Ok(match same {
            Some(same) => cx.bool(same == (comparison == Comparison::Equal)),
            None => cx.not_implemented(),
        })
    }

    /// `None`: the other one is no dict.
    fn equals(&self, cx: Cx<'_>, other: Ref<'_>) -> PyResult<Option<bool>> {
        if let Some(other) = class::downcast::<Self>(cx, other) {
            let same = self.0.value().equals(&other.0.value());
            return same.map(Some).map_err(|error| raise(cx, error));
        }
        if other.is_frozen_dict() {
            let other = other.to_dict(cx.py())?;
            return self.equals_dict(cx, other.get()).map(Some);
        }
        if other.is_any_dict() {
            return self.equals_dict(cx, other).map(Some);
        }
        Ok(None)
    }

    fn equals_dict(&self, cx: Cx<'_>, other: Ref<'_>) -> PyResult<bool> {
        let (py, table) = (cx.py(), self.0.table());
        let size = other.size(py)?;
        if size != table.len() {
            return Ok(false);
        }
        let mut steps = Steps::of_dict(other.to_owned(py), size);
        let mut value = None;
        let next = steps.next(py, |part, _| match value.take() {
            None => match self.find(cx, part)? {
                Some(entry) => {
                    value = Some(entry);
                    Ok(None)
                }
                None => Ok(Some(())),
            },
            Some(entry) => {
                let same = self.0.equals_part(cx, table.value(entry), part)?;
                Ok((!same).then_some(()))
            }
        })?;
        Ok(matches!(next, Next::End))
    }
}

const ITERATE: Signature<2> = Signature {
    function: "_iterate",
    names: [c"values_only", c"backwards"],
    required: 2,
    positional: 2,
    positional_only: 2,
};

impl View {
    /// Is a value of the arena equal to an object?
    pub(super) fn equals_part(
        &self,
        cx: Cx<'_>,
        node: interlane_core::frozen::Node,
        object: Ref<'_>,
    ) -> PyResult<bool> {
        if let Some(key) = Key::scalar(cx, object, object.kind())? {
            let same = self.arena.read(node).equals(&key.value());
            return same.map_err(|error| raise(cx, error));
        }
        self.part(cx, node)?.get().equals(cx.py(), object)
    }
}

/// A view of the mapping, of a class that is written in Python.
fn view<'py>(
    object: Ref<'py>,
    cx: Cx<'py>,
    args: Args<'py>,
    function: &'static str,
    class: &CStr,
) -> PyResult<Owned<'py>> {
    let signature: Signature<0> = Signature {
        function,
        names: [],
        required: 0,
        positional: 0,
        positional_only: 0,
    };
    args.parse(cx.py(), &signature)?;
    let module = cx.ours(c"interlane._frozen")?;
    let class = module.get().attribute(cx.py(), class)?;
    class.get().call(cx.py(), [object])
}

fn keys<'py>(object: Ref<'py>, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    view(object, cx, args, "keys", c"FrozenKeys")
}

fn values<'py>(object: Ref<'py>, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    view(object, cx, args, "values", c"FrozenValues")
}

fn items<'py>(object: Ref<'py>, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    view(object, cx, args, "items", c"FrozenItems")
}

impl Class for FrozenDict {
    const NAME: &'static CStr = c"interlane.FrozenDict";
    const DOC: &'static CStr = c"A dict that freeze() has made, read in place in every interpreter.

A collections.abc.Mapping, equal to a dict of the same contents. What is looked up comes out as an exact object, or,
where it has parts itself, as FrozenDict, FrozenList, FrozenTuple or FrozenSet of the same memory: nothing else is built.";
    const METHODS: &'static [Method] = const {
        &[
            method::keywords(
                c"get",
                Self::get,
                c"get($self, key, default=None, /)\n--\n\nReturn the value of the key, or default.",
            ),
            method::of_object(
                c"keys",
                keys,
                c"keys($self, /)\n--\n\nReturn a view of the keys.",
            ),
            method::of_object(
                c"values",
                values,
                c"values($self, /)\n--\n\nReturn a view of the values.",
            ),
            method::of_object(
                c"items",
                items,
                c"items($self, /)\n--\n\nReturn a view of the pairs of key and value.",
            ),
            method::noargs(
                c"thaw",
                super::thawed::<Self>,
                c"thaw($self, /)\n--\n\nReturn a plain dict of plain objects: a copy of everything.",
            ),
            method::noargs(
                c"__reversed__",
                Self::reversed,
                c"__reversed__($self, /)\n--\n\nReturn an iterator over the keys, the last one first.",
            ),
            method::keywords(
                c"_iterate",
                Self::iterate,
                c"_iterate($self, values_only, backwards, /)\n--\n\nReturn an iterator over values or pairs.",
            ),
            method::of_object(
                c"__copy__",
                super::copy,
                c"__copy__($self, /)\n--\n\nReturn self.",
            ),
            method::of_object(
                c"__deepcopy__",
                super::deepcopy,
                c"__deepcopy__($self, memo, /)\n--\n\nReturn self.",
            ),
            method::noargs(
                c"__reduce__",
                super::reduce::<Self>,
                c"__reduce__($self, /)\n--\n\nPickle as a plain dict.",
            ),
            method::class_getitem(),
            method::END,
        ]
    };
    const GETSET: &'static [GetSet] = const {
        &[
            getset::getter(
                c"nbytes",
                super::nbytes::<Self>,
                c"Bytes of the memory that it is in, with all that was frozen together with it.",
            ),
            getset::END,
        ]
    };
    const SLOTS: &'static [Slot] = const {
        &[
            slot::repr(super::shown::<Self>),
            slot::length(Self::length),
            subscript::get(Self::item),
            collection::contains(Self::contains),
            collection::iter(Self::iter),
            collection::compare(Self::compare),
            collection::no_hash(),
        ]
    };
    const COLLECTION: Collection = Collection::Mapping;

    fn home(state: &State) -> &Global {
        &state.frozen.dict
    }
}
