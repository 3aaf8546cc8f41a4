//! From plain objects into an arena. Runs no Python code, and keeps its own stack: depth is bounded by memory only.

use interlane_core::frozen::{Arena, Big, Container, Node, Open, Text, Writer};
use interlane_core::{LEAST_ALIAS, Pages};

use super::super::tree::met::Met;
use super::super::tree::stack::{Frame, Role, Stack};
use super::raise;
use crate::errors::{self, Error};
use crate::py::container::{Next, Steps};
use crate::py::error::Builtin;
use crate::py::object::Kind;
use crate::py::{Cx, Owned, PyResult, Raised, Ref, shared_bytes, shared_text};
use crate::types::frozen;

struct Freezer<'py> {
    cx: Cx<'py>,
    draft: Draft<'py>,
    stack: Stack<'py>,
    /// What goes with each frame of the stack.
    open: Vec<Opened>,
    /// Is it for what is looked for? Then a named tuple is as good as a tuple.
    to_find: bool,
}

struct Opened {
    open: Open,
    number: Option<usize>,
    /// Is it a key, or in one?
    is_key: bool,
}

/// The arena as far as it is written, and everything that is written in one go.
struct Draft<'py> {
    cx: Cx<'py>,
    writer: Writer,
    met: Met<'py>,
    /// Of the objects met, by number. `None`: it is being written.
    nodes: Vec<Option<Node>>,
}

/// What has become of an object.
enum Written {
    Whole(Node),
    /// It is to be opened. With its number, if it has one.
    NotYet(Option<usize>),
    PartOfItself,
}

/// An arena with a copy of the object.
pub(crate) fn freeze(cx: Cx<'_>, object: Ref<'_>) -> PyResult<Arena> {
    write(cx, object, false)
}

/// An arena with a copy of a key, or of what may be equal to one.
pub(crate) fn freeze_to_find(cx: Cx<'_>, object: Ref<'_>) -> PyResult<Arena> {
    write(cx, object, true)
}

fn write(cx: Cx<'_>, object: Ref<'_>, to_find: bool) -> PyResult<Arena> {
    let mut freezer = Freezer {
        cx,
        draft: Draft {
            cx,
            writer: Writer::new(),
            met: Met::new(),
            nodes: Vec::new(),
        },
        stack: Stack::default(),
        open: Vec::new(),
        to_find,
    };
    let root = freezer.write_all(object, to_find)?;
    Ok(freezer.draft.writer.finish(root))
}

impl<'py> Freezer<'py> {
    fn write_all(&mut self, object: Ref<'_>, is_key: bool) -> PyResult<Node> {
        let py = self.cx.py();
        let written = self.draft.write(object, None, is_key)?;
        let mut done = self.go_on(object, written, is_key)?;
        loop {
            let (Some(frame), Some(opened)) = (self.stack.last_mut(), self.open.last_mut()) else {
                return done.ok_or_else(|| changed(self.cx));
            };
            let (draft, role) = (&mut self.draft, frame.role);
            if let Some(node) = done.take() {
                draft.put(opened, node)?;
            }
            let mut is_key = opened.is_key;
            let taken = &mut frame.taken;
            let next = frame.steps.next(py, |object, references| {
                is_key = opened.is_key || is_key_there(role, *taken);
                *taken += 1;
                match draft.write(object, Some(references), is_key)? {
                    Written::Whole(node) => draft.put(opened, node).map(|()| None),
                    written => Ok(Some(written)),
                }
            })?;
            match next {
                Next::Stop(object, written) => done = self.go_on(object.get(), written, is_key)?,
                Next::End => done = Some(self.close()?),
            }
        }
    }

    /// Goes on with an object that may not be written yet: `None` when it was opened.
    fn go_on(&mut self, object: Ref<'_>, written: Written, is_key: bool) -> PyResult<Option<Node>> {
        let py = self.cx.py();
        let number = match written {
            Written::Whole(node) => return Ok(Some(node)),
            Written::PartOfItself => {
                return Err(
                    self.refuse(object, "is a part of itself: what is frozen has no cycles")
                );
            }
            Written::NotYet(number) => number,
        };
        let plain;
        let object = if self.to_find && object.compares_as() == Some(Kind::Tuple) {
            plain = object.to_tuple(py)?;
            plain.get()
        } else {
            object
        };
        let kept = || object.to_owned(py);
        let (container, role, steps) = match object.kind() {
            Kind::Tuple => (Container::Tuple, Role::Tuple, Steps::of_tuple(kept())),
            Kind::List => (Container::List, Role::List, Steps::of_list(kept())),
            Kind::Dict => {
                let steps = Steps::of_dict(kept(), object.size(py)?);
                (Container::Dict, Role::Dict, steps)
            }
            Kind::Set if !is_key => {
                let steps = Steps::Iterator(object.iterate(py)?);
                (Container::Set, Role::Set, steps)
            }
            Kind::Set | Kind::FrozenSet => {
                let steps = Steps::Iterator(object.iterate(py)?);
                (Container::FrozenSet, Role::FrozenSet, steps)
            }
            _ => {
                let why = "is no plain data: only dict, list, tuple, set, frozenset, str, bytes, numbers, bool and None can be frozen";
                return Err(self.refuse(object, why));
            }
        };
        let size = object.size(py)?;
        let open = self.draft.writer.open(container, size);
        self.open.push(Opened {
            open: open.map_err(|error| raise(self.cx, error))?,
            number,
            is_key,
        });
        let expected = if role == Role::Dict { 2 * size } else { size };
        let frame = Frame {
            steps,
            role,
            expected,
            taken: 0,
        };
        self.stack.push(frame, None);
        Ok(None)
    }

    fn close(&mut self) -> PyResult<Node> {
        let Some(opened) = self.open.pop() else {
            return Err(changed(self.cx));
        };
        self.stack.pop();
        let draft = &mut self.draft;
        if draft.writer.room(&opened.open) > 0 {
            return Err(changed(self.cx));
        }
        let node = draft.writer.close(opened.open);
        let node = node.map_err(|error| raise(self.cx, error))?;
        if let Some(number) = opened.number {
            draft.nodes[number] = Some(node);
        }
        Ok(node)
    }

    fn refuse(&self, object: Ref<'_>, why: &str) -> Raised {
        let (path, class) = (
            self.stack.path(self.cx.py()),
            object.class_name(self.cx.py()),
        );
        errors::raise(
            self.cx,
            Error::NotShareable,
            &format!("{path}: {class} {why}"),
        )
    }
}

/// Is what is in this place of a container a key?
fn is_key_there(role: Role, place: usize) -> bool {
    match role {
        Role::Dict => place % 2 == 0,
        Role::Set | Role::FrozenSet => true,
        _ => false,
    }
}

#[cold]
fn changed(cx: Cx<'_>) -> Raised {
    Raised::builtin(
        cx.py(),
        Builtin::Runtime,
        "a container changed size while it was being frozen",
    )
}

impl Draft<'_> {
    /// `references`: as in [`Steps::next`]. `None`: the object is all there is.
    #[inline]
    fn write(
        &mut self,
        object: Ref<'_>,
        references: Option<isize>,
        is_key: bool,
    ) -> PyResult<Written> {
        let py = self.cx.py();
        let kind = object.kind();
        let node = match kind {
            Kind::None => Ok(Node::NONE),
            Kind::Bool(false) => Ok(Node::FALSE),
            Kind::Bool(true) => Ok(Node::TRUE),
            Kind::Ellipsis => Ok(Node::ELLIPSIS),
            Kind::Int => match object.small_int(py)? {
                Some(value) => self.writer.int(value),
                None => return self.big(object),
            },
            Kind::Float => self.writer.float(object.as_float(py)?),
            Kind::Complex => {
                let (re, im) = object.as_complex();
                self.writer.complex(re, im)
            }
            _ => return self.write_notable(object, kind, references, is_key),
        };
        node.map(Written::Whole)
            .map_err(|error| raise(self.cx, error))
    }

    fn write_notable(
        &mut self,
        object: Ref<'_>,
        kind: Kind,
        references: Option<isize>,
        is_key: bool,
    ) -> PyResult<Written> {
        let cx = self.cx;
        // What is frozen already may be of another kind in a key.
        if kind == Kind::Other {
            if let Some(transit) = frozen::transit(cx, object) {
                let copy = self.writer.copy(&transit.arena, transit.node, is_key);
                return copy.map(Written::Whole).map_err(|error| raise(cx, error));
            }
        }
        let mut number = None;
        if references.is_none_or(|references| object.has_more_references(references)) {
            if let Some(number) = self.met.again(cx.py(), object) {
                return Ok(match self.nodes[number] {
                    Some(node) => Written::Whole(self.writer.share(node)),
                    None => Written::PartOfItself,
                });
            }
            number = Some(self.met.last());
            self.nodes.push(None);
        }
        let node = match kind {
            Kind::Str => self.text(object)?,
            Kind::Bytes => self.bytes(object.as_bytes(), is_key)?,
            Kind::Other if shared_text::share_of(cx, object).is_some() => self.text(object)?,
            Kind::Other if shared_bytes::is_one(cx, object) => {
                self.bytes(object.as_bytes(), is_key)?
            }
            _ => return Ok(Written::NotYet(number)),
        };
        if let Some(number) = number {
            self.nodes[number] = Some(node);
        }
        Ok(Written::Whole(node))
    }

    fn text(&mut self, object: Ref<'_>) -> PyResult<Node> {
        let characters = object.characters();
        let node = self.writer.text(Text {
            ascii: characters.ascii,
            width: characters.width,
            data: characters.bytes(),
        });
        node.map_err(|error| raise(self.cx, error))
    }

    /// Large bytes get pages, which each interpreter maps for itself.
    fn bytes(&mut self, data: &[u8], is_key: bool) -> PyResult<Node> {
        let mut pages = None;
        if data.len() >= LEAST_ALIAS && !is_key {
            pages = Pages::copy_of(data).map_err(|error| Raised::io(self.cx.py(), &error))?;
        }
        let node = match pages {
            Some(pages) => self.writer.pages(pages),
            None => self.writer.bytes(data),
        };
        node.map_err(|error| raise(self.cx, error))
    }

    fn big(&mut self, object: Ref<'_>) -> PyResult<Written> {
        let (negative, magnitude) = magnitude(self.cx, object)?;
        let big = Big {
            negative,
            magnitude: &magnitude,
        };
        let node = self.writer.big(big);
        node.map(Written::Whole)
            .map_err(|error| raise(self.cx, error))
    }

    fn put(&mut self, opened: &mut Opened, node: Node) -> PyResult<()> {
        if self.writer.room(&opened.open) == 0 {
            return Err(changed(self.cx));
        }
        self.writer.put(&mut opened.open, node);
        Ok(())
    }
}

/// Whether an `int` is negative, and its bytes, the lowest first.
pub(crate) fn magnitude(cx: Cx<'_>, object: Ref<'_>) -> PyResult<(bool, Vec<u8>)> {
    let text: Owned<'_> = object.int_to_hex(cx.py())?;
    let text = text.get().characters();
    let text = text.bytes();
    let negative = text.first() == Some(&b'-');
    let digits = &text[usize::from(negative) + 2..]; // behind 0x
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => digit - b'0',
        _ => digit - b'a' + 10,
    };
    let bytes = digits.rchunks(2).map(|pair| match *pair {
        [high, low] => digit(high) << 4 | digit(low),
        [low] => digit(low),
        _ => 0,
    });
    Ok((negative, bytes.collect()))
}
