//! Plain data, frozen: written once into one block of memory, and read in
//! place by any number of threads, without being taken apart first.
//!
//! ```text
//!    words   ┌──────┬─────────────┬─────────────┬─────────────────────────────┐
//!            │ text │ number      │ tuple       │ dict                        │
//!            └──────┴─────────────┴─────────────┴─────────────────────────────┘
//!               ▲                   │               │ entries, then their index
//!               └───────────────────┴───────────────┘ nodes: kind and offset
//! ```
//!
//! The block is of words of eight bytes. A [`Node`] is one word: the kind of a
//! value and either the value itself or where in the block it is, counted from
//! the block's start, so that the block means the same at any address.
//!
//! | what | words |
//! |---|---|
//! | integer of 64 bits, float | 1 |
//! | complex | 2 |
//! | larger integer | length and sign, magnitude |
//! | text | length and width, characters and a zero one behind |
//! | bytes | length, contents; large ones are in [`Pages`] beside the block |
//! | list | length, nodes |
//! | tuple | length, nodes |
//! | set | length, size of the index, hash, nodes of the keys, index |
//! | dict | length, size of the index, 0, nodes of keys and values in turn, index |
//!
//! A dict of up to 8 keys has no index: its keys are compared one by one. Other
//! dicts, and sets, have a hash table with open addressing and linear probing,
//! at most two thirds full: 40 bits of a slot are the number of the entry,
//! counted from 1, the others are bits of the key's hash. Entries keep their
//! order. Hashes are keyed by a random seed of the block's own.
//!
//! Values are equal as in Python: numbers by value, whatever their type, and
//! sets whether frozen or not. A NaN is equal to nothing.

mod copy;
mod equal;
mod hash;
mod node;
mod number;
mod store;
mod value;
mod write;

pub use self::node::Node;
pub use self::value::{Big, Items, Table, Text, Value};
pub use self::write::{Container, Open, Writer};

use self::store::Store;
use crate::Pages;
use std::fmt;

/// A block with a value in it, and all that this is made of.
///
/// # Examples
///
/// ```
/// use interlane_core::frozen::{Container, Text, Value, Writer};
///
/// let text = |data| Text { ascii: true, width: 1, data };
/// let mut writer = Writer::new();
/// let (key, value) = (writer.text(text(b"answer")).unwrap(), writer.int(42).unwrap());
/// let mut dict = writer.open(Container::Dict, 1).unwrap();
/// writer.put(&mut dict, key);
/// writer.put(&mut dict, value);
/// let root = writer.close(dict).unwrap();
/// let arena = writer.finish(root);
///
/// let Value::Dict(dict) = arena.read(arena.root()) else { panic!() };
/// let entry = dict.find(&Value::Text(text(b"answer"))).unwrap().unwrap();
/// assert!(matches!(arena.read(dict.value(entry)), Value::Int(42)));
/// ```
#[derive(Debug)]
pub struct Arena {
    store: Store,
    root: Node,
}

impl Arena {
    /// The value that was written last, around all others.
    pub fn root(&self) -> Node {
        self.root
    }

    /// The value of a node of this arena.
    ///
    /// # Panics
    ///
    /// May panic for a node of another one, or give any value.
    pub fn read(&self, node: Node) -> Value<'_> {
        self.store.read(node)
    }

    /// The pages that bytes are in, if they are.
    pub fn pages(&self, node: Node) -> Option<(usize, &Pages)> {
        self.store.pages_of(node)
    }

    /// The pages of that number.
    ///
    /// # Panics
    ///
    /// There are none.
    pub fn page(&self, number: usize) -> &Pages {
        &self.store.pages[number]
    }

    /// Is anything in it that has parts a part of more than one thing?
    pub fn has_shared_parts(&self) -> bool {
        self.store.again
    }

    /// How much memory it takes.
    pub fn nbytes(&self) -> usize {
        let beside: usize = self.store.pages.iter().map(Pages::len).sum();
        size_of_val(&self.store.words[..]) + beside
    }

    /// The block itself.
    pub fn words(&self) -> &[u64] {
        &self.store.words
    }
}

/// Why something could not be frozen, or found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrozenError {
    /// There is no memory.
    OutOfMemory,
    /// Keys that are made of keys of keys, and so on without an end in sight.
    TooDeep,
    /// A list or a dict for a key.
    Unhashable,
}

impl fmt::Display for FrozenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutOfMemory => "out of memory",
            Self::TooDeep => "keys are nested too deeply",
            Self::Unhashable => "a list or a dict cannot be a key",
        })
    }
}

impl std::error::Error for FrozenError {}

/// How deep keys may be nested in keys. Each level takes some stack.
const DEEPEST: usize = 500;
