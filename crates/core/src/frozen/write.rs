//! Writing a block.

use super::hash::{self, Seed};
use super::node::{Kind, Node};
use super::store::{Store, text_header, word_of};
use super::value::{Big, ENTRY, SMALL, TABLE_HEADER, Table, Text, Value};
use super::{Arena, DEEPEST, FrozenError};
use crate::Pages;

/// An arena in the making.
///
/// What is inside of something is written before that is closed, so that what
/// is written is a tree, or has parts in common, and never contains itself.
#[derive(Debug)]
pub struct Writer {
    store: Store,
}

/// What has values inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// Any values.
    Tuple,
    /// Any values.
    List,
    /// Keys and values in turn. No two keys are equal.
    Dict,
    /// Keys. No two are equal.
    Set,
    /// Keys. No two are equal.
    FrozenSet,
}

/// A container that is being filled.
#[derive(Debug)]
#[must_use = "a container has to be closed"]
pub struct Open {
    kind: Container,
    /// Where it is.
    start: usize,
    /// Where the next node goes.
    next: usize,
    /// Where the last node ends.
    end: usize,
}

impl Default for Writer {
    fn default() -> Self {
        Self::new()
    }
}

impl Writer {
    /// Nothing yet.
    pub fn new() -> Self {
        Self {
            store: Store {
                words: Vec::new(),
                pages: Vec::new(),
                seed: Seed::random(),
                again: false,
                leaves_again: false,
            },
        }
    }

    /// A whole number.
    ///
    /// # Errors
    ///
    /// [`FrozenError::OutOfMemory`], as for all that is written.
    pub fn int(&mut self, value: i64) -> Result<Node, FrozenError> {
        match Node::small(value) {
            Some(node) => Ok(node),
            None => self.add(Kind::Int, &[value as u64]),
        }
    }

    /// A whole number of any size.
    ///
    /// # Errors
    ///
    /// [`FrozenError::OutOfMemory`].
    pub fn big(&mut self, big: Big<'_>) -> Result<Node, FrozenError> {
        match Value::int(big.negative, big.magnitude) {
            Value::Big(big) => {
                let header = (big.magnitude.len() as u64) << 1 | u64::from(big.negative);
                self.add_bytes(Kind::Big, header, big.magnitude, 0)
            }
            Value::Int(value) => self.int(value),
            _ => unreachable!("it is one of the two"),
        }
    }

    /// A number, whose bits are kept.
    ///
    /// # Errors
    ///
    /// [`FrozenError::OutOfMemory`].
    pub fn float(&mut self, value: f64) -> Result<Node, FrozenError> {
        self.add(Kind::Float, &[value.to_bits()])
    }

    /// Two numbers, whose bits are kept.
    ///
    /// # Errors
    ///
    /// [`FrozenError::OutOfMemory`].
    pub fn complex(&mut self, re: f64, im: f64) -> Result<Node, FrozenError> {
        self.add(Kind::Complex, &[re.to_bits(), im.to_bits()])
    }

    /// Characters. A zero one follows them in memory.
    ///
    /// # Errors
    ///
    /// [`FrozenError::OutOfMemory`].
    pub fn text(&mut self, text: Text<'_>) -> Result<Node, FrozenError> {
        let behind = usize::from(text.width);
        self.add_bytes(Kind::Text, text_header(text), text.data, behind)
    }

    /// Bytes.
    ///
    /// # Errors
    ///
    /// [`FrozenError::OutOfMemory`].
    pub fn bytes(&mut self, data: &[u8]) -> Result<Node, FrozenError> {
        self.add_bytes(Kind::Bytes, data.len() as u64, data, 0)
    }

    /// Bytes in pages of their own, to which nobody writes.
    ///
    /// # Errors
    ///
    /// [`FrozenError::OutOfMemory`].
    pub fn pages(&mut self, pages: Pages) -> Result<Node, FrozenError> {
        let more = self.store.pages.try_reserve(1);
        more.map_err(|_| FrozenError::OutOfMemory)?;
        self.store.pages.push(pages);
        Ok(Node::new(Kind::Pages, self.store.pages.len() - 1))
    }

    /// Says that a node will be put in a second place.
    pub fn share(&mut self, node: Node) -> Node {
        match node.has_parts() {
            true => self.store.again = true,
            false => self.store.leaves_again = true,
        }
        node
    }

    /// Makes room for a container: of `len` values, or of so many keys.
    ///
    /// # Errors
    ///
    /// [`FrozenError::OutOfMemory`].
    pub fn open(&mut self, kind: Container, len: usize) -> Result<Open, FrozenError> {
        let (header, stride) = match kind {
            Container::Tuple | Container::List => (1, 1),
            Container::Set | Container::FrozenSet => (TABLE_HEADER, 1),
            Container::Dict => (TABLE_HEADER, 2),
        };
        let slots = match kind {
            Container::Tuple | Container::List => Some(0),
            Container::Dict if len <= SMALL => Some(0),
            _ => slots(len),
        };
        let nodes = len.checked_mul(stride);
        let size = slots.zip(nodes).and_then(|(slots, nodes)| {
            let size = nodes.checked_add(slots)?;
            size.checked_add(header)
        });
        let (Some(size), Some(slots), Some(nodes)) = (size, slots, nodes) else {
            return Err(FrozenError::OutOfMemory);
        };
        let words = &mut self.store.words;
        let start = words.len();
        reserve(words, size)?;
        words.resize(start + size, 0);
        words[start] = len as u64;
        if header == TABLE_HEADER {
            words[start + 1] = slots as u64;
        }
        Ok(Open {
            kind,
            start,
            next: start + header,
            end: start + header + nodes,
        })
    }

    /// Puts the next value into a container.
    ///
    /// # Panics
    ///
    /// It is full.
    pub fn put(&mut self, open: &mut Open, node: Node) {
        assert!(open.next < open.end, "the container is full");
        self.store.words[open.next] = node.word();
        open.next += 1;
    }

    /// How many values are missing in a container.
    pub fn room(&self, open: &Open) -> usize {
        open.end - open.next
    }

    /// The container as a value.
    ///
    /// # Errors
    ///
    /// [`FrozenError::TooDeep`] and [`FrozenError::Unhashable`], for its keys.
    ///
    /// # Panics
    ///
    /// It is not full.
    pub fn close(&mut self, open: Open) -> Result<Node, FrozenError> {
        assert!(open.next == open.end, "the container is not full");
        let (kind, table) = match open.kind {
            Container::Tuple => (Kind::Tuple, None),
            Container::List => (Kind::List, None),
            Container::Dict => (Kind::Dict, Some(true)),
            Container::Set => (Kind::Set, Some(false)),
            Container::FrozenSet => (Kind::FrozenSet, Some(false)),
        };
        if let Some(has_values) = table {
            self.index(&open, has_values)?;
        }
        Ok(Node::new(kind, open.start))
    }

    /// The value, with all that was written.
    pub fn finish(mut self, root: Node) -> Arena {
        self.store.words.shrink_to_fit();
        Arena {
            store: self.store,
            root,
        }
    }

    /// Fills the index of a table.
    fn index(&mut self, open: &Open, has_values: bool) -> Result<(), FrozenError> {
        let seed = self.store.seed;
        let (len, size) = (
            self.store.words[open.start] as usize,
            self.store.words[open.start + 1] as usize,
        );
        if size == 0 && has_values {
            return self.check_keys(open);
        }
        let mask = size.wrapping_sub(1);
        let mut sum = 0_u64;
        for entry in 0..len {
            let table = Table::new(&self.store, open.start, has_values);
            let hash = hash::of(seed, &table.read_key(entry), DEEPEST)?;
            sum = sum.wrapping_add(hash);
            let index = &mut self.store.words[open.end..];
            let mut slot = hash as usize & mask;
            while index[slot] != 0 {
                slot = (slot + 1) & mask;
            }
            index[slot] = hash & !ENTRY | (entry as u64 + 1);
        }
        if !has_values {
            self.store.words[open.start + 2] = hash::of_sum(seed, len, sum);
        }
        Ok(())
    }

    /// Sees to it that the keys of a dict without an index could be in one.
    fn check_keys(&self, open: &Open) -> Result<(), FrozenError> {
        let table = Table::new(&self.store, open.start, true);
        for entry in 0..table.len() {
            table.read_key(entry).check_key()?;
        }
        Ok(())
    }

    fn add(&mut self, kind: Kind, words: &[u64]) -> Result<Node, FrozenError> {
        let at = self.store.words.len();
        reserve(&mut self.store.words, words.len())?;
        self.store.words.extend_from_slice(words);
        Ok(Node::new(kind, at))
    }

    /// A header, bytes, and at least so many zeroes behind.
    fn add_bytes(
        &mut self,
        kind: Kind,
        header: u64,
        data: &[u8],
        zeroes: usize,
    ) -> Result<Node, FrozenError> {
        let words = &mut self.store.words;
        let at = words.len();
        let size = 1 + (data.len() + zeroes).div_ceil(8);
        reserve(words, size)?;
        words.push(header);
        words.extend(data.chunks(8).map(word_of));
        words.resize(at + size, 0);
        Ok(Node::new(kind, at))
    }
}

/// How large the index of a table is: a power of two, of which at most two
/// thirds are used.
fn slots(len: usize) -> Option<usize> {
    if len == 0 {
        return Some(0);
    }
    if len as u64 >= ENTRY {
        return None;
    }
    (len + len / 2 + 1).checked_next_power_of_two()
}

fn reserve(words: &mut Vec<u64>, more: usize) -> Result<(), FrozenError> {
    words
        .try_reserve(more)
        .map_err(|_| FrozenError::OutOfMemory)
}
