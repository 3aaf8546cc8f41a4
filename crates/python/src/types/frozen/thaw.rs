//! Plain objects of what is frozen. Keeps its own stack: depth is bounded by memory only.

use std::collections::HashMap;

use interlane_core::frozen::{Arena, Items, Node, Table, Value};

use super::plain;
use crate::py::{Cx, Owned, PyResult};

/// A container that is being filled.
struct Frame<'py, 'a> {
    object: Owned<'py>,
    node: Node,
    source: Source<'a>,
    /// How many nodes were taken.
    taken: usize,
    /// The key whose value comes next.
    key: Option<Owned<'py>>,
}

enum Source<'a> {
    Tuple(Items<'a>),
    List(Items<'a>),
    Dict(Table<'a>),
    Set(Table<'a>),
}

impl<'py> Frame<'py, '_> {
    fn next(&mut self) -> Option<Node> {
        let at = self.taken;
        let node = match &self.source {
            Source::Tuple(items) | Source::List(items) => (at < items.len()).then(|| items.get(at)),
            Source::Set(table) => (at < table.len()).then(|| table.key(at)),
            Source::Dict(table) => (at / 2 < table.len()).then(|| match at % 2 {
                0 => table.key(at / 2),
                _ => table.value(at / 2),
            }),
        };
        self.taken += usize::from(node.is_some());
        node
    }

    fn wants_key(&self) -> bool {
        matches!(self.source, Source::Dict(_)) && self.key.is_none()
    }

    fn take(&mut self, cx: Cx<'py>, part: Owned<'py>) -> PyResult<()> {
        let object = self.object.get();
        match &self.source {
            Source::Tuple(_) => object.fill(self.taken - 1, part),
            Source::List(_) => object.push(cx.py(), part)?,
            Source::Set(_) => object.add(cx.py(), part.get())?,
            Source::Dict(_) => match self.key.take() {
                None => self.key = Some(part),
                Some(key) => object.insert(cx.py(), key.get(), part.get())?,
            },
        }
        Ok(())
    }
}

/// The plain object of a value; a container that is in it twice is one object.
pub(super) fn thaw<'py>(cx: Cx<'py>, arena: &Arena, root: Node) -> PyResult<Owned<'py>> {
    let mut known = arena.has_shared_parts().then(HashMap::new);
    let mut frames: Vec<Frame<'py, '_>> = Vec::new();
    let mut node = root;
    loop {
        let met = known.as_ref().and_then(|known| known.get(&node));
        let is_key = frames.last().is_some_and(Frame::wants_key);
        let mut done = match met {
            Some(object) => {
                let object: &Owned<'py> = object;
                Some(object.get().to_owned(cx.py()))
            }
            None => match enter(cx, arena, node, is_key)? {
                Entered::Whole(object) => Some(object),
                Entered::Frame(frame) => {
                    frames.push(frame);
                    None
                }
            },
        };
        loop {
            let Some(frame) = frames.last_mut() else {
                return done.ok_or_else(|| unreachable!("without a frame, something was made"));
            };
            if let Some(object) = done.take() {
                frame.take(cx, object)?;
            }
            if let Some(next) = frame.next() {
                node = next;
                break;
            }
            let Some(full) = frames.pop() else { continue };
            if let Some(known) = &mut known {
                known.insert(full.node, full.object.get().to_owned(cx.py()));
            }
            done = Some(full.object);
        }
    }
}

enum Entered<'py, 'a> {
    Whole(Owned<'py>),
    Frame(Frame<'py, 'a>),
}

fn enter<'py, 'a>(
    cx: Cx<'py>,
    arena: &'a Arena,
    node: Node,
    is_key: bool,
) -> PyResult<Entered<'py, 'a>> {
    let value = arena.read(node);
    let (object, source) = match value {
        // Records have the same keys over and over.
        Value::Text(text) if is_key && text.ascii => {
            let key = cx.state.keys.get(cx.py(), text.data)?;
            return Ok(Entered::Whole(key));
        }
        Value::Tuple(items) => (cx.tuple(items.len())?, Source::Tuple(items)),
        Value::List(items) => (cx.list_for(items.len())?, Source::List(items)),
        Value::Dict(table) => (cx.dict()?, Source::Dict(table)),
        Value::Set(table) => (cx.set()?, Source::Set(table)),
        Value::FrozenSet(table) => (cx.frozenset()?, Source::Set(table)),
        _ => return plain(cx, &value).map(Entered::Whole),
    };
    Ok(Entered::Frame(Frame {
        object,
        node,
        source,
        taken: 0,
        key: None,
    }))
}
