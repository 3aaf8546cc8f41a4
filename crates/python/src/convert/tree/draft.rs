//! The text as far as it is written, and everything that is written in one go: what has no parts.

use super::super::{Message, Packing, leaf, same, shared_already};
use super::met::Met;
use super::{Tree, code};
use crate::py::object::Kind;
use crate::py::{Cx, PyResult, Ref};

/// What comes before the data of a `str` or `bytes`, at the most: code, width, length.
const HEADER: usize = 12;

/// How much text an item of a container is likely to be, in bytes.
const TYPICAL: usize = 8;

pub(super) struct Draft<'py> {
    cx: Cx<'py>,
    packing: Packing,
    /// Could anybody get the very same objects?
    mates: bool,
    tree: Tree,
    met: Met<'py>,
}

/// What has become of an object.
pub(super) enum Written {
    /// It is all there.
    Whole,
    /// The number of an object met before stands for it.
    Again(usize),
    /// It has parts, or only its class says how it is written. The bits are `NOTED` when it has a number.
    NotYet(Kind, u8),
}

impl<'py> Draft<'py> {
    pub(super) fn new(cx: Cx<'py>, packing: Packing) -> Self {
        let owner = cx.state.interpreter();
        Self {
            cx,
            packing,
            mates: owner.has_mates(),
            tree: Tree {
                code: Vec::new(),
                leaves: Vec::new(),
                owner: owner.id(),
                again: false,
            },
            met: Met::new(),
        }
    }

    pub(super) fn into_message(self) -> Message {
        self.tree.into_message()
    }

    /// Writes an object, if that is all it takes. Runs no Python code but for objects of other than built-in classes.
    ///
    /// `references`: how many to the object are the writer's own, or that of the container that it is from. `None`: it
    /// is from none.
    #[inline]
    pub(super) fn write(
        &mut self,
        object: Ref<'_>,
        references: Option<isize>,
    ) -> PyResult<Written> {
        let kind = object.kind();
        if self.scalar(object, kind, references.is_some())? {
            return Ok(Written::Whole);
        }
        self.write_notable(object, kind, references)
    }

    /// Writes what is not worth a number.
    #[inline]
    fn scalar(&mut self, object: Ref<'_>, kind: Kind, inside: bool) -> PyResult<bool> {
        if self.mates && inside && matches!(kind, Kind::Int | Kind::Float) {
            if let Some(share) = same::share(self.cx, object)? {
                self.leaf(Message::Same(share), 0);
                return Ok(true);
            }
        }
        match kind {
            Kind::Int => match object.small_int(self.cx.py())? {
                None => return Ok(false),
                Some(value) => match i8::try_from(value) {
                    Ok(small) => self.plain(code::SMALL_INT, small.to_le_bytes()),
                    Err(_) => self.plain(code::INT, value.to_le_bytes()),
                },
            },
            Kind::Float => {
                let value = object.as_float(self.cx.py())?;
                self.plain(code::FLOAT, value.to_le_bytes());
            }
            Kind::None => self.plain(code::NONE, []),
            Kind::Bool(false) => self.plain(code::FALSE, []),
            Kind::Bool(true) => self.plain(code::TRUE, []),
            Kind::Ellipsis => self.plain(code::ELLIPSIS, []),
            Kind::NotImplemented => self.plain(code::NOT_IMPLEMENTED, []),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn write_notable(
        &mut self,
        object: Ref<'_>,
        kind: Kind,
        references: Option<isize>,
    ) -> PyResult<Written> {
        let cx = self.cx;
        let mut noted = 0;
        let notable = match references {
            // A scalar that is all there is cannot be met again.
            None => !matches!(kind, Kind::Int | Kind::Complex | Kind::Str | Kind::Bytes),
            Some(references) => object.has_more_references(references),
        };
        if notable {
            if let Some(number) = self.again(object) {
                return Ok(Written::Again(number));
            }
            noted = code::NOTED;
        }
        if let Some(message) = shared_already(cx, object, self.packing) {
            self.leaf(message, noted);
            return Ok(Written::Whole);
        }
        if self.mates && references.is_some() {
            if let Some(share) = same::share(cx, object)? {
                self.leaf(Message::Same(share), noted);
                return Ok(Written::Whole);
            }
        }
        match kind {
            Kind::Int => {
                let text = object.int_to_hex(cx.py())?;
                let digits = text.get().characters();
                self.sized(code::BIG_INT | noted, digits.nbytes() + 1, digits.bytes());
                self.tree.code.push(0);
            }
            Kind::Complex => {
                let (re, im) = object.as_complex();
                self.plain(code::COMPLEX | noted, re.to_le_bytes());
                self.tree.code.extend_from_slice(&im.to_le_bytes());
            }
            Kind::Str => match leaf(cx, object, self.packing)? {
                Some(message) => self.leaf(message, noted),
                None => {
                    let characters = object.characters();
                    let width = if characters.ascii {
                        0
                    } else {
                        characters.width
                    };
                    // One allocation for a lone string.
                    self.tree.code.reserve(characters.nbytes() + HEADER);
                    self.plain(code::STR | noted, [width]);
                    self.size(characters.nbytes());
                    self.tree.code.extend_from_slice(characters.bytes());
                }
            },
            Kind::Bytes => match leaf(cx, object, self.packing)? {
                Some(message) => self.leaf(message, noted),
                None => {
                    let data = object.as_bytes();
                    self.tree.code.reserve(data.len() + HEADER);
                    self.sized(code::BYTES | noted, data.len(), data);
                }
            },
            _ => return Ok(Written::NotYet(kind, noted)),
        }
        Ok(Written::Whole)
    }

    /// Writes the number of the object, if it has been met; else gives it one.
    pub(super) fn again(&mut self, object: Ref<'_>) -> Option<usize> {
        let number = self.met.again(self.cx.py(), object)?;
        self.tree.again = true;
        self.sized(code::AGAIN, number, &[]);
        Some(number)
    }

    /// The number of the object that this is the code of, and that was the last one met.
    pub(super) fn number(&self, code: u8) -> Option<usize> {
        (code & code::NOTED != 0).then(|| self.met.last())
    }

    pub(super) fn leaf(&mut self, message: Message, noted: u8) {
        let index = self.tree.leaves.len();
        self.tree.leaves.push(message);
        self.sized(code::LEAF | noted, index, &[]);
    }

    pub(super) fn named(&mut self, module: &str, qualname: &str, noted: u8) {
        self.sized(code::NAMED | noted, module.len(), module.as_bytes());
        self.size(qualname.len());
        self.tree.code.extend_from_slice(qualname.as_bytes());
    }

    /// What comes before the objects of a container.
    pub(super) fn container(&mut self, code: u8, size: usize, objects: usize) {
        self.tree.code.reserve(TYPICAL * objects + HEADER);
        self.sized(code, size, &[]);
    }

    /// What comes before the parts of an instance.
    pub(super) fn instance(&mut self, noted: u8, how: [u8; 2], arguments: usize, rest: usize) {
        self.plain(code::INSTANCE | noted, how);
        self.size(arguments);
        self.size(rest);
    }

    #[inline]
    fn plain<const N: usize>(&mut self, code: u8, data: [u8; N]) {
        let text = &mut self.tree.code;
        text.reserve(N + 1);
        text.push(code);
        text.extend_from_slice(&data);
    }

    fn sized(&mut self, code: u8, size: usize, data: &[u8]) {
        self.tree.code.push(code);
        self.size(size);
        self.tree.code.extend_from_slice(data);
    }

    /// A number in groups of seven bits, lowest first.
    fn size(&mut self, mut value: usize) {
        while value >= 0x80 {
            self.tree.code.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.tree.code.push(value as u8);
    }
}
