//! `FrozenSet`.

use core::ffi::CStr;

use super::iterator::{self, Parts};
use super::{Frozen, View, key};
use crate::convert::frozen::raise;
use crate::py::collection::{self, Collection, Comparison};
use crate::py::getset::{self, GetSet};
use crate::py::method::{self, Method};
use crate::py::slot::{self, Slot};
use crate::py::{Args, Class, Cx, Global, Owned, PyResult, Ref, Signature, class};
use crate::state::State;

pub(super) struct FrozenSet(View);

impl Frozen for FrozenSet {
    fn wrap(view: View) -> Self {
        Self(view)
    }

    fn view(&self) -> &View {
        &self.0
    }
}

impl FrozenSet {
    fn length(&self, _: Cx<'_>) -> PyResult<usize> {
        Ok(self.0.table().len())
    }

    fn contains(&self, cx: Cx<'_>, object: Ref<'_>) -> PyResult<bool> {
        let entry = key::find_in_set(cx, &self.0, &self.0.table(), object)?;
        Ok(entry.is_some())
    }

    fn iter<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        iterator::make(cx, &self.0, Parts::Plain, false)
    }

    /// A `frozenset` of the elements, which stay frozen where they have parts.
    fn elements<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        let (set, table) = (cx.frozenset()?, self.0.table());
        for entry in 0..table.len() {
            let element = self.0.part(cx, table.key(entry))?;
            set.get().add(cx.py(), element.get())?;
        }
        Ok(set)
    }

    /// That of an equal `frozenset`.
    fn hash(&self, cx: Cx<'_>) -> PyResult<isize> {
        cx.py()
            .nested(c" while hashing", || self.elements(cx)?.get().hash(cx.py()))
    }

    fn compare<'py>(
        &self,
        cx: Cx<'py>,
        other: Ref<'py>,
        comparison: Comparison,
    ) -> PyResult<Owned<'py>> {
        let name = match comparison {
            Comparison::Equal | Comparison::NotEqual => {
                return Ok(match self.equals(cx, other)? {
                    Some(same) => cx.bool(same == (comparison == Comparison::Equal)),
                    None => cx.not_implemented(),
                });
            }
            Comparison::Less => c"__lt__",
            Comparison::LessOrEqual => c"__le__",
            Comparison::Greater => c"__gt__",
            Comparison::GreaterOrEqual => c"__ge__",
        };
        let Some(other) = set_of(cx, other)? else {
            return Ok(cx.not_implemented());
        };
        let method = self.elements(cx)?.get().attribute(cx.py(), name)?;
        method.get().call(cx.py(), [other.get()])
    }

    /// `None`: the other one is no set.
    fn equals(&self, cx: Cx<'_>, other: Ref<'_>) -> PyResult<Option<bool>> {
        if let Some(other) = class::downcast::<Self>(cx, other) {
            let same = self.0.value().equals(&other.0.value());
            return same.map(Some).map_err(|error| raise(cx, error));
        }
        if !other.is_any_set() {
            return Ok(None);
        }
        if other.size(cx.py())? != self.0.table().len() {
            return Ok(Some(false));
        }
        self.has_all(cx, other).map(Some)
    }

    fn has_all(&self, cx: Cx<'_>, others: Ref<'_>) -> PyResult<bool> {
        let others = others.iterate(cx.py())?;
        while let Some(object) = others.get().next(cx.py())? {
            if !self.contains(cx, object.get())? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn issuperset<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        let [Some(other)] = args.parse(cx.py(), &one("issuperset"))? else {
            unreachable!("the signature requires it")
        };
        Ok(cx.bool(self.has_all(cx, other)?))
    }

    fn isdisjoint<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        let [Some(other)] = args.parse(cx.py(), &one("isdisjoint"))? else {
            unreachable!("the signature requires it")
        };
        let others = other.iterate(cx.py())?;
        while let Some(object) = others.get().next(cx.py())? {
            if self.contains(cx, object.get())? {
                return Ok(cx.bool(false));
            }
        }
        Ok(cx.bool(true))
    }

    /// What the method of that name of an equal `frozenset` gives.
    fn forward<'py>(
        &self,
        cx: Cx<'py>,
        args: Args<'py>,
        name: &'static str,
    ) -> PyResult<Owned<'py>> {
        let others = args.positional_only(cx.py(), name)?;
        let arguments = cx.tuple(others.len())?;
        for (place, other) in others.into_iter().enumerate() {
            arguments.get().fill(place, other.to_owned(cx.py()));
        }
        let method = self.elements(cx)?.get().attribute_named(cx.py(), name)?;
        method.get().call_with(cx.py(), arguments.get())
    }

    fn issubset<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        self.forward(cx, args, "issubset")
    }

    fn union<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        self.forward(cx, args, "union")
    }

    fn intersection<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        self.forward(cx, args, "intersection")
    }

    fn difference<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        self.forward(cx, args, "difference")
    }

    fn symmetric_difference<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        self.forward(cx, args, "symmetric_difference")
    }
}

const fn one(function: &'static str) -> Signature<1> {
    Signature {
        function,
        names: [c"other"],
        required: 1,
        positional: 1,
        positional_only: 1,
    }
}

/// The set that an operand is, or has the elements of. `None`: it is none.
fn set_of<'py>(cx: Cx<'py>, object: Ref<'_>) -> PyResult<Option<Owned<'py>>> {
    if let Some(set) = class::downcast::<FrozenSet>(cx, object) {
        return set.elements(cx).map(Some);
    }
    Ok(object.is_any_set().then(|| object.to_owned(cx.py())))
}

/// The operator of that name, between sets of which one is frozen: the answer is of the left one's kind, not frozen.
fn operate<'py>(cx: Cx<'py>, left: Ref<'py>, right: Ref<'py>, name: &CStr) -> PyResult<Owned<'py>> {
    let (Some(left), Some(right)) = (set_of(cx, left)?, set_of(cx, right)?) else {
        return Ok(cx.not_implemented());
    };
    let method = left.get().attribute(cx.py(), name)?;
    method.get().call(cx.py(), [right.get()])
}

fn and<'py>(cx: Cx<'py>, left: Ref<'py>, right: Ref<'py>) -> PyResult<Owned<'py>> {
    operate(cx, left, right, c"__and__")
}

fn or<'py>(cx: Cx<'py>, left: Ref<'py>, right: Ref<'py>) -> PyResult<Owned<'py>> {
    operate(cx, left, right, c"__or__")
}

fn xor<'py>(cx: Cx<'py>, left: Ref<'py>, right: Ref<'py>) -> PyResult<Owned<'py>> {
    operate(cx, left, right, c"__xor__")
}

fn subtract<'py>(cx: Cx<'py>, left: Ref<'py>, right: Ref<'py>) -> PyResult<Owned<'py>> {
    operate(cx, left, right, c"__sub__")
}

impl Class for FrozenSet {
    const NAME: &'static CStr = c"interlane.FrozenSet";
    const DOC: &'static CStr = c"A set or frozenset that freeze() has made, read in place in every interpreter.

A collections.abc.Set, equal to a set of the same contents, with the hash of an equal frozenset. `in`, isdisjoint(),
issuperset() and == look up what the other one has; the other operators and methods make a frozenset first.";
    const METHODS: &'static [Method] = const {
        &[
            method::keywords(
                c"isdisjoint",
                Self::isdisjoint,
                c"isdisjoint($self, other, /)\n--\n\nTell whether no element of other is in the set.",
            ),
            method::keywords(
                c"issuperset",
                Self::issuperset,
                c"issuperset($self, other, /)\n--\n\nTell whether all elements of other are in the set.",
            ),
            method::keywords(
                c"issubset",
                Self::issubset,
                c"issubset($self, other, /)\n--\n\nTell whether all elements are in other.",
            ),
            method::keywords(
                c"union",
                Self::union,
                c"union($self, /, *others)\n--\n\nReturn a frozenset of what is in any of them.",
            ),
            method::keywords(
                c"intersection",
                Self::intersection,
                c"intersection($self, /, *others)\n--\n\nReturn a frozenset of what is in all of them.",
            ),
            method::keywords(
                c"difference",
                Self::difference,
                c"difference($self, /, *others)\n--\n\nReturn a frozenset of what is in none of the others.",
            ),
            method::keywords(
                c"symmetric_difference",
                Self::symmetric_difference,
                c"symmetric_difference($self, other, /)\n--\n\nReturn a frozenset of what is in one of the two.",
            ),
            method::noargs(
                c"thaw",
                super::thawed::<Self>,
                c"thaw($self, /)\n--\n\nReturn the plain set or frozenset that it was made of, of plain objects: a copy of everything.",
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
                c"__reduce__($self, /)\n--\n\nPickle as a plain set or frozenset.",
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
            collection::contains(Self::contains),
            collection::iter(Self::iter),
            collection::compare(Self::compare),
            collection::hash(Self::hash),
            collection::and(and),
            collection::or(or),
            collection::xor(xor),
            collection::subtract(subtract),
        ]
    };
    const COLLECTION: Collection = Collection::Neither;

    fn home(state: &State) -> &Global {
        &state.frozen.set
    }
}
