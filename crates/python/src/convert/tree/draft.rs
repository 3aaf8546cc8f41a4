//! The text as far as it is written, and everything that is written in one go: what has no parts.

use super::super::{Message, Packing, leaf, names, same, shared_already};
use super::code;
use super::desk::Tools;
use super::met::Met;
use crate::py::object::Kind;
use crate::py::{Cx, Owned, PyResult, Ref};

/// What comes before the data of a `str` or `bytes`, at the most: code, width, length.
const HEADER: usize = 12;

/// How much text an item of a container is likely to be, in bytes.
const TYPICAL: usize = 8;

/// How many keys of an item may get a number.
const FEW: usize = 32;

pub(super) struct Draft<'py> {
    cx: Cx<'py>,
    packing: Packing,
    /// Could anybody get the very same objects?
    mates: bool,
    /// Do keys go by number?
    by_number: bool,
    /// Keys that went without one.
    unnumbered: Vec<Owned<'py>>,
    tools: Box<Tools>,
    /// Is any object met again?
    again: bool,
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
            // What is shared itself goes as a share, also where it is a key.
            by_number: !cfg!(Py_GIL_DISABLED)
                && !owner.has_mates()
                && !owner.objects().has_published(),
            unnumbered: Vec::new(),
            tools: cx.state.desk.take(),
            again: false,
            met: Met::new(),
        }
    }

    pub(super) fn into_message(mut self) -> Message {
        // Now only: within an item, an object goes always by number or never.
        for key in &self.unnumbered {
            let sent = &self.cx.state.sent;
            sent.remember(self.cx.py(), key.get(), names::number);
        }
        let owner = self.cx.state.interpreter().id();
        let message = self.tools.finish(owner, self.again, self.packing.whole);
        self.cx.state.desk.put_back(self.tools);
        message
    }

    /// Writes an object, if that is all it takes. Runs no Python code but for objects of other than built-in classes.
    ///
    /// `references`: how many to the object are the writer's own, or that of the container that it is from. `None`: it
    /// is from none. `is_key`: it is likely to come again in other items.
    #[inline]
    pub(super) fn write(
        &mut self,
        object: Ref<'_>,
        references: Option<isize>,
        is_key: bool,
    ) -> PyResult<Written> {
        let kind = object.kind();
        if kind == Kind::Str && self.by_number && references.is_some() {
            let number = self.cx.state.sent.number(self.cx.py(), object);
            if let Some(number) = number {
                self.plain(code::NAME, number.to_le_bytes());
                return Ok(Written::Whole);
            }
        }
        if self.scalar(object, kind, references.is_some())? {
            return Ok(Written::Whole);
        }
        self.write_notable(object, kind, references, is_key)
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
                Some(value) => self.int(value),
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

    #[inline]
    fn int(&mut self, value: i64) {
        match (i8::try_from(value), i32::try_from(value)) {
            (Ok(value), _) => self.plain(code::SMALL_INT, value.to_le_bytes()),
            (_, Ok(value)) => self.plain(code::INT_OF_4, value.to_le_bytes()),
            _ => self.plain(code::INT, value.to_le_bytes()),
        }
    }

    fn write_notable(
        &mut self,
        object: Ref<'_>,
        kind: Kind,
        references: Option<isize>,
        is_key: bool,
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
                self.tools.text.push(0);
            }
            Kind::Complex => {
                let (re, im) = object.as_complex();
                self.plain(code::COMPLEX | noted, re.to_le_bytes());
                self.tools.text.extend_from_slice(&im.to_le_bytes());
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
                    self.tools.text.reserve(characters.nbytes() + HEADER);
                    self.plain(code::STR | noted, [width]);
                    self.size(characters.nbytes());
                    self.tools.text.extend_from_slice(characters.bytes());
                    let short = characters.ascii && characters.nbytes() <= names::LONGEST;
                    if is_key && short && self.by_number && self.unnumbered.len() < FEW {
                        self.unnumbered.push(object.to_owned(cx.py()));
                    }
                }
            },
            Kind::Bytes => match leaf(cx, object, self.packing)? {
                Some(message) => self.leaf(message, noted),
                None => {
                    let data = object.as_bytes();
                    self.tools.text.reserve(data.len() + HEADER);
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
        self.again = true;
        self.sized(code::AGAIN, number, &[]);
        Some(number)
    }

    /// The number of the object that this is the code of, and that was the last one met.
    pub(super) fn number(&self, code: u8) -> Option<usize> {
        (code & code::NOTED != 0).then(|| self.met.last())
    }

    pub(super) fn leaf(&mut self, message: Message, noted: u8) {
        let index = self.tools.leaves.len();
        self.tools.leaves.push(Some(message));
        self.sized(code::LEAF | noted, index, &[]);
    }

    pub(super) fn named(&mut self, module: &str, qualname: &str, noted: u8) {
        self.sized(code::NAMED | noted, module.len(), module.as_bytes());
        self.size(qualname.len());
        self.tools.text.extend_from_slice(qualname.as_bytes());
    }

    /// What comes before the objects of a container.
    pub(super) fn container(&mut self, code: u8, size: usize, objects: usize) {
        self.tools.text.reserve(TYPICAL * objects + HEADER);
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
        let text = &mut self.tools.text;
        text.reserve(N + 1);
        text.push(code);
        text.extend_from_slice(&data);
    }

    fn sized(&mut self, code: u8, size: usize, data: &[u8]) {
        self.tools.text.push(code);
        self.size(size);
        self.tools.text.extend_from_slice(data);
    }

    /// A number in groups of seven bits, lowest first.
    fn size(&mut self, mut value: usize) {
        while value >= 0x80 {
            self.tools.text.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.tools.text.push(value as u8);
    }
}
