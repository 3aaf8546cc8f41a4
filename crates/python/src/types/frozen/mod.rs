//! Frozen data: `FrozenDict`, `FrozenList`, `FrozenTuple` and `FrozenSet`, views of an arena that nobody owns.
//!
//! A view keeps the arena and knows which value of it it stands for. Nothing in an arena ever changes, so nothing here
//! takes a lock.

mod dict;
mod iterator;
mod key;
mod repr;
mod sequence;
mod set;
mod thaw;

use std::sync::Arc;

use core::sync::atomic::Ordering;

use interlane_core::frozen::{Arena, Big, Items, Node, Table, Text, Value};
use interlane_core::{AnyShare, Held};

use self::dict::FrozenDict;
use self::iterator::FrozenIterator;
use self::sequence::{FrozenList, FrozenTuple};
use self::set::FrozenSet;
use crate::convert::THRESHOLD;
use crate::convert::frozen::{Transit, freeze as write};
use crate::convert::pages::Piece;
use crate::py::object::Kind;
use crate::py::text::Characters;
use crate::py::{
    Args, Class, Cx, Global, Owned, PyResult, Ref, Signature, class, shared_bytes, shared_text,
    xidata,
};

/// The classes' places in the module's state.
#[repr(C)]
pub(crate) struct Classes {
    dict: Global,
    list: Global,
    tuple: Global,
    set: Global,
    iterator: Global,
}

impl Classes {
    pub(crate) fn globals(&self) -> [&Global; 5] {
        [
            &self.dict,
            &self.list,
            &self.tuple,
            &self.set,
            &self.iterator,
        ]
    }
}

pub(super) fn add(cx: Cx<'_>, module: Ref<'_>) -> PyResult<()> {
    class::add::<FrozenDict>(cx, module)?;
    class::add::<FrozenList>(cx, module)?;
    class::add::<FrozenTuple>(cx, module)?;
    class::add::<FrozenSet>(cx, module)?;
    class::add::<FrozenIterator>(cx, module)?;
    // Loaded already, since nothing starts without it; `collections.abc` would bring all of `collections`.
    let abstract_classes = cx.import(c"_collections_abc")?;
    let frozen = &cx.state.frozen;
    for (class, name) in [
        (&frozen.dict, c"Mapping"),
        (&frozen.list, c"Sequence"),
        (&frozen.tuple, c"Sequence"),
        (&frozen.set, c"Set"),
    ] {
        let class = class.get(cx.py())?;
        xidata::register(cx.py(), class)?;
        let base = abstract_classes.get().attribute(cx.py(), name)?;
        let register = base.get().attribute(cx.py(), c"register")?;
        register.get().call(cx.py(), [class])?;
    }
    Ok(())
}

/// A value of an arena, seen from an interpreter.
pub(super) struct View {
    arena: Arc<Arena>,
    node: Node,
    keeper: Held,
}

/// The payload of each of the classes.
trait Frozen: Class {
    fn wrap(view: View) -> Self;
    fn view(&self) -> &View;
}

impl View {
    fn value(&self) -> Value<'_> {
        self.arena.read(self.node)
    }

    fn items(&self) -> Items<'_> {
        match self.value() {
            Value::Tuple(items) | Value::List(items) => items,
            _ => unreachable!("it was made of a sequence"),
        }
    }

    fn table(&self) -> Table<'_> {
        match self.value() {
            Value::Dict(table) | Value::Set(table) | Value::FrozenSet(table) => table,
            _ => unreachable!("it was made of a dict or set"),
        }
    }

    /// The object of a value of the same arena.
    fn part<'py>(&self, cx: Cx<'py>, node: Node) -> PyResult<Owned<'py>> {
        object(cx, &self.arena, &self.keeper, node)
    }

    fn again(&self, cx: Cx<'_>) -> Self {
        Self {
            arena: Arc::clone(&self.arena),
            node: self.node,
            keeper: cx.state.interpreter().hold(AnyShare::clone(&self.keeper)),
        }
    }
}

/// `freeze(obj)`.
pub(crate) fn freeze<'py>(cx: Cx<'py>, object: Ref<'_>) -> PyResult<Owned<'py>> {
    let frozen_already = match object.kind() {
        Kind::Tuple | Kind::List | Kind::Dict | Kind::Set | Kind::FrozenSet => false,
        Kind::Other => {
            shared_bytes::is_one(cx, object)
                || shared_text::share_of(cx, object).is_some()
                || view_of(cx, object).is_some()
        }
        Kind::NotImplemented => false,
        _ => true,
    };
    if frozen_already {
        return Ok(object.to_owned(cx.py()));
    }
    let Transit {
        arena,
        node,
        keeper,
    } = Transit::new(write(cx, object)?);
    self::object(cx, &arena, &keeper, node)
}

/// The view behind an object of one of the classes.
fn view_of<'a>(cx: Cx<'_>, object: Ref<'a>) -> Option<&'a View> {
    fn one<'a, F: Frozen>(cx: Cx<'_>, object: Ref<'a>) -> Option<&'a View> {
        class::downcast::<F>(cx, object).map(F::view)
    }
    one::<FrozenDict>(cx, object)
        .or_else(|| one::<FrozenList>(cx, object))
        .or_else(|| one::<FrozenTuple>(cx, object))
        .or_else(|| one::<FrozenSet>(cx, object))
}

/// What is sent for an object of one of the classes.
pub(crate) fn transit(cx: Cx<'_>, object: Ref<'_>) -> Option<Transit> {
    let view = view_of(cx, object)?;
    Some(Transit {
        arena: Arc::clone(&view.arena),
        node: view.node,
        keeper: AnyShare::clone(&view.keeper),
    })
}

/// The object of a value of an arena that `keeper` keeps.
pub(crate) fn object<'py>(
    cx: Cx<'py>,
    arena: &Arc<Arena>,
    keeper: &AnyShare,
    node: Node,
) -> PyResult<Owned<'py>> {
    let value = arena.read(node);
    match value {
        Value::Text(text) if text.data.len() >= THRESHOLD.load(Ordering::Relaxed) => {
            shared_text::make(cx, characters(text), keeper.clone())
        }
        Value::Bytes(_) if arena.pages(node).is_some() => {
            let number = arena.pages(node).map_or(0, |(number, _)| number);
            let piece = Piece::of_frozen(Arc::clone(arena), number, keeper.clone());
            shared_bytes::over(cx, piece)
        }
        Value::Dict(_) => instance::<FrozenDict>(cx, arena, keeper, node),
        Value::List(_) => instance::<FrozenList>(cx, arena, keeper, node),
        Value::Tuple(_) => instance::<FrozenTuple>(cx, arena, keeper, node),
        Value::Set(_) | Value::FrozenSet(_) => instance::<FrozenSet>(cx, arena, keeper, node),
        _ => plain(cx, &value),
    }
}

fn instance<'py, F: Frozen>(
    cx: Cx<'py>,
    arena: &Arc<Arena>,
    keeper: &AnyShare,
    node: Node,
) -> PyResult<Owned<'py>> {
    let view = View {
        arena: Arc::clone(arena),
        node,
        keeper: cx.state.interpreter().hold(keeper.clone()),
    };
    class::instantiate(cx, F::wrap(view))
}

/// An object of a built-in class for what has no parts.
fn plain<'py>(cx: Cx<'py>, value: &Value<'_>) -> PyResult<Owned<'py>> {
    match *value {
        Value::None => Ok(cx.none()),
        Value::Ellipsis => Ok(cx.ellipsis()),
        Value::Bool(value) => Ok(cx.bool(value)),
        Value::Int(value) => cx.int(value),
        Value::Big(big) => whole_number(cx, big),
        Value::Float(value) => cx.float(value),
        Value::Complex(re, im) => cx.complex(re, im),
        Value::Text(text) => cx.text(text.ascii, text.width, text.data),
        Value::Bytes(data) => cx.bytes(data),
        _ => unreachable!("what has parts is somebody else's"),
    }
}

fn whole_number<'py>(cx: Cx<'py>, big: Big<'_>) -> PyResult<Owned<'py>> {
    use std::fmt::Write;

    let mut text = String::with_capacity(2 * big.magnitude.len() + 4);
    text.push_str(if big.negative { "-0x" } else { "0x" });
    for byte in big.magnitude.iter().rev() {
        // Nothing fails that writes to a `String`.
        let _ = write!(text, "{byte:02x}");
    }
    text.push('\0');
    match core::ffi::CStr::from_bytes_with_nul(text.as_bytes()) {
        Ok(text) => cx.int_from_hex(text),
        Err(_) => unreachable!("digits have no zero byte in them"),
    }
}

fn characters(text: Text<'_>) -> Characters {
    Characters {
        data: text.data.as_ptr(),
        length: text.data.len() / usize::from(text.width),
        width: text.width,
        ascii: text.ascii,
    }
}

// What all the classes have.

const NO_ARGUMENTS: Signature<0> = Signature {
    function: "__copy__",
    names: [],
    required: 0,
    positional: 0,
    positional_only: 0,
};

/// `__copy__`
fn copy<'py>(object: Ref<'py>, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    args.parse(cx.py(), &NO_ARGUMENTS)?;
    Ok(object.to_owned(cx.py()))
}

const DEEPCOPY: Signature<1> = Signature {
    function: "__deepcopy__",
    names: [c"memo"],
    required: 1,
    positional: 1,
    positional_only: 1,
};

/// `__deepcopy__`
fn deepcopy<'py>(object: Ref<'py>, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    args.parse(cx.py(), &DEEPCOPY)?;
    Ok(object.to_owned(cx.py()))
}

fn thawed<'py, F: Frozen>(frozen: &F, cx: Cx<'py>) -> PyResult<Owned<'py>> {
    thaw::thaw(cx, &frozen.view().arena, frozen.view().node)
}

/// `__reduce__`: the class of the plain object, and that object.
fn reduce<'py, F: Frozen>(frozen: &F, cx: Cx<'py>) -> PyResult<Owned<'py>> {
    let plain = thawed(frozen, cx)?;
    let class = plain.get().class(cx.py());
    cx.tuple_of([class, cx.tuple_of([plain])?])
}

fn nbytes<'py, F: Frozen>(frozen: &F, cx: Cx<'py>) -> PyResult<Owned<'py>> {
    cx.size(frozen.view().arena.nbytes())
}

fn shown<'py, F: Frozen>(frozen: &F, cx: Cx<'py>) -> PyResult<Owned<'py>> {
    let name = F::NAME.to_string_lossy();
    let name = name.rsplit('.').next().unwrap_or_default().to_owned();
    repr::text(cx, &name, frozen.view())
}
