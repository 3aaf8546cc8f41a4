//! Values of one arena, written into another one.

use super::node::Node;
use super::value::{Items, Table, Value};
use super::write::{Container, Open, Writer};
use super::{Arena, FrozenError};
use crate::Pages;
use std::collections::HashMap;

/// A container that is being copied.
struct Copied<'a> {
    open: Open,
    node: Node,
    source: Source<'a>,
    /// How many nodes of it have been taken.
    taken: usize,
    is_key: bool,
}

enum Source<'a> {
    Items(Items<'a>),
    Entries(Table<'a>),
    Keys(Table<'a>),
}

impl Source<'_> {
    fn node(&self, at: usize) -> Option<Node> {
        match self {
            Self::Items(items) => (at < items.len()).then(|| items.get(at)),
            Self::Keys(table) => (at < table.len()).then(|| table.key(at)),
            Self::Entries(table) => (at / 2 < table.len()).then(|| match at % 2 {
                0 => table.key(at / 2),
                _ => table.value(at / 2),
            }),
        }
    }
}

impl Writer {
    /// A copy of a value of another arena, with all that is in it. In a key,
    /// sets become frozen ones.
    ///
    /// # Errors
    ///
    /// [`FrozenError::OutOfMemory`].
    pub fn copy(&mut self, from: &Arena, node: Node, is_key: bool) -> Result<Node, FrozenError> {
        let mut open: Vec<Copied<'_>> = Vec::new();
        let mut known = HashMap::new();
        let (mut node, mut is_key) = (node, is_key);
        loop {
            let mut done = match known.get(&(node, is_key)) {
                Some(&copy) => Some(self.share(copy)),
                None => match self.enter(from, node, is_key)? {
                    Ok(copy) => {
                        if from.store.leaves_again && node.is_worth_sharing() {
                            known.insert((node, is_key), copy);
                        }
                        Some(copy)
                    }
                    Err(entered) => {
                        open.push(entered);
                        None
                    }
                },
            };
            // Hand it to what it is in, and go on with that.
            loop {
                let Some(last) = open.last_mut() else {
                    return done
                        .ok_or_else(|| unreachable!("without a container, something was copied"));
                };
                if let Some(copy) = done.take() {
                    self.put(&mut last.open, copy);
                }
                match last.source.node(last.taken) {
                    Some(next) => {
                        let keys = match last.source {
                            Source::Entries(_) => last.taken % 2 == 0,
                            Source::Keys(_) => true,
                            Source::Items(_) => false,
                        };
                        last.taken += 1;
                        (node, is_key) = (next, last.is_key || keys);
                        break;
                    }
                    None => {
                        let Some(full) = open.pop() else { continue };
                        let copy = self.close(full.open)?;
                        if from.has_shared_parts() {
                            known.insert((full.node, full.is_key), copy);
                        }
                        done = Some(copy);
                    }
                }
            }
        }
    }

    /// Copies what has no parts, or makes room for what has.
    fn enter<'a>(
        &mut self,
        from: &'a Arena,
        node: Node,
        is_key: bool,
    ) -> Result<Result<Node, Copied<'a>>, FrozenError> {
        let (kind, source, len) = match from.read(node) {
            Value::None | Value::Ellipsis | Value::Bool(_) => return Ok(Ok(node)),
            Value::Int(value) => return self.int(value).map(Ok),
            Value::Big(big) => return self.big(big).map(Ok),
            Value::Float(value) => return self.float(value).map(Ok),
            Value::Complex(re, im) => return self.complex(re, im).map(Ok),
            Value::Text(text) => return self.text(text).map(Ok),
            Value::Bytes(data) => {
                let pages = match from.pages(node) {
                    Some(_) if !is_key => Pages::copy_of(data),
                    _ => Ok(None),
                };
                return match pages.map_err(|_| FrozenError::OutOfMemory)? {
                    Some(pages) => self.pages(pages).map(Ok),
                    None => self.bytes(data).map(Ok),
                };
            }
            Value::Tuple(items) => (Container::Tuple, Source::Items(items), items.len()),
            Value::List(items) => (Container::List, Source::Items(items), items.len()),
            Value::Dict(table) => (Container::Dict, Source::Entries(table), table.len()),
            Value::Set(table) if !is_key => (Container::Set, Source::Keys(table), table.len()),
            Value::Set(table) | Value::FrozenSet(table) => {
                (Container::FrozenSet, Source::Keys(table), table.len())
            }
        };
        Ok(Err(Copied {
            open: self.open(kind, len)?,
            node,
            source,
            taken: 0,
            is_key,
        }))
    }
}
