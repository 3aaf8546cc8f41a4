//! From objects to the text.

use std::collections::HashMap;

use super::super::{
    Message, Packing, buffer, foreign, leaf, object, pickle, protocol, same, shared_already,
};
use super::{Tree, code};
use crate::errors::{Error, class, raise};
use crate::py::buffer::Acquired;
use crate::py::container::Steps;
use crate::py::object::Kind;
use crate::py::{Cx, Owned, PyResult, Raised, Ref};
use crate::runtime::lane::Fallback;

/// What comes before the data of a `str` or `bytes`, at the most: code, width, length.
const HEADER: usize = 12;

struct Writer<'py> {
    cx: Cx<'py>,
    packing: Packing,
    tree: Tree,
    /// Numbers of the objects met so far, by address. `kept` keeps them, so that no address is used twice.
    numbers: HashMap<usize, usize>,
    kept: Vec<Owned<'py>>,
    open: Vec<Frame<'py>>,
}

/// A container that is being written.
struct Frame<'py> {
    steps: Steps<'py>,
    kind: Kind,
    expected: usize,
    /// How many objects were taken out, for the path in messages.
    taken: usize,
    /// The key whose value is being written.
    key: Option<Owned<'py>>,
    /// The number of the object of which these are the parts.
    rebuilt: Option<usize>,
}

/// How many objects may be parts of each other, before it counts as endless.
const DEEPEST: usize = 1000;

/// How many characters of a path are shown.
const LONGEST_PATH: usize = 300;

pub(in super::super) fn pack(cx: Cx<'_>, object: Ref<'_>, packing: Packing) -> PyResult<Message> {
    let mut writer = Writer {
        cx,
        packing,
        tree: Tree {
            code: Vec::new(),
            leaves: Vec::new(),
        },
        numbers: HashMap::new(),
        kept: Vec::new(),
        open: Vec::new(),
    };
    let packed = writer.write_all(object);
    match packed {
        Ok(()) => Ok(writer.tree.into_message()),
        // What can't be shared in place is pickled as a whole, so that identities inside are kept.
        Err(raised)
            if packing.fallback == Fallback::Pickle
                && raised.is(cx.py(), class(cx, Error::NotShareable)?) =>
        {
            let refusal = raised.take(cx.py());
            drop(writer);
            pickle::dump(cx, object).map_err(|raised| {
                if !raised.is_ordinary(cx.py()) {
                    return raised;
                }
                let reason = raised.take(cx.py());
                match refusal
                    .get()
                    .set_attribute(cx.py(), c"__cause__", reason.get())
                {
                    Ok(()) => Raised::restore(cx.py(), refusal),
                    Err(raised) => raised,
                }
            })
        }
        Err(raised) => Err(raised),
    }
}

impl<'py> Writer<'py> {
    fn write_all(&mut self, object: Ref<'_>) -> PyResult<()> {
        self.write(object, true)?;
        while let Some(frame) = self.open.last_mut() {
            let Some(item) = frame.steps.next(self.cx.py())? else {
                if frame.taken != frame.expected {
                    return Err(Raised::builtin(
                        self.cx.py(),
                        crate::py::error::Builtin::Runtime,
                        "a container changed size while it was being sent",
                    ));
                }
                self.open.pop();
                continue;
            };
            frame.taken += 1;
            if frame.kind == Kind::Dict && frame.taken % 2 == 1 {
                frame.key = Some(item.get().to_owned(self.cx.py()));
            }
            self.write(item.get(), false)?;
        }
        Ok(())
    }

    /// Writes one object; a container is opened and goes on in `write_all`.
    fn write(&mut self, object: Ref<'_>, root: bool) -> PyResult<()> {
        let py = self.cx.py();
        let kind = object.kind();
        if matches!(kind, Kind::Int | Kind::Float) && !root {
            if let Some(share) = same::share(self.cx, object)? {
                return self.leaf(Message::Same(share), 0);
            }
        }
        match kind {
            Kind::None => return self.plain(code::NONE, &[]),
            Kind::Bool(false) => return self.plain(code::FALSE, &[]),
            Kind::Bool(true) => return self.plain(code::TRUE, &[]),
            Kind::Ellipsis => return self.plain(code::ELLIPSIS, &[]),
            Kind::NotImplemented => return self.plain(code::NOT_IMPLEMENTED, &[]),
            Kind::Int => {
                if let Some(value) = object.small_int(py)? {
                    return self.plain(code::INT, &value.to_le_bytes());
                }
            }
            Kind::Float => return self.plain(code::FLOAT, &object.as_float(py)?.to_le_bytes()),
            _ => {}
        }
        let mut noted = 0;
        let notable = if root {
            // A scalar that is all there is cannot be met again.
            !matches!(kind, Kind::Int | Kind::Complex | Kind::Str | Kind::Bytes)
        } else {
            object.may_be_met_again()
        };
        if notable {
            if let Some(&number) = self.numbers.get(&object.address()) {
                if self.open.iter().any(|frame| frame.rebuilt == Some(number)) {
                    return Err(self.refuse(object, "is a part of itself"));
                }
                return self.sized(code::AGAIN, number, &[]);
            }
            self.numbers.insert(object.address(), self.kept.len());
            self.kept.push(object.to_owned(py));
            noted = code::NOTED;
        }
        if let Some(message) = shared_already(self.cx, object) {
            return self.leaf(message, noted);
        }
        if !root {
            if let Some(share) = same::share(self.cx, object)? {
                return self.leaf(Message::Same(share), noted);
            }
        }
        match kind {
            Kind::Int => {
                let text = object.int_to_hex(py)?;
                let digits = text.get().characters();
                self.sized(code::BIG_INT | noted, digits.nbytes() + 1, digits.bytes())?;
                self.tree.code.push(0);
                Ok(())
            }
            Kind::Complex => {
                let (re, im) = object.as_complex();
                self.plain(code::COMPLEX | noted, &re.to_le_bytes())?;
                self.tree.code.extend_from_slice(&im.to_le_bytes());
                Ok(())
            }
            Kind::Tuple => {
                let steps = Steps::Tuple(object.to_owned(py), 0);
                self.enter(object, kind, code::TUPLE | noted, steps)
            }
            Kind::List => {
                let steps = Steps::List(object.to_owned(py), 0);
                self.enter(object, kind, code::LIST | noted, steps)
            }
            Kind::Dict => {
                let size = object.size(py)? as isize;
                let steps = Steps::Dict(object.to_owned(py), 0, size, None);
                self.enter(object, kind, code::DICT | noted, steps)
            }
            Kind::Set => {
                let steps = Steps::Set(object.iterate(py)?);
                self.enter(object, kind, code::SET | noted, steps)
            }
            Kind::FrozenSet => {
                let steps = Steps::Set(object.iterate(py)?);
                self.enter(object, kind, code::FROZENSET | noted, steps)
            }
            _ => self.write_leaf(object, kind, noted),
        }
    }

    fn write_leaf(&mut self, object: Ref<'_>, kind: Kind, noted: u8) -> PyResult<()> {
        if let Some(message) = leaf(self.cx, object, self.packing)? {
            return self.leaf(message, noted);
        }
        match kind {
            Kind::Str => {
                let characters = object.characters();
                // One allocation for a lone string.
                self.tree.code.reserve(characters.nbytes() + HEADER);
                self.plain(
                    code::STR | noted,
                    &[if characters.ascii {
                        0
                    } else {
                        characters.width
                    }],
                )?;
                self.size(characters.nbytes());
                self.tree.code.extend_from_slice(characters.bytes());
                Ok(())
            }
            Kind::Bytes => {
                let data = object.as_bytes();
                self.tree.code.reserve(data.len() + HEADER);
                self.sized(code::BYTES | noted, data.len(), data)
            }
            _ => {
                let path = || self.path();
                if let Some(share) = foreign::share(self.cx, object, self.packing, path)? {
                    return self.leaf(Message::Foreign(share), noted);
                }
                // What only our `__main__` has is of more use as a proxy, where that is a way.
                let by_name = self.packing.fallback != Fallback::Proxy;
                if let Some(recipe) = protocol::recipe(self.cx, object, by_name, || self.path())? {
                    return self.enter_rebuilt(object, noted, &recipe);
                }
                if Acquired::possible(object) {
                    let message = buffer(self.cx, object, self.packing)?;
                    return self.leaf(message, noted);
                }
                let advice = match self.packing.fallback {
                    Fallback::Proxy => {
                        let message = Message::Proxy(object::pin(self.cx, object)?);
                        return self.leaf(message, noted);
                    }
                    Fallback::Refuse => "can't be shared",
                    Fallback::Pickle => "can be neither shared nor pickled",
                };
                Err(self.refuse(object, advice))
            }
        }
    }

    fn refuse(&self, object: Ref<'_>, why: &str) -> Raised {
        let message = format!("{}: {} {why}", self.path(), object.class_name(self.cx.py()));
        raise(self.cx, Error::NotShareable, &message)
    }

    fn leaf(&mut self, message: Message, noted: u8) -> PyResult<()> {
        let index = self.tree.leaves.len();
        self.tree.leaves.push(message);
        self.sized(code::LEAF | noted, index, &[])
    }

    fn enter_rebuilt(
        &mut self,
        object: Ref<'_>,
        noted: u8,
        recipe: &protocol::Recipe<'py>,
    ) -> PyResult<()> {
        let depth = self.open.iter().filter(|frame| frame.rebuilt.is_some());
        if depth.count() >= DEEPEST {
            return Err(self.refuse(object, "has parts without end"));
        }
        let parts = recipe.parts.get();
        let size = parts.size(self.cx.py())?;
        self.sized(code::REBUILD | noted, size, &[])?;
        for name in [&recipe.module, &recipe.qualname] {
            self.size(name.len());
            self.tree.code.extend_from_slice(name.as_bytes());
        }
        let owner = self.cx.state.interpreter().id();
        self.tree.code.extend_from_slice(&owner.to_le_bytes());
        self.open.push(Frame {
            steps: Steps::Tuple(parts.to_owned(self.cx.py()), 0),
            kind: Kind::Tuple,
            expected: size,
            taken: 0,
            key: None,
            rebuilt: Some(if noted == 0 {
                usize::MAX
            } else {
                self.kept.len() - 1
            }),
        });
        Ok(())
    }

    fn enter(&mut self, object: Ref<'_>, kind: Kind, code: u8, steps: Steps<'py>) -> PyResult<()> {
        let size = object.size(self.cx.py())?;
        self.sized(code, size, &[])?;
        let expected = if kind == Kind::Dict { 2 * size } else { size };
        self.open.push(Frame {
            steps,
            kind,
            expected,
            taken: 0,
            key: None,
            rebuilt: None,
        });
        Ok(())
    }

    fn plain(&mut self, code: u8, data: &[u8]) -> PyResult<()> {
        self.tree.code.push(code);
        self.tree.code.extend_from_slice(data);
        Ok(())
    }

    fn sized(&mut self, code: u8, size: usize, data: &[u8]) -> PyResult<()> {
        self.tree.code.push(code);
        self.size(size);
        self.tree.code.extend_from_slice(data);
        Ok(())
    }

    /// A number in groups of seven bits, lowest first.
    fn size(&mut self, mut value: usize) {
        while value >= 0x80 {
            self.tree.code.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.tree.code.push(value as u8);
    }

    /// Where the object that is being written is, seen from the root: `item[3]['handle']`.
    fn path(&self) -> String {
        let mut path = "item".to_owned();
        for frame in &self.open {
            path += &match (frame.kind, &frame.key) {
                (Kind::Dict, Some(key)) if frame.taken % 2 == 1 => {
                    format!(" key {}", key.get().brief_repr(self.cx.py()))
                }
                (Kind::Dict, Some(key)) => format!("[{}]", key.get().brief_repr(self.cx.py())),
                (Kind::Set | Kind::FrozenSet, _) => " element".to_owned(),
                _ if frame.rebuilt.is_some() => {
                    format!(".__share__()[1][{}]", frame.taken.saturating_sub(1))
                }
                _ => format!("[{}]", frame.taken.saturating_sub(1)),
            };
        }
        match path.char_indices().nth(LONGEST_PATH) {
            None => path,
            Some((end, _)) => format!("{}...", &path[..end]),
        }
    }
}
