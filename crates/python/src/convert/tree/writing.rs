//! From objects to the text.

use std::collections::HashMap;

use super::super::{Message, leaf, pickle};
use super::{Tree, code};
use crate::errors::{Error, class, raise};
use crate::py::container::Steps;
use crate::py::object::Kind;
use crate::py::{Cx, Owned, PyResult, Raised, Ref};
use crate::runtime::lane::Fallback;

/// What comes before the data of a `str` or `bytes`, at the most: code, width, length.
const HEADER: usize = 12;

struct Writer<'py> {
    cx: Cx<'py>,
    fallback: Fallback,
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
}

pub(in super::super) fn pack(cx: Cx<'_>, object: Ref<'_>, fallback: Fallback) -> PyResult<Message> {
    let mut writer = Writer {
        cx,
        fallback,
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
        Ok(()) => Ok(Message::Tree(Box::new(writer.tree))),
        // What can't be shared in place is pickled as a whole, so that identities inside are kept.
        Err(raised)
            if fallback == Fallback::Pickle
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
                return self.sized(code::AGAIN, number, &[]);
            }
            self.numbers.insert(object.address(), self.kept.len());
            self.kept.push(object.to_owned(py));
            noted = code::NOTED;
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
        if let Some(message) = leaf(self.cx, object)? {
            let index = self.tree.leaves.len();
            self.tree.leaves.push(message);
            return self.sized(code::LEAF | noted, index, &[]);
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
                let path = self.path();
                let message = format!("{path}: {}", object.class_name(self.cx.py()));
                let advice = if self.fallback == Fallback::Refuse {
                    "can't be shared"
                } else {
                    "can be neither shared nor pickled"
                };
                Err(raise(
                    self.cx,
                    Error::NotShareable,
                    &format!("{message} {advice}"),
                ))
            }
        }
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
                _ => format!("[{}]", frame.taken.saturating_sub(1)),
            };
        }
        path
    }
}
