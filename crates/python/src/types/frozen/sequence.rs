//! `FrozenList` and `FrozenTuple`.

use core::ffi::CStr;

use super::iterator::{self, Parts};
use super::{Frozen, View};
use crate::convert::frozen::raise;
use crate::py::collection::{self, Collection, Comparison};
use crate::py::error::Builtin;
use crate::py::getset::{self, GetSet};
use crate::py::method::{self, Method};
use crate::py::slot::{self, Slot};
use crate::py::subscript::{self, Part};
use crate::py::{Args, Class, Cx, Global, Owned, PyResult, Raised, Ref, Signature, class};
use crate::state::State;

pub(super) struct FrozenList(View);

pub(super) struct FrozenTuple(View);

/// What the two have in common.
trait Sequence: Frozen {
    /// The plain class, for messages.
    const PLAIN: &'static str;

    /// Is it an instance of the plain class?
    fn is_plain(object: Ref<'_>) -> bool;

    /// The items from `start` on, each `step` from the one before, as an object of the plain class.
    fn slice<'py>(
        view: &View,
        cx: Cx<'py>,
        start: isize,
        step: isize,
        count: usize,
    ) -> PyResult<Owned<'py>>;
}

impl Frozen for FrozenList {
    fn wrap(view: View) -> Self {
        Self(view)
    }

    fn view(&self) -> &View {
        &self.0
    }
}

impl Frozen for FrozenTuple {
    fn wrap(view: View) -> Self {
        Self(view)
    }

    fn view(&self) -> &View {
        &self.0
    }
}

impl Sequence for FrozenList {
    const PLAIN: &'static str = "list";

    fn is_plain(object: Ref<'_>) -> bool {
        object.is_list()
    }

    fn slice<'py>(
        view: &View,
        cx: Cx<'py>,
        start: isize,
        step: isize,
        count: usize,
    ) -> PyResult<Owned<'py>> {
        let list = cx.list_for(count)?;
        for place in 0..count as isize {
            let item = view.items().get((start + place * step) as usize);
            list.get().push(cx.py(), view.part(cx, item)?)?;
        }
        Ok(list)
    }
}

impl Sequence for FrozenTuple {
    const PLAIN: &'static str = "tuple";

    fn is_plain(object: Ref<'_>) -> bool {
        object.is_tuple()
    }

    fn slice<'py>(
        view: &View,
        cx: Cx<'py>,
        start: isize,
        step: isize,
        count: usize,
    ) -> PyResult<Owned<'py>> {
        let tuple = cx.tuple(count)?;
        for place in 0..count {
            let item = view.items().get((start + place as isize * step) as usize);
            tuple.get().fill(place, view.part(cx, item)?);
        }
        Ok(tuple)
    }
}

fn length<S: Sequence>(sequence: &S, _: Cx<'_>) -> PyResult<usize> {
    Ok(sequence.view().items().len())
}

fn get<'py, S: Sequence>(sequence: &S, cx: Cx<'py>, key: Ref<'py>) -> PyResult<Owned<'py>> {
    let view = sequence.view();
    let items = view.items();
    let len = items.len() as isize;
    match key.subscript() {
        Part::Index(index) => {
            let index = index.index_within(cx.py(), Builtin::Index)?;
            let place = if index < 0 { index + len } else { index };
            if !(0..len).contains(&place) {
                let message = format!("{} index out of range", S::PLAIN);
                return Err(Raised::builtin(cx.py(), Builtin::Index, &message));
            }
            view.part(cx, items.get(place as usize))
        }
        Part::Slice(slice) => {
            let [start, step, count] = slice.slice_of(cx.py(), len)?;
            S::slice(view, cx, start, step, count as usize)
        }
        Part::Ellipsis | Part::Other(_) => {
            let message = format!(
                "{} indices must be integers or slices, not {}",
                S::PLAIN,
                key.class_name(cx.py())
            );
            Err(Raised::type_error(cx.py(), &message))
        }
    }
}

fn item<'py, S: Sequence>(sequence: &S, cx: Cx<'py>, index: isize) -> PyResult<Option<Owned<'py>>> {
    let view = sequence.view();
    match usize::try_from(index) {
        Ok(index) if index < view.items().len() => view.part(cx, view.items().get(index)).map(Some),
        _ => Ok(None),
    }
}

/// Where the first item from `start` to `stop` is that is equal to the object.
fn position<S: Sequence>(
    sequence: &S,
    cx: Cx<'_>,
    object: Ref<'_>,
    start: usize,
    stop: usize,
) -> PyResult<Option<usize>> {
    let (view, items) = (sequence.view(), sequence.view().items());
    for place in start..stop.min(items.len()) {
        if view.equals_part(cx, items.get(place), object)? {
            return Ok(Some(place));
        }
    }
    Ok(None)
}

fn contains<S: Sequence>(sequence: &S, cx: Cx<'_>, object: Ref<'_>) -> PyResult<bool> {
    position(sequence, cx, object, 0, usize::MAX).map(|place| place.is_some())
}

fn iter<'py, S: Sequence>(sequence: &S, cx: Cx<'py>) -> PyResult<Owned<'py>> {
    iterator::make(cx, sequence.view(), Parts::Plain, false)
}

fn reversed<'py, S: Sequence>(sequence: &S, cx: Cx<'py>) -> PyResult<Owned<'py>> {
    iterator::make(cx, sequence.view(), Parts::Plain, true)
}

const INDEX: Signature<3> = Signature {
    function: "index",
    names: [c"value", c"start", c"stop"],
    required: 1,
    positional: 3,
    positional_only: 3,
};

fn index<'py, S: Sequence>(sequence: &S, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [Some(value), start, stop] = args.parse(cx.py(), &INDEX)? else {
        unreachable!("the signature requires it")
    };
    let len = sequence.view().items().len() as isize;
    let bound = |bound: Option<Ref<'_>>, default| match bound {
        None => Ok(default),
        Some(bound) => {
            let bound = bound.clipped_index(cx.py())?;
            Ok(if bound < 0 {
                (bound + len).max(0)
            } else {
                bound
            } as usize)
        }
    };
    let (start, stop) = (bound(start, 0)?, bound(stop, usize::MAX)?);
    match position(sequence, cx, value, start, stop)? {
        Some(place) => cx.size(place),
        None => {
            let shown = value.brief_repr(cx.py());
            let message = format!("{shown} is not in {}", S::PLAIN);
            Err(Raised::value_error(cx.py(), &message))
        }
    }
}

const COUNT: Signature<1> = Signature {
    function: "count",
    names: [c"value"],
    required: 1,
    positional: 1,
    positional_only: 1,
};

fn count<'py, S: Sequence>(sequence: &S, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [Some(value)] = args.parse(cx.py(), &COUNT)? else {
        unreachable!("the signature requires it")
    };
    let (mut count, mut from) = (0, 0);
    while let Some(place) = position(sequence, cx, value, from, usize::MAX)? {
        (count, from) = (count + 1, place + 1);
    }
    cx.size(count)
}

fn compare<'py, S: Sequence>(
    sequence: &S,
    cx: Cx<'py>,
    other: Ref<'py>,
    comparison: Comparison,
) -> PyResult<Owned<'py>> {
    let same = match comparison {
        Comparison::Equal | Comparison::NotEqual => equals(sequence, cx, other)?,
        _ => None,
    };
    Ok(match same {
        Some(same) => cx.bool(same == (comparison == Comparison::Equal)),
        None => cx.not_implemented(),
    })
}

/// `None`: the other one is no sequence of the kind.
fn equals<S: Sequence>(sequence: &S, cx: Cx<'_>, other: Ref<'_>) -> PyResult<Option<bool>> {
    let view = sequence.view();
    if let Some(other) = class::downcast::<S>(cx, other) {
        let same = view.value().equals(&other.view().value());
        return same.map(Some).map_err(|error| raise(cx, error));
    }
    if !S::is_plain(other) {
        return Ok(None);
    }
    let (py, items) = (cx.py(), view.items());
    if other.size(py)? != items.len() {
        return Ok(Some(false));
    }
    let others = other.iterate(py)?;
    for place in 0..items.len() {
        let Some(object) = others.get().next(py)? else {
            return Ok(Some(false));
        };
        if !view.equals_part(cx, items.get(place), object.get())? {
            return Ok(Some(false));
        }
    }
    Ok(Some(true))
}

impl FrozenTuple {
    /// That of an equal tuple.
    fn hash(&self, cx: Cx<'_>) -> PyResult<isize> {
        cx.py().nested(c" while hashing", || {
            let items = Self::slice(&self.0, cx, 0, 1, self.0.items().len())?;
            items.get().hash(cx.py())
        })
    }
}

const fn methods<S: Sequence>() -> [Method; 9] {
    [
        method::keywords(
            c"index",
            index::<S>,
            c"index($self, value, start=0, stop=9223372036854775807, /)\n--\n\nReturn where the first equal item is; raise ValueError if there is none.",
        ),
        method::keywords(
            c"count",
            count::<S>,
            c"count($self, value, /)\n--\n\nReturn how many items are equal to the value.",
        ),
        method::noargs(
            c"thaw",
            super::thawed::<S>,
            c"thaw($self, /)\n--\n\nReturn a plain copy, of plain objects: a copy of everything.",
        ),
        method::noargs(
            c"__reversed__",
            reversed::<S>,
            c"__reversed__($self, /)\n--\n\nReturn an iterator over the items, the last one first.",
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
            super::reduce::<S>,
            c"__reduce__($self, /)\n--\n\nPickle as a plain object.",
        ),
        method::class_getitem(),
        method::END,
    ]
}

const fn attributes<S: Sequence>() -> [GetSet; 2] {
    [
        getset::getter(
            c"nbytes",
            super::nbytes::<S>,
            c"Bytes of the memory that it is in, with all that was frozen together with it.",
        ),
        getset::END,
    ]
}

const fn slots<S: Sequence>(hash: Slot) -> [Slot; 9] {
    [
        slot::repr(super::shown::<S>),
        slot::length(length::<S>),
        subscript::sequence_length(length::<S>),
        subscript::get(get::<S>),
        subscript::item(item::<S>),
        collection::contains(contains::<S>),
        collection::iter(iter::<S>),
        collection::compare(compare::<S>),
        hash,
    ]
}

impl Class for FrozenList {
    const NAME: &'static CStr = c"interlane.FrozenList";
    const DOC: &'static CStr = c"A list that freeze() has made, read in place in every interpreter.

A collections.abc.Sequence, equal to a list of the same contents. Items come out as from a FrozenDict; a slice is a
list of them.";
    const METHODS: &'static [Method] = const { &methods::<Self>() };
    const GETSET: &'static [GetSet] = const { &attributes::<Self>() };
    const SLOTS: &'static [Slot] = const { &slots::<Self>(collection::no_hash()) };
    const COLLECTION: Collection = Collection::Sequence;

    fn home(state: &State) -> &Global {
        &state.frozen.list
    }
}

impl Class for FrozenTuple {
    const NAME: &'static CStr = c"interlane.FrozenTuple";
    const DOC: &'static CStr = c"A tuple that freeze() has made, read in place in every interpreter.

A collections.abc.Sequence, equal to a tuple of the same contents, with the same hash. Items come out as from a
FrozenDict; a slice is a tuple of them.";
    const METHODS: &'static [Method] = const { &methods::<Self>() };
    const GETSET: &'static [GetSet] = const { &attributes::<Self>() };
    const SLOTS: &'static [Slot] = const { &slots::<Self>(collection::hash(Self::hash)) };
    const COLLECTION: Collection = Collection::Sequence;

    fn home(state: &State) -> &Global {
        &state.frozen.tuple
    }
}
